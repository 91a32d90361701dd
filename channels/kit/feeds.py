"""Feeds: our own writers for Atom, RSS 2.0 and JSON Feed 1.1, and one reader for all of them.

The writers give the same bytes for the same input: they know no clock. The reader is given bytes
only (feedparser opens a *name* as a file), finds the encoding itself, since Chinese sites often
state a wrong one, and reads every date by explicit formats: feedparser takes a time without a zone
for UTC, `CST` for US Central and `2017年4月1日` for a day in the present month.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import format_datetime
from typing import Any

import feedparser
from lxml import etree

from channels.kit.dates import read_when
from channels.kit.text import legal
from publisher.notice import LOCAL

_ATOM = "http://www.w3.org/2005/Atom"
_CONTENT = "http://purl.org/rss/1.0/modules/content/"
_DC = "http://purl.org/dc/elements/1.1/"


@dataclass(frozen=True, slots=True)
class FeedHead:
    """What a feed says of itself. `updated` (aware): the latest change of an entry."""

    id: str
    title: str
    home_url: str
    self_url: str
    author: str
    updated: datetime


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One entry of a feed to be written. `id` never changes; `published` and `updated` are aware."""

    id: str
    url: str
    title: str
    content_html: str
    published: datetime
    updated: datetime
    category: str = ""


@dataclass(frozen=True, slots=True)
class ReadEntry:
    """One entry as read. `content_html` is not cleaned: for comparing, not for showing.

    `published` and `updated` are aware instants, or days where the feed gives days; None where it
    gives none or none that can be understood.
    """

    id: str
    url: str
    title: str
    content_html: str
    published: datetime | date | None
    updated: datetime | date | None


@dataclass(frozen=True, slots=True)
class ReadFeed:
    """A feed as read. `kind` is `atom10`, `rss20`, `json11` or a like word; `charset` what the bytes really were in."""

    kind: str
    charset: str
    title: str
    entries: tuple[ReadEntry, ...]


class UnreadableFeed(ValueError):
    """The bytes are not a feed, or a damaged one; an error page or no bytes at all is never an empty feed."""


def write_atom(head: FeedHead, entries: Sequence[FeedEntry]) -> bytes:
    """An Atom 1.0 document (RFC 4287)."""
    feed = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM})
    _put(feed, _ATOM, "id", head.id)
    _put(feed, _ATOM, "title", head.title)
    _put(feed, _ATOM, "updated", _rfc3339(head.updated))
    _put(_put(feed, _ATOM, "author"), _ATOM, "name", head.author)
    _put(feed, _ATOM, "link", rel="self", type="application/atom+xml", href=head.self_url)
    _put(feed, _ATOM, "link", rel="alternate", type="text/html", href=head.home_url)
    for entry in entries:
        item = _put(feed, _ATOM, "entry")
        _put(item, _ATOM, "id", entry.id)
        _put(item, _ATOM, "title", entry.title)
        _put(item, _ATOM, "published", _rfc3339(entry.published))
        _put(item, _ATOM, "updated", _rfc3339(entry.updated))
        _put(item, _ATOM, "link", rel="alternate", type="text/html", href=entry.url)
        if entry.category:
            _put(item, _ATOM, "category", term=entry.category)
        _put_html(_put(item, _ATOM, "content", type="html"), entry.content_html)
    return _document(feed)


def write_rss(head: FeedHead, entries: Sequence[FeedEntry]) -> bytes:
    """An RSS 2.0 document; an entry's last change is an `atom:updated` in its item, since RSS has no word for it."""
    rss = etree.Element("rss", nsmap={"atom": _ATOM, "content": _CONTENT, "dc": _DC}, version="2.0")
    channel = _put(rss, "", "channel")
    _put(channel, "", "title", head.title)
    _put(channel, "", "link", head.home_url)
    _put(channel, "", "description", head.title)
    _put(channel, "", "language", "zh-cn")
    _put(channel, "", "lastBuildDate", _rfc822(head.updated))
    _put(channel, _ATOM, "link", rel="self", type="application/rss+xml", href=head.self_url)
    for entry in entries:
        item = _put(channel, "", "item")
        _put(item, "", "guid", entry.id, isPermaLink="false")
        _put(item, "", "title", entry.title)
        _put(item, "", "link", entry.url)
        _put(item, "", "pubDate", _rfc822(entry.published))
        _put(item, _ATOM, "updated", _rfc3339(entry.updated))
        _put(item, _DC, "creator", head.author)
        if entry.category:
            _put(item, "", "category", entry.category)
        _put_html(_put(item, _CONTENT, "encoded"), entry.content_html)
    return _document(rss)


def write_json_feed(head: FeedHead, entries: Sequence[FeedEntry]) -> bytes:
    """A JSON Feed 1.1 document, with real characters (never backslash-u escapes)."""
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": legal(head.title),
        "home_page_url": head.home_url,
        "feed_url": head.self_url,
        "language": "zh-CN",
        "authors": [{"name": legal(head.author)}],
        "items": [_json_item(entry) for entry in entries],
    }
    return (json.dumps(feed, ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def _json_item(entry: FeedEntry) -> dict[str, object]:
    return {
        "id": entry.id,
        "url": entry.url,
        "title": legal(entry.title),
        "content_html": legal(entry.content_html),
        "date_published": _rfc3339(entry.published),
        "date_modified": _rfc3339(entry.updated),
        "tags": [legal(entry.category)] if entry.category else [],
    }


def _put(parent: etree._Element, space: str, name: str, text: str | None = None, **attributes: str) -> etree._Element:
    element = etree.SubElement(parent, f"{{{space}}}{name}" if space else name)
    for key, value in attributes.items():
        element.set(key, legal(value))
    if text is not None:
        element.text = _lines(text)
    return element


def _put_html(element: etree._Element, html: str) -> None:
    # CDATA keeps readers fast: an escaped `<` costs theirs a call each
    text = _lines(html)
    element.text = text if "]]>" in text else etree.CDATA(text)


def _lines(text: str) -> str:
    # a bare CR would come back from a reader as LF
    return legal(text).replace("\r\n", "\n").replace("\r", "\n")


def _document(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True)


def _rfc3339(instant: datetime) -> str:
    return instant.astimezone(LOCAL).isoformat(timespec="seconds")


def _rfc822(instant: datetime) -> str:
    return format_datetime(instant.astimezone(LOCAL).replace(microsecond=0))


# --- reading


def read_feed(data: bytes, *, header_charset: str | None = None) -> ReadFeed:
    """Read an Atom, RSS or JSON feed from its bytes. `header_charset`: what the HTTP answer stated, if anything.

    A wrongly stated encoding is no failure. Raises `UnreadableFeed` for damaged XML, an error page,
    empty bytes, and anything else that is not a feed.
    """
    if not isinstance(data, bytes):
        raise TypeError("a feed is read from bytes, never from a name")
    text, charset = decode(data, header_charset)
    text = text.lstrip("\ufeff \t\r\n")
    if text.startswith("{"):
        return _read_json(text, charset)
    return _read_xml(text, charset)


def _read_xml(text: str, charset: str) -> ReadFeed:
    body = re.sub(r"\A<\?xml[^>]*\?>", "", text)
    stream = io.BytesIO(b'<?xml version="1.0" encoding="utf-8"?>' + body.encode("utf-8"))
    parsed = feedparser.parse(stream, sanitize_html=False, resolve_relative_uris=False)
    if not parsed.get("version"):
        raise UnreadableFeed("not a feed")
    if parsed.get("bozo"):
        raise UnreadableFeed(f"damaged XML: {parsed.get('bozo_exception')}")
    return ReadFeed(
        kind=parsed["version"],
        charset=charset,
        title=_own(parsed.feed, "title"),
        entries=tuple(_entry(entry) for entry in parsed.entries),
    )


def _entry(entry: Any) -> ReadEntry:
    content = [part.get("value", "") for part in entry["content"]] if dict.__contains__(entry, "content") else []
    return ReadEntry(
        id=_own(entry, "id"),
        url=_own(entry, "link"),
        title=_own(entry, "title"),
        content_html=content[0] if content else _own(entry, "summary"),
        published=read_when(_own(entry, "published")),
        updated=read_when(_own(entry, "updated")),
    )


def _own(entry: Any, name: str) -> str:
    # feedparser's own look-up gives `published` for a missing `updated`, and the reverse
    value = dict.get(entry, name)
    return value if isinstance(value, str) else ""


def _read_json(text: str, charset: str) -> ReadFeed:
    try:
        feed = json.loads(text)
        if not str(feed["version"]).startswith("https://jsonfeed.org/version/"):
            raise UnreadableFeed("JSON, but not a JSON Feed")
        entries = tuple(
            ReadEntry(
                id=str(item["id"]),
                url=str(item.get("url", "")),
                title=str(item.get("title", "")),
                content_html=str(item.get("content_html", "")),
                published=read_when(str(item.get("date_published", ""))),
                updated=read_when(str(item.get("date_modified", ""))),
            )
            for item in feed["items"]
        )
        return ReadFeed("json" + feed["version"].rpartition("/")[2].replace(".", ""), charset, feed["title"], entries)
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableFeed(f"not a JSON Feed: {error}") from error


_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_WIDENED = {"gb2312": "gb18030", "gbk": "gb18030", "gb_2312-80": "gb18030", "hz-gb-2312": "hz", "utf8": "utf-8"}
# Every byte is a character in these, so that decoding never fails and a wrong statement goes unnoticed;
# on a Chinese site they are a default that nobody chose.
_CANNOT_FAIL = re.compile(r"(us-)?ascii|(iso-?8859|windows|cp|latin)[-_]?\d+|latin1", re.IGNORECASE)


def decode(data: bytes, header_charset: str | None = None) -> tuple[str, str]:
    """The text of `data` and the encoding it really is in.

    In this order: byte order mark, the document's own statement, the HTTP header's, UTF-8, GB18030;
    the first that decodes every byte. One-byte encodings are tried last, even if stated.
    Raises `UnreadableFeed` if none fits.
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _decoded(data, [name])
    stated = [name for name in (_declared(data), header_charset) if name]
    certain = [_WIDENED.get(name.lower(), name.lower()) for name in stated if not _CANNOT_FAIL.fullmatch(name)]
    doubtful = [name for name in stated if _CANNOT_FAIL.fullmatch(name)]
    return _decoded(data, [*certain, "utf-8", "gb18030", *doubtful])


def _declared(data: bytes) -> str | None:
    found = re.match(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""", data[:300])
    return found.group(1).decode("ascii") if found else None


def _decoded(data: bytes, names: Sequence[str]) -> tuple[str, str]:
    for name in names:
        try:
            return data.decode(name), name.removesuffix("-sig")
        except (UnicodeDecodeError, LookupError):
            continue
    raise UnreadableFeed(f"no encoding of {', '.join(names)} fits the bytes")
