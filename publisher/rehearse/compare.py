"""Compares everything that a rehearsed year printed and stored with the manifest of what went in.

It has its own way of writing numbers, so that a fault in the report's is found too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from publisher.counts import queries, views
from publisher.counts.queries import Span
from publisher.counts.report.drawing import Report
from publisher.delivery import STANDS
from publisher.ledger.store import Ledger


@dataclass(frozen=True, slots=True)
class Differs:
    """One cell that is not as the manifest says."""

    place: str
    expected: str
    found: str


@dataclass(slots=True)
class Comparison:
    """How many cells were compared, and which differ."""

    cells: int = 0
    differ: list[Differs] = field(default_factory=list)

    def cell(self, place: str, expected: object, found: object) -> None:
        """Compare one cell."""
        self.cells += 1
        if str(expected) != str(found):
            self.differ.append(Differs(place, str(expected), str(found)))

    def table(self, place: str, expected: Mapping[str, object], found: Mapping[str, object]) -> None:
        """Compare cells by name; what only one side has differs."""
        for name in sorted(expected.keys() | found.keys()):
            self.cell(f"{place} {name}", expected.get(name), found.get(name))


def compare(manifest: Mapping[str, Any], folder: Path, ledger: Ledger, drawn: Report, page: str) -> Comparison:
    """Compare figures, printed numbers, counts, intake, deliveries and the sites' own stores."""
    result = Comparison()
    result.table("report", manifest["figures"], drawn.values())
    for place, name, style, text in printed(page):
        result.cell(f"printed {place} {name}", write(name, manifest["figures"].get(name), style), text)
    year = manifest["year"]
    span = Span(date(year, 1, 1), date(year, 12, 31))
    with ledger.read() as conn:
        for by, expected in manifest["counts"].items():
            rows = queries.count(conn, by.split(","), span).rows
            result.table(f"count by {by}", expected, {" ".join(row.key): row.publications for row in rows})
        result.table("intake", manifest["intake"], views.overview(conn, ledger.clock(), ledger.real).intake)
        done = {state.value for state in STANDS}
        for row in views.all_deliveries(conn):
            result.cell(f"delivery {row.number} {row.channel}", True, row.state in done)
    for site in ("county_site", "city_site", "province_site", "nation_site"):
        compare_site(result, site, manifest["titles"][site], folder / "sites" / site)
    return result


def compare_site(result: Comparison, site: str, titles: list[str], store: Path) -> None:
    """Compare a site's own store: it must hold each title once, and nothing else."""
    (path,) = store.glob("*.sqlite3")
    with sqlite3.connect(path) as db:
        found = sorted(row[0] for row in db.execute("select title from item where state = 'public'"))
    db.close()
    result.cell(f"{site} holds", len(titles), len(found))
    for title in sorted(set(titles) | set(found)):
        result.cell(f"{site} {title}", titles.count(title), found.count(title))


# ---- the printed numbers


class _Printed(HTMLParser):
    """Collects (line, figure, style, text) of every number that names its figure."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str, str, str]] = []
        self._open: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("data-f"):
            self._open = values["data-f"] or "", values.get("data-s") or ""

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self.found.append((self.getpos()[0], *self._open, data))
            self._open = None


def printed(page: str) -> Iterator[tuple[int, str, str, str]]:
    """Every number of an HTML report: line, figure, style, text."""
    reader = _Printed()
    reader.feed(page)
    reader.close()
    yield from reader.found


_MONEY = ("amount", "planned", "saved", "gained", "entered.fees_charged", "entered.application_fees")


def write(name: str, value: str | None, style: str) -> str:
    """An exact figure as it must be printed."""
    if value is None:
        return "—"
    if value.endswith("%"):
        return _short(Decimal(value[:-1]), 1 if style == "rate1" else 2) + "%"
    if style == "over":
        return value if int(value) % 10 == 0 or int(value) < 10 else f"{value[:-1]}0余"
    if style == "yi":
        return _short(Decimal(value).scaleb(-10), 2)
    if name.startswith(_MONEY):
        return f"{Decimal(value).scaleb(-6).quantize(Decimal('0.01'), ROUND_HALF_UP):,}"
    return f"{int(value):,}"


def _short(value: Decimal, places: int) -> str:
    text = str(value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))
    return text.rstrip("0").rstrip(".") if "." in text else text
