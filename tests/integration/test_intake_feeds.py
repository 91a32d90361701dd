"""Feeds as a second way in: each entry once, across restarts; an outage is an outage and no empty feed."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from publisher.app import read_settings, simulated_machine, start_worker
from publisher.errors import SettingsError
from publisher.ledger.tables import delivery, feed_entry, intake
from tests.support.feed_server import FeedServer
from tests.support.line import Desk

SETTINGS = """
[[intake.feed]]
name = "某代理机构"
url = "{url}"
every = "10m"
"""


def body(number: int, more: str = "") -> str:
    """A notice's page as an agency's site has it."""
    lines = (
        f"项目编号：AG-2017-{number:03}",
        "一、项目名称：曲阜市某某路改造工程施工",
        "二、招标人：曲阜市某某局",
        f"三、招标范围：图纸及工程量清单所示全部内容，工期90日历天，质量合格。{more}",
        "四、投标文件递交截止时间：2017年12月28日9时00分，地点：曲阜市公共资源交易中心开标室。",
    )
    return "".join(f"<p>{line}</p>" for line in lines) + '<script>x()</script><img src="http://a.example/t.gif">'


def atom(*numbers: int, published: str = "2017-12-04T08:00:00+08:00", more: str = "", encoding: str = "utf-8") -> bytes:
    entries = "".join(
        f"<entry><id>urn:{n}</id><title>某某路改造工程（{n}）招标公告</title><published>{published}</published>"
        f'<content type="html">{html.escape(body(n, more))}</content></entry>'
        for n in numbers
    )
    text = f"<feed xmlns='http://www.w3.org/2005/Atom'><id>x</id><title>t</title>{entries}</feed>"
    return f"<?xml version='1.0' encoding='{encoding}'?>{text}".encode(encoding)


def rss(*numbers: int) -> bytes:
    items = "".join(
        f"<item><guid>urn:{n}</guid><title>某某路改造工程（{n}）招标公告</title>"
        f"<pubDate>2017-12-04 08:00:00</pubDate><description>{html.escape(body(n))}</description></item>"
        for n in numbers
    )
    return f"<rss version='2.0'><channel><title>t</title><link>x</link>{items}</channel></rss>".encode()


def json_feed(*numbers: int) -> bytes:
    items = [{"id": f"urn:{n}", "title": f"某某路改造工程（{n}）招标公告", "content_html": body(n)} for n in numbers]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "t", "items": items}).encode()


@pytest.fixture
def server() -> Iterator[FeedServer]:
    made = FeedServer().start()
    yield made
    made.stop()


@pytest.fixture
def desk(tmp_path: Path, server: FeedServer) -> Iterator[Desk]:
    made = Desk(tmp_path, more=SETTINGS.format(url=server.url))
    yield made
    made.worker.close()


def alarms(desk: Desk) -> dict[str, str]:
    with desk.worker.office.ledger.read() as conn:
        return dict(conn.exec_driver_sql("select cause, detail from alarm where cleared_at is null").fetchall())


def again(desk: Desk) -> None:
    """The time of a question and a little."""
    desk.turn(601)
    desk.work()


@pytest.mark.parametrize("answer", [atom(1, 2), rss(1, 2), json_feed(1, 2), atom(1, 2, encoding="gb2312")])
def test_every_new_entry_of_a_feed_becomes_a_notice(desk: Desk, server: FeedServer, answer: bytes) -> None:
    server.body = answer
    desk.work()

    assert desk.states() == ["accepted", "accepted"]
    with desk.worker.office.ledger.read() as conn:
        rows = conn.execute(select(intake.c.file_name)).scalars().all()
        assert {row.state for row in conn.execute(select(delivery))} == {"published"}
    assert rows == ["某某路改造工程（1）招标公告.html", "某某路改造工程（2）招标公告.html"]
    assert len(desk.names("已发布")) == 2
    page = next((desk.worker.office.settings.data / "out" / "feed").rglob("articles/*.html")).read_text()
    assert "AG-2017-" in page and "a.example" not in page and "x()" not in page


@pytest.mark.parametrize(
    ("stated", "real", "header"),
    [("gb2312", "gbk", "text/xml"), ("us-ascii", "utf-8", "text/xml; charset=us-ascii"), ("utf-8", "gbk", "text/xml")],
)
def test_c092_a_feed_that_lies_about_its_encoding_is_no_outage_and_its_text_comes_out_right(
    desk: Desk, server: FeedServer, stated: str, real: str, header: str
) -> None:
    # 喆 and the long dash are in GBK and not in GB2312, whose own table takes the dash for another sign
    right = atom(1, more="联系人：李喆——详见附图").decode()
    server.body = right.replace("encoding='utf-8'", f"encoding='{stated}'").encode(real)
    server.kind = header
    desk.work()

    assert (desk.states(), alarms(desk)) == (["accepted"], {})
    page = next((desk.worker.office.settings.data / "out" / "feed").rglob("articles/*.html")).read_text("utf-8")
    assert "李喆——详见附图" in page and "某某路改造工程（1）招标公告" in page


def test_c092_true_damage_of_a_feed_is_an_outage_whatever_its_encoding(desk: Desk, server: FeedServer) -> None:
    server.body = atom(1, encoding="gbk").replace(b"</entry></feed>", b"</entry><entry></feed>")
    desk.work()

    assert desk.states() == []
    assert list(alarms(desk)) == ["feed:某代理机构"]


def test_what_was_seen_is_not_taken_again_and_what_is_new_is(desk: Desk, server: FeedServer) -> None:
    server.body = atom(1)
    desk.work()
    server.body = atom(2, 1)
    again(desk)
    again(desk)

    assert desk.states() == ["accepted", "accepted"]


def test_a_feed_is_asked_when_it_is_due_and_only_for_what_is_new(desk: Desk, server: FeedServer) -> None:
    server.body = atom(1)
    desk.work()
    desk.turn(60)
    asked_early = len(server.asked)
    again(desk)

    assert asked_early == 1
    assert server.asked[0] == (None, None)
    assert server.asked[1][0] is not None and server.asked[1][1] == "Mon, 04 Dec 2017 00:00:00 GMT"
    assert server.full == 1
    assert alarms(desk) == {}


def test_a_restart_forgets_nothing(tmp_path: Path, server: FeedServer) -> None:
    server.body, server.validators = atom(1), False
    first = Desk(tmp_path, more=SETTINGS.format(url=server.url))
    first.work()
    first.worker.close()
    settings = first.worker.office.settings
    machine = simulated_machine(first.clock, os.environ)
    first.clock.sleep(3600)
    first.worker = start_worker(settings, os.environ, machine=machine, inline=True)
    first.work()
    states = first.states()
    first.worker.close()

    assert len(server.asked) == 2
    assert states == ["accepted"]


def test_an_entry_whose_text_changed_is_asked_about(desk: Desk, server: FeedServer) -> None:
    server.body = atom(1)
    desk.work()
    server.body = atom(1, more="另含绿化工程。")
    again(desk)

    assert desk.states() == ["accepted", "held"]
    assert "新版本、更正还是重复" in desk.text("待处理", ".待处理说明.txt")


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (200, b"", "空的"),
        (200, "<html><body>系统维护中</body></html>".encode(), "不是订阅源"),
        (200, atom(1)[:400], "不是订阅源"),
        (200, atom(), "没有任何条目"),
        (200, b"[]", "不是订阅源"),
        (500, b"error", "HTTP 500"),
        (404, b"gone", "HTTP 404"),
        (403, b"no", "HTTP 403"),
        (301, b"", "跳转"),
        (200, atom(1) + b" " * 5_000_000, "过大"),
    ],
)
def test_an_answer_that_is_no_feed_is_an_outage_and_ends(
    desk: Desk, server: FeedServer, status: int, answer: bytes, told: str
) -> None:
    server.body = atom(1)
    desk.work()
    server.status, server.body = status, answer
    again(desk)
    standing = alarms(desk)
    server.status, server.body = 200, atom(2, 1)
    again(desk)

    assert list(standing) == ["feed:某代理机构"]
    assert told in standing["feed:某代理机构"]
    assert alarms(desk) == {}
    assert desk.states() == ["accepted", "accepted"]


def test_a_feed_that_cannot_be_reached_stops_nobody(tmp_path: Path) -> None:
    dead = FeedServer().start()
    url = dead.url
    dead.stop()
    desk = Desk(tmp_path, more=SETTINGS.format(url=url))
    desk.work()
    standing = alarms(desk)
    desk.worker.close()

    assert list(standing) == ["feed:某代理机构"]


def test_a_feed_that_is_empty_from_the_beginning_is_no_outage(desk: Desk, server: FeedServer) -> None:
    server.body = atom()
    desk.work()
    assert alarms(desk) == {}
    server.body = atom(1)
    again(desk)

    assert desk.states() == ["accepted"]


def test_c006_entries_that_were_old_when_the_feed_was_first_read_are_passed_over(
    desk: Desk, server: FeedServer
) -> None:
    server.body = atom(1, 2, published="2017-09-01T08:00:00+08:00")
    desk.work()
    server.body = atom(1, 2, 3)
    again(desk)

    with desk.worker.office.ledger.read() as conn:
        remembered = conn.execute(select(feed_entry)).all()
        logged = conn.exec_driver_sql("select event from publication_log where event = 'feed_passed_over'").all()
    assert len(logged) == 1
    assert [row.intake_id is None for row in remembered].count(True) == 2
    assert desk.states() == ["accepted"]


def test_a_control_character_does_not_take_the_whole_feed(desk: Desk, server: FeedServer) -> None:
    server.body = atom(1).replace("某某路改造工程（1）".encode(), "某某路\x0b改造工程（1）".encode())
    desk.work()

    assert desk.states() == ["accepted"]


def test_an_entry_without_text_comes_back_with_the_reason(desk: Desk, server: FeedServer) -> None:
    server.body = atom(1).replace(html.escape(body(1)).encode(), b"")
    desk.work()

    assert desk.states() == ["returned"]
    assert "正文为空" in desk.text("退回", ".退回原因.txt")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (SETTINGS.format(url="ftp://a.example/f"), "url"),
        (SETTINGS.format(url="http://127.0.0.1/f") * 2, "two feeds"),
        (SETTINGS.format(url="http://127.0.0.1/f") + 'adapter = "channels.kit.source:None_"\n', "no class"),
    ],
)
def test_wrong_settings_of_a_feed_are_told(tmp_path: Path, more: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        Desk(tmp_path, more=more)


def test_settings_read_a_feed(tmp_path: Path) -> None:
    (tmp_path / "publisher.toml").write_text('office = "x"\n' + SETTINGS.format(url="https://a.example/f"), "utf-8")
    (tmp_path / "channels.toml").write_text("", "utf-8")
    settings = read_settings(tmp_path, tmp_path / "data", {})

    assert [(feed.name, feed.declared) for feed in settings.intake.feed] == [("某代理机构", None)]
