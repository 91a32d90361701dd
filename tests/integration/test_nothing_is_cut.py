"""Nothing is cut in silence: too long is refused with figures, or shortened with a word that all can see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from channels.practice.site import PracticeSite
from publisher.ledger.tables import publication_log
from publisher.notice import html_to_text, normalise
from tests.support.desk import TestDesk

LIMITED = """
[portal]
title = "上级门户"
adapter = "channels.municipal_site:MunicipalSite"
tier = "municipal"
read_back = []
carries = [{{ carry = "{carry}" }}]
[portal.options]
base_url = "{url}"
limits = {{ body_bytes = 20000 }}
[hall_led]
title = "大厅LED屏"
adapter = "channels.led_board:LedBoard"
tier = "on_site"
carries = [{{ carry = "optional" }}]
operations = ["publish", "update", "withdraw"]
[hall_led.options]
width = 192
max_pages_per_item = 1
full_text_at = "本站"
"""
LINE = "各潜在投标人应当在截止时间以前递交投标文件，逾期送达的不予受理。"


def long_body(least: int = 25_000) -> str:
    """A body of at least so many bytes, most of it a table."""
    row, number, rows = "<tr><td>{0}</td><td>{1}</td></tr>", 0, ""
    while len(rows.encode()) < least:
        number += 1
        rows += row.format(number, LINE)
    return f"<p>投标文件递交截止时间：2099年12月28日9时00分。</p><table>{rows}</table>"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    built = TestDesk(tmp_path)
    yield built
    built.close()


def open_with(desk: TestDesk, carry: str) -> None:
    """The county's own site without a limit, a portal that takes twenty thousand bytes, and the screen."""
    portal = PracticeSite(desk.folder / "sites" / "portal", name="portal").start()
    desk.build("county", more=LIMITED.format(carry=carry, url=portal.base_url))
    desk.sites["portal"] = portal


def logged(desk: TestDesk, event: str, channel: str) -> list[dict[str, object]]:
    ledger = desk.ledger()
    mine = (publication_log.c.event == event, publication_log.c.channel == channel)
    with ledger.read() as conn:
        found = conn.execute(select(publication_log.c.payload).where(*mine)).scalars().all()
    ledger.close()
    return [json.loads(payload) for payload in found]


def test_c064_what_a_mandatory_channel_cannot_take_whole_goes_nowhere_and_says_by_how_much(desk: TestDesk) -> None:
    open_with(desk, "mandatory")
    desk.drop("招标公告甲", body_html=long_body())
    assert desk.run("once").exit_code == 1

    (note,) = (desk.data / "folders" / "待处理").rglob("*.待处理说明.txt")
    told = note.read_text("utf-8-sig")
    assert "上级门户：正文（含排版标记）有" in told and "上限为 20,000 字节，超出" in told
    assert desk.sites["county"].items() == [] and desk.sites["portal"].items() == []


def test_c064_what_an_optional_channel_cannot_take_whole_waits_there_alone_and_is_whole_elsewhere(
    desk: TestDesk,
) -> None:
    open_with(desk, "optional")
    body = long_body()
    desk.drop("招标公告甲", body_html=body)
    desk.run("once")

    assert (desk.row("1", "county").state, desk.row("1", "portal").state) == ("published", "held")
    assert "上限为 20,000 字节，超出" in desk.receipt("1")
    assert desk.sites["portal"].items() == []
    (item,) = desk.sites["county"].items()
    shown = str(item["body"])
    assert normalise(html_to_text(body)) in normalise(html_to_text(shown))
    assert shown.count("<tr>") == body.count("<tr>")


def test_c064_the_screen_shortens_with_a_word_and_the_log_keeps_both_lengths(desk: TestDesk) -> None:
    open_with(desk, "optional")
    desk.drop("招标公告甲", body_html=long_body(600))
    desk.run("once")

    assert desk.row("1", "hall_led").state == "published"
    manifest = json.loads((desk.data / "out" / "hall_led" / "current" / "manifest.json").read_text("utf-8"))
    cut = next(page["shortened"] for page in manifest["pages"] if page.get("shortened"))
    assert cut["characters"] > cut["shown"] > 0
    words = f"内容 {cut['characters']} 字，屏幕显示 {cut['shown']} 字，已注明“全文见本站”"
    assert words in desk.receipt("1")
    (entry,) = logged(desk, "published", "hall_led")
    assert words in json.dumps(entry, ensure_ascii=False)
