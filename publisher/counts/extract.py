"""The log of one notice, cut out so that it can be checked without the rest: with heads and the rows up to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, or_, select

from publisher.counts.views import AnyRow
from publisher.ledger.chain import FIRST
from publisher.ledger.heads import Head, head_files
from publisher.ledger.tables import publication_log

_log = publication_log.c


@dataclass(frozen=True, slots=True)
class Extract:
    """Lines of JSON: `rows` of the notice, `links` between them and the heads that cover them, and the head files.

    `withheld`: how many links were left out because some of them speak of a notice that never was public.
    """

    rows: tuple[str, ...]
    links: tuple[str, ...]
    heads: tuple[Path, ...]
    withheld: int = 0


def extract(
    conn: Connection, rows: Sequence[AnyRow], heads_folder: Path, ledger_id: str, *, linked: bool | None
) -> Extract:
    """The rows of the log that are given, each with the hash before it, and the first head after each of them.

    `linked`: with the rows of others between a row and its head, without which nobody can go from one to the other;
    None: unless one of them speaks of a notice that never was public, which nobody outside may read of yet.
    Where no head covers a row yet, the newest one before it is given.
    """
    found = head_files(heads_folder, ledger_id)
    covering = {row.seq: _first_after(found, row.seq) for row in rows}
    chosen = {pair[0] for pair in covering.values() if pair is not None}
    if not chosen and found:
        chosen = {found[-1][0]}
    own = [
        _json({"seq": row.seq, "previous": before, "hash": row.hash, "payload": row.payload})
        for row, before in zip(rows, _before(conn, rows), strict=True)
    ]
    between = list(_between(conn, rows, covering)) if linked is not False else []
    withheld = len(between) if linked is None and _speak_of_what_is_not_public(conn, between) else 0
    links = [_json({"seq": row.seq, "hash": row.hash, "payload": row.payload}) for row in between if not withheld]
    return Extract(tuple(own), tuple(links), tuple(sorted(chosen)), withheld)


_Pair = tuple[Path, Head]


def _first_after(found: Sequence[_Pair], seq: int) -> _Pair | None:
    return next((pair for pair in found if pair[1].seq >= seq), None)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _before(conn: Connection, rows: Sequence[AnyRow]) -> list[str | None]:
    """The hash before each row."""
    query = select(_log.seq, _log.hash).where(_log.seq.in_([row.seq - 1 for row in rows]))
    hashes = {row.seq: row.hash for row in conn.execute(query)} | {0: FIRST}
    return [hashes.get(row.seq - 1) for row in rows]


def _between(conn: Connection, rows: Sequence[AnyRow], covering: dict[int, _Pair | None]) -> Iterator[Any]:
    """Rows of others between the first row that a head covers and that head."""
    own = {row.seq for row in rows}
    first: dict[int, int] = {}
    for seq, pair in sorted(covering.items()):
        if pair is not None:
            first.setdefault(pair[1].seq, seq)
    spans = [(_log.seq > start) & (_log.seq <= end) for end, start in first.items() if end > start]
    if not spans:
        return
    shown = select(_log.seq, _log.hash, _log.payload, _log.number)
    for row in conn.execute(shown.where(or_(*spans)).order_by(_log.seq)):
        if row.seq not in own:
            yield row


_AT_ONCE = 500


def _speak_of_what_is_not_public(conn: Connection, between: Sequence[Any]) -> bool:
    """Whether a row is of an intake number under which nothing ever was public (a workbook: none of its rows)."""
    numbers = sorted({row.number for row in between if row.number is not None})
    public: set[str] = set()
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        query = select(_log.number).distinct().where(_log.number.in_(some), _log.weight > 0)
        public.update(conn.execute(query).scalars())
    workbooks = {number.partition("-")[0] for number in public}
    return any(number not in public and number not in workbooks for number in numbers)
