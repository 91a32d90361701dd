"""What the feed promises beside the contract of sets: its files, their times, marks and rules."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.kit.feeds import ReadEntry, ReadFeed, read_feed
from channels.kit.files import no_fault
from channels.wechat_feed import WechatFeed
from publisher.channel import Item, Kept, Receipt, Reference, Rendition
from publisher.errors import ChannelError, PermanentFailure, Reason, SettingsError, TransientFailure
from publisher.notice import LOCAL, text_digest
from tests.support.builders import START, MemoryStore, a_config, a_notice, a_rendition, an_item
from tests.support.sets import a_set, context

FEEDS = ("feed.atom", "feed.rss", "feed.json")
BASE = "https://ggzy.example/wx"


def _feed(
    folder: Path, *, practice: bool = False, fault: Callable[[str], None] = no_fault, **options: Any
) -> WechatFeed:
    config = a_config(
        "wechat_feed", title="曲阜公共资源交易", practice=practice, folder=folder, options={"base_url": BASE, **options}
    )
    return WechatFeed(config, fault=fault)


def _feeds(folder: Path) -> list[ReadFeed]:
    return [read_feed((folder / name).read_bytes()) for name in FEEDS]


def _entry(folder: Path) -> ReadEntry:
    """The only entry; the same in all three feeds."""
    entries = {feed.entries for feed in _feeds(folder)}
    assert len(entries) == 1
    (entry,) = entries.pop()
    return entry


def _page(folder: Path) -> str:
    (path,) = (folder / "articles").iterdir()
    return path.read_text(encoding="utf-8")


def _html_item(html: str, *, title: str = "招标公告", **more: Any) -> Item:
    return an_item(a_notice(title=title, body_html=html), **more)


# --- times


def test_half_past_midnight_is_the_day_before_in_utc_and_the_same_day_for_readers(tmp_path: Path) -> None:
    since = datetime(2017, 12, 4, 0, 30, tzinfo=LOCAL)
    _feed(tmp_path).show([an_item(visible_since=since)], context())
    assert _entry(tmp_path).published == datetime(2017, 12, 3, 16, 30, tzinfo=UTC)
    assert "发布时间：2017-12-04 00:30" in _page(tmp_path)
    for name in FEEDS:
        text = (tmp_path / name).read_text(encoding="utf-8")
        times = re.findall(r"\d\d:\d\d:\d\d ?(\S\d\d:?\d\d|Z|GMT)?", text)
        assert times and {zone.replace(":", "") for zone in times} == {"+0800"}


def test_updated_moves_when_the_title_or_the_text_changes_and_only_then(tmp_path: Path) -> None:
    store = MemoryStore()
    seen = []
    for day, html, title in [
        (0, "<p>甲</p>", "公报"),
        (1, "<p>甲</p>", "公报"),
        (2, "<p><b>甲</b></p>", "公报"),
        (3, "<p>甲</p>", "公告"),
        (4, "<p>乙</p>", "公告"),
        (5, "<p>乙</p>", "公告"),
    ]:
        _feed(tmp_path).show([_html_item(html, title=title)], context(store, after=timedelta(days=day)))
        entry = _entry(tmp_path)
        assert entry.published == START
        assert isinstance(entry.updated, datetime)
        seen.append((entry.updated - START).days)
    assert seen == [0, 0, 0, 3, 4, 4]


def test_the_page_of_a_corrected_notice_says_when_it_was_updated(tmp_path: Path) -> None:
    store = MemoryStore()
    _feed(tmp_path).show([_html_item("<p>甲</p>")], context(store))
    assert "更新时间" not in _page(tmp_path)
    _feed(tmp_path).show([_html_item("<p>乙</p>")], context(store, after=timedelta(days=1)))
    assert "更新时间：2017-12-05 09:00" in _page(tmp_path)


def test_a_changed_markup_with_the_same_text_makes_the_page_anew(tmp_path: Path) -> None:
    store = MemoryStore()
    _feed(tmp_path).show([_html_item("<p>甲</p>")], context(store))
    _feed(tmp_path).show([_html_item("<p><strong>甲</strong></p>")], context(store))
    assert "<strong>甲</strong>" in _page(tmp_path)
    assert "<strong>" in _entry(tmp_path).content_html


def test_the_newest_notice_comes_first_in_every_list(tmp_path: Path) -> None:
    items = [
        an_item(a_notice(title=f"公告{n}"), key=f"d-{n}", notice_key=f"k-{n}", visible_since=START + timedelta(days=n))
        for n in (2, 3, 1)
    ]
    _feed(tmp_path).show(items, context())
    for feed in _feeds(tmp_path):
        assert [entry.title for entry in feed.entries] == ["公告3", "公告2", "公告1"]
    assert re.findall(r">(公告\d)</a>", (tmp_path / "index.html").read_text(encoding="utf-8")) == [
        "公告3",
        "公告2",
        "公告1",
    ]


# --- ids and links


def test_ids_are_tags_and_links_lead_to_the_pages(tmp_path: Path) -> None:
    answers = _feed(tmp_path).show([an_item()], context())
    (receipt,) = answers.values()
    assert isinstance(receipt, Receipt)
    entry = _entry(tmp_path)
    assert receipt.number == entry.id == "tag:ggzy.example,2017:notice/k-1"
    assert receipt.url == entry.url == "https://ggzy.example/wx/articles/k-1.html"
    assert (tmp_path / "articles" / "k-1.html").exists()
    assert '<a href="articles/k-1.html"' in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_ids_stay_when_the_pages_move_to_another_host(tmp_path: Path) -> None:
    ids = set()
    for base in ("https://old.example/", "https://new.example/"):
        _feed(tmp_path, base_url=base, tag_authority="old.example,2017").show([an_item()], context())
        ids.add(_entry(tmp_path).id)
    assert len(ids) == 1


def test_unlike_keys_give_unlike_pages_inside_the_folder(tmp_path: Path) -> None:
    keys = ["a", "A", "a/b", "a b", "../../etc/x", "公告", ".", "x" * 300, "CON"]
    items = [an_item(a_notice(title=key), key=f"d-{n}", notice_key=key) for n, key in enumerate(keys)]
    answers = _feed(tmp_path / "wx").show(items, context())
    assert all(isinstance(answer, Receipt) for answer in answers.values())
    names = [path.name.lower() for path in (tmp_path / "wx" / "articles").iterdir()]
    assert len(set(names)) == len(keys)
    assert [path.name for path in tmp_path.iterdir()] == ["wx"]


def test_what_was_remembered_in_a_form_nobody_knows_costs_no_id(tmp_path: Path) -> None:
    store = MemoryStore()
    _feed(tmp_path).show([an_item()], context(store))
    before = _entry(tmp_path)
    store.put("entries", "[]")
    _feed(tmp_path).show([an_item(visible_since=START)], context(store, after=timedelta(days=1)))
    assert _entry(tmp_path) == before


# --- cut feeds


def test_a_feed_cut_to_its_newest_entries_ends_nothing(tmp_path: Path) -> None:
    items = [
        an_item(a_notice(title=f"公告{n}"), key=f"d-{n}", notice_key=f"k-{n}", visible_since=START + timedelta(days=n))
        for n in range(5)
    ]
    answers = _feed(tmp_path, max_entries=2).show(items, context())
    assert all(isinstance(answer, Receipt) and answer.public for answer in answers.values())
    for feed in _feeds(tmp_path):
        assert [entry.title for entry in feed.entries] == ["公告4", "公告3"]
    assert len(list((tmp_path / "articles").iterdir())) == 5
    assert (tmp_path / "index.html").read_text(encoding="utf-8").count('<a href="articles/') == 5
    notes = {key: answer.note for key, answer in answers.items() if isinstance(answer, Receipt)}
    assert [key for key, note in notes.items() if "2 条" in note] == ["d-2", "d-1", "d-0"]


# --- marks and rules


@pytest.mark.parametrize("practice", [True, False])
def test_practice_is_printed_on_every_title_and_reality_on_none(tmp_path: Path, practice: bool) -> None:
    _feed(tmp_path, practice=practice).show([an_item()], context())
    told = [feed.title for feed in _feeds(tmp_path)] + [_entry(tmp_path).title]
    for page in (tmp_path / "index.html", tmp_path / "articles" / "k-1.html"):
        text = page.read_text(encoding="utf-8")
        told += re.findall(r"<title>([^<]+)</title>", text) + re.findall(r"<h1[^>]*>([^<]+)</h1>", text)
        assert ("不是真实公告" in text) is practice
    assert len(told) == 8
    assert {title.startswith("【演练】") for title in told} == {practice}


def test_a_page_keeps_the_rules_of_wechat_articles(tmp_path: Path) -> None:
    html = (
        '<p class="MsoNormal" style="font-family:仿宋;position:absolute;width:900px">甲</p>'
        '<table width="1100"><tr><td style="width:300px">乙</td></tr></table><script>alert(1)</script>'
    )
    _feed(tmp_path, practice=True).show([_html_item(html)], context())
    for page in (_page(tmp_path), (tmp_path / "index.html").read_text(encoding="utf-8")):
        for forbidden in ("<style", "<script", "class=", "font-family", "!important", "position:", "<iframe", "<form"):
            assert forbidden not in page
        assert not re.search(r"(?<!max-)width:\s*\d+px", page)
        assert not re.search(r'\swidth="', page)


def test_a_page_shows_kind_number_source_attachments_and_original(tmp_path: Path) -> None:
    quoted = Reference(
        "QFZB-1", "崇文社区招标公告", START.date(), number="x", url="https://ggzy.example/wx/articles/o.html"
    )
    html = "<p>更正</p><p>附件：</p><ol><li>清单.pdf</li></ol>"
    item = an_item(a_notice(title="更正公告", body_html=html), references=[quoted])
    _feed(tmp_path, author="曲阜市公共资源交易中心").show([item], context())
    page = _page(tmp_path)
    assert "招标公告　工程　项目编号：QFZB-2017-0412" in page
    assert "来源：曲阜市公共资源交易中心" in page
    assert '原公告：<a href="https://ggzy.example/wx/articles/o.html"' in page
    assert "（首次公告日期：2017-12-04）" in page
    assert "<li>清单.pdf</li>" in page


def test_real_characters_stand_in_every_file(tmp_path: Path) -> None:
    _feed(tmp_path).show([an_item(a_notice(title="招标公告"))], context())
    for path in [*(tmp_path / name for name in FEEDS), tmp_path / "index.html", tmp_path / "articles" / "k-1.html"]:
        assert "招标公告".encode() in path.read_bytes()
        assert b"\\u" not in path.read_bytes()


# --- texts that are hard to show


def test_control_characters_that_word_leaves_behind_stop_nothing(tmp_path: Path) -> None:
    item = _html_item("<p>甲\x0b乙\x01丙</p>", title="招标\x0b公告\x07")
    answers = _feed(tmp_path).show([item], context())
    (answer,) = answers.values()
    assert isinstance(answer, Receipt) and answer.digest == item.rendition.text_digest
    assert _entry(tmp_path).title == "招标公告"


def test_plain_text_is_shown_line_by_line_with_its_digest(tmp_path: Path) -> None:
    text = "第一行 <b>不是标记</b> & 其他\n\n第二行"
    rendition = replace(a_rendition(content=text), media_type="text/plain", text_digest=text_digest(text))
    answers = _feed(tmp_path).show([replace(an_item(), rendition=rendition)], context())
    (answer,) = answers.values()
    assert isinstance(answer, Receipt) and answer.digest == text_digest(text)
    assert "<p>第一行 &lt;b&gt;不是标记&lt;/b&gt; &amp; 其他</p>" in _page(tmp_path)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"content": "<p>甲\ufffe乙</p>".encode(), "text_digest": text_digest("甲\ufffe乙")}, Reason.CANNOT_BE_SHOWN),
        ({"content": "<p>公告</p>".encode("gbk")}, Reason.CANNOT_BE_SHOWN),
        ({"content": b'<img src="image001.png">'}, Reason.CANNOT_BE_SHOWN),
        ({"text_digest": text_digest("另一段文字")}, Reason.CANNOT_BE_SHOWN),
        ({"title": " \x07 "}, Reason.CANNOT_BE_SHOWN),
        ({"media_type": "application/pdf"}, Reason.NOT_SUPPORTED),
    ],
)
def test_a_text_that_would_come_out_different_is_refused_for_itself_alone(
    tmp_path: Path, changed: dict[str, Any], reason: Reason
) -> None:
    good, bad = a_set("甲", "乙")
    rendition: Rendition = replace(bad.rendition, **changed)
    assert [error.reason for error in _feed(tmp_path).refusals(rendition)] == [reason]
    answers = _feed(tmp_path).show([good, replace(bad, rendition=rendition)], context())
    assert isinstance(answers[good.delivery_key], Receipt)
    refused = answers[bad.delivery_key]
    assert isinstance(refused, PermanentFailure) and refused.reason is reason and refused.detail
    assert _entry(tmp_path).title == good.rendition.title


# --- the folder


def test_what_others_put_into_the_folder_is_left_alone(tmp_path: Path) -> None:
    ctx = context()
    _feed(tmp_path).show(a_set("甲"), ctx)
    (tmp_path / "robots.txt").write_text("theirs")
    (tmp_path / "articles" / "about.html").write_text("<html>theirs</html>")
    _feed(tmp_path).show([], ctx)
    assert [path.name for path in (tmp_path / "articles").iterdir()] == ["about.html"]
    assert (tmp_path / "robots.txt").exists()


def _spoil(path: Path, point: str) -> Callable[[str], None]:
    def fault(passed: str) -> None:
        if passed == point:
            path.write_bytes(path.read_bytes().replace("甲工程".encode(), "某工程".encode()))

    return fault


def test_a_page_that_does_not_read_back_as_written_is_no_receipt_for_its_item_alone(tmp_path: Path) -> None:
    items = a_set("甲", "乙")
    name = WechatFeed(a_config(folder=tmp_path, options={"base_url": BASE}))
    answers = name.show(items, context())
    path = tmp_path / "articles" / str(_receipt(answers[items[0].delivery_key]).url).rpartition("/")[2]
    ctx = context()
    spoilt = _feed(tmp_path, fault=_spoil(path, "all renamed")).show(a_set("甲", "乙", "丙"), ctx)
    failed = spoilt[items[0].delivery_key]
    assert isinstance(failed, TransientFailure) and not failed.channel_wide
    assert isinstance(spoilt[items[1].delivery_key], Receipt)
    healed = _feed(tmp_path).show(a_set("甲", "乙", "丙"), ctx)
    assert all(isinstance(answer, Receipt) for answer in healed.values())
    assert "甲工程".encode() in path.read_bytes()


@pytest.mark.parametrize("name", FEEDS)
def test_an_entry_that_does_not_read_back_as_written_is_no_receipt(tmp_path: Path, name: str) -> None:
    items = a_set("甲", "乙")
    answers = _feed(tmp_path, fault=_spoil(tmp_path / name, "all renamed")).show(items, context())
    assert isinstance(answers[items[0].delivery_key], TransientFailure)
    assert isinstance(answers[items[1].delivery_key], Receipt)


@pytest.mark.parametrize("name", [*FEEDS, "index.html"])
def test_a_file_that_reads_back_as_something_else_fails_the_whole_show(tmp_path: Path, name: str) -> None:
    def fault(point: str) -> None:
        if point == "all renamed":
            (tmp_path / name).write_bytes(b"<html>disk error</html>")

    with pytest.raises(TransientFailure):
        _feed(tmp_path, fault=fault).show(a_set("甲"), context())


@pytest.mark.parametrize("name", FEEDS)
@pytest.mark.parametrize(("old", "new"), [("曲阜公共资源交易", "别人的订阅源"), ("notice/k", "notice/x")])
def test_a_feed_of_somebody_else_in_the_place_of_ours_fails_the_whole_show(
    tmp_path: Path, name: str, old: str, new: str
) -> None:
    def fault(point: str) -> None:
        if point == "all renamed":
            path = tmp_path / name
            path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))

    with pytest.raises(TransientFailure):
        _feed(tmp_path, fault=fault).show(a_set("甲"), context())


def test_a_folder_in_the_place_of_a_feed_changes_nothing(tmp_path: Path) -> None:
    ctx = context()
    _feed(tmp_path).show(a_set("甲"), ctx)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "feed.json"}
    (tmp_path / "feed.json").unlink()
    (tmp_path / "feed.json").mkdir()
    with pytest.raises(TransientFailure):
        _feed(tmp_path).show(a_set("乙"), ctx)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_attempt_keeps_one_digest_per_set(tmp_path: Path) -> None:
    store = MemoryStore()
    asked = []
    for items in (a_set("甲", "乙"), a_set("乙", "甲"), a_set("甲")):
        ctx = context(store)
        _feed(tmp_path).show(items, ctx)
        assert len(ctx.asked) == 1
        asked += ctx.asked
    assert asked[0] == asked[1] != asked[2]
    assert re.fullmatch(r"[0-9a-f]{64}", str(asked[0]))


# --- settings


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "options.base_url"),
        ({"base_url": BASE, "retires": 5}, "options.retires: unknown key"),
        ({"base_url": "ggzy.example/wx"}, "options.base_url: must be the http"),
        ({"base_url": BASE + "?a=b"}, "options.base_url: must be the http"),
        ({"base_url": BASE, "max_entries": 0}, "options.max_entries"),
        ({"base_url": BASE, "max_entries": "5"}, "options.max_entries"),
        ({"base_url": BASE, "tag_authority": "没有年份"}, "options.tag_authority"),
    ],
)
def test_wrong_options_are_refused_by_name(tmp_path: Path, options: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(told)):
        WechatFeed(a_config(folder=tmp_path, options=options))


def test_without_a_folder_it_cannot_be_made() -> None:
    with pytest.raises(SettingsError, match="folder"):
        WechatFeed(a_config(options={"base_url": BASE}))


def test_the_json_feed_and_the_pages_hold_the_same_text(tmp_path: Path) -> None:
    _feed(tmp_path).show([an_item()], context())
    (item,) = json.loads((tmp_path / "feed.json").read_text(encoding="utf-8"))["items"]
    assert item["content_html"] in _page(tmp_path)


def _receipt(answer: Receipt | ChannelError) -> Receipt:
    assert isinstance(answer, Receipt)
    return answer


# --- a long-standing set: the newest are made each time, the older ones stay


def _standing(*names: str) -> list[Item]:
    """Items that are visible, each an hour after the one before."""
    return [
        replace(item, visible_since=START + timedelta(hours=hour)) for hour, item in enumerate(a_set(*names), start=1)
    ]


def _kept(items: list[Item], read: list[str] | None = None) -> list[Kept]:
    """The items as ones that stay; `read` notes which of them were asked for after all."""

    def reader(item: Item) -> Callable[[], Item]:
        def reads() -> Item:
            if read is not None:
                read.append(item.rendition.title)
            return item

        return reads

    return [
        Kept(
            item.notice_key,
            item.rendition.title,
            item.version.notice.form,
            item.version.notice.project_class,
            item.visible_since or START,
            reader(item),
        )
        for item in items
    ]


def _listed(folder: Path) -> list[str]:
    return re.findall(r'<a href="articles/[^"]+"[^>]*>(.)工程招标公告</a>', (folder / "index.html").read_text("utf-8"))


def test_what_is_kept_stays_as_it_is_in_its_place_of_the_list_and_is_not_read(tmp_path: Path) -> None:
    feed, store, items = _feed(tmp_path, window=3, max_entries=2), MemoryStore(), _standing(*"甲乙丙丁")
    feed.show(items, context(store))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    read: list[str] = []
    answers = feed.show(items[2:], context(store, kept=_kept(items[:2], read)))
    assert {path: path.read_bytes() for path in before} == before
    assert set(answers) == {item.delivery_key for item in items[2:]} and read == []
    assert _listed(tmp_path) == list("丁丙乙甲")
    assert [entry.title[:1] for feed_read in _feeds(tmp_path) for entry in feed_read.entries] == ["丁", "丙"] * 3


def test_a_notice_that_is_neither_shown_nor_kept_is_gone_from_list_and_folder(tmp_path: Path) -> None:
    feed, store, items = _feed(tmp_path, window=2, max_entries=2), MemoryStore(), _standing(*"甲乙丙丁")
    feed.show(items, context(store))
    feed.show(items[2:], context(store, kept=_kept(items[:1])))
    assert _listed(tmp_path) == list("丁丙甲")
    assert len(list((tmp_path / "articles").iterdir())) == 3


def test_a_kept_page_that_is_gone_is_made_again_with_the_same_bytes_and_answered(tmp_path: Path) -> None:
    feed, store, items = _feed(tmp_path, window=2, max_entries=2), MemoryStore(), _standing(*"甲乙丙丁")
    feed.show(items, context(store))
    (page,) = (path for path in (tmp_path / "articles").iterdir() if "甲工程" in path.read_text("utf-8"))
    before = page.read_bytes()
    page.unlink()
    answers = feed.show(items[2:], context(store, kept=_kept(items[:2])))
    assert page.read_bytes() == before and isinstance(answers[items[0].delivery_key], Receipt)
    assert _listed(tmp_path) == list("丁丙乙甲")


def test_after_the_loss_of_the_folder_each_showing_makes_as_many_pages_as_it_can_and_lists_no_page_that_is_not_there(
    tmp_path: Path,
) -> None:
    feed, store, items = _feed(tmp_path, window=2, max_entries=2), MemoryStore(), _standing(*"甲乙丙丁戊己庚")
    seen = []
    for _ in range(3):
        feed.show(items[5:], context(store, kept=_kept(items[:5])))
        seen.append("".join(_listed(tmp_path)))
        assert len(list((tmp_path / "articles").iterdir())) == len(seen[-1])
    assert seen == ["庚己戊丁", "庚己戊丁丙乙", "庚己戊丁丙乙甲"]


def test_what_was_remembered_of_a_kept_notice_is_there_when_it_is_shown_anew(tmp_path: Path) -> None:
    feed, store, (item, other) = _feed(tmp_path, window=1, max_entries=1), MemoryStore(), _standing(*"甲乙")
    feed.show([item], context(store))
    changed = replace(item, rendition=a_rendition(item.version.notice, content="<p>新的正文</p>"))
    feed.show([changed], context(store, after=timedelta(days=2)))
    feed.show([other], context(store, after=timedelta(days=3), kept=_kept([changed])))
    feed.show([changed], context(store, after=timedelta(days=4)))
    assert "更新时间：2017-12-06" in _page(tmp_path)


def test_a_window_smaller_than_the_feed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="window must not be less than max_entries"):
        _feed(tmp_path, window=10)
