"""Verify names kind and place of whatever was done to the ledger behind the program's back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from publisher.errors import SettingsError
from publisher.ledger.chain import FIRST, hash_of
from publisher.ledger.heads import write_head
from publisher.ledger.store import open_ledger
from publisher.ledger.verify import Verdict, verify
from publisher.lock import AlreadyRunning, DaemonLock, is_free
from tests.support.builders import a_notice
from tests.support.scripted_site import ScriptedSite
from tests.support.sending import World, a_world
from tests.support.tampering import tamper


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = a_world(tmp_path, {"county": ScriptedSite()})
    for number in range(3):
        made.accept(a_notice(project_no=f"QFZB-2017-{number:04d}", dates={}))
    made.step()
    write_head(made.ledger, tmp_path / "heads", "stop")
    return made


def behind_its_back(world: World, *statements: str) -> None:
    """Change the tables as anybody with a database tool could."""
    tamper(world.ledger.engine, *statements)


def says(world: World, tmp_path: Path) -> set[tuple[str, str]]:
    return {(fault.kind, fault.place) for fault in verify(world.ledger, tmp_path / "heads").faults}


def test_an_honest_ledger_is_proved_to_its_last_head(world: World, tmp_path: Path) -> None:
    verdict: Verdict = verify(world.ledger, tmp_path / "heads")

    assert verdict.ok
    assert verdict.proved_to == verdict.rows > 0


TAMPERINGS = {
    "a changed text": (
        ["update publication_log set payload = replace(payload, 'county', 'city__') where seq = 3"],
        "changed",
        "row 3",
    ),
    "a changed column": (["update publication_log set channel = 'city' where seq = 6"], "changed", "row 6"),
    "a removed row": (["delete from publication_log where seq = 4"], "removed", "rows 4 to 4"),
    "a changed version": (
        ["update version set content = replace(content, '施工', '监理') where id = 2"],
        "version_changed",
        "version 1 of intake 2",
    ),
    "a removed version": (
        ["delete from version where id = 3"],
        "version_changed",
        "intake 3",
    ),
    "a changed rendition": (["update blob set data = x'00'"], "rendition_changed", "intake 1 on county"),
    "a changed receipt": (
        ["update delivery set receipt = replace(receipt, 'S-1', 'S-9')"],
        "receipt_changed",
        "intake 1 on county",
    ),
    "a removed delivery": (
        ["delete from delivery where id = 3"],
        "delivery_removed",
        "delivery 3",
    ),
    "a changed rollup": (
        ["update rollup set publications = 99"],
        "rollup_changed",
        "rollup 2017-12-04 county bid_announcement",
    ),
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_it_names(world: World, tmp_path: Path, what: str) -> None:
    statements, kind, place = TAMPERINGS[what]
    behind_its_back(world, *statements)

    assert (kind, place) in says(world, tmp_path)


def test_it_names_a_cut_tail_by_the_head_row(world: World, tmp_path: Path) -> None:
    behind_its_back(world, "delete from publication_log where seq > 5")

    assert ("cut", "after row 5") in says(world, tmp_path)


def test_a_tail_cut_together_with_the_head_row_is_named_by_the_head_file_only(world: World, tmp_path: Path) -> None:
    last = "select hash from publication_log where seq = 5"
    behind_its_back(world, "delete from publication_log where seq > 5", f"update head set seq = 5, hash = ({last})")

    assert ("cut", "after row 5") in says(world, tmp_path)
    assert not any(fault.kind == "cut" for fault in verify(world.ledger, None).faults)


def test_a_chain_rebuilt_from_a_changed_row_on_is_named_by_the_head_file(world: World, tmp_path: Path) -> None:
    rebuild(world, lambda text: text.replace("QFZB", "QFZC"))

    assert "rebuilt" in {kind for kind, _ in says(world, tmp_path)}


def rebuild(world: World, edit: Callable[[str], str]) -> None:
    with world.ledger.read() as conn:
        rows = conn.exec_driver_sql("select seq, payload from publication_log order by seq").all()
    previous = FIRST
    for row in rows:
        payload = row.payload if row.seq < 3 else edit(row.payload.replace("county", "county "))
        previous = hash_of(previous, payload)
        changed = (payload, previous, row.seq)
        tamper(world.ledger.engine, "update publication_log set payload = ?, hash = ? where seq = ?", values=changed)
    tamper(world.ledger.engine, "update head set hash = ?", values=(previous,))


def test_a_ledger_is_practice_or_real_for_life(world: World, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="practice ledger for life"):
        open_ledger(world.ledger.engine.url.render_as_string(hide_password=False), real=True, clock=world.clock)


def test_a_ledger_of_a_newer_program_is_refused(world: World, tmp_path: Path) -> None:
    behind_its_back(world, "update alembic_version set version_num = '9999'")

    with pytest.raises(SettingsError, match="newer version"):
        open_ledger(world.ledger.engine.url.render_as_string(hide_password=False), real=False, clock=world.clock)


@pytest.mark.parametrize("left", [b"", b"garbage \xff", b'{"pid": 1, "host": "elsewhere"}'])
def test_c087_a_lock_file_left_behind_never_blocks(tmp_path: Path, left: bytes) -> None:
    path = tmp_path / "ledger.lock"
    path.write_bytes(left)
    assert is_free(path)
    with DaemonLock(path) as lock:
        lock.acquire("host", 7)

        assert not is_free(path)


def test_c003_a_second_daemon_is_refused_and_told_who_holds_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "ledger.lock"
    with DaemonLock(path) as lock:
        lock.acquire("office-pc", 4711)
        with pytest.raises(AlreadyRunning, match=r"4711.*office-pc"):
            DaemonLock(path).acquire("office-pc", 4712)
