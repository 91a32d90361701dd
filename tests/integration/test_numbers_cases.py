"""Cases of numbers and evidence, on installations that ran their commands: one story in every place."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from publisher.channel import Receipt
from publisher.counts import views
from publisher.delivery import State
from publisher.errors import ChannelError, Reason, TransientFailure
from publisher.ledger import acts, daemons, deliveries
from publisher.ledger.acts import Person
from publisher.ledger.chain import iso
from publisher.notice import LOCAL
from tests.support.builders import a_notice
from tests.support.desk import TestDesk
from tests.support.scripted import Scripted
from tests.support.sending import World, a_world

NEW_YEAR = datetime(2018, 1, 1, tzinfo=LOCAL)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    made = TestDesk(tmp_path)
    yield made
    made.close()


# ---- C052: the day boundary is local


def test_c052_days_are_local_whatever_zone_the_machine_is_in(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"site": Scripted()}, start=NEW_YEAR - timedelta(minutes=5))
    for title, seconds in {"late": -1, "early": 600, "morning": 7.5 * 3600}.items():
        publish(world, title, NEW_YEAR + timedelta(seconds=seconds))
    world.run_for(minutes=1)
    home, url = a_home(tmp_path), address(world)

    for zone in ("UTC", "America/Los_Angeles", "Pacific/Kiritimati"):
        assert counted(home, tmp_path, url, zone, "day") == {"2017-12-31": 1, "2018-01-01": 2}
        assert counted(home, tmp_path, url, zone, "month") == {"2017-12": 1, "2018-01": 2}
        assert counted(home, tmp_path, url, zone, "year") == {"2017": 1, "2018": 2}
        assert counted(home, tmp_path, url, zone, "year", "--from", "2018", "--to", "2018") == {"2018": 2}


def publish(world: World, title: str, visible: datetime, *before: ChannelError) -> str:
    """Accept a notice that the site will show from `visible` on, after it has failed as `before` says."""
    world.channels["site"].adapter.will(title, *before, Receipt(number=f"R-{title}", visible_since=visible))
    return world.accept(a_notice(title=title, project_no=f"NO-{title}", dates={}))


def address(world: World) -> str:
    return world.ledger.engine.url.render_as_string(hide_password=False)


def a_home(folder: Path) -> Path:
    """Settings with which commands can be typed on a ledger that a test has filled."""
    home = folder / "home"
    home.mkdir()
    (home / "publisher.toml").write_text('office = "演练中心"\n', "utf-8")
    (home / "channels.toml").write_text(FEED, "utf-8")
    return home


FEED = """
[feed]
title = "信息"
adapter = "channels.wechat_feed:WechatFeed"
tier = "self_media"
carries = [{ carry = "optional" }]
[feed.options]
base_url = "http://127.0.0.1:9/"
"""


def counted(home: Path, data: Path, url: str, zone: str, by: str, *more: str) -> dict[str, int]:
    """What a program on a machine in `zone` counts."""
    command = [sys.executable, "-m", "publisher", "count", "--by", by, "--json", *more]
    environ = {**os.environ, "TZ": zone, "PUBLISHER_LEDGER_URL": url}
    told = subprocess.run(
        [*command, "--home", str(home), "--data", str(data)], env=environ, capture_output=True, check=True, timeout=60
    )
    return {row[by]: row["publications"] for row in json.loads(told.stdout)["rows"]}


# ---- C054: every screen gives the same number


def test_c054_overview_list_export_and_monthly_report_give_identical_totals(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"site": Scripted()}, start=NEW_YEAR - timedelta(minutes=5))
    for count in range(7):
        moment = NEW_YEAR + timedelta(milliseconds=(count - 3) * 150 + 20)
        publish(world, f"t{count}", moment, *[TransientFailure(Reason.BUSY, "忙")] * (count < 3))
    taken_back, old = publish(world, "taken back", NEW_YEAR), publish(world, "old text", NEW_YEAR)
    with world.ledger.write() as tx:
        for row in acts.of_number(tx.conn, old):
            deliveries.supersede(tx, row, "程序", "99")
    world.run_for(minutes=4)
    with world.ledger.write() as tx:
        acts.undo_confirm(tx, world.row(taken_back, "site"), Person("王某", "wang@desk"), "看错了")
    desk = TestDesk(tmp_path, url=address(world))
    a_home(tmp_path)

    for month, day, expected in (("2017-12", "2017-12-31", 3), ("2018-01", "2018-01-01", 4)):
        (counted,) = desk.json("count", "--by", "day", "--from", month, "--to", month, "--list", "--explain")
        assert [(row["day"], row["publications"]) for row in counted["rows"]] == [(day, expected)]
        assert len(counted["list"]) == counted["publications"] == counted["notices"] == expected
        (behind,) = counted["explain"]
        assert len(behind["added"]) - len(behind["subtracted"]) == expected
        out = tmp_path / f"{month}.csv"
        assert desk.run("export", "--from", month, "--to", month, "--out", str(out)).exit_code == 0
        assert len(list(csv.DictReader(io.StringIO(out.read_text("utf-8-sig"))))) == expected
        report = desk.run(
            "report", "monthly", "--year", month[:4], "--month", month[5:].lstrip("0"), "--format", "json"
        )
        figures = json.loads(report.stdout)["figures"]
        assert int(figures["publications"]["value"]) == int(figures["notices"]["value"]) == expected
        with world.ledger.read() as conn:
            today = views.overview(conn, datetime.fromisoformat(day).replace(hour=12, tzinfo=LOCAL), False).today
        assert today.publications == expected


# ---- C057: one story everywhere; empty history proves nothing


def test_c057_a_failure_is_the_same_in_every_place_and_successes_have_their_rows_too(desk: TestDesk) -> None:
    desk.build("county", "city")
    desk.sites["county"].switch(fail="lock_out")
    desk.drop("招标公告甲")
    assert desk.run("once").exit_code != 0
    state = desk.row("1", "county")
    at = iso(state.changed_at)
    (overview,), (shown,) = desk.json("status"), desk.json("show", "1")
    told = {one["channel"]: one for one in shown["deliveries"]}
    logged = [line for line in desk.json("log") if line.get("channel") == "county"]

    assert (state.state, state.reason) == (State.PENDING.value, Reason.BAD_CREDENTIAL.value)
    assert overview["deliveries"] == {"county": {"pending": 1}, "city": {"published": 1}}
    facts = ("state", "reason", "detail", "changed_at")
    assert [told["county"][name] for name in facts] == [state.state, state.reason, state.detail, at]
    assert {row["event"]: row["recorded_at"] for row in logged} == dict.fromkeys(
        ("stopped", "alarm_raised", "try_failed"), at
    )
    (alarm,), (stop,) = overview["alarms"], overview["stops"]
    assert (alarm["channel"], alarm["raised_at"]) == (stop["channel"], stop["since"]) == ("county", at)
    receipt = desk.receipt("1")
    assert f"county网（必发）：待发布\n    说明：{state.detail}" in receipt and "city网（必发）：已发布" in receipt
    assert desk.run("export", "--out", str(desk.folder / "out.csv")).exit_code == 0
    exported = list(csv.DictReader(io.StringIO((desk.folder / "out.csv").read_text("utf-8-sig"))))
    assert [(row["渠道"], row["编号"]) for row in exported] == [("city网", "1")]
    assert [len(told[name]["attempts"]) for name in ("county", "city")] == [1, 1]
    assert told["city"]["attempts"][0]["outcome"] == "published"


def test_c057_a_day_with_nothing_says_whether_the_program_ran(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"site": Scripted()}, start=NEW_YEAR)
    with world.ledger.write() as tx:
        daemons.end(tx, world.daemon_id)
        second = daemons.register(tx, "office", 2, timedelta(minutes=1))
    world.clock.move_to(NEW_YEAR + timedelta(days=1, hours=9))
    with world.ledger.write() as tx:
        daemons.end(tx, second)
    world.clock.move_to(NEW_YEAR + timedelta(days=5))
    desk = TestDesk(tmp_path, url=address(world))
    a_home(tmp_path)

    def said(day: str) -> str:
        return desk.run("count", "--from", day, "--to", day).stdout.splitlines()[-1]

    assert said("2018-01-01") == "0 件，程序运行正常（心跳为据：2018-01-01 00:00 至 2018-01-02 00:00）"
    assert said("2018-01-02").startswith("0 件；程序仅在 2018-01-02 00:00 至 2018-01-02 09:00 运行")
    assert said("2018-01-03") == "0 件；这段时间没有程序运行的记录，不能说明没有公告"
    (facts,) = desk.json("count", "--from", "2018-01-01", "--to", "2018-01-01")
    assert [life["since"][:10] for life in facts["ran"]] == ["2018-01-01"]


# ---- C058: the summary is honest


@pytest.mark.parametrize(
    ("switches", "why", "next_step"),
    [
        ({"key": "another"}, "渠道不接受账号或密钥", "须由管理员处理后恢复"),
        ({"fail": "error_in_200"}, "栏目不存在", ""),
        ({"fail": "503"}, "渠道要求稍后再试", "程序会自动重试或查询"),
    ],
)
def test_c058_a_run_in_which_everything_failed_says_so_to_the_machine_and_to_staff(
    desk: TestDesk, switches: dict[str, str], why: str, next_step: str
) -> None:
    desk.build("county")
    desk.sites["county"].switch(**switches)
    desk.drop("招标公告甲")
    result = desk.run("once")

    assert result.exit_code != 0
    last = result.stdout.splitlines()[-1]
    assert last.startswith("0 成功 / 1 失败") and next_step in last
    assert "已发布" not in desk.receipt("1")
    assert f"说明：{why}" in desk.receipt("1")


# ---- C063: no secrets anywhere

TOKEN, PASSWORD = "TESTSECRET123", 'P@ss"w'
SECRETIVE = """
[{name}]
title = "{name}网"
adapter = "channels.municipal_site:MunicipalSite"
tier = "county"
attempt = "2s"
carries = [{{ carry = "mandatory" }}]
secrets = {{ key = "SITE_PASSWORD", token = "SITE_TOKEN" }}
[{name}.options]
base_url = "{url}"
read = "1s"
[{name}.options.submit]
path = "/api/notices?access_token={{{{ secrets.token }}}}&again={{{{ secrets.key | urlencode }}}}"
"""


def spellings(secret: str) -> set[bytes]:
    """A secret as it may stand in texts, addresses, JSON, headers."""
    coded = base64.b64encode(secret.encode()).decode()
    texts = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], coded}
    return {text.encode() for text in texts}


def test_c063_no_secret_stands_in_the_database_files_exports_receipts_screens_or_logs(desk: TestDesk) -> None:
    desk.build("refusing", "slow", "good")
    desk.sites["refusing"].switch(key="another")
    desk.sites["good"].switch(key=PASSWORD)
    desk.sites["slow"].switch(slow=3)
    urls = {name: site.base_url for name, site in desk.sites.items()} | {"nowhere": "http://nowhere.invalid"}
    sections = [SECRETIVE.format(name=name, url=url) for name, url in urls.items()]
    (desk.home / "channels.toml").write_text("".join(sections), "utf-8")
    secrets = {"SITE_TOKEN": TOKEN, "SITE_PASSWORD": PASSWORD}
    desk.drop("招标公告甲")
    said: list[str] = []

    def run(*words: str) -> str:
        result = desk.run(*words, "--log-level", "debug", env=secrets)
        said.append(result.output + result.stderr)
        return result.stdout

    run("once")
    run("once")
    for words in (["status"], ["show", "1"], ["log"], ["count", "--list", "--explain"], ["gaps"], ["overdue"]):
        run(*words)
        run(*words, "--json")
    for form in ("csv", "xlsx", "jsonl", "ocds"):
        run("export", "--format", form, "--out", str(desk.data / f"out.{form}"))
    run("evidence", "1", "--out", str(desk.data / "1.zip"))
    run("report", "annual", "--year", "2026", "--format", "html", "--out", str(desk.data / "report.html"))
    run("check", "--json")
    with zipfile.ZipFile(desk.data / "1.zip") as pack:
        found = {f"1.zip/{name}": pack.read(name) for name in pack.namelist()}
    found |= {str(path): path.read_bytes() for path in desk.data.rglob("*") if path.is_file()}
    found["screens"] = "\n".join(said).encode()

    for place, data in found.items():
        for secret in spellings(TOKEN) | spellings(PASSWORD):
            assert secret not in data, f"{secret!r} in {place}"
    states = {name: desk.row("1", name) for name in urls}
    assert states["good"].state == State.PUBLISHED.value
    assert states["refusing"].reason == Reason.BAD_CREDENTIAL.value
    assert {states["slow"].state, states["nowhere"].state} <= {"unknown", "pending", "published"}
    for kept in ("/api/notices: HTTP 401", "/api/notices: ReadTimeout", "域名 nowhere.invalid 解析失败"):
        assert kept in found["screens"].decode(), "host, path and code are kept"
