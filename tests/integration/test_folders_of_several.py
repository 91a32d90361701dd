"""The staff folders among several daemons: one has them at a time, also while it is at work for long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from publisher.ledger import intake_rows
from publisher.ledger.channel_state import ALL, LedgerStore
from publisher.ledger.named_lease import LeaseLost, NamedLease, hand_over
from publisher.ledger.store import Ledger
from publisher.ledger.tables import delivery
from publisher.settings import LEDGER_URL_VARIABLE
from tests.support.line import Desk, as_json
from tests.support.postgres import fresh_database

LASTS = timedelta(seconds=30)
OTHER = 999


def a_lease(desk: Desk, holder: int) -> NamedLease:
    """The folders' lease of a daemon for which time passes as the test lets it pass."""
    return NamedLease(desk.worker.office.ledger, "folders", LASTS, lambda: holder, lambda: desk.clock().timestamp())


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A desk on PostgreSQL, whose daemon is one of several."""
    monkeypatch.setenv(LEDGER_URL_VARIABLE, fresh_database())
    made = Desk(tmp_path)
    made.worker.line = replace(made.worker.line, lease=a_lease(made, made.worker.daemon_id))
    yield made
    made.worker.close()


@pytest.fixture
def ledger(desk: Desk) -> Ledger:
    return desk.worker.office.ledger


def another_takes(ledger: Ledger) -> bool:
    return LedgerStore(ledger, ALL).lease("folders", str(OTHER), LASTS)


def claimed(desk: Desk) -> intake_rows.IntakeRow:
    """A file that this daemon has claimed and not decided."""
    desk.drop("公告.json", as_json())
    desk.worker.line.lease.take()
    desk.worker.line.claim(desk.clock())
    desk.clock.sleep(6)
    desk.worker.line.claim(desk.clock())
    with desk.worker.office.ledger.read() as conn:
        (row,) = intake_rows.claimed(conn)
    return row


def test_a_row_that_two_daemons_decide_is_accepted_once(desk: Desk, ledger: Ledger) -> None:
    """This daemon read it as claimed, and was slow; another has decided it meanwhile."""
    row = claimed(desk)
    desk.worker.line.decide_claimed(desk.clock())
    with pytest.raises(intake_rows.AlreadyDecided):
        desk.worker.line._decide_or_hold(row, desk.clock())

    assert desk.states() == ["accepted"]
    with ledger.read() as conn:
        assert [one.state for one in conn.execute(select(delivery))] == ["pending"]


def test_a_daemon_that_has_lost_the_folders_claims_no_file_and_decides_nothing(desk: Desk, ledger: Ledger) -> None:
    claimed(desk)
    path = desk.drop("另一份.json", as_json(project_no="QF-2017-0009"))
    desk.worker.line.claim(desk.clock())
    desk.clock.sleep(LASTS.total_seconds() + 1)
    assert another_takes(ledger)
    with pytest.raises(LeaseLost):
        desk.worker.line.claim(desk.clock())
    with pytest.raises(LeaseLost):
        desk.worker.line.decide_claimed(desk.clock())

    assert path.exists()
    assert desk.states() == ["claimed"]
    assert desk.worker.take_in() == 0


def test_a_claim_is_not_committed_once_the_folders_are_anothers(desk: Desk, ledger: Ledger) -> None:
    """It looked fresh to this daemon, which was frozen since it looked."""
    lease = desk.worker.line.lease
    assert lease.take()
    desk.clock.sleep(LASTS.total_seconds() + 1)
    assert another_takes(ledger)
    with pytest.raises(LeaseLost), ledger.write() as tx:
        lease.check(tx)


def test_long_work_keeps_the_folders(desk: Desk, ledger: Ledger) -> None:
    """Each file takes ten seconds, and there are ten of them."""
    lease = desk.worker.line.lease
    assert lease.take()
    for _ in range(10):
        desk.clock.sleep(10)
        lease.keep()
        assert not another_takes(ledger)


def test_a_daemon_that_goes_on_under_a_new_id_keeps_the_folders(desk: Desk, ledger: Ledger) -> None:
    held = a_lease(desk, 7)
    assert held.take()
    with ledger.write() as tx:
        hand_over(tx, 7, 8)
    again = a_lease(desk, 8)

    assert not another_takes(ledger)
    assert again.take()
