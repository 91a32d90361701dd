"""The text of old office files (.doc, .wps, .xls, .et) for screening: everything in them, seen or not.

To publish a text one must know what of it is seen, and a file in doubt goes back (docs/adr/0005). To screen it one must
miss nothing: text tracked as deleted, hidden sheets, notes and text boxes are looked at like the rest.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from publisher.rules.old_office import OldFileUnreadable, stream_names, streams_of
from publisher.rules.old_sheets import STREAMS, Encrypted, rows_of
from publisher.rules.privacy import Passage
from publisher.word_binary import MAIN_STREAM, before_table, read_header, table_rows, whole_text

_OUT_OF_SHAPE = (struct.error, IndexError, ValueError)
_PASSWORD = ("EncryptedPackage", "EncryptionInfo")
_TABLES = ("0Table", "1Table")
_MARKS = re.compile(r"[\x01-\x06\x08\x0e-\x1f]")


class OldTextUnreadable(Exception):
    """The text of the file cannot be had; the message says why, in Chinese."""


def old_passages(data: bytes, label: str) -> list[Passage]:
    """The text of an old Word file or workbook; `label` names it before each place. Raises `OldTextUnreadable`."""
    try:
        names = stream_names(data)
        wanted = [name for name in (MAIN_STREAM, *_TABLES, *STREAMS) if name in names]
        streams = streams_of(data, wanted)
    except OldFileUnreadable as why:
        raise OldTextUnreadable(str(why)) from None
    if any(name in names for name in _PASSWORD):
        raise OldTextUnreadable("有打开密码")
    try:
        if MAIN_STREAM in streams:
            return _word(streams, label)
        if book := next((streams[name] for name in STREAMS if name in streams), None):
            return _workbook(book, label)
    except _OUT_OF_SHAPE:
        raise OldTextUnreadable("的内容已损坏，或由很旧的程序写成") from None
    raise OldTextUnreadable("的格式（旧版演示文稿或其他）")


def embedded_in(data: bytes) -> list[str]:
    """The folders of files that stand within an old office file. Raises `OldFileUnreadable`."""
    found = (re.match(r"ObjectPool/[^/]+|MBD[^/]+", name) for name in stream_names(data))
    return sorted({one[0] for one in found if one})


def _word(streams: dict[str, bytes], label: str) -> list[Passage]:
    main = streams[MAIN_STREAM]
    header = read_header(main)
    if header.encrypted:
        raise OldTextUnreadable("有打开密码")
    if header.table not in streams:
        raise ValueError("no table stream")
    return list(_blocks(whole_text(main, streams[header.table], header), label))


def _blocks(text: str, label: str) -> Iterator[Passage]:
    text = _MARKS.sub("", text.replace("\x0b", "\n").replace("\x0c", "\r"))
    paragraph = table = 0
    for part in re.split(r"((?:[^\x07]*\x07)+)", text):
        before, rows = before_table(part) if "\x07" in part else (part, "")
        for line in before.split("\r") if before else ():
            paragraph += 1
            yield Passage(line, f"{label}第 {paragraph} 段")
        table += bool(rows)
        for number, row in enumerate(table_rows(rows), 1):
            yield Passage("\t".join(row), f"{label}第 {table} 个表格第 {number} 行")


def _workbook(stream: bytes, label: str) -> list[Passage]:
    try:
        rows = rows_of(stream)
    except Encrypted:
        raise OldTextUnreadable("有打开密码") from None
    return [
        Passage(
            row.text, f"{label}第 {row.sheet} 个工作表{f'第 {row.number} 行' if row.number else '的批注、页眉或文本框'}"
        )
        for row in rows
    ]
