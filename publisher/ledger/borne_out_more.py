"""Whether the files that were taken in, and what persons entered, are what the log says of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, select

from publisher.ledger import facts
from publisher.ledger.acts import plain_name
from publisher.ledger.borne_out import blocks, in_block, intact
from publisher.ledger.chain import canonical
from publisher.ledger.contents import read_blob
from publisher.ledger.facts import Entered, LoggedIntake
from publisher.ledger.intake_rows import number_of
from publisher.ledger.tables import approval, figure, intake, issued_report, rule_override, version
from publisher.ledger.walk import Fault

_INTAKE = ("n", "sub", "file_name", "sha256", "is_folder", "sidecar_sha256", "state", "notice_id", "version_id")


_MADE = (version.c.number.label("version_number"), version.c.notice_id.label("version_notice"))


def intakes(conn: Connection, scratch: Path) -> Iterator[Fault]:
    """Files of which name, bytes, or the version made of them is not what was logged, added ones, and gone ones."""
    shown = select(*(intake.c[name] for name in _INTAKE), *_MADE)
    shown = shown.select_from(intake.outerjoin(version, version.c.id == intake.c.version_id))
    for block in blocks(conn, intake.c.n, scratch, "intakes"):
        logged = facts.intakes(scratch, block)
        found = set()
        for row in in_block(conn, shown.order_by(intake.c.n, intake.c.sub), intake.c.n, block):
            found.add(row.n)
            yield from _intake(row, logged.get(row.n))
        for n in sorted(logged.keys() - found):
            yield Fault("intake_changed", f"intake {n}", "a claimed file is missing")
        yield from _sources(conn, logged)


def _intake(row: Row[Any], said: LoggedIntake | None) -> Iterator[Fault]:
    place = f"intake {number_of(row)}"
    if said is None:
        yield Fault("intake_changed", place, "the log never claimed it")
        return
    beside = said.sidecar if row.sub == 0 else row.sidecar_sha256
    if (row.file_name, row.sha256, row.is_folder, row.sidecar_sha256) != (*said[:3], beside):
        yield Fault("intake_changed", place, "its name or its bytes are not what was claimed")
    elif row.version_id is not None and (row.version_number, row.version_notice) != (number_of(row), row.notice_id):
        yield Fault("intake_changed", place, "its version is that of another file")


def _sources(conn: Connection, logged: dict[int, LoggedIntake]) -> Iterator[Fault]:
    """Files whose bytes are gone, or are others."""
    wanted = {n: {one.sha256, one.sidecar} - {None} for n, one in logged.items()}
    good = intact(conn, {str(sha256) for its in wanted.values() for sha256 in its}, at_a_time=1)
    for n, one in sorted(logged.items()):
        if not (good.issuperset(wanted[n]) and (not one.folder or _holds_all(conn, one.sha256))):
            yield Fault("source_changed", f"intake {n}", "its bytes are not what was claimed")


def _holds_all(conn: Connection, sha256: str) -> bool:
    """Whether every file of a folder is there as its list says."""
    listed = {str(one["sha256"]) for one in json.loads(read_blob(conn, sha256))["files"]}
    return intact(conn, listed, at_a_time=1) == listed


# ---- what persons entered


def entries(conn: Connection, scratch: Path) -> Iterator[Fault]:
    """Approvals, figures, issued reports and overridden rules that are not what was logged, in either direction."""
    for block in blocks(conn, approval.c.version_id, scratch, "entered"):
        logged = facts.entered(scratch, block)
        approved = {(key, plain_name(one[-2])): one for key, one in _approvals(logged)}
        rows = {
            (row.version_id, plain_name(row.by)): _approval(row)
            for row in in_block(conn, select(approval), approval.c.version_id, block)
        }
        for key in sorted(approved.keys() | rows.keys()):
            if _without_spelling(approved.get(key)) != _without_spelling(rows.get(key)):
                yield Fault("entry_changed", f"approval of version {key[0]}", "it is not what was logged")
    logged_rest = Counter(one for one in facts.entered(scratch, 0).get(0, ()) if one[0] != "approval")
    stored = Counter(entered(row) for table, entered in _TABLES for row in conn.execute(select(table)))
    for one in sorted((logged_rest - stored) | (stored - logged_rest)):
        yield Fault("entry_changed", f"{one[0]} {one[1]}", "it is not what was logged")


def _approvals(logged: dict[int, list[Entered]]) -> Iterator[tuple[int, Entered]]:
    return ((key, one) for key, entered in logged.items() for one in entered if one[0] == "approval")


def _without_spelling(one: Entered | None) -> Entered | None:
    """An approval without its name: that of a second one keeps the spelling of the first."""
    return one and (*one[:-2], one[-1])


def _read(text: str) -> str:
    """Stored JSON in the words of the log; what is none is left as it is."""
    try:
        return canonical(json.loads(text))
    except ValueError:
        return text


def _approval(row: Row[Any]) -> Entered:
    return "approval", _read(row.digests), row.by, row.account


def _figure(row: Row[Any]) -> Entered:
    return "figure", row.name, str(row.year), row.value, row.source or "", row.by, row.account


def _issued(row: Row[Any]) -> Entered:
    return "issued_report", row.period, str(row.seq), row.hash, _read(row.figures), row.by, row.account


def _overridden(row: Row[Any]) -> Entered:
    return "rule_override", row.sha256, row.rule, row.reason, row.by, row.account


_TABLES: tuple[tuple[Any, Callable[[Row[Any]], Entered]], ...] = (
    (figure, _figure),
    (issued_report, _issued),
    (rule_override, _overridden),
)
