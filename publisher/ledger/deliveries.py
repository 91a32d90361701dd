"""The only place that changes a delivery's state; every change is checked, fenced and logged.

Each function takes the delivery's row as read in the same transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Update, bindparam, func, or_, select, update
from sqlalchemy.engine import Row

from publisher.channel import Receipt, TaskNote
from publisher.delivery import OPEN, Operation, State, WaitsFor, may_follow
from publisher.errors import ADVICE, Reason
from publisher.ledger import places
from publisher.ledger.alarms import clear_alarm
from publisher.ledger.chain import Entry, canonical, iso, local_day, sha256_text
from publisher.ledger.store import PROGRAM, Tx
from publisher.ledger.tables import approval, delivery, intake, publication_log, task

Delivery = Row[Any]


class Overtaken(Exception):
    """The delivery is no longer in the state it was read in; somebody else changed it."""


# Statements that run for every delivery are made once: making them costs more than running them.
_BY_ID = select(delivery).where(delivery.c.id == bindparam("delivery_id"))
_BY_IDS = select(delivery).where(delivery.c.id.in_(bindparam("ids", expanding=True)))
_BY_PREDECESSOR = (
    select(delivery).where(delivery.c.predecessor_id.in_(bindparam("ids", expanding=True))).order_by(delivery.c.id)
)
# Also where one is due already: whoever writes it must not do so before this is committed.
_RECEIPTS_DUE = update(intake).where(intake.c.notice_id.in_(bindparam("ids", expanding=True))).values(receipt_due=1)
_OPEN_TASKS = select(task.c.id, task.c.delivery_id).where(
    task.c.delivery_id.in_(bindparam("ids", expanding=True)), task.c.done_at.is_(None)
)


@lru_cache(maxsize=256)
def _changing(names: tuple[str, ...]) -> Update:
    """The fenced change of these columns of one delivery."""
    mine = (
        delivery.c.id == bindparam("its_id"),
        delivery.c.state == bindparam("its_state"),
        delivery.c.daemon_id.is_not_distinct_from(bindparam("its_daemon")),
    )
    return update(delivery).where(*mine).values({name: bindparam(f"new_{name}") for name in names})


def read(conn: Connection, delivery_id: int) -> Delivery:
    """The delivery's row."""
    return conn.execute(_BY_ID, {"delivery_id": delivery_id}).one()


def read_among(tx: Tx, delivery_id: int, others: Callable[[], Collection[int]]) -> Delivery:
    """A delivery's row; with the first one of a transaction, those that its group asks for next are read too.

    A row is given once. Where another write of the group has changed it since, that shows when it is changed again,
    which is fenced; then each of the group is written by itself.
    """
    if delivery_id not in tx.read_ahead:
        found = tx.conn.execute(_BY_IDS, {"ids": [delivery_id, *others()]})
        tx.read_ahead = {row.id: row for row in found}
    row: Delivery = tx.read_ahead.pop(delivery_id)
    return row


def of_version(conn: Connection, version_id: int) -> list[Delivery]:
    """The deliveries of a version, in the order of the channels."""
    return list(conn.execute(select(delivery).where(delivery.c.version_id == version_id).order_by(delivery.c.id)))


def addresses(conn: Connection, channel: str) -> set[str]:
    """Every address that the channel ever gave one of our deliveries, whatever became of it."""
    query = select(delivery.c.url).where(delivery.c.channel == channel, delivery.c.url.is_not(None))
    return set(conn.execute(query).scalars())


def open_by_channel(conn: Connection) -> dict[str, int]:
    """By channel, how many deliveries the program has still to do something with."""
    query = select(delivery.c.channel, func.count()).where(delivery.c.state.in_([state.value for state in OPEN]))
    return {name: int(count) for name, count in conn.execute(query.group_by(delivery.c.channel))}


def entry(
    row: Delivery,
    event: str,
    by: str,
    *,
    weight: int = 0,
    day: str | None = None,
    operator: str | None = None,
    **data: Any,
) -> Entry:
    """A log entry about a delivery."""
    return Entry(
        event=event,
        by=by,
        number=row.number,
        notice_id=row.notice_id,
        delivery_id=row.id,
        channel=row.channel,
        tier=row.tier,
        kind=row.kind,
        form=row.form,
        project_class=row.project_class,
        project=row.project,
        operator=operator,
        visible_day=day,
        weight=weight,
        data={k: v for k, v in data.items() if v is not None and v != ""},
    )


def log_once(tx: Tx, row: Delivery, event: str, **data: Any) -> None:
    """Log what happens again and again only the first time that it happens to this delivery with this data."""
    mine = (publication_log.c.delivery_id == row.id, publication_log.c.event == event)
    logged = tx.conn.execute(select(publication_log.c.payload).where(*mine)).scalars()
    if all(json.loads(payload)["data"] != data for payload in logged):
        tx.log(entry(row, event, PROGRAM, **data))


def plain_entry(event: str, by: str = PROGRAM, **data: Any) -> Entry:
    """A log entry about no delivery in particular."""
    return Entry(event=event, by=by, data=data)


def is_asked_for(row: Delivery) -> bool:
    """Whether a held delivery is being asked for, because a person wants it released."""
    return row.next_at is not None


def waits_for_feeder(row: Delivery) -> bool:
    """Whether another channel is to forward it here and has not published it yet: nothing of it can be public here."""
    return bool(row.state == State.SUBMITTED.value and row.waits_for == WaitsFor.PREDECESSOR.value)


def change(tx: Tx, row: Delivery, new: State, **values: Any) -> None:
    """Move `row` to `new` if that may follow and nobody was faster.

    Raises `ValueError` for a change the state table forbids, `Overtaken` if the row has moved on.
    """
    old = State(row.state)
    if not may_follow(old, new):
        raise ValueError(f"delivery {row.id} cannot go from {old.value} to {new.value}")
    settled = {"daemon_id": None, "lease_until": None, "changed_at": tx.now, "state": new.value} | values
    named = {f"new_{name}": value for name, value in settled.items()}
    mine = {"its_id": row.id, "its_state": old.value, "its_daemon": row.daemon_id}
    done = tx.conn.execute(_changing(tuple(settled)), named | mine)
    if done.rowcount != 1:
        raise Overtaken(f"delivery {row.id} is no longer {old.value}")
    tx.gather(_touch_receipts, row.notice_id)
    if new in _MOVES_FILES or old in _MOVES_FILES:
        tx.gather(places.settle_places, row.notice_id)
    if old is State.HELD:
        tx.gather(_clear_alarms, (row.id, row.channel))


def _clear_alarms(tx: Tx, dealt_with: list[tuple[int, str]]) -> None:
    """What these were held for is dealt with; of a give-up, once it is so with every one of the channel."""
    for delivery_id, _ in dealt_with:
        clear_alarm(tx, f"drift:{delivery_id}")
        clear_alarm(tx, f"gone:{delivery_id}")
    for channel in sorted({channel for _, channel in dealt_with}):
        given_up = (delivery.c.state == State.HELD.value, delivery.c.reason == Reason.GAVE_UP.value)
        query = select(delivery.c.id).where(delivery.c.channel == channel, *given_up).limit(1)
        if tx.conn.execute(query).first() is None:
            clear_alarm(tx, f"gave_up:{channel}")


_MOVES_FILES = frozenset({State.PUBLISHED, State.CANCELLED})
"""Entering or leaving one of these may change the staff folder in which the notice's file belongs."""


def reschedule(tx: Tx, row: Delivery, next_at: datetime | None, **values: Any) -> None:
    """Set when the program acts on it next; the state stays and nothing is logged."""
    free = {"daemon_id": None, "lease_until": None, "next_at": next_at}
    tx.conn.execute(
        update(delivery).where(delivery.c.id == row.id, delivery.c.state == row.state).values(**free | values)
    )


def tell_staff(tx: Tx, notice_id: int) -> None:
    """The notice's receipt in the staff folder is written anew."""
    tx.gather(_touch_receipts, notice_id)


def _touch_receipts(tx: Tx, notice_ids: list[int]) -> None:
    """The notices' receipts in the staff folder must be written anew."""
    tx.conn.execute(_RECEIPTS_DUE, {"ids": sorted(set(notice_ids))})


def receipt_json(receipt: Receipt) -> str:
    """The stored form of a receipt: canonical JSON."""
    since = receipt.visible_since
    body = {
        "number": receipt.number,
        "url": receipt.url,
        "public": receipt.public,
        "visible_since": iso(since) if since else None,
        "digest": receipt.digest,
        "note": receipt.note or None,
    }
    return canonical({k: v for k, v in body.items() if v is not None})


def receipt_of(row: Delivery) -> Receipt | None:
    """The stored receipt of a delivery."""
    if row.receipt is None:
        return None
    body = json.loads(row.receipt)
    since = body.get("visible_since")
    return Receipt(
        number=body.get("number"),
        url=body.get("url"),
        public=body["public"],
        visible_since=datetime.fromisoformat(since) if since else None,
        digest=body.get("digest"),
        note=body.get("note", ""),
    )


def _proof(receipt: Receipt, row: Delivery) -> dict[str, Any]:
    """The columns that keep a receipt; a number once given is not forgotten by a poorer answer."""
    text = receipt_json(receipt)
    return {
        "receipt": text,
        "receipt_sha256": sha256_text(text),
        "channel_number": receipt.number or row.channel_number,
        "url": receipt.url or row.url,
        "shown_digest": receipt.digest or row.shown_digest,
    }


_ACT_WORDS = {Operation.UPDATE.value: "更新", Operation.WITHDRAW.value: "撤回"}
_PUBLISHED_EVENT = {Operation.PUBLISH: "published", Operation.UPDATE: "updated", Operation.WITHDRAW: "withdrawn"}


def publish(
    tx: Tx,
    row: Delivery,
    receipt: Receipt,
    *,
    by: str = PROGRAM,
    next_at: datetime | None = None,
    until: datetime | None = None,
    **data: Any,
) -> None:
    """It is public (or carried out): since when, with which proof. Counted from here on.

    `next_at`: when it is read back; `until`: when its time on this channel is over.
    """
    operation = Operation(row.operation)
    since = _believable(receipt.visible_since, row, tx) or row.visible_since or tx.now
    proof = _proof(receipt, row)
    cleared = {"waits_for": None, "reason": None, "detail": None, "next_at": next_at, "tries": 0, "asks": 0}
    counts = operation is Operation.PUBLISH
    # Who saw it there answers for it, else who approved it; a later row that subtracts names the same.
    operator = (by if by != PROGRAM else row.operator) or PROGRAM
    change(tx, row, State.PUBLISHED, visible_since=since, until=until, operator=operator, **proof, **cleared)
    withdrawn = read(tx.conn, row.predecessor_id) if operation is Operation.WITHDRAW and row.predecessor_id else None
    again = withdrawn is not None and withdrawn.state == State.ENDED.value
    tx.log(
        entry(
            row,
            "reason_changed" if again else _PUBLISHED_EVENT[operation],  # one withdrawal, whatever is said of it later
            by,
            weight=1 if counts else 0,
            day=local_day(since if counts else tx.now),
            operator=operator,
            visible_since=iso(since),
            channel_number=proof["channel_number"],
            url=proof["url"],
            shown_digest=proof["shown_digest"],
            receipt_sha256=proof["receipt_sha256"],
            rendition_sha256=row.rendition_sha256,
            late_seconds=_lateness(row, since),
            # What the channel shortened or replaced, with its lengths, is no less a part of the record.
            note=receipt.note,
            **data,
        )
    )
    close_tasks(tx, row.id, by, "published")
    if counts:
        tx.gather(_free_successors, row.id)
    elif operation is Operation.UPDATE and row.predecessor_id is not None:
        # Read back from now on, the publication would show the new text: that is no drift.
        updated = read(tx.conn, row.predecessor_id)
        if updated.state == State.PUBLISHED.value:
            reschedule(tx, updated, None)
    elif again and withdrawn is not None and row.reason_given:
        set_reason_given(tx, withdrawn, row.reason_given)
    elif withdrawn is not None and withdrawn.state == State.PUBLISHED.value:
        end(tx, withdrawn, "withdrawn", reason_given=row.reason_given or "")


def set_reason_given(tx: Tx, row: Delivery, reason: str) -> None:
    """The reason of a withdrawal that is done is now another one, wherever it stands; whoever says so logs it."""
    done = (delivery.c.operation == Operation.WITHDRAW.value) & (delivery.c.state == State.PUBLISHED.value)
    mine = or_(delivery.c.id == row.id, (delivery.c.predecessor_id == row.id) & done)
    tx.conn.execute(update(delivery).where(mine).values(reason_given=reason))
    tell_staff(tx, row.notice_id)


_SOON = timedelta(days=7)
_LONG_BEFORE = timedelta(days=366)


def _believable(since: datetime | None, row: Delivery, tx: Tx) -> datetime | None:
    """The instant that a channel tells, unless it cannot be meant: far in time to come, or years before us.

    Sites print such instants (the end of a term, the zero of a clock); they would be counted in a year that is not
    theirs. Some days ahead are believed: a site may name the day from which its list shows the notice.
    """
    if since is None or row.created_at - _LONG_BEFORE <= since <= tx.now + _SOON:
        return since
    tx.log(entry(row, "odd_instant", PROGRAM, told=iso(since)))
    return None


def _lateness(row: Delivery, since: datetime) -> int | None:
    """Seconds after its deadline; an update or a withdrawal has none."""
    if row.operation != Operation.PUBLISH.value or since <= row.deadline:
        return None
    return int((since - row.deadline).total_seconds())


def submit(tx: Tx, row: Delivery, receipt: Receipt, next_at: datetime | None, **data: Any) -> None:
    """Taken by the channel, not yet public."""
    proof = _proof(receipt, row)
    change(tx, row, State.SUBMITTED, reason=None, detail=None, next_at=next_at, tries=0, asks=0, **proof)
    tx.log(
        entry(
            row,
            "submitted",
            PROGRAM,
            channel_number=proof["channel_number"],
            url=proof["url"],
            shown_digest=proof["shown_digest"],
            receipt_sha256=proof["receipt_sha256"],
            rendition_sha256=row.rendition_sha256,
            **data,
        )
    )
    if receipt.task is not None:
        open_task(tx, row, receipt.task)


def become_unknown(
    tx: Tx,
    row: Delivery,
    reason: Reason,
    detail: str,
    *,
    call_over_at: datetime | None,
    next_at: datetime | None,
    **data: Any,
) -> None:
    """It may or may not be public; the channel will be asked."""
    change(
        tx, row, State.UNKNOWN, reason=reason.value, detail=detail, call_over_at=call_over_at, next_at=next_at, asks=0
    )
    tx.log(entry(row, "outcome_unknown", PROGRAM, reason=reason.value, detail=detail, **data))


def fail(tx: Tx, row: Delivery, reason: Reason, detail: str, **data: Any) -> None:
    """The channel refuses this content."""
    change(tx, row, State.FAILED, reason=reason.value, detail=detail, next_at=None, waits_for=None)
    tx.log(entry(row, "refused", PROGRAM, reason=reason.value, detail=detail, **data))
    close_tasks(tx, row.id, PROGRAM, "refused")
    if row.operation != Operation.PUBLISH.value:
        # Nobody else would see it: the publication stands, as if nothing had been asked for.
        act = _ACT_WORDS[row.operation]
        what = f"渠道拒绝了{act}，原公告仍在：请与该渠道联系，或另发更正（终止）公告，再用 cancel 了结"
        open_task(tx, row, TaskNote(what=what, text=detail or ADVICE[reason]))
    _hold_successors(tx, row)


def hold(
    tx: Tx,
    row: Delivery,
    reason: Reason,
    detail: str,
    *,
    by: str = PROGRAM,
    what: str | None = None,
    receipt: Receipt | None = None,
    **data: Any,
) -> None:
    """Stop for a person. A publication that is held subtracts from the counts again.

    `receipt`: what the channel gave although it cannot be taken as it is; it is kept as proof.
    """
    was_public = row.state == State.PUBLISHED.value and row.operation == Operation.PUBLISH.value
    day = local_day(row.visible_since) if was_public else None
    waits = WaitsFor.PERSON.value
    proof = _proof(receipt, row) if receipt is not None else {}
    # Who confirmed what is taken back has no part in what may be published next.
    next_operator = {"operator": _last_approver(tx.conn, row.version_id)} if was_public else {}
    settled: dict[str, Any] = {"next_at": None, "waits_for": waits, **next_operator, **proof}
    change(tx, row, State.HELD, reason=reason.value, detail=detail, **settled)
    data |= {name: proof.get(name) for name in ("channel_number", "url", "shown_digest", "receipt_sha256") if proof}
    weight, operator = (-1, row.operator) if was_public else (0, None)
    data |= {"reason": reason.value, "detail": detail}
    tx.log(entry(row, "held", by, weight=weight, day=day, operator=operator, **data))
    open_task(tx, row, TaskNote(what=what or ADVICE[reason], text=detail))


def _last_approver(conn: Connection, version_id: int) -> str | None:
    """Who approved a version last; None: nobody did."""
    query = select(approval.c.by).where(approval.c.version_id == version_id)
    return conn.execute(query.order_by(approval.c.given_at.desc(), approval.c.id.desc()).limit(1)).scalar_one_or_none()


def back_to_pending(
    tx: Tx,
    row: Delivery,
    reason: Reason | None,
    detail: str,
    next_at: datetime | None,
    *,
    by: str = PROGRAM,
    event: str,
    **values: Any,
) -> None:
    """It will be tried (again) at `next_at`."""
    # What waits to be sent is not public, whatever was once believed: a day of before must not count again.
    cleared = {"waits_for": None, "call_over_at": None, "visible_since": None} | values
    data = cleared.pop("data", {})
    change(
        tx,
        row,
        State.PENDING,
        reason=reason.value if reason else None,
        detail=detail or None,
        next_at=next_at,
        **cleared,
    )
    tx.log(
        entry(
            row,
            event,
            by,
            reason=reason.value if reason else None,
            detail=detail,
            next_at=iso(next_at) if next_at else None,
            **data,
        )
    )
    close_tasks(tx, row.id, by, event)


def cancel(tx: Tx, row: Delivery, by: str, reason: str, **data: Any) -> None:
    """Never to be sent."""
    change(tx, row, State.CANCELLED, detail=reason, next_at=None, waits_for=None)
    tx.log(entry(row, "cancelled", by, reason=reason, **data))
    close_tasks(tx, row.id, by, "cancelled")
    _hold_successors(tx, row)


def supersede(tx: Tx, row: Delivery, by: str, new_number: str) -> None:
    """A newer version takes its place before anything went public."""
    change(tx, row, State.SUPERSEDED, next_at=None, waits_for=None)
    tx.log(entry(row, "superseded", by, by_number=new_number))
    close_tasks(tx, row.id, by, "superseded")


def end(tx: Tx, row: Delivery, why: str, **values: Any) -> None:
    """Its time on this channel is over, or it was withdrawn (then `reason_given` says why); it stays counted."""
    change(tx, row, State.ENDED, next_at=None, **values)
    tx.log(entry(row, "ended", PROGRAM, why=why))


# ---- tasks


def open_task(tx: Tx, row: Delivery, note: TaskNote) -> None:
    """Something a person must do; one open task per delivery."""
    tx.do_gathered(_close_tasks)  # of before, in this very transaction
    already = select(task.c.id).where(task.c.delivery_id == row.id, task.c.done_at.is_(None))
    if tx.conn.execute(already).first() is None:
        values = {"delivery_id": row.id, "channel": row.channel, "what": note.what, "text": note.text}
        tx.conn.execute(task.insert().values(opened_at=tx.now, **values))


def close_tasks(tx: Tx, delivery_id: int, by: str, proof: str) -> None:
    """What had to be done is done, or no longer needed."""
    tx.gather(_close_tasks, (delivery_id, by, proof))


def _close_tasks(tx: Tx, closed: list[tuple[int, str, str]]) -> None:
    ids = sorted({delivery_id for delivery_id, _, _ in closed})
    why = {delivery_id: (by, proof) for delivery_id, by, proof in closed}
    for row in tx.conn.execute(_OPEN_TASKS, {"ids": ids}).all():
        by, proof = why[row.delivery_id]
        tx.conn.execute(update(task).where(task.c.id == row.id).values(done_at=tx.now, done_by=by, proof=proof))


def has_open_task(conn: Connection, delivery_id: int) -> bool:
    """Whether a person's task is open for this delivery."""
    mine = (task.c.delivery_id == delivery_id, task.c.done_at.is_(None))
    return conn.execute(select(task.c.id).where(*mine)).first() is not None


# ---- what waits, and for what


def waits(
    conn: Connection, row: Mapping[str, Any], *, approvals_missing: bool, now: datetime
) -> tuple[WaitsFor | None, datetime | None]:
    """The first that applies of approval, predecessor, time; and when the program acts next.

    (A person's hold is a state of its own; a channel that waits is found out when the delivery is due.)
    """
    if approvals_missing:
        return WaitsFor.APPROVAL, None
    if row["predecessor_id"] is not None:
        state = conn.execute(select(delivery.c.state).where(delivery.c.id == row["predecessor_id"])).scalar_one()
        if State(state) not in (State.PUBLISHED, State.ENDED):
            return WaitsFor.PREDECESSOR, None
    if row["publish_at"] is not None and row["publish_at"] > now:
        return WaitsFor.TIME, row["publish_at"]
    return None, now


def work_out_waits(tx: Tx, row: Delivery, *, approvals_missing: bool) -> None:
    """Work out again what a pending delivery waits for."""
    waits_for, next_at = waits(tx.conn, dict(row._mapping), approvals_missing=approvals_missing, now=tx.now)
    value = waits_for.value if waits_for else None
    tx.conn.execute(
        update(delivery)
        .where(delivery.c.id == row.id, delivery.c.state == State.PENDING.value)
        .values(waits_for=value, next_at=next_at)
    )


def _successors(tx: Tx, row: Delivery) -> list[Delivery]:
    query = select(delivery).where(delivery.c.predecessor_id == row.id).order_by(delivery.c.id)
    return list(tx.conn.execute(query))


def _free_successors(tx: Tx, published: list[int]) -> None:
    """What waited for these publications on their channels may go; what was held for their failure too."""
    for waiting in tx.conn.execute(_BY_PREDECESSOR, {"ids": published}).all():
        if waiting.state == State.PENDING.value and waiting.waits_for == WaitsFor.PREDECESSOR.value:
            work_out_waits(tx, waiting, approvals_missing=False)
        elif waits_for_feeder(waiting):
            reschedule(tx, waiting, tx.now, waits_for=None)  # from now on it is looked for
            tx.gather(_touch_receipts, waiting.notice_id)
        else:
            _release_successor(tx, waiting)


_HELD_BEHIND = frozenset({Reason.PREDECESSOR_FAILED.value, Reason.FEEDER_FAILED.value})


def _release_successor(tx: Tx, waiting: Delivery) -> None:
    """What was held only because its predecessor failed waits again for whatever else it waits for."""
    if waiting.state == State.HELD.value and waiting.reason in _HELD_BEHIND:
        back_to_pending(tx, waiting, None, "", tx.now, event="released")
        work_out_waits(tx, read(tx.conn, waiting.id), approvals_missing=False)


def _hold_successors(tx: Tx, row: Delivery) -> None:
    """What waits for a publication that failed waits for a person; what lacks approval waits for that first."""
    for waiting in _successors(tx, row):
        fed = waiting.channel != row.channel
        if waits_for_feeder(waiting) or (fed and waiting.state == State.PENDING.value):
            hold(tx, waiting, Reason.FEEDER_FAILED, ADVICE[Reason.FEEDER_FAILED])
        elif waiting.state == State.PENDING.value and waiting.waits_for != WaitsFor.APPROVAL.value:
            hold(tx, waiting, Reason.PREDECESSOR_FAILED, ADVICE[Reason.PREDECESSOR_FAILED])


def hold_behind_failure(tx: Tx, row: Delivery) -> bool:
    """Hold a pending delivery whose predecessor failed or was cancelled; say whether it was held."""
    if row.predecessor_id is None:
        return False
    if State(read(tx.conn, row.predecessor_id).state) not in (State.FAILED, State.CANCELLED):
        return False
    hold(tx, row, Reason.PREDECESSOR_FAILED, ADVICE[Reason.PREDECESSOR_FAILED])
    return True


def follow_version(tx: Tx, superseded: Delivery, successor_id: int | None) -> None:
    """What refers to a superseded delivery refers to that of the new version on this channel; None: there is none."""
    for waiting in _successors(tx, superseded):
        tx.conn.execute(update(delivery).where(delivery.c.id == waiting.id).values(predecessor_id=successor_id))
        again = read(tx.conn, waiting.id)
        if again.state == State.PENDING.value and again.waits_for == WaitsFor.PREDECESSOR.value:
            work_out_waits(tx, again, approvals_missing=False)
        else:
            _release_successor(tx, again)
