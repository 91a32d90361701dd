"""The page of a month: in the staff folder after every comparison, and by command, from the log alone."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest

from publisher.app import read_settings, start_worker
from publisher.notice import LOCAL
from publisher.reconciling.asking import Asker
from publisher.reconciling.comparing import reconcile
from publisher.settings import LEDGER_URL_VARIABLE
from tests.support.clocked_desk import ALL, ClockedDesk
from tests.support.desk import TestDesk

THIRD = datetime(2018, 1, 3, 8, 0, tzinfo=LOCAL)


# ---- the daemon


@pytest.fixture
def clocked(tmp_path: Path) -> Iterator[ClockedDesk]:
    """A feed that shows two notices of December, on the third of January."""
    desk = ClockedDesk(tmp_path)
    desk.open(feed=ALL)
    desk.drop("甲")
    desk.drop("乙")
    desk.clock.move_to(THIRD)
    yield desk
    desk.close()


def compare(desk: ClockedDesk) -> bool:
    """What the daemon does in its turns: the monthly comparison if it is due, and the pages of what was compared."""
    done = desk.line.reconcile()
    desk.line.watch()
    return done


def folder(desk: ClockedDesk) -> Path:
    return desk.line.office.folders.reconciled


def articles(desk: ClockedDesk) -> list[Path]:
    return sorted((desk.line.office.channels["feed"].settings.folder or desk.folder).rglob("articles/*.html"))


def test_the_monthly_comparison_leaves_its_page_in_the_staff_folder(clocked: ClockedDesk) -> None:
    assert compare(clocked)
    (page,) = folder(clocked).iterdir()
    text = page.read_text("utf-8")

    assert (page.name, page.parent.name) == ("2017-12.html", "对账")
    assert "feed栏目" in text and "程序核对过的全部相符。" in text
    assert oct(page.stat().st_mode)[-3:] == "664", "staff can read it"


def test_a_page_of_what_is_missing_names_it_and_the_alarm_names_the_page(clocked: ClockedDesk) -> None:
    articles(clocked)[0].unlink()
    compare(clocked)
    text = (folder(clocked) / "2017-12.html").read_text("utf-8")

    assert "不符事项（1 件）" in text and "缺失" in text
    assert "“对账”文件夹中的 2017-12.html" in clocked.alarms()["reconcile:feed:2017-12"]


def test_the_page_is_made_anew_once_the_month_was_compared_again_and_not_otherwise(clocked: ClockedDesk) -> None:
    article = articles(clocked)[0]
    content = article.read_bytes()
    article.unlink()
    compare(clocked)
    page = folder(clocked) / "2017-12.html"
    first = page.stat().st_ino
    compare(clocked)
    assert page.stat().st_ino == first, "nothing was compared since"

    article.write_bytes(content)
    office = clocked.line.office
    asker = Asker(office.ledger, office.machine, office.settings.sending)
    reconcile(asker, office.channels, date(2017, 12, 1), date(2017, 12, 31), by="王某")
    compare(clocked)
    text = page.read_text("utf-8")
    assert "程序核对过的全部相符。" in text and "王某" in text
    assert clocked.alarms() == {}


def test_a_folder_that_is_away_raises_an_alarm_and_the_page_comes_when_it_is_back(clocked: ClockedDesk) -> None:
    shutil.rmtree(folder(clocked))
    folder(clocked).write_bytes(b"in the way")
    compare(clocked)
    assert "对账单无法写入" in clocked.alarms()["reconcile_page"]

    folder(clocked).unlink()
    compare(clocked)
    assert (folder(clocked) / "2017-12.html").exists()
    assert clocked.alarms() == {}


# ---- the command


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    """A site with a list, and a feed, that show two notices of this month."""
    made = TestDesk(tmp_path)
    made.build("county", feed=True, more='[county.options.query]\nlist_path = "/"\n')
    made.drop("招标公告甲")
    made.drop("招标公告乙")
    made.run("once")
    yield made
    made.close()


def month(desk: TestDesk) -> str:
    return str(desk.row("1", "county").visible_since)[:7]


def test_the_command_writes_the_page_where_it_is_told_and_into_the_staff_folder(desk: TestDesk) -> None:
    page = desk.folder / "page.html"
    told = desk.run("reconcile", "--month", month(desk), "--page", str(page), "--by", "王某")

    assert told.exit_code == 0, told.output
    assert page.read_bytes() == (desk.data / "folders" / "对账" / f"{month(desk)}.html").read_bytes()
    assert "county网" in page.read_text("utf-8") and "王某" in page.read_text("utf-8")


def test_the_last_result_is_shown_without_asking_anybody(desk: TestDesk) -> None:
    desk.sites["county"].stop()
    (first,) = desk.json("reconcile", "--month", month(desk), "--by", "王某", code=1)
    (again,) = desk.json("reconcile", "--month", month(desk), "--last", code=1)
    page = desk.folder / "page.html"
    text = desk.run("reconcile", "--month", month(desk), "--last", "--page", str(page))

    for fact in again["channels"]:
        assert (fact.pop("by"), fact.pop("at")[:7]) == ("王某", month(desk)) and fact.pop("row") > 0
    assert again == first
    assert text.exit_code == 1
    assert "没有再询问渠道" in text.output and "未能查询" in text.output
    assert "连接不上" in text.output and "unreachable" not in text.output + page.read_text("utf-8")
    assert page.read_bytes() == (desk.data / "folders" / "对账" / f"{month(desk)}.html").read_bytes()
    with desk.ledger().read() as conn:
        rows = conn.exec_driver_sql("select count(*) from publication_log where event = 'reconciled'").scalar_one()
    assert rows == 2


def test_one_channel_compared_anew_changes_its_line_of_the_page_alone(desk: TestDesk) -> None:
    desk.run("reconcile", "--month", month(desk), "--by", "王某")
    (told,) = desk.json("reconcile", "--month", month(desk), "--channel", "county", "--by", "李某")
    (kept,) = desk.json("reconcile", "--month", month(desk), "--last")
    (one,) = desk.json("reconcile", "--month", month(desk), "--last", "--channel", "county")[0]["channels"]

    assert [fact["channel"] for fact in told["channels"]] == ["county"]
    assert {fact["channel"]: fact["by"] for fact in kept["channels"]} == {"county": "李某", "wechat_feed": "王某"}
    assert one["by"] == "李某"


def test_a_year_is_compared_and_kept_like_a_month_and_leaves_no_page_in_the_folder(desk: TestDesk) -> None:
    year, page = month(desk)[:4], desk.folder / "year.html"
    (told,) = desk.json("reconcile", "--month", year, "--page", str(page))

    assert (told["from"], told["to"]) == (f"{year}-01-01", f"{year}-12-31")
    assert [fact["logged"] for fact in told["channels"]] == [2, 2]
    assert f"发布对账单（{year}）" in page.read_text("utf-8")
    assert list((desk.data / "folders" / "对账").iterdir()) == []
    assert desk.json("reconcile", "--month", year, "--last")[0]["channels"][0]["logged"] == 2


def test_a_span_without_a_result_names_the_command_that_makes_one(desk: TestDesk) -> None:
    told = desk.run("reconcile", "--month", "2017-12", "--last")

    assert told.exit_code == 1
    assert "publisher reconcile --month 2017-12" in told.output


def test_a_file_that_exists_is_refused_before_any_channel_is_asked(desk: TestDesk) -> None:
    page = desk.folder / "page.html"
    page.write_text("mine", "utf-8")
    told = desk.run("reconcile", "--month", month(desk), "--page", str(page))

    assert (told.exit_code, page.read_text("utf-8")) == (2, "mine")
    assert "--page" in told.output
    assert desk.run("reconcile", "--month", month(desk), "--last").exit_code == 1


def test_without_the_staff_folder_here_the_page_is_left_to_the_daemon(desk: TestDesk) -> None:
    shutil.rmtree(desk.data / "folders" / "对账")
    told = desk.run("reconcile", "--month", month(desk))

    assert told.exit_code == 0, told.output
    assert not (desk.data / "folders" / "对账").exists()
    environ = os.environ | {LEDGER_URL_VARIABLE: desk.url}
    worker = start_worker(read_settings(desk.home, desk.data, environ), environ)
    shutil.rmtree(desk.data / "folders" / "对账")
    worker.watch()
    worker.close()
    assert (desk.data / "folders" / "对账" / f"{month(desk)}.html").exists()


def test_a_folder_that_is_away_leaves_the_result_in_the_log_and_says_so(desk: TestDesk) -> None:
    folder = desk.data / "folders" / "对账"
    shutil.rmtree(folder)
    folder.write_bytes(b"in the way")
    told = desk.run("reconcile", "--month", month(desk), "--json")

    assert told.exit_code == 1
    assert all(fact["agrees"] for fact in json.loads(told.stdout)["channels"])
    assert "对账单没有写入" in told.stderr
    assert desk.json("reconcile", "--month", month(desk), "--last")
