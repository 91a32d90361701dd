"""The sums that are kept beside the log, written in the transaction of the rows they sum up.

`rollup` adds up publications. `notice_rollup` counts distinct notices in their smallest day still standing:
anywhere, on each tier, on each channel (docs/adr/0012). `verify` works both out anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, func, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite

from publisher.ledger.chain import Entry
from publisher.ledger.tables import notice_rollup, publication_log, rollup

Key = tuple[str, ...]
KEY = ("visible_day", "channel", "tier", "kind", "form", "project_class")
"""What both tables are kept by."""

_log = publication_log.c
HAS_WEIGHT = _log.weight != literal_column("0")
"""Rows that count; the literal is what lets SQLite use the partial indexes."""

_OF_NOTICES = (
    select(_log.notice_id, *(_log[name] for name in KEY), func.sum(_log.weight).label("weight"))
    .where(_log.notice_id.in_(bindparam("ids", expanding=True)), HAS_WEIGHT)
    .group_by(_log.notice_id, *(_log[name] for name in KEY))
)


def add(conn: Connection, entries: Sequence[Entry]) -> None:
    """Bring the sums up to date with `entries`, whose rows were just written."""
    weighted = [one for one in entries if one.weight]
    if not weighted:
        return
    publications: dict[Key, int] = defaultdict(int)
    for one in weighted:
        publications[_key_of(one)] += one.weight
    _add(conn, rollup, "publications", publications)
    _add(conn, notice_rollup, "notices", _changes(conn, weighted))


def _key_of(row: Any) -> Key:
    return tuple(getattr(row, name) or "" for name in KEY)


def _changes(conn: Connection, weighted: Sequence[Entry]) -> dict[Key, int]:
    """How the distinct notices change by rows that are in the log already."""
    ids = sorted({one.notice_id for one in weighted if one.notice_id is not None})
    after: dict[int, dict[Key, int]] = {one: {} for one in ids}
    for row in conn.execute(_OF_NOTICES, {"ids": ids}):
        after[row.notice_id][_key_of(row)] = int(row.weight)
    before = {notice_id: dict(days) for notice_id, days in after.items()}
    for one in weighted:
        if one.notice_id is not None:
            before[one.notice_id][_key_of(one)] -= one.weight
    changes: dict[Key, int] = defaultdict(int)
    for notice_id in ids:
        for key in _firsts(after[notice_id]):
            changes[key] += 1
        for key in _firsts(before[notice_id]):
            changes[key] -= 1
    return {key: change for key, change in changes.items() if change}


def _firsts(days: dict[Key, int]) -> Iterator[Key]:
    """Of one notice, the smallest standing day anywhere, on each tier and on each channel."""
    seen: set[tuple[str, str]] = set()
    standing = [key for key, weight in days.items() if weight > 0]
    for day, channel, tier, *rest in sorted(standing, key=lambda key: (key[0], key[3:], key[1:3])):
        for place in (("", ""), ("", tier), (channel, tier)):
            if place not in seen:
                seen.add(place)
                yield (day, *place, *rest)


@lru_cache(maxsize=4)
def _statement(dialect: str, name: str) -> Any:
    """Add to a table of sums, in the words of the dialect."""
    table, column = (rollup, "publications") if name == "rollup" else (notice_rollup, "notices")
    statement: Any = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    sums = {column: table.c[column] + statement.excluded[column]}
    return statement.on_conflict_do_update(index_elements=list(KEY), set_=sums)


def _add(conn: Connection, table: Any, column: str, sums: dict[Key, int]) -> None:
    rows = [dict(zip(KEY, key, strict=True)) | {column: sums[key]} for key in sorted(sums)]
    if rows:
        conn.execute(_statement(conn.dialect.name, table.name), rows)
