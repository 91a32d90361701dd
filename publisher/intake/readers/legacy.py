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
from publisher.word_binary import MAIN_STREAM, Header, before_table, read_header, table_rows, whole_text

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
    main = ole.openstream(MAIN_STREAM).read()
    header = read_header(main)
    if header.encrypted:
        raise returned(
            Reason.PASSWORD_PROTECTED,
            "文件已加密，程序打不开。请用 Word（WPS）打开，取消打开密码后另存一份，重新放入。",
        )
    table = ole.openstream(header.table).read()
    _refuse_what_text_would_hide(main, table, header)
    return whole_text(main, table, header)[: header.length]


def _refuse_what_text_would_hide(main: bytes, table: bytes, header: Header) -> None:
    """Raises `NoticeReturned` where the plain text would differ from what a reader of the document sees."""
    for page in _pages(main, table, header.place(main, _CHARACTER_BINS)):
        if any(_sets(run, (_DELETED, _HIDDEN)) for run in _character_runs(page)):
            raise returned(Reason.UNSUPPORTED_FORMAT, _REVISED)
    for page in _pages(main, table, header.place(main, _PARAGRAPH_BINS)):
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
        before, table = before_table(part)
        out.append(paragraphs(join_lines(before)))
        out.append("<table>" + "".join(_row(row) for row in table_rows(table)) + "</table>")
    return "".join(out)


def _row(cells: Sequence[str]) -> str:
    inner = "".join(f"<td>{html.escape(cell.strip(), quote=False).replace(chr(13), '<br>')}</td>" for cell in cells)
    return f"<tr>{inner}</tr>"
