"""The lock that makes a daemon the only one on its ledger: held by the operating system, so never stale."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from publisher.errors import PublisherError, SettingsError


class AlreadyRunning(PublisherError):
    """Another daemon holds the lock; the message names it."""


def is_free(path: Path) -> bool:
    """Whether nobody on this host holds the lock at `path`; False if the file is not there to be asked."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


class DaemonLock:
    """An exclusive lock on a file. The file's text only tells people who holds it; what it says never blocks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def acquire(self, host: str, pid: int) -> None:
        """Take the lock; raises `AlreadyRunning`, or `SettingsError` where this account may not write the file."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o664)
        except OSError as error:
            raise SettingsError(
                f"the lock file {self._path} cannot be written ({error.strerror}): run the daemon under the account "
                "that owns the data folder, or name another folder with --data"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(handle, 500).decode("utf-8", "replace").strip()
            os.close(handle)
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            raise AlreadyRunning(
                f"another daemon is running on this ledger ({holder or 'it has not said which'}); "
                f"lock file {self._path}. Stop that one first, or give this one another data folder"
            ) from error
        os.ftruncate(handle, 0)
        os.write(handle, json.dumps({"pid": pid, "host": host}).encode())
        self._handle = handle

    def release(self) -> None:
        """Give the lock back."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
