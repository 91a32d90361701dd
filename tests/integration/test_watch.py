"""What should not last is alarmed; what is busy but moving is not."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from publisher.channel import Receipt
from publisher.delivery import State
from publisher.ledger import channel_state
from publisher.send import watch
from tests.support.builders import a_notice
from tests.support.scripted_site import ScriptedSite
from tests.support.sending import World, a_world


def look(world: World) -> list[str]:
    watch.look(world.ledger, world.channels, world.sending, world.clock())
    return world.alarms()


def later(world: World, **span: float) -> None:
    """Time passes, and nobody sends."""
    world.clock.move_to(world.clock() + timedelta(**span))


def many(world: World, count: int) -> None:
    for n in range(count):
        world.accept(a_notice(project_no=f"NO-{n}", dates={}))


def test_c037_what_is_due_for_a_quarter_of_an_hour_and_not_sent_is_alarmed_until_it_is_sent(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()})
    many(world, 3)
    later(world, minutes=15)
    assert look(world) == []
    later(world, seconds=1)
    assert look(world) == ["stuck:city"]
    assert look(world) == ["stuck:city"]
    world.step()

    assert look(world) == []
    assert [e for e in world.events() if e.startswith("alarm")] == ["alarm_raised", "alarm_cleared"]


def test_a_long_queue_that_moves_is_not_stuck(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site}, settings={"city": {"rate": {"calls": 2, "per": "1m"}}})
    many(world, 60)
    for _ in range(25):
        world.run_for(minutes=1)
        assert look(world) == []

    assert len(site.items) < 60


def test_one_that_others_overtake_is_stuck_although_the_queue_moves(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()})
    forgotten = world.accept()
    with world.ledger.write() as tx:  # as if the sender could not see it
        tx.conn.exec_driver_sql("update delivery set state = 'cancelled'")
    later(world, minutes=16)
    many(world, 5)
    world.step()
    with world.ledger.write() as tx:
        tx.conn.exec_driver_sql(f"update delivery set state = 'pending' where number = '{forgotten}'")

    assert look(world) == ["stuck:city"]


@pytest.mark.parametrize("which", ["city", channel_state.ALL])
def test_a_stopped_channel_is_not_stuck(tmp_path: Path, which: str) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()})
    with world.ledger.write() as tx:
        channel_state.stop(tx, which, "刘某", "检修")
    many(world, 3)
    later(world, hours=1)

    assert look(world) == []


def test_a_channel_that_is_down_is_not_stuck_too(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite(down=lambda: True)}, sending={"quick_wait": "0s"})
    many(world, 12)
    world.run_for(hours=2)

    assert look(world) == ["down:city"]


def test_what_is_taken_and_not_public_for_a_day_is_alarmed_until_it_is(tmp_path: Path) -> None:
    site = ScriptedSite(script=[Receipt(number="S-1", public=False)], public=False)
    world = a_world(tmp_path, {"prov": site})
    number = world.accept()
    world.run_for(hours=23)
    assert look(world) == []
    world.run_for(hours=2)
    assert look(world) == ["awaiting:prov"]
    site.public = True
    world.run_for(days=1)

    assert world.state(number, "prov") is State.PUBLISHED
    assert look(world) == []


def test_c029_taken_is_not_published_and_not_counted(tmp_path: Path) -> None:
    site = ScriptedSite(script=[Receipt(number="T-1", public=False)], public=False)
    world = a_world(tmp_path, {"prov": site})
    number = world.accept()
    world.run_for(days=2)
    assert world.state(number, "prov") is State.SUBMITTED
    with world.ledger.read() as conn:
        assert conn.exec_driver_sql("select sum(weight) from publication_log").scalar_one() == 0
    asked = site.asked
    site.public = True
    world.run_for(days=1)

    row = world.row(number, "prov")
    assert (row.state, row.channel_number) == ("published", "S-1")
    assert asked < 60, "polled too often"
    with world.ledger.read() as conn:
        day = conn.exec_driver_sql("select visible_day from publication_log where weight = 1").scalar_one()
    assert day > "2017-12-05"
