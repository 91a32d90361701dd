"""Cleaned copies offered beside a held file: written into 待处理, never published by themselves.

A file that is held for what one does not see in it (revisions, comments, hidden text, names) gets a copy without that
beside it. Staff look at it and answer “清理”, or change something and drop it themselves; only then is it taken in.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from publisher.errors import Reason
from publisher.intake.folder import named_bytes
from publisher.intake.readers.archive import entry_name
from publisher.intake.reading import NamedBytes
from publisher.intake.staff_folders import cleaned_name, write_whole
from publisher.ledger import intake_rows
from publisher.ledger.intake_rows import IntakeRow
from publisher.rules.clean import CannotBeCleaned, cleaned_copy
from publisher.rules.papers import carried_beside

_ASKED = frozenset({Reason.HIDDEN_CONTENT, Reason.FILE_METADATA})
_ALWAYS = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Offer:
    """A cleaned copy by its name in 待处理; without `data` none can be made, and `why` says so (Chinese)."""

    name: str
    data: bytes | None = None
    why: str = ""


def offer_of(row: IntakeRow, read: Callable[[str], bytes]) -> Offer | None:
    """The cleaned copy for a held row; None: it is not held for anything that cleaning takes away.

    `read` gives stored bytes by hash.
    """
    asked = {problem.reason for problem in intake_rows.problems_of(row.problems)} & _ASKED
    return copy_of(row, read) if asked else None


def copy_of(row: IntakeRow, read: Callable[[str], bytes]) -> Offer:
    """The cleaned copy of what was handed in; the same row always gives the same bytes."""
    placed = row.place_name or row.file_name
    files = named_bytes(row.file_name, row.sha256, row.is_folder, read)
    if not row.is_folder and files[0].data.startswith(b"PK") and placed.lower().endswith(".zip"):
        files = _unpacked(files[0].data)
    elif not row.is_folder:
        copy, why = _cleaned(files[0])
        return Offer(cleaned_name(placed), copy, why)
    return _packed(cleaned_name(f"{PurePosixPath(placed).stem}.zip" if not row.is_folder else f"{placed}.zip"), files)


def put_offer(offer: Offer, held: Path) -> None:
    """Write the copy into `held` unless something lies there: what staff changed in it stays."""
    target = held / offer.name
    if offer.data is not None and not target.exists():
        write_whole(target, offer.data)


def take_away(offer: Offer, held: Path) -> None:
    """Remove an offer that nobody took or changed."""
    target = held / offer.name
    if offer.data is not None and target.is_file() and target.read_bytes() == offer.data:
        target.unlink()


def _cleaned(file: NamedBytes) -> tuple[bytes | None, str]:
    """The cleaned copy; None for a file with nothing to clean, or with the reason where cleaning does not help."""
    if not carried_beside(file.data, ""):
        return None, ""
    try:
        copy = cleaned_copy(file.data)
    except CannotBeCleaned as why:
        return None, str(why)
    left = carried_beside(copy, "文件")
    return (None, left[0].detail.rstrip("。")) if left else (copy, "")


def _packed(name: str, files: Sequence[NamedBytes]) -> Offer:
    """All files of a notice in one ZIP, those that can be cleaned cleaned."""
    out, why, changed = io.BytesIO(), "", False
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            copy, said = _cleaned(file)
            changed, why = changed or copy is not None, why or (f"“{file.name}”{said}" if said else "")
            entry = zipfile.ZipInfo(file.name, _ALWAYS)
            archive.writestr(entry, copy if copy is not None else file.data, zipfile.ZIP_DEFLATED)
    return Offer(name, out.getvalue(), why) if changed else Offer(name, None, why or "请在原程序中清理")


def _unpacked(data: bytes) -> list[NamedBytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        return [NamedBytes(entry_name(info), archive.read(info)) for info in infos]
