"""`publisher approvals`, `approve` by rule, `reschedule`, `silence` as they are typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from publisher.app import system_clock
from publisher.notice import LOCAL
from tests.support.desk import TestDesk

RULES = """
[approval]
rules = [
    { channels = ["wechat_feed"], persons = 0 },
    { forms = ["招标公告"], channels = ["city"], persons = 2 },
]
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    built = TestDesk(tmp_path)
    yield built
    built.close()


def with_rules(desk: TestDesk, rules: str = RULES) -> None:
    path = desk.home / "publisher.toml"
    path.write_text(path.read_text("utf-8") + rules, "utf-8")


def later(**span: float) -> str:
    """A local instant from now on, as typed."""
    return (system_clock().astimezone(LOCAL) + timedelta(**span)).strftime("%Y-%m-%d %H:%M")


def states(desk: TestDesk, *channels: str) -> list[str]:
    return [desk.row("1", channel).state for channel in channels]


# ---- approval


def test_each_channel_waits_for_as_many_persons_as_its_rule_says(desk: TestDesk) -> None:
    desk.build("county", "city", approvals=1, feed=True)
    with_rules(desk)
    desk.drop("招标公告甲")
    assert desk.run("once").exit_code == 3
    assert states(desk, "wechat_feed", "county", "city") == ["published", "pending", "pending"]
    first = desk.run("approve", "1", "--by", "王某")
    assert first.stdout == "1：已批准，还差 1 人批准\n"
    desk.run("once")
    assert states(desk, "county", "city") == ["published", "pending"]

    for same in ("王某", " 王 某"):
        again = desk.run("approve", "1", "--by", same)
        assert again.exit_code == 1 and "已批准过 1" in again.stderr
    assert desk.run("approve", "1", "--by", "　").exit_code == 1
    desk.run("once")
    assert states(desk, "city") == ["pending"]
    assert desk.run("approve", "1", "--by", "李某").stdout == "1：已批准\n"
    assert desk.run("once").exit_code == 0
    assert states(desk, "city") == ["published"]
    assert desk.run("verify").exit_code == 0


def test_what_was_accepted_under_a_rule_is_not_let_go_by_another_rule(desk: TestDesk) -> None:
    desk.build("city", approvals=2)
    desk.drop("招标公告甲")
    desk.run("once")
    path = desk.home / "publisher.toml"
    path.write_text(path.read_text("utf-8").replace("approvals = 2", "approvals = 0"), "utf-8")
    desk.run("once")
    assert desk.run("approve", "1", "--by", "王某").stdout == "1：已批准，还差 1 人批准\n"
    desk.drop("招标公告乙")
    desk.run("once")
    assert (states(desk, "city"), desk.row("2", "city").state) == (["pending"], "published")


def test_the_queue_tells_age_channels_and_who_has_approved(desk: TestDesk) -> None:
    desk.build("county", "city", approvals=2)
    assert desk.run("once").exit_code == 0
    assert "没有等待批准的公告" in desk.run("approvals").stdout
    desk.drop("招标公告甲", publish_at=system_clock() - timedelta(minutes=1))
    desk.drop("招标公告乙", publish_at=system_clock() + timedelta(days=1))
    desk.run("once")
    desk.run("approve", "1", "--by", "王某")

    one, two = desk.json("approvals")
    titles = {one["title"]: one, two["title"]: two}
    late, early = titles["招标公告甲"], titles["招标公告乙"]
    assert (one["title"], late["late"], early["late"]) == ("招标公告甲", True, False)
    assert late["channels"] == ["county", "city"] and 0 <= late["age_seconds"] < 60
    assert sum(len(one["approved_by"]) for one in (late, early)) == 1
    shown = desk.run("approvals").stdout
    assert "已过时间，等待批准" in shown and "还差" in shown
    assert re.search(r"等待批准：编号 \d（已等 \d+ 秒）、\d（已等 \d+ 秒）", desk.run("status").stdout)
    (status,) = desk.json("status")
    assert sorted(status["waiting_approval"]) == ["1", "2"] and status["oldest_approval_seconds"] < 60


def test_a_rule_for_a_channel_that_does_not_exist_is_an_error_with_the_nearest_name(desk: TestDesk) -> None:
    desk.build("county")
    with_rules(desk, '[approval]\nrules = [{ channels = ["conty"], persons = 1 }]\n')
    wrong = desk.run("check")
    assert wrong.exit_code == 2 and "did you mean county?" in wrong.stderr
    path = desk.home / "publisher.toml"
    path.write_text(path.read_text("utf-8").replace('channels = ["conty"], persons = 1', "persons = 3"), "utf-8")
    assert desk.run("check").exit_code == 2


def test_an_update_needs_its_own_approval_and_a_withdrawal_none(desk: TestDesk) -> None:
    desk.build("county", approvals=1)
    settings = (desk.home / "channels.toml").read_text("utf-8")
    ops = 'operations = ["publish", "update", "withdraw"]\n'
    settings = settings.replace("[county.options]", f"{ops}[county.options]") + ops
    (desk.home / "channels.toml").write_text(settings, "utf-8")
    desk.drop("招标公告甲")
    desk.run("once")
    desk.run("approve", "1", "--by", "王某")
    assert desk.run("once").exit_code == 0
    own = desk.home / "templates" / "county" / "notice.html.j2"
    own.parent.mkdir(parents=True)
    own.write_text("<div>{{ body }}<p>新版式</p></div>", "utf-8")
    told = desk.run("update", "1", "--channel", "county", "--by", "王某", "--reason", "版式")
    assert "新文本等待批准" in told.stdout
    assert desk.run("once").exit_code == 3
    assert "新版式" not in desk.sites["county"].items()[0]["body"]

    assert desk.run("approve", "1", "--by", "王某").stdout == "1：已批准\n"
    assert desk.run("once").exit_code == 0
    assert "新版式" in desk.sites["county"].items()[0]["body"]
    desk.run("withdraw", "1", "--by", "王某", "--reason", "项目终止")
    assert desk.run("once").exit_code == 0
    assert desk.sites["county"].items()[0]["state"] == "withdrawn"
    assert desk.run("verify").exit_code == 0


# ---- another instant


def test_a_notice_is_moved_and_a_past_instant_is_asked_about(desk: TestDesk) -> None:
    desk.build("county", "city")
    desk.drop("招标公告甲", publish_at=system_clock() + timedelta(days=1))
    assert desk.run("once").exit_code == 3
    told = desk.run("reschedule", "1", "--at", later(days=2), "--by", "王某", "--reason", "会议改期")
    assert told.exit_code == 0 and len(told.stdout.splitlines()) == 2 and "county网：改为" in told.stdout
    moved = desk.row("1", "city").publish_at
    assert moved > system_clock() + timedelta(days=1, hours=20)
    desk.run("once")
    assert f"{moved.astimezone(LOCAL):%H:%M}）" in desk.receipt("1")

    past = desk.run("reschedule", "1", "--at", "2017-12-04 09:00", "--by", "王某", "--reason", "改回")
    assert past.exit_code == 1 and "立即发布？" in past.stderr
    assert desk.row("1", "city").publish_at == moved
    assert desk.run("reschedule", "1", "--by", "王某", "--reason", "x").exit_code == 2
    assert desk.run("reschedule", "1", "--now", "--by", "王某", "--reason", "提前").exit_code == 0
    assert desk.run("once").exit_code == 0
    assert states(desk, "city", "county") == ["published", "published"]
    gone = desk.run("reschedule", "1", "--at", later(days=2), "--by", "王某", "--reason", "x")
    assert gone.exit_code == 1 and "什么都没有改动" in gone.stderr
    assert [row["by"] for row in desk.json("log", "--last", "99") if row["event"] == "rescheduled"] == ["王某"] * 4


def test_half_published_a_notice_is_not_cancelled_as_a_whole(desk: TestDesk) -> None:
    desk.build("county", "city")
    desk.sites["city"].switch(refuse_title="甲")
    desk.drop("招标公告甲")
    desk.run("once")
    whole = desk.run("cancel", "1", "--reason", "不再招标", "--by", "王某")
    assert whole.exit_code == 1 and "什么都没有改动" in whole.stderr
    assert states(desk, "city", "county") == ["failed", "published"]
    one = desk.run("cancel", "1", "--channel", "city", "--reason", "不再招标", "--by", "王某")
    assert (one.exit_code, states(desk, "city", "county")) == (0, ["cancelled", "published"])


def test_c008_a_channel_that_is_added_later_lacks_what_was_accepted_before_and_the_screen_says_so(
    desk: TestDesk,
) -> None:
    desk.build("county")
    desk.drop("招标公告甲", publish_at=system_clock() + timedelta(days=1))
    desk.run("once")
    assert desk.json("show", "1")[0]["not_routed"] == {}
    desk.build("portal")
    desk.run("reschedule", "1", "--now", "--by", "王某", "--reason", "提前")
    desk.drop("招标公告乙")
    assert desk.run("once").exit_code == 0

    (first,), (second,) = desk.json("show", "1"), desk.json("show", "2")
    assert ([d["channel"] for d in first["deliveries"]], list(first["not_routed"])) == (["county"], ["portal"])
    assert ([d["channel"] for d in second["deliveries"]], second["not_routed"]) == (["county", "portal"], {})
    assert [item["title"] for item in desk.sites["portal"].items()] == ["招标公告乙"]
    assert "未发往 portal网" in desk.run("show", "1").stdout


# ---- maintenance and hours


def test_a_silence_holds_across_runs_is_shown_and_ends_by_command(desk: TestDesk) -> None:
    desk.build("county", "city")
    desk.run("once")
    assert desk.run("silence", "city", "--by", "王某").exit_code == 2
    assert desk.run("silence", "cty", "--until", later(hours=1), "--by", "王某").exit_code == 2
    assert desk.run("silence", "city", "--until", "2017-12-04 09:00", "--by", "王某").exit_code == 1
    assert desk.run("silence", "city", "--end", "--by", "王某").exit_code == 1
    told = desk.run("silence", "city", "--until", later(hours=1), "--by", "王某", "--reason", "网站升级")
    assert told.exit_code == 0 and "届时自动恢复" in told.stdout
    desk.drop("招标公告甲")
    assert desk.run("once").exit_code == 3
    assert states(desk, "county", "city") == ["published", "pending"] and desk.sites["city"].items() == []
    assert "维护静默：city网" in desk.run("status").stdout and "（王某）网站升级" in desk.run("status").stdout
    (status,) = desk.json("status")
    assert [one["channel"] for one in status["silences"]] == ["city"]

    assert desk.run("silence", "city", "--end", "--by", "王某").exit_code == 0
    assert desk.run("once").exit_code == 0
    assert desk.json("status")[0]["silences"] == []


def test_a_channel_outside_its_hours_is_shown_with_the_instant_at_which_it_opens(desk: TestDesk) -> None:
    today = datetime.now(LOCAL).date()
    desk.build("county", "city")
    settings = (desk.home / "channels.toml").read_text("utf-8")
    quiet = f'quiet = ["{today}..{today + timedelta(days=1)}"]\n'
    settings = settings.replace("[city.options]", f"{quiet}[city.options]")
    (desk.home / "channels.toml").write_text(settings, "utf-8")
    desk.drop("招标公告甲")
    assert desk.run("once").exit_code == 3

    assert states(desk, "county", "city") == ["published", "pending"]
    opens = f"{today + timedelta(days=2)} 00:00"
    assert f"不在发布时段：city网，{opens}" in desk.run("status").stdout
