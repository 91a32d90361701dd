"""Failures of comparable systems in what goes out: attachments, local paths, limits, and the summary of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.practice.site import PracticeSite
from publisher.app import system_clock
from publisher.notice import LOCAL
from tests.support import notice_texts as texts
from tests.support.desk import TestDesk

TENDER = texts.WORKS_TENDER.replace("2017年", "2099年")
DRAWING = b"AC1018"
OTHER = """
[{name}]
title = "{title}"
adapter = "channels.municipal_site:MunicipalSite"
tier = "county"
read_back = []
carries = [{{ carry = "{carry}" }}]
[{name}.options]
base_url = "{url}"
{options}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    made = TestDesk(tmp_path)
    yield made
    made.close()


def drop_folder(desk: TestDesk, text: str = TENDER, **files: bytes) -> None:
    """A notice with attachments, as staff drop it; `files` by name without ending."""
    folder = desk.data / "folders" / "待发布" / "崇文社区招标"
    folder.mkdir(parents=True)
    (folder / "正文.txt").write_text(text, "utf-8")
    for name, data in files.items():
        (folder / f"{name}.dwg").write_bytes(data)


def names(site: PracticeSite) -> list[list[str]]:
    return [[file["name"] for file in item["files"]] for item in site.items()]


def uploads(site: PracticeSite) -> int:
    return site.seen.count(("POST", "/api/files"))


# ---- attachments


def test_c046_without_its_attachments_the_text_is_not_published_and_only_what_lacked_is_brought_again(
    desk: TestDesk, tmp_path: Path
) -> None:
    portal = PracticeSite(tmp_path / "portal", name="portal").start()
    elsewhere = 'takes_attachments = false\nattachments_at = "county网"'
    more = OTHER.format(name="portal", title="门户网", carry="mandatory", url=portal.base_url, options=elsewhere)
    try:
        desk.build("county", "city", more=more)
        desk.sites["county"].switch(max_file_bytes=1000)
        listed = TENDER + "\n附件1：工程量清单.dwg\n附件2：图纸.dwg\n"
        drop_folder(desk, listed, 工程量清单=DRAWING, 图纸=DRAWING + bytes(5000))
        ran = desk.run("once")
        assert (ran.exit_code, ran.stdout.splitlines()[-1]) == (1, "2 成功 / 1 失败")

        assert desk.sites["county"].items() == []
        row = desk.row("1", "county")
        assert (row.state, row.reason) == ("failed", "too_large")
        receipt = desk.receipt("1")
        assert "图纸.dwg" in receipt and "正文未发布" in receipt and "等待人工处理" in receipt
        assert names(desk.sites["city"]) == [["工程量清单.dwg", "图纸.dwg"]], "not in the order of the text"
        assert names(portal) == [[]] and "请在county网下载" in portal.items()[0]["body"]

        desk.sites["county"].switch(max_file_bytes=100_000)
        desk.run("retry", "1", "--channel", "county", "--by", "李某")
        assert desk.run("once").exit_code == 0
        assert names(desk.sites["county"]) == [["工程量清单.dwg", "图纸.dwg"]]
        assert uploads(desk.sites["county"]) == 3, "what the site has was brought again"
    finally:
        portal.stop()


def test_c046_an_attachment_that_vanishes_after_publication_is_found_when_it_is_read_back(desk: TestDesk) -> None:
    desk.build("county")
    drop_folder(desk, 图纸=DRAWING)
    assert desk.run("once").exit_code == 0
    desk.sites["county"].switch(lose_files=True)
    told = desk.run("reconcile", "--month", f"{system_clock().astimezone(LOCAL):%Y-%m}")
    assert told.exit_code == 1 and "图纸" in told.stdout, told.output


# ---- what only the writer's machine has


@pytest.mark.parametrize(
    "path", [r"C:\Users\liu\图\平面图.png", "file:///D:/招标/图.doc", r"\\192.168.1.5\share\图.doc"]
)
def test_c048_a_local_path_in_the_text_stops_the_notice_before_anything_is_sent(desk: TestDesk, path: str) -> None:
    desk.build("county")
    drop_folder(desk, f"{TENDER}\n平面图见 {path}\n")
    assert desk.run("once").exit_code == 1
    assert list(desk.sites["county"].seen) == []
    (note,) = (desk.data / "folders" / "待处理").glob("*说明*")
    assert "文件路径" in note.read_text("utf-8-sig")


@pytest.mark.parametrize("source", [r"C:\Users\liu\图\平面图.png", "file:///D:/liu/a.png", "图/平面图.png"])
def test_c048_a_picture_that_lies_on_the_writers_machine_is_never_referred_to_and_staff_are_told(
    desk: TestDesk, source: str
) -> None:
    desk.build("county")
    lines = "".join(f"<p>{line}</p>" for line in TENDER.splitlines())
    drop = desk.data / "folders" / "待发布"
    drop.mkdir(parents=True)
    page = f'<meta charset="utf-8">{lines}<p><img src="{source}"></p>'
    (drop / "招标公告.html").write_text(page, "utf-8")
    assert desk.run("once").exit_code == 0
    (item,) = desk.sites["county"].items()
    assert "平面图" not in item["body"] and "liu" not in item["body"] and "<img" not in item["body"]
    assert "有 1 张图片" in desk.receipt("1")


# ---- limits of all channels at once


def test_c050_every_violation_of_every_channel_is_told_before_the_first_send(desk: TestDesk) -> None:
    narrow = OTHER.format(
        name="narrow",
        title="窄栏网",
        carry="mandatory",
        url="http://127.0.0.1:9",
        options="limits = { title_chars = 10, attachment_bytes = 100 }\ntakes_attachments = true",
    )
    plain = OTHER.format(
        name="plain",
        title="纯文本网",
        carry="mandatory",
        url="http://127.0.0.1:10",
        options="takes_attachments = false\nlimits = { body_bytes = 100 }",
    )
    desk.build("county", more=narrow + plain)
    drop_folder(desk, 图纸=DRAWING + bytes(500))
    assert desk.run("once").exit_code == 1
    assert list(desk.sites["county"].seen) == [], "one channel heard of it before another was asked"
    (note,) = (desk.data / "folders" / "待处理").glob("*说明*")
    told = [line for line in note.read_text("utf-8-sig").splitlines() if "窄栏网" in line or "纯文本网" in line]
    assert len(told) == 4, told
    assert sum("窄栏网" in line for line in told) == 2


# ---- the summary


def test_c058_the_summary_of_a_run_names_failure_in_its_code_its_last_line_and_the_receipt(desk: TestDesk) -> None:
    desk.build("county")
    desk.sites["county"].switch(fail_files=1)
    drop_folder(desk, 图纸=DRAWING)
    ran = desk.run("once")
    assert (ran.exit_code, ran.stdout.splitlines()[-1]) == (1, "0 成功 / 1 失败")
    desk.sites["county"].switch(refuse_title="崇文")
    desk.run("retry", "1", "--by", "李某")
    ran = desk.run("once")
    assert (ran.exit_code, ran.stdout.splitlines()[-1]) == (1, "0 成功 / 1 失败")
    assert "标题含有不允许的词" in desk.receipt("1") and "被拒绝" in desk.receipt("1")

    desk.sites["county"].switch(refuse_title="", key="another")
    desk.run("retry", "1", "--by", "李某")
    ran = desk.run("once")
    assert ran.exit_code != 0
    assert ran.stdout.splitlines()[-1] == "0 成功 / 1 失败（其中 1 件所在渠道已停止发送，须由管理员处理后恢复）"
    assert "渠道不接受账号或密钥。该渠道已停止发送" in desk.receipt("1")
    assert "已发布" not in desk.receipt("1")
    facts = json.loads(desk.run("once", "--json").stdout)
    assert (facts["exit"], facts["open"], facts["published"]) == (3, 1, [])
