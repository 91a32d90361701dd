"""What a PDF unpacks to, measured before it is opened: its library takes any size and any time."""

from __future__ import annotations

import re
import zlib

from publisher.errors import Reason
from publisher.intake.readers.document import returned

MAX_CONTENT = 2 * 1024 * 1024
"""Largest text and drawing of one page when unpacked, in bytes."""
MAX_PRINTED = 40_000
"""Most bytes of text that one page prints: the library keeps three thousand bytes for each letter."""
MAX_CONTENTS = 20 * 1024 * 1024
"""The same of all pages together."""
MAX_OTHER = 48 * 1024 * 1024
"""Largest font, index or other part when unpacked, in bytes. Pictures stay packed."""
_BEGIN = re.compile(rb"\bstream\r?\n")
_NO_CONTENT = re.compile(rb"/Length[12]|/ObjStm|/XRef|/Type1C|/CIDFontType0C|/OpenType|/CMap|/Metadata|/EmbeddedFile")
_HEAD = 1500
_TEXTS = re.compile(rb"\(((?:\\.|[^()\\])*)\)|<([0-9A-Fa-f\s]+)>", re.S)
_CHUNK = 256 * 1024


def check_streams(data: bytes) -> None:
    """Raises `NoticeReturned` (UNSAFE_ARCHIVE) where packed parts of a PDF unpack to more than a notice has."""
    contents = 0
    for found in _BEGIN.finditer(data):
        head = data[max(0, found.start() - _HEAD) : found.start()]
        head = head[max(head.rfind(b" obj"), 0) :]
        if b"/Image" in head:
            continue
        other = _NO_CONTENT.search(head)
        limit = MAX_OTHER if other else MAX_CONTENT
        if b"Flate" in head or b"/Fl" in head:
            content = unpacked(data, found.end(), limit)
        else:
            content = data[found.end() : max(data.find(b"endstream", found.end()), found.end())]
        contents += 0 if other else len(content)
        if len(content) > limit or contents > MAX_CONTENTS or (not other and _printed(content) > MAX_PRINTED):
            raise returned(Reason.UNSAFE_ARCHIVE, "PDF 内容异常庞大，请只放入公告正文，或改用 .docx 重新放入。")


def _printed(content: bytes) -> int:
    """Bytes of the texts that a page's content prints: one or two for each letter."""
    texts = _TEXTS.finditer(content)
    return sum(len(found.group(1) or b"") + len(found.group(2) or b"") // 2 for found in texts)


def unpacked(data: bytes, at: int, limit: int) -> bytes:
    """What the zlib stream at `at` unpacks to, read no further than beyond `limit` bytes."""
    unpacker = zlib.decompressobj()
    parts: list[bytes] = []
    size = 0
    try:
        waiting = data[at : at + _CHUNK]
        at += _CHUNK
        while waiting and size <= limit and not unpacker.eof:
            parts.append(unpacker.decompress(waiting, _CHUNK))
            size += len(parts[-1])
            waiting = unpacker.unconsumed_tail
            if not waiting:
                waiting = data[at : at + _CHUNK]
                at += _CHUNK
    except zlib.error:
        pass  # damaged, or not packed this way: what it gave until here is what the library can get
    return b"".join(parts)
