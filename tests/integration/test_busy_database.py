"""Long readers, writers and a copy at the same time: nothing is lost, nothing is double, nobody waits for ever."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from publisher.ledger import channel_state
from publisher.ledger.store import Ledger, open_ledger
from publisher.ledger.verify import verify
from tests.support.builders import START, a_notice
from tests.support.postgres import fresh_database
from tests.support.scripted_site import ScriptedSite
from tests.support.sending import World, a_world


def rows_seen_by_a_long_reader(ledger: Ledger, go_on: threading.Event, seen: list[int]) -> None:
    """As an export of a year: it counts at its beginning and at its end, and must see one state."""
    with ledger.read() as conn:
        count = "select count(*) from publication_log"
        seen.append(int(conn.exec_driver_sql(count).scalar_one()))
        assert go_on.wait(30)
        seen.append(int(conn.exec_driver_sql(count).scalar_one()))


def send_all(world: World) -> None:
    end = time.monotonic() + 30
    while any(row.state != "published" for row in world.rows()):
        assert time.monotonic() < end, [row.state for row in world.rows()]
        world.sender.tick(world.clock(), 0.02)


def test_c088_a_long_read_and_a_copy_beside_four_writers_lose_and_double_nothing(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site}, threads=4, settings={"city": {"concurrency": 4}})
    for number in range(40):
        world.accept(a_notice(project_no=f"NO-{number}", dates={}))
    go_on, seen = threading.Event(), list[int]()
    reader = threading.Thread(target=rows_seen_by_a_long_reader, args=(world.ledger, go_on, seen))
    reader.start()
    if not world.ledger.shared:
        copy_while_writing(world, tmp_path)
    send_all(world)
    go_on.set()
    reader.join(10)

    assert len(seen) == 2 and seen[0] == seen[1]
    assert sorted(site.keys) == sorted(row.delivery_key for row in world.rows())
    assert world.verdict().ok


def copy_while_writing(world: World, folder: Path) -> None:
    """The supported way to copy a file that is written to; what comes of it verifies."""
    world.sender.tick(world.clock())
    with closing(sqlite3.connect(folder / "ledger.sqlite3")) as source:
        source.execute(f"vacuum into '{folder}/copy.sqlite3'")
    copy = open_ledger(f"sqlite:///{folder}/copy.sqlite3", real=False, clock=lambda: START)
    assert verify(copy, None).faults == ()
    copy.close()


def test_a_slot_counts_from_when_the_call_may_begin_not_from_before_the_wait_for_a_frozen_daemon(
    tmp_path: Path,
) -> None:
    """A daemon that is frozen while it holds a channel's row makes the others wait; their calls begin after that."""
    rate = {"city": {"rate": {"calls": 10, "per": "1m"}}}
    world = a_world(tmp_path, {"city": ScriptedSite()}, settings=rate, url=fresh_database())
    world.accept()
    held, go_on = threading.Event(), threading.Event()

    def frozen() -> None:
        with world.ledger.write() as tx:
            channel_state.lock_state(tx, "city")
            held.set()
            assert go_on.wait(10)

    holder = threading.Thread(target=frozen)
    holder.start()
    assert held.wait(10)
    claimer = threading.Thread(target=world.step)
    claimer.start()
    wait_until_it_waits(world)
    world.clock.move_to(START + timedelta(seconds=30))
    go_on.set()
    claimer.join(10)
    holder.join(10)

    assert [attempt.started_at for attempt in world.attempts()] == [START + timedelta(seconds=30)]


def wait_until_it_waits(world: World) -> None:
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with world.ledger.read() as conn:
            if conn.exec_driver_sql(waiting).scalar_one():
                return
        time.sleep(0.01)
    raise AssertionError("nobody waits for the row")
