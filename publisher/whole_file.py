"""Files that are there whole or not at all: written aside, flushed, then put in place."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def aside(target: Path, data: bytes, mode: int | None = None) -> Iterator[Path]:
    """`data`, whole and flushed, in a file beside `target` that is to be put in place; afterwards it is gone.

    `mode`: who may read and write it; None: as with any new file of this process. Raises OSError.
    """
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-", suffix=".tmp")
    whole = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        whole.chmod(0o666 & ~_umask() if mode is None else mode)  # mkstemp makes it for this account alone
        yield whole
    finally:
        whole.unlink(missing_ok=True)


def put_whole(target: Path, data: bytes, mode: int | None = None) -> None:
    """Write a file, in place of one of before. Raises OSError, and then the one of before stands."""
    with aside(target, data, mode) as whole:
        whole.replace(target)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
