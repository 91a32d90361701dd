"""The routing matrix as `publisher check` prints it: within 100 columns, Chinese, and whole."""

from __future__ import annotations

import unicodedata
from datetime import date
from pathlib import Path

import pytest

from publisher.app import read_settings
from publisher.cli.routing import say_channels, say_routing
from publisher.settings import CarriesRule, Condition, Settings

DAY = date(2026, 3, 16)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """As shipped."""
    return read_settings(Path(__file__).parents[2] / "config", tmp_path, {})


def printed(settings: Settings, capsys: pytest.CaptureFixture[str]) -> list[str]:
    say_channels(settings, {c.name for c in settings.channels}, {})
    say_routing(settings, DAY)
    return capsys.readouterr().out.splitlines()


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in line.rstrip())


def test_the_shipped_matrix_fits_a_terminal_of_100_columns(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(settings, capsys)
    assert max(map(columns, lines)) <= 100
    assert not any(word in "".join(lines) for word in ("mandatory", "optional", "none"))
    assert len([line for line in lines if line.startswith(("招标公告", "变更公告", "中标公示", "成交信息"))]) == 4
    assert "政府采购的指定媒介：山东省政府采购网" in "".join(lines)


def test_more_channels_than_fit_side_by_side_follow_in_a_further_table(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    first = settings.channels[0]
    more = tuple(first.model_copy(update={"name": f"site_{n}", "title": f"第{n}网"}) for n in range(12))
    lines = printed(settings.model_copy(update={"channels": more}), capsys)
    assert max(map(columns, lines)) <= 100
    heads = [line for line in lines if line.startswith("公告类别")]
    assert [(line.count("渠道"), line.rstrip()[-4:]) for line in heads] == [(8, " 渠道8"), (4, "渠道12")]


def test_what_is_not_one_word_stands_in_a_note_with_its_condition(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = (
        CarriesRule(when=Condition(amount_over=4_000_000), carry="mandatory"),
        CarriesRule(carry="optional", default=False),
    )
    one = settings.channels[0].model_copy(update={"carries": rules})
    lines = printed(settings.model_copy(update={"channels": (one,)}), capsys)
    assert "注1：必发（金额超过 4,000,000 元），其余默认不发" in "".join(lines).replace("  ", "")
    rows = [line.split() for line in lines if "见注1" in line]
    assert rows[0][:2] == ["招标公告", "工程、政府采购、土地、产权、其他"] and len(rows) == 4
