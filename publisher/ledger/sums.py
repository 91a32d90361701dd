"""The kept sums worked out anew from the log, for verify: another way to them than the one on which they are written.

One pass over the rows that count, notice by notice. What the tables say and what the log says is gathered side by
side, on disk and by month where it grows, so that memory does not grow with the log.
"""

from __future__ import annotations

import marshal
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

Key = tuple[str, ...]
"""visible_day, channel, tier, kind, form, project_class."""

_IN_MEMORY = 5_000
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
    for notice_id, rows in groupby(_rows(conn, _WEIGHTED), key=itemgetter(0)):
        weights: dict[Key, int] = defaultdict(int)
        for row in rows:
            weights[row[2:]] += row[1]
        _add_notice(beside, notice_id, weights)
    yield from beside.differences()


def _add_notice(beside: _Beside, notice_id: int | None, weights: dict[Key, int]) -> None:
    """The publications of one notice, and its first standing day anywhere, on each tier and on each channel."""
    counted: set[tuple[str, str]] = set()
    ordered = sorted((tuple(part or "" for part in key), weight) for key, weight in weights.items())
    for (day, kind, form, of_class, channel, tier), weight in ordered:
        beside.add("rollup", (day, channel, tier, kind, form, of_class), log=weight)
        if weight <= 0 or notice_id is None:
            continue
        for place in ("", ""), ("", tier), (channel, tier):
            if place not in counted:
                counted.add(place)
                beside.add("notice_rollup", (day, *place, kind, form, of_class), log=1)


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
