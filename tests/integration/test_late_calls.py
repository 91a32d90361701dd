"""Calls that end late, hang, or cannot be recorded: what they answer is used once and never dropped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from publisher.channel import CannotTell, Found, Receipt
from publisher.delivery import State
from publisher.errors import NeedsPerson, Reason
from publisher.ledger import acts, deliveries
from publisher.ledger.acts import Person
from publisher.ledger.recorder import Recorder
from publisher.ledger.store import Tx
from publisher.send import settle, settle_late
from publisher.send.sender import Sender
from publisher.send.settle import Rules
from tests.support.builders import a_notice
from tests.support.scripted_site import ScriptedSite, lost
from tests.support.sending import World, a_world

LIU = Person("刘某", "liu@office")
SHORT = {"city": {"attempt": "50ms"}}


def until(true: Callable[[], object], world: World | None = None, seconds: float = 15) -> None:
    """Wait (ticking `world`) until `true`."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, world.rows() if world else "too late"
        if world is None:
            time.sleep(0.005)
        else:
            world.sender.tick(world.clock(), 0.02)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds a call; opened at the end whatever happens."""
    event = threading.Event()
    yield event
    event.set()


# ---- the answer of an overdue call


class LateRecorder:
    """Keeps the outcomes of calls waiting until `may_record`."""

    def __init__(self, inner: Recorder) -> None:
        self.inner = inner
        self.main = threading.current_thread()
        self.waits, self.may_record = threading.Event(), threading.Event()

    def record(self, write: Callable[[Tx], Any]) -> Future[Any]:
        self._wait()
        return self.inner.record(write)

    def record_both(self, write: Callable[[Tx], Any], after: Callable[[Tx], Any]) -> tuple[Future[Any], Future[Any]]:
        self._wait()
        return self.inner.record_both(write, after)

    def _wait(self) -> None:
        if threading.current_thread() is not self.main:
            self.waits.set()
            assert self.may_record.wait(10)

    def close(self) -> None:
        self.inner.close()


def test_an_answer_that_crosses_the_end_of_patience_is_used_as_it_is(tmp_path: Path) -> None:
    site = ScriptedSite(findable=False)
    world = a_world(tmp_path, {"city": site}, threads=3, settings=SHORT)
    recorder = LateRecorder(world.sender._recorder)
    pool = world.sender._pool
    world.sender = Sender(world.ledger, recorder, pool, world.channels, world.sending, world.daemon_id, world.machine)
    number = world.accept()
    world.sender.tick(world.clock())
    assert recorder.waits.wait(10)
    world.outwait()
    world.step()
    assert world.state(number, "city") is State.SENDING
    assert world.sender.in_flight() == 1
    recorder.may_record.set()
    until(lambda: world.sender.in_flight() == 0, world)

    assert world.state(number, "city") is State.PUBLISHED
    assert [(a.outcome, a.ended_at is not None) for a in world.attempts()] == [("published", True)]
    until(lambda: pool.free() == 3)  # no thread is counted as lost


def test_a_call_that_hangs_is_unknown_until_it_ends_and_a_restart_ends_it(
    tmp_path: Path, gate: threading.Event
) -> None:
    site = ScriptedSite(gate=gate, findable=False)
    world = a_world(tmp_path, {"city": site}, threads=2, settings=SHORT)
    number = world.accept()
    until(lambda: site.calls, world)
    world.outwait()
    until(lambda: world.state(number, "city") is State.UNKNOWN, world)
    row = world.row(number, "city")
    assert (row.reason, row.next_at, row.call_over_at) == ("time_limit", None, None)
    world.restart()
    world.step()

    row = world.row(number, "city")
    assert (row.state, row.reason) == ("held", "cannot_be_asked")
    assert len(site.calls) == 1


def settled_late(world: World, number: str, outcome: Receipt | NeedsPerson) -> None:
    """As the sender records the answer of a call that was given up before."""
    row = world.row(number, "city")
    channel, rules = world.channels["city"], Rules(world.sending, world.machine.chance)
    attempt_id = world.attempts()[-1].id
    with world.ledger.write() as tx:
        settle.end_attempt(tx, attempt_id, outcome, None)
        settle_late.settle_late(tx, channel, deliveries.read(tx.conn, row.id), outcome, attempt_id, rules)


def doubtful(tmp_path: Path, **site: Any) -> tuple[World, str]:
    world = a_world(tmp_path, {"city": ScriptedSite(script=[lost()], **site)})
    number = world.accept()
    world.step()
    return world, number


def told_of_late_answer(world: World) -> str:
    with world.ledger.read() as conn:
        rows = conn.exec_driver_sql("select payload from publication_log where event = 'late_answer'").scalars().all()
    (payload,) = rows
    return str(payload)


def test_a_late_receipt_settles_a_held_delivery(tmp_path: Path) -> None:
    world, number = doubtful(tmp_path, findable=False)
    assert world.state(number, "city") is State.HELD
    settled_late(world, number, Receipt(number="S-9", url="http://example.invalid/9"))

    row = world.row(number, "city")
    assert (row.state, row.channel_number) == ("published", "S-9")
    assert "S-9" in told_of_late_answer(world)
    assert world.alarms() == []


def test_a_late_receipt_of_a_person_s_task_leaves_a_held_delivery_to_its_person(tmp_path: Path) -> None:
    world, number = doubtful(tmp_path, findable=False)
    settled_late(world, number, Receipt(number="S-9", public=False))

    assert world.state(number, "city") is State.HELD
    assert "S-9" in told_of_late_answer(world)


def test_a_late_receipt_publishes_what_waits_to_be_sent_again(tmp_path: Path) -> None:
    world, number = doubtful(tmp_path, idempotent=True)
    assert world.state(number, "city") is State.PENDING
    settled_late(world, number, Receipt(number="S-9"))
    world.run_for(hours=1)

    assert world.state(number, "city") is State.PUBLISHED
    assert len(world.attempts()) == 1
    assert world.verdict().ok


def test_a_late_receipt_of_what_was_cancelled_meanwhile_is_alarmed(tmp_path: Path) -> None:
    world, number = doubtful(tmp_path, findable=False)
    with world.ledger.write() as tx:
        rows = acts.of_number(tx.conn, number)
        acts.release(tx, rows, LIU, "", lambda _: None, not_there=True)
        acts.cancel(tx, acts.of_number(tx.conn, number), LIU, "项目终止")
    settled_late(world, number, Receipt(number="S-9"))

    row = world.row(number, "city")
    assert row.state == "cancelled"
    assert world.alarms() == [f"double:{row.id}"]
    assert "S-9" in alarm_text(world)


def alarm_text(world: World) -> str:
    with world.ledger.read() as conn:
        return str(conn.exec_driver_sql("select detail from alarm where cleared_at is null").scalar_one())


def test_a_late_receipt_with_another_number_is_alarmed_and_a_person_settles_the_alarm(tmp_path: Path) -> None:
    world, number = doubtful(tmp_path)  # found as S-1
    assert world.state(number, "city") is State.PUBLISHED
    settled_late(world, number, Receipt(number="S-9"))
    row = world.row(number, "city")
    assert world.alarms() == [f"double:{row.id}"]
    assert "S-1" in alarm_text(world) and "S-9" in alarm_text(world)
    with world.ledger.write() as tx:
        acts.confirm(tx, row, LIU, proof="已请网站撤下 S-9")

    assert world.alarms() == []
    assert world.state(number, "city") is State.PUBLISHED
    with world.ledger.read() as conn:
        assert conn.exec_driver_sql("select sum(weight) from publication_log").scalar_one() == 1
    assert "已请网站撤下" in str(world_log(world, "double_settled"))


def world_log(world: World, event: str) -> list[str]:
    with world.ledger.read() as conn:
        query = f"select payload from publication_log where event = '{event}'"
        return [str(payload) for payload in conn.exec_driver_sql(query).scalars()]


@pytest.mark.parametrize("number_told", [None, "S-1"])
def test_a_late_receipt_about_the_same_item_is_no_alarm(tmp_path: Path, number_told: str | None) -> None:
    world, number = doubtful(tmp_path)
    assert world.state(number, "city") is State.PUBLISHED
    settled_late(world, number, Receipt(number=number_told))

    assert world.alarms() == []


def test_a_late_answer_that_a_person_is_needed_is_asked_for(tmp_path: Path) -> None:
    world, number = doubtful(tmp_path, late=timedelta(minutes=1))
    assert world.state(number, "city") is State.UNKNOWN
    settled_late(world, number, NeedsPerson(Reason.UNKNOWN_ANSWER, "errcode 7"))
    world.run_for(minutes=5)

    assert world.state(number, "city") is State.PUBLISHED


# ---- questions that hang


def test_a_question_that_hangs_is_asked_again_later_and_others_go_on(tmp_path: Path, gate: threading.Event) -> None:
    class Hanging(ScriptedSite):
        def find(self, submission: Any) -> Any:
            if not self.asked:
                self.asked += 1
                gate.wait(20)
                return CannotTell("")
            return super().find(submission)

    site = Hanging(script=[lost()])
    world = a_world(tmp_path, {"city": site}, threads=2, settings=SHORT)
    number = world.accept()
    until(lambda: site.asked, world)
    world.outwait()
    other = world.accept(a_notice(project_no="NO-2", dates={}))
    until(lambda: world.state(other, "city") is State.PUBLISHED, world)
    until(lambda: world.row(number, "city").next_at is not None and world.row(number, "city").daemon_id is None, world)
    world.clock.move_to(world.clock() + timedelta(hours=1))
    until(lambda: world.state(number, "city") is State.PUBLISHED, world)

    assert site.keys.count(world.row(number, "city").delivery_key) == 1


# ---- an outcome that cannot be recorded


def test_an_outcome_that_could_not_be_recorded_is_asked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A fault of the program in recording; the ledger itself can be reached."""
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site}, threads=2)
    number = world.accept()
    refuse = "begin select raise(abort, 'a fault of the program'); end"
    on_sqlite = f"create trigger fault before update of outcome on attempt when new.outcome = 'published' {refuse}"
    elsewhere = "alter table attempt add constraint fault check (outcome <> 'published')"
    with world.ledger.engine.connect() as conn:
        conn.exec_driver_sql(elsewhere if world.ledger.shared else on_sqlite)
        conn.commit()
    until(lambda: "recording an outcome of city failed" in caplog.text, world)
    with world.ledger.engine.connect() as conn:
        conn.exec_driver_sql(
            "alter table attempt drop constraint fault" if world.ledger.shared else "drop trigger fault"
        )
        conn.commit()

    def settled() -> bool:
        world.clock.move_to(world.clock() + timedelta(seconds=11))  # the next beat
        return world.state(number, "city") is State.PUBLISHED

    until(settled, world)
    assert len(site.items) == 1
    assert "outcome_unknown" in world.events()


def test_a_question_found_on_another_text_by_a_stranger_is_held(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost()], finds=[Found(Receipt(number="X"), "n1:" + "0" * 64)])
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.step()

    row = world.row(number, "city")
    assert (row.state, row.reason, row.channel_number) == ("held", "foreign_text", "X")
    assert world.alarms() == [f"drift:{row.id}"]
