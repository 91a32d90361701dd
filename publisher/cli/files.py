"""Files that commands write: whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from publisher.errors import SettingsError
from publisher.whole_file import aside


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
    """The whole content beside the file that is to be; what goes wrong is said as an error of the command."""
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        with aside(path, data) as whole:
            yield whole
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}; name another file with {option}") from error
