"""The recorder: groups, single failures, and a database that cannot be reached; writers beside each other."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event, text

from publisher.channel import Receipt, Submission
from publisher.delivery import State
from publisher.ledger import acts, recorder, store
from publisher.ledger.acts import Person
from publisher.ledger.chain import Entry
from publisher.ledger.recorder import GroupingRecorder, RecorderClosed
from publisher.ledger.store import Ledger, Tx, open_ledger
from publisher.ledger.verify import verify
from tests.support.builders import START, a_notice
from tests.support.outage import Outage
from tests.support.scripted_site import ScriptedSite
from tests.support.sending import a_database, a_world

LIU = Person("刘某", "liu@office")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(a_database(tmp_path), real=False, clock=lambda: START)
    yield opened
    opened.close()


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite3", real=False, clock=lambda: START)
    yield opened
    opened.close()


def address(ledger: Ledger) -> str:
    return ledger.engine.url.render_as_string(hide_password=False)


@pytest.fixture
def grouping(ledger: Ledger) -> Iterator[GroupingRecorder]:
    made = GroupingRecorder(ledger, lambda seconds: time.sleep(0.01))
    yield made
    made.close()


def note(name: str) -> Callable[[Tx], str]:
    def write(tx: Tx) -> str:
        tx.log(Entry(event="noted", by="test", data={"name": name}))
        return name

    return write


def fails(tx: Tx) -> None:
    tx.log(Entry(event="noted", by="test", data={"name": "never"}))
    raise ZeroDivisionError("this write is at fault")


def noted(ledger: Ledger) -> list[str]:
    with ledger.read() as conn:
        rows = conn.exec_driver_sql("select payload from publication_log where event = 'noted' order by seq").scalars()
        return [payload.split('"name":"')[1].split('"')[0] for payload in rows]


def held_up(grouping: GroupingRecorder, gate: threading.Event) -> threading.Event:
    """Keep the recorder busy until `gate` opens, so that what is handed in meanwhile becomes one group."""
    inside = threading.Event()

    def wait(tx: Tx) -> None:
        inside.set()
        gate.wait(10)

    grouping.record(wait)
    assert inside.wait(10)
    return inside


def commits(ledger: Ledger) -> list[int]:
    count = [0]
    event.listen(ledger.engine, "commit", lambda conn: count.__setitem__(0, count[0] + 1))
    return count


def test_what_is_handed_in_together_is_committed_together(ledger: Ledger, grouping: GroupingRecorder) -> None:
    gate, count = threading.Event(), commits(ledger)
    held_up(grouping, gate)
    futures = [grouping.record(note(str(n))) for n in range(20)]
    gate.set()

    assert [future.result(10) for future in futures] == [str(n) for n in range(20)]
    assert count == [2]
    assert noted(ledger) == [str(n) for n in range(20)]


def test_a_write_that_fails_in_a_group_fails_alone(ledger: Ledger, grouping: GroupingRecorder) -> None:
    gate = threading.Event()
    held_up(grouping, gate)
    futures: list[Future[object]] = [
        grouping.record(write)
        for write in (note("a"), fails, note("b"), fails, note("c"))  # type: ignore[misc]
    ]
    gate.set()

    assert [f.result(10) for f in (futures[0], futures[2], futures[4])] == ["a", "b", "c"]
    for failed in (futures[1], futures[3]):
        with pytest.raises(ZeroDivisionError):
            failed.result(10)
    assert noted(ledger) == ["a", "b", "c"]
    assert verify(ledger, None).ok


def test_a_future_is_done_only_when_its_write_is_durable(ledger: Ledger, grouping: GroupingRecorder) -> None:
    seen: list[list[str]] = []
    done = threading.Event()

    def look(future: Future[str]) -> None:
        seen.append(noted(ledger))
        done.set()

    grouping.record(note("a")).add_done_callback(look)
    assert done.wait(10)

    assert seen == [["a"]]


def test_closing_records_what_was_handed_in(ledger: Ledger) -> None:
    made = GroupingRecorder(ledger, time.sleep)
    futures = [made.record(note(str(n))) for n in range(30)]
    made.close()

    assert all(future.done() for future in futures)
    assert len(noted(ledger)) == 30


def test_answers_not_yet_recorded_are_bounded(ledger: Ledger) -> None:
    made = GroupingRecorder(ledger, time.sleep, capacity=4)
    gate = threading.Event()
    held_up(made, gate)
    handed: list[int] = []

    def hand_in() -> None:
        for n in range(10):
            made.record(note(str(n)))
            handed.append(n)

    thread = threading.Thread(target=hand_in)
    thread.start()
    end = time.monotonic() + 10
    while len(handed) < 4 and time.monotonic() < end:
        time.sleep(0.001)
    thread.join(0.1)
    assert thread.is_alive() and len(handed) == 4
    gate.set()
    thread.join(10)
    made.close()
    assert len(noted(ledger)) == 10


# ---- a database that cannot be used for a while


def test_while_the_database_is_locked_answers_wait_and_none_is_dropped(tmp_path: Path, ledger: Ledger) -> None:
    waits: list[float] = []
    waited = threading.Event()

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) >= 3:
            waited.set()
        time.sleep(0.005)

    made = GroupingRecorder(ledger, wait)
    locked = Outage(ledger)
    futures = [made.record(note(str(n))) for n in range(5)]
    assert waited.wait(10)
    assert not any(future.done() for future in futures)
    locked.release()

    assert [future.result(10) for future in futures] == [str(n) for n in range(5)]
    assert waits[0] == recorder.RETRY_AFTER
    assert sorted(noted(ledger)) == [str(n) for n in range(5)]
    made.close()


def test_an_answer_in_hand_when_the_database_goes_away_is_recorded_when_it_is_back(tmp_path: Path) -> None:
    gate = threading.Event()
    site = ScriptedSite(gate=gate)
    world = a_world(tmp_path, {"city": site}, threads=2)
    number = world.accept()
    world.sender.tick(world.clock())
    end = time.monotonic() + 10
    while not site.calls and time.monotonic() < end:
        time.sleep(0.005)
    locked = Outage(world.ledger)
    gate.set()
    while not site.items and time.monotonic() < end:
        time.sleep(0.005)
    locked.release()
    while world.state(number, "city") is not State.PUBLISHED and time.monotonic() < end:
        time.sleep(0.005)

    assert world.state(number, "city") is State.PUBLISHED
    assert len(site.items) == 1


def test_a_ledger_that_goes_away_under_an_adapter_is_no_fault_of_the_adapter(tmp_path: Path) -> None:
    """An adapter that uses its store before it sends: nothing was sent, so it is simply tried again."""

    class Storing(ScriptedSite):
        def submit(self, submission: Submission) -> Receipt:
            if not self.calls:
                self.calls.append(("", START))
                locked.append(Outage(world.ledger))
                try:
                    submission.context.store.put("token", "T")
                finally:
                    locked[0].release()
            return super().submit(submission)

    locked: list[Outage] = []
    site = Storing()
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.run_for(minutes=1)

    assert world.state(number, "city") is State.PUBLISHED


@pytest.mark.parametrize(
    ("message", "passes"),
    [
        ("database is locked", True),
        ("unable to open database file", True),
        ("disk I/O error", True),
        ("database or disk is full", True),
        ("attempt to write a readonly database", True),
        ("no such table: delivery", False),
        ("UNIQUE constraint failed: delivery.delivery_key", False),
    ],
)
def test_troubles_that_pass_are_told_from_faults_of_the_program(message: str, passes: bool) -> None:
    from sqlalchemy.exc import OperationalError

    assert store.is_unreachable(OperationalError("insert", {}, sqlite3.OperationalError(message))) is passes


# ---- other writers


def test_acts_of_other_connections_while_the_sender_works_lose_nothing(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site}, threads=4)
    beside = open_ledger(address(world.ledger), real=False, clock=world.clock)
    numbers = [world.accept(a_notice(project_no=f"NO-{n}", dates={})) for n in range(60)]
    acted = {"held": 0, "released": 0}
    errors: list[BaseException] = []

    def clerk() -> None:
        try:
            for number in numbers[::-1]:
                with beside.write() as tx:
                    rows = acts.of_number(tx.conn, number)
                    if rows[0].state != "pending":
                        continue
                    acts.hold(tx, rows, LIU, "再看")
                    acted["held"] += 1
                with beside.write() as tx:
                    rows = acts.of_number(tx.conn, number)
                    acts.release(tx, rows, LIU, "", lambda _: site.capabilities, not_there=False)
                    acted["released"] += 1
        except BaseException as error:  # noqa: BLE001 - told to the test below
            errors.append(error)

    thread = threading.Thread(target=clerk)
    thread.start()
    end = time.monotonic() + 30
    while (thread.is_alive() or any(row.state != "published" for row in world.rows())) and time.monotonic() < end:
        world.sender.tick(world.clock(), 0.02)
    thread.join(10)

    assert errors == []
    assert sorted(site.keys) == sorted({row.delivery_key for row in world.rows()})
    assert acted["held"] == acted["released"]
    assert world.events().count("held") == acted["held"]
    assert world.verdict().ok
    beside.close()


_WRITER = """
import sys
from datetime import UTC, datetime
from publisher.ledger.chain import Entry
from publisher.ledger.store import open_ledger
ledger = open_ledger(sys.argv[1], real=False, clock=lambda: datetime(2017, 12, 4, tzinfo=UTC))
for n in range(100):
    with ledger.write() as tx:
        tx.log(Entry(event="noted", by=sys.argv[2], data={"name": str(n)}))
"""


def test_several_processes_write_one_chain(tmp_path: Path, ledger: Ledger) -> None:
    url = address(ledger)
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, url, f"writer {n}"], stderr=subprocess.PIPE) for n in range(3)
    ]
    for n in range(100):
        with ledger.write() as tx:
            tx.log(Entry(event="noted", by="here", data={"name": str(n)}))
    for writer in writers:
        assert writer.communicate(timeout=50)[1] == b""
        assert writer.returncode == 0

    assert len(noted(ledger)) == 400
    assert verify(ledger, None).ok


def test_a_reader_sees_one_state_while_others_write(ledger: Ledger) -> None:
    with ledger.read() as conn:
        before = conn.exec_driver_sql("select count(*) from publication_log").scalar_one()
        with ledger.write() as tx:
            tx.log(Entry(event="noted", by="test", data={"name": "a"}))
        during = conn.exec_driver_sql("select count(*) from publication_log").scalar_one()

    assert during == before
    assert noted(ledger) == ["a"]


def test_a_copy_taken_by_the_supported_way_while_writing_verifies(tmp_path: Path, on_sqlite: Ledger) -> None:
    for n in range(50):
        with on_sqlite.write() as tx:
            tx.log(Entry(event="noted", by="test", data={"name": str(n)}))
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as source:
        source.execute(f"vacuum into '{tmp_path}/copy.sqlite3'")
        with on_sqlite.write() as tx:
            tx.log(Entry(event="noted", by="test", data={"name": "after"}))
    copy = open_ledger(f"sqlite:///{tmp_path}/copy.sqlite3", real=False, clock=lambda: START)

    assert verify(copy, None).ok
    assert len(noted(copy)) == 50
    copy.close()


# ---- the file itself


def test_the_database_is_opened_with_full_durability(tmp_path: Path, on_sqlite: Ledger) -> None:
    with on_sqlite.read() as conn:
        pragmas = {name: conn.exec_driver_sql(f"pragma {name}").scalar_one() for name in PRAGMAS}

    assert pragmas == PRAGMAS


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_block_that_raises_leaves_no_trace(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.write() as tx:
        tx.store_blob(b"x", "0" * 64)
        fails(tx)

    assert noted(ledger) == []
    with ledger.read() as conn:
        assert conn.execute(text("select count(*) from blob")).scalar_one() == 0


def test_what_reads_while_an_answer_is_recorded_is_not_held_up(ledger: Ledger) -> None:
    with ledger.write() as tx:
        tx.log(Entry(event="noted", by="test", data={"name": "a"}))
        assert noted(ledger) == []

    assert noted(ledger) == ["a"]


def test_nobody_waits_for_what_is_handed_in_after_the_end(ledger: Ledger) -> None:
    made = GroupingRecorder(ledger, time.sleep)
    last = made.record(note("last"))
    made.close()

    assert last.result(10) == "last"
    with pytest.raises(RecorderClosed):
        made.record(note("late"))
    with pytest.raises(RecorderClosed):
        made.record_both(note("late"), note("later"))
    assert noted(ledger) == ["last"]


def test_a_turn_of_the_sender_that_meets_the_end_of_the_program_ends_too(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()}, threads=2)
    world.accept()
    world.sender.stop_starting()
    world.sender._recorder.close()

    assert world.step() is None
