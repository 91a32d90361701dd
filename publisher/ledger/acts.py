"""Acts of persons: approve, hold, release, retry, confirm, cancel. Each names who, and is a log row.

All raise `NotAllowed` (in Chinese, saying what to do instead) where the present state forbids the act.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from publisher.channel import Capabilities, Receipt
from publisher.delivery import Operation, State, WaitsFor
from publisher.errors import NotAllowed, Reason
from publisher.ledger import claims, deliveries, intake_rows
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
    """The deliveries of the notice with this intake number (on one channel), without superseded ones."""
    row = intake_rows.by_number(conn, number)
    if row is None:
        raise NotAllowed(f"没有编号 {number} 的收件")
    if row.notice_id is None:
        raise NotAllowed(f"{number} 尚未受理（{row.state}），没有可操作的发布任务；请处理待处理或退回文件夹中的文件")
    query = select(delivery).where(delivery.c.notice_id == row.notice_id, delivery.c.state != State.SUPERSEDED.value)
    if channel is not None:
        query = query.where(delivery.c.channel == channel)
    rows = list(conn.execute(query.order_by(delivery.c.id)))
    if not rows:
        raise NotAllowed(f"{number} 在渠道 {channel} 上没有发布任务")
    return rows


def _log(tx: Tx, row: Delivery, event: str, person: Person, **data: Any) -> None:
    tx.log(deliveries.entry(row, event, person.by, account=person.account, **data))


# ---- approve


def approvals_missing(conn: Connection, row: Delivery, needed: int) -> int:
    """How many approvals the present text of a delivery still lacks; one given to another text does not count."""
    given = conn.execute(select(approval.c.digests).where(approval.c.version_id == row.version_id)).scalars()
    texts = [json.loads(digests)["renditions"].get(row.channel) for digests in given]
    return max(0, needed - texts.count(row.rendition_sha256))


def approve(tx: Tx, number: str, person: Person, needed: int) -> int:
    """Approve the present version with its renditions; gives how many approvals are still missing."""
    rows = of_number(tx.conn, number)
    version_id = max(row.version_id for row in rows)
    mine = [row for row in rows if row.version_id == version_id]
    text_digest = tx.conn.execute(select(version.c.text_digest).where(version.c.id == version_id)).scalar_one()
    digests = {"text": text_digest, "renditions": {row.channel: row.rendition_sha256 for row in mine}}
    _give(tx, number, version_id, person, json.dumps(digests, sort_keys=True))
    tx.conn.execute(update(delivery).where(delivery.c.id.in_([row.id for row in mine])).values(operator=person.by))
    data = {"account": person.account, "version_id": version_id, "digests": digests}
    tx.log(Entry(event="approved", by=person.by, number=number, notice_id=mine[0].notice_id, data=data))
    for row in mine:
        waits = row.state == State.PENDING.value and row.waits_for == WaitsFor.APPROVAL.value
        approved = waits and approvals_missing(tx.conn, row, needed) == 0
        if approved and not deliveries.hold_behind_failure(tx, row):
            deliveries.work_out_waits(tx, row, approvals_missing=False)
            _log_lateness(tx, row)
    return max(approvals_missing(tx.conn, row, needed) for row in mine)


def _give(tx: Tx, number: str, version_id: int, person: Person, digests: str) -> None:
    """Keep the approval; one that the same person gave to other texts of this version is replaced."""
    mine = (approval.c.version_id == version_id, approval.c.by == person.by)
    if tx.conn.execute(select(approval.c.digests).where(*mine)).scalar_one_or_none() == digests:
        raise NotAllowed(f"{person.by} 已批准过 {number}")
    values = {"account": person.account, "digests": digests, "given_at": tx.now}
    statement = tx.upsert(approval).values(version_id=version_id, by=person.by, **values)
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
    needed: int,
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
        if not claims.may_be_public(tx.conn, row):
            _let_go(tx, row, person, reason, needed, not_there=False)
            said = "已放行"
        elif not_there:
            _let_go(tx, row, person, reason, needed, not_there=True)
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


def _let_go(tx: Tx, row: Delivery, person: Person, reason: str, needed: int, *, not_there: bool) -> None:
    if not_there:
        if claims.call_still_runs(tx.conn, row.id):
            raise NotAllowed(f"{row.channel} 上一次发送的调用尚未结束，可能仍会送达：请待其结束或重新启动程序后再放行")
        # Whoever asserts that it is not there vouches for it: the calls of before are settled by that.
        claims.settle_calls(tx, row.id, "not_there")
    data = {"account": person.account, "why": reason, "not_there": not_there}
    # Released after its bid deadline, it is to go in spite of that.
    bid_deadline = None if row.reason == Reason.BID_DEADLINE_OVER.value else row.bid_deadline
    send_again(tx, row, person, needed, "released", data, bid_deadline=bid_deadline)


def send_again(
    tx: Tx, row: Delivery, person: Person, needed: int, event: str, data: dict[str, Any], **values: Any
) -> None:
    """Back to pending as if it had never been tried, with `values` of its columns changed; then what it waits for."""
    fresh = {"tries": 0, "first_attempt_at": None, "give_up_at": None, **values}
    deliveries.back_to_pending(tx, row, None, "", tx.now, by=person.by, event=event, data=data, **fresh)
    again = deliveries.read(tx.conn, row.id)
    deliveries.work_out_waits(tx, again, approvals_missing=approvals_missing(tx.conn, again, needed) > 0)


# ---- confirm


def to_confirm(rows: Sequence[Delivery], *, undo: bool = False) -> Delivery:
    """The one delivery of `rows` that can be confirmed (or whose confirmation can be taken back)."""
    can = _CAN_BE_UNDONE if undo else _CAN_BE_CONFIRMED
    fitting = [row for row in rows if State(row.state) in can] if len(rows) > 1 else list(rows)
    if len(fitting) != 1:
        states = "、".join(f"{row.channel} {State(row.state).label}" for row in rows)
        raise NotAllowed(f"请用 --channel 指明是哪个渠道：{states}")
    return fitting[0]


_CAN_BE_CONFIRMED = frozenset({State.HELD, State.SUBMITTED, State.UNKNOWN})
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

    Of what is published already, it settles the alarm that it may be public twice.
    """
    if row.state == State.PUBLISHED.value and clear_alarm(tx, f"double:{row.id}", proof):
        _log(tx, row, "double_settled", person, proof=proof)
        return
    if State(row.state) not in _CAN_BE_CONFIRMED:
        raise NotAllowed(f"{row.channel} 为“{State(row.state).label}”，无需确认")
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


def cancel(tx: Tx, rows: Sequence[Delivery], person: Person, reason: str) -> list[Delivery]:
    """Never send what is not sent yet; gives what was cancelled. What is in flight or public stays, and is said."""
    can = [row for row in rows if State(row.state) in (State.PENDING, State.HELD, State.FAILED)]
    doubtful = [row.channel for row in can if claims.may_be_public(tx.conn, row)]
    if doubtful:
        raise NotAllowed(f"{'、'.join(doubtful)} 可能已发布：请先人工核对，用 confirm 或 release --not-there 说明")
    if not can:
        states = "、".join(f"{row.channel} {State(row.state).label}" for row in rows)
        raise NotAllowed(f"没有可以取消的渠道：{states}")
    for row in can:
        deliveries.cancel(tx, row, person.by, reason)
    return can
