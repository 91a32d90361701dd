"""What a call's outcome means for a delivery: published, taken, asked for, tried again, refused, or held.

Each function runs inside the recorder's transaction, on the row as it is then.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from publisher.channel import Fidelity, Receipt
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
from publisher.ledger import attempts, channel_state, deliveries
from publisher.ledger.alarms import raise_alarm
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import PROGRAM, Tx
from publisher.send.open_channel import OpenChannel
from publisher.send.retry import slow_wait
from publisher.settings import SendingSettings

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


def settle_submit(
    tx: Tx, channel: OpenChannel, row: Delivery, outcome: Receipt | ChannelError, rules: Rules, attempt_id: int
) -> None:
    """The call came back in time, with `outcome`."""
    account(tx, channel, outcome, rules.sending)
    if isinstance(outcome, Receipt):
        take_receipt(tx, channel, row, outcome, attempt_id)
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


def take_receipt(tx: Tx, channel: OpenChannel, row: Delivery, receipt: Receipt, attempt_id: int | None) -> None:
    """Published, taken, or held because the channel shows another text than was approved."""
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
