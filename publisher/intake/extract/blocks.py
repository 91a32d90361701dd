"""The body of a notice as lines and tables, in reading order, each with a place that a person can find."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml.html import HtmlElement, fragments_fromstring

_SPACE = re.compile(r"[ \t\r\n\f\u00a0\u3000]+")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of running text; `no` counts lines outside tables from 1."""

    text: str
    no: int

    @property
    def place(self) -> str:
        """Where it stands, for staff."""
        return f"第{self.no}行"


@dataclass(frozen=True, slots=True)
class Cell:
    """One place of a table's grid; a spanned place repeats the text and is no `origin`."""

    text: str
    origin: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A table as a grid with all spans spread out; `no` counts tables from 1.

    One that was typed or copied as lines has the number of its first `line` instead.
    """

    rows: tuple[tuple[Cell, ...], ...]
    no: int
    line: int = 0

    def place(self, row: int) -> str:
        """Where a row stands (0 is the first), for staff."""
        return f"第{self.line + row}行" if self.line else f"表格{self.no} 第{row + 1}行"


Block = Line | Table

_NESTING = {"table", "p", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "br"}


def blocks_of(body_html: str) -> tuple[Block, ...]:
    """Lines and tables of a sanitised body. A table of one column, or one that holds tables, is read as lines."""
    reader = _Reader()
    for part in fragments_fromstring(body_html) if body_html.strip() else []:
        if isinstance(part, str):
            reader.add_text(part)
        else:
            reader.add(part)
    reader.end_line()
    return tuple(reader.blocks)


class _Reader:
    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._open: list[str] = []
        self._lines = 0
        self._tables = 0

    def add_text(self, text: str | None) -> None:
        if text:
            self._open.append(text)

    def end_line(self) -> None:
        text = _SPACE.sub(" ", "".join(self._open)).strip()
        self._open.clear()
        if text:
            self._lines += 1
            self.blocks.append(Line(text, self._lines))

    def add(self, node: HtmlElement) -> None:
        tag = node.tag if isinstance(node.tag, str) else ""
        if tag == "table":
            self.end_line()
            self._table(node)
        elif tag in _NESTING:
            self.end_line()
            self._within(node)
            self.end_line()
        else:
            self._within(node)
        self.add_text(node.tail)

    def _within(self, node: HtmlElement) -> None:
        self.add_text(node.text)
        for child in node:
            self.add(child)

    def _table(self, node: HtmlElement) -> None:
        rows = [row for row in node.iter("tr") if next(row.iterancestors("table")) is node]
        grid = spread([[_raw_cell(cell) for cell in row if cell.tag in ("td", "th")] for row in rows])
        nested = any(child.tag == "table" for child in node.iterdescendants())
        if nested or max((len(row) for row in grid), default=0) <= 1:
            for row in rows:
                for cell in row:
                    self._within(cell)
                    self.end_line()
        elif grid:
            self._tables += 1
            self.blocks.append(Table(grid, self._tables))


@dataclass(frozen=True, slots=True)
class _Raw:
    text: str
    columns: int
    rows: int


def _raw_cell(cell: HtmlElement) -> _Raw:
    inner = _Reader()
    inner._within(cell)
    inner.end_line()
    text = "\n".join(line.text for line in inner.blocks if isinstance(line, Line))
    return _Raw(text, _span(cell, "colspan"), _span(cell, "rowspan"))


def _span(cell: HtmlElement, name: str) -> int:
    value = str(cell.get(name) or "1")
    return min(int(value), 60) if value.isdigit() and int(value) > 0 else 1


def spread(rows: list[list[_Raw]]) -> tuple[tuple[Cell, ...], ...]:
    """The grid of a table: every row gets a cell in every column that its own and earlier spans cover."""
    above: dict[int, tuple[str, int]] = {}
    grid: list[tuple[Cell, ...]] = []
    for row in rows:
        cells: list[Cell] = []
        below: dict[int, tuple[str, int]] = {}
        waiting = list(row)
        while waiting or any(column >= len(cells) for column in above):
            column = len(cells)
            if column in above:
                text, left = above.pop(column)
                cells.append(Cell(text, origin=False))
                if left > 1:
                    below[column] = (text, left - 1)
            elif waiting:
                _place(waiting.pop(0), cells, above, below)
            else:
                cells.append(Cell("", origin=False))
        grid.append(tuple(cells))
        above = below
    return tuple(grid)


def _place(raw: _Raw, cells: list[Cell], above: dict[int, tuple[str, int]], below: dict[int, tuple[str, int]]) -> None:
    for offset in range(raw.columns):
        column = len(cells)
        above.pop(column, None)
        cells.append(Cell(raw.text, origin=offset == 0))
        if raw.rows > 1:
            below[column] = (raw.text, raw.rows - 1)
