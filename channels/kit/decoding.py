"""Bytes of an answer → text, by what the answer says of itself and, failing that, by what can be read."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_IN_HEADER = re.compile(r"charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_IN_PAGE = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)|^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]+)",
    re.IGNORECASE,
)
_LOOKED_AT = 2048  # bytes in which a page declares its encoding
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "cp936": "gb18030"}


class Undecodable(ValueError):
    """Bytes that are no text in any encoding they may be in."""


def _candidates(body: bytes, content_type: str, configured: str) -> Iterator[str]:
    for mark, name in _MARKS:
        if body.startswith(mark):
            yield name
            return  # the mark is part of the bytes: nothing else can be meant
    if in_header := _IN_HEADER.search(content_type):
        yield in_header.group(1)
    if in_page := _IN_PAGE.search(body[:_LOOKED_AT]):
        yield (in_page.group(1) or in_page.group(2)).decode("ascii")
    yield configured
    yield "gb18030"


def decode(body: bytes, content_type: str = "", configured: str = "utf-8") -> str:
    """The text of an answer. Raises Undecodable.

    Order: byte order mark, charset of the header, declaration in the page, the configured charset,
    GB18030. Each is tried strictly; a declared GB2312 or GBK is read as GB18030, which contains both,
    because pages that declare the narrow one use the wide one.
    """
    for name in _candidates(body, content_type, configured):
        try:
            return body.decode(_WIDER.get(name.lower(), name))
        except (UnicodeDecodeError, LookupError):
            continue
    raise Undecodable("no encoding fits")
