"""Set channels: one attempt changes the whole set; its deliveries are those that change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from publisher.channel import DeliveryKey, Item, NoticeKey, Receipt
from publisher.delivery import Operation, State
from publisher.errors import ADVICE, ChannelError, NeedsPerson, PermanentFailure, Reason, TransientFailure
from publisher.ledger import channel_state, claims, deliveries
from publisher.ledger.alarms import clear_alarm, raise_alarm
from publisher.ledger.contents import Contents, read_many
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import Ledger, Tx
from publisher.send import settle
from publisher.send.calls import Running, ShowClaim, Shown
from publisher.send.open_channel import OpenChannel
from publisher.send.settle import Rules

LARGEST_CHANGE = 200
"""Deliveries that one attempt changes at most; the rest follow in the next."""


def claim(tx: Tx, channel: OpenChannel, daemon_id: int, limit: timedelta, give_up: timedelta) -> ShowClaim | None:
    """Take what changes the set now: due deliveries, and publications whose time is over. None: nothing changes."""
    state = channel_state.lock_state(tx, channel.name)
    if state.open_since is not None and state.probe_at is not None and state.probe_at > tx.now:
        return None
    found = claims.sends(tx, channel.name, LARGEST_CHANGE)
    due = [row for row in found if settle.still_useful(tx, channel, row)]
    for row in due:
        settle.log_lateness(tx, row, daemon_id)
    ending = claims.expiring(tx.conn, channel.name, tx.now)
    if not due and not ending:
        return None
    standing = claims.shown(tx.conn, channel.name)
    number = channel_state.next_set_number(tx, channel.name)
    attempt_id = claims.begin_show(tx, channel.name, due, number, daemon_id, limit, give_up)
    changing = tuple(deliveries.read(tx.conn, row.id) for row in due)
    return ShowClaim(attempt_id, number, changing, tuple(ending), tuple(standing))


def items(ledger: Ledger, claim: ShowClaim) -> list[Item]:
    """The set to be shown: what stands and has not ended or been withdrawn, plus what is due."""
    gone = {row.id for row in claim.ending}
    updates = {row.predecessor_id: row for row in claim.changing if row.operation == Operation.UPDATE.value}
    gone |= {row.predecessor_id for row in claim.changing if row.operation == Operation.WITHDRAW.value}
    rows = [row for row in claim.standing if row.id not in gone]
    rows += [row for row in claim.changing if row.operation == Operation.PUBLISH.value]
    with ledger.read() as conn:
        contents = read_many(conn, ledger, [updates.get(row.id, row) for row in rows])
    return [_item(row, updates.get(row.id), contents) for row in rows]


def _item(row: Delivery, update: Delivery | None, read: Mapping[int, Contents | Exception]) -> Item:
    contents = read[(update or row).id]
    if isinstance(contents, Exception):
        raise contents
    return Item(
        delivery_key=DeliveryKey((update or row).delivery_key),
        notice_key=NoticeKey(row.notice_key),
        version=contents.version,
        rendition=contents.rendition,
        references=contents.references,
        visible_since=row.visible_since,
        until=row.until,
    )


def record(channel: OpenChannel, claim: ShowClaim, shown: Shown, running: Running, rules: Rules, tx: Tx) -> None:
    """Write what the show came to."""
    if isinstance(shown, ChannelError):
        _nothing_shown(tx, channel, claim, shown, rules)
        return
    claims.end_attempt(tx, claim.attempt_id, "published", request_digest=running.request_digest)
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


def _read(tx: Tx, rows: Sequence[Delivery]) -> list[Delivery]:
    return [deliveries.read(tx.conn, row.id) for row in rows]


def _settle(tx: Tx, channel: OpenChannel, row: Delivery, answer: Receipt | ChannelError | None) -> None:
    if row.operation == Operation.WITHDRAW.value:
        deliveries.publish(tx, row, Receipt(note="no longer shown"))
    elif isinstance(answer, Receipt):
        if answer.digest is not None and settle.is_foreign(channel, row, answer.digest):
            settle.hold_foreign(tx, channel, row, answer.digest)
        else:
            until = None if channel.settings.shown_for is None else tx.now + channel.settings.shown_for
            deliveries.publish(tx, row, answer, until=until)
    elif isinstance(answer, PermanentFailure):
        deliveries.fail(tx, row, answer.reason, answer.detail)
    elif isinstance(answer, ChannelError):
        deliveries.hold(tx, row, answer.reason, answer.detail or ADVICE[answer.reason])
    else:
        deliveries.hold(tx, row, Reason.ADAPTER_FAULT, "渠道程序没有给出该公告的结果")


def _nothing_shown(tx: Tx, channel: OpenChannel, claim: ShowClaim, error: ChannelError, rules: Rules) -> None:
    """The old set stands; everything that was to change waits."""
    settle.end_attempt(tx, claim.attempt_id, error, None)
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
            settle.try_later(tx, channel, row, failure, rules, claim.attempt_id)
    if claim.ending:
        # What only ends has no row with a due time of its own: the channel waits as a whole.
        channel_state.wait_until(tx, channel.name, tx.now + rules.sending.retry_first)
