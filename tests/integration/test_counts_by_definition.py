"""Counts against a second program that knows only the texts of the log and what the words mean.

Of random histories every figure is worked out here anew, from the rows' JSON alone: a publication stands from the row
that adds it to the row that takes it back, a notice counts in the smallest day on which one of its publications stands.
"""

from __future__ import annotations

import json
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from publisher.counts import queries
from publisher.counts.export import sheet
from publisher.counts.ocds import package
from publisher.counts.queries import GROUPS, Span
from publisher.counts.report.drawing import GROUPS as REPORTED
from publisher.counts.report.drawing import draw
from tests.support.histories import NEW_YEAR, History
from tests.support.postgres import fresh_database

LEDGERS = [("sqlite", seed) for seed in range(4)] + [("postgresql", seed) for seed in range(2)]
ACTS = 160

Key = tuple[str, ...]
Row = dict[str, Any]


# ---- the definition


@dataclass(frozen=True)
class Expected:
    """The figures of one group: publications, distinct notices, corrections, withdrawals."""

    publications: int = 0
    notices: int = 0
    corrections: int = 0
    withdrawals: int = 0


def read_log(conn: Connection) -> list[Row]:
    """The rows' texts, and nothing else of the database."""
    return [json.loads(one) for one in conn.execute(text("select payload from publication_log order by seq")).scalars()]


def known(rows: Sequence[Row], as_of: datetime | None) -> list[Row]:
    return [row for row in rows if as_of is None or datetime.fromisoformat(row["recorded_at"]) <= as_of]


def standing(rows: Sequence[Row]) -> list[Row]:
    """For each publication that stands, the row that added it."""
    found: dict[int, Row] = {}
    for row in rows:
        if row["weight"] == 1:
            assert row["delivery_id"] not in found, "added twice"
            found[row["delivery_id"]] = row
        elif row["weight"] == -1:
            added = found.pop(row["delivery_id"])
            assert added["visible_day"] == row["visible_day"], "taken back in another day"
    return list(found.values())


def value(row: Row, group: str) -> str:
    day: str = row["visible_day"]
    if group == "quarter":
        return f"{day[:4]}-Q{'111222333444'[int(day[5:7]) - 1]}"
    periods = {"day": day, "month": day[:7], "year": day[:4]}
    return periods.get(group) or str(row.get("project_class" if group == "class" else group, ""))


def inside(row: Row, span: Span) -> bool:
    day = date.fromisoformat(row["visible_day"])
    return (span.first is None or span.first <= day) and (span.last is None or day <= span.last)


def first_of_each_notice(rows: Sequence[Row], by: Sequence[str]) -> list[Row]:
    """For each notice (in each group that is no period) a row of its smallest day."""
    fixed = [group for group in by if group not in ("day", "month", "quarter", "year")]
    found: dict[Key, Row] = {}
    for row in rows:
        key = (str(row["notice_id"]), *(value(row, group) for group in fixed))
        if key not in found or row["visible_day"] < found[key]["visible_day"]:
            found[key] = row
    return list(found.values())


def expected(log: Sequence[Row], by: Sequence[str], span: Span) -> dict[Key, Expected]:
    """Group → its figures; groups in which nothing was published, corrected or withdrawn are left out."""
    rows = known(log, span.as_of)
    now = standing(rows)
    counts: dict[Key, Counter[str]] = defaultdict(Counter)

    def put(what: str, found: Sequence[Row]) -> None:
        for row in found:
            if inside(row, span):
                counts[tuple(value(row, group) for group in by)][what] += 1

    put("publications", now)
    put("notices", first_of_each_notice(now, by))
    put("corrections", [row for row in rows if row["event"] == "updated"])
    put("withdrawals", [row for row in rows if row["event"] == "withdrawn"])
    return {key: Expected(**one) for key, one in counts.items()}


# ---- against the program


def counted(conn: Connection, by: Sequence[str], span: Span) -> dict[Key, Expected]:
    tally = queries.count(conn, by, span)
    total = expected_total(tally)
    assert total == Expected(tally.publications, tally.notices, tally.corrections, tally.withdrawals)
    return {row.key: Expected(row.publications, row.notices, row.corrections, row.withdrawals) for row in tally.rows}


def expected_total(tally: queries.Tally) -> Expected:
    """Publications and acts add up over any grouping; the distinct notices are compared where nothing is grouped."""
    sums = [sum(getattr(row, name) for row in tally.rows) for name in ("publications", "corrections", "withdrawals")]
    return Expected(sums[0], tally.notices, sums[1], sums[2])


def instants(log: Sequence[Row]) -> list[datetime]:
    """Every instant at which something was recorded, and the one just before it."""
    recorded = sorted({datetime.fromisoformat(row["recorded_at"]) for row in log})
    return [moment - back for moment in recorded for back in (timedelta(microseconds=1), timedelta(0))]


SPANS = [
    (None, None),
    (None, date(2017, 12, 31)),
    (date(2018, 1, 1), date(2018, 12, 31)),
    (date(2018, 1, 1), date(2018, 1, 31)),
    (date(2018, 2, 1), None),
]
EVERY = [by for size in range(len(GROUPS) + 1) for by in combinations(GROUPS, size)]


def check_counts(conn: Connection, log: Sequence[Row], chance: random.Random) -> None:
    moments = instants(log)
    asked = [(by, first, last, None) for by in EVERY if len(by) <= 2 for first, last in SPANS[:2]]
    asked += [(chance.choice(EVERY), *chance.choice(SPANS), None) for _ in range(40)]
    asked += [(chance.choice(EVERY), *chance.choice(SPANS), chance.choice(moments)) for _ in range(120)]
    for by, first, last, as_of in asked:
        span = Span(first, last, as_of)
        assert counted(conn, by, span) == expected(log, by, span), (by, span)


def check_explained(conn: Connection, log: Sequence[Row], chance: random.Random) -> None:
    """The rows behind a figure are as many as the figure says, and rows of that group."""
    by_seq = {row["seq"]: row for row in log}
    for _ in range(40):
        by = chance.choice(EVERY)
        span = Span(*chance.choice(SPANS), chance.choice([None, *instants(log)]))
        figures = expected(log, by, span)
        behind = {one.key: one for one in queries.explain(conn, by, span)}
        assert figures.keys() <= behind.keys()
        for key, one in behind.items():
            figure = figures.get(key, Expected())
            assert len(one.added) - len(one.subtracted) == figure.publications
            lengths = len(one.notices), len(one.corrections), len(one.withdrawals)
            assert lengths == (figure.notices, figure.corrections, figure.withdrawals)
            rows = (*one.added, *one.subtracted, *one.notices, *one.corrections, *one.withdrawals)
            assert {tuple(value(by_seq[seq], group) for group in by) for seq in rows} <= {key}


def check_exports(conn: Connection, log: Sequence[Row], chance: random.Random) -> None:
    """An export has the rows that are counted, with the proof that stood then, not with what came later."""
    for as_of in [None, *chance.sample(instants(log), 25)]:
        span = Span(*chance.choice(SPANS), as_of)
        found = standing(known(log, as_of))
        wanted = sorted(cells(row) for row in found if inside(row, span))
        table = sheet(conn, span, {}, real=False)
        names = ("公开日", "编号", "渠道", "经办人", "渠道编号", "公开时间")
        assert sorted(tuple(row[table.heads.index(name)] for name in names) for row in table.rows) == wanted
        firsts = [row["notice_id"] for row in first_of_each_notice(found, ()) if inside(row, span)]
        made = package(conn, span, prefix="p", office="o", uri="u", at=NEW_YEAR, ledger_id="l" * 32)
        assert sorted(int(one["id"].rpartition("-")[2]) for one in made["releases"]) == sorted(firsts)


def cells(row: Row) -> Key:
    data = row["data"]
    since = data["visible_since"][:19].replace("T", " ")
    return row["visible_day"], row["number"], row["channel"], row["operator"], data.get("channel_number", ""), since


def check_reports(conn: Connection, log: Sequence[Row], chance: random.Random) -> None:
    for as_of in [None, *chance.sample(instants(log), 8)]:
        for year, month in ((2017, None), (2018, None), (2018, 1)):
            drawn = draw(conn, year, month, now=NEW_YEAR, real=False, office="o", titles={}, as_of=as_of)
            values = {name: one.value for name, one in drawn.figures.items() if one.unit == "count"}
            wanted = of_report(standing(known(log, as_of)), f"{year}-" if month is None else f"{year}-{month:02}-")
            assert {name: values.get(name) for name in wanted} == wanted, (as_of, year, month)


def of_report(found: Sequence[Row], period: str) -> dict[str, int]:
    """Figures of a report of the days that begin with `period`, by its definitions (docs/adr/0013)."""
    notices = [row for row in first_of_each_notice(found, ()) if row["visible_day"].startswith(period)]
    mine = {row["notice_id"] for row in notices}
    published = [row for row in found if row["visible_day"].startswith(period)]
    above = [row for row in published if row["tier"] in ("provincial", "national")]
    figures = {"notices": len(notices), "publications": len(published), "high.publications": len(above)}
    figures["high.notices"] = len({row["notice_id"] for row in above} & mine)
    figures |= {f"notices.{kind}": n for kind, n in Counter(row["kind"] for row in notices).items()}
    for group, (_, classes) in REPORTED.items():
        figures[f"notices.class.{group}"] = sum(row["project_class"] in classes for row in notices)
    figures |= {f"channel.{name}": n for name, n in Counter(row["channel"] for row in published).items()}
    months = Counter(f"month.{row['visible_day'][:7]}" for row in notices) if len(period) == 5 else Counter[str]()
    return figures | months


def check_operators(log: Sequence[Row]) -> None:
    """Whoever confirmed a publication, else approved it last, else the program; what takes it back names the same."""
    approved: dict[int, str] = {}
    version_of: dict[int, int] = {}
    operators: dict[int, str] = {}
    for row in log:
        data = row.get("data", {})
        if row["event"] == "accepted":
            version_of |= {one["id"]: data["version_id"] for one in data["deliveries"]}
        elif row["event"] == "approved":
            approved[data["version_id"]] = row["by"]
        if row["weight"] == 1:
            last = approved.get(version_of[row["delivery_id"]], "程序")
            operators[row["delivery_id"]] = row["by"] if row["by"] != "程序" else last
        if row["weight"]:
            assert row["operator"] == operators[row["delivery_id"]], row


@pytest.mark.parametrize(("database", "seed"), LEDGERS)
def test_every_figure_is_what_its_definition_gives(tmp_path: Path, database: str, seed: int) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite3" if database == "sqlite" else fresh_database()
    history = History(tmp_path, url, seed)
    history.live(ACTS)
    with history.world.ledger.read() as conn:
        log = read_log(conn)
        assert {"published", "held", "updated", "withdrawn", "superseded", "approved"} <= {row["event"] for row in log}
        check_operators(log)
        for check in (check_counts, check_explained, check_exports, check_reports):
            check(conn, log, random.Random(seed))
    assert history.world.verdict().faults == ()
