"""A corrected title is no new notice (C040), and what channels cannot take is said before the first send (C050)."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.delivery import State
from publisher.ledger import intake_rows
from tests.support.desk import TestDesk

WRONG, RIGHT = "曲阜市陵城镇崇文社区建筑工程招标公告", "曲阜市陵城镇崇文社区建设工程招标公告"
SAME = {"project_no": "NO-1"}
LIMITED = """
[{name}]
title = "{name}栏目"
adapter = "channels.municipal_site:MunicipalSite"
tier = "county"
read_back = []
carries = [{{ carry = "{carry}" }}]
[{name}.options]
base_url = "{url}"
[{name}.options.limits]
{limit}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    made = TestDesk(tmp_path)
    yield made
    made.close()


def answer(desk: TestDesk, placed: str, word: str) -> None:
    path = desk.data / "folders" / "待处理" / f"{placed}.答复.txt"
    path.write_text(f"{word}\n王某", "utf-8")
    os.utime(path, (0, 0))


def state_of(desk: TestDesk, number: str) -> tuple[str, str]:
    """State of an intake and its first problem."""
    ledger = desk.ledger()
    with ledger.read() as conn:
        row = intake_rows.by_number(conn, number)
    ledger.close()
    assert row is not None
    return row.state, "".join(str(problem) for problem in intake_rows.problems_of(row.problems)[:1])


def titles(desk: TestDesk) -> list[str]:
    return [item["title"] for item in desk.sites["county"].items()]


def entries(desk: TestDesk) -> list[tuple[str, str, str]]:
    """Id, link and title of each entry of the feed."""
    feed = json.loads((desk.data / "out" / "wechat_feed" / "feed.json").read_text("utf-8"))
    return [(one["id"], one["url"], one["title"].removeprefix("【演练】")) for one in feed["items"]]


def notices(desk: TestDesk) -> int:
    return int(desk.json("count")[0]["notices"])


# ---- C040


def test_c040_a_public_file_renamed_or_moved_is_a_duplicate_and_sends_nothing(desk: TestDesk) -> None:
    desk.build("county", feed=True)
    path = desk.drop(WRONG, **SAME)
    data = path.read_bytes()
    desk.run("once")
    before = (titles(desk), entries(desk), len(desk.sites["county"].seen))
    for place in ("改了名.json", "招标公告/另一处.json"):
        (path.parent / place).parent.mkdir(exist_ok=True)
        (path.parent / place).write_bytes(data)
        assert "1 重复" in desk.run("once").stdout
    assert (titles(desk), entries(desk)) == before[:2]
    posted = [method for method, _ in list(desk.sites["county"].seen)[before[2] :] if method != "GET"]
    assert posted == [] and notices(desk) == 1


@pytest.mark.parametrize(("word", "after"), [("新版本", "held"), ("更正", "returned"), ("重复", "duplicate")])
def test_c040_a_corrected_title_of_what_is_public_is_asked_about_and_never_a_second_notice(
    desk: TestDesk, word: str, after: str
) -> None:
    desk.build("county", feed=True)
    desk.drop(WRONG, **SAME)
    desk.run("once")
    shown = entries(desk)
    path = desk.drop(RIGHT, **SAME)
    desk.run("once")
    state, asked = state_of(desk, "2")
    assert state == "held" and "已收过同一公告" in asked
    answer(desk, f"2_{path.name}", word)
    desk.run("once")
    assert state_of(desk, "2")[0] == after
    assert titles(desk) == [WRONG] and entries(desk) == shown and notices(desk) == 1


def test_c040_a_title_corrected_before_it_is_public_replaces_the_old_one_everywhere_under_one_id(
    desk: TestDesk,
) -> None:
    desk.build("county", feed=True, approvals=1)
    desk.drop(WRONG, **SAME)
    desk.run("once")
    path = desk.drop(RIGHT, **SAME)
    desk.run("once")
    answer(desk, f"2_{path.name}", "新版本")
    desk.run("once")
    for number in ("1", "2"):
        desk.run("approve", number, "--by", "李某")
    desk.run("once")
    assert titles(desk) == [RIGHT] and [title for _, _, title in entries(desk)] == [RIGHT]
    assert desk.row("1", "county").state == State.SUPERSEDED.value
    assert desk.row("1", "county").notice_key == desk.row("2", "county").notice_key
    assert notices(desk) == 1 and desk.run("verify").exit_code == 0


def test_c040_the_entry_of_an_updated_text_keeps_its_id_and_link_and_the_site_is_not_posted_to_again(
    desk: TestDesk,
) -> None:
    desk.build("county", feed=True)
    channels, more = desk.home / "channels.toml", 'operations = ["publish", "update"]\n'
    text = channels.read_text("utf-8")
    for section in ("[county]\n", "[county.options]\n", "[wechat_feed]\n"):
        text = text.replace(section, section + more)
    channels.write_text(text, "utf-8")
    desk.drop(WRONG, **SAME)
    ran = desk.run("once")
    assert ran.exit_code == 0, ran.output
    before, posted = entries(desk), len(desk.sites["county"].items())
    for channel in ("county", "wechat_feed"):
        own = desk.home / "templates" / channel / "notice.html.j2"
        own.parent.mkdir(parents=True)
        own.write_text("<div>{{ body }}<p>咨询电话见本中心网站</p></div>", "utf-8")
        told = desk.run("update", "1", "--channel", channel, "--by", "王某", "--reason", "补联系方式")
        assert told.exit_code == 0, told.stderr
    desk.run("once")
    assert entries(desk) == before and len(desk.sites["county"].items()) == posted == 1
    assert "咨询电话见本中心网站" in desk.sites["county"].items()[0]["body"]
    assert notices(desk) == 1


def test_the_same_text_with_another_attachment_is_asked_about_and_with_none_it_is_a_duplicate(desk: TestDesk) -> None:
    desk.build("county")
    body = {"body_html": "<p>工程量清单见附件。" + "本项目按清单报价，" * 5 + "</p>"}
    for name, listed in (("甲", "清单，共三项。"), ("乙", "清单，共四项。"), ("丙", "")):
        path = desk.drop(RIGHT, **SAME, **body)
        folder = path.parent / name
        folder.mkdir()
        shutil.move(path, folder / path.name)
        if listed:
            (folder / "清单.txt").write_text(listed, "utf-8")
        desk.run("once")
    assert [state_of(desk, number)[0] for number in ("1", "2", "3")] == ["accepted", "held", "duplicate"]


# ---- C050


def test_c050_every_violation_of_every_mandatory_channel_is_said_before_the_first_send(desk: TestDesk) -> None:
    desk.build("county")
    url = desk.sites["county"].base_url
    sections = [
        LIMITED.format(name=name, url=url, carry=carry, limit=limit)
        for name, carry, limit in (
            ("short", "mandatory", "title_chars = 10"),
            ("small", "mandatory", "body_bytes = 40"),
            ("bare", "mandatory", "attachments = 0"),
            ("gbk", "mandatory", "title_chars = 12"),
            ("choice", "optional", "title_chars = 5"),
        )
    ]
    channels = desk.home / "channels.toml"
    channels.write_text(channels.read_text("utf-8") + "".join(sections), "utf-8")
    folder = desk.data / "folders" / "待发布" / "甲"
    desk.drop(RIGHT, **SAME)
    folder.mkdir()
    shutil.move(folder.parent / f"{RIGHT}.json", folder / f"{RIGHT}.json")
    (folder / "清单.txt").write_text("工程量清单，共三项。", "utf-8")

    told = desk.run("check", str(folder)).stdout
    for part in ("short栏目：标题有 18 个字，上限为 10 个字", "small栏目：正文", "bare栏目：附件有 1 个，上限为 0 个"):
        assert part in told
    assert "gbk栏目：标题有 18 个字，上限为 12 个字" in told
    assert "choice栏目" not in "".join(line for line in told.splitlines() if line.startswith("  问题"))
    assert desk.run("once").exit_code == 1
    assert list(desk.sites["county"].seen) == [], "no channel has heard of it"
    (note,) = (desk.data / "folders" / "待处理").glob("*说明*")
    said = note.read_text("utf-8-sig")
    assert all(f"{name}栏目" in said for name in ("short", "small", "bare", "gbk")) and "共 4 项" in said


def test_c050_a_violation_of_an_optional_channel_holds_its_own_delivery_and_the_preview_shows_the_rest(
    desk: TestDesk,
) -> None:
    desk.build("county")
    url = desk.sites["county"].base_url
    channels = desk.home / "channels.toml"
    section = LIMITED.format(name="choice", url=url, carry="optional", limit="title_chars = 5")
    channels.write_text(channels.read_text("utf-8") + section, "utf-8")
    path = desk.drop(RIGHT, **SAME)
    assert "暂停：" in desk.run("check", str(path)).stdout
    seen = desk.json("preview", str(path))
    assert {one["channel"] for one in seen} == {"county", "choice"}
    desk.run("once")
    assert desk.row("1", "county").state == State.PUBLISHED.value
    held = desk.row("1", "choice")
    assert (held.state, held.reason) == (State.HELD.value, "channel_limit") and "超出 13 个字" in held.detail
