"""What the answer to a question means for a delivery: it is there, it is not, or nobody can tell."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from publisher.channel import Absent, CannotTell, Finding, Found, Receipt
from publisher.delivery import Operation, State
from publisher.errors import ADVICE, ChannelError, NeedsPerson, PermanentFailure, Reason, TransientFailure
from publisher.ledger import amend, attempts, channel_state, deliveries
from publisher.ledger.alarms import raise_alarm
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import PROGRAM, Tx
from publisher.send import settle
from publisher.send.open_channel import OpenChannel
from publisher.send.retry import slow_wait


def settle_answer(
    tx: Tx, channel: OpenChannel, row: Delivery, finding: Finding | ChannelError, rules: settle.Rules
) -> None:
    """The channel said what it holds."""
    state = State(row.state)
    if isinstance(finding, TransientFailure):
        _ask_later(tx, channel, row, finding, rules)
    elif isinstance(finding, PermanentFailure):
        _refused_afterwards(tx, row, finding)
    elif isinstance(finding, NeedsPerson) and finding.stops_channel:
        settle.stop_channel(tx, channel, finding)
        deliveries.reschedule(tx, row, tx.now + rules.sending.retry_cap)
    elif isinstance(finding, Found):
        _found(tx, channel, row, finding)
    elif isinstance(finding, Absent):
        _absent(tx, channel, row, rules)
    else:
        why = finding.why if isinstance(finding, CannotTell) else finding.in_words
        _cannot_tell(tx, channel, row, state, why)


def _cannot_tell(tx: Tx, channel: OpenChannel, row: Delivery, state: State, why: str) -> None:
    if state is State.PUBLISHED:
        # A reading that cannot be made says nothing against a publication.
        deliveries.reschedule(tx, row, settle.read_back_at(channel, row, tx.now, row.asks + 1), asks=row.asks + 1)
    elif state is State.HELD:
        _answer_release(tx, row, Reason.CANNOT_BE_ASKED, why)
    elif state is State.UNKNOWN and row.call_over_at is not None and settle.may_repeat(channel, row, tx.now):
        deliveries.back_to_pending(tx, row, Reason.INTERRUPTED, ADVICE[Reason.INTERRUPTED], tx.now, event="interrupted")
    else:
        settle.hold_unaskable(tx, row, why or ADVICE[Reason.CANNOT_BE_ASKED])


def _refused_afterwards(tx: Tx, row: Delivery, finding: PermanentFailure) -> None:
    if State(row.state) in (State.SUBMITTED, State.UNKNOWN):
        attempts.settle_calls(tx, row.id, "refused")
        deliveries.fail(tx, row, finding.reason, finding.detail, evidence=finding.evidence)
    elif row.state == State.PUBLISHED.value:
        deliveries.hold(tx, row, Reason.GONE_FROM_CHANNEL, finding.detail or ADVICE[Reason.GONE_FROM_CHANNEL])
    else:
        _answer_release(tx, row, finding.reason, finding.detail)


def _answer_release(tx: Tx, row: Delivery, reason: Reason, why: str) -> None:
    """A person wanted it released, and the channel's answer does not allow it: it stays held, and says why."""
    detail = f"{why}。{ADVICE[reason]}" if why else ADVICE[reason]
    deliveries.reschedule(tx, row, None, reason=reason.value, detail=detail)
    tx.log(deliveries.entry(row, "still_held", PROGRAM, reason=reason.value, detail=detail))


def _ask_later(tx: Tx, channel: OpenChannel, row: Delivery, failure: TransientFailure, rules: settle.Rules) -> None:
    if failure.not_before is not None:
        channel_state.wait_until(tx, channel.name, failure.not_before)
    # A reading of what is published that could not be made is none: its place in the plan is kept.
    published = row.state == State.PUBLISHED.value
    asked = row.asks if published else row.asks + 1
    next_at = tx.now + (rules.sending.retry_cap if published else slow_wait(asked, rules.sending, rules.chance))
    if failure.not_before is not None:
        next_at = max(next_at, failure.not_before)
    if row.state == State.UNKNOWN.value and row.give_up_at is not None and next_at > row.give_up_at:
        settle.give_up(tx, channel, row, failure.reason, failure.detail)
        return
    deliveries.reschedule(tx, row, next_at, asks=asked)


def unknown_word(word: str) -> str:
    """How a question is kept that was answered in a word nobody knows."""
    return f"未知状态：{word}"


def _found(tx: Tx, channel: OpenChannel, row: Delivery, finding: Found) -> None:
    if finding.unknown_word is not None:
        deliveries.log_once(tx, row, "unknown_word", word=finding.unknown_word)
    digest = finding.digest or finding.receipt.digest
    if row.operation == Operation.WITHDRAW.value:
        _still_there(tx, channel, row)
    elif row.operation == Operation.UPDATE.value and digest is not None and digest != row.rendition_digest:
        _absent_update(tx, channel, row)
    elif row.state == State.PUBLISHED.value:
        _read_back(tx, channel, row, digest, finding.receipt)
    elif digest is not None and settle.is_foreign(channel, row, digest):
        if row.state == State.HELD.value:
            _answer_release(tx, row, Reason.FOREIGN_TEXT, "")
        else:
            settle.hold_foreign(tx, channel, row, digest, finding.receipt)
    elif finding.receipt.public:
        deliveries.publish(tx, row, finding.receipt, next_at=settle.read_back_at(channel, row, tx.now, 0), found=True)
    elif row.state == State.UNKNOWN.value:
        deliveries.submit(tx, row, finding.receipt, tx.now + settle.poll_plan(channel, 0), found=True)
    else:
        deliveries.reschedule(tx, row, tx.now + settle.poll_plan(channel, row.asks + 1), asks=row.asks + 1)


def _read_back(tx: Tx, channel: OpenChannel, row: Delivery, digest: str | None, receipt: Receipt) -> None:
    if digest is not None and settle.is_foreign(channel, row, digest):
        if _is_being_changed(tx, channel, row):
            return
        settle.hold_foreign(tx, channel, row, digest, receipt)
        return
    if digest is not None and digest != row.shown_digest:
        tx.log(deliveries.entry(row, "read_back", PROGRAM, shown_digest=digest))
    asked = row.asks + 1
    next_at = settle.read_back_at(channel, row, tx.now, asked)
    deliveries.reschedule(tx, row, next_at, asks=asked, shown_digest=digest or row.shown_digest)


def _settled(channel: OpenChannel, row: Delivery, now: datetime) -> datetime | None:
    """The instant from which Absent counts; None while the last call is not known to be over."""
    return None if row.call_over_at is None else row.call_over_at + channel.capabilities.settle_window


def _absent(tx: Tx, channel: OpenChannel, row: Delivery, rules: settle.Rules) -> None:
    if row.state == State.PUBLISHED.value:
        _gone(tx, channel, row)
        return
    if row.state == State.SUBMITTED.value:
        _absent_submitted(tx, channel, row)
        return
    if row.state == State.HELD.value:
        _absent_held(tx, channel, row, rules)
        return
    counts_from = _settled(channel, row, tx.now)
    if counts_from is None and row.reason == Reason.DAEMON_DIED.value:
        # The daemon that was sending it is silent, not proven dead: its call may still come through.
        settle.hold_unaskable(tx, row, f"发送该公告的程序失去联系，渠道上暂未查到。{ADVICE[Reason.CANNOT_BE_ASKED]}")
    elif counts_from is None:
        deliveries.reschedule(
            tx, row, tx.now + max(channel.capabilities.settle_window, timedelta(seconds=1)), asks=row.asks + 1
        )
    elif tx.now < counts_from:
        deliveries.reschedule(tx, row, counts_from, asks=row.asks + 1)
    elif row.operation == Operation.WITHDRAW.value:
        deliveries.publish(tx, row, Receipt(note="absent"), found=True)
    else:
        data = {"absent": True}
        reason = Reason(row.reason) if row.reason else None
        attempts.settle_calls(tx, row.id, "not_there")
        deliveries.back_to_pending(tx, row, reason, row.detail or "", tx.now, event="not_there", data=data)


def _absent_submitted(tx: Tx, channel: OpenChannel, row: Delivery) -> None:
    """Taken and not there: for a publication not yet, for a withdrawal (after the window) that it is carried out."""
    window = row.changed_at + channel.capabilities.settle_window
    if row.operation != Operation.WITHDRAW.value:
        deliveries.reschedule(tx, row, tx.now + settle.poll_plan(channel, row.asks + 1), asks=row.asks + 1)
    elif tx.now < window:
        deliveries.reschedule(tx, row, window, asks=row.asks + 1)
    else:
        deliveries.publish(tx, row, Receipt(note="absent"), found=True)


def _absent_held(tx: Tx, channel: OpenChannel, row: Delivery, rules: settle.Rules) -> None:
    """A person wanted it released, and it is not there: let go, once that counts."""
    over = attempts.last_call_over(tx.conn, row.id)
    counts_from = over + channel.capabilities.settle_window if over is not None else tx.now
    if attempts.call_still_runs(tx.conn, row.id):
        deliveries.reschedule(tx, row, tx.now + rules.sending.retry_cap)
    elif tx.now < counts_from:
        deliveries.reschedule(tx, row, counts_from)
    else:
        attempts.settle_calls(tx, row.id, "not_there")
        fresh: dict[str, Any] = {"tries": 0, "first_attempt_at": None, "give_up_at": None}
        deliveries.back_to_pending(tx, row, None, "", tx.now, event="released", data={"absent": True}, **fresh)


def _absent_update(tx: Tx, channel: OpenChannel, row: Delivery) -> None:
    """The old text still stands: the update was not carried out, once the window is over."""
    counts_from = _settled(channel, row, tx.now)
    if counts_from is None or tx.now < counts_from:
        deliveries.reschedule(tx, row, counts_from or tx.now + channel.capabilities.settle_window, asks=row.asks + 1)
    else:
        attempts.settle_calls(tx, row.id, "not_there")
        deliveries.back_to_pending(tx, row, None, "", tx.now, event="not_there", data={"old_text": True})


def _still_there(tx: Tx, channel: OpenChannel, row: Delivery) -> None:
    """Asked to withdraw, but the channel still shows it."""
    if row.state == State.UNKNOWN.value:
        _absent_update(tx, channel, row)
    else:
        deliveries.reschedule(tx, row, tx.now + settle.poll_plan(channel, row.asks + 1), asks=row.asks + 1)


def _gone(tx: Tx, channel: OpenChannel, row: Delivery) -> None:
    """Public once, and now not there: within the settle window that says nothing; after it, a person must look."""
    counts_from = row.changed_at + channel.capabilities.settle_window
    if tx.now < counts_from:
        deliveries.reschedule(tx, row, counts_from)
        return
    if _is_being_changed(tx, channel, row):
        return
    hold_gone(tx, channel, row)


def _is_being_changed(tx: Tx, channel: OpenChannel, row: Delivery) -> bool:
    """While an update or a withdrawal is on its way, what is shown says nothing: it is asked for again later."""
    if not amend.open_changes(tx.conn, row):
        return False
    deliveries.reschedule(tx, row, tx.now + settle.poll_plan(channel, 0))
    return True


def hold_gone(tx: Tx, channel: OpenChannel, row: Delivery, why: str = "") -> None:
    """A publication is no longer shown."""
    detail = f"{channel.title}上已查不到该公告" + (f"：{why}" if why else "")
    deliveries.hold(tx, row, Reason.GONE_FROM_CHANNEL, detail)
    raise_alarm(tx, f"gone:{row.id}", f"{row.number} {detail}", channel.name)
