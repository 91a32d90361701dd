"""What stands beside the sending never stops it; and readers of the feed get instants with their zone."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import pytest
from sqlalchemy import select

from channels.wechat_feed import WechatFeed
from publisher.delivery import State
from publisher.ledger import acts
from publisher.ledger.acts import Person
from publisher.ledger.alarms import standing
from publisher.ledger.tables import publication_log
from publisher.notice import LOCAL
from publisher.send import watch
from publisher.send.open_channel import OpenChannel
from tests.support.builders import START, a_config, a_notice
from tests.support.desk import TestDesk
from tests.support.line import Desk, as_json
from tests.support.scripted_site import ScriptedSite
from tests.support.sending import a_world

SCREEN = """
[hall_led]
title = "大厅LED屏"
adapter = "channels.led_board:LedBoard"
tier = "on_site"
carries = [{ carry = "optional" }]
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    made = TestDesk(tmp_path)
    made.build("county", "city", more=SCREEN)
    yield made
    made.close()


def block(path: Path) -> None:
    """A file where a folder is wanted: it cannot be written, whoever the program runs as."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("", "utf-8")


def causes(desk: TestDesk) -> list[str]:
    return [one["cause"] for one in desk.json("status")[0]["alarms"]]


def test_c071_a_screen_whose_folder_cannot_be_written_is_one_alarm_and_the_sites_publish(desk: TestDesk) -> None:
    block(desk.data / "out" / "hall_led")
    for name in ("甲", "乙", "丙"):
        desk.drop(f"{name}工程招标公告")
    assert desk.run("once").exit_code == 3
    assert [len(site.items()) for site in desk.sites.values()] == [3, 3]
    assert desk.row("1", "hall_led").state == "pending"
    assert causes(desk) == ["unwritable:hall_led"]
    desk.drop("丁工程招标公告")
    desk.run("once")
    assert causes(desk) == ["unwritable:hall_led"]
    assert "输出文件夹无法写入" in desk.receipt("1")

    (desk.data / "out" / "hall_led").unlink()
    desk.run("retry", "1", "--channel", "hall_led")
    assert desk.run("once").exit_code in (0, 3)
    assert (desk.row("1", "hall_led").state, causes(desk)) == ("published", [])


def test_c071_a_receipt_that_cannot_be_written_now_keeps_nothing_back_and_follows(desk: TestDesk) -> None:
    desk.drop("甲工程招标公告")
    receipts = desk.data / "folders" / "回执"
    in_its_place = receipts / "1_甲工程招标公告.json.回执.txt"
    in_its_place.mkdir(parents=True)
    ran = desk.run("once")
    assert ran.exit_code in (0, 3) and "cannot be written now" in ran.stderr, ran.output
    assert [len(site.items()) for site in desk.sites.values()] == [1, 1]
    in_its_place.rmdir()
    desk.run("once")
    assert "county网（必发）：已发布" in desk.receipt("1")


def test_c071_staff_folders_that_cannot_be_made_are_named_and_nothing_is_lost(desk: TestDesk) -> None:
    desk.drop("甲工程招标公告")
    block(desk.data / "folders" / "回执")
    ran = desk.run("once")
    assert ran.exit_code == 2 and "回执 cannot be made" in ran.stderr and "Traceback" not in ran.stderr
    assert (desk.data / "folders" / "待发布" / "甲工程招标公告.json").is_file()


def test_c071_where_the_heads_cannot_be_kept_the_notice_is_published_and_one_alarm_says_so(desk: TestDesk) -> None:
    block(desk.data / "heads")
    desk.drop("甲工程招标公告")
    for _ in range(2):
        ran = desk.run("once")
        assert ran.exit_code in (0, 3) and "head cannot be written" in ran.stderr, ran.output
    assert [len(site.items()) for site in desk.sites.values()] == [1, 1]
    assert causes(desk) == ["heads"]
    (desk.data / "heads").unlink()
    assert desk.run("once").exit_code in (0, 3)
    assert causes(desk) == [] and len(list((desk.data / "heads").iterdir())) == 2


def test_c071_a_midnight_without_the_folder_of_the_heads_is_one_row_and_the_head_follows(tmp_path: Path) -> None:
    line = Desk(tmp_path)
    heads = tmp_path / "data" / "heads"
    shutil.rmtree(heads)
    block(heads)
    line.clock.move_to(START + timedelta(hours=15, minutes=1))
    line.drop("招标公告.json", as_json())
    for _ in range(5):
        line.turn(6)
        line.worker.watch()
    assert line.states() == ["accepted"]
    with line.worker.office.ledger.read() as conn:
        events = list(conn.execute(select(publication_log.c.event)).scalars())
        assert [row.cause for row in standing(conn)] == ["heads"]
    assert (events.count("day_begins"), events.count("alarm_raised")) == (1, 1)
    heads.unlink()
    line.worker.watch()
    assert len(list(heads.iterdir())) == 1
    with line.worker.office.ledger.read() as conn:
        assert standing(conn) == []


def test_c041_an_entry_of_half_past_midnight_is_of_the_day_before_in_utc_and_of_its_own_day_for_readers(
    tmp_path: Path,
) -> None:
    config = a_config("feed", options={"base_url": "http://127.0.0.1:9/"}, folder=tmp_path / "out")
    start = datetime(2017, 12, 4, 0, 30, tzinfo=LOCAL)
    world = a_world(tmp_path, {"feed": WechatFeed(config)}, start=start)
    number = world.accept(a_notice(dates={}))
    world.step()
    assert world.state(number, "feed") is State.PUBLISHED
    for name in ("feed.atom", "feed.rss"):
        (entry,) = feedparser.parse((tmp_path / "out" / name).read_bytes()).entries
        assert datetime(*entry.published_parsed[:6], tzinfo=UTC) == datetime(2017, 12, 3, 16, 30, tzinfo=UTC)
    (page,) = (tmp_path / "out" / "articles").glob("*.html")
    assert "2017-12-04" in page.read_text("utf-8") or "2017年12月4日" in page.read_text("utf-8")
    assert time.gmtime(start.timestamp()).tm_mday == 3


# ---- a channel that is switched off while something waits for it


def switch_off(desk: TestDesk) -> None:
    settings = desk.home / "channels.toml"
    settings.write_text(settings.read_text("utf-8").replace("[city]\n", "[city]\nenabled = false\n"), "utf-8")


def test_what_waits_for_a_channel_that_is_switched_off_is_alarmed_until_somebody_settles_it(tmp_path: Path) -> None:
    sites = {"city": ScriptedSite(down=lambda: True), "county": ScriptedSite()}
    world = a_world(tmp_path, sites)
    number = world.accept()
    world.step()
    only = {"county": world.channels["county"]}

    def look(channels: dict[str, OpenChannel]) -> list[str]:
        watch.look(world.ledger, channels, world.sending, world.clock())
        return world.alarms()

    assert look(world.channels) == []
    assert look(only) == look(only) == ["off:city"]
    assert look(world.channels) == []
    assert look(only) == ["off:city"]
    with world.ledger.write() as tx:
        acts.cancel(tx, acts.of_number(tx.conn, number, "city"), Person("王某", "wang@desk"), "渠道已停用")
    assert look(only) == []
    assert world.state(number, "county") is State.PUBLISHED


def test_an_act_on_a_channel_that_is_switched_off_does_not_promise_what_will_not_happen(desk: TestDesk) -> None:
    desk.sites["city"].down()
    desk.drop("甲工程招标公告")
    desk.run("once")
    switch_off(desk)
    told = desk.run("retry", "1", "--channel", "city", "--by", "王某")
    assert told.stdout.strip() == "1　city网：立即重试，但该渠道已停用，启用后才会办理"
