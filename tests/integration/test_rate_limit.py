"""A call may leave at any instant between its row and its end: so long, and `per` after it, it holds its slot."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

from publisher.ledger import channel_state, claims, daemons, rate_limit
from tests.support.builders import START, a_notice
from tests.support.scripted_site import ScriptedSite
from tests.support.sending import World, a_world

PER, LIMIT = timedelta(minutes=1), timedelta(minutes=10)
SETTINGS = {"city": {"rate": {"calls": 2, "per": "1m"}, "concurrency": 4, "attempt": "10m"}}


def three_due(world: World) -> None:
    for number in range(3):
        world.accept(a_notice(project_no=f"NO-{number}", dates={}))


def left(world: World) -> int:
    with world.ledger.write() as tx:
        channel_state.lock_state(tx, "city")
        return rate_limit.slots_left(tx, "city", 2, PER, LIMIT)


def test_a_call_that_has_not_ended_holds_its_slot_and_for_one_window_after_its_end(tmp_path: Path) -> None:
    gate = threading.Event()
    site = ScriptedSite(gate=gate)
    world = a_world(tmp_path, {"city": site}, threads=4, settings=SETTINGS)
    three_due(world)
    world.sender.tick(world.clock(), 0.02)
    world.clock.move_to(START + timedelta(minutes=5))
    world.sender.tick(world.clock(), 0.02)
    assert len(site.calls) == 2
    gate.set()
    while world.sender.in_flight():
        world.sender.tick(world.clock(), 0.02)
    world.clock.move_to(START + timedelta(minutes=5, seconds=59))
    world.sender.tick(world.clock(), 0.02)
    assert len(site.calls) == 2
    world.clock.move_to(START + timedelta(minutes=6))
    while any(row.state != "published" for row in world.rows()):
        world.sender.tick(world.clock(), 0.02)

    assert [when for _, when in site.calls][2:] == [START + timedelta(minutes=6)]


def test_a_frozen_daemons_calls_hold_their_slots_until_their_total_time_is_up(tmp_path: Path) -> None:
    """Others have taken its deliveries over; what it was about to send may leave when it is woken."""
    world = a_world(tmp_path, {"city": ScriptedSite()}, settings=SETTINGS)
    three_due(world)
    with world.ledger.write() as tx:
        claims.begin_sends(tx, world.rows()[:2], 99, LIMIT, timedelta(days=1))
    world.clock.move_to(START + LIMIT + PER - timedelta(seconds=1))
    assert left(world) == 0
    world.clock.move_to(START + LIMIT + PER)
    assert left(world) == 2


def test_a_question_of_a_daemon_that_is_proven_dead_is_over(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()}, settings=SETTINGS)
    three_due(world)
    with world.ledger.write() as tx:
        claims.begin_asks(tx, world.rows()[:2], 99, LIMIT)
    assert left(world) == 0
    with world.ledger.write() as tx:
        daemons.close_calls_of(tx, [99])
    world.clock.move_to(START + PER)

    assert left(world) == 2


def test_the_next_slot_is_one_window_after_the_first_end(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()}, settings=SETTINGS)
    three_due(world)
    world.step()  # two calls, over at once
    with world.ledger.read() as conn:
        after = START + timedelta(seconds=20)
        assert rate_limit.next_slot(conn, "city", PER, after, LIMIT) == START + PER
