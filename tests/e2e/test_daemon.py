"""The daemon as a process: alone on its ledger, and quick to end."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.kills import Town, lost_or_twice


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    built = Town(tmp_path, random.Random(1))
    built.build()
    yield built
    built.close()


def wait_for(what: str, true: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def test_c003_a_second_daemon_on_the_same_ledger_refuses_and_names_the_first(town: Town) -> None:
    town.drop(1, 3)
    town.start()
    wait_for("nothing was published", lambda: town.sites["at_once"].items())
    assert town.process is not None
    second = town.new_process()
    code = second.wait(20)
    settled = town.wait_settled(3, 30)

    assert code == 2
    log = (town.folder / "daemon.log").read_text("utf-8")
    assert "another daemon is running" in log
    assert str(town.process.pid) in log
    assert settled
    assert town.doubles() == {"at_once": [], "late": [], "never": []}


def test_sigterm_ends_it_within_seconds_under_load_and_nothing_is_lost_or_repeated(town: Town) -> None:
    for site in town.sites.values():
        site.switch(slow=1.0)
    town.drop(1, 40)
    town.start()
    wait_for("nothing was sent", lambda: len(town.sites["at_once"].items()) >= 8)
    process = town.process
    assert process is not None
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code = process.wait(30)
    spent = time.monotonic() - began
    for site in town.sites.values():
        site.switch(slow=0.0)
    town.start()
    settled = town.wait_settled(40, 60)
    town.process.send_signal(signal.SIGTERM)
    assert isinstance(town.process, subprocess.Popen)
    town.process.wait(20)

    assert code == 0
    assert spent < 10
    assert settled
    assert lost_or_twice(town, 40) == []
