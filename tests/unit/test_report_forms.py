"""The official tables: their cells and spans, totals that are never typed, and what does not agree."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from publisher.counts.report import official
from publisher.counts.report.blocks import Cell, Form, Number, numbers_of
from publisher.counts.report.markdown import to_markdown
from publisher.counts.report.official import APPLICANTS, CELLS, RESULTS, SUMS, Grid
from publisher.counts.report.page import to_page
from publisher.counts.report.tables import official_table
from publisher.counts.report.totals import disagreements, missing
from tests.support.reports import a_report, typed_in

GRIDS = (official.disclosure(), official.applications(), official.disputes())


def all_of(row: str, value: int) -> dict[str, str]:
    return {f"applications.{row}.{who}": str(value) for who in APPLICANTS}


def nothing_happened() -> dict[str, str]:
    return dict.fromkeys(CELLS, "0")


def form_of(grid: Grid, values: dict[str, str]) -> Form:
    return official_table(a_report([], **typed_in(values)), grid)


def rows_of(markdown: str) -> dict[str, list[str]]:
    """Label → the cells behind it, of a Markdown table."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.splitlines()[2:]]
    return {next(cell for cell in reversed(line[:3]) if cell): line[3:] for line in lines}


def test_the_tables_have_every_cell_of_the_form_once() -> None:
    cells = [slot.cell for grid in GRIDS for line in grid.lines for slot in line if slot.cell]
    assert len(cells) == len(set(cells)) and set(cells) == {*CELLS, *SUMS}
    assert len(CELLS) == 10 + 24 * 6 + 12 and len(RESULTS) == 21


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: grid.title)
def test_the_cells_of_each_table_fill_it_without_gap_or_overlap(grid: Grid) -> None:
    form = form_of(grid, {})
    area = sum(cell.rows * cell.columns for _, _, cell in form.placed())
    assert area == len(form.lines) * len(form.widths)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (((Cell("a", columns=3),),), "has no room"),
        (((Cell("a", rows=2),),), "has no room"),
        (((Cell("a"),),), "do not fill"),
        (((Cell("a", rows=2), Cell("b")), (Cell("c", columns=2),)), "has no room"),
    ],
)
def test_cells_that_do_not_fit_are_a_fault_and_no_crooked_table(lines: tuple[tuple[Cell, ...], ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        list(Form((1, 1), 1, lines).placed())


# ---- totals


def test_totals_add_up_over_rows_and_columns_and_open_to_the_rows_behind_them() -> None:
    figures = typed_in(nothing_happened() | all_of("received", 3) | all_of("granted", 2) | all_of("refused_process", 1))
    assert figures["computed.applications.received.total"].value == 18
    assert figures["computed.applications.answered.natural"].value == 3
    assert figures["computed.applications.answered.total"].value == 18
    assert len(figures["computed.applications.answered.total"].rows) == 21 * 6
    assert disagreements(figures) == []


def test_a_total_with_an_unknown_part_is_unknown_and_no_sum_of_the_others() -> None:
    known = nothing_happened() | all_of("received", 3)
    del known["applications.received.research"]
    figures = typed_in(known)
    assert figures["computed.applications.received.total"].value is None
    assert figures["computed.applications.granted.total"].value == 0
    assert missing(figures, ("applications.",)) == (1, 144)


def test_totals_typed_in_alone_under_their_old_names_stand_where_the_form_has_its_totals() -> None:
    old = {"applications_received": "5", "applications_carried_over": "1", "applications_answered": "4", "reviews": "2"}
    rows = rows_of(to_markdown([form_of(official.applications(), old)]))
    unknown = ["—"] * 6
    assert rows["一、本年新收政府信息公开申请数量"] == [*unknown, "5"]
    assert rows["二、上年结转政府信息公开申请数量"] == [*unknown, "1"]
    assert rows["（七）总计"] == [*unknown, "4"] and rows["四、结转下年度继续办理"] == [*unknown, "—"]
    assert typed_in(old)["computed.reviews.total"].value == 2


def test_parts_win_over_a_total_typed_in_alone_and_a_contradiction_is_told() -> None:
    figures = typed_in(
        nothing_happened() | all_of("received", 1) | all_of("granted", 1) | {"applications_received": "7"}
    )
    assert figures["computed.applications.received.total"].value == 6
    (told,) = disagreements(figures)
    assert "分项之和为 6 件" in told and "单独录入的总数（applications_received）为 7 件" in told


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"applications_received": "3", "applications.received.natural": "4"}, "超过单独录入的总数"),
        ({"reviews": "1", "reviews.upheld": "2"}, "行政复议，总计：已录入的分项之和 2 件超过"),
        (
            {f"{what}.{how}": "1" for what in ("lawsuits_direct", "lawsuits_after_review") for how in official.OUTCOMES}
            | {"lawsuits": "7"},
            "两类诉讼之和为 8 件，单独录入的总数（lawsuits）为 7 件",
        ),
    ],
)
def test_parts_that_cannot_belong_to_a_total_typed_in_alone_are_told(values: dict[str, str], said: str) -> None:
    (told,) = disagreements(typed_in(values))
    assert said in told


def test_the_forms_rule_is_checked_in_every_column_and_in_none_with_an_unknown_figure() -> None:
    figures = nothing_happened() | {"applications.received.legal_service": "2", "applications.carried_over.other": "1"}
    told = disagreements(typed_in(figures))
    assert [re.findall("“(.+?)”", one)[0] for one in told] == ["法律服务机构", "其他", "总计"]
    del figures["applications.declined_repeated.legal_service"]
    assert [re.findall("“(.+?)”", one)[0] for one in disagreements(typed_in(figures))] == ["其他"]


# ---- printed


class _Spans(HTMLParser):
    """Collects (tag, rowspan, colspan) of the cells of a page's official tables, and how many cells each row has."""

    def __init__(self) -> None:
        super().__init__()
        self.area = 0
        self.rows: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "tr":
            self.rows.append(0)
        elif tag in ("td", "th"):
            self.rows[-1] += 1
            self.area += int(values.get("rowspan") or 1) * int(values.get("colspan") or 1)


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: grid.title)
def test_the_page_has_the_spans_of_the_form(grid: Grid) -> None:
    page = to_page(a_report([]), [form_of(grid, {})])
    (table,) = re.findall(r'<table class="form">.*?</table>', page, re.DOTALL)
    spans = _Spans()
    spans.feed(table)
    assert spans.area == len(grid.widths) * len(grid.lines)
    assert spans.rows == [len(line) for line in grid.lines]


def test_every_line_of_the_flattened_form_says_all_that_it_is_under() -> None:
    text = to_markdown([form_of(official.applications(), nothing_happened() | all_of("refused_inquiry", 3))])
    head, _, *lines = text.splitlines()
    assert "| 申请人情况／自然人 | 申请人情况／法人或其他组织／商业企业 |" in head and head.endswith(
        "申请人情况／总计 |"
    )
    assert "| 三、本年度办理结果 | （三）不予公开 | 8.属于行政查询事项 | 3 | 3 | 3 | 3 | 3 | 3 | 18 |" in lines
    assert {line.count("|") for line in lines} == {11}


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: grid.title)
def test_every_format_prints_the_same_numbers_of_a_form(grid: Grid) -> None:
    values = {name: str(number * 7) for number, name in enumerate(CELLS, 1)}
    form = form_of(grid, values)
    expected = [number.text for number in numbers_of(form)]
    assert len(expected) == sum(isinstance(cell.part, Number) for line in form.lines for cell in line)
    page = re.findall(r'<a class="n"[^>]*>([^<]*)</a>', to_page(a_report([]), [form]))
    assert page == expected
    found = [cell.strip() for line in to_markdown([form]).splitlines() for cell in line.strip("|").split("|")]
    assert [cell for cell in found if re.fullmatch(r"[\d,.]+", cell)] == expected
