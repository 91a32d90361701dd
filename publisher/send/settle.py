"""What an outcome means for a delivery: published, taken, asked for, tried again, refused, or held.

Each function runs inside the recorder's transaction, on the row as it is then.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from publisher.channel import Absent, CannotTell, Fidelity, Finding, Found, Receipt
from publisher.delivery import Operation, State
from publisher.errors import (
    ADVICE,
    ChannelError,
    NeedsPerson,
    OutcomeUnknown,
    PermanentFailure,
    Reason,
    TransientFailure,
)
from publisher.ledger import amend, attempts, backlog, channel_state, deliveries
from publisher.ledger.alarms import raise_alarm
from publisher.ledger.chain import iso
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import PROGRAM, Tx
from publisher.send.open_channel import OpenChannel
from publisher.send.retry import slow_wait
from publisher.settings import SendingSettings
from publisher.wording import moment, span

_NOT_DOWN = frozenset(
    {Reason.RATE_LIMITED, Reason.QUOTA, Reason.NO_LONGER_MINE, Reason.INTERRUPTED, Reason.FOLDER_UNWRITABLE}
)
"""Transient reasons that do not say that the channel is down, or (a folder) have an alarm of their own."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What settling needs to know beside the outcome."""

    sending: SendingSettings
    chance: random.Random


def poll_plan(channel: OpenChannel, asked: int) -> timedelta:
    """The wait before the next question about something taken, after `asked` questions: ever sparser."""
    plan = channel.settings.poll
    return plan[min(asked, len(plan) - 1)]


def may_repeat(channel: OpenChannel, row: Delivery, now: datetime) -> bool:
    """Whether the channel still remembers the delivery's key, so that a repeat is harmless."""
    lasts = channel.capabilities.idempotent_for
    return lasts > timedelta(0) and row.first_attempt_at is not None and now < row.first_attempt_at + lasts


# ---- before a call


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
    if channel.set_adapter is not None or may_repeat(channel, row, tx.now) or not attempts.may_be_public(tx.conn, row):
        return False
    if not channel.capabilities.findable:
        hold_unaskable(tx, row, ADVICE[Reason.CANNOT_BE_ASKED], cause=row.reason)
        return True
    reason = Reason(row.reason) if row.reason else Reason.ANSWER_LOST
    deliveries.hold(tx, row, reason, "渠道可能已不记得上次的提交，先查询再决定")
    deliveries.reschedule(tx, deliveries.read(tx.conn, row.id), tx.now, asks=0)
    return True


# ---- after a call


def settle_submit(
    tx: Tx, channel: OpenChannel, row: Delivery, outcome: Receipt | ChannelError, rules: Rules, attempt_id: int
) -> None:
    """The call came back in time, with `outcome`."""
    account(tx, channel, outcome, rules.sending)
    if isinstance(outcome, Receipt):
        _receipt(tx, channel, row, outcome, attempt_id)
    elif isinstance(outcome, TransientFailure):
        try_later(tx, channel, row, outcome, rules, attempt_id)
    elif isinstance(outcome, OutcomeUnknown):
        unknown(tx, channel, row, outcome, rules, attempt_id, call_over=True)
    elif isinstance(outcome, PermanentFailure):
        _refused(tx, channel, row, outcome, rules, attempt_id)
    elif isinstance(outcome, NeedsPerson) and outcome.stops_channel:
        stop_channel(tx, channel, outcome)
        deliveries.back_to_pending(
            tx, row, outcome.reason, outcome.detail, tx.now, event="try_failed", data={"attempt": attempt_id}
        )
    else:
        deliveries.hold(
            tx,
            row,
            outcome.reason,
            outcome.detail or ADVICE[outcome.reason],
            attempt=attempt_id,
            evidence=outcome.evidence,
        )


def _refused(
    tx: Tx, channel: OpenChannel, row: Delivery, outcome: PermanentFailure, rules: Rules, attempt_id: int
) -> None:
    """Refused; but the refusal of a repeat says nothing of the first call, of which nobody knows what it came to."""
    if not attempts.may_be_public(tx.conn, row, but_for=attempt_id):
        deliveries.fail(tx, row, outcome.reason, outcome.detail, attempt=attempt_id, evidence=outcome.evidence)
        return
    detail = f"重复提交被拒绝（{outcome.detail or ADVICE[outcome.reason]}），此前的提交是否已发布未知"
    data = {"attempt": attempt_id, "evidence": outcome.evidence}
    if channel.capabilities.findable:
        deliveries.become_unknown(tx, row, outcome.reason, detail, call_over_at=tx.now, next_at=tx.now, **data)
    else:
        hold_unaskable(tx, row, f"{detail}。{ADVICE[Reason.CANNOT_BE_ASKED]}", cause=outcome.reason.value, **data)


def account(tx: Tx, channel: OpenChannel, outcome: Receipt | ChannelError, sending: SendingSettings) -> None:
    """Keep the channel's books: failures in a row, the breaker, a wish to be left alone."""
    if isinstance(outcome, TransientFailure):
        if outcome.not_before is not None:
            channel_state.wait_until(tx, channel.name, outcome.not_before)
        if not outcome.channel_wide or outcome.reason in _NOT_DOWN:
            return
    elif not isinstance(outcome, OutcomeUnknown):
        if not (isinstance(outcome, ChannelError) and outcome.reason is Reason.ADAPTER_FAULT):
            channel_state.channel_answered(tx, channel.name)
        return
    channel_state.channel_failed(
        tx,
        channel.name,
        channel.title,
        sending.breaker_failures,
        sending.breaker_first,
        sending.breaker_cap,
        outcome.reason.value,
    )


def stop_channel(tx: Tx, channel: OpenChannel, outcome: NeedsPerson) -> None:
    """Nothing more goes there until a person resumes it."""
    reason = f"{ADVICE[outcome.reason]}{outcome.detail}"
    if channel_state.stop(tx, channel.name, PROGRAM, reason):
        raise_alarm(tx, f"stopped:{channel.name}", f"{channel.title}已停止发送：{reason}", channel.name)


def _receipt(tx: Tx, channel: OpenChannel, row: Delivery, receipt: Receipt, attempt_id: int | None) -> None:
    digest = receipt.digest
    if digest is not None and is_foreign(channel, row, digest):
        hold_foreign(tx, channel, row, digest, receipt)
    elif receipt.public and receipt.task is None:
        deliveries.publish(tx, row, receipt, next_at=read_back_at(channel, row, tx.now, 0), attempt=attempt_id)
    else:
        next_at = None if receipt.task is not None else tx.now + poll_plan(channel, 0)
        deliveries.submit(tx, row, receipt, next_at, attempt=attempt_id)


def is_foreign(channel: OpenChannel, row: Delivery, digest: str) -> bool:
    """Whether a channel that shows the same text shows another one."""
    full = channel.capabilities.fidelity is Fidelity.FULL
    return full and row.operation != Operation.WITHDRAW.value and digest != row.rendition_digest


def hold_foreign(tx: Tx, channel: OpenChannel, row: Delivery, digest: str, receipt: Receipt | None = None) -> None:
    """The channel shows something else than what was approved; its `receipt` is kept."""
    detail = f"{channel.title}显示的内容与批准的文本不一致（应为 {row.rendition_digest[:15]}，实为 {digest[:15]}）"
    if receipt is not None and receipt.note:
        detail += f"；{receipt.note}"  # such as which attachments are missing
    if row.state != State.HELD.value:
        kept = receipt or deliveries.receipt_of(row) or Receipt()
        deliveries.hold(tx, row, Reason.FOREIGN_TEXT, detail, receipt=replace(kept, digest=digest))
    raise_alarm(tx, f"drift:{row.id}", f"{row.number} {detail}", channel.name)


def read_back_at(channel: OpenChannel, row: Delivery, now: datetime, done: int) -> datetime | None:
    """When a publication is next read back, after `done` readings; None: no more."""
    plan = channel.settings.read_back
    if channel.single_adapter is None or not channel.capabilities.findable or row.operation != Operation.PUBLISH.value:
        return None
    return now + plan[done] if done < len(plan) else None


def try_later(
    tx: Tx, channel: OpenChannel, row: Delivery, outcome: TransientFailure, rules: Rules, attempt_id: int | None
) -> None:
    """Nothing was published: again later, or give up visibly."""
    tries = row.tries + 1
    next_at = tx.now + slow_wait(tries, rules.sending, rules.chance)
    if outcome.not_before is not None:
        next_at = max(next_at, outcome.not_before)
    if outcome.reason in (Reason.NO_LONGER_MINE, Reason.INTERRUPTED):
        tries, next_at = row.tries, tx.now
    detail = outcome.detail or ADVICE[outcome.reason]
    if row.give_up_at is not None and next_at > row.give_up_at:
        give_up(tx, channel, row, outcome.reason, detail)
        return
    data = {"attempt": attempt_id, "evidence": outcome.evidence, "tries": tries}
    deliveries.back_to_pending(tx, row, outcome.reason, detail, next_at, event="try_failed", tries=tries, data=data)


def give_up(tx: Tx, channel: OpenChannel, row: Delivery, reason: Reason, detail: str) -> None:
    """Patience is over: held, visibly."""
    deliveries.hold(
        tx, row, Reason.GAVE_UP, f"{ADVICE[Reason.GAVE_UP]}最后一次原因：{detail}", last_reason=reason.value
    )
    raise_alarm(tx, f"gave_up:{channel.name}", f"{channel.title}有公告超过期限仍未发布", channel.name)


def unknown(
    tx: Tx,
    channel: OpenChannel,
    row: Delivery,
    outcome: OutcomeUnknown,
    rules: Rules,
    attempt_id: int | None,
    *,
    call_over: bool,
) -> None:
    """It may be public: repeat where that is harmless, ask where it can be asked, else a person must look."""
    detail = outcome.detail or ADVICE[outcome.reason]
    data = {"attempt": attempt_id, "evidence": outcome.evidence}
    tries = row.tries + 1
    next_at = tx.now + slow_wait(tries, rules.sending, rules.chance)
    if may_repeat(channel, row, next_at) and call_over:
        if row.give_up_at is not None and next_at > row.give_up_at:
            give_up(tx, channel, row, outcome.reason, detail)
            return
        deliveries.back_to_pending(
            tx,
            row,
            outcome.reason,
            detail,
            next_at,
            event="outcome_unknown",
            tries=tries,
            data=data | {"then": "repeat"},
        )
    elif channel.capabilities.findable or not call_over:
        over = tx.now if call_over else None
        ask_at = tx.now if channel.capabilities.findable else None
        deliveries.become_unknown(tx, row, outcome.reason, detail, call_over_at=over, next_at=ask_at, **data)
    else:
        hold_unaskable(tx, row, f"{detail}{ADVICE[Reason.CANNOT_BE_ASKED]}", cause=outcome.reason.value, **data)


def hold_unaskable(tx: Tx, row: Delivery, detail: str, **data: Any) -> None:
    """Only a person can find out whether it is public."""
    deliveries.hold(tx, row, Reason.CANNOT_BE_ASKED, detail, **data)


# ---- after a question


def settle_find(tx: Tx, channel: OpenChannel, row: Delivery, finding: Finding | ChannelError, rules: Rules) -> None:
    """The channel said what it holds."""
    state = State(row.state)
    if isinstance(finding, TransientFailure):
        _ask_later(tx, channel, row, finding, rules)
    elif isinstance(finding, PermanentFailure):
        _refused_afterwards(tx, row, finding)
    elif isinstance(finding, NeedsPerson) and finding.stops_channel:
        stop_channel(tx, channel, finding)
        deliveries.reschedule(tx, row, tx.now + rules.sending.retry_cap)
    elif isinstance(finding, Found):
        _found(tx, channel, row, finding)
    elif isinstance(finding, Absent):
        _absent(tx, channel, row, rules)
    else:
        why = finding.why if isinstance(finding, CannotTell) else str(finding)
        _cannot_tell(tx, channel, row, state, why)


def _cannot_tell(tx: Tx, channel: OpenChannel, row: Delivery, state: State, why: str) -> None:
    if state is State.PUBLISHED:
        # A reading that cannot be made says nothing against a publication.
        deliveries.reschedule(tx, row, read_back_at(channel, row, tx.now, row.asks + 1), asks=row.asks + 1)
    elif state is State.HELD:
        _answer_release(tx, row, Reason.CANNOT_BE_ASKED, why)
    elif state is State.UNKNOWN and row.call_over_at is not None and may_repeat(channel, row, tx.now):
        deliveries.back_to_pending(tx, row, Reason.INTERRUPTED, ADVICE[Reason.INTERRUPTED], tx.now, event="interrupted")
    else:
        hold_unaskable(tx, row, why or ADVICE[Reason.CANNOT_BE_ASKED])


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


def _ask_later(tx: Tx, channel: OpenChannel, row: Delivery, failure: TransientFailure, rules: Rules) -> None:
    if failure.not_before is not None:
        channel_state.wait_until(tx, channel.name, failure.not_before)
    # A reading of what is published that could not be made is none: its place in the plan is kept.
    published = row.state == State.PUBLISHED.value
    asked = row.asks if published else row.asks + 1
    next_at = tx.now + (rules.sending.retry_cap if published else slow_wait(asked, rules.sending, rules.chance))
    if failure.not_before is not None:
        next_at = max(next_at, failure.not_before)
    if row.state == State.UNKNOWN.value and row.give_up_at is not None and next_at > row.give_up_at:
        give_up(tx, channel, row, failure.reason, failure.detail)
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
    elif digest is not None and is_foreign(channel, row, digest):
        if row.state == State.HELD.value:
            _answer_release(tx, row, Reason.FOREIGN_TEXT, "")
        else:
            hold_foreign(tx, channel, row, digest, finding.receipt)
    elif finding.receipt.public:
        deliveries.publish(tx, row, finding.receipt, next_at=read_back_at(channel, row, tx.now, 0), found=True)
    elif row.state == State.UNKNOWN.value:
        deliveries.submit(tx, row, finding.receipt, tx.now + poll_plan(channel, 0), found=True)
    else:
        deliveries.reschedule(tx, row, tx.now + poll_plan(channel, row.asks + 1), asks=row.asks + 1)


def _read_back(tx: Tx, channel: OpenChannel, row: Delivery, digest: str | None, receipt: Receipt) -> None:
    if digest is not None and is_foreign(channel, row, digest):
        if _is_being_changed(tx, channel, row):
            return
        hold_foreign(tx, channel, row, digest, receipt)
        return
    if digest is not None and digest != row.shown_digest:
        tx.log(deliveries.entry(row, "read_back", PROGRAM, shown_digest=digest))
    asked = row.asks + 1
    next_at = read_back_at(channel, row, tx.now, asked)
    deliveries.reschedule(tx, row, next_at, asks=asked, shown_digest=digest or row.shown_digest)


def _settled(channel: OpenChannel, row: Delivery, now: datetime) -> datetime | None:
    """The instant from which Absent counts; None while the last call is not known to be over."""
    return None if row.call_over_at is None else row.call_over_at + channel.capabilities.settle_window


def _absent(tx: Tx, channel: OpenChannel, row: Delivery, rules: Rules) -> None:
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
        hold_unaskable(tx, row, f"发送该公告的程序失去联系，渠道上暂未查到。{ADVICE[Reason.CANNOT_BE_ASKED]}")
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
        deliveries.reschedule(tx, row, tx.now + poll_plan(channel, row.asks + 1), asks=row.asks + 1)
    elif tx.now < window:
        deliveries.reschedule(tx, row, window, asks=row.asks + 1)
    else:
        deliveries.publish(tx, row, Receipt(note="absent"), found=True)


def _absent_held(tx: Tx, channel: OpenChannel, row: Delivery, rules: Rules) -> None:
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
        deliveries.reschedule(tx, row, tx.now + poll_plan(channel, row.asks + 1), asks=row.asks + 1)


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
    deliveries.reschedule(tx, row, tx.now + poll_plan(channel, 0))
    return True


def hold_gone(tx: Tx, channel: OpenChannel, row: Delivery, why: str = "") -> None:
    """A publication is no longer shown."""
    detail = f"{channel.title}上已查不到该公告" + (f"：{why}" if why else "")
    deliveries.hold(tx, row, Reason.GONE_FROM_CHANNEL, detail)
    raise_alarm(tx, f"gone:{row.id}", f"{row.number} {detail}", channel.name)


# ---- after an answer that came too late


def settle_late(
    tx: Tx, channel: OpenChannel, row: Delivery, outcome: Receipt | ChannelError, attempt_id: int, rules: Rules
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
        _receipt(tx, channel, row, receipt, attempt_id)
    elif state is State.PENDING and public:
        # It waits to be sent again: not any more. Within this transaction nobody sees it held.
        deliveries.hold(tx, row, Reason.ANSWER_LOST, ADVICE[Reason.ANSWER_LOST])
        _receipt(tx, channel, deliveries.read(tx.conn, row.id), receipt, attempt_id)
    elif state in (State.PUBLISHED, State.SUBMITTED):
        if _is_another(tx, row, receipt, attempt_id):
            _alarm_double(
                tx, channel, row, f"可能重复发布：{row.channel_number or '无编号'}、{receipt.number or '无编号'}"
            )
    elif state is State.SENDING:
        if not may_repeat(channel, row, tx.now):
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
    tx: Tx, channel: OpenChannel, row: Delivery, outcome: ChannelError, attempt_id: int, rules: Rules
) -> None:
    if isinstance(outcome, TransientFailure):
        try_later(tx, channel, row, outcome, rules, attempt_id)
    elif isinstance(outcome, PermanentFailure):
        deliveries.fail(tx, row, outcome.reason, outcome.detail, attempt=attempt_id)
    else:
        # From now on the call is known to be over.
        deliveries.reschedule(tx, row, tx.now, call_over_at=tx.now)


def recover(
    tx: Tx, channel: OpenChannel | None, row: Delivery, call_had_begun: bool, rules: Rules, *, reconcile: bool
) -> None:
    """A dead daemon left it *sending*: as if its call had ended now, with its answer lost."""
    if channel is None:
        deliveries.hold(tx, row, Reason.CANNOT_BE_ASKED, "该渠道已停用，无法查询上次发送的结果，请人工核对")
    elif not call_had_begun or channel.set_adapter is not None or not reconcile:
        if not reconcile:
            attempts.settle_calls(tx, row.id, "interrupted")
        deliveries.back_to_pending(tx, row, Reason.INTERRUPTED, ADVICE[Reason.INTERRUPTED], tx.now, event="interrupted")
    else:
        unknown(tx, channel, row, OutcomeUnknown(Reason.DAEMON_DIED), rules, None, call_over=True)


def attempt_outcome(outcome: Receipt | ChannelError) -> str:
    """The word under which an attempt's outcome is kept."""
    if isinstance(outcome, Receipt):
        return "published" if outcome.public and outcome.task is None else "submitted"
    words = {
        TransientFailure: "transient",
        OutcomeUnknown: "unknown",
        PermanentFailure: "refused",
        NeedsPerson: "person",
    }
    return words[type(outcome)]


def end_attempt(
    tx: Tx, attempt_id: int, outcome: Receipt | ChannelError, digest: str | None, *, slot: bool = True
) -> None:
    """Write the attempt's row."""
    if isinstance(outcome, Receipt):
        attempts.end_attempt(tx, attempt_id, attempt_outcome(outcome), request_digest=digest)
        return
    attempts.end_attempt(
        tx,
        attempt_id,
        attempt_outcome(outcome),
        reason=outcome.reason.value,
        detail=outcome.detail,
        evidence=outcome.evidence,
        request_digest=digest,
        slot=slot,
    )
