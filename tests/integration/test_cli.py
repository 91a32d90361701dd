"""The commands on a real ledger and practice sites: what they do, what they print, how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from publisher.cli.base import app
from publisher.lock import DaemonLock
from tests.support.desk import TestDesk
from tests.support.tampering import tamper


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    built = TestDesk(tmp_path)
    yield built
    built.close()


# ---- once: an honest summary


def test_once_publishes_what_lies_there_and_says_so_in_its_last_line(desk: TestDesk) -> None:
    desk.build("county", "city", feed=True)
    desk.drop("招标公告甲")
    desk.drop("招标公告乙")
    ran = desk.run("once")

    assert (ran.exit_code, ran.stdout.splitlines()) == (0, ["6 成功 / 0 失败"])
    for site in ("county", "city"):
        assert sorted(item["title"] for item in desk.sites[site].items()) == ["招标公告乙", "招标公告甲"]
    assert "已发布" in desk.receipt("1")
    assert desk.run("once").stdout.splitlines() == ["0 成功 / 0 失败"]


def test_once_with_a_refusing_channel_ends_with_1_and_staff_read_why(desk: TestDesk) -> None:
    desk.build("county")
    desk.sites["county"].switch(refuse_title="甲")
    desk.drop("招标公告甲")
    ran = desk.run("once")

    assert ran.exit_code == 1
    assert ran.stdout.splitlines()[-1] == "0 成功 / 1 失败"
    assert "被拒绝" in desk.receipt("1") and "标题" in desk.receipt("1")


def test_once_with_a_channel_that_is_down_ends_although_the_program_will_try_again(desk: TestDesk) -> None:
    desk.build("county", "city")
    desk.sites["county"].down()
    desk.drop("招标公告甲")
    ran = desk.run("once")

    assert ran.exit_code == 3
    assert ran.stdout.splitlines()[-1] == "1 成功 / 1 失败（其中 1 件程序会自动重试或查询）"
    assert desk.row("1", "county").state == "pending"
    (facts,) = desk.json("once", code=3)
    assert facts["published"] == [] and facts["open"] == 1


def test_once_with_a_file_that_must_go_back_ends_with_1_and_a_duplicate_is_no_failure(desk: TestDesk) -> None:
    desk.build("county")
    good = desk.drop("招标公告甲").read_bytes()
    (desk.data / "folders" / "待发布" / "坏.json").write_text("{}", "utf-8")
    ran = desk.run("once")
    assert (ran.exit_code, ran.stdout.splitlines()[-1]) == (1, "1 成功 / 1 失败")
    assert "坏.json" in ran.stdout

    (desk.data / "folders" / "待发布" / "又一份.json").write_bytes(good)
    ran = desk.run("once")
    assert (ran.exit_code, ran.stdout.splitlines()[-1]) == (0, "0 成功 / 0 失败 / 1 重复")


def test_once_leaves_a_file_that_stays_open_in_an_editor_and_says_so(desk: TestDesk) -> None:
    desk.build("county")
    path = desk.drop("招标公告甲")
    path.with_name("~$招标公告甲.json").write_text("lock", "utf-8")
    ran = desk.run("once")

    assert (ran.exit_code, ran.stdout.splitlines()[-1]) == (3, "0 成功 / 0 失败 / 1 未收取")
    assert path.exists()


# ---- the same number everywhere


def test_status_count_list_log_and_show_tell_one_story(desk: TestDesk) -> None:
    desk.build("county", feed=True)
    desk.drop("招标公告甲")
    desk.drop("招标公告乙")
    desk.sites["county"].switch(refuse_title="乙")
    assert desk.run("once").exit_code == 1

    (status,) = desk.json("status")
    (counted,) = desk.json("count", "--by", "channel,month", "--list")
    assert desk.json("count", "--by", "channel", "--by", "month", "--list") == [counted]
    log = desk.json("log", "--last", "1000")
    shown = [desk.json("show", number)[0] for number in ("1", "2")]
    published = [d for one in shown for d in one["deliveries"] if d["state"] == "published"]
    assert status["today"]["publications"] == counted["publications"] == len(counted["list"]) == len(published) == 3
    assert sum(row.get("weight", 0) for row in log) == 3
    assert status["deliveries"] == {"county": {"failed": 1, "published": 1}, "wechat_feed": {"published": 2}}
    assert sum(row["publications"] for row in counted["rows"]) == 3 and counted["notices"] == 2
    assert [(g["number"], g["channel"], g["state"]) for g in desk.json("gaps")] == [("2", "county", "failed")]
    assert "今日 3 件（按渠道计，公告 2 份）" in desk.run("status").stdout
    assert desk.run("count").stdout.splitlines()[-1] == "合计：发布 3，公告 2"


def test_everything_that_lists_prints_json_lines_marked_as_practice(desk: TestDesk) -> None:
    desk.build("county")
    desk.drop("招标公告甲")
    desk.sites["county"].down()
    assert desk.run("once").exit_code == 3
    desk.run("hold", "1", "--by", "王某")
    for words in (["status"], ["count"], ["log"], ["show", "1"], ["gaps"], ["tasks"], ["verify"], ["check"]):
        lines = desk.json(*words)
        assert lines and all(line["practice"] is True for line in lines), words
    assert desk.json("overdue") == []


def test_a_day_with_nothing_shows_0_and_whether_the_program_runs(desk: TestDesk) -> None:
    desk.build("county")
    assert desk.run("once").exit_code == 0
    assert "今日 0 件（按渠道计，公告 0 份），程序未运行" in desk.run("status").stdout


def test_verify_names_a_changed_row_and_ends_with_1(desk: TestDesk) -> None:
    desk.build("county")
    desk.drop("招标公告甲")
    desk.run("once")
    good = desk.run("verify")
    assert good.exit_code == 0 and "校验通过【演练】" in good.stdout and "没有缺失" in good.stdout

    ledger = desk.ledger()
    tamper(ledger.engine, "UPDATE publication_log SET visible_day = '2017-01-01' WHERE weight = 1")
    ledger.close()
    bad = desk.run("verify")
    assert bad.exit_code == 1
    (told,) = desk.json("verify", code=1)
    assert told["ok"] is False and told["faults"][0]["kind"] == "changed"
    assert "日志行被改动：第 " in bad.stdout and "visible_day" in bad.stdout


# ---- acts


def test_an_approval_lets_a_notice_go_and_is_logged_with_name_and_account(desk: TestDesk) -> None:
    desk.build("county", approvals=1)
    desk.drop("招标公告甲")
    assert desk.run("once").exit_code == 3
    assert desk.json("status")[0]["waiting_approval"] == ["1"]
    assert desk.run("approve", "1", "--by", "王某").exit_code == 0
    again = desk.run("approve", "1", "--by", "王某")
    assert (again.exit_code, again.stderr.strip()) == (1, "王某 已批准过 1")
    assert desk.run("once").exit_code == 0

    (approved,) = [row for row in desk.json("log") if row["event"] == "approved"]
    assert approved["by"] == "王某" and "@" in approved["data"]["account"]


def test_a_hold_keeps_one_channel_back_until_its_release(desk: TestDesk) -> None:
    desk.build("county", "city", approvals=1)
    desk.drop("招标公告甲")
    desk.run("once")
    held = desk.run("hold", "1", "--channel", "city", "--reason", "等领导", "--by", "王某")
    assert (held.exit_code, held.stdout) == (0, "1　city网：已暂停\n")
    desk.run("approve", "1")
    assert desk.run("once").exit_code == 0
    assert (desk.row("1", "county").state, desk.row("1", "city").state) == ("published", "held")
    assert [task["text"] for task in desk.json("tasks")] == ["等领导"]

    assert desk.run("release", "1").stdout == "1　city网：已放行\n"
    assert desk.run("once").stdout.splitlines()[-1] == "1 成功 / 0 失败"
    assert desk.run("release", "1").exit_code == 1


def test_a_stop_holds_across_runs_until_it_is_resumed(desk: TestDesk) -> None:
    desk.build("county", "city")
    assert desk.run("stop", "city", "--by", "王某", "--reason", "核对").exit_code == 2  # no ledger yet
    assert desk.run("once").exit_code == 0
    assert desk.run("stop", "city", "--by", "王某", "--reason", "核对").exit_code == 0
    assert desk.run("stop", "--channel", "city").exit_code == 1
    desk.drop("招标公告甲")
    assert desk.run("once").exit_code == 3
    assert (desk.row("1", "county").state, desk.row("1", "city").state) == ("published", "pending")
    assert "已停止发送：city网" in desk.run("status").stdout

    assert desk.run("resume", "--channel", "city").exit_code == 0
    assert desk.run("resume", "city").exit_code == 1
    assert desk.run("once").exit_code == 0
    (stopped,) = [row for row in desk.json("log") if row["event"] == "stopped"]
    assert stopped["by"] == "王某" and "@" in stopped["data"]["account"]


def test_one_command_sends_everything_again_that_a_channel_refused_and_nothing_else(desk: TestDesk) -> None:
    desk.build("county", "city")
    for name in ("county", "city"):
        desk.sites[name].switch(refuse_title="号")
    for number in range(1, 7):
        desk.drop(f"{number}号招标公告")
    assert desk.run("once").stdout.splitlines()[-1] == "0 成功 / 12 失败"
    for name in ("county", "city"):
        desk.sites[name].switch(refuse_title="")
    assert desk.run("retry", "2", "--channel", "county", "--by", "李某").exit_code == 0
    assert desk.run("once").stdout.splitlines()[-1] == "1 成功 / 0 失败"
    assert desk.run("cancel", "3", "--reason", "不再招标", "--by", "李某").exit_code == 0

    told = desk.run("retry", "--channel", "county", "--all-failed", "--by", "王某", "--reason", "已修复")
    assert told.stdout.splitlines() == [f"{number}　county网：重新发送" for number in ("1", "4", "5", "6")]
    assert desk.run("once").stdout.splitlines()[-1] == "4 成功 / 0 失败"
    assert len(desk.sites["county"].items()) == 5 and desk.sites["city"].items() == []
    retried = [row for row in desk.json("log", "--last", "999") if row["event"] == "retried" and row["by"] == "王某"]
    assert [row["number"] for row in retried] == ["1", "4", "5", "6"]
    nothing = desk.run("retry", "--channel", "county", "--all-failed")
    assert (nothing.exit_code, "没有失败项" in nothing.stderr) == (1, True)
    assert desk.run("retry", "--channel", "county").exit_code == 2


def test_a_text_made_anew_has_a_new_key_and_needs_a_new_approval(desk: TestDesk) -> None:
    desk.build("county", "city", approvals=1)
    desk.sites["county"].switch(refuse_title="甲", idempotent=True)
    desk.drop("招标公告甲")
    desk.run("once")
    desk.run("approve", "1", "--by", "王某")
    assert desk.run("once").stdout.splitlines()[-1] == "1 成功 / 1 失败"
    before = desk.row("1", "county")

    own = desk.home / "templates" / "county" / "notice.html.j2"
    own.parent.mkdir(parents=True)
    own.write_text("<div>{{ notice.titel }}{{ body }}</div>", "utf-8")
    faulty = desk.run("retry", "1", "--channel", "county", "--render")
    assert faulty.exit_code == 1 and "notice.titel" in faulty.stderr
    own.write_text("<div>{{ body }}<p>曲阜</p></div>", "utf-8")
    assert desk.run("retry", "1", "--render", "--by", "王某").stdout == "1　county网：已重新排版，等待批准\n"
    after = desk.row("1", "county")
    assert after.delivery_key != before.delivery_key and after.rendition_sha256 != before.rendition_sha256
    assert (after.state, after.waits_for) == ("pending", "approval")

    desk.sites["county"].switch(refuse_title="")
    assert desk.run("once").exit_code == 3
    assert desk.run("approve", "1", "--by", "王某").exit_code == 0
    assert desk.run("once").stdout.splitlines()[-1] == "1 成功 / 0 失败"
    assert len(desk.sites["city"].items()) == 1
    assert desk.run("verify").exit_code == 0
    published = desk.run("retry", "1", "--render")
    assert published.exit_code == 1 and "没有可以重新排版的渠道" in published.stderr


def test_a_held_file_is_read_once_more_when_its_cause_is_put_right(desk: TestDesk) -> None:
    desk.build("county")
    settings = (desk.home / "channels.toml").read_text("utf-8")
    (desk.home / "channels.toml").write_text(settings.replace('carry = "mandatory"', 'carry = "none"'), "utf-8")
    desk.drop("招标公告甲")
    held = desk.run("once")
    assert held.exit_code == 1 and "没有任何渠道承接此类公告" in held.stdout
    (waiting,) = (desk.data / "folders" / "待处理").glob("*.json")

    (desk.home / "channels.toml").write_text(settings, "utf-8")
    assert desk.run("retry", "1", "--by", "王某").stdout == "1　：重新读取并检查\n"
    assert desk.run("once").stdout.splitlines()[-1] == "1 成功 / 0 失败"
    assert not waiting.exists() and list((desk.data / "folders" / "已发布").rglob("*.json"))
    assert list((desk.data / "folders" / "待处理").iterdir()) == []
    refused = desk.run("retry", "1")
    assert refused.exit_code == 1 and "已发布的不能重发" in refused.stderr


def test_a_person_confirms_what_the_channel_cannot_tell_and_can_take_it_back(desk: TestDesk) -> None:
    desk.build("county")
    settings = (desk.home / "channels.toml").read_text("utf-8")
    (desk.home / "channels.toml").write_text(settings + "findable = false\n", "utf-8")
    desk.sites["county"].switch(fail="reset_after_store", idempotent=False)
    desk.drop("招标公告甲")
    assert desk.run("once").exit_code == 1
    assert desk.row("1", "county").reason == "cannot_be_asked"
    unnamed = desk.run("release", "1", "--not-there")
    assert unnamed.exit_code == 2 and "--by" in unnamed.stderr
    rendered = desk.run("retry", "1", "--render")
    assert rendered.exit_code == 1 and "没有可以重新排版的渠道" in rendered.stderr
    too_early = desk.run("confirm", "1", "--seen-at", "2017-12-04 10:30", "--by", "王某")
    assert too_early.exit_code == 1 and "看到的时间" in too_early.stderr

    done = desk.run("confirm", "1", "--number", "W-7", "--url", "http://127.0.0.1/7", "--by", "王某")
    assert (done.exit_code, desk.row("1", "county").channel_number) == (0, "W-7")
    assert desk.json("count")[0]["publications"] == 1
    assert desk.run("confirm", "1", "--undo", "--reason", "看错", "--by", "王某").exit_code == 0
    assert desk.json("count")[0]["publications"] == 0
    assert desk.row("1", "county").reason == "confirmation_undone"
    assert desk.run("verify").exit_code == 0


# ---- looking without a ledger


def test_check_says_what_would_become_of_a_file_and_writes_nothing(desk: TestDesk) -> None:
    desk.build("county", feed=True)
    good = desk.drop("招标公告甲")
    ran = desk.run("check", str(good))
    assert ran.exit_code == 0
    assert "可以受理" in ran.stdout and "项目编号：NO-招标公告甲" in ran.stdout and "→ county网（必发）" in ran.stdout
    assert not (desk.data / "ledger.sqlite3").exists() and good.exists()

    lacking = desk.drop("招标公告乙", tenderee=None)
    without = desk.run("check", str(lacking))
    assert without.exit_code == 1 and "将转待处理" in without.stdout and "未写明：" in without.stdout
    lacking.unlink()

    assert desk.run("once").exit_code == 0
    again = desk.drop("招标公告甲")
    known = desk.run("check", str(again))
    assert known.exit_code == 1 and "已收过：与编号 1 相同" in known.stdout


def test_check_tries_templates_and_channels_and_shows_routing_and_names(desk: TestDesk) -> None:
    desk.build("county")
    ran = desk.run("check")
    assert ran.exit_code == 0 and ran.stdout.splitlines()[-1] == "检查通过"
    assert "Thumbs.db：忽略" in ran.stdout and "招标公告.docx：收取" in ran.stdout
    (facts,) = desk.json("check")
    assert {row["channels"]["county"] for row in facts["routing"]} == {"mandatory"}

    own = desk.home / "templates" / "county" / "notice.html.j2"
    own.parent.mkdir(parents=True)
    own.write_text("{% if %}", "utf-8")
    broken = desk.run("check")
    assert broken.exit_code == 2 and "有误：county: template county/notice.html.j2" in broken.stdout


def test_extract_prints_one_line_for_each_file_with_its_folder(desk: TestDesk) -> None:
    desk.build("county")
    good = desk.drop("招标公告甲")
    bad = good.with_name("坏.json")
    bad.write_text("{}", "utf-8")
    one, two = desk.json("extract", str(good), str(bad))
    assert (one["path"], one["folder"], one["outcome"], one["title"]) == (str(good), "待发布", "accepted", "招标公告甲")
    assert (two["outcome"], two["because"]) == ("returned", "not_by_schema")
    assert desk.run("extract", str(desk.folder / "none.docx")).exit_code == 2
    assert not (desk.data / "ledger.sqlite3").exists()


def test_preview_writes_exactly_the_bytes_that_are_then_sent(desk: TestDesk, tmp_path: Path) -> None:
    desk.build("county", feed=True)
    path = desk.drop("招标公告甲")
    seen = desk.json("preview", str(path), "--out", str(tmp_path / "seen"))
    assert [line["channel"] for line in seen] == ["county", "wechat_feed"]
    assert desk.run("once").exit_code == 0
    for line in seen:
        assert desk.row("1", line["channel"]).rendition_sha256 == line["sha256"]
    content = (tmp_path / "seen" / "county" / "notice.html").read_text("utf-8")
    assert content == desk.sites["county"].items()[0]["body"]


def test_the_schema_is_that_of_the_data_files_that_are_taken(desk: TestDesk) -> None:
    desk.build("county")
    schema = json.loads(desk.run("schema").stdout)
    given = json.loads(desk.drop("招标公告甲").read_text("utf-8"))
    assert set(schema["required"]) <= set(given) <= set(schema["properties"])


# ---- errors


def test_errors_are_one_clear_message_and_never_a_traceback(desk: TestDesk) -> None:
    desk.build("county")
    no_ledger = desk.run("status")
    assert (no_ledger.exit_code, no_ledger.stdout) == (2, "") and "there is no ledger" in no_ledger.stderr
    desk.run("once")
    unknown = desk.run("stop", "contry")
    assert unknown.exit_code == 2 and "did you mean county?" in unknown.stderr
    nobody = desk.run("show", "7")
    assert (nobody.exit_code, nobody.stderr) == (1, "没有编号 7 的收件\n")
    day = desk.run("count", "--from", "2017-13")
    assert day.exit_code == 2 and "2017-13" in day.stderr
    group = desk.run("count", "--by", "weather")
    assert group.exit_code == 2 and "weather" in group.stderr
    (desk.home / "publisher.toml").write_text("offfice = 1", "utf-8")
    wrong = desk.run("status")
    assert wrong.exit_code == 2 and "offfice" in wrong.stderr
    assert "Traceback" not in "".join(r.stderr for r in (no_ledger, unknown, nobody, day, group, wrong))


def test_on_one_file_there_is_one_daemon(tmp_path: Path) -> None:
    desk = TestDesk(tmp_path, url=f"sqlite:///{tmp_path}/data/ledger.sqlite3")
    desk.build("county")
    with DaemonLock(desk.data / "ledger.lock") as lock:
        lock.acquire("desk", 17)
        busy = desk.run("once")
    desk.close()
    assert busy.exit_code == 2 and "another daemon is running" in busy.stderr and "Traceback" not in busy.stderr


def test_a_settings_folder_that_is_not_there_is_named() -> None:
    result = CliRunner().invoke(app, ["check", "--home", "/nowhere/at/all"])
    assert result.exit_code == 2 and "/nowhere/at/all" in result.stderr
