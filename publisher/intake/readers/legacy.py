"""Old Word files (`.doc`, `.wps`): the text by its piece table, without a program that could run what is in it."""

from __future__ import annotations

import html
import io
import re
import struct
from collections.abc import Iterator, Sequence

import olefile

from publisher.errors import Reason
from publisher.intake.readers.document import Document, returned
from publisher.intake.readers.plain import join_lines, paragraphs

_ENCRYPTED = 0x0100
_TABLE_ONE = 0x0200
_COMPRESSED = 0x4000_0000
_CLX = 33
"""Index of the piece table's place among the offsets of a Word file's header."""
_CHARACTER_BINS = 12
_PARAGRAPH_BINS = 13
_DELETED, _HIDDEN, _LIST = 0x0800, 0x083C, 0x460B
"""Codes of properties: tracked as deleted, hidden, and member of a numbered list."""
_SAVE_AS = "旧版 Word 文件无法可靠读取，请用 Word 或 WPS 另存为 .docx 后重新放入。"
_REVISED = "文件含有未接受的修订或隐藏文字，无法确定以哪一稿为准；请接受全部修订后另存为 .docx 重新放入。"
_NUMBERED = "旧版 Word 文件使用了自动编号，直接读取会丢失“一、”“1.”等序号；请另存为 .docx 后重新放入。"


def read_doc(data: bytes) -> Document:
    """The text of a Word 97-2003 document; tables as tables. Raises `NoticeReturned`.

    A file with deletions still tracked, hidden text or automatic numbers is given back: the plain text
    would publish the one and lose the other.
    """
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            text = _text(ole)
    except (OSError, ValueError, IndexError, struct.error, RecursionError):
        raise returned(Reason.UNSUPPORTED_FORMAT, _SAVE_AS) from None
    return Document(body_html=_html(text))


def _text(ole: olefile.OleFileIO) -> str:
    main = ole.openstream("WordDocument").read()
    flags = struct.unpack_from("<H", main, 10)[0]
    if flags & _ENCRYPTED:
        raise returned(
            Reason.PASSWORD_PROTECTED,
            "文件已加密，程序打不开。请用 Word（WPS）打开，取消打开密码后另存一份，重新放入。",
        )
    table = ole.openstream("1Table" if flags & _TABLE_ONE else "0Table").read()
    offsets, length = _header(main)
    _refuse_what_text_would_hide(main, table, offsets)
    begin, size = _offset(main, offsets, _CLX)
    return _pieces(main, table[begin : begin + size])[:length]


def _header(main: bytes) -> tuple[int, int]:
    """Where the header's offsets begin, and how many characters the main text has."""
    words = struct.unpack_from("<H", main, 32)[0]
    longs_at = 34 + words * 2
    longs = struct.unpack_from("<H", main, longs_at)[0]
    length = struct.unpack_from("<i", main, longs_at + 2 + 12)[0]
    if length < 0:
        raise ValueError("length")
    return longs_at + 2 + longs * 4 + 2, length


def _offset(main: bytes, base: int, index: int) -> tuple[int, int]:
    begin, size = struct.unpack_from("<II", main, base + index * 8)
    return begin, size


def _pieces(main: bytes, clx: bytes) -> str:
    at = 0
    while clx[at] == 1:
        at += 3 + struct.unpack_from("<H", clx, at + 1)[0]
    if clx[at] != 2:
        raise ValueError("piece table")
    size = struct.unpack_from("<I", clx, at + 1)[0]
    plc = clx[at + 5 : at + 5 + size]
    count = (size - 4) // 12
    ends = struct.unpack_from(f"<{count + 1}I", plc, 0)
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


def _refuse_what_text_would_hide(main: bytes, table: bytes, base: int) -> None:
    """Raises `NoticeReturned` where the plain text would differ from what a reader of the document sees."""
    for page in _pages(main, table, _offset(main, base, _CHARACTER_BINS)):
        if any(_sets(run, (_DELETED, _HIDDEN)) for run in _character_runs(page)):
            raise returned(Reason.UNSUPPORTED_FORMAT, _REVISED)
    for page in _pages(main, table, _offset(main, base, _PARAGRAPH_BINS)):
        if any(_sets(run, (_LIST,)) for run in _paragraph_runs(page)):
            raise returned(Reason.UNSUPPORTED_FORMAT, _NUMBERED)


def _pages(main: bytes, table: bytes, place: tuple[int, int]) -> Iterator[bytes]:
    """The pages of formatting that a bin table names."""
    begin, size = place
    count = (size - 4) // 8
    if size < 12:
        return
    for page in struct.unpack_from(f"<{count}I", table, begin + 4 * (count + 1)):
        data = main[(page & 0x3FFFFF) * 512 : (page & 0x3FFFFF) * 512 + 512]
        if len(data) == 512:
            yield data


def _character_runs(page: bytes) -> Iterator[bytes]:
    runs = page[511]
    for index in range(runs):
        at = page[4 * (runs + 1) + index] * 2
        if at:
            yield page[at + 1 : at + 1 + page[at]]


def _paragraph_runs(page: bytes) -> Iterator[bytes]:
    runs = page[511]
    for index in range(runs):
        at = page[4 * (runs + 1) + 13 * index] * 2
        if not at:
            continue
        words = page[at]
        begin, size = (at + 1, 2 * words - 1) if words else (at + 2, 2 * page[at + 1])
        yield page[begin + 2 : begin + size]  # behind the number of the style


def _sets(properties: bytes, codes: Sequence[int]) -> bool:
    """Whether one of the properties is set to something."""
    at = 0
    while at + 2 < len(properties):
        code = struct.unpack_from("<H", properties, at)[0]
        if code in codes and properties[at + 2] != 0:
            return True
        size = (1, 1, 2, 4, 2, 2, 0, 3)[code >> 13]
        at += 2 + (size or 1 + properties[at + 2])
    return False


_FIELD_CODE = re.compile(r"\x13[^\x13\x14\x15]*(?:\x14([^\x13\x14\x15]*))?\x15")


def _html(text: str) -> str:
    """Paragraphs and tables: a cell ends with \\x07, a row with an empty cell more."""
    while (plain := _FIELD_CODE.sub(lambda m: m.group(1) or "", text)) != text:
        text = plain
    text = re.sub(r"[\x01-\x06\x08\x0e-\x1f]", "", text.replace("\x0b", "\n").replace("\x0c", "\r"))
    out: list[str] = []
    for part in re.split(r"((?:[^\x07]*\x07)+)", text):
        if "\x07" not in part:
            out.append(paragraphs(join_lines(part)))
            continue
        before, first = _before_table(part)
        out.append(paragraphs(join_lines(before)))
        out.append(_table(first))
    return "".join(out)


def _before_table(part: str) -> tuple[str, str]:
    """The paragraphs that stand before a table's first cell, and the table."""
    first, mark, rest = part.partition("\x07")
    before, cut, cell = first.rpartition("\r")
    return (before, cell + mark + rest) if cut else ("", part)


def _table(text: str) -> str:
    rows: list[list[str]] = [[]]
    cells = text.split("\x07")[:-1]
    for index, cell in enumerate(cells):
        ends_row = not cell and rows[-1] and (index + 1 == len(cells) or _row_is_full(rows, cells, index))
        if ends_row:
            rows.append([])
        else:
            rows[-1].append(cell)
    return "<table>" + "".join(_row(row) for row in rows if row) + "</table>"


def _row_is_full(rows: Sequence[Sequence[str]], cells: Sequence[str], index: int) -> bool:
    """An empty mark ends the row, unless it is a blank value: then another empty mark follows at once."""
    return cells[index + 1] != "" or len(rows[-1]) > 1


def _row(cells: Sequence[str]) -> str:
    inner = "".join(f"<td>{html.escape(cell.strip(), quote=False).replace(chr(13), '<br>')}</td>" for cell in cells)
    return f"<tr>{inner}</tr>"
