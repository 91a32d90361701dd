"""One piece of the log, checked by itself: each row against the row before it, and against its own columns.

A piece starts from the stored hash of the row before it, so that pieces can be checked in any order, and by several
processes: what is stored at a border is the end of one piece and the start of the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Engine

from publisher.ledger import chain
from publisher.ledger.chain import COLUMNS
from publisher.ledger.facts import Facts
from publisher.ledger.store import connect
from publisher.ledger.tables import from_micros

_AT_A_TIME = 1000


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: what kind, and where."""

    kind: str
    place: str
    detail: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows after `after` up to `last` (None: from the first, to the last row there is).

    `wanted`: rows whose hash is to be told, because a head speaks of them.
    """

    number: int
    after: int | None
    last: int | None
    wanted: frozenset[int] = frozenset()


@dataclass(slots=True)
class Walked:
    """What came of a piece. `last_seq` and `last_hash` are those of its last row, or of the row before it."""

    last_seq: int
    last_hash: str
    rows: int = 0
    faults: list[Fault] = field(default_factory=list)
    hashes: dict[int, str] = field(default_factory=dict)


_open: dict[str, Engine] = {}


def walk_at(url: str, piece: Piece, scratch: Path) -> Walked:
    """Check a piece in a process of its own, which keeps its connection to the ledger for the next piece."""
    if url not in _open:
        _open[url] = connect(url)
    return walk(_open[url], piece, scratch)


def walk(engine: Engine, piece: Piece, scratch: Path) -> Walked:
    """Check a piece; what it says of versions and deliveries goes to files in `scratch`."""
    with closing(engine.raw_connection()) as connection:
        seen = Walked(*_before(connection, engine, piece))
        facts = Facts()
        with _opened(connection, engine, piece) as cursor:
            while part := cursor.fetchmany(_AT_A_TIME):
                _check(seen, facts, part)
                seen.hashes |= {row[0]: row[1] for row in part if row[0] in piece.wanted} if piece.wanted else {}
        connection.rollback()
    facts.spill(scratch, piece.number)
    return seen


def _before(connection: Any, engine: Engine, piece: Piece) -> tuple[int, str]:
    """The last row before the piece, and its hash as it is stored."""
    if piece.after is None:
        return 0, chain.FIRST
    mark = "%s" if engine.dialect.name == "postgresql" else "?"
    query = f"select seq, hash from publication_log where seq <= {mark} order by seq desc limit 1"
    with closing(connection.cursor()) as cursor:
        cursor.execute(query, (piece.after,))
        return cursor.fetchone() or (0, chain.FIRST)


def _query(piece: Piece, payload: str) -> str:
    """Rows as the driver gives them: what SQLAlchemy adds to each would cost more than the whole check."""
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    bounds = [f"seq > {piece.after:d}"] if piece.after is not None else []
    bounds += [f"seq <= {piece.last:d}"] if piece.last is not None else []
    where = f" where {' and '.join(bounds)}" if bounds else ""
    return f"select seq, hash, {payload}, recorded_at, {columns} from publication_log{where} order by seq"


@contextmanager
def _opened(connection: Any, engine: Engine, piece: Piece) -> Iterator[Any]:
    """A cursor over the rows of a piece; the payload as its bytes."""
    if engine.dialect.name == "postgresql":
        # On the server's side, or the driver would fetch the whole piece before the first row.
        cursor = connection.driver_connection.cursor(name="walk", binary=True)
        query = _query(piece, "convert_to(payload, 'UTF8')")
    else:
        cursor = connection.cursor()
        query = _query(piece, "cast(payload as blob)")
    with closing(cursor):
        cursor.execute(query)
        yield cursor


def _check(seen: Walked, facts: Facts, rows: Sequence[tuple[Any, ...]]) -> None:
    """Check rows that follow each other. What is wrong is rare: only then is it worked out what it is."""
    last, before = seen.last_seq, seen.last_hash
    told, instant = None, None  # rows of one transaction tell the same instant: it is read once
    for row in rows:
        seq, digest, payload, recorded_at = row[:4]
        columns = row[4:]
        if seq != last + 1 or sha256(b"%b\n%b" % (before.encode(), payload)).hexdigest() != digest:
            seen.faults.append(_broken(seq, last))
        last, before = seq, digest
        try:
            body = orjson.loads(payload)
        except ValueError:
            body = None
        if not isinstance(body, dict) and (body := _body(seen, seq, payload)) is None:
            continue
        if (text := body.get("recorded_at")) != told:
            told, instant = text, _micros(text)
        same = tuple(map(body.get, COLUMNS)) == columns
        if not (same and body.get("seq") == seq and instant == recorded_at):
            seen.faults.append(_differs(body, seq, recorded_at, columns))
        try:
            facts.add(columns, body.get("data", _NOTHING))
        except (KeyError, TypeError, ValueError):
            what = f"it does not hold what a row of {columns[0]!r} holds"
            seen.faults.append(Fault("changed", f"row {seq}", what))
    seen.last_seq, seen.last_hash = last, before
    seen.rows += len(rows)


def _broken(seq: int, last: int) -> Fault:
    if seq != last + 1:
        return Fault("removed", f"rows {last + 1} to {seq - 1}", "missing from the log")
    return Fault("changed", f"row {seq}", "its text does not have its hash after the row before")


_NOTHING: Mapping[str, Any] = {}


def _body(seen: Walked, seq: int, payload: bytes) -> dict[str, Any] | None:
    """The text of a row that was not read at first; None, and a fault, where no program can have written it."""
    try:
        body = json.loads(payload)  # the slower reader knows words that the stricter one refuses
    except ValueError:
        seen.faults.append(Fault("changed", f"row {seq}", "its text is no JSON"))
        return None
    if not isinstance(body, dict):
        seen.faults.append(Fault("changed", f"row {seq}", "its text is no JSON object"))
        return None
    return body


def _differs(body: Mapping[str, Any], seq: int, recorded_at: int, columns: Sequence[Any]) -> Fault:
    differs = [name for name, column in zip(COLUMNS, columns, strict=True) if body.get(name) != column]
    if body.get("seq") != seq or _micros(body.get("recorded_at")) != recorded_at:
        differs.append("seq or recorded_at")
    return Fault("changed", f"row {seq}", f"columns differ from the hashed text: {', '.join(differs)}")


_EPOCH = from_micros(0)
_MICROSECOND = timedelta(microseconds=1)


def _micros(text: Any) -> int | None:
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND
    except (TypeError, ValueError):
        return None
