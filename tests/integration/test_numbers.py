"""Every number has rows behind it, whichever way it is asked for: by project, quarter, operator, as of an instant."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import combinations
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from publisher.channel import Receipt
from publisher.counts import queries
from publisher.counts.queries import Span
from publisher.ledger import acts, sums
from publisher.ledger.acts import Person
from publisher.ledger.append_only import missing_triggers
from publisher.notice import LOCAL, Form
from tests.support.builders import a_notice
from tests.support.postgres import fresh_database
from tests.support.scripted import Scripted
from tests.support.sending import World, a_world

NEW_YEAR = datetime(2018, 1, 1, tzinfo=LOCAL)
CLERK = Person("王某", "wang@desk")
TIERS = {"site": {"tier": "county"}, "other": {"tier": "provincial"}, "third": {"tier": "provincial"}}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.sqlite3" if request.param == "sqlite" else fresh_database()


def lively(tmp_path: Path, url: str) -> World:
    """Notices around New Year on three channels, of which some are taken back and some confirmed again."""
    sites = {name: Scripted() for name in TIERS}
    world = a_world(tmp_path, sites, start=NEW_YEAR - timedelta(days=2), settings=TIERS, url=url)
    numbers = []
    for count in range(8):
        for place, name in enumerate(sites):
            moment = NEW_YEAR + timedelta(hours=(count - 4) * 11 + place * 20)
            sites[name].will(f"t{count}", Receipt(number="R", visible_since=moment))
        form = Form.WINNING_RESULT if count % 3 == 0 else Form.TENDER
        title, project = f"t{count}", f"NO-{count % 3}"
        numbers.append(world.accept(a_notice(title=title, project_no=project, form=form, round=count + 1, dates={})))
    world.run_for(minutes=1)
    with world.ledger.write() as tx:
        for number in numbers[:3]:
            acts.undo_confirm(tx, world.row(number, "site"), CLERK, "看错了")
    world.clock.move_to(NEW_YEAR + timedelta(days=100))
    with world.ledger.write() as tx:
        acts.confirm(tx, world.row(numbers[0], "site"), CLERK, seen_at=NEW_YEAR + timedelta(days=95))
    return world


def test_kept_sums_the_log_and_the_rows_behind_give_the_same_for_every_grouping_and_span(
    tmp_path: Path, url: str
) -> None:
    world = lively(tmp_path, url)
    later = world.clock() + timedelta(days=1)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    spans = [(None, None), (date(2018, 1, 1), None), (None, date(2017, 12, 31)), (date(2018, 1, 2), date(2018, 4, 30))]
    with world.ledger.read() as conn:
        for size in (0, 1, 2):
            for by in combinations(queries.GROUPS, size):
                for first, last in spans:
                    tally = queries.count(conn, by, Span(first, last))
                    assert queries.count(conn, by, Span(first, last, later)) == tally
                    behind = {one.key: one for one in queries.explain(conn, by, Span(first, last))}
                    for row in tally.rows:
                        rows = behind[row.key]
                        assert len(rows.added) - len(rows.subtracted) == row.publications
                        assert len(rows.notices) == row.notices
        assert list(sums.differences(conn, scratch)) == []
        assert queries.count(conn).publications == 22
    assert world.verdict().ok


def test_quarters_projects_and_operators_are_counted(tmp_path: Path, url: str) -> None:
    world = lively(tmp_path, url)

    def counted(name: str) -> dict[str, tuple[int, int]]:
        with world.ledger.read() as conn:
            rows = queries.count(conn, (name,)).rows
        return {row.key[0]: (row.publications, row.notices) for row in rows}

    assert counted("quarter") == {"2017-Q4": (5, 4), "2018-Q1": (16, 4), "2018-Q2": (1, 0)}
    assert {key: notices for key, (_, notices) in counted("project").items()} == {
        "no:NO-0": 3,
        "no:NO-1": 3,
        "no:NO-2": 2,
    }
    assert counted("operator") == {"王某": (1, 1), "程序": (21, 8)}


def test_whoever_approved_a_publication_is_its_operator_also_where_it_is_taken_back(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"site": Scripted()}, start=NEW_YEAR, approvals=1)
    number = world.accept(a_notice(dates={}))
    with world.ledger.write() as tx:
        acts.approve(tx, number, Person("李某", "li@desk"))
    world.run_for(minutes=1)

    def operators() -> list[tuple[str, ...]]:
        with world.ledger.read() as conn:
            return [row.key for row in queries.count(conn, ("operator",)).rows]

    assert operators() == [("李某",)]
    with world.ledger.write() as tx:
        acts.undo_confirm(tx, world.row(number, "site"), CLERK, "看错了")
    assert operators() == []


@pytest.mark.parametrize(
    "statement",
    [
        "update publication_log set payload = '{}' where seq = 2",
        "update publication_log set weight = 0",
        "delete from publication_log where seq = 2",
        "insert into publication_log (seq, hash, payload, event, recorded_at, weight, by) "
        "select seq, hash, payload, event, recorded_at, weight, 'x' from publication_log where seq = 2",
    ],
)
def test_the_database_itself_refuses_to_change_or_remove_a_row_of_the_log(
    tmp_path: Path, url: str, statement: str
) -> None:
    world = lively(tmp_path, url)
    with world.ledger.engine.connect() as conn, pytest.raises(DBAPIError):
        conn.exec_driver_sql(statement)
    if world.ledger.engine.dialect.name == "postgresql":
        with world.ledger.engine.connect() as conn, pytest.raises(DBAPIError, match="append-only"):
            conn.exec_driver_sql("truncate publication_log")
    elif statement.startswith("insert"):
        with world.ledger.engine.connect() as conn, pytest.raises(DBAPIError, match="append-only"):
            conn.exec_driver_sql(statement.replace("insert", "insert or replace"))
    assert world.verdict().ok


def test_a_dropped_trigger_is_named(tmp_path: Path, url: str) -> None:
    world = lively(tmp_path, url)
    on = " on publication_log" if world.ledger.engine.dialect.name == "postgresql" else ""
    with world.ledger.engine.connect() as conn:
        assert missing_triggers(conn) == []
        conn.exec_driver_sql(f"drop trigger publication_log_no_update{on}")
        conn.commit()

    assert [(f.kind, f.place) for f in world.verdict().faults] == [("unprotected", "trigger publication_log_no_update")]


def test_a_changed_sum_of_notices_is_named(tmp_path: Path, url: str) -> None:
    world = lively(tmp_path, url)
    with world.ledger.engine.connect() as conn:
        conn.exec_driver_sql("update notice_rollup set notices = notices + 1 where channel = 'site'")
        conn.commit()

    assert {fault.kind for fault in world.verdict().faults} == {"rollup_changed"}


def test_notices_of_one_history_are_each_in_the_sums(tmp_path: Path, url: str) -> None:
    """The check works out a history once for all that have it: their number must still be the log's."""
    world = a_world(tmp_path, {"site": Scripted()}, start=NEW_YEAR, url=url)
    for count in range(3):
        world.accept(a_notice(title=f"t{count}", project_no=f"NO-{count}", dates={}))
    world.run_for(minutes=1)
    assert world.verdict().ok

    with world.ledger.engine.connect() as conn:
        conn.exec_driver_sql("update notice_rollup set notices = 2 where channel = 'site'")
        conn.exec_driver_sql("update rollup set publications = 4")
        conn.commit()

    told = {fault.place.split()[0]: fault.detail for fault in world.verdict().faults}
    assert told == {"notice_rollup": "says 2, the log 3", "rollup": "says 4, the log 3"}
