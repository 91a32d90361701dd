"""Files that others read: whole or not there."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from channels.kit.files import clear_leftovers, exchange, read_file, replace_files, replace_folder, write_file
from publisher.errors import Reason, TransientFailure
from tests.support.sets import full_disk


class Crash(BaseException):
    """Stands for the end of the process: nothing catches it."""


class Point:
    """A fault that ends the process at the `nth` passing of a point."""

    def __init__(self, name: str, nth: int = 1) -> None:
        self.name, self.left = name, nth

    def __call__(self, point: str) -> None:
        self.left -= point == self.name
        if point == self.name and self.left == 0:
            raise Crash


def _tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_file_is_written_where_there_was_none_and_replaced_where_there_was_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    for content in (b"one", b"another", b""):
        write_file(path, content)
        assert _tree(tmp_path) == {"new/a.txt": content}


def test_a_written_file_can_be_read_by_a_web_server(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_file(tmp_path / "a.txt", b"one")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o644


def test_until_the_rename_the_old_file_is_seen_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_file(path, b"old")
    for point in ("half written", "staged", "before rename"):
        with pytest.raises(Crash):
            write_file(path, b"new" * 1000, fault=Point(point))
        assert path.read_bytes() == b"old"


def test_a_full_disk_is_a_transient_failure_and_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_file(path, b"old")
    with full_disk(), pytest.raises(TransientFailure) as stopped:
        write_file(path, b"new" * 1000)
    assert stopped.value.reason is Reason.FOLDER_UNWRITABLE
    assert stopped.value.evidence == "EFBIG"
    assert _tree(tmp_path) == {"a.txt": b"old"}


def test_a_folder_that_is_a_file_is_a_transient_failure(tmp_path: Path) -> None:
    (tmp_path / "out").write_bytes(b"x")
    with pytest.raises(TransientFailure) as stopped:
        write_file(tmp_path / "out" / "a.txt", b"one")
    assert stopped.value.reason is Reason.FOLDER_UNWRITABLE


def test_a_missing_file_reads_as_none_and_an_unreadable_one_as_a_failure(tmp_path: Path) -> None:
    assert read_file(tmp_path / "none") is None
    with pytest.raises(TransientFailure):
        read_file(tmp_path)


def test_of_several_files_none_changes_if_one_cannot_be_written(tmp_path: Path) -> None:
    replace_files(tmp_path, {"a": b"a1", "sub/b": b"b1"})
    with full_disk(), pytest.raises(TransientFailure):
        replace_files(tmp_path, {"a": b"a2", "sub/b": b"b2" * 100, "c": b"c"}, remove=["a"])
    assert _tree(tmp_path) == {"a": b"a1", "sub/b": b"b1"}


def test_of_several_files_none_changes_if_a_folder_stands_in_the_place_of_one(tmp_path: Path) -> None:
    replace_files(tmp_path, {"a": b"a1"})
    (tmp_path / "z").mkdir()
    with pytest.raises(TransientFailure):
        replace_files(tmp_path, {"a": b"a2", "z": b"z"})
    assert _tree(tmp_path) == {"a": b"a1"}


def test_files_become_visible_in_the_given_order_and_removals_come_last(tmp_path: Path) -> None:
    replace_files(tmp_path, {"old": b"o"})
    seen = []
    for nth in (1, 2, 3):
        with pytest.raises(Crash):
            replace_files(tmp_path, {f"b{nth}": b"", f"a{nth}": b""}, fault=Point("before rename", 2))
        seen.append(sorted(_tree(tmp_path)))
    assert seen == [["b1", "old"], ["b1", "b2", "old"], ["b1", "b2", "b3", "old"]]
    with pytest.raises(Crash):
        replace_files(tmp_path, {"n": b""}, remove=["old"], fault=Point("all renamed"))
    assert {"n", "old"} <= set(_tree(tmp_path))
    replace_files(tmp_path, {"n": b""}, remove=["old"])
    assert "old" not in _tree(tmp_path)


def test_the_last_word_is_asked_after_staging_and_before_the_first_change(tmp_path: Path) -> None:
    replace_files(tmp_path, {"a": b"1"})
    order = []

    def ready() -> None:
        order.append(("ready", (tmp_path / "a").read_bytes()))

    def last_check() -> None:
        order.append(("last", (tmp_path / "a").read_bytes()))
        raise TransientFailure(Reason.NO_LONGER_MINE)

    with pytest.raises(TransientFailure):
        replace_files(tmp_path, {"a": b"2"}, ready=ready, last_check=last_check, fault=lambda p: order.append((p, b"")))
    assert order == [("half written", b""), ("staged", b""), ("ready", b"1"), ("last", b"1")]
    assert _tree(tmp_path) == {"a": b"1"}


def test_two_writers_do_not_change_one_folder_at_the_same_time(tmp_path: Path) -> None:
    def second() -> None:
        with pytest.raises(TransientFailure) as stopped:
            replace_files(tmp_path, {"a": b"second"})
        assert stopped.value.reason is Reason.BUSY

    replace_files(tmp_path, {"a": b"first"}, last_check=second)
    assert _tree(tmp_path) == {"a": b"first"}


@pytest.mark.parametrize("name", ["../a", "/a", "a/../../b", ".hidden", ""])
def test_a_name_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a name inside"):
        replace_files(tmp_path / "in", {name: b"x"})


def test_leftovers_of_a_crash_are_cleared_and_nothing_else(tmp_path: Path) -> None:
    write_file(tmp_path / "sub" / "a.txt", b"one")
    (tmp_path / ".htaccess").write_bytes(b"theirs")
    (tmp_path / "sub" / ".a.txt.0123abcd.part").write_bytes(b"half")
    clear_leftovers(tmp_path)
    assert set(_tree(tmp_path)) == {"sub/a.txt", ".htaccess"}


OLD = {"1.txt": b"old one", "sub/2.txt": b"old two"}
NEW = {"1.txt": b"new one", "3.txt": b"new three"}


def _no_swap(one: Path, other: Path) -> bool:
    return False


def test_two_names_change_places_in_one_step(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "who").write_text(name)
    assert exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a" / "who").read_text() == "b"
    assert not exchange(tmp_path / "a", tmp_path / "none")


@pytest.mark.parametrize("swap", [exchange, _no_swap])
def test_a_folder_is_replaced_as_a_unit(tmp_path: Path, swap: object) -> None:
    target = tmp_path / "current"
    for files in (OLD, NEW, {}, OLD):
        replace_folder(target, files, swap=swap)  # type: ignore[arg-type]
        assert _tree(target) == files
        assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("point", ["half written", "staged", "before rename", "all renamed"])
@pytest.mark.parametrize("swap", [exchange, _no_swap])
def test_a_crash_leaves_the_old_folder_or_the_new(tmp_path: Path, swap: object, point: str) -> None:
    target = tmp_path / "current"
    replace_folder(target, OLD)
    with pytest.raises(Crash):
        replace_folder(target, NEW, swap=swap, fault=Point(point))  # type: ignore[arg-type]
    assert _tree(target) == (NEW if point == "all renamed" else OLD)
    replace_folder(target, NEW)
    assert _tree(target) == NEW
    assert list(tmp_path.iterdir()) == [target]


def test_a_crash_between_two_renames_is_healed_by_the_next_call(tmp_path: Path) -> None:
    target = tmp_path / "current"
    replace_folder(target, OLD)
    with pytest.raises(Crash):
        replace_folder(target, NEW, swap=_no_swap, fault=Point("between renames"))
    with full_disk(), pytest.raises(TransientFailure):
        replace_folder(target, {"1.txt": b"x" * 100})
    assert _tree(target) == OLD


def test_a_folder_that_cannot_be_filled_leaves_the_old_one(tmp_path: Path) -> None:
    target = tmp_path / "current"
    replace_folder(target, OLD)
    with full_disk(), pytest.raises(TransientFailure):
        replace_folder(target, {"1.txt": b"x" * 100})
    assert _tree(target) == OLD
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_holds_the_same_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "current"
    replace_folder(target, OLD)
    before = target.stat().st_ino
    replace_folder(target, dict(reversed(OLD.items())))
    assert target.stat().st_ino == before
