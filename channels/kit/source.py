"""A feed as a source of notices: RSS, Atom or JSON Feed over HTTP, asked for only what is new."""

from __future__ import annotations

import re
from collections.abc import Mapping

from channels.kit.feeds import ReadEntry, UnreadableFeed, read_feed
from channels.kit.http import Answer, Http, HttpSettings, Request, status_error
from publisher.channel import Context
from publisher.errors import Reason, TransientFailure
from publisher.source import Fetched, SourceConfig, SourceEntry

MAX_ENTRIES = 5000
"""Most entries that are read of one answer."""
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Bytes that no XML may hold; one in a title is no reason to take the whole feed for damaged."""
_ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"


class FeedSource:
    """Reads one address. An answer that is no feed is an outage, never an empty feed."""

    def __init__(self, config: SourceConfig) -> None:
        self._url = config.url
        settings = HttpSettings(total=60, read=20, keep_alive=30, max_answer=config.max_answer)
        self._http = Http(settings, name=config.name)

    def fetch(self, etag: str | None, modified: str | None, context: Context) -> Fetched | None:
        """See `publisher.source.Source`."""
        headers = {"Accept": _ACCEPT}
        headers |= {"If-None-Match": etag} if etag else {}
        headers |= {"If-Modified-Since": modified} if modified else {}
        answer = self._http.call(Request("GET", self._url, headers=headers, reading=True), context)
        if answer.status == 304:
            return None
        if (error := status_error(answer, context, reading=True)) is not None:
            raise TransientFailure(Reason.BUSY, f"信息源答复 HTTP {answer.status}", evidence=error.evidence)
        return self._read(answer)

    def _read(self, answer: Answer) -> Fetched:
        if not answer.body.strip():
            raise TransientFailure(Reason.BUSY, "信息源的答复是空的", evidence=answer.where)
        stated = re.search(r"charset\s*=\s*[\"']?([\w.-]+)", answer.headers.get("Content-Type", ""), re.I)
        body = answer.body if answer.body.startswith((b"\xff\xfe", b"\xfe\xff")) else _CONTROLS.sub(b"", answer.body)
        try:
            feed = read_feed(body, header_charset=stated.group(1) if stated else None)
        except UnreadableFeed as error:
            detail = "信息源的答复不是订阅源（可能是出错页面）"
            raise TransientFailure(Reason.BUSY, detail, evidence=f"{answer.where}: {str(error)[:200]}") from None
        entries = {entry.id: entry for read in feed.entries[:MAX_ENTRIES] if (entry := _entry(read)).id}
        return Fetched(
            tuple(entries.values()), _header(answer.headers, "ETag"), _header(answer.headers, "Last-Modified")
        )


def _entry(read: ReadEntry) -> SourceEntry:
    return SourceEntry(read.id or read.url or read.title, read.title, read.content_html, read.published or read.updated)


def _header(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name)
    return value if value and len(value) <= 500 else None
