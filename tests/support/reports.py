"""Reports in memory: of projects, and of what was typed in."""

from __future__ import annotations

from datetime import UTC, datetime

from publisher.counts.report.drawing import Report, project_figures
from publisher.counts.report.numbers import Figure
from publisher.counts.report.projects import Project
from publisher.counts.report.totals import entered_figures
from publisher.ledger.figures import Entered, Head


def a_report(projects: list[Project], **more: Figure) -> Report:
    return Report(
        period="2024-03", year=2024, month=3, as_of=datetime(2024, 4, 1, tzinfo=UTC), real=True, office="某市中心",
        head=Head(1, "0" * 64), figures=project_figures(projects) | more, channels=(), months=(), notices=(),
        entered=(), unpriced=(), unlimited=(), issued=None, differences=(),
    )  # fmt: skip


def typed_in(values: dict[str, str], year: int = 2024) -> dict[str, Figure]:
    """The figures of a report of which these were typed in, totals among them."""
    at = datetime(2025, 1, 1, tzinfo=UTC)
    rows = [
        Entered(number, name, year, value, "王某", None, at) for number, (name, value) in enumerate(values.items(), 1)
    ]
    return entered_figures({(one.name, year): one for one in rows}, year)
