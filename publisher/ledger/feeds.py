"""What the ledger remembers of feeds: which entries were taken in, and how the last questions went."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from publisher.ledger.store import Tx
from publisher.ledger.tables import feed, feed_entry


@dataclass(frozen=True, slots=True)
class FeedState:
    """Of one feed: its validators, when it is asked again, whether it ever held an entry, since when it fails."""

    etag: str | None = None
    modified: str | None = None
    next_at: datetime | None = None
    had_entries: bool = False
    failing_since: datetime | None = None


def state_of(conn: Connection, name: str) -> FeedState | None:
    """The state of a feed; None if it was never read."""
    row = conn.execute(select(feed).where(feed.c.name == name)).one_or_none()
    if row is None:
        return None
    return FeedState(row.etag, row.modified, row.next_at, row.had_entries, row.failing_since)


def keep(tx: Tx, name: str, state: FeedState) -> None:
    """Write the state of a feed."""
    values = {
        "etag": state.etag,
        "modified": state.modified,
        "next_at": state.next_at,
        "had_entries": state.had_entries,
        "failing_since": state.failing_since,
    }
    statement = tx.upsert(feed).values(name=name, **values)
    tx.conn.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def seen(conn: Connection, name: str, digests: Mapping[str, str]) -> set[str]:
    """Of these digests by entry id, the ids whose entry was taken in with just this content."""
    found: set[str] = set()
    ids = list(digests)
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        query = select(feed_entry.c.entry_id, feed_entry.c.digest).where(
            feed_entry.c.feed == name, feed_entry.c.entry_id.in_(part)
        )
        found |= {row.entry_id for row in conn.execute(query) if digests[row.entry_id] == row.digest}
    return found


def remember(tx: Tx, name: str, entries: Collection[tuple[str, str]], intake_id: int | None) -> None:
    """Entries (id, digest of the content) were taken in as this intake row, or passed over (None)."""
    values = [
        {"feed": name, "entry_id": entry_id, "digest": digest, "intake_id": intake_id, "seen_at": tx.now}
        for entry_id, digest in entries
    ]
    if values:
        tx.conn.execute(insert(feed_entry), values)
