"""The Word report as a file: its page, merged cells, repeated heads, whole rows, and charts in the schema's order."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import docx
import pytest
from docx.oxml.ns import qn
from docx.shared import Mm
from lxml import etree

from publisher.counts.report import official
from publisher.counts.report.blocks import Chart, Form, Heading, Number, Paragraph, Table
from publisher.counts.report.numbers import Figure
from publisher.counts.report.official import CELLS, Grid
from publisher.counts.report.tables import official_table
from publisher.counts.report.word.charts import chart_xml
from publisher.counts.report.word.document import to_word
from tests.support.reports import a_report, typed_in

CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"


def number(value: int) -> Number:
    return Number(Figure("x", "X", "count", value))


def document(*blocks: Any) -> Any:
    return docx.Document(io.BytesIO(to_word(blocks)))


def form_of(grid: Grid, values: dict[str, str]) -> Form:
    return official_table(a_report([], **typed_in(values)), grid)


def bars(count: int, **more: Any) -> Chart:
    return Chart("各渠道 <发布>", tuple((f"渠道{index}&", number(index * 1000)) for index in range(count)), **more)


def test_the_page_is_that_of_an_official_paper() -> None:
    section = document(Paragraph(("正文。",))).sections[0]
    assert (section.page_width.mm, section.page_height.mm) == pytest.approx((210, 297), abs=0.1)
    area = section.page_width - section.left_margin - section.right_margin
    height = section.page_height - section.top_margin - section.bottom_margin
    assert (area, height) == pytest.approx((Mm(156), Mm(225)), abs=Mm(0.1))


def test_pages_are_numbered_on_their_outer_side() -> None:
    made = document(Paragraph(("正文。",)))
    section = made.sections[0]
    assert made.settings.odd_and_even_pages_header_footer
    for footer, side in ((section.footer, 2), (section.even_page_footer, 0)):
        (paragraph,) = footer.paragraphs
        fields = [field.get(qn("w:instr")) for field in paragraph._p.iter(qn("w:fldSimple"))]
        assert fields == ["PAGE"] and int(paragraph.alignment) == side


@pytest.mark.parametrize(
    "grid", [official.disclosure(), official.applications(), official.disputes()], ids=lambda grid: grid.title
)
def test_a_form_has_the_merged_cells_and_numbers_of_the_layout(grid: Grid) -> None:
    form = form_of(grid, {name: str(place * 3) for place, name in enumerate(CELLS, 1)})
    (table,) = document(form).tables
    boxes = [list(row.cells) for row in table.rows]
    for line, column, cell in form.placed():
        box = boxes[line][column]
        assert box.text == (cell.part.text if isinstance(cell.part, Number) else cell.part)
        corner = boxes[line + cell.rows - 1][column + cell.columns - 1]
        assert corner._tc is box._tc  # merged: both are the same cell
    assert len({id(box._tc) for row in boxes for box in row}) == len(list(form.placed()))


def test_rows_stay_whole_and_the_lines_of_the_head_are_repeated_on_every_page() -> None:
    (table,) = document(form_of(official.applications(), {})).tables
    heads = [row._tr.trPr.find(qn("w:tblHeader")) is not None for row in table.rows]
    assert heads == [True] * 3 + [False] * (len(heads) - 3)
    assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in table.rows)


def test_a_table_is_as_wide_as_the_text_whatever_its_columns() -> None:
    for widths in ((), (5, 1, 1), (1, 9, 1)):
        (table,) = document(Table(("甲", "乙", "丙"), (("一", number(1), "三"),), widths)).tables
        assert sum(column.width for column in table.columns) == pytest.approx(Mm(156), abs=Mm(0.1))
        assert not table.autofit


def test_a_tall_form_begins_a_page_together_with_its_heading() -> None:
    blocks = (
        Heading(2, "三"),
        form_of(official.applications(), {}),
        Heading(2, "四"),
        form_of(official.disputes(), {}),
    )
    three, four = (p for p in document(*blocks).paragraphs if p.text in ("三", "四"))
    assert three.paragraph_format.page_break_before and not four.paragraph_format.page_break_before


def test_a_title_is_broken_at_its_year_and_loses_no_letter() -> None:
    (title,) = (p for p in document(Heading(1, "某中心2017年年度报告")).paragraphs if p.text)
    assert title.text == "某中心\n2017年年度报告" and title.style.name == "Title"


# ---- charts

ORDER = {
    "chartSpace": "date1904 lang roundedCorners AlternateContent style clrMapOvr pivotSource protection chart spPr "
    "txPr externalData printSettings userShapes extLst",
    "chart": "title autoTitleDeleted pivotFmts view3D floor sideWall backWall plotArea legend plotVisOnly dispBlanksAs",
    "title": "tx layout overlay spPr txPr",
    "plotArea": "layout barChart catAx valAx dTable spPr",
    "barChart": "barDir grouping varyColors ser dLbls gapWidth overlap serLines axId",
    "ser": "idx order tx spPr invertIfNegative pictureOptions dPt dLbls trendline errBars cat val shape",
    "dLbls": "dLbl delete numFmt spPr txPr dLblPos showLegendKey showVal showCatName showSerName showPercent "
    "showBubbleSize separator showLeaderLines leaderLines",
    "catAx": "axId scaling delete axPos majorGridlines minorGridlines title numFmt majorTickMark minorTickMark "
    "tickLblPos spPr txPr crossAx crosses crossesAt auto lblAlgn lblOffset noMultiLvlLbl",
    "valAx": "axId scaling delete axPos majorGridlines minorGridlines title numFmt majorTickMark minorTickMark "
    "tickLblPos spPr txPr crossAx crosses crossesAt crossBetween majorUnit minorUnit dispUnits",
    "scaling": "logBase orientation max min",
    "numLit": "formatCode ptCount pt",
    "strLit": "ptCount pt",
}
"""Element → its children in the order of dml-chart.xsd (ECMA-376, part 1, annex A.5.1)."""


@pytest.mark.parametrize("upright", [True, False])
def test_the_elements_of_a_chart_stand_in_the_order_of_the_schema(upright: bool) -> None:
    root = etree.fromstring(chart_xml(bars(3, upright=upright)))
    seen = set()
    for element in root.iter(f"{CHART}*"):
        name = etree.QName(element).localname
        if name not in ORDER or (name == "chart" and not len(element)):
            continue
        seen.add(name)
        children = [etree.QName(child).localname for child in element if child.tag.startswith(CHART)]
        order = ORDER[name].split()
        assert [order.index(child) for child in children] == sorted(order.index(child) for child in children), name
    assert seen == set(ORDER)


def test_a_chart_holds_its_labels_and_numbers_itself_and_says_them_to_who_cannot_see_it() -> None:
    data = to_word([bars(3), bars(2, upright=True)])
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        charts = [name for name in archive.namelist() if name.startswith("word/charts/")]
        first = etree.fromstring(archive.read("word/charts/chart1.xml"))
        types = archive.read("[Content_Types].xml").decode()
        body = archive.read("word/document.xml").decode()
    assert charts == ["word/charts/chart1.xml", "word/charts/chart2.xml"]
    assert all(f'PartName="/{name}"' in types for name in charts)
    values = [point.findtext(f"{CHART}v") for point in first.iter(f"{CHART}pt")]
    assert values == ["渠道0&", "渠道1&", "渠道2&", "0", "1000", "2000"]
    assert "各渠道 &lt;发布&gt;：渠道0&amp; 0；渠道1&amp; 1,000；渠道2&amp; 2,000" in body
    assert "externalData" not in etree.tostring(first).decode()
