"""A few calls are claimed before a thread is free for them, where a crash in between leaves no doubt to a person."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from publisher.delivery import State
from publisher.errors import NeedsPerson, Reason, TransientFailure
from publisher.ledger import claims, deliveries
from publisher.ledger.recorder import Recorder
from publisher.ledger.store import Tx
from publisher.send import settle
from publisher.send.sender import HEARTBEAT, Sender
from publisher.send.settle import Rules
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


class SlowToTell:
    """A recorder that is slow to say that a claim is durable, as a busy machine may make it."""

    def __init__(self, inner: Recorder) -> None:
        self.inner = inner
        self.slow = True
        self.untold: list[tuple[Future[Any], Future[Any]]] = []

    def record(self, write: Callable[[Tx], Any]) -> Future[Any]:
        return self.inner.record(write)

    def record_both(self, write: Callable[[Tx], Any], after: Callable[[Tx], Any]) -> tuple[Future[Any], Future[Any]]:
        recorded, claimed = self.inner.record_both(write, after)
        if not self.slow:
            return recorded, claimed
        told: Future[Any] = Future()
        claimed.add_done_callback(lambda done: self.untold.append((done, told)))
        return recorded, told

    def tell(self) -> None:
        self.slow = False
        while self.untold:
            done, told = self.untold.pop(0)
            told.set_result(done.result())

    def close(self) -> None:
        self.inner.close()


def test_a_claim_that_is_durable_and_not_begun_yet_is_not_taken_for_a_lost_one(
    tmp_path: Path, gate: threading.Event
) -> None:
    site = ScriptedSite(gate=gate)
    world = filled(tmp_path, site)
    recorder = SlowToTell(world.sender._recorder)
    pool, channels = world.sender._pool, world.channels
    world.sender = Sender(world.ledger, recorder, pool, channels, world.sending, world.daemon_id, world.machine)
    until(lambda: len(site.calls) == 4, world)
    gate.set()
    end = time.monotonic() + 10
    while not recorder.untold and time.monotonic() < end:
        time.sleep(0.005)
    claimed = {row.delivery_key for row in world.rows() if row.state == "sending"}
    assert claimed
    world.clock.move_to(world.clock() + 2 * HEARTBEAT)
    world.sender._beat()

    assert claimed <= {row.delivery_key for row in world.rows() if row.state in ("sending", "published")}
    assert "not_begun" not in {attempt.outcome for attempt in world.attempts()}

    recorder.tell()
    until(lambda: states(world)["published"] == 12, world)
    assert sorted(site.keys) == sorted(row.delivery_key for row in world.rows())
    assert world.verdict().ok


def test_a_claim_sees_the_ends_of_calls_that_are_recorded_in_its_own_transaction(tmp_path: Path) -> None:
    """A call that was not begun leaves no doubt: in the same group it is claimed anew, not held and asked for."""
    world = a_world(tmp_path, {"city": ScriptedSite()}, threads=2)
    number = world.accept()
    row = world.row(number, "city")
    outcome = TransientFailure(Reason.NO_LONGER_MINE, "未能及时开始", channel_wide=False)
    with world.ledger.write() as tx:
        (claimed,) = claims.begin_sends(tx, [row], world.daemon_id, timedelta(seconds=10), timedelta(hours=72))
    assert claimed.attempt_id is not None
    channel, rules = world.channels["city"], Rules(world.sending, world.machine.chance)
    with world.ledger.write() as tx:
        settle.end_attempt(tx, claimed.attempt_id, outcome, None, slot=False)
        settle.settle_submit(tx, channel, deliveries.read(tx.conn, row.id), outcome, rules, claimed.attempt_id)
        started, _ = world.sender._claim_due(tx)

    assert [running.claimed.row.id for running in started if running.claimed] == [row.id]
    assert "held" not in world.events()
