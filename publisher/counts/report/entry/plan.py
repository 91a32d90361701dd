"""Which cell of which sheet of the workbook holds which figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from xlsxwriter.utility import xl_rowcol_to_cell

from publisher.counts.report import official
from publisher.counts.report.blocks import Cell, Form
from publisher.counts.report.entered import OTHERS, Kind, kind_of
from publisher.counts.report.official import CELLS, Grid

FIRST_LINE = 3
"""The first line of a table, from 0; above it stand the title, what to do, and an empty line."""

OTHER_SHEET = "其他数字"
OTHER_HEADS = ("内容", "名称", "数值", "单位")
_UNITS: dict[Kind, str] = {"count": "件（条、项）", "yuan": "元", "text": "文字"}


@dataclass(frozen=True, slots=True)
class Place:
    """A cell, or several that are merged: its upper left corner from 0, and its size."""

    line: int
    column: int
    lines: int = 1
    columns: int = 1

    @property
    def cell(self) -> str:
        """As a spreadsheet names it: C5."""
        return str(xl_rowcol_to_cell(self.line, self.column))


@dataclass(frozen=True, slots=True)
class Text:
    """A cell with a text of the form, which begins at the left or stands in the middle."""

    place: Place
    text: str
    left: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A cell in which a figure is typed. `wan`: an amount in 万元 instead of 元, as the form has it."""

    name: str
    kind: Kind
    place: Place
    wan: bool = False


@dataclass(frozen=True, slots=True)
class EntrySheet:
    """One sheet: its name, the widths of its columns in characters, its texts, entries and totals (by name)."""

    name: str
    title: str
    widths: tuple[int, ...]
    heads: int
    texts: tuple[Text, ...]
    entries: tuple[Entry, ...]
    totals: tuple[tuple[Place, str], ...]


def plan(year: int, others: Sequence[tuple[str, str]]) -> tuple[EntrySheet, ...]:
    """All sheets of a year's workbook. `others`: (name, label) of the figures outside the official tables."""
    grids = (
        ("主动公开", official.disclosure(), (26, 18, 18, 18)),
        ("申请情况", official.applications(), (8, 16, 46, 10, 10, 10, 14, 14, 10, 10)),
        ("复议诉讼", official.disputes(), (10,) * 15),
    )
    return (*(_official(year, name, grid, widths) for name, grid, widths in grids), _others(year, others))


def others_of(history: Sequence[tuple[str, str]], projects: Sequence[str]) -> list[tuple[str, str]]:
    """(name, label) of the figures outside the official tables.

    `history`: (name, title) of channels that may have published before this ledger; `projects`: numbers of projects
    whose total may be typed in.
    """
    named = [(name, label) for name, (_, label) in OTHERS.items()]
    named += [(f"history.{name}", f"{title}：本账建立以前该年的发布条数") for name, title in history]
    return named + [(f"project_total.{no}", f"项目 {no} 的成交总额（单价、费率等成交）") for no in projects]


def _official(year: int, name: str, grid: Grid, widths: tuple[int, ...]) -> EntrySheet:
    lines = tuple(
        tuple(Cell(slot.text or slot.cell, slot.rows, slot.columns, slot.left) for slot in line) for line in grid.lines
    )
    texts, entries, totals = [], [], []
    cells = {slot.cell for line in grid.lines for slot in line if slot.cell}
    for line, column, cell in Form(grid.widths, grid.heads, lines).placed():
        place, text = Place(line + FIRST_LINE, column, cell.rows, cell.columns), str(cell.part)
        if text in CELLS:
            kind: Kind = CELLS[text][0]
            entries.append(Entry(text, kind, place, wan=kind == "yuan"))
        elif text in cells:
            totals.append((place, text))
        else:
            texts.append(Text(place, text, cell.left))
    title = f"{year}年{grid.title}"
    return EntrySheet(name, title, widths, grid.heads, tuple(texts), tuple(entries), tuple(totals))


def _others(year: int, others: Sequence[tuple[str, str]]) -> EntrySheet:
    texts = [Text(Place(FIRST_LINE, column), head) for column, head in enumerate(OTHER_HEADS)]
    entries = []
    for line, (name, label) in enumerate(others, FIRST_LINE + 1):
        kind, _ = kind_of(name)
        beside = {0: label, 1: name, 3: _UNITS[kind]}
        texts += [Text(Place(line, column), text, left=True) for column, text in beside.items()]
        entries.append(Entry(name, kind, Place(line, 2)))
    return EntrySheet(OTHER_SHEET, f"{year}年其他数字和文字", (56, 30, 60, 14), 1, tuple(texts), tuple(entries), ())


def entries_of(sheets: Sequence[EntrySheet]) -> Iterator[tuple[EntrySheet, Entry]]:
    """Every entry with its sheet."""
    return ((sheet, entry) for sheet in sheets for entry in sheet.entries)
