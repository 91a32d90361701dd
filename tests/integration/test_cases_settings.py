"""Traps in the settings, each told with file, line and what to do; and what `check` says would become of files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import notice_texts as texts
from tests.support.desk import TestDesk

Change = Callable[[str], str]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    made = TestDesk(tmp_path)
    made.build("county", "city")
    yield made
    made.close()


def replaced(old: str, new: str) -> Change:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


def appended(lines: str) -> Change:
    return lambda text: text + lines


def spoilt(desk: TestDesk, name: str, change: Change) -> str:
    """Settings with one thing changed."""
    path = desk.home / name
    text = change(path.read_text("utf-8"))
    path.write_text(text, "utf-8")
    return text


TRAPS = {
    "an unknown key": (
        "publisher.toml",
        replaced("[sending]\n", "[sending]\nretires = 5\n"),
        "retires",
        r"sending\.retires: unknown key; did you mean retry_first\?",
    ),
    "an unknown key of an adapter": (
        "channels.toml",
        replaced("[city.options]\n", "[city.options]\nretires = 5\n"),
        "retires",
        r"city\.options\.retires: unknown key",
    ),
    "an unknown key deep in an adapter's options": (
        "channels.toml",
        replaced("[city.options]\n", "[city.options.query]\nabsend = []\n[city.options]\n"),
        "absend",
        r"city\.options\.query\.absend: unknown key; did you mean absent\?",
    ),
    "a full-width character in an address": (
        "channels.toml",
        replaced("http://127", "http：//127"),
        "base_url",
        r"base_url: full-width character ：",
    ),
    "an address without its scheme": (
        "channels.toml",
        replaced("http://127", "127"),
        "base_url",
        r"base_url: is no web address; it begins with http://",
    ),
    "two channels of one name": (
        "channels.toml",
        appended('[county]\ntitle = "又一个"\n'),
        "",
        r"the same name stands twice .*line \d+.*give one of them another name",
    ),
    "a copied section whose address was forgotten": (
        "channels.toml",
        lambda text: re.sub(r"(\[city\.options\]\nbase_url = )\S+", rf"\1{address_of(text)}", text),
        "base_url",
        r"city\.options\.base_url: is the target of county too",
    ),
    "a rule for a channel that does not exist": (
        "publisher.toml",
        appended('[approval]\nrules = [{ channels = ["coutny"], persons = 2 }]\n'),
        "rules",
        r"names no channel: coutny; did you mean county\?",
    ),
    "a channel fed by one that does not exist": (
        "channels.toml",
        replaced("[city.options]\n", '[city.options]\nfed_by = "coutny"\n'),
        "fed_by",
        r"names no other channel: coutny; did you mean county\?",
    ),
    "a span without its unit": (
        "publisher.toml",
        replaced('quiet = "0s"', 'quiet = "5"'),
        "quiet",
        r'intake\.quiet: 5 has no unit; write "5s"',
    ),
    "a bare number as a span": (
        "publisher.toml",
        replaced('quiet = "0s"', "quiet = 5"),
        "quiet",
        r'intake\.quiet: 5 has no unit; write "5s"',
    ),
    "a pattern that matches ordinary names": (
        "publisher.toml",
        replaced("[intake]\n", '[intake]\nignore = ["*招标*"]\n'),
        "ignore",
        r"would ignore ordinary files such as 招标公告\.docx",
    ),
    "a pattern that is a regular expression": (
        "publisher.toml",
        replaced("[intake]\n", "[intake]\nignore = ['^~.*\\.docx$']\n"),
        "ignore",
        r"looks like a regular expression; patterns are globs",
    ),
    "a designated medium that shows an excerpt": (
        "channels.toml",
        lambda text: text.replace("[city.options]\n", '[city.options]\nfidelity = "excerpt"\n').replace(
            "[city]\n", '[city]\ndesignated_for = ["works"]\n'
        ),
        "designated_for",
        r"city\.designated_for: this channel shows an excerpt only, and a designated medium carries the full text",
    ),
    "a limit of nothing": (
        "channels.toml",
        appended("limits = { title_chars = 0 }\n"),
        "limits",
        r"city\.options\.limits\.title_chars: ",
    ),
}


def address_of(text: str) -> str:
    """The first address in channels.toml."""
    found = re.search(r"base_url = (\S+)", text)
    assert found
    return found.group(1)


@pytest.mark.parametrize("trap", TRAPS)
def test_c068_a_trap_is_refused_with_file_line_and_advice_and_no_file_is_taken(desk: TestDesk, trap: str) -> None:
    name, change, key, advice = TRAPS[trap]
    lines = spoilt(desk, name, change).splitlines()
    desk.drop("一号招标公告")
    for command in ("check", "once"):
        ran = desk.run(command)
        assert ran.exit_code == 2, ran.output
        (told,) = [line for line in ran.output.splitlines() if re.search(advice, line)]
        path = re.escape(str(desk.home / name))
        number = re.search(rf"{path}:(\d+)", told) or re.search(r"line (\d+)", told)
        assert number, told
        assert key in lines[int(number.group(1)) - 1]
    assert list(desk.sites["county"].seen) == []
    assert list((desk.data / "folders" / "待发布").glob("*.json"))


def test_c068_blanks_around_an_address_are_taken_off_with_a_notice_and_all_works(desk: TestDesk) -> None:
    spoilt(desk, "channels.toml", lambda text: re.sub(r'base_url = "(\S+)"', 'base_url = "  \\1　"', text))
    checked = desk.run("check")
    assert checked.exit_code == 0
    assert checked.stdout.count("blanks at the beginning or end were taken off") == 2
    desk.drop("一号招标公告")
    assert desk.run("once").stdout.splitlines()[-1] == "2 成功 / 0 失败"


def test_c068_two_channels_at_one_address_that_differ_are_noted(desk: TestDesk) -> None:
    same = lambda text: re.sub(r"(\[city\.options\]\nbase_url = )\S+", rf'\1{address_of(text)}\nread = "9s"', text)  # noqa: E731 - a change like those above
    spoilt(desk, "channels.toml", same)
    checked = desk.run("check")
    assert checked.exit_code == 0 and "county has the same address" in checked.stdout


def test_check_warns_where_no_channel_that_must_have_a_notice_carries_its_full_text(desk: TestDesk) -> None:
    spoilt(desk, "channels.toml", replaced("[city.options]\n", '[city.options]\nfidelity = "excerpt"\n'))
    (facts,) = desk.json("check")
    assert facts["warnings"] == []  # the county's site carries it whole
    only_tenders = (
        'carries = [{ forms = ["招标公告"], classes = ["works"], carry = "optional" }, { carry = "mandatory" }]'
    )
    spoilt(desk, "channels.toml", replaced('carries = [{ carry = "mandatory" }]', only_tenders))
    (facts,) = desk.json("check")
    (warning,) = facts["warnings"]
    assert warning.startswith("工程的招标公告：必发的只有city网，而那里只显示摘要，不刊登全文")
    assert f"提醒：{warning}" in desk.run("check").stdout.splitlines()


def test_c068_check_shows_what_would_become_of_each_name_and_notice(desk: TestDesk) -> None:
    spoilt(desk, "publisher.toml", replaced("[intake]\n", '[intake]\nignore = ["草稿*"]\n'))
    shown = desk.run("check").stdout
    assert "招标公告.docx：收取" in shown and "Thumbs.db：收取" in shown, "an own list replaces the shipped one"
    assert "招标公告.docx.答复.txt：忽略" in shown, "our own texts would be taken for notices"
    one = desk.folder / "结果公告.txt"
    one.write_text(texts.RESULT, "utf-8")
    told = desk.run("check", str(one)).stdout
    assert "→ county网（必发）" in told and "→ city网（必发）" in told


def test_c068_an_own_list_never_makes_notices_of_our_own_texts(desk: TestDesk) -> None:
    spoilt(desk, "publisher.toml", replaced("[intake]\n", '[intake]\nignore = ["草稿*"]\n'))
    folder = desk.data / "folders" / "待发布"
    folder.mkdir(parents=True)
    for ending in ("答复", "回执", "待处理说明", "退回原因"):
        (folder / f"招标公告.docx.{ending}.txt").write_text(texts.RESULT, "utf-8")
    assert desk.run("once").stdout.splitlines()[-1] == "0 成功 / 0 失败"
    assert len(list(folder.iterdir())) == 4
