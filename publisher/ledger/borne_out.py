"""Whether the tables of versions and deliveries are what the log says of them, one block of ids after the other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Set
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from publisher.delivery import STANDS, Operation
from publisher.ledger import facts
from publisher.ledger.chain import sha256_text
from publisher.ledger.facts import BLOCK, LoggedDelivery
from publisher.ledger.tables import blob, delivery, version
from publisher.ledger.walk import Fault

_STANDS = frozenset(state.value for state in STANDS)
_BLOBS_AT_A_TIME = 50
_PART = 200


def versions(conn: Connection, scratch: Path) -> Iterator[Fault]:
    """Versions whose content, digest or attachments are not what was accepted, and those that are gone."""
    column = version.c
    shown = (column.id, column.number, column.ordinal, column.content, column.text_digest)
    for block in _blocks(conn, column.id, scratch, "versions"):
        logged = facts.versions(scratch, block)
        found = set()
        for row in _in_block(conn, select(*shown), column.id, block):
            found.add(row.id)
            place = f"version {row.ordinal} of intake {row.number}"
            said = logged.get(row.id)
            if said is None:
                yield Fault("version_changed", place, "the log never accepted it")
            elif (sha256_text(row.content), row.text_digest) != (said.content_sha256, said.text_digest):
                yield Fault("version_changed", place, "its content is not what was accepted")
        for version_id in sorted(logged.keys() - found):
            number = logged[version_id].number
            yield Fault("version_changed", f"intake {number}", "an accepted version is missing")
        good = _intact(conn, {sha256 for one in logged.values() for sha256 in one.attachments}, at_a_time=1)
        for one in logged.values():
            if not good.issuperset(one.attachments):
                yield Fault("attachment_changed", f"intake {one.number}", "an attachment is not what was accepted")


_DELIVERY = ("id", "number", "channel", "operation", "state", "rendition_sha256", "receipt")


def deliveries(conn: Connection, scratch: Path) -> Iterator[Fault]:
    """Deliveries whose text, receipt or state is not what was logged, added ones, and those that are gone."""
    shown = select(*(delivery.c[name] for name in _DELIVERY))
    for block in _blocks(conn, delivery.c.id, scratch, "deliveries"):
        logged = facts.deliveries(scratch, block)
        renditions = {one.rendition for one in logged.values() if one.rendition is not None}
        good = _intact(conn, renditions, at_a_time=_BLOBS_AT_A_TIME)
        found = set()
        for row in _in_block(conn, shown, delivery.c.id, block):
            found.add(row.id)
            yield from _delivery(row, logged.get(row.id, _UNHEARD_OF), good)
        for delivery_id in sorted(key for key in logged.keys() - found if logged[key].rendition is not None):
            yield Fault("delivery_removed", f"delivery {delivery_id}", "an accepted delivery is missing")


_UNHEARD_OF = LoggedDelivery(0, None, None)


def _delivery(row: Row[Any], logged: LoggedDelivery, good: Set[str]) -> Iterator[Fault]:
    place = f"intake {row.number} on {row.channel}"
    if logged.rendition is None:
        yield Fault("delivery_added", place, "the log never accepted it")
    elif row.rendition_sha256 != logged.rendition or logged.rendition not in good:
        yield Fault("rendition_changed", place, "its text is not what was accepted")
    stored = sha256_text(row.receipt) if row.receipt is not None else None
    if stored != logged.receipt:
        yield Fault("receipt_changed", place, "its receipt is not what was logged")
    stands = row.operation == Operation.PUBLISH.value and row.state in _STANDS
    if logged.weight != int(stands):
        yield Fault("state_changed", place, f"it is {row.state}, and the log does not say so")


def _blocks(conn: Connection, column: Any, scratch: Path, what: str) -> list[int]:
    """Every block of which the table or the log speaks."""
    return sorted({*conn.execute(select(column.op("/")(BLOCK)).distinct()).scalars(), *facts.blocks(scratch, what)})


_LARGEST_ID = 2**63 - 1


def _in_block(conn: Connection, query: Select[Any], column: Any, block: int) -> Iterator[Row[Any]]:
    first = block * BLOCK
    if not 0 <= first <= _LARGEST_ID - BLOCK:
        return  # no table holds such an id, whatever the log was made to say
    mine = query.where(column >= first, column < first + BLOCK).order_by(column)
    for part in conn.execution_options(yield_per=_PART).execute(mine).partitions():
        yield from part


def _intact(conn: Connection, wanted: Set[str], *, at_a_time: int) -> set[str]:
    """Those of the hashes whose stored bytes still have them."""
    good = set()
    rest = iter(sorted(wanted))
    while some := list(islice(rest, at_a_time)):
        for row in conn.execute(select(blob.c.sha256, blob.c.data).where(blob.c.sha256.in_(some))):
            if hashlib.sha256(row.data).hexdigest() == row.sha256:
                good.add(row.sha256)
    return good
