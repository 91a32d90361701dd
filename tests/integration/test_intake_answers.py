"""What staff say about a file: beside it, in 待处理, by a command; and what they ask to be taken back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from publisher.ledger.tables import delivery, intake
from tests.support.desk import FEED, TestDesk
from tests.support.line import Desk, as_json, notice_text

OTHER = "<p>" + "另一份内容的公告正文，" * 5 + "</p>"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.worker.close()


def alarms(desk: Desk) -> list[str]:
    with desk.worker.office.ledger.read() as conn:
        return list(conn.exec_driver_sql("select cause from alarm where cleared_at is null").scalars())


def events(desk: Desk) -> list[str]:
    with desk.worker.office.ledger.read() as conn:
        return list(conn.exec_driver_sql("select event from publication_log order by seq").scalars())


def beside(desk: Desk, folder: str, name: str, text: str) -> None:
    """Put a text into a staff folder, as staff do at this moment."""
    path = desk.root / folder / name
    path.write_text(text, encoding="utf-8")
    os.utime(path, (desk.clock().timestamp(),) * 2)


# ---- the sidecar in the drop folder


def test_a_file_goes_with_its_sidecar_to_where_it_belongs(desk: Desk) -> None:
    desk.drop("招标公告.txt", notice_text())
    desk.drop("招标公告.txt.yaml", "项目编号: QF-旁\n")
    desk.work()

    assert desk.states() == ["accepted"]
    assert "QF-旁" in desk.text("回执", ".回执.txt")
    assert desk.names("已发布") == ["2017-12-04/1_招标公告.txt", "2017-12-04/1_招标公告.txt.yaml"]
    assert desk.names("待发布") == []


def test_a_file_waits_until_its_sidecar_has_rested_too(desk: Desk) -> None:
    desk.drop("招标公告.txt", notice_text())
    desk.turn()
    desk.turn(4)
    desk.drop("招标公告.yaml", "项目编号: QF-")
    desk.turn(4)
    desk.drop("招标公告.yaml", "项目编号: QF-旁\n")
    desk.turn(4)
    assert desk.states() == []
    desk.turn(6)

    assert desk.states() == ["accepted"]
    assert "QF-旁" in desk.text("回执", ".回执.txt")


def test_an_empty_sidecar_keeps_its_file_waiting(desk: Desk) -> None:
    desk.drop("招标公告.txt", notice_text())
    desk.drop("招标公告.yaml", "")
    desk.work()

    assert desk.states() == []


def test_a_sidecar_without_a_file_is_never_taken_and_is_told(desk: Desk) -> None:
    desk.drop("招标公告.yaml", "项目编号: QF-旁\n")
    desk.work()
    desk.turn(700)

    assert desk.states() == []
    assert desk.names("待发布") == ["招标公告.yaml"]
    assert alarms(desk) == ["unready_files"]


def test_a_wrong_sidecar_is_held_with_its_line_and_put_right_where_it_lies(desk: Desk) -> None:
    desk.drop("招标公告.txt", notice_text())
    desk.drop("招标公告.txt.yaml", "发布时间: 明天\n")
    desk.work()
    assert desk.states() == ["held"]
    assert "第1行“发布时间”" in desk.text("待处理", ".待处理说明.txt")

    beside(desk, "待处理", "1_招标公告.txt.yaml", "加急: 否\n")
    desk.turn(10)
    desk.work()

    assert desk.states() == ["accepted"]
    assert desk.names("待处理") == []
    assert "stated" in events(desk)


def test_what_a_held_file_lacks_may_be_stated_beside_it_in_the_held_folder(desk: Desk) -> None:
    desk.drop(
        "招标公告.txt",
        notice_text().replace("二、招标人：曲阜市某某局\n", "").replace("项目编号：QFZB-2017-0900\n", ""),
    )
    desk.work()
    held = desk.states()
    name = next(name for name in desk.names("待处理") if name.endswith("公告.txt"))
    beside(desk, "待处理", f"{name}.yaml", "招标人: 曲阜市某某局\n项目编号: QFZB-2017-0900\n")
    desk.turn(10)
    desk.work()

    assert held == ["held"]
    assert desk.states() == ["accepted"]
    assert f"2017-12-04/{name}.yaml" in desk.names("已发布")


def test_a_time_to_publish_in_the_sidecar_is_kept(desk: Desk) -> None:
    desk.drop("招标公告.txt", notice_text())
    desk.drop("招标公告.yaml", "发布时间: 2017-12-05 08:30\n")
    desk.work()
    with desk.worker.office.ledger.read() as conn:
        waits = conn.execute(select(delivery.c.waits_for)).scalars().all()
    desk.turn(24 * 3600)

    assert waits == ["time"]
    assert desk.names("已发布")


def test_a_mandatory_channel_cannot_be_left_out_and_an_unknown_one_not_chosen(desk: Desk) -> None:
    desk.drop("招标公告.txt", notice_text())
    desk.drop("招标公告.yaml", "不发渠道: 微信资讯\n渠道: 号外\n")
    desk.work()

    assert desk.states() == ["held"]
    note = desk.text("待处理", ".待处理说明.txt")
    assert "必发渠道，不能不发" in note
    assert "没有名为“号外”的渠道" in note


def test_an_urgent_notice_is_due_before_the_others(desk: Desk) -> None:
    desk.drop("甲.txt", notice_text())
    desk.drop("乙.txt", notice_text().replace("0900", "0901"))
    desk.drop("乙.yaml", "加急: 是\n")
    desk.work()

    with desk.worker.office.ledger.read() as conn:
        rows = conn.execute(
            select(intake.c.file_name, delivery.c.deadline, intake.c.decided_at).join(
                delivery, delivery.c.version_id == intake.c.version_id
            )
        ).all()
    due = {row.file_name: row.deadline - row.decided_at for row in rows}
    assert due["乙.txt"] <= timedelta(minutes=15) < due["甲.txt"]


def test_optional_channels_are_left_out_and_chosen_by_title(tmp_path: Path) -> None:
    desk = TestDesk(tmp_path)
    off = (
        FEED.replace("[wechat_feed", "[off")
        .replace("微信资讯", "号外")
        .replace("127.0.0.1:9", "127.0.0.1:9/off")
        .replace('"optional"', '"optional", default = false')
    )
    desk.build("county", feed=True, more=off)
    desk.drop("甲路工程招标公告")
    desk.drop("乙路工程招标公告")
    folder = desk.data / "folders" / "待发布"
    (folder / "乙路工程招标公告.yaml").write_text("渠道: 号外\n不发渠道: 微信资讯\n", "utf-8")
    desk.run("once")
    ledger = desk.ledger()
    with ledger.read() as conn:
        rows = conn.execute(
            select(intake.c.file_name, delivery.c.channel).join(delivery, delivery.c.version_id == intake.c.version_id)
        ).all()
    ledger.close()
    desk.close()

    assert {row.channel for row in rows if row.file_name.startswith("甲")} == {"county", "wechat_feed"}
    assert {row.channel for row in rows if row.file_name.startswith("乙")} == {"county", "off"}


# ---- release --as


@pytest.fixture
def typed(tmp_path: Path) -> Iterator[TestDesk]:
    made = TestDesk(tmp_path)
    made.build("county")
    yield made
    made.close()


def asked_again(desk: TestDesk) -> None:
    """A notice that waits for its time, and another text of it that is held."""
    desk.drop("甲路工程招标公告", publish_at="2099-12-05T09:00:00+08:00")
    desk.run("once")
    desk.drop("甲路工程招标公告", body_html=OTHER)
    desk.run("once")


@pytest.mark.parametrize(
    ("word", "state"), [("version", "accepted"), ("change", "returned"), ("duplicate", "duplicate")]
)
def test_release_as_answers_the_question_like_the_text_in_the_folder(typed: TestDesk, word: str, state: str) -> None:
    asked_again(typed)
    result = typed.run("release", "2", "--as", word, "--by", "刘某", "--reason", "电话核对")
    typed.run("once")

    assert result.exit_code == 0, result.output
    ledger = typed.ledger()
    with ledger.read() as conn:
        row = conn.execute(select(intake).where(intake.c.n == 2)).one()
        by = conn.exec_driver_sql("select \"by\" from publication_log where event = 'answered'").scalar_one()
    ledger.close()
    assert (row.state, row.answer, by) == (state, word, "刘某")


def test_release_as_needs_a_name_a_held_file_and_its_own_question(typed: TestDesk) -> None:
    asked_again(typed)

    assert "--by" in typed.run("release", "2", "--as", "version").output
    assert "不在待处理中" in typed.run("release", "1", "--as", "version", "--by", "刘某").output
    assert "不是这个问题" in typed.run("release", "2", "--as", "publish", "--by", "刘某").output


# ---- old files, requests to withdraw


def make_old(desk: Desk, path: Path, days: float) -> None:
    written = desk.clock().timestamp() - days * 86400
    os.utime(path, (written, written))


def test_c006_a_folder_full_of_old_files_is_asked_about_and_todays_go_out(desk: Desk) -> None:
    for index in range(60):
        make_old(desk, desk.drop(f"旧{index}.json", as_json(project_no=f"OLD-{index}")), 200)
    for index in range(3):
        make_old(desk, desk.drop(f"新{index}.json", as_json(project_no=f"NEW-{index}")), 0.1)
    desk.work()

    with desk.worker.office.ledger.read() as conn:
        rows = conn.execute(select(intake.c.file_name, intake.c.state, intake.c.reason)).all()
        sent = conn.execute(select(delivery)).all()
    assert {row.state for row in rows if row.file_name.startswith("新")} == {"accepted"}
    assert {(row.state, row.reason) for row in rows if row.file_name.startswith("旧")} == {("held", "old_file")}
    assert len(sent) == 3


def test_an_old_file_goes_out_once_a_person_says_so(desk: Desk) -> None:
    make_old(desk, desk.drop("旧.json", as_json()), 31)
    desk.work()
    assert "是否仍需发布" in desk.text("待处理", ".待处理说明.txt")
    beside(desk, "待处理", "1_旧.json.答复.txt", "发布\n刘某\n")
    desk.turn(10)
    desk.work()

    assert desk.states() == ["accepted"]


def test_c007_months_later_the_same_file_is_known_as_published(desk: Desk) -> None:
    desk.drop("公告.json", as_json())
    desk.work()
    desk.turn(118 * 86400)
    desk.drop("公告.json", as_json())
    desk.work()

    assert desk.states() == ["accepted", "duplicate"]
    assert "与编号 1 相同" in desk.text("退回", ".退回原因.txt")
    with desk.worker.office.ledger.read() as conn:
        assert len(conn.execute(select(delivery)).all()) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("撤回 1.txt", "金额有误，请撤回。"),
        ("撤回.txt", "编号：1\n金额有误"),
        ("撤回申请 QFZB-2017-0412.txt", "金额有误"),
        ("撤回.txt", "项目编号：QFZB-2017-0412"),
    ],
)
def test_a_request_to_withdraw_takes_nothing_back_and_waits_for_a_named_person(
    desk: Desk, name: str, text: str
) -> None:
    desk.drop("公告.json", as_json())
    desk.work()
    desk.drop(name, text)
    desk.work()

    assert desk.states() == ["accepted", "held"]
    assert "编号 1《曲阜市陵城镇崇文社区建设工程施工招标公告》" in desk.text("待处理", ".待处理说明.txt")
    assert alarms(desk) == ["withdrawal_request:2"]
    with desk.worker.office.ledger.read() as conn:
        assert [row.state for row in conn.execute(select(delivery)).all()] == ["published"]

    place = f"2_{name}"
    beside(desk, "待处理", f"{place}.答复.txt", "办结\n刘某\n")
    desk.turn(10)
    desk.work()

    assert desk.states() == ["accepted", "returned"]
    assert alarms(desk) == []
    with desk.worker.office.ledger.read() as conn:
        assert [row.state for row in conn.execute(select(delivery)).all()] == ["published"]


def test_a_request_that_names_nothing_known_asks_for_the_number(desk: Desk) -> None:
    desk.drop("撤回 99.txt", "请撤回")
    desk.work()

    assert "没有找到所指的公告（99）" in desk.text("待处理", ".待处理说明.txt")


# ---- preview


def test_preview_shows_the_body_as_it_leaves_intake(typed: TestDesk, tmp_path: Path) -> None:
    page = tmp_path / "公告.html"
    body = "".join(f"<p onclick='x()'>{line}</p>" for line in notice_text().splitlines())
    clutter = "<style>p{}</style><script>x()</script><img src='http://a.example/t.gif'>"
    page.write_text(
        f"<html><body>{clutter}{body}<table><tr><td>一标段</td><td>98万元</td></tr></table></body></html>", "utf-8"
    )
    result = typed.run("preview", str(page), "--out", str(tmp_path / "seen"))
    seen = (tmp_path / "seen" / "body.html").read_text("utf-8")

    assert "清理后的正文" in result.output
    assert "QFZB-2017-0900" in seen and "<td>98万元</td>" in seen
    assert not any(word in seen for word in ("script", "onclick", "a.example", "p{}"))
