"""Whether a call is still to be made, looked at in the transaction that would begin it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from publisher.channel import Receipt
from publisher.delivery import Operation
from publisher.errors import ADVICE, Reason
from publisher.ledger import attempts, backlog, channel_state, deliveries
from publisher.ledger.chain import iso
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import PROGRAM, Tx
from publisher.send import settle
from publisher.send.open_channel import OpenChannel
from publisher.wording import moment, span


def still_useful(tx: Tx, channel: OpenChannel, row: Delivery) -> bool:
    """Hold what falls due after its bid deadline, or whose repeat is no longer harmless.

    What another channel forwards is never sent: let go by a person, it is looked for again.
    """
    if channel.capabilities.watched_only:
        deliveries.submit(tx, row, Receipt(public=False), tx.now)
        return False
    if Operation(row.operation) not in channel.settings.operations:
        # Released although the channel does not do it (or no longer may): that is for a person to do there.
        deliveries.hold(tx, row, Reason.NOT_SUPPORTED, ADVICE[Reason.NOT_SUPPORTED])
        return False
    if row.first_attempt_at is not None:
        return not _is_forgotten(tx, channel, row)
    if row.operation != Operation.PUBLISH.value:
        return True
    if row.bid_deadline is not None and row.bid_deadline <= tx.now:
        deliveries.hold(tx, row, Reason.BID_DEADLINE_OVER, ADVICE[Reason.BID_DEADLINE_OVER])
        return False
    return True


def log_lateness(tx: Tx, channel: OpenChannel, row: Delivery, daemon_id: int) -> None:
    """Log, at its first attempt, that a delivery is later than it was to be, and why."""
    if row.publish_at is None or row.first_attempt_at is not None or row.operation != Operation.PUBLISH.value:
        return
    late = tx.now - row.publish_at
    if late >= timedelta(minutes=1):
        why = _why_late(tx, channel, row, daemon_id)
        detail = f"应发 {moment(row.publish_at)}，迟 {span(late)}，原因：{why}"
        told: dict[str, Any] = {"seconds": int(late.total_seconds()), "why": why, "detail": detail}
        tx.log(deliveries.entry(row, "late", PROGRAM, due=iso(row.publish_at), **told))


def _why_late(tx: Tx, channel: OpenChannel, row: Delivery, daemon_id: int) -> str:
    due = row.publish_at
    if channel.settings.opens_at(due) > due:
        return "不在该渠道的发布时段"
    state = channel_state.read_states(tx.conn).get(channel.name)
    if state is not None and state.was_silent(due):
        return "渠道维护静默"
    return backlog.why_late(tx.conn, row, daemon_id)


def _is_forgotten(tx: Tx, channel: OpenChannel, row: Delivery) -> bool:
    """Hold a repeat that comes so late, after a stop or a pause, that the channel may not know the key any more."""
    if (
        channel.set_adapter is not None
        or settle.may_repeat(channel, row, tx.now)
        or not attempts.may_be_public(tx.conn, row)
    ):
        return False
    if not channel.capabilities.findable:
        settle.hold_unaskable(tx, row, ADVICE[Reason.CANNOT_BE_ASKED], cause=row.reason)
        return True
    reason = Reason(row.reason) if row.reason else Reason.ANSWER_LOST
    deliveries.hold(tx, row, reason, "渠道可能已不记得上次的提交，先查询再决定")
    deliveries.reschedule(tx, deliveries.read(tx.conn, row.id), tx.now, asks=0)
    return True
