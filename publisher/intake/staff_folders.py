"""The seven staff folders: moving a file to where its intake row says it belongs, never over another.

Every placed file is named `<N>_<its name>`, so that two files of one name never meet and the sweep
finds each one again. If a file is nowhere, its stored bytes are written out anew.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

from publisher.intake.folder import manifest_paths
from publisher.ledger.store import Fault, no_fault
from publisher.settings import FolderSettings
from publisher.whole_file import put_whole

NOTE_ENDINGS = {"held": ".待处理说明.txt", "returned": ".退回原因.txt"}
CLEANED = ".已清理"
"""Stands behind the stem of a cleaned copy that is offered."""
_LONGEST_NAME = 255
"""Bytes of one file name on the usual file systems."""


@dataclass(frozen=True, slots=True)
class StaffFolders:
    """The folders by the words of the design."""

    drop: Path
    working: Path
    held: Path
    published: Path
    returned: Path
    receipts: Path
    reconciled: Path

    @classmethod
    def under(cls, data: Path, settings: FolderSettings) -> StaffFolders:
        """The folders of these settings; a relative root lies under `data`."""
        root = data / settings.root
        names = ("drop", "working", "held", "published", "returned", "receipts", "reconciled")
        return cls(**{name: root / getattr(settings, name) for name in names})

    def make(self) -> None:
        """Make those that are missing."""
        for folder in fields(self):
            getattr(self, folder.name).mkdir(parents=True, exist_ok=True)

    def place(self, word: str, day: str) -> Path:
        """The folder of a place; what is published lies by local day."""
        if word == "published":
            return self.published / day
        folder: Path = getattr(self, word)
        return folder


def placed_name(number: str, name: str) -> str:
    """`<N>_<name>`, shortened in its stem if the file system could not hold it with a note's ending."""
    room = (
        _LONGEST_NAME - len(f"{number}_".encode()) - max(len(e.encode()) for e in NOTE_ENDINGS.values()) - len(".zip")
    )
    if len(name.encode()) > room:
        stem, dot, ending = name.rpartition(".")
        if not dot or len(ending.encode()) > 20:
            stem, dot, ending = name, "", ""
        keep = room - len(f"{dot}{ending}".encode())
        name = stem.encode()[:keep].decode("utf-8", "ignore") + dot + ending
    return f"{number}_{name}"


def sidecar_name(placed: str) -> str:
    """The name under which a sidecar lies beside its placed file."""
    return f"{placed}.yaml"


def cleaned_name(placed: str) -> str:
    """The name of the cleaned copy that is offered beside a placed file."""
    path = Path(placed)
    return f"{path.stem}{CLEANED}{path.suffix}"


@dataclass(frozen=True, slots=True)
class Mover:
    """Moves files between the staff folders. `read` gives stored bytes by hash."""

    folders: StaffFolders
    read: Callable[[str], bytes]
    fault: Fault = no_fault

    def find(self, name: str) -> Path | None:
        """Where a placed file lies now, or None."""
        return next((path for path in self._places(name) if path.exists()), None)

    def _places(self, name: str) -> Iterator[Path]:
        yield self.folders.working / name
        yield self.folders.held / name
        yield self.folders.returned / name
        if self.folders.published.is_dir():
            yield from (day / name for day in sorted(self.folders.published.iterdir()))

    def put(self, name: str, sha256: str, is_folder: bool, place: Path) -> Path:
        """Have the file `name` lie in `place` with exactly its bytes; gives its path."""
        place.mkdir(parents=True, exist_ok=True)
        target = place / name
        now = self.find(name)
        if now != target:
            self.fault("move.before")
            if now is not None:
                move(now, target)
            else:
                self._write(sha256, is_folder, target)
            self.fault("move.after")
        return target

    def _write(self, sha256: str, is_folder: bool, target: Path) -> None:
        if not is_folder:
            write_whole(target, self.read(sha256))
            return
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as work:
            for path, digest in manifest_paths(self.read(sha256)):
                part = Path(work, "folder", path)
                part.parent.mkdir(parents=True, exist_ok=True)
                part.write_bytes(self.read(digest))
            Path(work, "folder").rename(target)


def move(source: Path, target: Path) -> None:
    """Move a file or folder; across volumes: copy, compare hashes, then delete. Never over another."""
    if target.exists():
        raise FileExistsError(f"{target} is there already")
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != 18:  # EXDEV: another volume
            raise
        _copy_over(source, target)


def _copy_over(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        write_whole(target, source.read_bytes())
    for path in [source, *source.rglob("*")] if source.is_dir() else [source]:
        if path.is_file():
            twin = target / path.relative_to(source) if source.is_dir() else target
            if _sha256(path) != _sha256(twin):
                raise OSError(f"the copy of {path.name} differs from it")
    shutil.rmtree(source) if source.is_dir() else source.unlink()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_whole(target: Path, data: bytes) -> None:
    """Write a file as a whole, for the daemon and for staff, in place of one of before."""
    put_whole(target, data, 0o664)
