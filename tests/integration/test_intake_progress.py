"""While many files are taken in, the screen says how many are and how many wait."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from publisher.cli.running import say_progress
from publisher.intake.progress import Progress
from publisher.pipeline import AT_ONCE
from tests.support.builders import START
from tests.support.line import Desk, as_json


def test_a_large_drop_tells_every_few_seconds_and_at_its_end_and_counts_what_still_lies_there(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    heard: list[tuple[int, int]] = []
    line = desk.worker.line
    line.progress.tell = lambda done, waiting: heard.append((done, waiting))
    line.progress.every = timedelta(0)
    for number in range(AT_ONCE + 3):
        desk.drop(f"{number}.json", as_json(project_no=f"P-{number}", title=f"某路（{number}）招标公告"))
    line.tick(desk.clock())
    desk.clock.sleep(6)
    while line.tick(desk.clock()):
        pass
    desk.worker.close()

    assert heard[0] == (1, AT_ONCE + 2)
    assert heard[AT_ONCE - 1] == (AT_ONCE, 3)
    assert heard[-1] == (AT_ONCE + 3, 0)


def test_it_is_told_at_most_every_five_seconds_and_a_small_drop_not_at_all() -> None:
    heard: list[tuple[int, int]] = []
    progress = Progress(lambda done, waiting: heard.append((done, waiting)))
    now = START
    for undecided in (2, 1, 0):
        progress.step(now, undecided)
        now += timedelta(seconds=1)
    assert heard == []

    for undecided in range(20, -1, -1):
        progress.step(now, undecided)
        now += timedelta(seconds=1)
    assert heard == [(6, 15), (11, 10), (16, 5), (21, 0)]


def test_the_screen_says_it_in_chinese(capsys: pytest.CaptureFixture[str]) -> None:
    say_progress(200, 803)
    say_progress(1003, 0)
    assert capsys.readouterr().out == "已收取 200 件，还有 803 件等待收取\n已收取 1003 件，收取完毕\n"
