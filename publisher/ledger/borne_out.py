"""Whether the tables of versions and deliveries are what the log says of them, one block of ids after the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Set
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from publisher.delivery import STANDS, Operation, State
from publisher.ledger import facts
from publisher.ledger.chain import iso, sha256_text
from publisher.ledger.facts import BLOCK, COUNTED_BY, NOT_TOLD, PROOF, LoggedDelivery, LoggedVersion, fingerprint
from publisher.ledger.tables import blob, delivery, notice, version
from publisher.ledger.walk import Fault

_STANDS = frozenset(state.value for state in STANDS)
_BLOBS_AT_A_TIME = 50
_PART = 200


def versions(conn: Connection, scratch: Path) -> Iterator[Fault]:
    """Versions whose content, digest or attachments are not what was accepted, and those that are gone.

    With each, its notice: what it is called and filed under is what its version says.
    """
    column = version.c
    names = ("id", "notice_id", "number", "ordinal", "content", "content_sha256", "text_digest", "superseded")
    filed = (notice.c.title, notice.c.kind, notice.c.form, notice.c.project_class, notice.c.project, notice.c.identity)
    query = select(*(column[name] for name in names), *filed)
    query = query.select_from(version.outerjoin(notice, notice.c.id == column.notice_id))
    for block in blocks(conn, column.id, scratch, "versions"):
        yield from _versions_of(conn, query, block, facts.versions(scratch, block))


def _versions_of(
    conn: Connection, query: Select[Any], block: int, logged: Mapping[int, LoggedVersion]
) -> Iterator[Fault]:
    found = set()
    for row in in_block(conn, query, version.c.id, block):
        found.add(row.id)
        yield from _version(row, logged.get(row.id))
    for version_id in sorted(logged.keys() - found):
        yield Fault("version_changed", f"intake {logged[version_id].number}", "an accepted version is missing")
    good = intact(conn, {sha256 for one in logged.values() for sha256 in one.attachments}, at_a_time=1)
    for one in logged.values():
        if not good.issuperset(one.attachments):
            yield Fault("attachment_changed", f"intake {one.number}", "an attachment is not what was accepted")


def _version(row: Row[Any], said: LoggedVersion | None) -> Iterator[Fault]:
    place = f"version {row.ordinal} of intake {row.number}"
    if said is None:
        yield Fault("version_changed", place, "the log never accepted it")
    elif (sha256_text(row.content), row.text_digest) != (said.content_sha256, said.text_digest):
        yield Fault("version_changed", place, "its content is not what was accepted")
    elif (row.content_sha256, row.number, row.notice_id, row.ordinal) != _filed(said):
        yield Fault("version_changed", place, "it is not filed as it was accepted")
    elif not row.superseded and not _is_filed_as_it_says(row):
        yield Fault("notice_changed", place, "its title, form or class is not what its text says")


def _filed(said: LoggedVersion) -> tuple[str, str, int, int]:
    return said.content_sha256, said.number, said.notice_id, said.ordinal


def _is_filed_as_it_says(row: Row[Any]) -> bool:
    """Whether the notice of a version that stands has the title, form, kind and class of its content."""
    said = json.loads(row.content)
    filed = row.title, row.kind, row.form, row.project_class, row.project
    said_project = row.identity and row.identity.partition("|lots:")[0]
    return filed == (said["title"], said["kind"], said["form"], said["project_class"], said_project)


_FILED = ("kind", "form", "project_class", "project")
_GAVE_WAY = frozenset({State.SUPERSEDED.value, State.CANCELLED.value})
_DELIVERY = ("id", "operation", "state", "rendition_sha256", "receipt", "receipt_sha256", "visible_since")


def deliveries(conn: Connection, scratch: Path) -> Iterator[Fault]:
    """Deliveries of which text, receipt, state, or what they are counted by and proved with is not what was logged.

    And added ones, and those that are gone.
    """
    columns = (delivery.c[name] for name in (*_DELIVERY, *COUNTED_BY, *PROOF))
    of_version = version.c.number.label("version_number"), version.c.notice_id.label("version_notice")
    joined = delivery.outerjoin(version, version.c.id == delivery.c.version_id)
    joined = joined.outerjoin(notice, notice.c.id == delivery.c.notice_id)
    filed = (notice.c[name].label(f"its_{name}") for name in _FILED)
    shown = select(*columns, *of_version, *filed).select_from(joined)
    for block in blocks(conn, delivery.c.id, scratch, "deliveries"):
        yield from _deliveries_of(conn, shown, block, facts.deliveries(scratch, block))


def _deliveries_of(
    conn: Connection, shown: Select[Any], block: int, logged: Mapping[int, LoggedDelivery]
) -> Iterator[Fault]:
    renditions = {one.rendition for one in logged.values() if one.rendition is not None}
    good = intact(conn, renditions, at_a_time=_BLOBS_AT_A_TIME)
    found = set()
    for row in in_block(conn, shown, delivery.c.id, block):
        found.add(row.id)
        yield from _delivery(row, logged.get(row.id, _UNHEARD_OF), good)
    for delivery_id in sorted(key for key in logged.keys() - found if logged[key].rendition is not None):
        yield Fault("delivery_removed", f"delivery {delivery_id}", "an accepted delivery is missing")


_UNHEARD_OF = LoggedDelivery(0, None, None)


def _delivery(row: Row[Any], logged: LoggedDelivery, good: Set[str]) -> Iterator[Fault]:
    place = f"intake {row.number} on {row.channel}"
    if logged.rendition is None:
        yield Fault("delivery_added", place, "the log never accepted it")
    elif (row.version_number, row.version_notice) != (row.number, row.notice_id) or not _is_filed_as_its_notice(row):
        yield Fault("delivery_changed", place, "it is not of the version and the notice that were accepted")
    elif row.rendition_sha256 != logged.rendition or logged.rendition not in good:
        yield Fault("rendition_changed", place, "its text is not what was accepted")
    stored = sha256_text(row.receipt) if row.receipt is not None else None
    if stored != logged.receipt or row.receipt_sha256 != logged.receipt:
        yield Fault("receipt_changed", place, "its receipt is not what was logged")
    elif not _has_proof(row, logged):
        yield Fault("receipt_changed", place, "its number, address or shown digest is not what was logged")
    stands = row.operation == Operation.PUBLISH.value and row.state in _STANDS
    if logged.weight != int(stands):
        yield Fault("state_changed", place, f"it is {row.state}, and the log does not say so")
    elif stands and logged.public != fingerprint((*(row._mapping[name] for name in COUNTED_BY), _since(row))):
        yield Fault("delivery_changed", place, "what it is counted by, or since when, is not what was logged")


def _is_filed_as_its_notice(row: Row[Any]) -> bool:
    """What gave way to a newer version, or was cancelled, may have been of another class."""
    if row.state in _GAVE_WAY:
        return bool(row.project == row.its_project)
    return all(row._mapping[name] == row._mapping[f"its_{name}"] for name in _FILED)


def _has_proof(row: Row[Any], logged: LoggedDelivery) -> bool:
    told = logged.proof or (None,) * len(PROOF)
    return all(said in (NOT_TOLD, row._mapping[name]) for name, said in zip(PROOF, told, strict=True))


def _since(row: Row[Any]) -> str:
    return iso(row.visible_since) if row.visible_since is not None else ""


def blocks(conn: Connection, column: Any, scratch: Path, what: str) -> list[int]:
    """Every block of which the table or the log speaks."""
    return sorted({*conn.execute(select(column.op("/")(BLOCK)).distinct()).scalars(), *facts.blocks(scratch, what)})


_LARGEST_ID = 2**63 - 1


def in_block(conn: Connection, query: Select[Any], column: Any, block: int) -> Iterator[Row[Any]]:
    """The rows of `query` of which `column` is in the block, in its order."""
    first = block * BLOCK
    if not 0 <= first <= _LARGEST_ID - BLOCK:
        return  # no table holds such an id, whatever the log was made to say
    mine = query.where(column >= first, column < first + BLOCK).order_by(column)
    for part in conn.execution_options(yield_per=_PART).execute(mine).partitions():
        yield from part


def intact(conn: Connection, wanted: Set[str], *, at_a_time: int) -> set[str]:
    """Those of the hashes whose stored bytes still have them."""
    good = set()
    rest = iter(sorted(wanted))
    while some := list(islice(rest, at_a_time)):
        for row in conn.execute(select(blob.c.sha256, blob.c.data).where(blob.c.sha256.in_(some))):
            if hashlib.sha256(row.data).hexdigest() == row.sha256:
                good.add(row.sha256)
    return good
