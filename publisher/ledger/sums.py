"""The kept sums worked out anew from the log, for verify: another way to them than the one on which they are written.

One pass over the rows that count, notice by notice. Many notices of a day have the same history (of one form and
class, on the same channels): it is worked out once for all of them. What the tables say and what the log says is
gathered side by side, on disk and by month where it grows, so that memory does not grow with the log.
"""

from __future__ import annotations

import marshal
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
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


class _Beside:
    """For each key of each table, what the table says and what the log says."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = 0
        self._sums: dict[tuple[str, Key], list[int]] = defaultdict(lambda: [0, 0])

    def add(self, table: str, key: Key, *, says: int = 0, log: int = 0) -> None:
        both = self._sums[table, key]
        both[0] += says
        both[1] += log
        if len(self._sums) > _IN_MEMORY:
            self._spill()

    def _spill(self) -> None:
        by_month: dict[tuple[str, str], dict[Key, list[int]]] = defaultdict(dict)
        for (table, key), both in self._sums.items():
            by_month[table, key[0][:7]][key] = both
        for (table, month), rows in by_month.items():
            self._files += 1
            name = f"sums.{table}.{month.encode().hex()}.{self._files}"
            (self._folder / name).write_bytes(marshal.dumps(rows))
        self._sums.clear()

    def differences(self) -> Iterator[tuple[str, Key, int, int]]:
        self._spill()
        files: dict[str, list[Path]] = defaultdict(list)
        for path in self._folder.glob("sums.*"):
            files[path.name.rpartition(".")[0]].append(path)
        for name in sorted(files, key=lambda name: (name.split(".")[1] != "rollup", name)):
            found: dict[Key, list[int]] = {}
            for path in files[name]:
                for key, (says, log) in marshal.loads(path.read_bytes()).items():
                    both = found.setdefault(key, [0, 0])
                    both[0] += says
                    both[1] += log
            for key, (says, log) in sorted(found.items()):
                if says != log:
                    yield name.split(".")[1], key, says, log


def differences(conn: Connection, scratch: Path) -> Iterator[tuple[str, Key, int, int]]:
    """Where a kept sum is not what the log gives: table, key, what it says, what the log says.

    Goes by files in `scratch`, an empty folder of the caller's.
    """
    beside = _Beside(scratch)
    for table, column in _TABLES.items():
        for *key, says in _rows(conn, f"select {_COLUMNS}, {column} from {table}"):
            beside.add(table, tuple(key), says=says)
    same: Counter[History] = Counter()
    for notice_id, rows in groupby(_rows(conn, _WEIGHTED), key=itemgetter(0)):
        if notice_id is None:
            for row in rows:
                beside.add("rollup", _key(row[2:]), log=row[1])
            continue
        same[tuple([row[1:] for row in rows])] += 1
        if len(same) > _HISTORIES:
            _add_all(beside, same)
    _add_all(beside, same)
    yield from beside.differences()


def _add_all(beside: _Beside, same: Counter[History]) -> None:
    for history, notices in same.items():
        _add_history(beside, history, notices)
    same.clear()


def _add_history(beside: _Beside, history: History, notices: int) -> None:
    """The publications of notices of one history, and their first standing day anywhere, on each tier and channel."""
    weights: dict[Sequence[str | None], int] = defaultdict(int)
    for weight, *key in history:
        weights[tuple(key)] += weight
    counted: set[tuple[str, str]] = set()
    ordered = sorted((tuple(part or "" for part in key), weight) for key, weight in weights.items())
    for (day, kind, form, of_class, channel, tier), weight in ordered:
        beside.add("rollup", (day, channel, tier, kind, form, of_class), log=weight * notices)
        if weight <= 0:
            continue
        for place in ("", ""), ("", tier), (channel, tier):
            if place not in counted:
                counted.add(place)
                beside.add("notice_rollup", (day, *place, kind, form, of_class), log=notices)


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
