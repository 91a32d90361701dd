"""Files that others read while we write them: every change is whole or not there.

A file is written aside in the same folder, flushed to the disk and renamed over the old one; then
the folder itself is flushed, so that a power cut leaves the old bytes or the new, never a mixture
and never a file of NULs. What the operating system refuses becomes `TransientFailure`
(`FOLDER_UNWRITABLE`): nothing was published, a repeat is harmless.

`fault` is called with the name of each point at which a crash is interesting; it does nothing
unless a test makes it.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from publisher.errors import Reason, TransientFailure

Fault = Callable[[str], None]
"""Called with the name of a point in the work."""

_ASIDE_PREFIX = "."
_ASIDE_SUFFIX = ".part"


def no_fault(point: str) -> None:
    """The fault argument of ordinary operation: does nothing."""


@contextmanager
def _as_unwritable(folder: Path) -> Iterator[None]:
    try:
        yield
    except BlockingIOError as error:
        raise TransientFailure(Reason.BUSY, f"另一个程序正在写文件夹：{folder}", evidence="EWOULDBLOCK") from error
    except OSError as error:
        raise TransientFailure(
            Reason.FOLDER_UNWRITABLE,
            f"输出文件夹无法写入：{folder}（{error.strerror or type(error).__name__}）",
            evidence=errno.errorcode.get(error.errno or 0, type(error).__name__),
        ) from error


def write_file(path: Path, content: bytes, *, fault: Fault = no_fault) -> None:
    """Make `path` hold `content`: a reader sees the old bytes or the new, also across a power cut.

    The folder is made if it is missing. Raises `TransientFailure(FOLDER_UNWRITABLE)`; then the old
    file stands.
    """
    replace_files(path.parent, {path.name: content}, fault=fault)


def read_file(path: Path) -> bytes | None:
    """The bytes of `path`; None if there is no such file. Raises `TransientFailure(FOLDER_UNWRITABLE)`."""
    with _as_unwritable(path.parent):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


def replace_files(
    folder: Path,
    files: Mapping[str, bytes],
    *,
    remove: Iterable[str] = (),
    ready: Callable[[], None] | None = None,
    last_check: Callable[[], None] | None = None,
    fault: Fault = no_fault,
) -> None:
    """Change several files of `folder` so that a failure before the last moment changes none.

    `files` maps names relative to `folder` (`a/b.html`) to bytes; they become visible in this
    order, after all of them are on the disk under other names. Files that already hold these bytes
    are left untouched, with their time. Then the names in `remove` go. `ready` is called when all is
    staged, `last_check` after it under the folder's lock, immediately before the first visible
    change; both may raise to stop it. What a killed call leaves aside is never visible under its
    name; `clear_leftovers` removes it.

    Raises `TransientFailure` (`FOLDER_UNWRITABLE`, or `BUSY` while another process changes the same
    folder), or whatever `ready` and `last_check` raise.
    """
    with _as_unwritable(folder):
        _make_folder(folder)
        staged: list[tuple[Path, Path]] = []
        try:
            for name, content in files.items():
                target = folder / _safe(name)
                aside = _stage(target, content, fault)
                if aside is not None:
                    staged.append((aside, target))
            gone = [path for name in remove if _is_there(path := folder / _safe(name))]
            if ready is not None:
                ready()
            with _locked(folder):
                if last_check is not None:
                    last_check()
                _commit(staged, gone, fault)
        finally:
            for aside, _ in staged:
                aside.unlink(missing_ok=True)


def _safe(name: str) -> str:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or any(part == ".." or part.startswith(_ASIDE_PREFIX) for part in parts):
        raise ValueError(f"not a name inside the folder: {name!r}")
    return name


def _stage(target: Path, content: bytes, fault: Fault) -> Path | None:
    """Write `content` beside `target`; None if `target` already holds it."""
    _make_folder(target.parent)
    if target.is_file():
        if target.stat().st_size == len(content) and target.read_bytes() == content:
            return None
    elif _is_there(target):
        # found now and not at the rename, when other files of the set would already have changed
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    aside = _aside(target)
    try:
        _write_flushed(aside, content, fault)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    fault("staged")
    return aside


def _aside(target: Path) -> Path:
    return target.with_name(f"{_ASIDE_PREFIX}{target.name}.{secrets.token_hex(4)}{_ASIDE_SUFFIX}")


def _write_flushed(path: Path, content: bytes, fault: Fault) -> None:
    # O_EXCL: never into a file that somebody else made; 0o666 less the umask, so that a web server may read it
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        half = len(content) // 2
        file.write(content[:half])
        file.flush()
        fault("half written")
        file.write(content[half:])
        file.flush()
        os.fsync(file.fileno())


def _commit(staged: list[tuple[Path, Path]], gone: list[Path], fault: Fault) -> None:
    touched: dict[Path, None] = {}
    for aside, target in staged:
        fault("before rename")
        aside.replace(target)
        touched[target.parent] = None
    _flush_folders(touched)
    fault("all renamed")
    for path in gone:
        path.unlink(missing_ok=True)
        fault("removed")
    _flush_folders({path.parent: None for path in gone})


def _flush_folders(folders: Iterable[Path]) -> None:
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # network file systems that cannot flush a folder
                raise
        finally:
            os.close(descriptor)


def _make_folder(folder: Path) -> None:
    missing = []
    at = folder
    while not at.exists() and not at.is_symlink():
        missing.append(at)
        at = at.parent
    folder.mkdir(parents=True, exist_ok=True)
    _flush_folders(made.parent for made in missing)


def _is_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's own lock, so that of two writers on this host one changes at a time.

    It is held for renames only. Who finds it taken does not wait: `BlockingIOError`. On a file system that
    cannot lock a folder the caller's `last_check` is all there is.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            pass
        yield
    finally:
        os.close(descriptor)


def clear_leftovers(folder: Path) -> None:
    """Remove what interrupted calls left in `folder` and below. Raises `TransientFailure(FOLDER_UNWRITABLE)`.

    Not to be called while another call is at work on the same folder.
    """
    with _as_unwritable(folder):
        if folder.is_dir():
            for path in sorted(folder.rglob(f"{_ASIDE_PREFIX}*{_ASIDE_SUFFIX}")):
                _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def exchange(one: Path, other: Path) -> bool:
    """Let two names change places in one step (Linux `renameat2`); False where that cannot be done."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    done = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return bool(done == 0)


def replace_folder(
    target: Path,
    files: Mapping[str, bytes],
    *,
    ready: Callable[[], None] | None = None,
    last_check: Callable[[], None] | None = None,
    fault: Fault = no_fault,
    swap: Callable[[Path, Path], bool] = exchange,
) -> None:
    """Make the folder `target` hold exactly `files`, as a unit: a reader finds the old set or the new.

    Where names can change places in one step there is no instant without the folder; elsewhere two
    renames follow each other, and after a crash between them `restore_folder` (called here first)
    brings the old set back. `ready` and `last_check` as in `replace_files`.

    Raises `TransientFailure` as `replace_files` does; then the old set stands.
    """
    with _as_unwritable(target):
        _make_folder(target.parent)
        restore_folder(target)
        if _same_content(target, files):
            return
        aside = _aside(target)
        try:
            _fill(aside, files, fault)
            fault("staged")
            if ready is not None:
                ready()
            with _locked(target.parent):
                if last_check is not None:
                    last_check()
                _put_in_place(aside, target, fault, swap)
        finally:
            _remove(aside)


def restore_folder(target: Path) -> None:
    """Bring back the set that a crash between two renames left beside `target`, and clear other remains.

    Raises `TransientFailure(FOLDER_UNWRITABLE)`.
    """
    with _as_unwritable(target):
        before = _before(target)
        if before.is_dir():
            if _is_there(target):
                shutil.rmtree(before)
            else:
                before.rename(target)
        if target.parent.is_dir():
            for path in sorted(target.parent.glob(f"{_ASIDE_PREFIX}{target.name}.*{_ASIDE_SUFFIX}")):
                _remove(path)


def _before(target: Path) -> Path:
    return target.with_name(f"{_ASIDE_PREFIX}{target.name}.before")


def _same_content(folder: Path, files: Mapping[str, bytes]) -> bool:
    if not folder.is_dir():
        return False
    there = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if not stat.S_ISDIR(path.lstat().st_mode)
    }
    return there.keys() == files.keys() and all(there[name].read_bytes() == files[name] for name in files)


def _fill(folder: Path, files: Mapping[str, bytes], fault: Fault) -> None:
    folder.mkdir()
    made = {folder: None}
    for name, content in files.items():
        path = folder / _safe(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        made[path.parent] = None
        _write_flushed(path, content, fault)
    _flush_folders(made)


def _put_in_place(aside: Path, target: Path, fault: Fault, swap: Callable[[Path, Path], bool]) -> None:
    fault("before rename")
    if not _is_there(target):
        aside.rename(target)
    elif not swap(aside, target):
        before = _before(target)
        target.rename(before)
        try:
            fault("between renames")
            aside.rename(target)
        except OSError:
            before.rename(target)
            raise
        shutil.rmtree(before)
    _flush_folders([target.parent])
    fault("all renamed")
