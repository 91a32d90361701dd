"""What a report is laid out in, before it is printed in any format.

Every format prints the same blocks, so that a number cannot differ between them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from publisher.counts.report.numbers import Figure, written


@dataclass(frozen=True, slots=True)
class Number:
    """A figure in one way of writing it."""

    figure: Figure
    style: str = ""

    @property
    def text(self) -> str:
        """As printed."""
        return written(self.figure, self.style)


Part = str | Number


def plain(part: Part) -> str:
    """A part as text."""
    return part if isinstance(part, str) else part.text


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the title."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of texts and numbers."""

    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """As printed."""
        return "".join(plain(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Table:
    """A table; each cell is a text or a number. `widths`: of its columns, relative; none: all alike."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Part, ...], ...]
    widths: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a form, `rows` high and `columns` wide; it begins at the left, or stands in the middle."""

    part: Part
    rows: int = 1
    columns: int = 1
    left: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A table with spanning cells: relative widths of its columns, how many lines are its head, its lines.

    A cell that reaches into the lines below stands in its first line only; `placed` says where each one lies.
    """

    widths: tuple[int, ...]
    heads: int
    lines: tuple[tuple[Cell, ...], ...]

    def placed(self) -> Iterator[tuple[int, int, Cell]]:
        """(line, column, cell) of each cell, from 0: its upper left corner.

        Raises ValueError where the cells do not fill the table, or overlap.
        """
        width, taken = len(self.widths), set[tuple[int, int]]()
        for line, cells in enumerate(self.lines):
            column = 0
            for cell in cells:
                while (line, column) in taken:
                    column += 1
                spots = {(line + r, column + c) for r in range(cell.rows) for c in range(cell.columns)}
                if spots & taken or column + cell.columns > width or line + cell.rows > len(self.lines):
                    raise ValueError(f"the cell {plain(cell.part)!r} of line {line} has no room")
                taken |= spots
                yield line, column, cell
                column += cell.columns
        if len(taken) != width * len(self.lines):
            raise ValueError("the cells do not fill the form")


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars with their labels, in order. `upright`: they follow one another in time and stand, where the format can."""

    title: str
    bars: tuple[tuple[str, Number], ...]
    upright: bool = False


@dataclass(frozen=True, slots=True)
class Notes:
    """Footnotes, numbered from 1."""

    texts: tuple[str, ...]


Block = Heading | Paragraph | Table | Form | Chart | Notes


def numbers_of(block: Block) -> list[Number]:
    """The numbers that a block prints."""
    if isinstance(block, Paragraph):
        parts = list(block.parts)
    elif isinstance(block, Table):
        parts = [part for row in block.rows for part in row]
    elif isinstance(block, Form):
        parts = [cell.part for line in block.lines for cell in line]
    elif isinstance(block, Chart):
        parts = [number for _, number in block.bars]
    else:
        parts = []
    return [part for part in parts if isinstance(part, Number)]
