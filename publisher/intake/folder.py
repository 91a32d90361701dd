"""The drop folder: what lies there, what of it has rested, and how its exact bytes are read.

Polling is the base; nothing is concluded from a folder that cannot be read. What is claimed is
moved by `publisher.intake.places`; nothing here writes.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote_from_bytes, unquote_to_bytes

from publisher.intake.pairing import pair
from publisher.intake.reading import NamedBytes, is_whole
from publisher.notice import Form, Kind
from publisher.settings import IntakeSettings

SORTING = frozenset([kind.label for kind in Kind] + [form.value for form in Form] + [kind.value for kind in Kind])
"""Names of folders that sort what lies in them; any other folder is one notice with its attachments."""

Signature = tuple[tuple[str, int, int], ...]
"""Of each file: its path below the candidate, its size in bytes, its time of change in nanoseconds."""


DAMAGED_AFTER = timedelta(seconds=30)
"""A container that does not open is half a copy while it may still grow; still for this long, it is damaged."""


class FolderUnavailable(Exception):
    """The drop folder cannot be read now: it is not empty, it is away."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file, or a folder that is one notice, in the drop folder."""

    path: Path
    declared: str | None
    is_folder: bool
    signature: Signature
    sidecar: Path | None = None
    waits: str = ""  # why it is not to be taken as it lies there (Chinese)

    @property
    def name(self) -> str:
        """Its name as shown: repaired where the bytes are no UTF-8."""
        return shown_name(os.fsencode(self.path.name))

    @property
    def source(self) -> str:
        """The bytes of its path below the drop folder, percent-encoded, as kept in the ledger."""
        return self._source(self.path)

    @property
    def sidecar_source(self) -> str | None:
        """The same of the sidecar, or None."""
        return self._source(self.sidecar) if self.sidecar else None

    def _source(self, path: Path) -> str:
        parts = [self.declared, path.name] if self.declared else [path.name]
        return "/".join(quote_from_bytes(os.fsencode(p)) for p in parts)


def modified_at(candidate: Candidate) -> datetime:
    """When the newest of its files was last written (UTC)."""
    newest: int = max(changed for _, _, changed in candidate.signature)
    return datetime.fromtimestamp(newest / 1e9, UTC)


def path_of_source(drop: Path, source: str) -> Path:
    """Where a claimed file lay."""
    return drop.joinpath(*[os.fsdecode(unquote_to_bytes(part)) for part in source.split("/")])


def shown_name(raw: bytes) -> str:
    """A file name as text: UTF-8, else GB18030, else with the odd bytes marked; no control characters."""
    for encoding in ("utf-8", "gb18030"):
        try:
            text = raw.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        text = raw.decode("utf-8", "replace")
    return "".join(c if c.isprintable() and c not in "/\\" else "_" for c in text)


def candidates(drop: Path, settings: IntakeSettings) -> list[Candidate]:
    """Everything in the drop folder that may be a notice, oldest first. Raises `FolderUnavailable`."""
    try:
        found = list(_look(drop, settings, None))
    except OSError as error:
        raise FolderUnavailable(f"{drop}: {error.strerror or error}") from error
    return sorted(found, key=lambda c: (max(s[2] for s in c.signature), c.path.name))


def _look(folder: Path, settings: IntakeSettings, declared: str | None) -> Iterator[Candidate]:
    with os.scandir(folder) as found:
        entries = [entry for entry in found if not settings.is_litter(entry.name)]
    pairs = pair([entry.name for entry in entries])
    paired = set(pairs.sidecars.values())
    for entry in entries:
        if entry.name in paired:
            continue
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False) and declared is None and entry.name in SORTING:
            yield from _look(path, settings, entry.name)
            continue
        is_folder = entry.is_dir(follow_symlinks=False)
        if not is_folder and not entry.is_file(follow_symlinks=False):
            continue
        base = path if is_folder else path.parent
        signature = _signature(files_of(path, settings) if is_folder else [path], base)
        beside = path.with_name(pairs.sidecars[entry.name]) if entry.name in pairs.sidecars else None
        if signature:
            waits = pairs.waiting.get(entry.name) or pairs.doubted.get(entry.name) or ""
            stamp = _signature([beside], path.parent) if beside else ()
            yield Candidate(path, declared, is_folder, (*signature, *stamp), beside, waits)


def files_of(folder: Path, settings: IntakeSettings) -> list[Path]:
    """All files below `folder` that are not litter, in order of their paths. Links are not followed."""
    found = []
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not settings.is_litter(name))
        found += [Path(where, name) for name in names if not settings.is_litter(name)]
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


def _signature(paths: Sequence[Path], base: Path) -> Signature:
    parts = []
    for path in paths:
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue  # moved away between the look and the question
        parts.append((str(path.relative_to(base)), status.st_size, status.st_mtime_ns))
    return tuple(parts)


@dataclass(slots=True)
class RestWatch:
    """Remembers since when each candidate is unchanged, over the polls of one process."""

    settings: IntakeSettings
    _since: dict[Path, tuple[Signature, datetime, datetime]] = field(default_factory=dict)

    def rested(self, found: Sequence[Candidate], now: datetime) -> list[Candidate]:
        """Those unchanged for the quiet time, without an empty file or an open-file mark."""
        present = {c.path for c in found}
        for path in [p for p in self._since if p not in present]:
            del self._since[path]
        ready = []
        for candidate in found:
            signature, since, first = self._since.get(candidate.path, (None, now, now))
            if signature != candidate.signature:
                since = now
            self._since[candidate.path] = (candidate.signature, since, first)
            if now - since >= self.settings.quiet and not why_not_ready(candidate):
                ready.append(candidate)
        return ready

    def still_resting(self, now: datetime) -> bool:
        """Whether something seen at the last look had not rested long enough at `now`."""
        return any(now - since < self.settings.quiet for _, since, _ in self._since.values())

    def no_longer_copied(self, candidate: Candidate, now: datetime) -> bool:
        """Whether it has been still for so long that nobody is copying it any more."""
        known = self._since.get(candidate.path)
        return known is not None and now - known[1] >= max(DAMAGED_AFTER, self.settings.quiet)

    def waiting_long(self, found: Sequence[Candidate], now: datetime) -> list[Candidate]:
        """Candidates first seen longer ago than `note_after` that still lie there."""
        long = []
        for candidate in found:
            known = self._since.get(candidate.path)
            if known is not None and now - known[2] >= self.settings.note_after:
                long.append(candidate)
        return long


def why_not_ready(candidate: Candidate) -> str | None:
    """Why a still file is not taken yet (Chinese): empty, or open in Word, WPS or LibreOffice."""
    if candidate.waits:
        return candidate.waits
    if any(size == 0 for _, size, _ in candidate.signature):
        return "文件为空（0 字节）"
    folder = candidate.path if candidate.is_folder else candidate.path.parent
    for name, _, _ in candidate.signature:
        if _is_open(folder / name):
            return "文件仍在编辑软件中打开"
    return None


def _is_open(path: Path) -> bool:
    name = path.name
    # Word leaves out the first one or two characters of a longer name in its owner file's name.
    marks = [f"~${name}", f"~${name[1:]}", f"~${name[2:]}", f".~lock.{name}#", f".~{name}"]
    return any(_exists(path.with_name(mark)) for mark in marks)


def _exists(path: Path) -> bool:
    """Whether there is a file; none of a name that is too long for the file system."""
    try:
        return path.exists()
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Taken:
    """The exact bytes of a candidate: its own hash, and every blob to store."""

    sha256: str
    blobs: tuple[tuple[str, bytes], ...]
    sidecar_sha256: str | None = None


def take(candidate: Candidate, settings: IntakeSettings) -> Taken | None:
    """Read a candidate; None if it changed meanwhile, is in use, or is half a copy: it will be looked at again.

    A folder's own bytes are a manifest: canonical JSON of the paths and hashes of its files.
    """
    files = files_of(candidate.path, settings) if candidate.is_folder else [candidate.path]
    base = candidate.path if candidate.is_folder else candidate.path.parent
    try:
        data = [(path, path.read_bytes()) for path in files]
        beside = candidate.sidecar.read_bytes() if candidate.sidecar else None
        stamp = _signature([candidate.sidecar], candidate.path.parent) if candidate.sidecar else ()
        unchanged = (*_signature(files, base), *stamp) == candidate.signature
    except OSError:
        return None
    if not unchanged or not data:
        return None
    taken = _taken(candidate.is_folder, [(path.relative_to(base), content) for path, content in data])
    if beside is None:
        return taken
    digest = hashlib.sha256(beside).hexdigest()
    return Taken(taken.sha256, (*taken.blobs, (digest, beside)), digest)


def _taken(is_folder: bool, data: Sequence[tuple[Path, bytes]]) -> Taken:
    blobs = [(hashlib.sha256(content).hexdigest(), content) for _, content in data]
    if not is_folder:
        return Taken(blobs[0][0], tuple(blobs))
    listing = [
        {"path": quote_from_bytes(os.fsencode(str(path))), "sha256": digest}
        for (path, _), (digest, _) in zip(data, blobs, strict=True)
    ]
    manifest = json.dumps({"files": listing}, sort_keys=True).encode()
    digest = hashlib.sha256(manifest).hexdigest()
    return Taken(digest, ((digest, manifest), *blobs))


def is_half_copy(candidate: Candidate, taken: Taken, now: datetime, patience_over: bool) -> bool:
    """Whether a container does not open yet; after the patience is over it is damaged, not half."""
    if candidate.is_folder or patience_over:
        return False
    return not is_whole(candidate.name, taken.blobs[0][1])


def manifest_files(manifest: bytes) -> list[tuple[str, str]]:
    """Shown path and hash of every file of a folder's manifest."""
    listing = json.loads(manifest)["files"]
    return [
        ("/".join(shown_name(part) for part in unquote_to_bytes(item["path"]).split(b"/")), item["sha256"])
        for item in listing
    ]


def manifest_paths(manifest: bytes) -> list[tuple[Path, str]]:
    """Real relative path and hash of every file of a folder's manifest."""
    listing = json.loads(manifest)["files"]
    return [(Path(os.fsdecode(unquote_to_bytes(item["path"]))), item["sha256"]) for item in listing]


def named_bytes(name: str, sha256: str, is_folder: bool, read: Callable[[str], bytes]) -> list[NamedBytes]:
    """The files of an intake, from the stored bytes that `read` gives by hash."""
    if not is_folder:
        return [NamedBytes(name, read(sha256))]
    return [NamedBytes(path, read(digest)) for path, digest in manifest_files(read(sha256))]


def hash_of(path: Path, is_folder: bool, settings: IntakeSettings) -> str | None:
    """The hash under which the bytes at `path` would be stored now; None if they cannot be read."""
    files = files_of(path, settings) if is_folder else [path]
    base = path if is_folder else path.parent
    try:
        data = [(file.relative_to(base), file.read_bytes()) for file in files]
    except OSError:
        return None
    return _taken(is_folder, data).sha256 if data else None


GROUP = 32
"""Most files that are claimed in one transaction."""
GROUP_BYTES = 16 * 1024 * 1024
"""Size from which a group is closed, so that the bytes in memory stay bounded."""


def in_groups(files: Iterable[tuple[Candidate, Taken]]) -> Iterator[list[tuple[Candidate, Taken]]]:
    """The files of one transaction each: at most `GROUP`, and no more once they have `GROUP_BYTES`."""
    group: list[tuple[Candidate, Taken]] = []
    size = 0
    for one, taken in files:
        group.append((one, taken))
        size += sum(len(data) for _, data in taken.blobs)
        if len(group) >= GROUP or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
