"""Writes the workbook: the tables as on paper, totals as formulas, everything locked but the cells to be filled in.

A hidden sheet keeps which cell holds which figure and what stood in it, so that only what the clerk changed is taken.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import xlsxwriter

from publisher.counts.report.entry.plan import FIRST_LINE, Entry, EntrySheet, Place, entries_of
from publisher.counts.report.official import (
    ANSWERED,
    APPLICANTS,
    CARRIED_FORWARD,
    CARRIED_OVER,
    RECEIVED,
    SUMS,
)
from publisher.notice import LOCAL

HIDDEN, MARK = "底稿", "政府信息公开年度报告录入表 1"
"""The hidden sheet, and how it begins; the number is that of the plan of the cells."""

_WHAT_TO_DO = (
    "在白色格内填写，灰色格自动计算。没有的请填 0；空着表示未录入，报告中印“—”。已录入的数字改空，即收回该数字。"
    "请勿增删行列。"
)


@dataclass(frozen=True, slots=True)
class _Looks:
    """How cells look."""

    title: Any
    told: Any
    text: Any
    centred: Any
    head: Any
    count: Any
    money: Any
    words: Any
    total: Any


def write_workbook(year: int, sheets: Sequence[EntrySheet], standing: Mapping[str, str], now: datetime) -> bytes:
    """The bytes of the .xlsx. `standing`: name → value (amounts in 元) of what is entered for the year."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.set_properties({"title": f"{year}年{MARK}", "created": now.astimezone(LOCAL).replace(tzinfo=None)})
        looks = _looks(book)
        for sheet in sheets:
            _write(book, looks, sheet, standing)
        _keep(book, year, sheets, standing)
    return out.getvalue()


def shown(entry: Entry, value: str) -> float | str:
    """A value as it stands in its cell."""
    if entry.kind == "text" or not value:
        return value
    return float(Decimal(value) / 10000 if entry.wan else Decimal(value))


def _looks(book: Any) -> _Looks:
    def look(**more: Any) -> Any:
        base = {"font_name": "宋体", "font_size": 11, "valign": "vcenter", "text_wrap": True}
        return book.add_format(base | more)

    grey = {"border": 1, "bg_color": "#EDEDED"}
    entry = {"border": 1, "align": "center", "locked": False}
    return _Looks(
        title=look(bold=True, font_size=14, text_wrap=False),
        told=look(font_color="#7F3F00"),
        text=look(**grey),
        centred=look(**grey, align="center"),
        head=look(**grey, align="center", bold=True),
        count=look(**entry, num_format="#,##0"),
        money=look(**entry, num_format="#,##0.00####"),
        words=look(border=1, locked=False, valign="top"),
        total=look(**grey, align="center", num_format="#,##0"),
    )


def _write(book: Any, looks: _Looks, sheet: EntrySheet, standing: Mapping[str, str]) -> None:
    page = book.add_worksheet(sheet.name)
    for column, width in enumerate(sheet.widths):
        page.set_column(column, column, width)
    page.write_string(0, 0, sheet.title, looks.title)
    page.merge_range(1, 0, 1, len(sheet.widths) - 1, _WHAT_TO_DO, looks.told)
    page.set_row(1, 36)
    heads = FIRST_LINE + sheet.heads
    for line, height in _heights(sheet).items():
        page.set_row(line, height)
    for one in sheet.texts:
        look = looks.head if one.place.line < heads else looks.text if one.left else looks.centred
        _put(page, one.place, one.text, look)
    for entry in sheet.entries:
        _entry(page, looks, entry, shown(entry, standing.get(entry.name, "")))
    _totals(page, looks, sheet)
    page.freeze_panes(heads, 0)
    page.set_paper(9)  # A4
    page.fit_to_pages(1, 1)
    if sum(sheet.widths) > 140:
        page.set_landscape()
    page.protect("", {"format_columns": True, "format_rows": True})


def _heights(sheet: EntrySheet) -> dict[int, float]:
    """Heights of lines in points, so that every text is seen whole."""
    heights = dict.fromkeys(range(FIRST_LINE, _last_line(sheet) + 1), 22.0)
    for one in sheet.texts:
        width = sum(sheet.widths[one.place.column : one.place.column + one.place.columns])
        if one.place.lines == 1:
            needed = 16.0 * -(-2 * len(one.text) // width) + 6  # a Chinese character is two wide
            heights[one.place.line] = max(heights[one.place.line], needed)
    return heights | {entry.place.line: 120.0 for entry in sheet.entries if entry.kind == "text"}


def _last_line(sheet: EntrySheet) -> int:
    return max(one.place.line for one in sheet.texts) + 1


def _put(page: Any, place: Place, value: float | str, look: Any) -> None:
    if place.lines > 1 or place.columns > 1:
        last = place.line + place.lines - 1, place.column + place.columns - 1
        page.merge_range(place.line, place.column, *last, "", look)
    if value == "":
        page.write_blank(place.line, place.column, None, look)
    elif isinstance(value, str):
        page.write_string(place.line, place.column, value, look)
    else:
        page.write_number(place.line, place.column, value, look)


def _entry(page: Any, looks: _Looks, entry: Entry, value: float | str) -> None:
    place = entry.place
    if entry.kind == "text":
        _put(page, place, value, looks.words)
        return
    whole = entry.kind == "count"
    _put(page, place, value, looks.count if whole else looks.money)
    page.data_validation(
        place.line,
        place.column,
        place.line,
        place.column,
        {
            "validate": "integer" if whole else "decimal",
            "criteria": ">=",
            "value": 0,
            "error_title": "请重新填写",
            "error_message": "请填写不小于 0 的整数。" if whole else "请填写不小于 0 的金额。",
        },
    )


def _totals(page: Any, looks: _Looks, sheet: EntrySheet) -> None:
    cells = {entry.name: entry.place.cell for entry in sheet.entries}
    cells |= {name: place.cell for place, name in sheet.totals}
    for place, name in sheet.totals:
        parts = ",".join(cells[part] for part in SUMS[name].parts)
        formula = f'=IF(COUNT({parts})={len(SUMS[name].parts)},SUM({parts}),"")'
        page.write_formula(place.line, place.column, formula, looks.total, "")
    if f"applications.{ANSWERED}.total" in cells:
        _check(page, looks, sheet, cells)


def _check(page: Any, looks: _Looks, sheet: EntrySheet, cells: Mapping[str, str]) -> None:
    """Under part three: whether each column keeps the rule of the form."""
    line = _last_line(sheet) + 1
    page.set_row(line, 24)
    page.merge_range(line, 0, line, 2, "勾稽核对（第一项加第二项＝第三项总计加第四项）", looks.text)
    for column, applicant in enumerate((*APPLICANTS, "total"), 3):
        four = [cells[f"applications.{row}.{applicant}"] for row in (RECEIVED, CARRIED_OVER, ANSWERED, CARRIED_FORWARD)]
        agree = f'IF({four[0]}+{four[1]}={four[2]}+{four[3]},"相符","不符")'
        page.write_formula(line, column, f'=IF(COUNT({",".join(four)})=4,{agree},"")', looks.total, "")


def _keep(book: Any, year: int, sheets: Sequence[EntrySheet], standing: Mapping[str, str]) -> None:
    page = book.add_worksheet(HIDDEN)
    page.write_row(0, 0, [MARK, str(year)])
    for line, (sheet, entry) in enumerate(entries_of(sheets), 1):
        for column, text in enumerate((entry.name, sheet.name, entry.place.cell, standing.get(entry.name, ""))):
            page.write_string(line, column, text)
    page.very_hidden()
