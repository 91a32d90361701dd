"""What comparisons of the log with the channels came to: as data, as rows of the log, and read from these again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from publisher.ledger.chain import Entry
from publisher.ledger.tables import head, publication_log

WORDS = {"missing": "缺失", "different": "内容不同", "foreign": "账外", "unanswered": "未能查询"}
"""What may be wrong with an item, in the order in which people read it, with its Chinese word."""

_EVENT = "reconciled"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to be seen to. `what`: missing, different, foreign, unanswered (not told), or by_hand.

    `number` is the intake number (of what is foreign: none), `url` the channel's own address where one is known,
    `detail` says what is wrong or why a person must look.
    """

    what: str
    channel: str
    number: str
    title: str
    detail: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class OfChannel:
    """One channel: how many publications the log has, how many were found, and what is not right.

    `by_hand` counts those that the channel cannot be asked about; a person must look at each of `to_look`.
    `listed`: whether its own list was read, so that foreign items are named. `tier`: its level.
    """

    channel: str
    logged: int
    found: int
    by_hand: int
    listed: bool
    items: tuple[Item, ...]
    to_look: tuple[Item, ...] = ()
    tier: str = ""

    @property
    def agrees(self) -> bool:
        """Whether nothing is missing, different, foreign or unanswered."""
        return not self.items

    def count(self, what: str) -> int:
        """How many items are wrong in this way."""
        return sum(item.what == what for item in self.items)


@dataclass(frozen=True, slots=True)
class Kept:
    """The newest comparison of one channel that the log keeps: its row, when and by whom, and what it came to."""

    seq: int
    hash: str
    at: datetime
    by: str
    result: OfChannel


def as_entry(one: OfChannel, first: date, last: date, by: str, account: str | None = None) -> Entry:
    """The row of the log that keeps a comparison of the days `first` to `last`. `account`: of the person who asked."""
    facts: dict[str, Any] = {"account": account} if account is not None else {}
    facts |= {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "tier": one.tier,
        "logged": one.logged,
        "found": one.found,
        "by_hand": one.by_hand,
        "listed": one.listed,
        "items": [_facts(item) for item in one.items],
        "to_look": [_facts(item) for item in one.to_look],
    }
    return Entry(event=_EVENT, by=by, channel=one.channel, data=facts)


def _facts(item: Item) -> dict[str, str]:
    said = {"what": item.what, "number": item.number, "title": item.title, "detail": item.detail, "url": item.url}
    return {name: value for name, value in said.items() if value}


def last_kept(conn: Connection, first: date, last: date) -> tuple[Kept, ...]:
    """The newest comparison of every channel for exactly these days, from the rows of the log alone, by channel."""
    newest: dict[str, Kept] = {}
    column = publication_log.c
    rows = conn.execute(
        select(column.seq, column.hash, column.recorded_at, column.payload)
        .where(column.event == _EVENT)
        .order_by(column.seq)
    )
    for seq, hash_, at, payload in rows:
        said = json.loads(payload)
        if _span(said) == (first, last):
            newest[said["channel"]] = Kept(seq, hash_, at, said["by"], _result(said["channel"], said["data"]))
    return tuple(kept for _, kept in sorted(newest.items()))


def compared_since(conn: Connection, seq: int) -> tuple[set[tuple[date, date]], int]:
    """The spans (first and last day) that were compared after row `seq` of the log, and up to which row was looked."""
    end = conn.execute(select(head.c.seq)).scalar_one()
    column = publication_log.c
    newer = select(column.payload).where(column.event == _EVENT, column.seq > seq, column.seq <= end)
    return {_span(json.loads(payload)) for payload in conn.execute(newer).scalars()}, end


def _span(said: Mapping[str, Any]) -> tuple[date, date]:
    return date.fromisoformat(said["data"]["from"]), date.fromisoformat(said["data"]["to"])


def _result(channel: str, facts: Mapping[str, Any]) -> OfChannel:
    """What a row says; one of an earlier version lacks tier, addresses, what to look at, whether a list was read."""
    return OfChannel(
        channel=channel,
        logged=facts["logged"],
        found=facts["found"],
        by_hand=facts["by_hand"],
        listed=facts.get("listed", False),
        items=_items(channel, facts["items"]),
        to_look=_items(channel, facts.get("to_look", ())),
        tier=facts.get("tier", ""),
    )


def _items(channel: str, said: Sequence[Mapping[str, str]]) -> tuple[Item, ...]:
    return tuple(
        Item(
            one["what"],
            channel,
            one.get("number", ""),
            one.get("title", ""),
            one.get("detail", ""),
            one.get("url", ""),
        )
        for one in said
    )


def is_month(first: date, last: date) -> bool:
    """Whether these are the first and the last day of one month."""
    return first.day == 1 and last == (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def span_name(first: date, last: date) -> str:
    """A span as the option `--month` takes it: a month, a year or a day; else its two days."""
    if is_month(first, last):
        return f"{first:%Y-%m}"
    if (first.month, first.day, last) == (1, 1, date(first.year, 12, 31)):
        return f"{first.year}"
    return f"{first}" if first == last else f"{first} 至 {last}"
