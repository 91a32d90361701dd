"""Set channels: one attempt changes the whole set; its deliveries are those that change."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from publisher.channel import DeliveryKey, Item, Kept, NoticeKey, Receipt
from publisher.delivery import Operation, State
from publisher.errors import ADVICE, ChannelError, NeedsPerson, PermanentFailure, Reason, TransientFailure
from publisher.ledger import attempts, channel_state, claims, deliveries, set_members
from publisher.ledger.alarms import clear_alarm, raise_alarm
from publisher.ledger.channel_state import ChannelState
from publisher.ledger.contents import ContentDamaged, Contents, read_contents, read_many
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import Ledger, Tx
from publisher.notice import Form, ProjectClass
from publisher.send import before_call, settle, settle_answer
from publisher.send.calls import Running, ShowClaim, Shown
from publisher.send.open_channel import OpenChannel
from publisher.send.settle import Rules

logger = logging.getLogger(__name__)

LARGEST_CHANGE = 200
"""Deliveries that one attempt changes at most; the rest follow in the next."""
_TURN = timedelta(hours=1)
"""How long the same part of the older items is looked at on a channel without a `refresh` of its own."""


def claim(
    tx: Tx, channel: OpenChannel, daemon_id: int, limit: timedelta, give_up: timedelta, *, publishing: bool = True
) -> ShowClaim | None:
    """Take what changes the set now: due deliveries, publications whose time is over; or a refresh. None: nothing.

    `publishing` False: nothing new is shown, because the channel's hours are over; what must go goes.
    """
    name = channel.name
    state = channel_state.lock_state(tx, name)
    if state.open_since is not None and state.probe_at is not None and state.probe_at > tx.now:
        return None
    due = [
        row
        for row in claims.sends(tx, name, LARGEST_CHANGE, publishing=publishing)
        if before_call.still_useful(tx, channel, row)
    ]
    standing = set_members.shown(tx.conn, name)
    ending = [row for row in standing if row.until is not None and row.until <= tx.now]
    updates = set_members.standing_updates(tx.conn, name)
    touched = {row.id for row in ending} | {row.predecessor_id for row in due}
    kept = kept_back(standing, channel.capabilities.window, channel.settings.refresh or _TURN, tx.now) - touched
    if not due and not ending:
        if not refresh_is_due(channel, state, tx.now):
            return None
        channel_state.refresh_begins(tx, name)
        return ShowClaim(None, state.set_number, (), (), tuple(standing), updates, kept)
    for row in due:
        before_call.log_lateness(tx, channel, row, daemon_id)
    number = channel_state.next_set_number(tx, name)
    attempt_id = claims.begin_show(tx, name, due, number, daemon_id, limit, give_up)
    changing = tuple(deliveries.read(tx.conn, row.id) for row in due)
    return ShowClaim(attempt_id, number, changing, tuple(ending), tuple(standing), updates, kept)


def kept_back(standing: Sequence[Delivery], window: int | None, turn: timedelta, now: datetime) -> frozenset[int]:
    """Ids of what stands and is not shown anew this time: all but the newest `window`, and some of the older in turn.

    The older ones come in parts of `window`, another with each `turn` of the clock, so that what is damaged or gone
    is found and made again however long the set has grown. Those of one instant are not parted.
    """
    if window is None or len(standing) <= window:
        return frozenset()
    rows = [row for row in standing if row.visible_since is not None]
    rows.sort(key=lambda row: (row.visible_since, row.id))
    first = rows[-window].visible_since if len(rows) > window else None
    older = [row for row in rows if first is not None and row.visible_since < first]
    part = int(now.timestamp() // turn.total_seconds()) % max(1, -(-len(older) // window))
    return frozenset(row.id for at, row in enumerate(older) if at // window != part)


def refresh_is_due(channel: OpenChannel, state: ChannelState, now: datetime) -> bool:
    """Whether the set is to be shown once more although nothing changed (a screen may have lost its power)."""
    at = refresh_at(channel, state)
    return at is not None and at <= now


def refresh_at(channel: OpenChannel, state: ChannelState) -> datetime | None:
    """When the set is shown once more; None: never (as long as nothing was ever shown, too)."""
    every = channel.settings.refresh
    return state.shown_at + every if every is not None and state.shown_at is not None else None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A set as it is to be shown, and what cannot be shown because its stored text is damaged."""

    items: tuple[Item, ...]
    unreadable: Mapping[DeliveryKey, NeedsPerson]
    kept: tuple[Kept, ...] = ()


def prepare(ledger: Ledger, claim: ShowClaim) -> Prepared | NeedsPerson:
    """The set to be shown: what stands and has not ended or been withdrawn, plus what is due.

    `NeedsPerson` where the text of something that stands is damaged: the old set stays up.
    """
    updates = {**claim.updates}
    updates |= {row.predecessor_id: row for row in claim.changing if row.operation == Operation.UPDATE.value}
    standing = [row for row in claim.staying if row.id not in claim.kept]
    rows = standing + [row for row in claim.changing if row.operation == Operation.PUBLISH.value]
    with ledger.read() as conn:
        contents = read_many(conn, ledger, [updates.get(row.id, row) for row in rows])
    items: list[Item] = []
    unreadable: dict[DeliveryKey, NeedsPerson] = {}
    stands = {row.id for row in standing}
    for row in rows:
        text = updates.get(row.id, row)
        found = contents[text.id]
        if not isinstance(found, Exception):
            items.append(_item(row, text, found))
            continue
        logger.error("delivery %s cannot be read: %s", text.id, found)
        fault = _damaged(row)
        if row.id in stands:
            return fault
        unreadable[DeliveryKey(text.delivery_key)] = fault
    kept = [(row, updates.get(row.id, row)) for row in claim.staying if row.id in claim.kept]
    return Prepared(tuple(items), unreadable, tuple(_kept(ledger, row, text) for row, text in kept))


def _kept(ledger: Ledger, row: Delivery, text: Delivery) -> Kept:
    def read() -> Item:
        try:
            return _item(row, text, read_contents(ledger, text))
        except (ContentDamaged, LookupError, ValueError) as error:
            logger.error("delivery %s cannot be read: %s", text.id, error)
            raise _damaged(row) from error

    what = (text.rendition_title, Form(row.form), ProjectClass(row.project_class))
    return Kept(NoticeKey(row.notice_key), *what, row.visible_since, read)


def _damaged(row: Delivery) -> NeedsPerson:
    return NeedsPerson(Reason.ADAPTER_FAULT, f"编号 {row.number} 的存档内容无法读取，请运行 verify")


def _item(row: Delivery, text: Delivery, contents: Contents) -> Item:
    return Item(
        delivery_key=DeliveryKey(text.delivery_key),
        notice_key=NoticeKey(row.notice_key),
        version=contents.version,
        rendition=contents.rendition,
        references=contents.references,
        visible_since=row.visible_since,
        until=row.until,
    )


def record(
    channel: OpenChannel, claim: ShowClaim, shown: Shown, running: Running, rules: Rules, daemon_id: int, tx: Tx
) -> None:
    """Write what the show came to."""
    clear_alarm(tx, f"overdue_show:{channel.name}")
    if isinstance(shown, ChannelError):
        _nothing_shown(tx, channel, claim, shown, rules, daemon_id)
        return
    if claim.attempt_id is not None:
        attempts.end_attempt(tx, claim.attempt_id, "published", request_digest=running.request_digest)
    settle.account(tx, channel, Receipt(), rules.sending)
    clear_alarm(tx, f"unwritable:{channel.name}")
    for row in _read(tx, claim.changing):
        if row.state == State.SENDING.value:
            answer = shown.get(DeliveryKey(row.delivery_key))
            if isinstance(answer, TransientFailure):
                settle.try_later(tx, channel, row, answer, rules, claim.attempt_id)
            else:
                _settle(tx, channel, row, answer)
    for row in _read(tx, claim.ending):
        if row.state == State.PUBLISHED.value:
            deliveries.end(tx, row, "time over")
    changed = {row.predecessor_id for row in claim.changing if row.operation == Operation.UPDATE.value}
    for row in claim.staying:
        if row.id not in changed:
            text = claim.updates.get(row.id, row)
            _still_shown(tx, channel, row, text, shown.get(DeliveryKey(text.delivery_key)))


def _still_shown(
    tx: Tx, channel: OpenChannel, standing: Delivery, text: Delivery, answer: Receipt | ChannelError | None
) -> None:
    """What stood before: where it is kept out now, or shows another text, a person must look."""
    if isinstance(answer, Receipt):
        if answer.digest is None or not settle.is_foreign(channel, text, answer.digest):
            return
    elif not isinstance(answer, PermanentFailure | NeedsPerson):
        return
    row = deliveries.read(tx.conn, standing.id)
    if row.state != State.PUBLISHED.value:
        return
    if isinstance(answer, Receipt):
        settle.hold_foreign(tx, channel, row, answer.digest or "", answer)
    else:
        settle_answer.hold_gone(tx, channel, row, answer.detail)


def _read(tx: Tx, rows: Sequence[Delivery]) -> list[Delivery]:
    return [deliveries.read(tx.conn, row.id) for row in rows]


def _settle(tx: Tx, channel: OpenChannel, row: Delivery, answer: Receipt | ChannelError | None) -> None:
    if row.operation == Operation.WITHDRAW.value:
        deliveries.publish(tx, row, Receipt(note="no longer shown"))
    elif isinstance(answer, Receipt):
        if answer.digest is not None and settle.is_foreign(channel, row, answer.digest):
            settle.hold_foreign(tx, channel, row, answer.digest, answer)
        else:
            shown_for = channel.settings.shown_for if row.operation == Operation.PUBLISH.value else None
            deliveries.publish(tx, row, answer, until=None if shown_for is None else tx.now + shown_for)
    elif isinstance(answer, PermanentFailure):
        deliveries.fail(tx, row, answer.reason, answer.detail)
    elif isinstance(answer, ChannelError):
        deliveries.hold(tx, row, answer.reason, answer.detail or ADVICE[answer.reason])
    else:
        deliveries.hold(tx, row, Reason.ADAPTER_FAULT, "渠道程序没有给出该公告的结果")


def _nothing_shown(
    tx: Tx, channel: OpenChannel, claim: ShowClaim, error: ChannelError, rules: Rules, daemon_id: int
) -> None:
    """The old set stands; everything that was to change waits. A refresh that fails is an attempt after all."""
    attempt_id = claim.attempt_id
    if attempt_id is None:
        limit = channel.call_limit(rules.sending)
        attempt_id = claims.begin_show(tx, channel.name, (), claim.set_number, daemon_id, limit, rules.sending.give_up)
    settle.end_attempt(tx, attempt_id, error, None)
    settle.account(tx, channel, error, rules.sending)
    if error.reason is Reason.FOLDER_UNWRITABLE:
        raise_alarm(
            tx, f"unwritable:{channel.name}", f"{channel.title}：{error.detail or ADVICE[error.reason]}", channel.name
        )
    if isinstance(error, NeedsPerson):
        settle.stop_channel(tx, channel, error)
    failure = error if isinstance(error, TransientFailure) else TransientFailure(error.reason, error.detail)
    for row in _read(tx, claim.changing):
        if row.state == State.SENDING.value:
            settle.try_later(tx, channel, row, failure, rules, attempt_id)
    if claim.ending:
        # What only ends has no row with a due time of its own: the channel waits as a whole.
        channel_state.wait_until(tx, channel.name, tx.now + rules.sending.retry_first)
