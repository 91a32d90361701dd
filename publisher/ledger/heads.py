"""Heads: the end of the chain, written to a folder outside the database.

A head file says how long the log was at an instant, and what its last hash was. With it, a cut tail
or a chain that was rebuilt from some row on can be told from an honest log.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from sqlalchemy import select

from publisher.ledger.chain import canonical, iso
from publisher.ledger.signing import Signer
from publisher.ledger.store import Ledger
from publisher.ledger.tables import head
from publisher.whole_file import put_whole


@dataclass(frozen=True, slots=True)
class Head:
    """One head file."""

    ledger_id: str
    seq: int
    hash: str
    at: str
    why: str
    key: str | None = None
    signature: str | None = None

    @property
    def signed_bytes(self) -> bytes:
        """What the signature is under: everything but the signature itself, as canonical JSON."""
        facts = {name: value for name, value in asdict(self).items() if name != "signature" and value is not None}
        return canonical(facts).encode()


def write_head(ledger: Ledger, folder: Path, why: str, signer: Signer | None = None) -> Path:
    """Write the present head to `folder` (atomically), signed if there is a key; gives the file."""
    with ledger.read() as conn:
        row = conn.execute(select(head)).one()
    now = ledger.clock()
    body = Head(row.ledger_id, row.seq, row.hash, iso(now), why)
    if signer is not None:
        body = replace(body, key=signer.public.name)
        body = replace(body, signature=signer.sign(body.signed_bytes))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"head-{iso(now)[:19].replace(':', '')}-{row.seq:09d}.json"
    text = json.dumps({k: v for k, v in asdict(body).items() if v is not None}, ensure_ascii=False, indent=1)
    put_whole(path, text.encode())
    _flush(folder)
    return path


def _flush(folder: Path) -> None:
    """Make the new name survive a power cut, where the file system can flush a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def head_files(folder: Path, ledger_id: str) -> list[tuple[Path, Head]]:
    """The head files of this ledger with their paths, oldest row first, of one row oldest file first.

    Files that cannot be read as such are left out; `verify` names them.
    """
    found = []
    for path in sorted(folder.glob("head-*.json")) if folder.is_dir() else []:
        one = _read(path)
        if one is not None and one.ledger_id == ledger_id:
            found.append((path, one))
    return sorted(found, key=lambda pair: pair[1].seq)


def _read(path: Path) -> Head | None:
    try:
        one = Head(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError, OSError):
        return None
    return one if isinstance(one.seq, int) else None


def read_heads(folder: Path, ledger_id: str) -> tuple[list[Head], list[str]]:
    """The head files of this ledger, oldest row first, and the names of files that cannot be read as such."""
    found = head_files(folder, ledger_id)
    names = {path.name for path, _ in found}
    every = sorted(folder.glob("head-*.json")) if folder.is_dir() else []
    return [one for _, one in found], [path.name for path in every if path.name not in names]
