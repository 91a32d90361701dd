"""The drop folder as it really is: full of old files, away and back, on another disk, with locked and odd names."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from publisher.daemon import make_scheduler
from publisher.intake import folder
from publisher.intake.folder import RestWatch
from publisher.ledger.tables import delivery, intake
from publisher.pipeline import AT_ONCE
from publisher.settings import IntakeSettings
from tests.support.builders import START
from tests.support.line import Desk, as_json, notice_text
from tests.support.office_files import doc_of, docx_of, ole_of, pdf_of


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.worker.close()


def alarms(desk: Desk) -> list[str]:
    with desk.worker.office.ledger.read() as conn:
        return list(conn.exec_driver_sql("select cause from alarm where cleared_at is null").scalars())


def shown_names(desk: Desk) -> dict[str, str]:
    with desk.worker.office.ledger.read() as conn:
        return {row.file_name: row.state for row in conn.execute(select(intake)).all()}


def test_c083_twenty_thousand_files_that_lie_there_do_not_delay_a_new_one(desk: Desk) -> None:
    for number in range(20_000):
        (desk.root / "待发布" / f"空{number}.docx").touch()  # never ready: they stay
    desk.turn()
    desk.turn(6)
    desk.drop("新.json", as_json())
    desk.turn(2)
    desk.turn(6)

    assert shown_names(desk) == {"新.json": "accepted"}


def test_c075_two_hundred_files_copied_at_once_are_two_hundred_notices(desk: Desk) -> None:
    for number in range(AT_ONCE + 20):
        desk.drop(f"{number}.json", as_json(project_no=f"QF-{number}"))
    for _ in range(4):
        desk.turn(6)

    assert desk.states() == ["accepted"] * (AT_ONCE + 20)
    with desk.worker.office.ledger.read() as conn:
        assert len(set(conn.execute(select(delivery.c.notice_id)).scalars())) == AT_ONCE + 20


def test_c075_a_file_that_stays_empty_is_told_after_a_while(desk: Desk) -> None:
    desk.drop("招标公告.docx", b"")
    desk.work()
    before = alarms(desk)
    desk.turn(700)

    assert (before, alarms(desk)) == ([], ["unready_files"])
    assert desk.names("待发布") == ["招标公告.docx"]


def test_c072_ten_minutes_without_the_share_lose_nothing_and_end_by_themselves(desk: Desk) -> None:
    drop = desk.root / "待发布"
    desk.drop("先.json", as_json())
    desk.turn()
    away = drop.rename(drop.with_name("away"))
    for _ in range(10):
        desk.turn(60)
    standing = alarms(desk)
    away.rename(drop)
    desk.drop("后.json", as_json(project_no="QF-2"))
    desk.work()

    assert standing == ["drop_folder"]
    assert alarms(desk) == []
    assert shown_names(desk) == {"先.json": "accepted", "后.json": "accepted"}


def other_disk() -> Path:
    """A folder on another volume than the temporary folder, as a mounted share is."""
    shared = Path(tempfile.mkdtemp(prefix="drop-", dir="/dev/shm"))
    assert shared.stat().st_dev != Path(tempfile.gettempdir()).stat().st_dev
    return shared


def test_c079_a_drop_folder_on_another_disk_is_copied_compared_and_emptied(tmp_path: Path) -> None:
    shared = other_disk()
    (tmp_path / "data" / "folders").mkdir(parents=True)
    (tmp_path / "data" / "folders" / "待发布").symlink_to(shared)
    desk = Desk(tmp_path)
    (shared / "公告.json").write_text(as_json(), "utf-8")
    (shared / "项目").mkdir()
    (shared / "项目" / "招标公告.json").write_text(as_json(project_no="QF-2"), "utf-8")
    (shared / "项目.yaml").write_text("加急: 是\n", "utf-8")
    desk.work()
    states, left, published = desk.states(), list(shared.rglob("*")), desk.names("已发布")
    desk.worker.close()
    shutil.rmtree(shared)

    assert states == ["accepted", "accepted"]
    assert left == []
    assert len(published) == 3


def test_c072_a_mounted_sub_folder_is_looked_into_like_a_local_one(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (desk.root / "待发布" / "招标公告").mkdir()
    desk.drop("招标公告/公告.json", as_json())
    desk.work()
    states = desk.states()
    desk.worker.close()

    assert states == ["accepted"]


def test_c080_odd_names_are_taken_shown_in_text_and_kept_in_their_bytes(desk: Desk) -> None:
    names = ["招" * 85, "全　角 空格.json", "第一行\n第二行.json", "it's 100%.json", "-rf.json", "‮gpj.公告.json"]
    for number, name in enumerate(names):
        desk.drop(name, as_json(project_no=f"QF-{number}"))
    desk.work()

    assert desk.states() == ["accepted"] * len(names)
    shown = shown_names(desk)
    assert all(name.isprintable() for name in shown)
    assert "第一行_第二行.json" in shown
    for name in desk.names("已发布") + desk.names("回执"):
        assert len(Path(name).name.encode()) <= 255


def test_c079_a_name_that_is_taken_is_not_written_over(desk: Desk) -> None:
    (desk.root / "处理中").mkdir(exist_ok=True)
    (desk.root / "处理中" / "1_公告.json").write_text("别人的文件", "utf-8")
    desk.drop("公告.json", as_json())
    desk.work()

    everywhere = [path for path in desk.root.rglob("*") if path.is_file()]
    assert any(path.read_text("utf-8", "ignore") == "别人的文件" for path in everywhere)


def test_c082_among_files_that_cannot_be_read_the_good_ones_go(desk: Desk) -> None:
    good = [f"好{number}.json" for number in range(5)]
    for number, name in enumerate(good):
        desk.drop(name, as_json(project_no=f"QF-{number}"))
    bad = {
        "半份.docx": (docx_of("公告", "正文" * 40)[:900], "未复制完整"),
        "加密.docx": (ole_of({"EncryptedPackage": b"x", "EncryptionInfo": b"x"}), "文件已加密"),
        "加密的旧版.wps": (doc_of("公告正文" * 30, encrypted=True), "文件已加密"),
        "旧版.docx": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "另存为 .docx"),
        "扫描.pdf": (pdf_of([[]]), "PDF 是扫描图片"),
        "图片.docx": (b"\x89PNG\r\n" + b"x" * 200, "文件是图片"),
        "大.txt": ("公告正文很长。".encode() * 300_000, "超过 5 MB"),
        "很大.docx": (b"PK" + b"x" * 120_000_000, "上限"),
    }
    for name, (data, _) in bad.items():
        desk.drop(name, data)
    desk.drop("改了名的旧版.docx", doc_of(notice_text().replace("\n", "\r")))
    desk.work()
    desk.turn(40)
    desk.work()

    shown = shown_names(desk)
    assert {shown[name] for name in (*good, "改了名的旧版.docx")} == {"accepted"}
    assert {shown[name] for name in bad} == {"returned"}
    for name, (_, cause) in bad.items():
        assert cause in desk.text("退回", f"_{name}.退回原因.txt"), name


def test_c072_a_scan_that_dies_is_logged_and_runs_again_at_its_next_turn(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(tmp_path, more='poll = "50ms"\n')
    taken, deaths = threading.Event(), iter([SystemExit("killed")])

    def dies_once(point: str) -> None:
        for death in deaths:
            raise death
        if point == "rename.after":
            taken.set()

    desk.worker.line = replace(desk.worker.line, fault=dies_once)
    desk.drop("公告.json", as_json())
    desk.worker.take_in()
    desk.clock.sleep(6)
    scheduler = make_scheduler(desk.worker)
    scheduler.start()
    assert taken.wait(30)
    scheduler.shutdown(wait=True)
    desk.worker.close()

    assert "tick take_in failed; it runs again at its next turn" in caplog.text


@pytest.fixture
def open_to_all() -> Iterator[Path]:
    """A folder that an account without rights may look into."""
    made = Path(tempfile.mkdtemp(prefix="drop-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


class WithoutRights:
    """For the time of a block the process is nobody; as root no file is forbidden."""

    def __enter__(self) -> None:
        if os.getuid() == 0:
            os.seteuid(65534)

    def __exit__(self, *error: object) -> None:
        if os.getuid() == 0:
            os.seteuid(0)


def test_c084_a_forbidden_file_waits_and_stops_nobody_and_is_taken_when_free(open_to_all: Path) -> None:
    settings = IntakeSettings()
    forbidden, free = open_to_all / "锁.json", open_to_all / "好.json"
    for path in (forbidden, free):
        path.write_text(as_json(), "utf-8")
    forbidden.chmod(0)
    with WithoutRights():
        found = folder.candidates(open_to_all, settings)
        taken = {one.name: folder.take(one, settings) for one in found}
    forbidden.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
    with WithoutRights():
        again = {one.name: folder.take(one, settings) for one in folder.candidates(open_to_all, settings)}

    assert taken["锁.json"] is None and taken["好.json"] is not None
    assert again["锁.json"] is not None


def test_c084_what_stays_forbidden_is_named_in_the_note(open_to_all: Path) -> None:
    settings = IntakeSettings()
    (open_to_all / "锁.json").write_text(as_json(), "utf-8")
    watch = RestWatch(settings)
    found = folder.candidates(open_to_all, settings)
    watch.rested(found, START)
    later = START + settings.note_after

    assert [one.name for one in watch.waiting_long(folder.candidates(open_to_all, settings), later)] == ["锁.json"]


def test_c061_a_missing_amount_is_asked_for_and_markup_in_a_title_is_text(desk: Desk) -> None:
    winner = {"name": "山东某某公司", "price": None}
    desk.drop("成交.json", as_json(form="成交结果公告", kind="award_result", winners=[winner], project_no="QF-1"))
    desk.drop("招标.json", as_json(title="<b>某局</b>{{ 7*7 }}某路工程招标公告", project_no="QF-2"))
    desk.work()

    assert shown_names(desk) == {"成交.json": "held", "招标.json": "accepted"}
    assert "金额" in desk.text("待处理", ".待处理说明.txt")
    pages = (desk.worker.office.settings.data / "out" / "feed").rglob("articles/*.html")
    text = "".join(page.read_text("utf-8") for page in pages)
    assert "{{ 7*7 }}" in text and "<b>某局</b>" not in text


@pytest.mark.parametrize(
    "data",
    [
        docx_of("某某路改造工程招标公告"),
        docx_of("某某路改造工程招标公告", "见图片。"),
        b"<html><img src='a.png'></html>",
    ],
)
def test_c062_an_empty_or_very_short_body_comes_back_before_any_channel_hears_of_it(desk: Desk, data: bytes) -> None:
    desk.drop("招标公告.docx", data)
    desk.work()

    assert desk.states() == ["returned"]
    assert "正文为空或过短" in desk.text("退回", ".退回原因.txt")
    with desk.worker.office.ledger.read() as conn:
        assert conn.execute(select(delivery)).all() == []
