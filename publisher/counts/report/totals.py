"""The totals of the official tables, and whether what was typed into them agrees.

A total is known when all of its parts are. Where they are not, a total that was typed in alone stands in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection

from publisher.counts.report import entered as typed
from publisher.counts.report.numbers import Figure
from publisher.counts.report.official import (
    ANSWERED,
    APPLICANTS,
    CARRIED_FORWARD,
    CARRIED_OVER,
    CELLS,
    DISPUTES,
    RECEIVED,
    SUMS,
    figure_name,
)
from publisher.ledger.figures import Entered, standing_figures

Figures = Mapping[str, Figure]
"""Name as the report has it → figure."""


def entered_figures(figures: Mapping[tuple[str, int], Entered], year: int) -> dict[str, Figure]:
    """Name → figure of everything that is typed in for a year, known or not, and of the totals of the official tables.

    `figures`: those that stand, by name and year.
    """
    made: dict[str, Figure] = {}
    for name in typed.NAMES:
        one = typed.figure_of(name, figures.get((name, year)))
        made[f"entered.{name}"] = Figure(f"entered.{name}", one.label, one.unit, one.value, one.rows)
    return made | totals(made)


def totals(figures: Figures) -> dict[str, Figure]:
    """Every total of the official tables by its name in the report; one that cannot be worked out has no value."""
    made: dict[str, Figure] = {}
    for name, total in SUMS.items():
        key = figure_name(name)
        parts = [made.get(figure_name(part)) or figures[figure_name(part)] for part in total.parts]
        whole = figures.get(f"entered.{total.whole}")
        value = _added(parts)
        if value is None and whole is not None and whole.value is not None:
            made[key] = Figure(key, total.label, "count", whole.value, whole.rows)
        else:
            rows = () if value is None else tuple(row for part in parts for row in part.rows)
            made[key] = Figure(key, total.label, "count", value, rows)
    return made


def _added(parts: Sequence[Figure]) -> int | None:
    values = [count(part) for part in parts]
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def count(figure: Figure | None) -> int | None:
    """The value of a count; None where it is not known."""
    return None if figure is None or figure.value is None else int(str(figure.value))


# ---- what does not agree


def disagreements(figures: Figures) -> list[str]:
    """What does not agree in the tables of parts three and four, in words that say what to look at.

    `figures` has the totals. The rule over the columns of part three is the form's own:
    第一项加第二项之和，等于第三项加第四项之和.
    """
    return [*application_disagreements(figures), *dispute_disagreements(figures)]


def disagreements_of(conn: Connection, year: int) -> list[str]:
    """What does not agree in the official tables as they are entered for a year, in words."""
    return disagreements(entered_figures(standing_figures(conn), year))


def application_disagreements(figures: Figures) -> list[str]:
    """What does not agree in part three."""
    return [*_columns(figures), *_wholes(figures, "applications.")]


def dispute_disagreements(figures: Figures) -> list[str]:
    """What does not agree in part four."""
    return [*_wholes(figures, "reviews."), *_lawsuits(figures)]


def _columns(figures: Figures) -> Iterator[str]:
    for column, label in {**APPLICANTS, "total": "总计"}.items():
        received, over, answered, forward = (
            count(figures[figure_name(f"applications.{row}.{column}")])
            for row in (RECEIVED, CARRIED_OVER, ANSWERED, CARRIED_FORWARD)
        )
        if received is None or over is None or answered is None or forward is None:
            continue
        if received + over != answered + forward:
            yield (
                f"申请情况表“{label}”一列勾稽不符：本年新收 {received} 件加上年结转 {over} 件为 {received + over} 件，"
                f"办理结果总计 {answered} 件加结转下年度 {forward} 件为 {answered + forward} 件"
            )


def _wholes(figures: Figures, beginning: str) -> Iterator[str]:
    """Totals that were typed in alone and are not what their parts come to."""
    for name, total in SUMS.items():
        whole = count(figures.get(f"entered.{total.whole}"))
        if whole is None or not name.startswith(beginning):
            continue
        parts = [count(figures[figure_name(part)]) for part in total.parts]
        known = sum(part for part in parts if part is not None)
        if None not in parts and known != whole:
            yield f"{total.label}：分项之和为 {known} 件，单独录入的总数（{total.whole}）为 {whole} 件；以分项之和为准"
        elif known > whole:
            yield f"{total.label}：已录入的分项之和 {known} 件超过单独录入的总数（{total.whole}）{whole} 件"


def _lawsuits(figures: Figures) -> Iterator[str]:
    """The total of all lawsuits has no place of its own in the form; it must be what the two totals come to."""
    whole = count(figures.get("entered.lawsuits"))
    parts = [count(figures[figure_name(f"{what}.total")]) for what in DISPUTES if what != "reviews"]
    known = sum(part for part in parts if part is not None)
    if whole is not None and None not in parts and known != whole:
        yield f"行政诉讼：两类诉讼之和为 {known} 件，单独录入的总数（lawsuits）为 {whole} 件；以分项之和为准"


# ---- what is still missing


def missing(figures: Figures, beginnings: tuple[str, ...]) -> tuple[int, int]:
    """How many cells of a table nobody has typed in, and how many it has. `beginnings`: of the names of its cells."""
    cells = [name for name in CELLS if name.startswith(beginnings)]
    return sum(figures[figure_name(name)].value is None for name in cells), len(cells)
