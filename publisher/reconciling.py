"""Reconciliation: what the log says is public is looked for on every channel. Nothing is ever sent.

Missing items (the log has them, the channel does not) and foreign ones (the channel lists them, the log does not
know them) are named; what to do about them is for a person. What was found out is a row of the log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from publisher.channel import Absent, Found, Lists
from publisher.counts import queries
from publisher.counts.queries import Span
from publisher.errors import ChannelError
from publisher.ledger import alarms, attempts, channel_state, rate_limit
from publisher.ledger.chain import Entry
from publisher.ledger.channel_state import LedgerStore
from publisher.ledger.contents import read_contents
from publisher.ledger.deliveries import Delivery, read
from publisher.ledger.store import PROGRAM, Ledger, opened_at
from publisher.notice import LOCAL
from publisher.send import calls, settle
from publisher.send.calls import CallContext, Running
from publisher.send.open_channel import OpenChannel
from publisher.send.sender import Machine
from publisher.settings import SendingSettings


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is not as the log says. `what`: missing, different, foreign, or unanswered (not told)."""

    what: str
    channel: str
    number: str
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class OfChannel:
    """One channel: how many publications the log has, how many were found, and what is not right.

    `by_hand`: the channel cannot be asked, a person must look. `listed`: whether its own list was read, so that
    foreign items are named.
    """

    channel: str
    logged: int
    found: int
    by_hand: int
    listed: bool
    items: tuple[Item, ...]

    @property
    def agrees(self) -> bool:
        """Whether nothing is missing, different, foreign or unanswered."""
        return not self.items


@dataclass(frozen=True, slots=True)
class Asker:
    """What asking needs from the outside."""

    ledger: Ledger
    machine: Machine
    sending: SendingSettings
    go_on: Callable[[], bool] = lambda: True


class Interrupted(Exception):
    """The program ends before everything was asked; nothing is lost, the next reconciliation asks again."""


def reconcile(
    asker: Asker, channels: Mapping[str, OpenChannel], first: date, last: date, *, by: str, only: str | None = None
) -> list[OfChannel]:
    """Compare the log with the channels for publications of the days `first` to `last` that still stand.

    Raises `Interrupted` if the asker may not go on.
    """
    with asker.ledger.read() as conn:
        rows = [read(conn, row.delivery_id) for row in queries.publications(conn, Span(first, last))]
        titles = {row.delivery_id: row.title for row in queries.publications(conn, Span(first, last))}
        ever = {row.url for row in queries.publications(conn) if row.url}
    standing = [row for row in rows if row.state == "published"]
    names = [name for name in sorted({row.channel for row in standing} | set(channels)) if only in (None, name)]
    results = []
    for name in names:
        mine = [row for row in standing if row.channel == name]
        channel = channels.get(name)
        if channel is None or (channel.set_adapter is None and not channel.capabilities.findable):
            one = OfChannel(name, len(mine), 0, len(mine), False, ())
        else:
            one = _channel(asker, channel, mine, titles, ever)
        _log(asker.ledger, one, first, last, by)
        results.append(one)
    return results


def _channel(
    asker: Asker, channel: OpenChannel, rows: Sequence[Delivery], titles: Mapping[int, str], ever: set[str]
) -> OfChannel:
    items: list[Item] = []
    found = by_hand = 0
    for row in rows:
        if channel.single_adapter is None:
            by_hand += 1  # a set is shown again as a whole; what it shows is checked at each refresh
            continue
        what, detail = _ask(asker, channel, row)
        if what == "found":
            found += 1
        elif what == "by_hand":
            by_hand += 1
        else:
            items.append(Item(what, channel.name, row.number, titles.get(row.id, ""), detail))
    foreign = _foreign(asker, channel, ever)
    items += foreign or ()
    return OfChannel(channel.name, len(rows), found, by_hand, foreign is not None, tuple(items))


def _ask(asker: Asker, channel: OpenChannel, row: Delivery) -> tuple[str, str]:
    """One question, within the channel's rate limit; it is an observation like any other."""
    assert channel.single_adapter is not None
    observation_id = _when_slot_is_free(asker, channel, row)
    running, context = _context(asker, channel)
    submission = calls.submission_of(row, read_contents(asker.ledger, row), context)
    finding = calls.find(channel.single_adapter, submission, running)
    word = "failed" if isinstance(finding, ChannelError) else type(finding).__name__.lower()
    detail = str(finding) if isinstance(finding, ChannelError) else ""
    with asker.ledger.write() as tx:
        digest = getattr(finding, "digest", None)
        attempts.end_observation(tx, observation_id, word, detail, digest)
    if isinstance(finding, ChannelError):
        return "unanswered", detail
    if isinstance(finding, Absent):
        return "missing", "渠道答复没有这份公告"
    if not isinstance(finding, Found):
        return "by_hand", finding.why
    if not finding.receipt.public:
        return "missing", finding.receipt.note or "渠道上有，但读者还看不到"
    if finding.digest is not None and settle.is_foreign(channel, row, finding.digest):
        note = finding.receipt.note
        return "different", "渠道显示的内容与批准的文本不一致" + (f"；{note}" if note else "")
    return "found", ""


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


def _foreign(asker: Asker, channel: OpenChannel, ever: set[str]) -> list[Item] | None:
    """What the channel lists and the log does not know; None: its list cannot be read by a program."""
    if not isinstance(channel.adapter, Lists):
        return None
    observation_id = _when_slot_is_free(asker, channel, None)
    _, context = _context(asker, channel)
    try:
        listed = channel.adapter.listed(context)
        found = "cannottell" if listed is None else "listed"
    except ChannelError as error:
        listed, found = None, "failed"
        trouble = str(error)
    with asker.ledger.write() as tx:
        attempts.end_observation(tx, observation_id, found, trouble if found == "failed" else "")
    if found == "failed":
        return [Item("unanswered", channel.name, "", "", f"渠道的公告列表无法读取：{trouble}")]
    if listed is None:
        return None
    return [Item("foreign", channel.name, "", one.title, one.url) for one in listed if one.url not in ever]


def _log(ledger: Ledger, one: OfChannel, first: date, last: date, by: str) -> None:
    facts: dict[str, Any] = {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "logged": one.logged,
        "found": one.found,
        "by_hand": one.by_hand,
        "items": [{"what": i.what, "number": i.number, "title": i.title, "detail": i.detail} for i in one.items],
    }
    with ledger.write() as tx:
        tx.log(Entry(event="reconciled", by=by, channel=one.channel, data=facts))
        cause = _cause(one.channel, first)
        if one.agrees and is_month(first, last):
            alarms.clear_alarm(tx, cause, "再次对账相符")


# ---- every month


DAY = 3
"""The day of the month on which the month before is reconciled: what was late has come by then."""
_LASTS = timedelta(hours=6)
_DONE = "reconciled_month"


def due_month(now: datetime, days_in: int = DAY - 1) -> tuple[date, date]:
    """The month before the one in which `now` lies at least `days_in` whole days deep, as first and last day."""
    end = (now.astimezone(LOCAL) - timedelta(days=days_in)).date().replace(day=1) - timedelta(days=1)
    return end.replace(day=1), end


def is_month(first: date, last: date) -> bool:
    """Whether these are the first and the last day of one month."""
    return first.day == 1 and last == (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def reconcile_monthly(asker: Asker, channels: Mapping[str, OpenChannel], holder: str) -> bool:
    """Reconcile the past month if that is due and not done yet; say whether it was done now.

    On the third day of a month or as soon after it as the program runs; of several daemons by one (`holder` names
    it). What is not right raises the alarm `reconcile:<channel>:<month>`, which a later comparison of that month
    clears. A month before the ledger was opened is not looked at, and no channel is asked in its silence.
    """
    store = LedgerStore(asker.ledger, channel_state.ALL)
    now = asker.machine.clock()
    first, last = due_month(now)
    month = f"{first:%Y-%m}"
    with asker.ledger.read() as conn:
        states = channel_state.read_states(conn)
        opened = opened_at(conn)
    silent = any(states[name].is_silent(now) for name in channels if name in states)
    if silent or opened.astimezone(LOCAL).date() > last or (store.get(_DONE) or "") >= month:
        return False
    if not store.lease(_DONE, holder, _LASTS):
        return False
    results = reconcile(asker, channels, first, last, by=PROGRAM)
    with asker.ledger.write() as tx:
        for one in results:
            if not one.agrees:
                alarms.raise_alarm(tx, _cause(one.channel, first), _told(one, month), one.channel)
    store.put(_DONE, month)
    return True


def _cause(channel: str, first: date) -> str:
    return f"reconcile:{channel}:{first:%Y-%m}"


_WORDS = {"missing": "缺失", "different": "内容不同", "foreign": "账外", "unanswered": "未能查询"}


def _told(one: OfChannel, month: str) -> str:
    counts = Counter(item.what for item in one.items)
    said = "、".join(f"{word} {counts[what]} 件" for what, word in _WORDS.items() if counts[what])
    return f"{month} 对账不符：{said}；明细见 publisher reconcile --month {month} --channel {one.channel}"
