"""The texts of an old workbook (.xls, .et) for screening: cells, comments, text boxes, headers ([MS-XLS], BIFF5 to 8).

Read record by record and without a rectangle of cells, so that a file out of shape costs no more than its size: an
attachment may be anything, and a library that lays out all cells would end the process for a far corner.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

STREAMS = ("Workbook", "Book")
"""Names of the main stream, newer form first."""
_FORMULA, _HEADER, _FOOTER, _NOTE, _CONTINUE = 0x0006, 0x0014, 0x0015, 0x001C, 0x003C
_FILEPASS, _CODEPAGE, _BOF = 0x002F, 0x0042, 0x0809
_MULTIPLE_RK, _RICH_TEXT, _SHARED, _SHARED_TEXT, _BOX = 0x00BD, 0x00D6, 0x00FC, 0x00FD, 0x01B6
_NUMBER, _TEXT, _RESULT, _RK = 0x0203, 0x0204, 0x0207, 0x027E
_SHEET = 0x0010
_NEW = 0x0600
_WIDEST = 64
"""Columns up to here keep their place in the row; what stands farther right follows without gaps."""


class Encrypted(Exception):
    """The workbook has an opening password."""


@dataclass(slots=True)
class Row:
    """One row of a sheet, both counted from 1; row 0 holds what stands in no cell."""

    sheet: int
    number: int
    cells: dict[int, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The cells in their order with a tab between them."""
        near = range(max((column for column in self.cells if column < _WIDEST), default=-1) + 1)
        far = sorted(column for column in self.cells if column >= _WIDEST)
        return "\t".join([*(self.cells.get(column, "") for column in near), *(self.cells[column] for column in far)])


def rows_of(stream: bytes) -> list[Row]:
    """Every row with a text or a number, sheet by sheet, hidden ones too. Raises `Encrypted`.

    Raises struct.error, IndexError or ValueError where the stream is out of shape.
    """
    reader = _Reader()
    for kind, parts in _records(stream):
        reader.take(kind, parts)
    return reader.rows()


def _records(stream: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Each record with the records that continue it."""
    at, waiting = 0, None
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        data = stream[at + 4 : at + 4 + size]
        if len(data) < size:
            raise ValueError("cut off")
        at += 4 + size
        if kind == _CONTINUE and waiting is not None:
            waiting[1].append(data)
            continue
        if waiting is not None:
            yield waiting
        waiting = (kind, [data])
    if waiting is not None:
        yield waiting


class _Reader:
    """Goes through the records in their order and keeps what they say."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, int], Row] = {}
        self._shared: list[str] = []
        self._sheet = 0
        self._is_new = True
        self._charset = "gb18030"
        self._formula: tuple[int, int] | None = None

    def rows(self) -> list[Row]:
        """What was found, in order of sheets and rows."""
        return [self._found[key] for key in sorted(self._found)]

    def take(self, kind: int, parts: list[bytes]) -> None:
        """One record."""
        data = parts[0]
        if kind == _FILEPASS:
            raise Encrypted
        if kind == _BOF:
            version, what = struct.unpack_from("<HH", data)
            self._is_new = version >= _NEW
            self._sheet += what == _SHEET
        elif kind == _CODEPAGE:
            self._charset = _CHARSETS.get(struct.unpack_from("<H", data)[0], "gb18030")
        elif kind == _SHARED:
            self._shared = list(_Strings(parts, 8).all(struct.unpack_from("<I", data, 4)[0]))
        elif kind in (_BOX, _NOTE, _HEADER, _FOOTER):
            self._beside(kind, parts)
        else:
            self._cell(kind, parts)

    def _beside(self, kind: int, parts: list[bytes]) -> None:
        """What stands in no cell: of a comment or a text box, of the head and foot of a printed page."""
        data, text = parts[0], ""
        if kind == _BOX and len(parts) > 1:
            text = _Strings([b"", *parts[1:]], 0).characters(struct.unpack_from("<H", data, 10)[0])
        elif kind == _NOTE and not self._is_new:
            text = data[6:].decode(self._charset, "replace")
        elif kind in (_HEADER, _FOOTER) and data:
            text = self._string(parts, 0, wide=2 if self._is_new else 1)
        if text.strip():
            row = self._row(0)
            row.cells[len(row.cells)] = text

    def _row(self, number: int) -> Row:
        return self._found.setdefault((self._sheet, number), Row(self._sheet, number))

    def _put(self, row: int, column: int, text: str) -> None:
        if text:
            self._row(row + 1).cells[column] = text

    def _cell(self, kind: int, parts: list[bytes]) -> None:
        data = parts[0]
        if kind == _RESULT:  # the text that the formula before came to
            if self._formula is not None:
                self._put(*self._formula, self._string(parts, 0))
            self._formula = None
            return
        if kind not in (_FORMULA, _MULTIPLE_RK, _RICH_TEXT, _SHARED_TEXT, _NUMBER, _TEXT, _RK):
            return
        row, column = struct.unpack_from("<HH", data)
        if kind == _MULTIPLE_RK:
            for index in range((len(data) - 6) // 6):
                self._put(row, column + index, _shown(_rk(data, 4 + 6 * index + 2)))
            return
        self._put(row, column, self._value(kind, parts))
        if kind == _FORMULA:
            self._formula = (row, column)

    def _value(self, kind: int, parts: list[bytes]) -> str:
        data = parts[0]
        if kind == _SHARED_TEXT:
            return self._shared[int.from_bytes(data[6:10], "little")]
        if kind in (_TEXT, _RICH_TEXT):
            return self._string(parts, 6)
        if kind == _RK:
            return _shown(_rk(data, 6))
        if kind == _FORMULA and data[12:14] == b"\xff\xff":  # a text, a truth or an error
            return ""
        return _shown(struct.unpack_from("<d", data, 6)[0])

    def _string(self, parts: list[bytes], at: int, *, wide: int = 2) -> str:
        """A text with its length before it (`wide` bytes), in the form of this version of the file."""
        if self._is_new:
            return _Strings(parts, at).string()
        length = int.from_bytes(parts[0][at : at + wide], "little")
        return parts[0][at + wide : at + wide + length].decode(self._charset, "replace")


class _Strings:
    """Texts that may go on in the next record; where letters go on, a new byte says how wide they are."""

    def __init__(self, parts: list[bytes], at: int) -> None:
        self._parts = parts
        self._part = 0
        self._at = at

    def all(self, count: int) -> Iterator[str]:
        """So many texts, or fewer where the record ends before."""
        for _ in range(count):
            if self._part + 1 >= len(self._parts) and self._at >= len(self._parts[self._part]):
                return
            yield self.string()

    def string(self) -> str:
        """One text: length, form, then letters, then what is known of their look."""
        length, form = struct.unpack("<HB", self._bytes(3))
        runs = struct.unpack("<H", self._bytes(2))[0] if form & 8 else 0
        more = struct.unpack("<I", self._bytes(4))[0] if form & 4 else 0
        text = self._letters(length, form)
        self._skip(4 * runs + more)
        return text

    def characters(self, length: int) -> str:
        """So many letters that begin with the next record."""
        self._next()
        return self._letters(length, self._form())

    def _letters(self, length: int, form: int) -> str:
        found: list[str] = []
        while length:
            size = 2 if form & 1 else 1
            piece = self._parts[self._part][self._at : self._at + size * length]
            found.append(piece.decode("utf-16-le" if size == 2 else "latin-1", "replace"))
            self._at += len(piece)
            length -= len(piece) // size
            if length:
                self._next()
                form = self._form()
        return "".join(found)

    def _form(self) -> int:
        return self._bytes(1)[0]

    def _bytes(self, size: int) -> bytes:
        while self._at >= len(self._parts[self._part]):
            self._next()
        piece = self._parts[self._part][self._at : self._at + size]
        if len(piece) < size:
            raise ValueError("cut off")
        self._at += size
        return piece

    def _skip(self, size: int) -> None:
        while size:
            taken = min(size, len(self._parts[self._part]) - self._at)
            self._at += taken
            size -= taken
            if size:
                self._next()

    def _next(self) -> None:
        if self._part + 1 >= len(self._parts):
            raise ValueError("cut off")
        self._part, self._at = self._part + 1, 0


_CHARSETS = {936: "gb18030", 54936: "gb18030", 950: "big5", 1252: "cp1252", 1200: "utf-16-le", 65001: "utf-8"}


def _rk(data: bytes, at: int) -> float:
    """A number in four bytes: thirty bits of a whole number or of a float, and whether it is in hundredths."""
    raw = struct.unpack_from("<I", data, at)[0]
    if raw & 2:
        number = float(struct.unpack("<i", struct.pack("<I", raw & 0xFFFF_FFFC))[0] >> 2)
    else:
        number = struct.unpack("<d", struct.pack("<Q", (raw & 0xFFFF_FFFC) << 32))[0]
    return number / 100 if raw & 1 else number


def _shown(number: float) -> str:
    """As a person reads it: a whole number without a point."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e18 else repr(number)
