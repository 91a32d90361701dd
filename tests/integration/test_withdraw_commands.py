"""`publisher update` and `publisher withdraw` as they are typed: through sites, the feed and the LED board."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from publisher.ledger.tables import delivery
from tests.support.desk import TestDesk

MORE = """
operations = ["publish", "update", "withdraw"]
[wechat_feed]
title = "微信资讯"
adapter = "channels.wechat_feed:WechatFeed"
tier = "self_media"
carries = [{ carry = "optional" }]
operations = ["publish", "update", "withdraw"]
[wechat_feed.options]
base_url = "http://127.0.0.1:9/"
[hall_led]
title = "大厅LED屏"
adapter = "channels.led_board:LedBoard"
tier = "on_site"
carries = [{ carry = "optional" }]
operations = ["publish", "update", "withdraw"]
[hall_led.options]
width = 192
full_text_at = "本站"
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    """`county` carries out all three operations, `city` publishes only; a feed and a screen; two notices are public."""
    built = TestDesk(tmp_path)
    built.build("city", "county", more=MORE)
    settings = (built.home / "channels.toml").read_text("utf-8")
    county = '[county]\noperations = ["publish", "update", "withdraw"]'
    (built.home / "channels.toml").write_text(settings.replace("[county]", county, 1), "utf-8")
    for title in ("招标公告甲", "招标公告乙"):  # one after the other, so that their numbers are known
        built.drop(title)
        assert built.run("once").exit_code == 0
    yield built
    built.close()


def rows(desk: TestDesk, number: str) -> dict[tuple[str, str], str]:
    """The states of a number's deliveries, by channel and operation."""
    ledger = desk.ledger()
    with ledger.read() as conn:
        found = conn.execute(select(delivery).where(delivery.c.number == number)).all()
    ledger.close()
    return {(row.channel, row.operation): row.state for row in found}


def withdraw(desk: TestDesk, *words: str, reason: str = "项目终止") -> Any:
    return desk.run("withdraw", *words, "--by", "王某", "--reason", reason)


def own_template(desk: TestDesk, channel: str) -> None:
    path = desk.home / "templates" / channel / "notice.html.j2"
    path.parent.mkdir(parents=True)
    path.write_text("<div>{{ body }}<p>咨询电话见本中心网站</p></div>", "utf-8")


def feed(desk: TestDesk) -> str:
    return (desk.data / "out" / "wechat_feed" / "feed.json").read_text("utf-8")


def screen(desk: TestDesk) -> set[str]:
    manifest = desk.data / "out" / "hall_led" / "current" / "manifest.json"
    return {page["title"] for page in json.loads(manifest.read_text("utf-8"))["pages"]}


def test_c044_a_withdrawal_reaches_every_copy_and_where_no_call_does_it_a_person_gets_the_text(desk: TestDesk) -> None:
    told = withdraw(desk, "1")
    assert (told.exit_code, len(told.stdout.splitlines())) == (0, 4)
    assert "1　city网：渠道未开通撤回，已转人工办理" in told.stdout and "1　county网：开始撤回" in told.stdout
    assert desk.run("once").exit_code == 0

    states = rows(desk, "1")
    assert {c: states[c, "withdraw"] for c in ("county", "wechat_feed", "hall_led", "city")} == {
        "county": "published",
        "wechat_feed": "published",
        "hall_led": "published",
        "city": "held",
    }
    assert [states[c, "publish"] for c in ("county", "wechat_feed", "hall_led")] == ["ended"] * 3
    assert states["city", "publish"] == "published"
    (item,) = [one for one in desk.sites["county"].items() if one["title"] == "招标公告甲"]
    assert (item["state"], item["reason"]) == ("withdrawn", "项目终止")
    assert "招标公告甲" not in feed(desk) and "招标公告乙" in feed(desk)
    assert "招标公告甲" not in "".join(screen(desk)) and "招标公告乙" in "".join(screen(desk))

    (task,) = desk.json("tasks")
    assert task["channel"] == "city" and "confirm 1 --channel city" in task["what"]
    assert "关于撤下《招标公告甲》的说明" in task["text"] and "撤回理由：项目终止" in task["text"]
    assert desk.json("count")[0]["publications"] == 8, "what was withdrawn stays counted"
    receipt = desk.receipt("1")
    assert "微信资讯（选发）：已撤回" in receipt and "理由：项目终止" in receipt
    assert desk.run("verify").exit_code == 0


def test_c044_nothing_revives_what_was_withdrawn_and_the_first_version_stays_in_the_ledger(desk: TestDesk) -> None:
    withdraw(desk, "1")
    desk.run("once")
    again = desk.run("retry", "1", "--by", "王某")
    assert again.exit_code == 1 and "没有可以重试的渠道" in again.stderr
    assert desk.run("retry", "--channel", "county", "--all-failed", "--by", "王某").exit_code == 1
    desk.drop("招标公告甲")
    assert "1 重复" in desk.run("once").stdout
    assert "招标公告甲" not in feed(desk)

    (shown,) = desk.json("show", "1")
    assert shown["fields"]["title"] == "招标公告甲"
    assert "已撤回" in desk.run("show", "1").stdout and "理由：项目终止" in desk.run("show", "1").stdout
    twice = withdraw(desk, "1")
    assert twice.exit_code == 0
    assert "county网：已不再展示" in twice.stdout and "city网：已在撤回中，等人工办理" in twice.stdout


def test_c044_another_reason_reaches_every_copy_and_stands_only_where_somebody_saw_to_it(desk: TestDesk) -> None:
    withdraw(desk, "1")
    desk.run("once")
    told = withdraw(desk, "1", reason="采购任务取消")
    assert told.exit_code == 0, told.stderr
    assert told.stdout.count("该渠道不显示理由，所记理由已更改") == 2, "the feed and the screen"
    assert "county网：更改撤回理由已转人工办理" in told.stdout
    tasks = {task["channel"]: task for task in desk.json("tasks")}
    assert (
        "撤回理由更改为：采购任务取消" in tasks["county"]["text"] and "原撤回理由：项目终止" in tasks["county"]["text"]
    )
    assert "撤回理由：采购任务取消" in tasks["city"]["text"] and "项目终止" not in tasks["city"]["text"]
    assert len(tasks) == 2

    def reasons() -> list[str]:
        return [line.partition("理由：")[2] for line in desk.receipt("1").splitlines() if "理由：" in line]

    desk.run("once")
    assert sorted(reasons()) == ["采购任务取消"] * 4 + ["项目终止"] * 2, "on the site it is not changed yet"
    assert withdraw(desk, "1", reason="采购任务取消").stdout.count("人工办理") == 2, "asked once only"
    assert desk.run("confirm", "1", "--channel", "county", "--by", "李某", "--proof", "网站复函").exit_code == 0
    desk.run("once")
    shown = desk.json("show", "1")[0]["deliveries"]
    assert sorted(reasons()) == ["采购任务取消"] * 7
    given = {one["channel"]: one["reason_given"] for one in shown if one["operation"] == "publish"}
    assert given == {"county": "采购任务取消", "wechat_feed": "采购任务取消", "hall_led": "采购任务取消", "city": None}
    changed = [row for row in desk.json("log", "--last", "99") if row["event"] == "reason_changed"]
    assert len(changed) == 3 and [row["by"] for row in changed].count("李某") == 1
    assert [row["data"].get("before") for row in changed].count("项目终止") == 2
    assert desk.json("count")[0]["withdrawals"] == 3, "one withdrawal, whatever is said of it later"
    assert "撤回理由更改" in desk.run("log", "--last", "99").stdout
    assert desk.json("count")[0]["publications"] == 8
    assert desk.run("verify").exit_code == 0


def test_a_reason_given_again_asks_nobody(desk: TestDesk) -> None:
    withdraw(desk, "1")
    desk.run("once")
    before = len(desk.json("tasks"))
    assert "已不再展示，无需撤回" in withdraw(desk, "1").stdout
    assert len(desk.json("tasks")) == before


def test_what_a_person_did_on_a_channel_ends_the_publication_there(desk: TestDesk) -> None:
    withdraw(desk, "1", "--channel", "city")
    assert desk.run("confirm", "1", "--channel", "city", "--by", "李某", "--proof", "网站复函").exit_code == 0

    assert rows(desk, "1")["city", "publish"] == "ended"
    assert desk.json("tasks") == []
    (done,) = [row for row in desk.json("log") if row["event"] == "withdrawn"]
    assert (done["by"], done["data"]["proof"], done.get("weight", 0)) == ("李某", "网站复函", 0)
    assert desk.json("count")[0]["publications"] == 8
    assert desk.run("verify").exit_code == 0


def test_a_task_that_cannot_be_done_is_cancelled_and_the_publication_stands(desk: TestDesk) -> None:
    withdraw(desk, "1", "--channel", "city")
    released = desk.run("release", "1", "--channel", "city", "--by", "李某")
    assert released.exit_code == 0
    desk.run("once")
    assert rows(desk, "1")["city", "withdraw"] == "held", "the channel was called although that is switched off"
    assert desk.run("cancel", "1", "--channel", "city", "--by", "李某", "--reason", "另发终止公告").exit_code == 0

    assert rows(desk, "1")["city", "publish"] == "published"
    assert desk.json("tasks") == []
    assert {one["state"] for one in desk.sites["city"].items()} == {"public"}


def test_both_acts_ask_for_name_and_reason(desk: TestDesk) -> None:
    assert desk.run("withdraw", "1", "--reason", "x").exit_code == 2
    assert desk.run("withdraw", "1", "--by", "王某").exit_code == 2
    assert desk.run("update", "1", "--by", "王某", "--reason", "x").exit_code == 2
    blank = withdraw(desk, "1", reason="  ")
    assert blank.exit_code == 1 and "须写明理由" in blank.stderr
    assert all(operation == "publish" for _, operation in rows(desk, "1"))


@pytest.mark.parametrize("channel", ["county", "wechat_feed", "hall_led"])
def test_an_update_brings_the_text_set_anew_and_never_other_content(desk: TestDesk, channel: str) -> None:
    same = desk.run("update", "1", "--channel", channel, "--by", "王某", "--reason", "模板已改")
    assert same.exit_code == 1 and "另发更正公告" in same.stderr
    own_template(desk, channel)
    told = desk.run("update", "1", "--channel", channel, "--by", "王某", "--reason", "模板已改")
    assert told.exit_code == 0 and "开始更新" in told.stdout
    assert desk.run("once").exit_code == 0

    states = rows(desk, "1")
    assert (states[channel, "update"], states[channel, "publish"]) == ("published", "published")
    shown = {
        "county": lambda: desk.sites["county"].items()[0]["body"],
        "wechat_feed": lambda: feed(desk),
        "hall_led": lambda: "咨询电话见本中心网站",  # the screen shows title and dates only
    }[channel]()
    assert "咨询电话见本中心网站" in shown
    (done,) = [row for row in desk.json("log", "--last", "99") if row["event"] == "updated"]
    assert done["data"]["rendition_sha256"] != desk.json("show", "2")[0]["deliveries"][0]["rendition_sha256"]
    assert "（更新文本）" in desk.receipt("1") and "模板已改" in desk.receipt("1")
    assert desk.json("count")[0]["publications"] == 8
    assert desk.run("verify").exit_code == 0


def test_an_update_where_the_channel_has_none_is_a_task_with_the_new_text(desk: TestDesk) -> None:
    own_template(desk, "city")
    told = desk.run("update", "1", "--channel", "city", "--by", "王某", "--reason", "模板已改")
    assert told.exit_code == 0 and "已转人工办理" in told.stdout
    (task,) = desk.json("tasks")
    assert "咨询电话见本中心网站" in task["text"]
    assert desk.run("once").exit_code == 0 and len(desk.sites["city"].items()) == 2


def test_c047_a_refused_update_leaves_the_text_standing_and_a_person_is_told_the_other_way(desk: TestDesk) -> None:
    own_template(desk, "county")
    desk.sites["county"].switch(refuse_title="甲")
    desk.run("update", "1", "--channel", "county", "--by", "王某", "--reason", "日期有误")
    desk.run("once")
    assert rows(desk, "1")["county", "update"] == "failed"
    assert rows(desk, "1")["county", "publish"] == "published"
    (task,) = desk.json("tasks")
    assert "另发更正" in task["what"]


def test_c045_not_found_is_withdrawn_only_when_the_notice_cannot_be_found_either(desk: TestDesk) -> None:
    desk.sites["county"].switch(withdraw_404=True)
    withdraw(desk, "1", "--channel", "county")
    desk.run("once")
    assert rows(desk, "1")["county", "withdraw"] == "pending"
    assert rows(desk, "1")["county", "publish"] == "published"


def test_what_is_not_sent_yet_is_cancelled_and_what_was_never_accepted_is_explained(desk: TestDesk) -> None:
    desk.run("stop", "county", "--by", "王某")
    desk.drop("招标公告丙")
    desk.run("once")
    told = withdraw(desk, "3")
    assert told.exit_code == 0 and "county网：尚未发布，已取消" in told.stdout
    desk.run("resume", "county", "--by", "王某")
    desk.run("once")
    assert rows(desk, "3")["county", "publish"] == "cancelled"
    nobody = withdraw(desk, "9")
    assert nobody.exit_code == 1 and "没有编号 9" in nobody.stderr
