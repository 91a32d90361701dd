"""Acts of persons: approve, hold, release, retry, confirm, cancel. Each names who, and is a log row.

All raise `NotAllowed` (in Chinese, saying what to do instead) where the present state forbids the act.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from publisher.channel import Capabilities, Receipt
from publisher.delivery import STANDS, Operation, State, WaitsFor
from publisher.errors import NotAllowed, Reason
from publisher.ledger import attempts, deliveries, intake_rows
from publisher.ledger.alarms import clear_alarm
from publisher.ledger.chain import Entry, iso
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import Tx
from publisher.ledger.tables import approval, delivery, version


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts: the name given with the command, and the operating system's account on its host."""

    by: str
    account: str


@dataclass(frozen=True, slots=True)
class Told:
    """What an act did to one delivery (or, without a channel, to one file), in a sentence (Chinese)."""

    number: str
    channel: str | None
    said: str


CapabilitiesOf = Callable[[str], Capabilities | None]


def of_number(conn: Connection, number: str, channel: str | None = None) -> list[Delivery]:
    """The deliveries of the notice with this intake number (on one channel), without superseded ones.

    Until the transaction ends nobody else changes them: what the act was decided on is what it changes.
    """
    row = intake_rows.by_number(conn, number)
    if row is None:
        raise NotAllowed(f"没有编号 {number} 的收件")
    if row.notice_id is None:
        raise NotAllowed(f"{number} 尚未受理（{row.state}），没有可操作的发布任务；请处理待处理或退回文件夹中的文件")
    query = select(delivery).where(delivery.c.notice_id == row.notice_id, delivery.c.state != State.SUPERSEDED.value)
    if channel is not None:
        query = query.where(delivery.c.channel == channel)
    rows = list(conn.execute(query.order_by(delivery.c.id).with_for_update()))
    if not rows:
        raise NotAllowed(f"{number} 在渠道 {channel} 上没有发布任务")
    return rows


def locked(tx: Tx, rows: Sequence[Delivery]) -> list[Delivery]:
    """The same deliveries as they are now, kept from everybody else until commit."""
    query = select(delivery).where(delivery.c.id.in_([row.id for row in rows])).order_by(delivery.c.id)
    return list(tx.conn.execute(query.with_for_update() if tx.on_postgresql else query))


def _log(tx: Tx, row: Delivery, event: str, person: Person, **data: Any) -> None:
    tx.log(deliveries.entry(row, event, person.by, account=person.account, **data))


# ---- approve


def approvals_missing(conn: Connection, row: Delivery) -> int:
    """How many approvals the present text of a delivery still lacks; one given to another text does not count.

    A withdrawal brings no text: who asks for it answers for it.
    """
    if row.operation == Operation.WITHDRAW.value or not row.approvals_needed:
        return 0
    part = "updates" if row.operation == Operation.UPDATE.value else "renditions"
    given = conn.execute(select(approval.c.digests).where(approval.c.version_id == row.version_id)).scalars()
    texts = [json.loads(digests).get(part, {}).get(row.channel) for digests in given]
    return max(0, int(row.approvals_needed) - texts.count(row.rendition_sha256))


def approve(tx: Tx, number: str, person: Person) -> int:
    """Approve the present version with its renditions; gives how many approvals are still missing.

    Two approvals are of two persons: names that differ only in blanks, width or case are one.
    """
    rows = of_number(tx.conn, number)
    version_id = max(row.version_id for row in rows)
    mine = [row for row in rows if row.version_id == version_id and row.operation != Operation.WITHDRAW.value]
    text_digest = tx.conn.execute(select(version.c.text_digest).where(version.c.id == version_id)).scalar_one()
    digests: dict[str, Any] = {"text": text_digest, "renditions": _texts(mine, Operation.PUBLISH)}
    if updates := _texts(mine, Operation.UPDATE):
        digests["updates"] = updates
    _give(tx, number, version_id, person, json.dumps(digests, sort_keys=True))
    tx.conn.execute(update(delivery).where(delivery.c.id.in_([row.id for row in mine])).values(operator=person.by))
    data = {"account": person.account, "version_id": version_id, "digests": digests}
    tx.log(Entry(event="approved", by=person.by, number=number, notice_id=mine[0].notice_id, data=data))
    for row in mine:
        waits = row.state == State.PENDING.value and row.waits_for == WaitsFor.APPROVAL.value
        approved = waits and approvals_missing(tx.conn, row) == 0
        if approved and not deliveries.hold_behind_failure(tx, row):
            deliveries.work_out_waits(tx, row, approvals_missing=False)
            _log_lateness(tx, row)
    open_rows = [row for row in mine if row.state != State.CANCELLED.value]
    return max((approvals_missing(tx.conn, row) for row in open_rows), default=0)


def _texts(rows: Sequence[Delivery], operation: Operation) -> dict[str, str]:
    """By channel, the text of the newest delivery of this operation."""
    return {row.channel: row.rendition_sha256 for row in rows if row.operation == operation.value}


def _same_person(one: str, other: str) -> bool:
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _give(tx: Tx, number: str, version_id: int, person: Person, digests: str) -> None:
    """Keep the approval; one that the same person gave to other texts of this version is replaced."""
    if not _plain(person.by):
        raise NotAllowed("批准须有姓名，请用 --by 写明")
    given = tx.conn.execute(select(approval.c.by, approval.c.digests).where(approval.c.version_id == version_id)).all()
    before = next((row for row in given if _same_person(row.by, person.by)), None)
    if before is not None and before.digests == digests:
        raise NotAllowed(f"{person.by} 已批准过 {number}")
    by = person.by if before is None else before.by
    values = {"account": person.account, "digests": digests, "given_at": tx.now}
    statement = tx.upsert(approval).values(version_id=version_id, by=by, **values)
    tx.conn.execute(statement.on_conflict_do_update(index_elements=["version_id", "by"], set_=values))


def _log_lateness(tx: Tx, row: Delivery) -> None:
    if row.publish_at is not None and row.publish_at < tx.now:
        late = int((tx.now - row.publish_at).total_seconds())
        tx.log(deliveries.entry(row, "approved_late", "程序", due=iso(row.publish_at), seconds=late))


# ---- hold and release


def hold(tx: Tx, rows: Sequence[Delivery], person: Person, reason: str) -> list[Delivery]:
    """Stop pending deliveries; gives those that were stopped."""
    pending = [row for row in rows if row.state == State.PENDING.value]
    if not pending:
        raise NotAllowed("没有待发布的渠道可以暂停（发送中的请稍候，已发布的不能暂停）")
    for row in pending:
        deliveries.hold(tx, row, Reason.HELD_BY_PERSON, reason, by=person.by, account=person.account)
    return pending


def release(
    tx: Tx,
    rows: Sequence[Delivery],
    person: Person,
    reason: str,
    capabilities: CapabilitiesOf,
    *,
    not_there: bool,
) -> list[Told]:
    """Let held deliveries go on.

    Where an earlier call may have published, the channel is asked first; where it cannot be asked,
    the person must say that it is not there.
    """
    held = [row for row in rows if row.state == State.HELD.value]
    if not held:
        raise NotAllowed("没有暂停的渠道可以放行")
    told = []
    for row in held:
        ability = capabilities(row.channel)
        if not attempts.may_be_public(tx.conn, row):
            _let_go(tx, row, person, reason, not_there=False)
            said = "已放行"
        elif not_there:
            _let_go(tx, row, person, reason, not_there=True)
            said = f"经 {person.by} 核对未发布，已放行"
        elif ability is not None and ability.findable and row.reason != Reason.CANNOT_BE_ASKED.value:
            deliveries.reschedule(tx, row, tx.now, asks=0)
            _log(tx, row, "release_asked", person, reason=reason)
            said = "先向渠道查询，查明未发布后放行"
        else:
            raise NotAllowed(
                f"{row.channel} 无法查询：请人工核对，未发布则加 --not-there 放行，已发布则用 confirm 确认"
            )
        told.append(Told(row.number, row.channel, said))
    return told


def _let_go(tx: Tx, row: Delivery, person: Person, reason: str, *, not_there: bool) -> None:
    if not_there:
        if attempts.call_still_runs(tx.conn, row.id):
            raise NotAllowed(f"{row.channel} 上一次发送的调用尚未结束，可能仍会送达：请待其结束或重新启动程序后再放行")
        # Whoever asserts that it is not there vouches for it: the calls of before are settled by that.
        attempts.settle_calls(tx, row.id, "not_there")
    data = {"account": person.account, "why": reason, "not_there": not_there}
    # Released after its bid deadline, it is to go in spite of that.
    bid_deadline = None if row.reason == Reason.BID_DEADLINE_OVER.value else row.bid_deadline
    send_again(tx, row, person, "released", data, bid_deadline=bid_deadline)


def send_again(tx: Tx, row: Delivery, person: Person, event: str, data: dict[str, Any], **values: Any) -> None:
    """Back to pending as if it had never been tried, with `values` of its columns changed; then what it waits for."""
    fresh = {"tries": 0, "first_attempt_at": None, "give_up_at": None, **values}
    deliveries.back_to_pending(tx, row, None, "", tx.now, by=person.by, event=event, data=data, **fresh)
    again = deliveries.read(tx.conn, row.id)
    deliveries.work_out_waits(tx, again, approvals_missing=approvals_missing(tx.conn, again) > 0)


# ---- confirm


def to_confirm(rows: Sequence[Delivery], *, undo: bool = False) -> Delivery:
    """The one delivery of `rows` that can be confirmed (or whose confirmation can be taken back)."""
    can = _CAN_BE_UNDONE if undo else _CAN_BE_CONFIRMED
    fitting = [row for row in rows if State(row.state) in can] if len(rows) > 1 else list(rows)
    if undo and len(fitting) > 1:  # what was updated or withdrawn is not confirmed anew
        fitting = [row for row in fitting if row.operation == Operation.PUBLISH.value]
    if len(fitting) != 1:
        states = "、".join(f"{row.channel} {State(row.state).label}" for row in rows)
        raise NotAllowed(f"请用 --channel 指明是哪个渠道：{states}")
    return fitting[0]


_CAN_BE_CONFIRMED = frozenset({State.HELD, State.SUBMITTED, State.UNKNOWN, State.FAILED})
_CAN_BE_UNDONE = frozenset({State.PUBLISHED})


def confirm(
    tx: Tx,
    row: Delivery,
    person: Person,
    *,
    seen_at: datetime | None = None,
    channel_number: str | None = None,
    url: str | None = None,
    proof: str = "",
) -> None:
    """A person saw it published: since `seen_at` (between the first attempt and now; default now).

    Whoever carried out a task says what proves it.
    Of what is published already, it settles the alarm that it may be public twice.
    """
    if row.state == State.PUBLISHED.value and clear_alarm(tx, f"double:{row.id}", proof):
        _log(tx, row, "double_settled", person, proof=proof)
        return
    if State(row.state) not in _CAN_BE_CONFIRMED:
        raise NotAllowed(f"{row.channel} 为“{State(row.state).label}”，无需确认")
    if row.state == State.SUBMITTED.value and not proof.strip() and deliveries.has_open_task(tx.conn, row.id):
        raise NotAllowed(f"{row.channel} 由人工录入：请用 --proof 说明凭据（如截图存放处），并填写网站给出的编号和网址")
    if row.state == State.FAILED.value and not proof.strip():
        raise NotAllowed(f"{row.channel} 曾拒绝该公告：已在网站上人工发布的，请用 --proof 说明凭据（如截图存放处）")
    seen = seen_at or tx.now
    first = row.first_attempt_at or row.created_at
    if not first <= seen <= tx.now:
        raise NotAllowed(f"看到的时间应在 {iso(first)[:16]} 与现在之间")
    receipt = Receipt(number=channel_number, url=url, visible_since=seen, note=proof)
    told = {"account": person.account, "seen_at": iso(seen)}
    deliveries.publish(tx, row, receipt, by=person.by, confirmed=told, proof=proof)


def undo_confirm(tx: Tx, row: Delivery, person: Person, reason: str) -> None:
    """Take a confirmation back; the publication is subtracted again."""
    if row.state != State.PUBLISHED.value or row.operation != Operation.PUBLISH.value:
        raise NotAllowed(f"{row.channel} 为“{State(row.state).label}”，没有可撤回的确认")
    deliveries.hold(tx, row, Reason.CONFIRMATION_UNDONE, reason, by=person.by, account=person.account)


# ---- cancel


_NOT_SENT = frozenset({State.PENDING, State.HELD, State.FAILED})
_ON_ITS_WAY = frozenset({State.SENDING, State.SUBMITTED, State.UNKNOWN, *STANDS})


def cancel(tx: Tx, rows: Sequence[Delivery], person: Person, reason: str) -> list[Delivery]:
    """Never send what is not sent yet; gives what was cancelled. All of `rows` or none.

    Refused as soon as one of the publications is on its way, public, or possibly public. An update or a
    withdrawal that is not sent yet can be cancelled beside its publication.
    """
    rows = locked(tx, rows)
    can = [row for row in rows if State(row.state) in _NOT_SENT or deliveries.waits_for_feeder(row)]
    doubtful = [row.channel for row in can if attempts.may_be_public(tx.conn, row)]
    if doubtful:
        raise NotAllowed(f"{'、'.join(doubtful)} 可能已发布：请先人工核对，用 confirm 或 release --not-there 说明")
    states = "、".join(f"{row.channel} {State(row.state).label}" for row in rows)
    if not can:
        raise NotAllowed(f"没有可以取消的渠道：{states}")
    if any(_is_publication(row) for row in can) and any(_is_publication(row) for row in rows if is_on_its_way(row)):
        raise NotAllowed(
            f"已有渠道发出，不能整份取消，什么都没有改动：{states}。"
            "只取消未发的渠道请用 --channel 指明，已公开的用 withdraw"
        )
    for row in can:
        # As it is now: what another channel would have forwarded was held when that one was cancelled.
        deliveries.cancel(tx, deliveries.read(tx.conn, row.id), person.by, reason, account=person.account)
    return can


def _is_publication(row: Delivery) -> bool:
    return bool(row.operation == Operation.PUBLISH.value)


def is_on_its_way(row: Delivery) -> bool:
    """Whether the channel has it, has had it, or may have it; not what another one has yet to forward there."""
    return State(row.state) in _ON_ITS_WAY and not deliveries.waits_for_feeder(row)
