"""Verify takes a long log in pieces, by several processes: the same verdict as in one go, and no more memory."""

from __future__ import annotations

import gc
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from publisher.ledger.heads import write_head
from publisher.ledger.store import open_ledger
from publisher.ledger.verify import Verdict, verify
from tests.bench.counts import fill
from tests.support.builders import a_notice
from tests.support.postgres import fresh_database
from tests.support.scripted_site import ScriptedSite
from tests.support.sending import World, a_world
from tests.support.tampering import tamper

START = datetime(2022, 1, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    url = fresh_database() if request.param == "postgresql" else None
    made = a_world(tmp_path, {"county": ScriptedSite(), "city": ScriptedSite()}, **({"url": url} if url else {}))
    for number in range(6):
        made.accept(a_notice(project_no=f"QFZB-2017-{number:04d}", dates={}))
        made.step()
        write_head(made.ledger, tmp_path / "heads", f"after {number}")
    return made


def verdicts(world: World, heads: Path) -> list[Verdict]:
    """As one piece, in pieces of two rows, and those by two processes."""
    ways = [{"piece": 10_000}, {"piece": 2, "processes": 1}, {"piece": 2, "processes": 2}]
    return [verify(world.ledger, heads, **way) for way in ways]


def test_an_honest_log_is_honest_in_pieces_and_by_processes(world: World, tmp_path: Path) -> None:
    whole, pieces, processes = verdicts(world, tmp_path / "heads")

    assert whole.ok
    assert whole.rows == whole.proved_to > 12
    assert whole == pieces == processes


TAMPERINGS = (
    "update publication_log set payload = replace(payload, 'county', 'city__') where seq = 3",
    "update publication_log set channel = 'nowhere' where seq = 6",
    "delete from publication_log where seq in (9, 10, 11)",
    "update publication_log set payload = '[]' where seq = 14",
    "update version set content = replace(content, '施工', '监理') where id = 2",
    "delete from version where id = 3",
    "update delivery set receipt = replace(receipt, 'S-1', 'S-9') where id = 1",
    "delete from delivery where id = 12",
    "update rollup set publications = 99 where channel = 'city'",
    "delete from notice_rollup where channel = 'county'",
)


def test_what_is_wrong_is_named_alike_in_one_piece_in_many_and_by_processes(world: World, tmp_path: Path) -> None:
    tamper(world.ledger.engine, *TAMPERINGS)
    whole, pieces, processes = verdicts(world, tmp_path / "heads")

    kinds = {fault.kind for fault in whole.faults}
    assert kinds > {"changed", "removed", "version_changed", "receipt_changed", "delivery_removed", "rollup_changed"}
    assert ("removed", "rows 9 to 11") in {(fault.kind, fault.place) for fault in whole.faults}
    assert whole == pieces == processes


def test_progress_is_told_to_the_end(world: World, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    verify(world.ledger, None, piece=4, processes=2, progress=lambda done, of: told.append((done, of)))

    assert told == [(done, len(told)) for done in range(1, len(told) + 1)]
    assert len(told) > 3


def test_the_log_goes_on_beside_a_verification(world: World, tmp_path: Path) -> None:
    """What is written while the pieces are walked belongs to the next verification."""

    def go_on(done: int, of: int) -> None:
        if done == 1:
            world.accept(a_notice(project_no="LATE", dates={}))
            world.step()

    before = len(world.events())
    verdict = verify(world.ledger, tmp_path / "heads", piece=4, processes=1, progress=go_on)

    assert (verdict.faults, verdict.rows) == ((), before)
    assert len(world.events()) > before


def peak(folder: Path, rows: int) -> int:
    """Bytes that a verification of a log of `rows` rows needs at its most; what is only not collected yet apart."""
    ledger = open_ledger(f"sqlite:///{folder}/{rows}.sqlite3", real=False, clock=lambda: START)
    fill(ledger, rows)
    gc.collect()
    gc.freeze()  # the objects of other tests, which would be looked through at each collection
    tracemalloc.start()
    verdict = verify(ledger, None, piece=1000, processes=1, progress=lambda done, of: gc.collect())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    gc.unfreeze()
    ledger.close()
    assert (verdict.faults, verdict.rows) == ((), rows + 1)
    return most


def test_memory_does_not_grow_with_the_log(tmp_path: Path) -> None:
    peak(tmp_path, 1_400)  # what is made once only is not counted
    small, large = peak(tmp_path, 29_400), peak(tmp_path, 58_800)  # the smaller one fills what is held at a time, too

    assert large < small * 1.3
