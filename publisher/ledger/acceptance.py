"""Accept: one transaction from a checked notice to its deliveries."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from publisher.channel import Rendition, TaskNote
from publisher.delivery import IntakeState, Operation, State, WaitsFor
from publisher.errors import ADVICE, NotAllowed, Problem, Reason
from publisher.ledger import acts, attempts, contents, deliveries, intake_rows, places
from publisher.ledger.acts import Person
from publisher.ledger.chain import Entry, sha256_text
from publisher.ledger.deliveries import Delivery
from publisher.ledger.intake_rows import IntakeRow
from publisher.ledger.store import PROGRAM, Tx
from publisher.ledger.tables import delivery, notice, version
from publisher.notice import Kind, Notice, identity


@dataclass(frozen=True, slots=True)
class Planned:
    """One delivery to be: on which channel, with which text, until when, and whether it is held from the start.

    `legal_by`: the first day of the law by whose end the notice must be public, over already or not.
    `fed_by`: the channel that forwards it there; nothing is sent, it is looked for once that one has published.
    """

    channel: str
    tier: str
    mandatory: bool
    rendition: Rendition
    deadline: datetime
    held: Problem | None = None
    fed_by: str | None = None
    legal_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """What accept made."""

    notice_id: int
    version_id: int
    number: str


def project_part(key: str) -> str:
    """The project part of a notice's identity."""
    return key.partition("|lots:")[0]


def find_notice(conn: Connection, key: str) -> Delivery | None:
    """The notice with this identity."""
    return conn.execute(select(notice).where(notice.c.identity == key)).one_or_none()


def newest_number(conn: Connection, key: str) -> str:
    """The intake number of the newest version of the notice with this identity."""
    joined = version.join(notice, notice.c.id == version.c.notice_id)
    query = select(version.c.number).select_from(joined).where(notice.c.identity == key)
    return str(conn.execute(query.order_by(version.c.id.desc()).limit(1)).scalar_one())


def referred(conn: Connection, references: Sequence[str]) -> list[tuple[str, str]]:
    """Newest intake number and title of every notice that one of `references` names: an intake or a project number."""
    joined = version.join(notice, notice.c.id == version.c.notice_id)
    found: dict[int, tuple[str, str]] = {}
    for reference in references:
        project = "no:" + "".join(reference.split()).upper()
        meant = (version.c.number == reference) | (notice.c.project == project)
        query = select(notice.c.id, version.c.number, notice.c.title).select_from(joined).where(meant)
        for row in conn.execute(query.order_by(version.c.id)):
            found[row.id] = (row.number, row.title)
    return list(found.values())


def find_original(conn: Connection, content: Notice) -> int | None:
    """The notice that a change notice refers to, as far as this ledger knows it: the newest that fits."""
    original = content.original
    if original is None or content.kind is not Kind.CHANGE_NOTICE:
        return None
    names = {"project_no": original.project_no or content.project_no}
    names["project_name"] = original.project_name or content.project_name
    probe = content.model_copy(update=names)
    query = select(notice.c.id).where(
        notice.c.project == project_part(identity(probe)), notice.c.kind != Kind.CHANGE_NOTICE.value
    )
    if "RESULT" not in content.form.name:
        query = query.where(notice.c.kind == Kind.BID_ANNOUNCEMENT.value)
    return conn.execute(query.order_by(notice.c.id.desc()).limit(1)).scalar_one_or_none()


def may_replace(conn: Connection, notice_id: int) -> str | None:
    """Why a new version may not be taken now (Chinese), or None if it may.

    It may only while every delivery is pending, failed or held, and none is possibly public.
    """
    for row in conn.execute(select(delivery).where(delivery.c.notice_id == notice_id)):
        state = State(row.state)
        if state in (State.SUPERSEDED, State.CANCELLED) or deliveries.waits_for_feeder(row):
            continue
        if state in (State.PENDING, State.FAILED, State.HELD) and not attempts.may_be_public(conn, row):
            continue
        return f"在 {row.channel} 上为“{state.label}”，原文将继续发布；不同的内容须以更正公告发布"
    return None


def accept(
    tx: Tx,
    row: IntakeRow,
    content: Notice,
    attachments: Mapping[str, bytes],
    planned: Sequence[Planned],
    *,
    approvals_needed: int | Mapping[str, int],
    ledger_id: str,
    warnings: Sequence[Problem] = (),
    by: str = PROGRAM,
) -> Accepted:
    """Make notice, version, renditions and deliveries, and mark the intake row accepted.

    `approvals_needed`: how many persons must approve, on every channel or by channel. It is kept with each
    delivery: a rule that is changed later holds for what is accepted later.

    Raises `NotAllowed` where a notice of this identity stands that may not be replaced now, `AlreadyDecided` where
    another daemon was faster.
    """
    intake_rows.lock(tx, row)  # first of all: what is looked up below must not be this very row's, accepted elsewhere
    key = identity(content)
    number = intake_rows.number_of(row)
    standing = find_notice(tx.conn, key)
    if standing is None:
        notice_id = _new_notice(tx, key, content)
        ordinal = 1
        superseded: list[Delivery] = []
    else:
        notice_id = standing.id
        refusal = may_replace(tx.conn, notice_id)
        if refusal:
            raise NotAllowed(refusal)
        superseded = _supersede(tx, notice_id, number, by)
        ordinal = _next_ordinal(tx.conn, notice_id)
    text = content.model_dump_json(exclude_none=True)
    version_id = _new_version(tx, notice_id, number, ordinal, content, text)
    for digest, data in attachments.items():
        tx.store_blob(data, digest)
    original_id = find_original(tx.conn, content)
    needed = (
        approvals_needed if isinstance(approvals_needed, Mapping) else {p.channel: approvals_needed for p in planned}
    )
    made: list[dict[str, Any]] = []
    by_channel: dict[str, int] = {}
    for plan in _feeders_first(planned):
        # Only what is forwarded follows a publication on another channel; everything else its original on its own.
        before = _before(tx.conn, plan, original_id, by_channel)
        one = _plan(tx, content, notice_id, version_id, number, plan, before, needed[plan.channel], ledger_id)
        made.append(one)
        by_channel[plan.channel] = one["id"]
    for old in superseded:
        deliveries.follow_version(tx, old, by_channel.get(old.channel))
    facts = {
        "text_digest": content.digest,
        "content_sha256": sha256_text(text),
        "version": ordinal,
        "version_id": version_id,
        "title": content.title,
        "attachments": [a.sha256 for a in content.attachments],
        "deliveries": made,
    }
    intake_rows.decide(
        tx,
        row,
        IntakeState.ACCEPTED,
        "working",
        warnings=warnings,
        by=by,
        data=facts,
        notice_id=notice_id,
        version_id=version_id,
    )
    tx.gather(places.settle_places, notice_id)
    return Accepted(notice_id, version_id, number)


def add_delivery(
    tx: Tx, number: str, planned: Planned, person: Person, reason: str, *, approvals_needed: int, ledger_id: str
) -> None:
    """One more channel for the present version of a notice, by a person's choice; a log row.

    Raises `NotAllowed` where the channel has the notice already.
    """
    rows = acts.of_number(tx.conn, number)
    newest = max(rows, key=lambda row: row.version_id)
    if any(row.channel == planned.channel and row.operation == Operation.PUBLISH.value for row in rows):
        raise NotAllowed(f"{number} 在 {planned.channel} 上已有发布任务")
    content = contents.read_notice(tx.conn, newest.version_id)
    original_id = find_original(tx.conn, content)
    where = (newest.notice_id, newest.version_id, newest.number)
    there = {row.channel: row.id for row in rows if row.operation == Operation.PUBLISH.value}
    before = _before(tx.conn, planned, original_id, there)
    made = _plan(tx, content, *where, planned, before, approvals_needed, ledger_id)
    data = {"deliveries": [made], "why": reason, "account": person.account}
    entry = Entry(event="routed", by=person.by, number=number, notice_id=newest.notice_id, data=data)
    tx.log(replace(entry, channel=planned.channel))
    tx.gather(places.settle_places, newest.notice_id)


def _feeders_first(planned: Sequence[Planned]) -> list[Planned]:
    """Every channel after the one that feeds it."""
    feeders = {plan.channel: plan.fed_by for plan in planned}

    def steps(channel: str | None) -> int:
        passed: list[str] = []
        while channel is not None and channel not in passed:
            passed.append(channel)
            channel = feeders.get(channel)
        return len(passed)

    return sorted(planned, key=lambda plan: steps(plan.channel))


def _before(conn: Connection, plan: Planned, original_id: int | None, made: Mapping[str, int]) -> Delivery | None:
    if plan.fed_by is not None:
        return deliveries.read(conn, made[plan.fed_by]) if plan.fed_by in made else None
    return predecessor(conn, original_id, plan.channel) if original_id is not None else None


# Made once: building a statement anew for every notice takes longer than the database does.
_NEW_NOTICE = insert(notice).returning(notice.c.id)
_NEW_VERSION = insert(version).returning(version.c.id)
_NEW_DELIVERY = insert(delivery).returning(delivery.c.id)


def _new_notice(tx: Tx, key: str, content: Notice) -> int:
    values = {
        "identity": key,
        "project": project_part(key),
        "kind": content.kind.value,
        "form": content.form.value,
        "project_class": content.project_class.value,
        "title": content.title,
        "original_id": find_original(tx.conn, content),
        "created_at": tx.now,
    }
    return int(tx.conn.execute(_NEW_NOTICE, values).scalar_one())


def _new_version(tx: Tx, notice_id: int, number: str, ordinal: int, content: Notice, text: str) -> int:
    values: dict[str, Any] = {
        "notice_id": notice_id,
        "number": number,
        "ordinal": ordinal,
        "schema_version": content.schema_version,
        "content": text,
        "content_sha256": sha256_text(text),
        "text_digest": content.digest,
        "superseded": False,
        "created_at": tx.now,
    }
    return int(tx.conn.execute(_NEW_VERSION, values).scalar_one())


def _supersede(tx: Tx, notice_id: int, by_number: str, by: str) -> list[Delivery]:
    """The old version gives way in this very transaction; gives its deliveries."""
    tx.conn.execute(update(version).where(version.c.notice_id == notice_id).values(superseded=True))
    open_states = (State.PENDING, State.FAILED, State.HELD)
    query = select(delivery).where(delivery.c.notice_id == notice_id).order_by(delivery.c.id)
    rows = [r for r in tx.conn.execute(query) if State(r.state) in open_states or deliveries.waits_for_feeder(r)]
    for row in rows:
        deliveries.supersede(tx, row, by, by_number)
    return rows


def _next_ordinal(conn: Connection, notice_id: int) -> int:
    ordinals = select(version.c.ordinal).where(version.c.notice_id == notice_id).order_by(version.c.ordinal.desc())
    return int(conn.execute(ordinals.limit(1)).scalar_one()) + 1


def notice_key(ledger_id: str, notice_id: int, channel: str) -> str:
    """Stable per notice and channel, the same for every version."""
    return hashlib.sha256(f"{ledger_id}|{notice_id}|{channel}".encode()).hexdigest()[:24]


def _plan(
    tx: Tx,
    content: Notice,
    notice_id: int,
    version_id: int,
    number: str,
    plan: Planned,
    before: Delivery | None,
    approvals_needed: int,
    ledger_id: str,
) -> dict[str, Any]:
    tx.store_blob(plan.rendition.content, plan.rendition.sha256)
    bid_deadline = content.dates.bid_deadline
    values: dict[str, Any] = {
        "notice_id": notice_id,
        "version_id": version_id,
        "number": number,
        "channel": plan.channel,
        "tier": plan.tier,
        "kind": content.kind.value,
        "form": content.form.value,
        "project_class": content.project_class.value,
        "project": project_part(identity(content)),
        "operation": Operation.PUBLISH.value,
        "mandatory": plan.mandatory,
        "delivery_key": secrets.token_hex(16),
        "notice_key": notice_key(ledger_id, notice_id, plan.channel),
        "rendition_sha256": plan.rendition.sha256,
        "rendition_media_type": plan.rendition.media_type,
        "rendition_title": plan.rendition.title,
        "rendition_digest": plan.rendition.text_digest,
        "predecessor_id": before.id if before is not None else None,
        "publish_at": content.publish_at,
        "deadline": plan.deadline,
        "legal_by": plan.legal_by,
        "bid_deadline": bid_deadline if isinstance(bid_deadline, datetime) else None,
        "approvals_needed": approvals_needed,
        "tries": 0,
        "asks": 0,
        "created_at": tx.now,
        "changed_at": tx.now,
    }
    values |= _first_state(tx, values, plan, before, approvals_needed)
    delivery_id = int(tx.conn.execute(_NEW_DELIVERY, values).scalar_one())
    row = deliveries.read(tx.conn, delivery_id)
    if row.state == State.HELD.value:
        reason = Reason(row.reason)
        deliveries.open_task(tx, row, TaskNote(what=ADVICE[reason], text=row.detail or ""))
    told = {"id": delivery_id, "channel": plan.channel, "key": row.delivery_key, "rendition": plan.rendition.sha256}
    told |= {"approvals": approvals_needed} if approvals_needed else {}
    return told | {"mandatory": plan.mandatory, "state": row.state}


def _first_state(
    tx: Tx, values: dict[str, Any], plan: Planned, before: Delivery | None, approvals_needed: int
) -> dict[str, Any]:
    held, failed = plan.held, (State.FAILED.value, State.CANCELLED.value)
    if held is None and plan.fed_by is not None:
        return {"state": State.SUBMITTED.value, "waits_for": WaitsFor.PREDECESSOR.value, "next_at": None}
    if held is None and approvals_needed == 0 and before is not None and before.state in failed:
        held = Problem(Reason.PREDECESSOR_FAILED, ADVICE[Reason.PREDECESSOR_FAILED])
    if held is not None:
        why = {"reason": held.reason.value, "detail": str(held), "next_at": None}
        return {"state": State.HELD.value, "waits_for": WaitsFor.PERSON.value} | why
    waits_for, next_at = deliveries.waits(tx.conn, values, approvals_missing=approvals_needed > 0, now=tx.now)
    return {"state": State.PENDING.value, "waits_for": waits_for.value if waits_for else None, "next_at": next_at}


def predecessor(conn: Connection, original_id: int, channel: str) -> Delivery | None:
    """The original's publication on this channel, whichever version carries it; None: never carried there."""
    query = select(delivery).where(
        delivery.c.notice_id == original_id,
        delivery.c.channel == channel,
        delivery.c.operation == Operation.PUBLISH.value,
        delivery.c.state != State.SUPERSEDED.value,
    )
    return conn.execute(query.order_by(delivery.c.id.desc()).limit(1)).one_or_none()
