"""The machine's clock jumps: it is told, nothing goes early for it, nothing twice, and nothing waits for ever."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy.exc import OperationalError

from publisher.daemon import keep_ticking
from publisher.delivery import State
from publisher.errors import Reason
from publisher.ledger import acts, schedule
from publisher.ledger.acts import Person
from publisher.ledger.recorder import InlineRecorder
from publisher.ledger.store import Fault, no_fault, open_ledger
from publisher.ledger.tables import publication_log
from publisher.ledger.verify import verify
from publisher.notice import LOCAL
from publisher.send.clock import ClockWatch
from publisher.send.pool import InlinePool
from publisher.send.sender import Sender
from publisher.simulation import SimulatedClock
from tests.support.builders import START, a_notice
from tests.support.scripted_site import ScriptedSite, unreachable
from tests.support.sending import OPENED, World, a_database, a_world

LIU = Person("刘某", "liu@office")


@dataclass
class Clock(SimulatedClock):
    """A clock that can be set, beside seconds that only pass."""

    now: datetime = START
    passed: float = 0.0

    def __call__(self) -> datetime:
        return self.now

    def move_to(self, moment: datetime) -> None:
        self.sleep(max(0.0, (moment - self.now).total_seconds()))

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.passed += seconds

    def step(self, **by: float) -> None:
        """Somebody, or a time service, sets the clock; no time passes."""
        self.now += timedelta(**by)


def a_real_world(tmp_path: Path, site: ScriptedSite, fault: Fault = no_fault, **sending: Any) -> tuple[World, Clock]:
    """A world whose clock can be set, and whose sender looks for that."""
    built = a_world(tmp_path / "unused", {"city": site}, sending=sending, url=a_database(tmp_path))
    clock = Clock()
    url = built.ledger.engine.url.render_as_string(hide_password=False)
    ledger = open_ledger(url, real=False, clock=clock, fault=fault)
    OPENED.append(ledger)
    machine = replace(built.machine, clock=clock, sleep=clock.sleep, steady=lambda: clock.passed)
    parts = InlineRecorder(ledger), InlinePool(), built.channels, built.sending, built.daemon_id, machine
    return replace(built, ledger=ledger, clock=clock, machine=machine, sender=Sender(ledger, *parts)), clock


def logged(world: World, event: str) -> list[dict[str, Any]]:
    query = publication_log.select().where(publication_log.c.event == event).order_by(publication_log.c.seq)
    with world.ledger.read() as conn:
        return [json.loads(row.payload)["data"] for row in conn.execute(query)]


@pytest.fixture
def scheduled(tmp_path: Path) -> tuple[World, Clock, ScriptedSite, str]:
    """A notice that is to go in an hour, at ten."""
    site = ScriptedSite()
    world, clock = a_real_world(tmp_path, site)
    number = world.accept(a_notice(publish_at=START + timedelta(hours=1)))
    world.run_for(minutes=10)
    return world, clock, site, number


Scheduled = tuple[World, Clock, ScriptedSite, str]


def test_what_only_a_jump_of_the_clock_makes_due_waits_for_a_person(scheduled: Scheduled) -> None:
    world, clock, site, number = scheduled
    clock.step(hours=3)
    world.step()

    row = world.row(number, "city")
    assert (site.calls, row.state, row.reason) == ([], "held", Reason.CLOCK_STEPPED.value)
    assert "向前跳动 3 小时（2017年12月4日 09:10 → 2017年12月4日 12:10）" in row.detail
    assert [told["seconds"] for told in logged(world, "clock_stepped")] == [3 * 3600]
    assert world.alarms() == ["clock"]
    assert world.verdict().ok


def test_a_step_is_not_forgotten_while_the_ledger_is_away(tmp_path: Path) -> None:
    away = [False]

    def fault(point: str) -> object:
        if point == "commit.before" and away[0]:
            raise OperationalError("commit", {}, Exception("database is locked"))
        return None

    site = ScriptedSite()
    world, clock = a_real_world(tmp_path, site, fault)
    number = world.accept(a_notice(publish_at=START + timedelta(hours=1)))
    world.step()
    clock.step(hours=3)
    away[0] = True
    with pytest.raises(OperationalError):
        world.step()
    away[0] = False
    clock.sleep(1)
    world.step()

    assert (site.calls, world.row(number, "city").reason) == ([], "clock_stepped")
    assert len(logged(world, "clock_stepped")) == 1


def test_the_clock_was_right_and_a_person_lets_it_go(scheduled: Scheduled) -> None:
    world, clock, site, number = scheduled
    clock.step(hours=3)
    world.step()
    with world.ledger.write() as tx:
        acts.release(tx, acts.of_number(tx.conn, number), LIU, "时间无误", lambda _: None, not_there=False)
    world.step()
    assert (world.state(number, "city"), len(site.calls)) == (State.PUBLISHED, 1)


def test_the_clock_was_wrong_is_set_back_and_the_notice_goes_at_its_own_instant(scheduled: Scheduled) -> None:
    world, clock, site, number = scheduled
    clock.step(hours=3)
    world.step()
    clock.step(hours=-3)
    world.step()
    with world.ledger.write() as tx:
        schedule.reschedule(tx, number, START + timedelta(hours=1), LIU, "时间已改正")
    world.run_to(START + timedelta(minutes=59))
    assert site.calls == []
    world.run_to(START + timedelta(hours=1))

    assert [when for _, when in site.calls] == [START + timedelta(hours=1)]
    assert len(logged(world, "clock_stepped")) == 2


def test_what_is_due_anyhow_or_later_is_not_held_by_a_jump(tmp_path: Path) -> None:
    site = ScriptedSite()
    world, clock = a_real_world(tmp_path, site)
    world.step()
    later = world.accept(a_notice(project_no="NO-2", publish_at=START + timedelta(days=2)))
    now = world.accept(a_notice(project_no="NO-3", dates={}))
    clock.step(hours=3)
    world.step()
    assert world.state(now, "city") is State.PUBLISHED
    assert (world.state(later, "city"), world.row(later, "city").waits_for) == (State.PENDING, "time")


def test_a_clock_set_back_sends_nothing_twice_and_nothing_early(scheduled: Scheduled) -> None:
    world, clock, site, number = scheduled
    world.run_to(START + timedelta(hours=1))
    second = world.accept(a_notice(project_no="NO-2", publish_at=START + timedelta(hours=2)))
    clock.step(hours=-2)
    world.run_to(START + timedelta(hours=2) - timedelta(seconds=1))
    assert [key for key, _ in site.calls] == [world.row(number, "city").delivery_key]
    world.run_to(START + timedelta(hours=2))

    assert world.state(second, "city") is State.PUBLISHED
    assert [told["seconds"] for told in logged(world, "clock_stepped")] == [-7200]


def test_after_a_clock_was_set_back_a_retry_does_not_wait_for_as_long_as_it_went_back(tmp_path: Path) -> None:
    site = ScriptedSite(script=[unreachable() for _ in range(4)])
    world, clock = a_real_world(tmp_path, site, quick_wait="0s", retry_cap="5m")
    number = world.accept()
    world.run_for(seconds=5)
    clock.step(days=-30)
    world.run_for(minutes=20)
    assert world.state(number, "city") is State.PUBLISHED


def test_a_daemon_whose_clock_was_set_back_still_gives_signs_of_life(scheduled: Scheduled) -> None:
    world, clock, _, _ = scheduled
    clock.step(days=-1)
    world.step()
    with world.ledger.read() as conn:
        beat = conn.exec_driver_sql("select max(heartbeat_at) from daemon").scalar_one()
    assert beat == int(clock.now.timestamp()) * 1_000_000


def test_the_alarm_ends_after_an_hour_of_even_running_and_small_corrections_are_none(scheduled: Scheduled) -> None:
    world, clock, _, _ = scheduled
    for _ in range(20):
        clock.step(seconds=4)
        world.step()
    assert world.alarms() == []
    clock.step(minutes=-6)
    world.step()
    world.run_for(minutes=59)
    assert world.alarms() == ["clock"]
    world.run_for(minutes=2)
    assert world.alarms() == []
    assert verify(world.ledger, None).ok


def test_a_machine_that_slept_or_a_process_that_stood_still_has_not_stepped() -> None:
    clock = Clock()
    watch = ClockWatch(clock, lambda: clock.passed)
    clock.sleep(8 * 3600)
    assert watch.look() is None


def test_a_process_that_stood_still_between_two_readings_has_not_seen_a_step() -> None:
    clock, stops = Clock(), [0.0, 0.0, 600.0, 0.0]

    def seconds() -> float:
        clock.sleep(stops.pop(0) if stops else 0.0)
        return clock.passed

    watch = ClockWatch(clock, seconds)
    assert [watch.look(), watch.look()] == [None, None]
    assert clock.passed == 600


def test_the_scheduler_rings_at_once_when_its_next_turn_lies_too_far_ahead() -> None:
    rung: list[str] = []
    scheduler = BackgroundScheduler(timezone=LOCAL)
    scheduler.start(paused=True)
    now = datetime.now(LOCAL)
    scheduler.add_job(rung.append, "interval", seconds=1, id="send", args=["x"], next_run_time=now + timedelta(hours=3))
    scheduler.add_job(rung.append, "interval", seconds=60, id="watch", args=["x"])
    keep_ticking(scheduler, now)
    times: dict[str, datetime] = {job.id: job.next_run_time for job in scheduler.get_jobs()}
    scheduler.shutdown(wait=False)

    assert times["send"] == now
    assert timedelta(seconds=50) < times["watch"] - now <= timedelta(seconds=61)
