"""What the program looks for at every tick is found by an index, however long the ledger has grown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from publisher.channel import Receipt
from publisher.counts import queries
from publisher.ledger import claims, daemons, intake_rows, set_members
from publisher.notice import LOCAL
from tests.support.builders import START
from tests.support.scripted_site import ScriptedSite
from tests.support.sending import a_world


def plan_of(conn: Connection, ask: Callable[[Connection], Any]) -> str:
    """How SQLite goes about the statements of `ask`."""
    asked: list[tuple[str, Any]] = []

    def keep(conn: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(conn, "before_cursor_execute", keep)
    ask(conn)
    event.remove(conn, "before_cursor_execute", keep)
    steps = []
    for statement, parameters in asked:
        steps += [row[3] for row in conn.exec_driver_sql(f"explain query plan {statement}", parameters)]
    return "; ".join(steps)


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (intake_rows.with_receipt_due, "ix_intake_receipt_due"),
        (intake_rows.to_move, "ix_intake_unmoved"),
        (intake_rows.claimed, "ix_intake_state"),
        (intake_rows.held_at, "ix_intake_state"),
    ],
    ids=lambda one: getattr(one, "__name__", one),
)
def test_files_that_something_is_due_for_are_found_by_an_index(
    tmp_path: Path, ask: Callable[[Connection], Any], index: str
) -> None:
    world = a_world(tmp_path, {}, url=f"sqlite:///{tmp_path}/ledger.sqlite3")
    with world.ledger.read() as conn:
        assert f"USING INDEX {index}" in plan_of(conn, ask)


@pytest.mark.parametrize(
    ("ask", "index"),
    [
        (lambda conn: claims.due_now(conn, START, ["a", "b"]), "ix_delivery_due"),
        (lambda conn: claims.next_due(conn, START, ["a", "b"]), "ix_delivery_due"),
        (lambda conn: set_members.next_expiry(conn, "led"), "ix_delivery_ending"),
        (lambda conn: daemons.someone_shows(conn, "led", 1, START), "ix_attempt_showing"),
    ],
    ids=["due now", "due next", "what ends next", "who shows"],
)
def test_what_the_sender_looks_for_is_found_by_an_index(
    tmp_path: Path, ask: Callable[[Connection], Any], index: str
) -> None:
    world = a_world(tmp_path, {}, url=f"sqlite:///{tmp_path}/ledger.sqlite3")
    with world.ledger.read() as conn:
        plan = plan_of(conn, ask)
        assert f"INDEX {index}" in plan
        assert "SCAN delivery" not in plan and "SCAN attempt" not in plan


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        (START + timedelta(days=30), START),
        (datetime(1970, 1, 1, tzinfo=LOCAL), START),
        (START + timedelta(minutes=5), START + timedelta(minutes=5)),
        (START - timedelta(days=3), START - timedelta(days=3)),
    ],
    ids=["in time to come", "the zero of a clock", "a clock that is a little fast", "there before us"],
)
def test_an_instant_that_cannot_be_is_not_counted_in_a_year_that_is_not_its_own(
    tmp_path: Path, told: datetime, counted: datetime
) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite(script=[Receipt(number="S-1", visible_since=told)])})
    number = world.accept()
    world.step()
    assert world.row(number, "city").visible_since == counted
    assert ("odd_instant" in world.events()) is (told != counted)
    with world.ledger.read() as conn:
        (row,) = queries.count(conn, ("day",), None).rows
    assert row.key == (f"{counted.astimezone(LOCAL):%Y-%m-%d}",)
    assert world.verdict().ok
