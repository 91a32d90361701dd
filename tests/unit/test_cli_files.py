"""What a command writes to a file is there whole, or not at all."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from publisher.cli.files import write_new, write_over
from publisher.errors import SettingsError

Write = Callable[[Path, bytes], None]
BOTH = pytest.mark.parametrize("write", [write_new, write_over])


@pytest.fixture
def little_space() -> Iterator[None]:
    """As if the disk were full after a thousand bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@BOTH
def test_a_file_appears_whole_and_alone(tmp_path: Path, write: Write) -> None:
    write(tmp_path / "a.csv", b"one")

    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.csv", b"one")]
    assert (tmp_path / "a.csv").stat().st_mode & 0o400


@BOTH
def test_a_disk_that_is_full_leaves_no_part_of_a_file(tmp_path: Path, little_space: None, write: Write) -> None:
    with pytest.raises(SettingsError, match=r"a\.csv cannot be written: File too large; name another file with --out"):
        write(tmp_path / "a.csv", b"x" * 5000)

    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays_if_the_disk_is_full_or_the_name_is_taken(tmp_path: Path, little_space: None) -> None:
    path = tmp_path / "a.md"
    write_new(path, b"before")
    with pytest.raises(SettingsError, match="exists already; name another file with --out"):
        write_new(path, b"after")
    with pytest.raises(SettingsError, match="cannot be written"):
        write_over(path, b"x" * 5000)
    assert path.read_bytes() == b"before"

    write_over(path, b"after")
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [b"after"]


@BOTH
def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path, write: Write) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SettingsError, match="cannot be written"):
        write(tmp_path / "file" / "a.csv", b"one")
