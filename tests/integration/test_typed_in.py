"""A site with a captcha, by the commands of an office: a sheet to type in from, a confirmation with proof."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.provincial_site import ProvincialSite
from publisher.ledger import alarms
from publisher.send import watch
from tests.support.builders import a_config
from tests.support.desk import TestDesk
from tests.support.sending import a_world

SECTION = """
[works]
title = "某省工程网"
adapter = "channels.provincial_site:ProvincialSite"
tier = "provincial"
carries = [{ carry = "mandatory" }]
[works.options]
mode = "assisted"
page = "https://works.example/login"
"""
CONFIRM = ["confirm", "1", "--channel", "works", "--number", "GC-77", "--url", "https://works.example/77"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    desk = TestDesk(tmp_path)
    desk.build("county", more=SECTION)
    yield desk
    desk.close()


def test_it_is_a_task_with_a_sheet_and_nobody_is_asked(desk: TestDesk) -> None:
    desk.drop("招标公告甲")
    assert desk.run("once").exit_code == 3  # open: it waits for a person
    row = desk.row("1", "works")
    assert (row.state, row.next_at) == ("submitted", None)
    assert desk.run("once").exit_code == 3
    (shown,) = desk.json("show", "1")
    (delivery,) = [one for one in shown["deliveries"] if one["channel"] == "works"]
    assert (len(delivery["attempts"]), delivery["observations"]) == (1, [])
    assert "由人工在网站上录入" in desk.receipt("1")


def test_the_list_of_tasks_is_short_and_one_notice_is_printed_in_full(desk: TestDesk) -> None:
    desk.drop("招标公告甲")
    desk.run("once")
    listed = desk.run("tasks").stdout
    assert "某省工程网" in listed and "公告正文" not in listed
    sheet = desk.run("tasks", "1").stdout
    assert "【演练】某省工程网录入单（收件编号 1）" in sheet
    assert "网址：https://works.example/login" in sheet
    assert "2. 公告标题：招标公告甲" in sheet and "投标截止时间：2017年12月28日9时00分。" in sheet
    assert "publisher confirm 1 --channel works --number 网站编号" in sheet
    assert desk.run("tasks", "2").stderr == "没有编号 2 的收件\n"
    desk.run("confirm", "1", "--channel", "works", "--number", "SD-1", "--proof", "截图", "--by", "王某")
    assert desk.run("tasks", "1").stdout == "1 没有待办\n"


def test_confirmed_with_number_address_and_proof_it_is_published_and_counted(desk: TestDesk) -> None:
    desk.drop("招标公告甲")
    desk.run("once")
    assert desk.json("status")[0]["today"]["publications"] == 1
    done = desk.run(*CONFIRM, "--proof", "截图 77.png", "--by", "王某")
    assert done.stdout == "1　某省工程网：已确认发布\n"
    row = desk.row("1", "works")
    assert (row.state, row.channel_number, row.url) == ("published", "GC-77", "https://works.example/77")
    assert (desk.json("tasks"), desk.json("status")[0]["today"]["publications"]) == ([], 2)
    (logged,) = [one for one in desk.json("log") if one["event"] == "published" and one["channel"] == "works"]
    assert (logged["by"], logged["data"]["proof"]) == ("王某", "截图 77.png")
    assert desk.run("once").exit_code == 0
    assert "GC-77" in desk.receipt("1") and "已在全部必发渠道发布" in desk.receipt("1")
    assert desk.run("verify").exit_code == 0


def test_without_a_proof_it_is_not_confirmed(desk: TestDesk) -> None:
    desk.drop("招标公告甲")
    desk.run("once")
    refused = desk.run(*CONFIRM, "--by", "王某")
    assert refused.exit_code == 1 and "--proof" in refused.stderr
    assert desk.row("1", "works").state == "submitted"


def test_what_nobody_types_in_for_a_day_is_alarmed_as_such(tmp_path: Path) -> None:
    options = {"mode": "assisted", "page": "https://works.example/login"}
    adapter = ProvincialSite(a_config("works", title="某省工程网", options=options))
    world = a_world(tmp_path, {"works": adapter}, settings={"works": {"title": "某省工程网"}})
    number = world.accept()
    world.run_for(hours=25)
    watch.look(world.ledger, world.channels, world.sending, world.clock())
    with world.ledger.read() as conn:
        (alarm,) = alarms.standing(conn)
    assert alarm.detail == "某省工程网有 1 件超过 24 小时仍未由人工录入并确认，见待办（tasks）"
    assert world.row(number, "works").asks == 0


def test_a_change_quotes_on_its_sheet_the_number_that_was_confirmed(desk: TestDesk) -> None:
    desk.drop("招标公告甲")
    desk.run("once")
    original = {"project_no": "NO-招标公告甲", "first_published": "2017-12-04"}
    body = "<p>原投标截止时间2099年12月28日9时00分，现更正为2099年12月30日9时00分，其他内容不变。</p>"
    changes = {"project_no": "NO-招标公告甲", "form": "更正公告", "sequence": 1, "original": original}
    desk.drop("更正公告甲", body_html=body, **changes)
    desk.run("once")
    assert desk.row("2", "works").state == "pending"  # its original is not public there yet
    desk.run(*CONFIRM, "--proof", "截图", "--by", "王某")
    desk.run("once")
    assert "原公告编号：GC-77" in desk.run("tasks", "2").stdout


def test_a_confirmation_taken_back_is_subtracted_and_a_task_again(desk: TestDesk) -> None:
    desk.drop("招标公告甲")
    desk.run("once")
    desk.run(*CONFIRM, "--proof", "截图", "--by", "王某")
    undone = desk.run("confirm", "1", "--channel", "works", "--undo", "--by", "王某", "--reason", "看错了")
    assert undone.exit_code == 0
    assert desk.row("1", "works").state == "held"
    assert (len(desk.json("tasks")), desk.json("status")[0]["today"]["publications"]) == (1, 1)
