"""Claims beside others that take their daemon for dead: nothing that is claimed belongs to nobody."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from publisher.delivery import State
from publisher.ledger import claims, daemons
from publisher.ledger.store import is_unreachable
from publisher.ledger.tables import daemon
from publisher.send import recovery
from publisher.send.settle import Rules
from tests.support.postgres import fresh_database
from tests.support.scripted_site import ScriptedSite
from tests.support.sending import World, a_world

LEASE = timedelta(seconds=30)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One delivery on PostgreSQL; the world's own daemon is the one that looks after the others."""
    built = a_world(tmp_path, {"city": ScriptedSite()}, url=fresh_database())
    built.accept()
    return built


def a_second_daemon(world: World) -> int:
    with world.ledger.write() as tx:
        return daemons.register(tx, "another-host", 1, LEASE)


def settle(world: World) -> int:
    rules = Rules(world.sending, world.machine.chance)
    return recovery.settle_silent(world.ledger, world.channels, world.daemon_id, rules, world.machine.fault)


def ended(world: World, daemon_id: int) -> bool:
    with world.ledger.read() as conn:
        return conn.execute(select(daemon.c.ended_at).where(daemon.c.id == daemon_id)).scalar_one() is not None


def test_nobody_takes_a_daemon_for_dead_in_the_middle_of_its_claim(world: World) -> None:
    """Frozen between claim and commit past its lease: what it then commits is still looked after."""
    second = a_second_daemon(world)
    with world.ledger.write() as tx:
        assert daemons.may_claim(tx, second)
        claims.begin_sends(tx, claims.sends(tx, "city", 1), second, timedelta(minutes=1), timedelta(days=1))
        world.clock.move_to(world.clock() + 2 * LEASE)
        assert settle(world) == 0
        assert not ended(world, second)
    assert [row.state for row in world.rows()] == ["sending"]

    assert settle(world) == 1
    assert ended(world, second)
    assert [row.state for row in world.rows()] != ["sending"]


def test_a_daemon_that_was_taken_for_dead_claims_nothing(world: World) -> None:
    second = a_second_daemon(world)
    world.clock.move_to(world.clock() + 2 * LEASE)
    settle(world)

    with world.ledger.write() as tx:
        assert not daemons.may_claim(tx, second)


def test_a_claim_does_not_wait_for_whoever_settles_its_daemon(world: World) -> None:
    second = a_second_daemon(world)
    with world.ledger.write() as settling:
        assert daemons.lock(settling, [second])
        with world.ledger.write() as tx:
            assert not daemons.may_claim(tx, second)


def test_what_an_ended_daemon_left_sending_is_settled_too(world: World) -> None:
    """It ended while a call of it hung."""
    second = a_second_daemon(world)
    with world.ledger.write() as tx:
        claims.begin_sends(tx, claims.sends(tx, "city", 1), second, timedelta(minutes=1), timedelta(days=1))
        daemons.end(tx, second)
    world.clock.move_to(world.clock() + 2 * LEASE)

    assert settle(world) == 1
    assert world.rows()[0].state == State.UNKNOWN.value


def test_a_transaction_that_stands_still_is_ended_by_the_database_and_counts_as_an_outage(world: World) -> None:
    """Its host may be cut off: the others must not wait for it as long as a connection may live."""
    shown = "show idle_in_transaction_session_timeout"
    with world.ledger.read() as conn:
        assert conn.exec_driver_sql(shown).scalar_one() == "0", "a long reading keeps nobody waiting"
    with pytest.raises(DBAPIError) as raised, world.ledger.write() as tx:
        assert tx.conn.exec_driver_sql(shown).scalar_one() == "30s"
        tx.conn.exec_driver_sql("set local idle_in_transaction_session_timeout = '20ms'")
        until_the_database_ends(world, tx.conn.exec_driver_sql("select pg_backend_pid()").scalar_one())
        tx.conn.exec_driver_sql("select 1")

    assert is_unreachable(raised.value), "the recorder does such a group again"


def until_the_database_ends(world: World, backend: int) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with world.ledger.read() as conn:
            lives = f"select count(*) from pg_stat_activity where pid = {backend}"
            if not conn.exec_driver_sql(lives).scalar_one():
                return
        time.sleep(0.01)
    raise AssertionError("the connection still lives")
