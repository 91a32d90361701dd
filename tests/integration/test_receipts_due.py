"""What happens while a receipt is being written is in the next one."""

from __future__ import annotations

from pathlib import Path

from publisher.ledger import acts, intake_rows
from publisher.ledger.acts import Person
from tests.support.postgres import fresh_database
from tests.support.scripted_site import ScriptedSite
from tests.support.sending import World, a_world


def due(world: World) -> list[int]:
    with world.ledger.read() as conn:
        return [row.id for row in intake_rows.with_receipt_due(conn)]


def begin(world: World) -> None:
    with world.ledger.write() as tx:
        intake_rows.writing_receipts(tx, due(world))


def test_an_outcome_that_comes_while_the_receipt_is_written_makes_it_due_again(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()})
    world.accept()
    begin(world)
    writing = due(world)
    world.run_for(minutes=1)
    with world.ledger.write() as tx:
        intake_rows.receipts_written(tx, writing)

    assert due(world) == writing


def test_a_receipt_that_was_being_written_when_the_program_ended_is_written_again(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()})
    world.accept()
    begin(world)
    assert len(due(world)) == 1
    with world.ledger.write() as tx:
        intake_rows.receipts_written(tx, due(world))
    assert due(world) == []


def test_a_receipt_is_not_written_from_what_an_outcome_is_just_changing(tmp_path: Path) -> None:
    """On a database where readers do not wait for writers."""
    world = a_world(tmp_path, {"city": ScriptedSite()}, url=fresh_database())
    number = world.accept()
    with world.ledger.write() as outcome:
        acts.hold(outcome, acts.of_number(outcome.conn, number), Person("刘某", "liu@office"), "再看")
        outcome.flush()
        with world.ledger.write() as tx:
            assert intake_rows.writing_receipts(tx, due(world)) == set()
    with world.ledger.write() as tx:
        assert intake_rows.writing_receipts(tx, due(world)) == set(due(world))
