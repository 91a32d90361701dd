"""The demonstration as a process: it shows everything published, and a second time that nothing is done twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from publisher.demo import samples
from tests.support.repository import ROOT

CHANNELS = {
    *("county_site", "county_portal", "city_site", "sd_procurement", "sd_works", "national_site"),
    *("wechat_feed", "hall_led"),
}


def demo(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "publisher", "demo", "--data", str(folder / "demo"), *words]
    environ = dict(os.environ) | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, env=environ, cwd=folder, check=False, timeout=120)


def report(folder: Path) -> dict[str, Any]:
    made = demo(folder, "--json")
    assert made.returncode == 0, made.stdout + made.stderr
    facts: dict[str, Any] = json.loads(made.stdout)
    return facts


def test_the_demonstration_publishes_each_sample_and_the_second_time_answers_that_it_was_taken(tmp_path: Path) -> None:
    first = report(tmp_path)
    files = {one.file for one in samples()[0]}
    assert {answer["file"] for answer in first["answers"] if answer["state"] == "accepted"} == files
    assert first["unfinished"] == [] and first["verify"]["ok"]
    assert all(Path(place).exists() for place in first["pages"].values()) and len(first["pages"]) >= 9
    assert {row["channel"] for row in first["published"]} == CHANNELS
    higher = [row for row in first["published"] if row["channel"] in {"sd_procurement", "sd_works", "national_site"}]
    assert len(higher) >= 10 and all(row["channel_number"] and row["url"] for row in higher)

    second = report(tmp_path)
    answered = {answer["file"] for answer in second["answers"] if answer["said"].startswith("已收过：与编号")}
    assert answered == files
    assert second["published"] == first["published"] and second["counts"] == first["counts"]


@pytest.fixture
def shown(tmp_path: Path) -> str:
    made = demo(tmp_path)
    assert made.returncode == 0, made.stdout + made.stderr
    return made.stdout


def test_the_demonstration_says_in_chinese_what_became_of_each_file_and_what_is_counted(shown: str) -> None:
    number = len(samples()[0])
    assert shown.count("　放入 ") == number and f"合计：公告 {number} 份" in shown
    assert "\n2026-03-16 09:05　放入 01-jinan-two-lots.docx\n" in shown  # the instant at which it was dropped
    assert "日志校验：通过" in shown and "回执：" in shown
    assert "山东省建设工程招标投标管理信息网：已发布　SD-9931　http://127.0.0.1:" in shown
    assert "（由演示人员按录入单录入并确认）" in shown
    assert "山东省政府采购网（审核工作台）：http://127.0.0.1:" in shown
    assert "大厅LED屏：" in shown.partition("可打开查看：")[2]
