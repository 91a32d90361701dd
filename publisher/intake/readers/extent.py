"""How far a sheet reaches, measured before it is opened: its library lays out the whole rectangle of cells at once.

A single cell at the far corner is five hundred gigabytes; the library then ends the process, which nothing can catch.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile

import olefile

from publisher.errors import Reason
from publisher.intake.readers.document import returned

MAX_CELLS = 1_000_000
"""Most cells of the rectangle from the first cell to the last that holds anything."""
_CELL = re.compile(rb"<(?:\w{1,8}:)?c(?:\s[^>]*)?(?<!/)>")
_ROW = re.compile(rb"<(?:\w{1,8}:)?row\s[^>]*?\br\s*=\s*[\"'](\d{1,12})[\"']")
_STATED = re.compile(rb"\sr\s*=\s*[\"']([^\"']*)[\"']")
_REF = re.compile(rb"([A-Za-z]{1,3})(\d{1,7})")
_BIFF_CELLS = frozenset({0x0006, 0x00BD, 0x00BE, 0x00D6, 0x00FD, 0x0201, 0x0203, 0x0204, 0x0205, 0x027E})
"""Records of old workbooks that begin with a row and a column (formula, rows of numbers, texts, numbers, truths)."""


def check_extent(data: bytes, *, package: bool) -> None:
    """Raises `NoticeReturned` where a sheet reaches further than a list of notices does.

    Raises what zipfile and olefile raise for a container out of shape, and ValueError for a cell without a place.
    """
    sheets = _of_package(data) if package else _of_old(data)
    if any(rows * columns > MAX_CELLS for rows, columns in sheets):
        raise returned(Reason.UNSUPPORTED_FORMAT, "表格范围过大（可能有很远的单元格），请删除多余的行列后重新放入。")


def _of_package(data: bytes) -> list[tuple[int, int]]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        names = package.namelist()
        if any(name.endswith(".bin") and "/worksheets/" in name for name in names):
            raise returned(Reason.UNSUPPORTED_FORMAT, "暂不支持 .xlsb 表格，请另存为 .xlsx 后重新放入。")
        return [_reach(package.read(name)) for name in names if name.endswith(".xml") and name.startswith("xl/")]


def _reach(sheet: bytes) -> tuple[int, int]:
    """The last row and column in which something stands."""
    stated = [_STATED.search(cell.group(0)) for cell in _CELL.finditer(sheet)]
    unnamed = sum(1 for one in stated if one is None)
    places = [one.group(1) for one in stated if one is not None]
    rows = columns = 0
    if unnamed:  # they follow on wherever the last named one stands, and a name may hide behind an odd attribute
        places += [place for place in _STATED.findall(sheet) if not place.isdigit()]
        rows = max((int(row) for row in _ROW.findall(sheet)), default=0) + unnamed
        columns = min(unnamed, 16_384)
    for place in places:
        reference = _REF.fullmatch(place)
        if reference is None:  # no program writes it, and the library counts on from it as it likes
            raise ValueError("a cell without a place")
        rows, columns = max(rows, int(reference.group(2))), max(columns, _column(reference.group(1)))
    return rows, columns


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def _of_old(data: bytes) -> list[tuple[int, int]]:
    with olefile.OleFileIO(io.BytesIO(data)) as ole:
        name = "Workbook" if ole.exists("Workbook") else "Book"
        stream = ole.openstream(name).read()
    rows = columns = at = 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        if kind in _BIFF_CELLS and size >= 4 and at + 8 <= len(stream):
            row, column = struct.unpack_from("<HH", stream, at + 4)
            rows, columns = max(rows, row + 1), max(columns, column + 1 + (size // 6 if kind == 0x00BD else 0))
        at += 4 + size
    return [(rows, columns)]
