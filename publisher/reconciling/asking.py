"""Asking the channels what they hold, within their rate limits; every question is an observation of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass

from publisher.channel import Absent, CannotTell, DeliveryKey, Finding, Found, Lists, Looks
from publisher.counts.reconciled import Item
from publisher.errors import ChannelError, Reason, TransientFailure
from publisher.ledger import attempts, channel_state, deliveries, rate_limit, set_members
from publisher.ledger.channel_state import LedgerStore
from publisher.ledger.contents import ContentDamaged, read_contents
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import Ledger
from publisher.send import calls, sets, settle
from publisher.send.calls import CallContext, Running, ShowClaim
from publisher.send.open_channel import OpenChannel
from publisher.send.sender import Machine
from publisher.settings import SendingSettings

BY_HAND, FOUND, MISSING, DIFFERENT, UNANSWERED = "by_hand", "found", "missing", "different", "unanswered"


@dataclass(frozen=True, slots=True)
class Asker:
    """What asking needs from the outside."""

    ledger: Ledger
    machine: Machine
    sending: SendingSettings
    go_on: Callable[[], bool] = lambda: True


class Interrupted(Exception):
    """The program ends before everything was asked; nothing is lost, the next reconciliation asks again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What asking for one publication came to: found, by_hand, or what is wrong with it."""

    what: str
    detail: str = ""


def _judged(finding: Finding, *, differs: bool) -> Answer:
    if isinstance(finding, Absent):
        return Answer(MISSING, "渠道上没有这份公告")
    if isinstance(finding, CannotTell):
        return Answer(BY_HAND, finding.why)
    note = finding.receipt.note
    if not finding.receipt.public:
        return Answer(MISSING, note or "渠道上有，但读者还看不到")
    if differs:
        return Answer(DIFFERENT, "渠道显示的内容与批准的文本不一致" + (f"；{note}" if note else ""))
    return Answer(FOUND)


# ---- one notice


def ask_one(asker: Asker, channel: OpenChannel, row: Delivery, text: Delivery) -> Answer:
    """Ask a channel that takes one notice at a time.

    `text` is the delivery whose text should be seen: the publication `row` itself, or its last update. Raises
    `Interrupted`.
    """
    assert channel.single_adapter is not None
    try:
        contents = read_contents(asker.ledger, row)
    except (ContentDamaged, LookupError):
        return Answer(UNANSWERED, "账本中的存档内容无法读取，请运行 publisher verify")
    observation_id = _when_slot_is_free(asker, channel, row)
    running, context = _context(asker, channel)
    finding = calls.find(channel.single_adapter, calls.submission_of(row, contents, context), running)
    if isinstance(finding, ChannelError):
        _answered(asker, observation_id, "failed", str(finding))
        return Answer(UNANSWERED, finding.in_words)
    digest = finding.digest if isinstance(finding, Found) else None
    _answered(asker, observation_id, type(finding).__name__.lower(), digest=digest)
    return _judged(finding, differs=digest is not None and settle.is_foreign(channel, text, digest))


# ---- a set

_LOOKS = 10
"""How often a set that is just being changed is looked at, a second apart, before that is said."""


def look_at_set(asker: Asker, channel: OpenChannel, adapter: Looks, wanted: Set[int]) -> Mapping[int, Answer] | str:
    """What readers see of the `wanted` publications that still stand in a set, by delivery; or why it cannot be seen.

    The set is looked at only, not shown anew: that would put right what is to be found. Raises `Interrupted`.
    """
    observation_id = _when_slot_is_free(asker, channel, None)
    seen = _look_until_still(asker, channel, adapter, wanted)
    if isinstance(seen, ChannelError):
        _answered(asker, observation_id, "failed", str(seen))
        return seen.in_words
    _answered(asker, observation_id, "looked")
    return seen


def _look_until_still(
    asker: Asker, channel: OpenChannel, adapter: Looks, wanted: Set[int]
) -> dict[int, Answer] | ChannelError:
    """What goes up or comes down meanwhile would be told wrongly: then it is looked at again."""
    for _ in range(_LOOKS):
        before = _standing(asker.ledger, channel.name, wanted)
        seen = _look_once(asker, channel, adapter, before)
        if not before.changing and before == _standing(asker.ledger, channel.name, wanted):
            return seen
        if not asker.go_on():
            raise Interrupted
        asker.machine.sleep(1.0)
    return TransientFailure(Reason.BUSY, "该渠道的内容正在更新，或上次更新中断后程序还没有运行；请稍后再对账")


@dataclass(frozen=True, slots=True)
class _Standing:
    """What of the wanted should be shown, its updates, and whether the set is being changed just now."""

    rows: tuple[Delivery, ...]
    updates: Mapping[int, Delivery]
    changing: bool


def _standing(ledger: Ledger, name: str, wanted: Set[int]) -> _Standing:
    with ledger.read() as conn:
        changing = attempts.a_set_is_changing(conn, name)
        rows = tuple(row for row in set_members.shown(conn, name) if row.id in wanted)
        updates = {id_: row for id_, row in set_members.standing_updates(conn, name).items() if id_ in wanted}
    return _Standing(rows, updates, changing)


def _look_once(
    asker: Asker, channel: OpenChannel, adapter: Looks, standing: _Standing
) -> dict[int, Answer] | ChannelError:
    prepared = sets.prepare(asker.ledger, ShowClaim(None, 0, (), (), standing.rows, standing.updates))
    if isinstance(prepared, ChannelError):
        return prepared
    running, context = _context(asker, channel)
    found = calls.look(adapter, prepared.items, context, running)
    if isinstance(found, ChannelError):
        return found
    digests = {item.delivery_key: item.rendition.text_digest for item in prepared.items}
    answers = {}
    for row in standing.rows:
        key = DeliveryKey(standing.updates.get(row.id, row).delivery_key)
        finding = found.get(key)
        if finding is None:
            answers[row.id] = Answer(UNANSWERED, "渠道程序没有给出该公告的结果")
        else:
            differs = isinstance(finding, Found) and finding.digest != digests[key]
            answers[row.id] = _judged(finding, differs=differs)
    return answers


# ---- the channel's own list

_LONGEST_TITLE = 200
"""Characters of a foreign title that are kept: anybody may have written it."""


@dataclass(frozen=True, slots=True)
class ForeignItems:
    """What a channel's list shows beside what the log knows; `read` False: the list could not be read."""

    items: tuple[Item, ...]
    read: bool = True


def read_list(asker: Asker, channel: OpenChannel) -> ForeignItems | None:
    """What the channel lists and the ledger does not know; None: it has no list that a program can read.

    Raises `Interrupted`.
    """
    if not isinstance(channel.adapter, Lists):
        return None
    observation_id = _when_slot_is_free(asker, channel, None)
    running, context = _context(asker, channel)
    listed = calls.listed(channel.adapter, context, running)
    if isinstance(listed, ChannelError):
        _answered(asker, observation_id, "failed", str(listed))
        told = f"渠道的公告列表无法读取：{listed.in_words}"
        return ForeignItems((Item(UNANSWERED, channel.name, "", "", told),), read=False)
    _answered(asker, observation_id, "cannottell" if listed is None else "listed")
    if listed is None:
        return None
    with asker.ledger.read() as conn:
        known = deliveries.addresses(conn, channel.name)  # after the list: what was published meanwhile is ours
    strangers = {one.url: one.title[:_LONGEST_TITLE] for one in listed if one.url not in known}
    told = "渠道列表上有，发布日志里没有"
    return ForeignItems(tuple(Item("foreign", channel.name, "", title, told, url) for url, title in strangers.items()))


# ---- the ledger's side of a question


def _answered(asker: Asker, observation_id: int, finding: str, detail: str = "", digest: str | None = None) -> None:
    with asker.ledger.write() as tx:
        attempts.end_observation(tx, observation_id, finding, detail, digest)


def _when_slot_is_free(asker: Asker, channel: OpenChannel, row: Delivery | None) -> int:
    """Wait until the rate limit leaves a call and take it; gives the observation's id."""
    rate, limit = channel.settings.rate, channel.call_limit(asker.sending)
    while asker.go_on():
        with asker.ledger.write() as tx:
            channel_state.lock_state(tx, channel.name)  # as the daemons do before they count
            tx.look_at_clock()
            if rate is None or rate_limit.slots_left(tx, channel.name, rate.calls, rate.per, limit) > 0:
                return attempts.open_observation(tx, channel.name, row)
            free_at = rate_limit.next_slot(tx.conn, channel.name, rate.per, tx.now, limit)
            wait = (free_at - tx.now).total_seconds()
        asker.machine.sleep(min(1.0, max(0.05, wait)))  # not in one go: the program may have to end meanwhile
    raise Interrupted


def _context(asker: Asker, channel: OpenChannel) -> tuple[Running, CallContext]:
    limit = channel.call_limit(asker.sending).total_seconds()
    running = Running(channel, None, asker.machine.monotonic(), limit)
    store = LedgerStore(asker.ledger, channel.name)
    return running, CallContext(running, store, asker.machine.clock, asker.machine.monotonic, lambda: True)
