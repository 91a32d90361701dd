"""Tables that copying has turned into lines: a line of column heads over lines with as many cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from publisher.intake.extract.blocks import Block, Cell, Line, Table
from publisher.intake.extract.grids import is_header

_FEWEST = 3
_LONGEST = 300


def with_typed_tables(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks, with such lines as a table. Browsers copy tables so: white space between cells, a line per row.

    Only lines that split into just as many cells as the heads belong to it, so that no sentence is taken for a row.
    """
    found: list[Block] = []
    at = 0
    while at < len(blocks):
        table = _table_at(blocks, at)
        found.append(table or blocks[at])
        at += len(table.rows) if table else 1
    return tuple(found)


def _table_at(blocks: Sequence[Block], at: int) -> Table | None:
    block = blocks[at]
    if not isinstance(block, Line) or block.text.count(" ") < _FEWEST - 1:
        return None
    rows = list(_rows(blocks, at))
    if len(rows) < 2 or len(rows[0]) < _FEWEST or not is_header(rows[0], rows[1]):
        return None
    return Table(tuple(rows), 0, line=block.no)


def _rows(blocks: Sequence[Block], at: int) -> Iterator[tuple[Cell, ...]]:
    width = 0
    for block in blocks[at:]:
        if not isinstance(block, Line) or len(block.text) > _LONGEST or re.search(r"[：:。]", block.text):
            return
        cells = tuple(Cell(text) for text in block.text.split(" "))
        width = width or len(cells)
        if len(cells) != width:
            return
        yield cells
