"""Verify: recompute the chain, compare it with heads, tables and rollups, and name what is wrong and where."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Connection, select, type_coerce
from sqlalchemy.engine import Row

from publisher.delivery import STANDS, Operation
from publisher.ledger import chain, rollups
from publisher.ledger.append_only import missing_triggers
from publisher.ledger.chain import COLUMNS, hash_of, sha256_text
from publisher.ledger.heads import Head, read_heads
from publisher.ledger.signing import PublicKey
from publisher.ledger.store import Ledger
from publisher.ledger.tables import blob, delivery, head, publication_log, to_micros, version


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


_AT = COLUMNS.index
_EVENT, _NUMBER, _DELIVERY_ID, _WEIGHT = _AT("event"), _AT("number"), _AT("delivery_id"), _AT("weight")
# The instant is compared as the database holds it, in microseconds: making a datetime of each costs more than all else.
_ROWS = select(
    publication_log.c.seq,
    publication_log.c.hash,
    publication_log.c.payload,
    type_coerce(publication_log.c.recorded_at, BigInteger),
    *(publication_log.c[name] for name in COLUMNS),
).order_by(publication_log.c.seq)


def _log_rows(conn: Connection) -> Iterator[Row[Any]]:
    for part in conn.execution_options(yield_per=2000).execute(_ROWS).partitions():
        yield from part


def _walk(seen: _Seen, row: Row[Any], wanted: set[int]) -> None:
    seq, digest, payload, recorded_at, *columns = tuple(row)
    if seq != seen.last_seq + 1:
        lost = f"rows {seen.last_seq + 1} to {seq - 1}"
        seen.faults.append(Fault("removed", lost, "missing from the log"))
    elif hash_of(seen.last_hash, payload) != digest:
        seen.faults.append(Fault("changed", f"row {seq}", "its text does not have its hash after the row before"))
    seen.rows += 1
    seen.last_seq, seen.last_hash = seq, digest
    if seq in wanted:
        seen.hashes[seq] = digest
    try:
        body = json.loads(payload)
    except ValueError:
        seen.faults.append(Fault("changed", f"row {seq}", "its text is no JSON"))
        return
    if not isinstance(body, dict):
        seen.faults.append(Fault("changed", f"row {seq}", "its text is no JSON object"))
        return
    _compare(seen, seq, body, recorded_at, columns)
    try:
        _collect(seen, columns, body.get("data", {}))
    except (KeyError, TypeError, ValueError):
        what = f"it does not hold what a row of {columns[_EVENT]!r} holds"
        seen.faults.append(Fault("changed", f"row {seq}", what))


def _compare(seen: _Seen, seq: int, body: Mapping[str, Any], recorded_at: int, columns: Sequence[Any]) -> None:
    if list(map(body.get, COLUMNS)) == columns and body.get("seq") == seq and _micros(body) == recorded_at:
        return
    differs = [name for name, column in zip(COLUMNS, columns, strict=True) if body.get(name) != column]
    if body.get("seq") != seq or _micros(body) != recorded_at:
        differs.append("seq or recorded_at")
    where = f"columns differ from the hashed text: {', '.join(differs)}"
    seen.faults.append(Fault("changed", f"row {seq}", where))


def _micros(body: Mapping[str, Any]) -> int | None:
    try:
        return to_micros(datetime.fromisoformat(body["recorded_at"]))
    except (KeyError, TypeError, ValueError):
        return None


def _collect(seen: _Seen, columns: Sequence[Any], data: Mapping[str, Any]) -> None:
    """Remember what is compared later; raises `KeyError`, `TypeError` or `ValueError` for what no program wrote."""
    event, delivery_id = columns[_EVENT], columns[_DELIVERY_ID]
    if event == "accepted" and "workbook" not in data:
        attachments = tuple(str(sha256) for sha256 in data["attachments"])
        facts = str(data["content_sha256"]), str(data["text_digest"]), attachments
        seen.versions[int(data["version_id"])] = _Version(str(columns[_NUMBER]), *facts)
    if event == "routed" or (event == "accepted" and "workbook" not in data):
        for made in data["deliveries"]:
            seen.renditions[int(made["id"])] = str(made["rendition"])
    if delivery_id is None:
        return
    if event in ("rendered", "update_asked", "withdraw_asked"):
        seen.renditions[delivery_id] = data["rendition"]
    if "receipt_sha256" in data:
        seen.receipts[delivery_id] = data["receipt_sha256"]
    if weight := columns[_WEIGHT]:
        seen.weights[delivery_id] = seen.weights.get(delivery_id, 0) + weight


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
