"""Verify: recompute the chain, compare it with heads, tables and rollups, and name what is wrong and where."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.engine import Row

from publisher.delivery import STANDS, Operation
from publisher.ledger import chain, rollups
from publisher.ledger.append_only import missing_triggers
from publisher.ledger.chain import COLUMNS, hash_of, iso, sha256_text
from publisher.ledger.heads import Head, read_heads
from publisher.ledger.signing import PublicKey
from publisher.ledger.store import Ledger
from publisher.ledger.tables import blob, delivery, head, publication_log, version


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: what kind, and where."""

    kind: str
    place: str
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome: faults (none: the log stands), how many rows, and up to which row completeness is proved."""

    faults: tuple[Fault, ...]
    rows: int
    last_hash: str
    proved_to: int
    proved_by: str
    real: bool
    signed_to: int = 0  # the same, by heads whose signature was checked; 0: none was

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


@dataclass(frozen=True, slots=True)
class _Version:
    """What the log says of an accepted version."""

    number: str
    content_sha256: str
    text_digest: str
    attachments: tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    """What the walk along the chain collects for the comparisons after it."""

    faults: list[Fault] = field(default_factory=list)
    hashes: dict[int, str] = field(default_factory=dict)
    versions: dict[int, _Version] = field(default_factory=dict)
    weights: dict[int, int] = field(default_factory=dict)
    renditions: dict[int, str] = field(default_factory=dict)
    receipts: dict[int, str] = field(default_factory=dict)
    rows: int = 0
    last_seq: int = 0
    last_hash: str = chain.FIRST


def verify(ledger: Ledger, heads_folder: Path | None, public: PublicKey | None = None) -> Verdict:
    """Check the whole ledger, with the heads in `heads_folder` if there is one.

    Memory grows with deliveries, not with rows.
    """
    with ledger.read() as conn:
        end = conn.execute(select(head)).one()
        heads, bad = read_heads(heads_folder, ledger.ledger_id) if heads_folder is not None else ([], [])
        seen = _Seen()
        wanted = {one.seq for one in heads}
        for row in _log_rows(conn):
            _walk(seen, row, wanted)
        faults = seen.faults
        faults += _end(seen, end.seq, end.hash)
        faults += [Fault("head_unreadable", f"heads/{name}", "not a head of this ledger") for name in bad]
        faults += _signatures(heads, public)
        proved_to, signed_to = 0, 0
        proved_by = "no head file: a tail cut together with the head row would not be noticed"
        for one in heads:
            found = seen.hashes.get(one.seq) if one.seq else chain.FIRST
            if found == one.hash:
                proved_to, proved_by = one.seq, f"head of {one.at} ({one.why})"
                if _is_signed(one, public):
                    signed_to, proved_by = one.seq, f"signed head of {one.at} ({one.why})"
            elif one.seq > seen.last_seq:
                faults.append(
                    Fault("cut", f"after row {seen.last_seq}", f"the head of {one.at} says there were {one.seq} rows")
                )
            else:
                faults.append(
                    Fault("rebuilt", f"row {one.seq} or before", f"its hash is not that of the head of {one.at}")
                )
        faults += _versions(conn, seen)
        faults += _deliveries(conn, seen)
        faults += _rollups(conn)
        faults += [
            Fault("unprotected", f"trigger {name}", "it is missing: rows could be changed")
            for name in missing_triggers(conn)
        ]
    return Verdict(tuple(faults), seen.rows, seen.last_hash, proved_to, proved_by, ledger.real, signed_to)


def _is_signed(one: Head, public: PublicKey | None) -> bool:
    return public is not None and one.signature is not None and public.signed(one.signed_bytes, one.signature)


def _signatures(heads: Iterable[Head], public: PublicKey | None) -> Iterable[Fault]:
    """Heads that claim this key but are not signed by it; one without any signature only proves less."""
    for one in heads:
        if public is not None and one.key == public.name and not _is_signed(one, public):
            yield Fault("head_forged", f"head of {one.at}", f"its signature is not that of the key {public.name}")


def _log_rows(conn: Connection) -> Iterator[Row[Any]]:
    result = conn.execution_options(yield_per=1000).execute(select(publication_log).order_by(publication_log.c.seq))
    yield from result


def _walk(seen: _Seen, row: Row[Any], wanted: set[int]) -> None:
    place = f"row {row.seq}"
    if row.seq != seen.last_seq + 1:
        lost = f"rows {seen.last_seq + 1} to {row.seq - 1}"
        seen.faults.append(Fault("removed", lost, "missing from the log"))
    elif hash_of(seen.last_hash, row.payload) != row.hash:
        seen.faults.append(Fault("changed", place, "its text does not have its hash after the row before"))
    seen.rows += 1
    seen.last_seq, seen.last_hash = row.seq, row.hash
    if row.seq in wanted:
        seen.hashes[row.seq] = row.hash
    try:
        body = json.loads(row.payload)
    except ValueError:
        seen.faults.append(Fault("changed", place, "its text is no JSON"))
        return
    if not isinstance(body, dict):
        seen.faults.append(Fault("changed", place, "its text is no JSON object"))
        return
    differs = [name for name in COLUMNS if body.get(name) != getattr(row, name)]
    if body.get("seq") != row.seq or body.get("recorded_at") != iso(row.recorded_at):
        differs.append("seq or recorded_at")
    if differs:
        seen.faults.append(Fault("changed", place, f"columns differ from the hashed text: {', '.join(differs)}"))
    try:
        _collect(seen, row, body.get("data", {}))
    except (KeyError, TypeError, ValueError):
        seen.faults.append(Fault("changed", place, f"it does not hold what a row of {row.event!r} holds"))


def _collect(seen: _Seen, row: Row[Any], data: Mapping[str, Any]) -> None:
    """Remember what is compared later; raises `KeyError`, `TypeError` or `ValueError` for what no program wrote."""
    if row.event == "accepted" and "workbook" not in data:
        attachments = tuple(str(sha256) for sha256 in data["attachments"])
        facts = str(data["content_sha256"]), str(data["text_digest"]), attachments
        seen.versions[int(data["version_id"])] = _Version(str(row.number), *facts)
    if row.event == "routed" or (row.event == "accepted" and "workbook" not in data):
        for made in data["deliveries"]:
            seen.renditions[int(made["id"])] = str(made["rendition"])
    if row.event in ("rendered", "update_asked", "withdraw_asked") and row.delivery_id is not None:
        seen.renditions[row.delivery_id] = data["rendition"]
    if row.delivery_id is not None and "receipt_sha256" in data:
        seen.receipts[row.delivery_id] = data["receipt_sha256"]
    if row.weight and row.delivery_id is not None:
        seen.weights[row.delivery_id] = seen.weights.get(row.delivery_id, 0) + row.weight


def _end(seen: _Seen, seq: int, last: str) -> Iterable[Fault]:
    if seq > seen.last_seq:
        yield Fault("cut", f"after row {seen.last_seq}", f"the head row says there are {seq} rows")
    elif seq < seen.last_seq:
        yield Fault("changed", f"rows after {seq}", "the head row does not know them")
    elif last != seen.last_hash:
        yield Fault("rebuilt", f"row {seq} or before", "the last hash is not that of the head row")


def _versions(conn: Connection, seen: _Seen) -> Iterable[Fault]:
    found = set()
    for row in conn.execute(select(version)):
        found.add(row.id)
        logged = seen.versions.get(row.id)
        place = f"version {row.ordinal} of intake {row.number}"
        if logged is None:
            yield Fault("version_changed", place, "the log never accepted it")
        elif (sha256_text(row.content), row.text_digest) != (logged.content_sha256, logged.text_digest):
            yield Fault("version_changed", place, "its content is not what was accepted")
    for version_id in sorted(set(seen.versions) - found):
        number = seen.versions[version_id].number
        yield Fault("version_changed", f"intake {number}", "an accepted version is missing")
    wanted = {sha256 for one in seen.versions.values() for sha256 in one.attachments}
    good = set(_intact(conn, wanted))
    for one in seen.versions.values():
        if not good.issuperset(one.attachments):
            yield Fault("attachment_changed", f"intake {one.number}", "an attachment is not what was accepted")


def _deliveries(conn: Connection, seen: _Seen) -> Iterable[Fault]:
    good = set(_intact(conn, set(seen.renditions.values())))
    found = set()
    for row in conn.execute(select(delivery)):
        found.add(row.id)
        place = f"intake {row.number} on {row.channel}"
        logged = seen.renditions.get(row.id)
        if logged is None:
            yield Fault("delivery_added", place, "the log never accepted it")
        elif row.rendition_sha256 != logged or logged not in good:
            yield Fault("rendition_changed", place, "its text is not what was accepted")
        receipt = seen.receipts.get(row.id)
        stored = sha256_text(row.receipt) if row.receipt is not None else None
        if stored != receipt:
            yield Fault("receipt_changed", place, "its receipt is not what was logged")
        stands = row.operation == Operation.PUBLISH.value and row.state in _STANDS
        if seen.weights.get(row.id, 0) != int(stands):
            yield Fault("state_changed", place, f"it is {row.state}, and the log does not say so")
    for delivery_id in sorted(set(seen.renditions) - found):
        yield Fault("delivery_removed", f"delivery {delivery_id}", "an accepted delivery is missing")


_STANDS = frozenset(state.value for state in STANDS)


def _intact(conn: Connection, wanted: set[str]) -> Iterator[str]:
    """The hashes of stored renditions whose bytes still have their hash."""
    for digest in sorted(wanted):
        row = conn.execute(select(blob.c.data).where(blob.c.sha256 == digest)).one_or_none()
        if row is not None and hashlib.sha256(row.data).hexdigest() == digest:
            yield digest


def _rollups(conn: Connection) -> Iterable[Fault]:
    for table, key, says, log_says in rollups.differences(conn):
        what = " ".join(filter(None, (table, key[0], key[1] or key[2], key[3])))
        yield Fault("rollup_changed", what, f"says {says}, the log {log_says}")
