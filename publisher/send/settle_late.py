"""What an answer means that came after its time limit, and what a dead daemon left *sending*."""

from __future__ import annotations

from typing import Any

from publisher.channel import Receipt
from publisher.delivery import State
from publisher.errors import ADVICE, ChannelError, OutcomeUnknown, PermanentFailure, Reason, TransientFailure
from publisher.ledger import attempts, deliveries
from publisher.ledger.alarms import raise_alarm
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import PROGRAM, Tx
from publisher.send import settle
from publisher.send.open_channel import OpenChannel


def settle_late(
    tx: Tx, channel: OpenChannel, row: Delivery, outcome: Receipt | ChannelError, attempt_id: int, rules: settle.Rules
) -> None:
    """An overdue call ended after all: its answer is never dropped."""
    told: dict[str, Any] = {"said": "receipt" if isinstance(outcome, Receipt) else outcome.reason.value}
    if isinstance(outcome, Receipt):
        told |= {"channel_number": outcome.number, "url": outcome.url}
    tx.log(deliveries.entry(row, "late_answer", PROGRAM, attempt=attempt_id, **told))
    if isinstance(outcome, Receipt):
        _late_receipt(tx, channel, row, outcome, attempt_id)
    elif State(row.state) is State.UNKNOWN:
        _late_failure(tx, channel, row, outcome, attempt_id, rules)


def _late_receipt(tx: Tx, channel: OpenChannel, row: Delivery, receipt: Receipt, attempt_id: int) -> None:
    """It was taken after all."""
    state, public = State(row.state), receipt.public and receipt.task is None
    if state is State.UNKNOWN or (state is State.HELD and public):
        settle.take_receipt(tx, channel, row, receipt, attempt_id)
    elif state is State.PENDING and public:
        # It waits to be sent again: not any more. Within this transaction nobody sees it held.
        deliveries.hold(tx, row, Reason.ANSWER_LOST, ADVICE[Reason.ANSWER_LOST])
        settle.take_receipt(tx, channel, deliveries.read(tx.conn, row.id), receipt, attempt_id)
    elif state in (State.PUBLISHED, State.SUBMITTED):
        if _is_another(tx, row, receipt, attempt_id):
            _alarm_double(
                tx, channel, row, f"可能重复发布：{row.channel_number or '无编号'}、{receipt.number or '无编号'}"
            )
    elif state is State.SENDING:
        if not settle.may_repeat(channel, row, tx.now):
            _alarm_double(tx, channel, row, f"可能重复发布：上一次提交已被受理（{receipt.number or '无编号'}）")
    elif state is not State.HELD:
        _alarm_double(tx, channel, row, f"为“{state.label}”，但渠道已受理（{receipt.number or '无编号'}）")


def _is_another(tx: Tx, row: Delivery, receipt: Receipt, attempt_id: int) -> bool:
    """Whether `receipt` is of another item than the one that is known."""
    if receipt.number and row.channel_number:
        return bool(receipt.number != row.channel_number)
    return attempts.was_taken(tx.conn, row.id, but_for=attempt_id)


def _alarm_double(tx: Tx, channel: OpenChannel, row: Delivery, what: str) -> None:
    raise_alarm(tx, f"double:{row.id}", f"{row.number} 在{channel.title}{what}，请立即核对", channel.name)


def _late_failure(
    tx: Tx, channel: OpenChannel, row: Delivery, outcome: ChannelError, attempt_id: int, rules: settle.Rules
) -> None:
    if isinstance(outcome, TransientFailure):
        settle.try_later(tx, channel, row, outcome, rules, attempt_id)
    elif isinstance(outcome, PermanentFailure):
        deliveries.fail(tx, row, outcome.reason, outcome.detail, attempt=attempt_id)
    else:
        # From now on the call is known to be over.
        deliveries.reschedule(tx, row, tx.now, call_over_at=tx.now)


def recover(
    tx: Tx, channel: OpenChannel | None, row: Delivery, call_had_begun: bool, rules: settle.Rules, *, reconcile: bool
) -> None:
    """A dead daemon left it *sending*: as if its call had ended now, with its answer lost."""
    if channel is None:
        deliveries.hold(tx, row, Reason.CANNOT_BE_ASKED, "该渠道已停用，无法查询上次发送的结果，请人工核对")
    elif not call_had_begun or channel.set_adapter is not None or not reconcile:
        if not reconcile:
            attempts.settle_calls(tx, row.id, "interrupted")
        deliveries.back_to_pending(tx, row, Reason.INTERRUPTED, ADVICE[Reason.INTERRUPTED], tx.now, event="interrupted")
    else:
        settle.unknown(tx, channel, row, OutcomeUnknown(Reason.DAEMON_DIED), rules, None, call_over=True)
