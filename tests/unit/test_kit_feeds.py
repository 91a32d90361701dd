"""Feeds: what our writers write, and what the reader makes of other people's bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from channels.kit.feeds import (
    FeedEntry,
    FeedHead,
    UnreadableFeed,
    decode,
    read_feed,
    write_atom,
    write_json_feed,
    write_rss,
)
from publisher.notice import LOCAL

MIDNIGHT = datetime(2017, 12, 4, 0, 30, tzinfo=LOCAL)
HEAD = FeedHead(
    id="tag:ggzy.example,2017:feed",
    title="曲阜公共资源交易",
    home_url="http://ggzy.example/wx/index.html",
    self_url="http://ggzy.example/wx/feed",
    author="曲阜市公共资源交易中心",
    updated=MIDNIGHT,
)
ENTRY = FeedEntry(
    id="tag:ggzy.example,2017:notice/1",
    url="http://ggzy.example/wx/articles/1.html",
    title="招标公告 <一> & “二”",
    content_html='<p title="x">招标公告 &lt;甲&gt; &amp; 乙</p>\n<table><tbody><tr><td>1</td></tr></tbody></table>',
    published=MIDNIGHT,
    updated=datetime(2017, 12, 5, 8, 0, tzinfo=LOCAL),
    category="招标公告",
)
WRITERS = [write_atom, write_rss, write_json_feed]
every_writer = pytest.mark.parametrize("write", WRITERS)


@every_writer
def test_what_is_written_is_read_back_exactly(write: Any) -> None:
    feed = read_feed(write(HEAD, [ENTRY]))
    (entry,) = feed.entries
    assert feed.title == HEAD.title
    assert (entry.id, entry.url, entry.title) == (ENTRY.id, ENTRY.url, ENTRY.title)
    assert entry.content_html == ENTRY.content_html
    assert (entry.published, entry.updated) == (ENTRY.published, ENTRY.updated)


@every_writer
def test_an_empty_feed_is_a_feed_without_entries(write: Any) -> None:
    assert read_feed(write(HEAD, [])).entries == ()


@every_writer
def test_entries_keep_their_order(write: Any) -> None:
    entries = [replace(ENTRY, id=f"{ENTRY.id}{n}") for n in (3, 1, 2)]
    assert [entry.id for entry in read_feed(write(HEAD, entries)).entries] == [entry.id for entry in entries]


@every_writer
def test_times_carry_the_zone_and_half_past_midnight_is_the_day_before_in_utc(write: Any) -> None:
    data = write(HEAD, [ENTRY])
    (entry,) = read_feed(data).entries
    assert entry.published == datetime(2017, 12, 3, 16, 30, tzinfo=UTC)
    assert b"2017-12-04T00:30:00+08:00" in data or b"Mon, 04 Dec 2017 00:30:00 +0800" in data


@every_writer
def test_the_zone_of_the_given_instant_does_not_matter(write: Any) -> None:
    in_utc = replace(ENTRY, published=ENTRY.published.astimezone(UTC), updated=ENTRY.updated.astimezone(UTC))
    assert write(HEAD, [in_utc]) == write(HEAD, [ENTRY])


@every_writer
def test_control_characters_from_word_are_left_out_and_all_else_stays(write: Any) -> None:
    dirty = replace(ENTRY, title="招标\x0b公告\x00 𠮷", content_html="<p>甲\x1f乙\ufffe丙]]>丁</p>")
    (entry,) = read_feed(write(HEAD, [dirty])).entries
    assert entry.title == "招标公告 𠮷"
    assert entry.content_html == "<p>甲乙丙]]>丁</p>"


@every_writer
def test_real_characters_are_written_and_no_escapes(write: Any) -> None:
    data = write(HEAD, [ENTRY])
    assert "招标公告".encode() in data
    assert b"\\u" not in data and b"&#" not in data


def test_atom_has_what_rfc_4287_requires() -> None:
    ns = "{http://www.w3.org/2005/Atom}"
    feed = ElementTree.fromstring(write_atom(HEAD, [ENTRY]))
    entry = feed.find(f"{ns}entry")
    assert entry is not None and feed.tag == f"{ns}feed"
    for parent in (feed, entry):
        for name in ("id", "title", "updated"):
            assert len(parent.findall(f"{ns}{name}")) == 1
    assert feed.findtext(f"{ns}author/{ns}name") == HEAD.author
    content = entry.find(f"{ns}content")
    assert content is not None and content.get("type") == "html"
    assert [link.get("rel") for link in feed.findall(f"{ns}link")] == ["self", "alternate"]


def test_rss_has_a_guid_that_is_no_link_and_dates_with_four_digit_years() -> None:
    channel = ElementTree.fromstring(write_rss(HEAD, [ENTRY])).find("channel")
    assert channel is not None
    guid = channel.find("item/guid")
    assert guid is not None and guid.get("isPermaLink") == "false" and guid.text == ENTRY.id
    assert channel.findtext("item/pubDate") == "Mon, 04 Dec 2017 00:30:00 +0800"
    for required in ("title", "link", "description"):
        assert channel.findtext(required)


def test_the_json_feed_says_its_version_and_gives_its_ids_as_strings() -> None:
    feed = json.loads(write_json_feed(HEAD, [ENTRY]))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert isinstance(feed["items"][0]["id"], str)


RSS = (
    '<rss version="2.0"><channel><title>公告</title><item><guid>1</guid><title>崇文社区招标公告</title>'
    "<pubDate>2017-04-01 09:00:00</pubDate></item></channel></rss>"
)


@pytest.mark.parametrize(
    ("stated", "real"),
    [
        ("GB2312", "gbk"),
        ("gbk", "gb18030"),
        ("us-ascii", "utf-8"),
        ("ISO-8859-2", "gbk"),
        ("iso-8859-1", "utf-8"),
        ("utf-8", "gbk"),
        ("no-such-charset", "utf-8"),
        (None, "gbk"),
        (None, "utf-8"),
        (None, "utf-8-sig"),
        ("utf-16", "utf-16"),
    ],
)
def test_a_feed_that_lies_about_its_encoding_is_still_read_right(stated: str | None, real: str) -> None:
    declaration = f'<?xml version="1.0" encoding="{stated}"?>' if stated else ""
    feed = read_feed((declaration + RSS).encode(real))
    (entry,) = feed.entries
    assert entry.title == "崇文社区招标公告"
    assert entry.published == datetime(2017, 4, 1, 9, tzinfo=LOCAL)


def test_a_feed_stated_as_gb2312_is_read_with_the_wider_table() -> None:
    # the narrow codec takes the dash and the middle dot for other characters and knows no 喆
    title = "李喆·工程——公告"
    data = f'<?xml version="1.0" encoding="gb2312"?>{RSS.replace("崇文社区招标公告", title)}'.encode("gbk")
    assert read_feed(data).entries[0].title == title
    assert decode('<?xml version="1.0" encoding="gb2312"?>—·'.encode("gbk"))[0].endswith("—·")


def test_the_http_header_counts_where_the_document_states_nothing() -> None:
    assert decode("公告".encode("big5"), "big5") == ("公告", "big5")
    assert decode("公告".encode("gbk"), "ISO-8859-1") == ("公告", "gb18030")


def test_the_document_counts_more_than_the_http_header() -> None:
    data = '<?xml version="1.0" encoding="gbk"?><a>公告</a>'.encode("gbk")
    assert "公告" in decode(data, "utf-8")[0]


def test_bytes_that_fit_nothing_are_unreadable() -> None:
    with pytest.raises(UnreadableFeed):
        decode(b"\xff\xff\xff")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   ",
        b"<html><body><h1>502 Bad Gateway</h1></body></html>",
        RSS.replace("公告</title><item>", "公\x0b告</title><item>").encode(),
        RSS.removesuffix("</channel></rss>").encode(),
        b"PK\x03\x04",
        b'{"error": 500}',
        b'{"version": "https://jsonfeed.org/version/1.1"}',
        b'{"version": "https://example.org/", "title": "", "items": []}',
        b"{broken",
    ],
)
def test_damage_and_error_pages_are_never_an_empty_feed(data: bytes) -> None:
    with pytest.raises(UnreadableFeed):
        read_feed(data)


def test_a_name_is_never_opened(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_bytes(RSS.encode())
    with pytest.raises(TypeError):
        read_feed(str(path))  # type: ignore[arg-type]
    with pytest.raises(UnreadableFeed):
        read_feed(str(path).encode())


def test_a_missing_date_is_none_and_not_another_date() -> None:
    (entry,) = read_feed(RSS.encode()).entries
    assert entry.updated is None
