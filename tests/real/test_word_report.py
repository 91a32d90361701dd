"""The Word report and the workbook for figures, opened by an office suite: what is on paper, what in the cells."""

from __future__ import annotations

import re
import subprocess
from datetime import datetime
from pathlib import Path

import pdfplumber
import pytest

from publisher.counts.report import official
from publisher.counts.report.blocks import Block, Chart, Heading, Notes, Number, Paragraph, Table, numbers_of
from publisher.counts.report.entry.plan import entries_of, others_of, plan
from publisher.counts.report.entry.reading import changes, read_workbook
from publisher.counts.report.entry.writing import write_workbook
from publisher.counts.report.numbers import Figure
from publisher.counts.report.official import CELLS
from publisher.counts.report.tables import official_table
from publisher.counts.report.word.document import to_word
from publisher.notice import LOCAL
from tests.support.reports import a_report, typed_in
from tests.support.workbooks import fill

pytestmark = pytest.mark.real

A4 = (595, 842)
NOW = datetime(2025, 1, 8, 9, 0, tzinfo=LOCAL)


def converted(path: Path, to: str) -> Path:
    """The file in another format; each call has an office suite with a profile of its own."""
    out = path.parent / "out"
    profile = f"-env:UserInstallation=file://{path.parent}/profile"
    words = ["soffice", profile, "--headless", "--convert-to", to, "--outdir", str(out), str(path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=240)
    made = out / f"{path.stem}.{to}"
    assert made.exists(), done.stdout + done.stderr
    return made


def count(value: int) -> Number:
    return Number(Figure("x", "X", "count", value))


def a_year() -> list[Block]:
    """A report with text, charts, the official tables with a number of its own in each cell, and a table of 90 rows."""
    report = a_report([], **typed_in({name: str(1000 + place) for place, name in enumerate(CELLS)}))
    grids = (official.disclosure(), official.applications(), official.disputes())
    blocks: list[Block] = [
        Heading(1, "某市公共资源交易中心2024年政府信息公开工作年度报告"),
        Heading(2, "一、总体情况"),
        Paragraph(("全年共发布各类交易信息", count(2893), "条。")),
        Chart("各月信息", tuple((f"{month}月", count(month * 111)) for month in range(1, 13)), upright=True),
        Chart("各渠道发布", (("甲网", count(4321)), ("乙网", count(567)))),
    ]
    for title, grid in zip("二三四", grids, strict=True):
        blocks += [Heading(2, f"{title}、{grid.title}"), official_table(report, grid)]
    rows = tuple((f"渠道{line}", "县级", count(line)) for line in range(90))
    return [
        *blocks,
        Heading(2, "五、附表"),
        Table(("渠道名称", "层级", "条次"), rows, (4, 1, 1)),
        Notes(("口径说明。",)),
    ]


def test_the_word_report_prints_every_text_and_number_on_a4_pages_with_their_numbers(tmp_path: Path) -> None:
    blocks = a_year()
    path = tmp_path / "report.docx"
    path.write_bytes(to_word(blocks))
    with pdfplumber.open(converted(path, "pdf")) as pdf:
        sizes = {(round(page.width), round(page.height)) for page in pdf.pages}
        pages = [page.extract_text() for page in pdf.pages]
        words = [word["text"] for page in pdf.pages for word in page.extract_words()]
        right = max(word["x1"] for page in pdf.pages for word in page.extract_words())
    assert sizes == {A4} and 6 <= len(pages) <= 9
    for number, text in enumerate(pages, 1):
        assert re.search(rf"— ?{number} ?—", text), text
    flat = re.sub(r"\s", "", "".join(pages))
    for number in (one.text for block in blocks for one in numbers_of(block)):
        assert number in words or number in flat, number
    assert right < A4[0] - 26 / 25.4 * 72 + 2  # nothing runs out of the type area
    assert sum("渠道名称层级条次" in re.sub(r"\s", "", text) for text in pages) == 3  # the head, again on each page
    (tall,) = [text for text in pages if "三、收到和处理" in text]
    assert "本年新收政府信息公开申请数量" in tall and "结转下年度继续办理" in tall  # the whole table on one page


def test_charts_are_drawn_as_bars_with_their_labels_and_numbers(tmp_path: Path) -> None:
    path = tmp_path / "charts.docx"
    path.write_bytes(to_word([Chart("各渠道发布", (("甲网", count(4321)), ("乙网", count(0))))]))
    with pdfplumber.open(converted(path, "pdf")) as pdf:
        (page,) = pdf.pages
        text = page.extract_text()
        blue = [
            shape
            for shape in (*page.rects, *page.curves)
            if shape["fill"] and shape["non_stroking_color"][-1:] > (0.5,)
        ]
    assert all(word in text for word in ("各渠道发布", "甲网", "4,321", "乙网"))
    assert max(shape["width"] for shape in blue) > 200


def test_a_workbook_saved_by_an_office_suite_adds_up_and_is_read_as_it_was_filled_in(tmp_path: Path) -> None:
    planned = plan(2024, others_of([], []))
    path = tmp_path / "figures.xlsx"
    path.write_bytes(write_workbook(2024, planned, {"licences": "7", "fees_charged": "12345.60"}, NOW))
    places = {entry.name: (sheet.name, entry.place.cell) for sheet, entry in entries_of(planned)}
    filled = {name: 0.0 for name in places if name.startswith("applications.")}
    filled |= {"applications.carried_over.business": 2, "applications.carried_forward.business": 2}
    filled["applications.received.natural"] = 3
    fill(path, {places[name]: value for name, value in filled.items()})
    saved = converted(path, "xlsx")
    changed = changes(read_workbook(saved.read_bytes(), 2024), {"licences": "7", "fees_charged": "12345.60"})
    assert {one.name: one.after for one in changed} == {name: f"{value:g}" for name, value in filled.items()}
    sheet = path.with_name("sheet.xlsx")
    sheet.write_bytes(saved.read_bytes())
    with pdfplumber.open(converted(sheet, "pdf")) as pdf:
        text = "".join(page.extract_text() for page in pdf.pages)
    assert text.count("不符") == 2 and text.count("相符") == 5  # 自然人 and 总计 breach the rule, the others keep it
