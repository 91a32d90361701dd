"""A log of many rows, and how long counts, a notice's history and verify take on it.

`python -m tests.bench.counts [ROWS] [sqlite|postgresql]`: rows of the log (default 5,000,000), made in the
proportions of an office's years: for each notice its intake, and on each channel taken, published, read back.
The rows form a true chain with true sums; they have no versions and deliveries, which verify therefore does not
compare. The last line of the output is one JSON object.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text, update

from publisher.app import system_clock
from publisher.counts import queries, views
from publisher.counts.queries import Span
from publisher.ledger import chain, rollups
from publisher.ledger.chain import Entry
from publisher.ledger.store import Ledger, open_ledger
from publisher.ledger.tables import head, notice_rollup, publication_log, rollup
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
        yield at, Entry("claimed", "程序", number=str(n), data={"file": f"{n}.docx", "sha256": f"{n:064x}"})
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
    """Append `rows` rows in batches, then the sums they come to."""
    with ledger.engine.connect().execution_options(write=True) as conn, conn.begin():
        seq, previous = conn.execute(text("select seq, hash from head")).one()
        batch: list[dict[str, Any]] = []
        for at, entry in entries(rows // PER_NOTICE):
            seq += 1
            payload = chain.payload_of(seq, at, entry)
            previous = chain.hash_of(previous, payload)
            columns = {name: getattr(entry, name) for name in chain.COLUMNS}
            batch.append({"seq": seq, "hash": previous, "payload": payload, "recorded_at": at, **columns})
            if len(batch) == BATCH:
                conn.execute(insert(publication_log), batch)
                batch.clear()
        if batch:
            conn.execute(insert(publication_log), batch)
        conn.execute(update(head).values(seq=seq, hash=previous))
        for table, key, _, right in list(rollups.differences(conn)):
            into, column = (rollup, "publications") if table == "rollup" else (notice_rollup, "notices")
            conn.execute(insert(into).values(dict(zip(rollups.KEY, key, strict=True)) | {column: right}))
    with ledger.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        if conn.dialect.name == "postgresql":
            conn.exec_driver_sql("vacuum analyze")
        else:
            conn.exec_driver_sql("analyze")


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
    began = time.perf_counter()
    verdict = verify(ledger, None)
    assert verdict.ok, verdict.faults[:3]
    found["verify, rows a second"] = round(verdict.rows / (time.perf_counter() - began))
    found["peak memory, MB"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return found


def main(rows: int, database: str) -> None:
    """Make the log, measure, print."""
    with tempfile.TemporaryDirectory() as folder:
        url = fresh_database() if database == "postgresql" else f"sqlite:///{Path(folder)}/ledger.sqlite3"
        ledger = open_ledger(url, real=False, clock=system_clock)
        began = time.perf_counter()
        fill(ledger, rows)
        made = round(time.perf_counter() - began, 1)
        figures = {"database": database, "rows": rows, "made in, s": made} | measure(ledger, rows)
        ledger.close()
    print(json.dumps(figures, ensure_ascii=False))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000, sys.argv[2] if len(sys.argv) > 2 else "sqlite")
