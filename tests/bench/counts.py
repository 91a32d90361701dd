"""A log of many rows, and how long counts, a notice's history and verify take on it.

`python -m tests.bench.counts [ROWS] [sqlite|postgresql|URL]`: rows of the log (default 5,000,000), made in the
proportions of an office's years: for each notice its intake, and on each channel taken, published, read back.
A database named by its address is kept, and measured again without being made again.
The rows form a true chain with true sums; they have no files, versions and deliveries, which verify therefore does
not compare. The last line of the output is one JSON object.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, text, update

from publisher.app import system_clock
from publisher.counts import queries, views
from publisher.counts.queries import Span
from publisher.ledger import chain, rollups, sums
from publisher.ledger.chain import Entry
from publisher.ledger.store import Ledger, open_ledger
from publisher.ledger.tables import head, notice_rollup, publication_log, rollup, to_micros
from publisher.ledger.verify import verify
from tests.support.postgres import fresh_database

YEARS = 5
CHANNELS = {
    "municipal_site": "municipal",
    "provincial_site": "provincial",
    "wechat_feed": "self_media",
    "led": "on_site",
}
FORMS = (
    ("bid_announcement", "公开招标公告"),
    ("change_notice", "更正公告"),
    ("winning_bid_notice", "中标候选人公示"),
    ("award_result", "中标结果公告"),
)
CLASSES = ("works", "procurement", "land", "property")
PEOPLE = ("王某", "李某", "赵某", "程序")
PER_NOTICE = 2 + 3 * len(CHANNELS)
BATCH = 50_000


def entries(notices: int) -> Iterator[tuple[datetime, Entry]]:
    """The rows of `notices` notices, spread over the years, in the order in which they were recorded."""
    start = datetime(2017, 1, 1, tzinfo=UTC)
    step = timedelta(days=365 * YEARS) / notices
    for n in range(1, notices + 1):
        at = start + step * n
        kind, form = FORMS[n % len(FORMS)]
        about: dict[str, Any] = {"number": str(n), "notice_id": n}
        what = {"kind": kind, "form": form, "project_class": CLASSES[n % 7 % len(CLASSES)], "project": f"no:P-{n // 5}"}
        # Its sha256 has another name here: the tables of this ledger hold no file that it could be compared with.
        yield at, Entry("claimed", "程序", number=str(n), data={"file": f"{n}.docx", "digest": f"{n:064x}"})
        yield at, Entry("accepted", "程序", **about, data={"workbook": 1, "text_digest": f"v1:{n:064x}"})
        for place, (channel, tier) in enumerate(CHANNELS.items()):
            when = at + timedelta(seconds=40 * place)
            mine = about | what | {"delivery_id": n * len(CHANNELS) + place, "channel": channel, "tier": tier}
            proof = {"receipt_sha256": f"{n:064x}", "rendition_sha256": f"{n:064x}", "attempt": n}
            day = chain.local_day(when)
            yield when, Entry("submitted", "程序", **mine, data=proof)
            seen: dict[str, Any] = {"visible_day": day, "weight": 1, "operator": PEOPLE[n % len(PEOPLE)]}
            yield when, Entry("published", "程序", **mine, **seen, data=proof | {"url": f"http://site/{n}"})
            yield when, Entry("read_back", "程序", **mine, data={"digest": f"v1:{n:064x}"})


def fill(ledger: Ledger, rows: int) -> None:
    """Append `rows` rows in bulk, then the indexes, then the sums they come to."""
    indexes = sorted(publication_log.indexes, key=lambda index: str(index.name))
    with ledger.engine.connect().execution_options(write=True) as conn, conn.begin():
        for index in indexes:
            index.drop(conn)
        seq, previous = conn.execute(text("select seq, hash from head")).one()
        for made in _made(rows, seq, previous):
            _append(conn, made)
            seq, previous = made[-1][:2]
        conn.execute(update(head).values(seq=seq, hash=previous))
        for index in indexes:
            index.create(conn)
        with tempfile.TemporaryDirectory() as scratch:
            lacking = list(sums.differences(conn, Path(scratch)))
        for table, column in ((rollup, "publications"), (notice_rollup, "notices")):
            mine = [(key, right) for name, key, _, right in lacking if name == table.name]
            added = [dict(zip(rollups.KEY, key, strict=True)) | {column: right} for key, right in mine]
            conn.execute(insert(table), added)
    with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql("vacuum analyze" if conn.dialect.name == "postgresql" else "analyze")


_COLUMNS = ("seq", "hash", "payload", "recorded_at", *chain.COLUMNS)


def _made(rows: int, seq: int, previous: str) -> Iterator[list[tuple[Any, ...]]]:
    """The rows that go on after row `seq`, in batches."""
    batch: list[tuple[Any, ...]] = []
    values = attrgetter(*chain.COLUMNS)
    for at, entry in entries(rows // PER_NOTICE):
        seq += 1
        payload = chain.payload_of(seq, at, entry)
        previous = chain.hash_of(previous, payload)
        batch.append((seq, previous, payload, to_micros(at), *values(entry)))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _append(conn: Connection, rows: list[tuple[Any, ...]]) -> None:
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    with closing(conn.connection.cursor()) as cursor:
        if conn.dialect.name == "postgresql":
            with cursor.copy(f"copy publication_log ({names}) from stdin") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join("?" * len(_COLUMNS))
            cursor.executemany(f"insert into publication_log ({names}) values ({marks})", rows)


def milliseconds(work: Callable[[], object], times: int = 3) -> float:
    """The best of several runs."""
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        work()
        best = min(best, (time.perf_counter() - began) * 1000)
    return round(best, 1)


def measure(ledger: Ledger, rows: int) -> dict[str, Any]:
    """All figures of one ledger."""
    year = Span(date(2019, 1, 1), date(2019, 12, 31))
    before = Span(year.first, year.last, datetime(2019, 9, 1, tzinfo=UTC))
    found: dict[str, Any] = {}

    def counted(by: tuple[str, ...], span: Span) -> Callable[[], object]:
        def work() -> object:
            with ledger.read() as conn:
                return queries.count(conn, by, span)

        return work

    for name in ("channel", "kind", "tier", "month", "project", "operator"):
        found[f"count by {name}, ms"] = milliseconds(counted((name,), year))
    found["count by channel as of, ms"] = milliseconds(counted(("channel",), before))

    def history() -> object:
        with ledger.read() as conn:
            return views.log_rows(conn, number=str(rows // PER_NOTICE // 2))

    found["history of one notice, ms"] = milliseconds(history)
    began, before = time.perf_counter(), _cpu()
    verdict = verify(ledger, None)
    assert verdict.ok, verdict.faults[:3]
    found["verify, rows a second"] = round(verdict.rows / (time.perf_counter() - began))
    found["verify, rows for a CPU second"] = round(verdict.rows / (_cpu() - before))
    found["peak memory, MB"] = _peak(resource.RUSAGE_SELF)
    found["peak memory of a process of verify, MB"] = _peak(resource.RUSAGE_CHILDREN)
    return found


def _cpu() -> float:
    """CPU seconds of this process and of those that it waited for (not of a database server)."""
    of = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in of)


def _peak(who: int) -> int:
    return round(resource.getrusage(who).ru_maxrss / 1024)


def main(rows: int, database: str) -> None:
    """Make the log unless it is there, measure, print."""
    with tempfile.TemporaryDirectory() as folder:
        known = {"sqlite": f"sqlite:///{Path(folder)}/ledger.sqlite3"}
        url = fresh_database() if database == "postgresql" else known.get(database, database)
        ledger = open_ledger(url, real=False, clock=system_clock)
        with ledger.read() as conn:
            present = int(conn.execute(text("select seq from head")).scalar_one())
        began = time.perf_counter()
        if present == 1:
            fill(ledger, rows)
        made = round(time.perf_counter() - began, 1)
        name = ledger.engine.dialect.name
        figures = {"database": name, "rows": rows, "made in, s": made} | measure(ledger, rows)
        ledger.close()
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000, sys.argv[2] if len(sys.argv) > 2 else "sqlite")
