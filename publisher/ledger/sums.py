"""The kept sums worked out anew from the log, for verify: another way to them than the one on which they are written.

One pass over the rows that count, notice by notice. Many notices of a day have the same history (of one form and
class, on the same channels): it is worked out once for all of them. What the tables say and what the log says is
gathered side by side, on disk and by month where it grows, so that memory does not grow with the log.
"""

from __future__ import annotations

import marshal
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

Key = tuple[str, ...]
"""visible_day, channel, tier, kind, form, project_class."""
History = tuple[tuple[Any, ...], ...]
"""The rows of a notice that count, as they come: weight, visible_day, kind, form, project_class, channel, tier."""

_IN_MEMORY = 5_000
_HISTORIES = 250
_AT_A_TIME = 2000
_COLUMNS = "visible_day, channel, tier, kind, form, project_class"
# In the order of the index that holds all of it: no row is read.
_WEIGHTED = (
    "select notice_id, weight, visible_day, kind, form, project_class, channel, tier from publication_log "
    "where weight <> 0 order by notice_id, visible_day"
)
_TABLES = {"rollup": "publications", "notice_rollup": "notices"}


class _Logged:
    """For each key of each table what the log says; on disk, by month, where it grows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[tuple[str, str], list[Path]] = defaultdict(list)
        self.sums: dict[str, dict[Key, int]] = {table: defaultdict(int) for table in _TABLES}

    def keep_small(self, most: int = _IN_MEMORY) -> None:
        """Put away what is in memory if it is more than so many keys."""
        if sum(map(len, self.sums.values())) > most:
            for table, sums in self.sums.items():
                self._spill(table, sums)
                sums.clear()

    def _spill(self, table: str, sums: dict[Key, int]) -> None:
        by_month: dict[str, dict[Key, int]] = defaultdict(dict)
        for key, log in sums.items():
            by_month[_month(key)][key] = log
        for month, rows in by_month.items():
            files = self._files[table, month]
            files.append(self._folder / f"sums.{table}.{month.encode().hex()}.{len(files)}")
            files[-1].write_bytes(marshal.dumps(rows))

    def months(self, table: str) -> set[str]:
        """The months of which the log speaks."""
        return {month for of, month in self._files if of == table}

    def month(self, table: str, month: str) -> dict[Key, int]:
        """What the log says for one month."""
        found: dict[Key, int] = defaultdict(int)
        for path in self._files.get((table, month), ()):
            for key, log in marshal.loads(path.read_bytes()).items():
                found[key] += log
        return found


def _month(key: Sequence[str]) -> str:
    return key[0][:7]


def differences(conn: Connection, scratch: Path) -> Iterator[tuple[str, Key, int, int]]:
    """Where a kept sum is not what the log gives: table, key, what it says, what the log says.

    Goes by files in `scratch`, an empty folder of the caller's.
    """
    logged = _logged(conn, scratch)
    for table, column in _TABLES.items():
        unheard_of = logged.months(table)
        kept = _rows(conn, f"select {_COLUMNS}, {column} from {table} order by visible_day")
        for month, rows in groupby(kept, key=_month):
            unheard_of.discard(month)
            yield from _different(table, {row[:-1]: row[-1] for row in rows}, logged.month(table, month))
        for month in sorted(unheard_of):
            yield from _different(table, {}, logged.month(table, month))


def _different(table: str, kept: Mapping[Key, int], log: Mapping[Key, int]) -> Iterator[tuple[str, Key, int, int]]:
    if kept != log:
        for key in sorted(kept.keys() | log.keys()):
            if kept.get(key, 0) != log.get(key, 0):
                yield table, key, kept.get(key, 0), log.get(key, 0)


def _logged(conn: Connection, scratch: Path) -> _Logged:
    logged = _Logged(scratch)
    same: Counter[History] = Counter()
    for notice_id, rows in groupby(_rows(conn, _WEIGHTED), key=itemgetter(0)):
        if notice_id is None:
            for row in rows:
                logged.sums["rollup"][_key(row[2:])] += row[1]
                logged.keep_small()
            continue
        same[tuple([row[1:] for row in rows])] += 1
        if len(same) > _HISTORIES:
            _add_all(logged, same)
            logged.keep_small()
    _add_all(logged, same)
    logged.keep_small(0)
    return logged


def _add_all(logged: _Logged, same: Counter[History]) -> None:
    for history, notices in same.items():
        _add_history(logged, history, notices)
    same.clear()


def _add_history(logged: _Logged, history: History, notices: int) -> None:
    """The publications of notices of one history, and their first standing day anywhere, on each tier and channel."""
    weights: dict[Sequence[str | None], int] = defaultdict(int)
    for weight, *key in history:
        weights[tuple(key)] += weight
    publications, distinct = logged.sums["rollup"], logged.sums["notice_rollup"]
    counted: set[tuple[str, str]] = set()
    ordered = sorted((tuple(part or "" for part in key), weight) for key, weight in weights.items())
    for (day, kind, form, of_class, channel, tier), weight in ordered:
        publications[day, channel, tier, kind, form, of_class] += weight * notices
        if weight <= 0:
            continue
        for place in ("", ""), ("", tier), (channel, tier):
            if place not in counted:
                counted.add(place)
                distinct[day, *place, kind, form, of_class] += notices


def _key(parts: Sequence[str | None]) -> Key:
    """A key in the order of the tables, of the columns in the order of the index."""
    day, kind, form, of_class, channel, tier = (part or "" for part in parts)
    return day, channel, tier, kind, form, of_class


def _rows(conn: Connection, query: str) -> Iterator[tuple[Any, ...]]:
    """Rows as the driver gives them, in the transaction of `conn`, read in parts."""
    with _cursor(conn) as cursor:
        cursor.execute(query)
        while part := cursor.fetchmany(_AT_A_TIME):
            yield from part


@contextmanager
def _cursor(conn: Connection) -> Iterator[Any]:
    driver: Any = conn.connection.driver_connection
    # On PostgreSQL on the server's side, or the driver would fetch everything before the first row.
    cursor = driver.cursor(name="sums") if conn.dialect.name == "postgresql" else driver.cursor()
    with closing(cursor):
        yield cursor
