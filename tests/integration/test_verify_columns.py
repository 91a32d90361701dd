"""Every column of the ledger: what is public, counted or proved by it is named by verify when somebody changes it.

A new column has to be put into one of the two lists: named by verify, or one that only the program's own work goes by.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table

from publisher.app import system_clock
from publisher.cli import faults
from publisher.ledger.store import open_ledger
from publisher.ledger.tables import metadata
from publisher.ledger.verify import verify
from tests.support.desk import TestDesk
from tests.support.tampering import tamper

NAMED = {
    "blob": "sha256 data",
    "intake": "n sub file_name is_folder sha256 notice_id version_id sidecar_sha256",
    "notice": "id identity project kind form project_class title",
    "version": "id notice_id number ordinal content content_sha256 text_digest",
    "delivery": "id notice_id version_id number channel tier kind form project_class project operator operation state "
    "rendition_sha256 receipt receipt_sha256 channel_number url shown_digest visible_since",
    "publication_log": "seq hash payload event recorded_at number notice_id delivery_id channel tier kind form "
    "project_class project operator visible_day weight by",
    "rollup": "visible_day channel tier kind form project_class publications",
    "notice_rollup": "visible_day channel tier kind form project_class notices",
    "head": "ledger_id real seq hash",
    "rule_override": "sha256 rule by account reason",
    "approval": "version_id by account digests",
    "figure": "name year value by account source",
    "issued_report": "period seq hash figures by account",
}
"""Table → columns in which verify names a change."""

WORKING = {
    "blob": "size stored_at",
    "intake": "id source declared state reason problems warnings place place_name moved duplicate_of answer "
    "answered_by sidecar_source modified_at claimed_at decided_at receipt_due",
    "notice": "original_id created_at",
    "version": "schema_version superseded created_at",
    # The digest and title of a text follow from its bytes and its version, which are named.
    "delivery": "mandatory delivery_key notice_key waits_for reason detail rendition_media_type rendition_title "
    "rendition_digest predecessor_id publish_at deadline legal_by bid_deadline until next_at tries asks "
    "first_attempt_at give_up_at call_over_at daemon_id lease_until created_at changed_at reason_given "
    "approvals_needed",
    "head": "id",
    "rule_override": "id sub given_at",
    "approval": "id given_at",
    "figure": "id set_at",
    "issued_report": "id issued_at",
    # Of calls, questions and tasks the log has what they came to, in rows of its own; their details expire.
    "attempt": "*",
    "attempt_delivery": "*",
    "observation": "*",
    "task": "*",
    "alarm": "*",
    "channel_state": "*",
    "channel_store": "*",
    "daemon": "*",
    "feed": "*",
    "feed_entry": "*",
}
"""Table → columns by which the program works, which prove nothing and which no figure is drawn from."""


def columns_of(table: Table, chosen: dict[str, str]) -> set[str]:
    names = chosen.get(table.name, "").split()
    return {column.name for column in table.columns} if names == ["*"] else set(names)


def test_every_column_is_either_named_by_verify_or_one_that_only_the_program_works_by() -> None:
    for table in metadata.tables.values():
        named, working = columns_of(table, NAMED), columns_of(table, WORKING)
        assert named | working == {column.name for column in table.columns}, table.name
        assert not named & working, table.name


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A SQLite ledger in which something stands in every column of the first list."""
    folder = tmp_path_factory.mktemp("lived")
    desk = TestDesk(folder, url=f"sqlite:///{folder}/ledger.sqlite3")
    desk.build("county", approvals=1, feed=True)
    desk.drop("招标公告甲")
    path = desk.drop("招标公告乙")
    path.with_name(f"{path.name}.yaml").write_text("标题: 另定的标题\n", "utf-8")
    desk.drop("招标公告丙", dates={"documents_from": "2098-12-20", "bid_deadline": "2098-12-28T09:00:00+08:00"})
    typed = [
        "once",
        "override 3 --rule E3 --by 王主任 --reason 抢险",
        "once",
        "approve 1 --by 李某",
        "approve 2 --by 李某",
        "once",
        "figures set reviews 0 --year 2026 --by 王某 --source 台账",
        "report annual --year 2026 --issue --by 王某",
    ]
    told = [desk.run(*line.split()).output for line in typed]
    ledger = desk.ledger()
    assert verify(ledger, None).faults == (), told
    ledger.close()
    yield folder / "ledger.sqlite3"
    desk.close()


CASES = [(table, column) for table, columns in NAMED.items() for column in columns.split()]


@pytest.mark.parametrize(("table", "column"), CASES)
def test_a_changed_value_is_named(lived: Path, tmp_path: Path, table: str, column: str) -> None:
    copy = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(lived)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    ledger = open_ledger(f"sqlite:///{copy}", real=False, clock=system_clock)
    with ledger.engine.connect() as conn:
        oldest = f'select rowid, "{column}" from "{table}" where "{column}" is not null order by rowid limit 1'
        row = conn.exec_driver_sql(oldest).one()
    triggers = triggers_of(copy)
    tamper(ledger.engine, f'update "{table}" set "{column}" = ? where rowid = ?', values=(other(row[1]), row[0]))
    with closing(sqlite3.connect(copy)) as connection:  # whoever can drop them can put them back
        for trigger in triggers:
            connection.execute(trigger)
    found = verify(ledger, None).faults
    ledger.close()

    assert {fault.kind for fault in found} - {"unprotected"}, f"{table}.{column}: {row[1]!r}"
    for fault in found:
        assert not ENGLISH.search(faults.said(fault)), fault


ENGLISH = re.compile(r"\b(?:is|are|was|the|not|row|rows|its?)\b")


def triggers_of(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(*zip(*connection.execute("select sql from sqlite_master where type = 'trigger'"), strict=True))


def other(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, int):
        return 1 - value if value in (0, 1) else value + 1000
    return b"x" + value if isinstance(value, bytes) else f"x{value[1:]}" if len(value) > 1 else "y"
