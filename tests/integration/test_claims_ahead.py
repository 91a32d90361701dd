"""A few calls are claimed before a thread is free for them, where a crash in between leaves no doubt to a person."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from publisher.delivery import State
from publisher.errors import NeedsPerson, Reason
from tests.support.builders import a_notice
from tests.support.scripted_site import ScriptedSite
from tests.support.sending import World, a_world

FOUR = {"settings": {"city": {"concurrency": 4}}, "threads": 4, "sending": {"quick_wait": "0s"}}


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def states(world: World) -> Counter[str]:
    return Counter(row.state for row in world.rows())


def until(true: Callable[[], object], world: World) -> None:
    end = time.monotonic() + 15
    while not true():
        assert time.monotonic() < end, states(world)
        world.sender.tick(world.clock(), 0.02)


def filled(folder: Path, site: ScriptedSite, notices: int = 12, **changes: Any) -> World:
    world = a_world(folder, {"city": site}, **(FOUR | changes))
    for number in range(notices):
        world.accept(a_notice(project_no=f"NO-{number}", dates={}))
    return world


def test_while_all_threads_are_busy_the_next_calls_are_claimed_and_each_is_made_once(
    tmp_path: Path, gate: threading.Event
) -> None:
    site = ScriptedSite(gate=gate)
    world = filled(tmp_path, site)
    until(lambda: len(site.calls) == 4 and states(world)["sending"] == 6, world)
    assert world.sender.in_flight() == 6
    gate.set()
    until(lambda: states(world)["published"] == 12, world)

    assert sorted(site.keys) == sorted(row.delivery_key for row in world.rows())
    assert world.sender.in_flight() == 0
    assert world.verdict().ok


@pytest.mark.parametrize("limited", [{"findable": False}, {"rate": {"calls": 100, "per": "1m"}}])
def test_nothing_is_claimed_ahead_where_it_cannot_be_asked_or_the_rate_counts(
    tmp_path: Path, gate: threading.Event, limited: dict[str, Any]
) -> None:
    site = ScriptedSite(gate=gate, findable=limited.get("findable", True))
    rate = {name: value for name, value in limited.items() if name == "rate"}
    world = filled(tmp_path, site, settings={"city": {"concurrency": 4} | rate})
    until(lambda: len(site.calls) == 4, world)
    world.sender.tick(world.clock(), 0.1)

    assert states(world) == {"sending": 4, "pending": 8}


def test_what_was_claimed_ahead_when_the_program_died_is_sent_once(tmp_path: Path, gate: threading.Event) -> None:
    site = ScriptedSite(gate=gate, settle=timedelta(0))
    world = filled(tmp_path, site, notices=6)
    until(lambda: len(site.calls) == 4 and states(world)["sending"] == 6, world)
    world.restart()
    site.gate = None
    world.run_for(minutes=10)

    assert states(world) == {"published": 6}
    assert sorted(site.keys) == sorted(row.delivery_key for row in world.rows())


def test_at_the_end_of_the_program_what_was_not_begun_is_given_back(tmp_path: Path, gate: threading.Event) -> None:
    site = ScriptedSite(gate=gate)
    world = filled(tmp_path, site)
    until(lambda: len(site.calls) == 4 and states(world)["sending"] == 6, world)
    world.sender.stop_starting()
    gate.set()
    until(lambda: world.sender.in_flight() == 0, world)

    assert states(world) == {"published": 4, "pending": 8}
    assert len(site.calls) == 4


def test_a_channel_that_its_answers_stop_is_not_called_with_what_was_claimed_ahead(
    tmp_path: Path, gate: threading.Event
) -> None:
    site = ScriptedSite(
        gate=gate, script=[NeedsPerson(Reason.BAD_CREDENTIAL, "密码已过期", stops_channel=True) for _ in range(4)]
    )
    world = filled(tmp_path, site, notices=6)
    until(lambda: len(site.calls) == 4 and states(world)["sending"] == 6, world)
    gate.set()
    until(lambda: world.sender.in_flight() == 0, world)
    world.sender.tick(world.clock(), 0.1)

    assert len(site.calls) == 4
    assert site.items == []
    assert State.SENDING.value not in states(world)
