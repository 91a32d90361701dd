"""The line on real files: taken in, decided, answered, in the folders where staff look."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from publisher.ledger.tables import delivery, intake
from tests.support.builders import a_change_notice
from tests.support.line import Desk, as_json, notice_text


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.worker.close()


def test_a_file_is_taken_only_after_it_has_rested(desk: Desk) -> None:
    path = desk.drop("公告.json", as_json()[:100])
    desk.turn()
    desk.turn(4)
    path.write_text(as_json(), encoding="utf-8")
    desk.turn(4)
    assert desk.states() == []
    desk.turn(6)

    assert desk.states() == ["accepted"]


def test_a_notice_ends_in_published_with_a_receipt_that_names_channel_number_and_address(desk: Desk) -> None:
    desk.drop("公告.json", as_json())
    desk.work()

    assert desk.names("已发布") == ["2017-12-04/1_公告.json"]
    receipt = desk.text("回执", ".回执.txt")
    assert "【演练】" in receipt
    assert "微信资讯（必发）：已发布" in receipt
    assert "QFZB-2017-0412" in receipt
    assert "articles/" in receipt


def test_c001_a_file_seen_twice_at_once_is_one_notice(desk: Desk) -> None:
    desk.drop("公告.json", as_json())
    desk.turn()
    desk.clock.sleep(6)
    # Two looks at the same moment, as a poll and a hint in one second would give.
    desk.worker.line.claim(desk.clock())
    desk.worker.line.claim(desk.clock())
    desk.turn()

    assert desk.states() == ["accepted"]
    with desk.worker.office.ledger.read() as conn:
        assert len(conn.execute(select(delivery)).all()) == 1


def test_c009_identical_bytes_are_a_duplicate_with_a_pointer_and_other_text_is_a_question(desk: Desk) -> None:
    desk.drop("公告.json", as_json())
    desk.work()
    desk.drop("公告(1).json", as_json())
    desk.drop("公告(2).json", as_json(body_html="<p>" + "另一份内容的公告正文，" * 5 + "</p>"))
    desk.work()

    assert sorted(desk.states()) == ["accepted", "duplicate", "held"]
    assert "已收过：与编号 1 相同" in desk.text("退回", ".退回原因.txt")
    assert "新版本" in desk.text("待处理", ".待处理说明.txt")
    with desk.worker.office.ledger.read() as conn:
        assert len(conn.execute(select(delivery)).all()) == 1


def test_c078_the_same_name_with_other_content_is_another_notice(desk: Desk) -> None:
    desk.drop("招标公告.json", as_json())
    desk.work()
    desk.drop("招标公告.json", as_json(project_no="QFCG-2017-0503"))
    desk.work()

    assert desk.states() == ["accepted", "accepted"]
    assert desk.names("已发布") == ["2017-12-04/1_招标公告.json", "2017-12-04/2_招标公告.json"]


def test_what_cannot_be_read_comes_back_with_the_reason_and_stops_nobody(desk: Desk) -> None:
    desk.drop("坏.docx", b"PK\x03\x04 cut off")
    desk.drop("好.json", as_json())
    desk.work()
    assert desk.states() == ["accepted"]
    desk.turn(40)

    assert sorted(desk.states()) == ["accepted", "returned"]
    assert "损坏" in desk.text("退回", ".退回原因.txt")


def test_a_folder_is_one_notice_with_its_attachments(desk: Desk) -> None:
    desk.drop("项目/招标公告.txt", notice_text())
    desk.drop("项目/工程量清单.xlsx", b"PK bill of quantities, not opened")
    desk.work()

    with desk.worker.office.ledger.read() as conn:
        row = conn.execute(select(intake)).one()
    assert row.state == "accepted", row.problems
    assert (
        "工程量清单.xlsx"
        in next((desk.worker.office.settings.data / "out" / "feed").rglob("articles/*.html")).read_text()
    )


def test_a_zip_that_would_write_outside_is_returned(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../../招标公告.txt", notice_text())
    desk.drop("x.zip", path.read_bytes())
    desk.work()

    assert desk.states() == ["returned"]


def test_c077_litter_is_never_taken_and_an_open_document_waits(desk: Desk) -> None:
    for name in ("~$告.json", "Thumbs.db", ".DS_Store", "公告.json.part"):
        desk.drop(name, b"litter")
    desk.drop("公告.json", as_json())
    desk.work()
    assert desk.states() == []
    (desk.root / "待发布" / "~$告.json").unlink()
    desk.work()

    assert desk.states() == ["accepted"]


def test_c075_an_empty_file_is_not_taken_until_it_has_content(desk: Desk) -> None:
    desk.drop("公告.json", b"")
    desk.work()
    assert desk.states() == []
    desk.drop("公告.json", as_json())
    desk.work()

    assert desk.states() == ["accepted"]


def test_c080_a_name_in_gbk_bytes_is_taken_and_shown_repaired(desk: Desk) -> None:
    name = os.fsencode(desk.root / "待发布") + b"/" + "招标公告.json".encode("gbk")
    with open(name, "wb") as file:  # noqa: PTH123 - a name that is no text
        file.write(as_json().encode())
    desk.work()

    with desk.worker.office.ledger.read() as conn:
        row = conn.execute(select(intake)).one()
    assert (row.file_name, row.state) == ("招标公告.json", "accepted")


def test_c072_a_folder_that_is_away_is_an_alarm_and_not_an_empty_folder(desk: Desk) -> None:
    drop = desk.root / "待发布"
    drop.rename(drop.with_name("away"))
    desk.turn()
    with desk.worker.office.ledger.read() as conn:
        raised = conn.exec_driver_sql("select cause from alarm where cleared_at is null").scalars().all()
    drop.with_name("away").rename(drop)
    desk.drop("公告.json", as_json())
    desk.work()

    assert raised == ["drop_folder"]
    assert desk.states() == ["accepted"]


def test_a_change_of_an_unknown_original_goes_everywhere_with_a_warning(desk: Desk) -> None:
    text = a_change_notice(project_no="QF-1", original={"project_no": "QF-1", "first_published": "2017-12-01"})
    desk.drop("变更.json", text.model_dump_json(exclude_none=True, exclude={"text", "digest"}))
    desk.work()

    assert desk.states() == ["accepted"]
    assert "没有收过原公告" in desk.text("回执", ".回执.txt")


OTHER = "<p>" + "另一份内容的公告正文，" * 5 + "</p>"


def answered(desk: Desk, word: str, now_publish: bool = False) -> None:
    """A second text of a notice is held, and staff answer `word`."""
    desk.drop("公告.json", as_json(publish_at=None if now_publish else "2017-12-05T09:00:00+08:00"))
    desk.work()
    desk.drop("公告新.json", as_json(body_html=OTHER))
    desk.work()
    assert desk.states() == ["accepted", "held"]
    answer = desk.root / "待处理" / "2_公告新.json.答复.txt"
    answer.write_bytes(f"{word}\r\n刘某\r\n".encode("gb18030"))
    os.utime(answer, (desk.clock().timestamp(),) * 2)
    desk.work()


def test_answered_new_version_it_takes_the_place_of_what_is_not_public_yet(desk: Desk) -> None:
    answered(desk, "新版本")

    assert desk.states() == ["accepted", "accepted"]
    with desk.worker.office.ledger.read() as conn:
        rows = conn.execute(select(delivery.c.number, delivery.c.state).order_by(delivery.c.id)).all()
        by = conn.exec_driver_sql("select \"by\" from publication_log where event = 'answered'").scalar_one()
    assert [tuple(row) for row in rows] == [("1", "superseded"), ("2", "published")]
    assert by == "刘某"


def test_answered_new_version_of_what_is_public_is_refused_with_the_reason(desk: Desk) -> None:
    answered(desk, "新版本", now_publish=True)

    assert desk.states() == ["accepted", "held"]
    assert "不能作为新版本" in desk.text("待处理", ".待处理说明.txt")


def test_answered_duplicate_it_comes_back_with_a_pointer(desk: Desk) -> None:
    answered(desk, "重复")

    assert desk.states() == ["accepted", "duplicate"]
    assert "与编号 1 相同" in desk.text("退回", ".退回原因.txt")


def test_answered_correction_it_comes_back_with_what_to_hand_in(desk: Desk) -> None:
    answered(desk, "更正", now_publish=True)

    assert desk.states() == ["accepted", "returned"]
    assert "更正公告的格式" in desk.text("退回", ".退回原因.txt")


def test_an_answer_that_nobody_understands_is_an_alarm_and_stays(desk: Desk) -> None:
    answered(desk, "大概是新的")

    with desk.worker.office.ledger.read() as conn:
        raised = conn.exec_driver_sql("select cause from alarm where cleared_at is null").scalars().all()
    assert raised == ["answers"]
    assert desk.states() == ["accepted", "held"]


def test_a_held_file_that_is_replaced_is_taken_in_as_a_new_one(desk: Desk) -> None:
    desk.drop("公告.json", as_json(dates={}, tenderee=None))
    desk.work()
    assert desk.states() == ["held"]
    path = desk.root / "待处理" / "1_公告.json"
    path.write_text(as_json(), encoding="utf-8")
    changed = desk.clock().timestamp() + 2
    os.utime(path, (changed, changed))
    desk.turn(10)
    desk.work()

    assert desk.states() == ["returned", "accepted"]
    assert desk.names("退回")[0] == "1_公告.json"
