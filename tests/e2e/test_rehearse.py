"""A rehearsed year as a process: small, killed on the way, and equal to what went in, in every cell."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.repository import ROOT


def rehearsed(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "publisher", "rehearse", "2017", "--data", str(folder / "years"), *words]
    environ = dict(os.environ) | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, env=environ, cwd=folder, check=False, timeout=240)


def facts(made: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert made.returncode == 0, made.stdout[-3000:] + made.stderr[-3000:]
    found: dict[str, Any] = json.loads(made.stdout)
    return found


@pytest.mark.parametrize("seed", ["2017", "5"])
def test_a_small_year_with_outages_and_kills_equals_its_manifest_in_every_cell(tmp_path: Path, seed: str) -> None:
    found = facts(rehearsed(tmp_path, "--seed", seed, "--scale", "0.02", "--json"))
    assert found["differences"] == [] and found["verify"]["ok"] and found["ok"]
    assert found["kills"] >= 2 and found["cells"] > 300
    assert "2017年共发布各类交易信息" in found["paragraphs"][0] and "完成各类交易项目" in found["paragraphs"][1]
    by_name = {one["channel"]: one for one in found["reconcile"]}
    assert by_name["county_site"]["found"] == by_name["county_site"]["logged"] > 0
    assert sum(one["items"] for one in found["reconcile"]) == 0
    reports = {path.name for path in (Path(found["folder"]) / "reports").iterdir()}
    assert reports == {"2017.html", "2017.md", "2017.docx"}
    outages_seen = _events(Path(found["folder"]), "try_failed") + _events(Path(found["folder"]), "outcome_unknown")
    assert outages_seen > 0


def _events(folder: Path, event: str) -> int:
    with sqlite3.connect(folder / "ledger.sqlite3") as db:
        (number,) = db.execute("select count(*) from publication_log where event = ?", [event]).fetchone()
    db.close()
    return int(number)


def test_a_rehearsal_says_its_numbers_in_chinese_and_writes_over_no_earlier_one(tmp_path: Path) -> None:
    first, second = (rehearsed(tmp_path, "--scale", "0.02") for _ in range(2))
    assert first.returncode == second.returncode == 0, first.stdout + first.stderr
    assert "全部一致" in first.stdout and "日志校验通过" in first.stdout and "比上年增长21.7%" in first.stdout
    assert sorted(path.name for path in (tmp_path / "years").iterdir()) == ["2017-1", "2017-2"]


def test_another_year_is_refused(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "publisher", "rehearse", "2018"]
    made = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=60)
    assert made.returncode == 2 and "2017" in made.stderr
