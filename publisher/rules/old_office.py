"""Names in the properties of old office files (.doc, .wps, .xls, .et), and a copy without them.

Such a file is a compound file; the names stand in its two property streams, whose form is fixed (MS-OLEPS): a
heading, sections, and in each a table of property numbers with the places of their values.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import olefile

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STREAMS = {"\x05SummaryInformation": (4, 8), "\x05DocumentSummaryInformation": (14, 15)}
"""Stream → numbers of the properties that name people: author, last author; manager, company."""
_NAMED = ("\x05SummaryInformation", (4, 8))
_CODEPAGE = 1
_NARROW, _WIDE = 30, 31
_CHARSETS = {65001: "utf-8", 1200: "utf-16-le", 936: "gb18030", 54936: "gb18030"}


_OUT_OF_SHAPE = (OSError, ValueError, struct.error, IndexError, TypeError, RecursionError)
"""What the library ends in for a file out of shape; a folder that holds itself is listed without end."""


class OldFileUnreadable(Exception):
    """The compound file does not open; the message says so in Chinese."""


@dataclass(frozen=True, slots=True)
class _Value:
    """One text of a property stream: its number, where its bytes lie in the stream, and the text."""

    number: int
    begin: int
    end: int
    text: str


def names_in_old_file(data: bytes) -> frozenset[str]:
    """Author and last author as written. Raises `OldFileUnreadable`."""
    stream, numbers = _NAMED
    with _opened(io.BytesIO(data), write=False) as file:
        found = _texts(_stream(file, stream)) if file.exists(stream) else ()
        return frozenset(one.text for one in found if one.number in numbers and one.text)


def stream_names(data: bytes) -> frozenset[str]:
    """The streams of the file, folders before them with a slash. Raises `OldFileUnreadable`."""
    with _opened(io.BytesIO(data), write=False) as file:
        try:
            return frozenset("/".join(path) for path in file.listdir())
        except _OUT_OF_SHAPE as error:
            raise OldFileUnreadable("打不开或已损坏") from error


def streams_of(data: bytes, names: Collection[str]) -> dict[str, bytes]:
    """The bytes of these streams, which must be there. Raises `OldFileUnreadable`."""
    with _opened(io.BytesIO(data), write=False) as file:
        return {name: _stream(file, name) for name in names}


def clean_old_file(data: bytes) -> bytes:
    """The same file with blanks for the names; every other byte stays. Raises `OldFileUnreadable`."""
    buffer = io.BytesIO(data)
    with _opened(buffer, write=True) as file:
        for stream, numbers in _STREAMS.items():
            if not file.exists(stream):
                continue
            content = bytearray(_stream(file, stream))
            for one in _texts(bytes(content)):
                if one.number in numbers:
                    content[one.begin : one.end] = bytes(one.end - one.begin)
            file.write_stream(stream, bytes(content))
        return buffer.getvalue()


def _opened(buffer: io.BytesIO, *, write: bool) -> olefile.OleFileIO:
    try:
        return olefile.OleFileIO(buffer, write_mode=write)
    except _OUT_OF_SHAPE as error:
        raise OldFileUnreadable("打不开或已损坏") from error


def _stream(file: olefile.OleFileIO, name: str) -> bytes:
    try:
        with file.openstream(name) as stream:
            return bytes(stream.read())
    except _OUT_OF_SHAPE as error:
        raise OldFileUnreadable("打不开或已损坏") from error


def _texts(stream: bytes) -> tuple[_Value, ...]:
    """The text properties of the first section; a stream out of shape has none."""
    try:
        (section,) = struct.unpack_from("<I", stream, 44)
        _, count = struct.unpack_from("<II", stream, section)
        places = [struct.unpack_from("<II", stream, section + 8 + 8 * at) for at in range(min(count, 100))]
        charset = next((_charset(stream, section + at) for number, at in places if number == _CODEPAGE), "gb18030")
        return tuple(one for number, at in places for one in _text(stream, number, section + at, charset))
    except struct.error:
        return ()


def _charset(stream: bytes, at: int) -> str:
    (page,) = struct.unpack_from("<H", stream, at + 4)
    return _CHARSETS.get(page, "gb18030")


def _text(stream: bytes, number: int, at: int, charset: str) -> Iterator[_Value]:
    kind, length = struct.unpack_from("<II", stream, at)
    if kind not in (_NARROW, _WIDE):
        return
    wide = kind == _WIDE
    begin, end = at + 8, min(at + 8 + length * (2 if wide else 1), len(stream))
    text = stream[begin:end].decode("utf-16-le" if wide else charset, "replace")
    yield _Value(number, begin, end, text.partition("\0")[0].strip())
