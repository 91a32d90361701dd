"""Verify: recompute the chain, compare it with heads, tables and rollups, and name what is wrong and where.

The chain is checked in pieces (`walk`), of a long log by several processes at once. Everything else is compared
meanwhile, or after it, in one read transaction of this process; the pieces end where that transaction sees the end
of the log, and no row before it can change but by tampering. Memory does not grow with the log (docs/performance.md).
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from publisher.ledger import borne_out, borne_out_more, chain, sums
from publisher.ledger.append_only import missing_triggers
from publisher.ledger.heads import Head, read_heads
from publisher.ledger.signing import PublicKey
from publisher.ledger.store import Ledger
from publisher.ledger.tables import head, publication_log
from publisher.ledger.walk import Fault, Piece, Walked, walk, walk_at

__all__ = ["Fault", "Verdict", "verify"]

PIECE = 50_000
"""Rows of one piece: what one process checks at a time, and the grain in which progress is told."""
_MOST_PIECES = 10_000

Progress = Callable[[int, int], object]
"""Called with the pieces that are checked and those that there are."""


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


def verify(
    ledger: Ledger,
    heads_folder: Path | None,
    public: PublicKey | None = None,
    *,
    progress: Progress = lambda done, of: None,
    piece: int = PIECE,
    processes: int | None = None,
) -> Verdict:
    """Check the whole ledger, with the heads in `heads_folder` if there is one.

    A log of more than two pieces of `piece` rows is checked by `processes` processes (default: one for each core);
    a shorter one by this process alone, which is done before others would have started.
    """
    with ledger.read() as conn, tempfile.TemporaryDirectory(prefix="publisher-verify-") as folder:
        scratch = Path(folder)
        heads, bad = read_heads(heads_folder, ledger.ledger_id) if heads_folder is not None else ([], [])
        pieces = _pieces(conn, piece, frozenset(one.seq for one in heads))
        many = processes if processes is not None else os.cpu_count() or 1
        if len(pieces) > 2 and many > 1:
            spawn = multiprocessing.get_context("spawn")
            # Rows make many small objects and no circles: looking for these would be a tenth of the work.
            with ProcessPoolExecutor(many, mp_context=spawn, initializer=gc.disable) as pool:
                url = ledger.engine.url.render_as_string(hide_password=False)
                begun = [pool.submit(walk_at, url, one, scratch) for one in pieces]
                wrong_sums = list(_sums(conn, scratch))
                for done, future in enumerate(as_completed(begun), 1):
                    future.result()
                    progress(done, len(pieces))
                walked = [future.result() for future in begun]
        else:
            walked = []
            for one in pieces:
                walked.append(walk(ledger.engine, one, scratch))
                progress(len(walked), len(pieces))
            wrong_sums = list(_sums(conn, scratch))
        end = conn.execute(select(head)).one()
        last = walked[-1]
        faults = [fault for one in walked for fault in one.faults]
        faults += _end(last, end.seq, end.hash)
        faults += [Fault("head_unreadable", f"heads/{name}", "not a head of this ledger") for name in bad]
        faults += _signatures(heads, public)
        proof = _Proof(public, {seq: digest for one in walked for seq, digest in one.hashes.items()}, last.last_seq)
        faults += [fault for one in heads for fault in proof.add(one)]
        faults += borne_out.versions(conn, scratch)
        faults += borne_out.deliveries(conn, scratch)
        faults += borne_out_more.intakes(conn, scratch)
        faults += borne_out_more.entries(conn, scratch)
        faults += _identity(conn, end.ledger_id, end.real)
        faults += wrong_sums
        faults += [
            Fault("unprotected", f"trigger {name}", "it is missing: rows could be changed")
            for name in missing_triggers(conn)
        ]
    rows = sum(one.rows for one in walked)
    return Verdict(tuple(faults), rows, last.last_hash, proof.to, proof.by, ledger.real, proof.signed_to)


def _pieces(conn: Connection, size: int, wanted: frozenset[int]) -> list[Piece]:
    """The log as it stands, cut into pieces; the first is open below, so that no row can lie before it."""
    column = publication_log.c.seq
    first, last = conn.execute(select(func.coalesce(func.min(column), 0), func.coalesce(func.max(column), 0))).one()
    step = max(size, (last - first) // _MOST_PIECES)
    ends = [*range(first + step, last, step), last]
    starts = [None, *ends[:-1]]
    return [
        Piece(number, after, end, frozenset(seq for seq in wanted if (after or 0) < seq <= end))
        for number, (after, end) in enumerate(zip(starts, ends, strict=True))
    ]


class _Proof:
    """Up to which row heads prove that nothing is missing; they are added oldest row first."""

    def __init__(self, public: PublicKey | None, hashes: dict[int, str], last_seq: int) -> None:
        self._public, self._hashes, self._last_seq = public, hashes, last_seq
        self.to, self.signed_to = 0, 0
        self.by = "no head file: a tail cut together with the head row would not be noticed"

    def add(self, one: Head) -> Iterator[Fault]:
        """Take a head into account, or say what it does not agree with."""
        found = self._hashes.get(one.seq) if one.seq else chain.FIRST
        if found == one.hash:
            self.to, self.by = one.seq, f"head of {one.at} ({one.why})"
            if _is_signed(one, self._public):
                self.signed_to, self.by = one.seq, f"signed head of {one.at} ({one.why})"
        elif one.seq > self._last_seq:
            told = f"the head of {one.at} says there were {one.seq} rows"
            yield Fault("cut", f"after row {self._last_seq}", told)
        else:
            told = f"its hash is not that of the head of {one.at}"
            yield Fault("rebuilt", f"row {one.seq} or before", told)


def _is_signed(one: Head, public: PublicKey | None) -> bool:
    return public is not None and one.signature is not None and public.signed(one.signed_bytes, one.signature)


def _signatures(heads: Iterable[Head], public: PublicKey | None) -> Iterable[Fault]:
    """Heads that claim this key but are not signed by it; one without any signature only proves less."""
    for one in heads:
        if public is not None and one.key == public.name and not _is_signed(one, public):
            yield Fault("head_forged", f"head of {one.at}", f"its signature is not that of the key {public.name}")


def _end(seen: Walked, seq: int, last: str) -> Iterable[Fault]:
    if seq > seen.last_seq:
        yield Fault("cut", f"after row {seen.last_seq}", f"the head row says there are {seq} rows")
    elif seq < seen.last_seq:
        yield Fault("changed", f"rows after {seq}", "the head row does not know them")
    elif last != seen.last_hash:
        yield Fault("rebuilt", f"row {seq} or before", "the last hash is not that of the head row")


def _identity(conn: Connection, ledger_id: str, real: bool) -> Iterator[Fault]:
    """Which ledger this is, and whether it is real, was said in its first row."""
    first = conn.execute(
        select(publication_log.c.payload).order_by(publication_log.c.seq).limit(1)
    ).scalar_one_or_none()
    try:
        said = json.loads(first or "")["data"]
        same = (said["ledger_id"], said["ledger"]) == (ledger_id, "real" if real else "practice")
    except (ValueError, KeyError, TypeError):
        same = False
    if not same:
        yield Fault("ledger_changed", "head row", "the first row of the log is of another ledger, or of another kind")


def _sums(conn: Connection, scratch: Path) -> Iterator[Fault]:
    for table, key, says, log_says in sums.differences(conn, scratch):
        what = " ".join(filter(None, (table, key[0], key[1] or key[2], key[3])))
        yield Fault("rollup_changed", what, f"says {says}, the log {log_says}")
