"""What a report prints: how numbers are written, the tables add up, and unknown figures are never zero."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from publisher.counts.report.blocks import Number, Table, plain
from publisher.counts.report.drawing import project_figures
from publisher.counts.report.layout import worded
from publisher.counts.report.numbers import (
    Figure,
    fen_of,
    in_wan,
    in_yi,
    over,
    percent,
    percent_short,
    rounded,
    written,
)
from publisher.counts.report.projects import Project
from publisher.counts.report.tables import project_table
from tests.support.reports import a_report


@pytest.mark.parametrize(
    ("exact", "said"),
    [(2893, "2890余"), (867, "860余"), (136, "130余"), (890, "890"), (7, "7"), (0, "0"), (10, "10"), (11, "10余")],
)
def test_a_count_is_said_down_to_tens_with_a_word_for_the_rest_only_where_something_is_left(
    exact: int, said: str
) -> None:
    assert over(exact) == said


def test_amounts_are_printed_in_the_offices_units_without_needless_zeros() -> None:
    assert in_yi(fen_of(Decimal("3614000000"))) == "36.14"
    assert in_yi(fen_of(Decimal("1290000000"))) == "12.9"
    assert in_yi(fen_of(Decimal("300000000"))) == "3"
    assert in_wan(fen_of(Decimal("7750647200"))) == "775,064.72"


def test_rates_are_rounded_once_and_half_up() -> None:
    assert percent(Fraction(377, 10000)) == "3.77%" and percent(Fraction(37645, 1000000)) == "3.76%"
    assert percent(Fraction(37650, 1000000)) == "3.77%"  # 3.765: half goes up, where floats would go down
    assert percent_short(Fraction(3614 - 2970, 2970)) == "21.7%"
    assert rounded(Fraction(-1, 8), 2) == Decimal("-0.13")


def test_a_figure_that_nobody_knows_is_a_dash_and_no_zero() -> None:
    assert written(Figure("x", "X", "count", None)) == "—" and written(Figure("x", "X", "count", 0)) == "0"


def test_a_style_that_does_not_fit_the_unit_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be written as yi"):
        written(Figure("x", "X", "count", 3), "yi")
    with pytest.raises(ValueError, match="cannot be written as over"):
        written(Figure("x", "X", "rate", Fraction(1, 3)), "over")


def shared_out(group: str, count: int, amount: str, difference: str | None) -> list[Project]:
    """`count` projects whose amounts add up to `amount` 万元 and whose savings (income) to `difference` 万元."""
    total, left = fen_of(Decimal(amount) * 10000), fen_of(Decimal(difference or 0) * 10000)
    sign = -1 if group == "land" else 1
    made = []
    for index in range(count):
        last = index == count - 1
        mine = total - total // count * (count - 1) if last else total // count
        other = left - left // count * (count - 1) if last else left // count
        planned = None if difference is None else mine + sign * other
        made.append(Project(f"no:{group}-{index}", group, "2024-03-05", mine, planned, (f"{index}",)))
    return made


MONTH = [
    *shared_out("works", 629, "775064.72", "17652.51"),
    *shared_out("procurement", 406, "71742.71", "4815.93"),
    *shared_out("land", 265, "521066.03", None),
]
"""The sums of one month of a prefecture's centre as it printed them."""


def cells(table: Table) -> dict[str, list[str]]:
    return {plain(row[0]): [plain(cell) for cell in row[1:]] for row in table.rows}


def test_the_month_of_a_prefecture_is_printed_as_that_centre_printed_it_and_every_column_adds_up() -> None:
    rows = cells(project_table(a_report(MONTH)))
    assert [rows[name][0] for name in ("工程", "政府采购", "土地产权", "合计")] == ["629", "406", "265", "1,300"]
    amounts = [rows[name][1] for name in ("工程", "政府采购", "土地产权", "合计")]
    assert amounts == ["775,064.72", "71,742.71", "521,066.03", "1,367,873.46"]
    assert [rows["工程"][3], rows["政府采购"][3], rows["合计"][3]] == ["17,652.51", "4,815.93", "22,468.44"]
    for column in (0, 1):
        values = [Decimal(rows[name][column].replace(",", "")) for name in ("工程", "政府采购", "土地产权", "合计")]
        assert sum(values[:3]) == values[3]


def test_a_group_with_nothing_to_compare_has_no_rate() -> None:
    rows = cells(project_table(a_report(MONTH)))
    assert rows["土地产权"][-1] == "—" and rows["工程"][-1] == "2.23%"


def test_savings_are_the_sums_and_a_project_without_a_limit_is_in_neither() -> None:
    projects = [
        Project("no:A", "works", "2017-03-01", 90, 100, ("1",)),
        Project("no:B", "works", "2017-03-02", 990, 1000, ("2",)),
        Project("no:C", "works", "2017-03-03", 5000, None, ("3",)),
        Project("no:D", "works", "2017-03-04", None, 700, ("4",)),
    ]
    figures = project_figures(projects)
    assert figures["saving_rate.works"].value == Fraction(20, 1100)  # not the mean of 10 % and 1 %
    assert figures["saving_rate.works"].rows == ("A", "B")
    assert figures["amount.works"].value == 6080 and figures["projects.works"].value == 4


def test_a_sentence_with_an_unknown_figure_is_left_out_and_the_others_stay() -> None:
    text = worded("projects", a_report([], growth=Figure("growth", "", "rate", None))).text
    assert text.startswith("2024年3月完成各类交易项目0项，交易额0亿元，增收节约资金0亿元。")
    fees = Figure("entered.application_fees", "", "fen", None)
    assert worded("fees", a_report([], **{fees.name: fees})).parts == ()


def test_every_number_of_a_paragraph_knows_its_figure() -> None:
    growth = Figure("growth", "", "rate", Fraction(217, 1000))
    paragraph = worded("projects", a_report(MONTH, growth=growth))
    numbers = [part for part in paragraph.parts if isinstance(part, Number)]
    assert {"projects", "amount", "growth", "amount.works"} <= {one.figure.name for one in numbers}
    assert "完成各类交易项目1,300项，交易额136.79亿元，比上年增长21.7%" in paragraph.text
