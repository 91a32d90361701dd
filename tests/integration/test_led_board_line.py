"""The LED board in the whole line: it never keeps other channels waiting, staff read what was replaced, notices end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.desk import TestDesk

SECTION = """
[hall_led]
title = "大厅LED屏"
adapter = "channels.led_board:LedBoard"
tier = "on_site"
carries = [{ carry = "optional" }]
operations = ["publish", "update", "withdraw"]
[hall_led.options]
width = 192
charset = "gb2312"
full_text_at = "本站"
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    built = TestDesk(tmp_path)
    built.build("county", feed=True, more=SECTION)
    yield built
    built.close()


def _titles(desk: TestDesk) -> list[str]:
    manifest = desk.data / "out" / "hall_led" / "current" / "manifest.json"
    return [page["title"] for page in json.loads(manifest.read_text("utf-8"))["pages"] if page["page"] == 1]


def test_a_missing_or_unwritable_folder_keeps_no_other_channel_waiting_and_is_one_alarm(desk: TestDesk) -> None:
    in_the_way = desk.data / "out" / "hall_led"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.write_text("a file where the share should be mounted", "utf-8")
    desk.drop("招标公告甲")
    desk.drop("招标公告乙")
    assert desk.run("once").exit_code == 3

    assert {desk.row(number, channel).state for number in "12" for channel in ("county", "wechat_feed")} == {
        "published"
    }
    assert {desk.row(number, "hall_led").state for number in "12"} == {"pending"}
    (status,) = desk.json("status", code=desk.run("status").exit_code)
    assert [alarm["cause"] for alarm in status["alarms"]] == ["unwritable:hall_led"]

    in_the_way.unlink()
    assert desk.run("retry", "1", "--channel", "hall_led", "--by", "张三").exit_code == 0
    desk.run("once")
    assert desk.row("1", "hall_led").state == "published"
    assert "招标公告甲" in _titles(desk)


def test_staff_read_in_the_receipt_what_the_screen_replaced(desk: TestDesk) -> None:
    desk.drop("体育场3000㎡跑道招标公告")
    assert desk.run("once").exit_code == 0
    assert "屏幕字符替换：㎡→平方米 2 处" in desk.receipt("1")


def test_a_notice_that_the_screen_cannot_show_is_held_there_alone_before_anything_is_sent(desk: TestDesk) -> None:
    path = desk.drop("朱镕路招标公告")
    desk.drop("招标公告乙")
    (facts,) = desk.json("check", str(path))
    (judged,) = facts["files"]
    held = {one["channel"]: one["held"] for one in judged["channels"]}
    assert held["county"] is None and "大厅LED屏：屏幕无法显示 “镕”（U+9555）" in held["hall_led"]
    desk.run("once")
    rows = {title: desk.row(number, "hall_led") for number, title in _numbers(desk).items()}
    assert {title: row.state for title, row in rows.items()} == {"朱镕路招标公告": "held", "招标公告乙": "published"}
    assert rows["朱镕路招标公告"].reason == "channel_limit"
    assert _titles(desk) == ["招标公告乙"]
    (number,) = (number for number, title in _numbers(desk).items() if "镕" in title)
    assert "“镕”（U+9555）" in desk.receipt(number)
    assert desk.row(number, "county").state == "published"


def test_where_the_screen_is_mandatory_all_that_it_would_refuse_is_named_at_intake_and_no_channel_hears_of_it(
    desk: TestDesk,
) -> None:
    mandatory = SECTION.replace('"optional"', '"mandatory"').replace(
        "width = 192", "width = 64\nmax_pages_per_item = 3"
    )
    desk.build("county", feed=True, more=mandatory)
    path = desk.drop("曲阜市朱镕大道道路及排水管网改造提升工程施工招标公告")
    (facts,) = desk.json("check", str(path), code=1)
    (judged,) = facts["files"]
    rare, long = (problem["detail"] for problem in judged["problems"])
    assert rare.startswith("大厅LED屏：屏幕无法显示 “镕”（U+9555）") and long.startswith("大厅LED屏：标题有 26 个字")
    assert desk.run("once").exit_code == 1
    (note,) = (desk.data / "folders" / "待处理").glob("*说明*")
    assert rare in note.read_text("utf-8-sig") and long in note.read_text("utf-8-sig")
    assert desk.sites["county"].items() == []


def test_preview_draws_what_a_passer_by_will_see(desk: TestDesk, tmp_path: Path) -> None:
    path = desk.drop("体育场3000㎡跑道招标公告")
    lines = desk.json("preview", str(path), "--out", str(tmp_path / "seen"))
    seen = {line["channel"]: line for line in lines}
    assert seen["county"]["seen"] == [] and seen["county"]["refused"] == ""
    drawn = {Path(one).name: Path(one).read_bytes() for one in seen["hall_led"]["seen"]}
    assert desk.run("once").exit_code == 0
    current = desk.data / "out" / "hall_led" / "current"
    pages = [path.name for path in current.iterdir() if path.suffix in (".png", ".txt", ".bmp")]
    assert pages and {name: drawn[name] for name in pages} == {name: (current / name).read_bytes() for name in pages}


def test_preview_says_what_the_screen_would_refuse(desk: TestDesk, tmp_path: Path) -> None:
    path = desk.drop("朱镕路招标公告")
    told = desk.run("preview", str(path), "--out", str(tmp_path / "seen"))
    assert "大厅LED屏：屏幕无法显示 “镕”（U+9555）" in told.stdout


def _numbers(desk: TestDesk) -> dict[str, str]:
    receipts = (desk.data / "folders" / "回执").glob("*.回执.txt")
    found = {}
    for path in receipts:
        title = next(line for line in path.read_text("utf-8-sig").splitlines() if "标题：" in line)
        found[path.name.split("_")[0]] = title.split("标题：")[1]
    return found
