"""The text of a Word 97-2003 document by its piece table (MS-DOC 2.4.1): who reads it to publish and who to screen it.

The two streams of the compound file are given as bytes; who opens the file decides what a broken one means.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

MAIN_STREAM = "WordDocument"
_ENCRYPTED = 0x0100
_TABLE_ONE = 0x0200
_COMPRESSED = 0x4000_0000
_CLX = 33
"""Index of the piece table's place among the offsets of a Word file's header."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the head of the main stream says.

    `table` names the stream of tables; `length` counts the characters of the main text, behind which notes, headers,
    comments and text boxes stand; `offsets` is where the places of the tables begin.
    """

    encrypted: bool
    table: str
    length: int
    offsets: int

    def place(self, main: bytes, index: int) -> tuple[int, int]:
        """Begin and size of a table in the stream of tables."""
        begin, size = struct.unpack_from("<II", main, self.offsets + index * 8)
        return begin, size


def read_header(main: bytes) -> Header:
    """The header of a main stream. Raises struct.error or ValueError where it is out of shape."""
    flags = struct.unpack_from("<H", main, 10)[0]
    words = struct.unpack_from("<H", main, 32)[0]
    longs_at = 34 + words * 2
    longs = struct.unpack_from("<H", main, longs_at)[0]
    length = struct.unpack_from("<i", main, longs_at + 2 + 12)[0]
    if length < 0:
        raise ValueError("length")
    table = "1Table" if flags & _TABLE_ONE else "0Table"
    return Header(bool(flags & _ENCRYPTED), table, length, longs_at + 2 + longs * 4 + 2)


def whole_text(main: bytes, table: bytes, header: Header) -> str:
    """Every character that the file holds, seen or not: \\r ends a paragraph, \\x07 a cell.

    Raises struct.error, IndexError or ValueError for a piece table out of shape, or of more text than the file holds.
    """
    begin, size = header.place(main, _CLX)
    clx = table[begin : begin + size]
    at = 0
    while clx[at] == 1:
        at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
    if clx[at] != 2:
        raise ValueError("piece table")
    size = struct.unpack_from("<I", clx, at + 1)[0]
    return _pieces(main, clx[at + 5 : at + 5 + size])


def _pieces(main: bytes, plc: bytes) -> str:
    count = (len(plc) - 4) // 12
    ends = struct.unpack_from(f"<{count + 1}I", plc, 0)
    if any(ends[index] > ends[index + 1] for index in range(count)) or ends[-1] > len(main):
        raise ValueError("piece table")  # pieces over one another: small files that unpack to gigabytes
    parts = []
    for index in range(count):
        place = struct.unpack_from("<I", plc, 4 * (count + 1) + 8 * index + 2)[0]
        characters = ends[index + 1] - ends[index]
        if place & _COMPRESSED:
            start = (place & ~_COMPRESSED) // 2
            parts.append(main[start : start + characters].decode("cp1252", "replace"))
        else:
            parts.append(main[place : place + 2 * characters].decode("utf-16-le", "replace"))
    return "".join(parts)


def table_rows(text: str) -> list[list[str]]:
    """The rows of a table's text: a cell ends with \\x07, a row with an empty cell more.

    Where all rows can be equally long they are, so that a blank value ends none of them.
    """
    cells = text.split("\x07")[:-1]
    for width in range(2, len(cells) + 1):
        if len(cells) % width == 0 and not any(cells[width - 1 :: width]):
            return [cells[at : at + width - 1] for at in range(0, len(cells), width)]
    return _uneven_rows(cells)


def _uneven_rows(cells: Sequence[str]) -> list[list[str]]:
    rows: list[list[str]] = [[]]
    for index, cell in enumerate(cells):
        ends_row = not cell and rows[-1] and (index + 1 == len(cells) or _row_is_full(rows, cells, index))
        if ends_row:
            rows.append([])
        else:
            rows[-1].append(cell)
    return [row for row in rows if row]


def _row_is_full(rows: Sequence[Sequence[str]], cells: Sequence[str], index: int) -> bool:
    """An empty mark ends the row, unless it is a blank value: then another empty mark follows at once."""
    return cells[index + 1] != "" or len(rows[-1]) > 1


def before_table(part: str) -> tuple[str, str]:
    """The paragraphs that stand before a table's first cell, and the table."""
    first, mark, rest = part.partition("\x07")
    before, cut, cell = first.rpartition("\r")
    return (before, cell + mark + rest) if cut else ("", part)
