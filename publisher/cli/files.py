"""Files that commands write: whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from publisher.errors import SettingsError


def refuse_existing(path: Path, option: str = "--out") -> None:
    """Raise `SettingsError` if there is something at `path`: nothing is overwritten."""
    if path.exists():
        raise SettingsError(f"{path} exists already; name another file with {option}")


def write_new(path: Path, data: bytes, option: str = "--out") -> None:
    """Write a file that is not there yet. Raises `SettingsError` if it is, or if it cannot be written."""
    with _beside(path, data, option) as whole:
        try:
            os.link(whole, path)  # unlike a rename, never over a file that somebody made meanwhile
        except FileExistsError:
            refuse_existing(path, option)
            raise
        except OSError:
            refuse_existing(path, option)
            whole.replace(path)  # a file system without links


def write_over(path: Path, data: bytes) -> None:
    """Write a file, in place of one of before, and its folder if need be. Raises `SettingsError` if it cannot be."""
    with _beside(path, data, make_folder=True) as whole:
        whole.replace(path)


@contextmanager
def _beside(path: Path, data: bytes, option: str = "--out", *, make_folder: bool = False) -> Iterator[Path]:
    """The whole content in a file of another name beside it, which is gone afterwards."""
    whole: Path | None = None
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".publisher-", suffix=".tmp")
        whole = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        whole.chmod(0o666 & ~_umask())
        yield whole
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}; name another file with {option}") from error
    finally:
        if whole is not None:
            whole.unlink(missing_ok=True)


def _umask() -> int:
    """What new files of this process lack; a temporary file is made for its owner alone."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
