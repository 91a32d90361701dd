"""Feeds of agencies as a second way in: every new entry becomes a file of the line, once, across restarts."""

from __future__ import annotations

import hashlib
import html
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from urllib.parse import quote

from publisher.channel import Context, Kept, Store
from publisher.errors import ChannelError
from publisher.intake.folder import shown_name
from publisher.intake.staff_folders import placed_name
from publisher.ledger import alarms, feeds, intake_rows
from publisher.ledger.chain import Entry
from publisher.ledger.channel_state import LedgerStore
from publisher.ledger.feeds import FeedState
from publisher.ledger.store import PROGRAM, Ledger, Tx
from publisher.notice import LOCAL
from publisher.settings import FeedSettings, IntakeSettings
from publisher.source import Source, SourceEntry

logger = logging.getLogger(__name__)

_CALL = timedelta(seconds=60)
_LONGEST_TITLE = 60
"""Characters of an entry's title in its file's name."""


@dataclass(frozen=True, slots=True)
class _Call:
    """The context of one question to a source."""

    name: str
    ledger: Ledger
    until: float
    monotonic: Callable[[], float]
    kept: Sequence[Kept] = ()

    @property
    def store(self) -> Store:
        """A store of its own in the ledger."""
        return LedgerStore(self.ledger, f"feed:{self.name}")

    def now(self) -> datetime:
        """The present instant."""
        return self.ledger.clock()

    def remaining(self) -> float:
        """Seconds left for the question."""
        return self.until - self.monotonic()

    def still_mine(self, request_digest: str | None = None) -> None:
        """A question changes nothing: it is always allowed."""


@dataclass(frozen=True, slots=True)
class FeedIntake:
    """Asks every configured feed when it is due. No transaction is open while it is asked."""

    ledger: Ledger
    settings: IntakeSettings
    sources: Mapping[str, Source]
    monotonic: Callable[[], float]

    def tick(self, now: datetime) -> int:
        """Ask what is due; gives how many entries were taken in. An outage of one feed stops no other."""
        return sum(self._look(feed, now) for feed in self.settings.feed)

    def _look(self, feed: FeedSettings, now: datetime) -> int:
        with self.ledger.read() as conn:
            state = feeds.state_of(conn, feed.name)
        first = state is None or not state.had_entries
        known = state or FeedState()
        if known.next_at is not None and now < known.next_at:
            return 0
        until = self.monotonic() + _CALL.total_seconds()
        context: Context = _Call(feed.name, self.ledger, until, self.monotonic)
        try:
            fetched = self.sources[feed.name].fetch(known.etag, known.modified, context)
        except ChannelError as error:
            self._failed(feed, known, now, error.detail or error.reason.value)
            return 0
        if fetched is None:
            self._asked(feed, replace(known, next_at=now + feed.every, failing_since=None))
            return 0
        if not fetched.entries and known.had_entries:
            self._failed(feed, known, now, "信息源突然没有任何条目，按故障处理，不视为清空")
            return 0
        taken = self._take_new(feed, fetched.entries, now, first)
        # The validators are kept only after every entry is: a crash before this reads the same answer again.
        new = FeedState(fetched.etag, fetched.modified, now + feed.every, known.had_entries or bool(fetched.entries))
        self._asked(feed, new)
        return taken

    def _take_new(self, feed: FeedSettings, entries: Sequence[SourceEntry], now: datetime, first: bool) -> int:
        digests = {entry.id: _digest(entry) for entry in entries}
        with self.ledger.read() as conn:
            known = feeds.seen(conn, feed.name, digests)
        new = [entry for entry in entries if entry.id not in known]
        old = [entry for entry in new if first and _is_older(entry, now - self.settings.old_after)]
        if old:
            with self.ledger.write() as tx:
                feeds.remember(tx, feed.name, [(entry.id, digests[entry.id]) for entry in old], None)
                tx.log(Entry(event="feed_passed_over", by=PROGRAM, data={"feed": feed.name, "entries": len(old)}))
        fresh = [entry for entry in new if entry not in old]
        for entry in sorted(fresh, key=lambda entry: _instant(entry.published) or now):
            with self.ledger.write() as tx:
                self._take(tx, feed, entry, digests[entry.id])
        return len(fresh)

    def _take(self, tx: Tx, feed: FeedSettings, entry: SourceEntry, digest: str) -> None:
        """Bytes, intake row and memory in one transaction; the sweep puts the file into 处理中 from its bytes."""
        data = as_page(entry)
        sha256 = hashlib.sha256(data).hexdigest()
        name = f"{shown_name(entry.title[:_LONGEST_TITLE].encode()).strip() or '公告'}.html"
        row_id = intake_rows.claim(
            tx,
            file_name=name,
            source=f".feed/{quote(feed.name, safe='')}/{quote(entry.id, safe='')[:900]}",
            declared=feed.declared,
            is_folder=False,
            sha256=sha256,
            blobs=[(sha256, data)],
            place_name=placed_name("{n}", name),
        )
        feeds.remember(tx, feed.name, [(entry.id, digest)], row_id)

    def _asked(self, feed: FeedSettings, state: FeedState) -> None:
        with self.ledger.write() as tx:
            feeds.keep(tx, feed.name, state)
            alarms.clear_alarm(tx, f"feed:{feed.name}", f"信息源“{feed.name}”已恢复")

    def _failed(self, feed: FeedSettings, known: FeedState, now: datetime, why: str) -> None:
        since = known.failing_since or now
        logger.warning("feed %s cannot be read: %s", feed.name, why)
        with self.ledger.write() as tx:
            feeds.keep(tx, feed.name, replace(known, next_at=now + feed.every, failing_since=since))
            alarms.raise_alarm(tx, f"feed:{feed.name}", f"信息源“{feed.name}”无法读取：{why}")


def as_page(entry: SourceEntry) -> bytes:
    """The entry as a web page, as staff would have saved it: the readers clean it like any other."""
    title = html.escape(entry.title, quote=False)
    head = f'<html><head><meta charset="utf-8"><title>{title}</title></head>'
    return f"{head}<body><h1>{title}</h1><div>{entry.content_html}</div></body></html>".encode("utf-8", "replace")


def _digest(entry: SourceEntry) -> str:
    return hashlib.sha256(as_page(entry)).hexdigest()


def _instant(when: datetime | date | None) -> datetime | None:
    if when is None or isinstance(when, datetime):
        return when
    return datetime.combine(when, time(), LOCAL)


def _is_older(entry: SourceEntry, limit: datetime) -> bool:
    when = _instant(entry.published)
    return when is not None and when < limit
