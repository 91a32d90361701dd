"""The obligatory suite of every adapter that shows a whole set.

A test module makes a fixture `rig` (a `SetRig`) and a class that inherits `SetContract`, or
`FileSetContract` if the adapter writes files that others read meanwhile:

    class TestLedBoard(SetContract):
        @pytest.fixture
        def rig(self, tmp_path): return LedRig(tmp_path)
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from publisher.channel import (
    Absent,
    DeliveryKey,
    Fidelity,
    Finding,
    Foresees,
    Found,
    Item,
    Looks,
    Receipt,
    SetChannel,
)
from publisher.delivery import Operation
from publisher.errors import ChannelError, Reason, TransientFailure
from publisher.notice import LOCAL
from tests.support.builders import START, MemoryStore, a_notice, an_item
from tests.support.sets import FileStore, a_set, context, titles

SECRET = "geheim-4711-nicht-zeigen"
"""The value of every secret in the configuration that a rig gives to its adapter."""

Fault = Callable[[str], None]


class SetRig(Protocol):
    """One target, and what an onlooker can tell of it without the adapter."""

    def adapter(self) -> SetChannel:
        """A new adapter for the same target, as another process would make it; `SECRET` is its secret."""
        ...

    def seen(self) -> list[str]:
        """The titles that readers see now, sorted, without any practice mark."""
        ...

    def snapshot(self) -> Mapping[str, bytes]:
        """Everything that readers see now, byte by byte."""
        ...

    def broken(self) -> AbstractContextManager[None]:
        """While open, the target takes no new set."""
        ...

    def unshowable(self, item: Item) -> Item:
        """`item` in a form that this channel cannot show."""
        ...


class FileSetRig(SetRig, Protocol):
    """A target that is a folder."""

    @property
    def folder(self) -> Path: ...

    def read_by_people(self, names: Iterable[str]) -> list[str]:
        """Of these files, the ones that people look at themselves: what is wrong with them must be seen."""
        ...

    def adapter(self, fault: Fault = ...) -> SetChannel: ...


class SetContract:
    """What every set channel promises."""

    def test_it_is_a_set_channel_that_publishes(self, rig: SetRig) -> None:
        adapter = rig.adapter()
        assert isinstance(adapter, SetChannel)
        assert Operation.PUBLISH in adapter.capabilities.operations

    def test_every_item_is_shown_and_gets_a_receipt_that_says_public(self, rig: SetRig) -> None:
        items = a_set("甲", "乙", "丙")
        answers = rig.adapter().show(items, context())
        assert rig.seen() == titles(items)
        assert set(answers) == {item.delivery_key for item in items}
        assert all(isinstance(answer, Receipt) and answer.public for answer in answers.values())

    def test_each_notice_has_a_number_of_its_own(self, rig: SetRig) -> None:
        answers = rig.adapter().show(a_set("甲", "乙", "丙"), context())
        numbers = [_receipt(answers, key).number for key in answers]
        assert all(numbers) and len(set(numbers)) == 3

    def test_a_receipt_holds_the_digest_of_the_text_that_was_approved(self, rig: SetRig) -> None:
        adapter = rig.adapter()
        if adapter.capabilities.fidelity is Fidelity.FULL:
            items = a_set("甲", "乙")
            answers = adapter.show(items, context())
            for item in items:
                assert _receipt(answers, item.delivery_key).digest == item.rendition.text_digest

    def test_nothing_else_is_shown(self, rig: SetRig) -> None:
        ctx = context()
        rig.adapter().show(a_set("甲", "乙"), ctx)
        rig.adapter().show(a_set("丙"), ctx)
        assert rig.seen() == titles(a_set("丙"))
        assert not any("甲工程".encode() in content for content in rig.snapshot().values())

    def test_an_empty_set_shows_nothing_and_answers_nothing(self, rig: SetRig) -> None:
        ctx = context()
        assert rig.adapter().show([], ctx) == {}
        assert rig.seen() == []
        rig.adapter().show(a_set("甲"), ctx)
        assert rig.adapter().show([], ctx) == {}
        assert rig.seen() == []

    def test_an_item_that_is_taken_out_is_gone_and_the_rest_stand(self, rig: SetRig) -> None:
        ctx = context()
        first = rig.adapter().show(a_set("甲", "乙", "丙"), ctx)
        then = rig.adapter().show(a_set("甲", "丙"), ctx)
        assert rig.seen() == titles(a_set("甲", "丙"))
        assert then == {key: first[key] for key in then}

    def test_an_item_that_cannot_be_shown_stays_out_and_the_rest_stand(self, rig: SetRig) -> None:
        good, other, last = a_set("甲", "乙", "丙")
        answers = rig.adapter().show([good, rig.unshowable(other), last], context())
        assert isinstance(answers[other.delivery_key], ChannelError)
        assert _receipt(answers, good.delivery_key).public
        assert _receipt(answers, last.delivery_key).public
        assert rig.seen() == titles([good, last])

    def test_what_it_refuses_for_its_text_it_tells_beforehand_and_what_it_shows_it_lets_pass(self, rig: SetRig) -> None:
        adapter = rig.adapter()
        if isinstance(adapter, Foresees):
            good, other = a_set("甲", "乙")
            bad = rig.unshowable(other)
            refused = adapter.show([good, bad], context())[bad.delivery_key]
            told = [(error.reason, error.detail) for error in adapter.refusals(bad.rendition)]
            assert isinstance(refused, ChannelError) and (refused.reason, refused.detail) in told
            assert list(adapter.refusals(good.rendition)) == []

    def test_a_broken_target_leaves_the_old_set_whole_and_takes_the_new_one_when_it_is_back(self, rig: SetRig) -> None:
        ctx = context()
        rig.adapter().show(a_set("甲", "乙"), ctx)
        before = rig.snapshot()
        with rig.broken(), pytest.raises(TransientFailure):
            rig.adapter().show(a_set("乙", "丙", "丁"), ctx)
        assert rig.snapshot() == before
        rig.adapter().show(a_set("乙", "丙", "丁"), ctx)
        assert rig.seen() == titles(a_set("乙", "丙", "丁"))

    def test_the_time_at_a_broken_target_is_not_counted_as_shown(self, rig: SetRig) -> None:
        store = context().store
        with rig.broken(), pytest.raises(TransientFailure):
            rig.adapter().show(a_set("甲"), context(store))
        answers = rig.adapter().show(a_set("甲"), context(store, after=timedelta(days=2)))
        assert _receipt(answers, "d-甲").visible_since == START + timedelta(days=2)

    def test_a_repeat_shows_the_same_bytes_and_gives_the_same_receipts(self, rig: SetRig) -> None:
        store = context().store
        first = rig.adapter().show(a_set("甲", "乙", "丙"), context(store))
        before = rig.snapshot()
        again = rig.adapter().show(a_set("甲", "乙", "丙"), context(store, after=timedelta(days=3)))
        assert rig.snapshot() == before
        assert again == first

    def test_the_order_of_the_items_does_not_matter(self, rig: SetRig) -> None:
        items = a_set("甲", "乙", "丙", "丁", visible_since=START)
        ctx = context()
        rig.adapter().show(items, ctx)
        before = rig.snapshot()
        rig.adapter().show([], ctx)
        rig.adapter().show(items[::-1], ctx)
        assert rig.snapshot() == before

    def test_a_corrected_version_keeps_number_and_link_and_replaces_the_text(self, rig: SetRig) -> None:
        store = context().store
        old = an_item(a_notice(title="崇文社区工程招标公报"), key="d-1", notice_key="k-1")
        new = an_item(a_notice(title="崇文社区工程招标公告"), key="d-2", notice_key="k-1", visible_since=START)
        first = _receipt(rig.adapter().show([old], context(store)), "d-1")
        second = _receipt(rig.adapter().show([new], context(store, after=timedelta(hours=5))), "d-2")
        assert (second.number, second.url) == (first.number, first.url)
        assert second.visible_since == first.visible_since
        assert rig.seen() == ["崇文社区工程招标公告"]

    def test_visible_since_is_the_first_showing_and_stays(self, rig: SetRig) -> None:
        store = context().store
        half_past_midnight = datetime(2017, 12, 4, 0, 30, tzinfo=LOCAL)
        ctx = context(store, after=half_past_midnight - START)
        assert _receipt(rig.adapter().show(a_set("甲"), ctx), "d-甲").visible_since == datetime(
            2017, 12, 3, 16, 30, tzinfo=UTC
        )
        later = _receipt(rig.adapter().show(a_set("甲"), context(store)), "d-甲").visible_since
        assert later == half_past_midnight

    def test_visible_since_is_kept_where_the_program_knows_it(self, rig: SetRig) -> None:
        known = START - timedelta(days=9)
        answers = rig.adapter().show(a_set("甲", visible_since=known), context())
        assert _receipt(answers, "d-甲").visible_since == known

    def test_a_lower_set_number_never_replaces_a_higher(self, rig: SetRig) -> None:
        store = context().store

        def overtaken() -> None:
            rig.adapter().show(a_set("乙", "丙"), context(store))

        with pytest.raises(TransientFailure) as stopped:
            rig.adapter().show(a_set("甲"), context(store, before=overtaken))
        assert stopped.value.reason is Reason.NO_LONGER_MINE
        assert rig.seen() == titles(a_set("乙", "丙"))
        rig.adapter().show(a_set("乙"), context(store))
        assert rig.seen() == titles(a_set("乙"))

    def test_without_permission_nothing_changes(self, rig: SetRig) -> None:
        store = context().store
        rig.adapter().show(a_set("甲"), context(store))
        before = rig.snapshot()
        with pytest.raises(TransientFailure) as stopped:
            rig.adapter().show(a_set("乙"), context(store, mine=False))
        assert stopped.value.reason is Reason.NO_LONGER_MINE
        assert rig.snapshot() == before

    def test_the_old_set_is_what_readers_see_until_permission_is_given(self, rig: SetRig) -> None:
        store = context().store
        rig.adapter().show(a_set("甲"), context(store))
        seen: list[list[str]] = []
        ctx = context(store, before=lambda: seen.append(rig.seen()))
        rig.adapter().show(a_set("乙"), ctx)
        assert seen and set(map(tuple, seen)) == {tuple(titles(a_set("甲")))}
        assert rig.seen() == titles(a_set("乙"))

    def test_two_texts_of_one_notice_change_nothing(self, rig: SetRig) -> None:
        store = context().store
        rig.adapter().show(a_set("甲"), context(store))
        before = rig.snapshot()
        twice = [
            an_item(a_notice(title="一"), key="d-1", notice_key="k-甲"),
            an_item(a_notice(title="二"), key="d-2", notice_key="k-甲"),
        ]
        with pytest.raises(ChannelError):
            rig.adapter().show(twice, context(store))
        assert rig.snapshot() == before

    def test_looking_finds_what_is_shown_as_approved_and_not_the_rest_and_changes_nothing(self, rig: SetRig) -> None:
        adapter = rig.adapter()
        if not isinstance(adapter, Looks):
            pytest.skip("this channel cannot look")
        store = MemoryStore()
        good, other, gone = a_set("甲", "乙", "丙")
        adapter.show([good, other], context(store))
        before, kept = rig.snapshot(), dict(store.values)
        findings = adapter.look([good, other, gone], context(store, after=timedelta(days=3)))

        for item in (good, other):
            finding = findings[item.delivery_key]
            assert isinstance(finding, Found) and finding.receipt.public
            assert finding.digest == item.rendition.text_digest
        assert findings[gone.delivery_key] == Absent()
        assert (rig.snapshot(), store.values) == (before, kept)

    def test_a_text_that_was_approved_later_and_is_not_shown_yet_looks_different(self, rig: SetRig) -> None:
        adapter = rig.adapter()
        if not isinstance(adapter, Looks):
            pytest.skip("this channel cannot look")
        store = MemoryStore()
        adapter.show(a_set("甲"), context(store))
        newer = an_item(a_notice(title="另一标题", body_html="<p>另一正文。</p>"), key="d-2", notice_key="k-甲")
        finding = adapter.look([newer], context(store))[newer.delivery_key]

        assert isinstance(finding, Found) and finding.digest != newer.rendition.text_digest

    def test_secrets_are_nowhere_to_be_seen(self, rig: SetRig, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        adapter = rig.adapter()
        store = context().store
        good, bad = a_set("甲", "乙")
        told = [repr(adapter), repr(adapter.show([good, rig.unshowable(bad)], context(store)))]
        with rig.broken(), pytest.raises(TransientFailure) as stopped:
            adapter.show(a_set("丙"), context(store))
        told += [repr(stopped.value), stopped.value.detail, stopped.value.evidence, caplog.text]
        told += [content.decode("utf-8", "replace") for content in rig.snapshot().values()]
        assert not any(SECRET in words for words in told)


class FileSetContract(SetContract):
    """What a set channel promises beside, if it writes files: at no instant is half a file to be seen."""

    def test_killed_at_every_single_point_it_leaves_whole_files_and_the_next_show_heals_all(
        self, rig: FileSetRig, tmp_path: Path
    ) -> None:
        store_path = tmp_path / "store.json"
        old, new = a_set("甲", "乙", visible_since=START), _other_texts()
        whole = _files_of(rig, store_path, old) | _files_of(rig, store_path, new)
        for kills in range(1, 200):
            rig.adapter().show(old, context(FileStore(store_path)))
            code = _in_child(partial(_show_until, rig, store_path, new, kills))
            _only_whole_files(rig, whole)
            if code == 0:
                break
            assert code == -signal.SIGKILL
            rig.adapter().show(new, context(FileStore(store_path)))
            assert rig.seen() == titles(new)
            assert _litter(rig.folder) == []
        assert kills > 4, "the adapter does not pass its fault argument on: it was not killed at any point"
        assert code == 0

    @pytest.mark.kills
    def test_killed_at_any_time_it_leaves_whole_files_and_the_next_show_heals_all(
        self, rig: FileSetRig, tmp_path: Path
    ) -> None:
        store_path = tmp_path / "store.json"
        old, new = a_set("甲", "乙", visible_since=START), _other_texts()
        whole = _files_of(rig, store_path, old) | _files_of(rig, store_path, new)
        for _ in range(int(os.environ.get("KILLS", "20"))):
            _killed_soon(lambda: _show_for_ever(rig, store_path, old, new))
            _only_whole_files(rig, whole)
            rig.adapter().show(new, context(FileStore(store_path)))
            assert rig.seen() == titles(new)
            assert _litter(rig.folder) == []

    def test_files_that_do_not_change_are_not_written_again(self, rig: FileSetRig) -> None:
        ctx = context()
        rig.adapter().show(a_set("甲", "乙"), ctx)
        before = _inodes(rig.folder)
        rig.adapter().show(a_set("甲", "乙"), ctx)
        assert _inodes(rig.folder) == before

    def test_a_folder_that_cannot_be_made_is_a_transient_failure(self, rig: FileSetRig) -> None:
        rig.folder.rmdir() if rig.folder.exists() else None
        rig.folder.write_bytes(b"in the way")
        with pytest.raises(TransientFailure) as stopped:
            rig.adapter().show(a_set("甲"), context())
        assert stopped.value.reason is Reason.FOLDER_UNWRITABLE

    def test_a_file_that_vanished_or_was_changed_by_hand_is_put_right_by_the_next_show(self, rig: FileSetRig) -> None:
        ctx = context()
        rig.adapter().show(a_set("甲", "乙"), ctx)
        before = dict(rig.snapshot())
        for number, name in enumerate(sorted(before)):
            path = rig.folder / name
            path.unlink() if number % 2 else path.write_bytes(b"scribble")
        rig.adapter().show(a_set("甲", "乙"), ctx)
        assert rig.snapshot() == before

    def test_looking_tells_what_vanished_or_was_changed_by_hand(self, rig: FileSetRig) -> None:
        adapter = rig.adapter()
        if not isinstance(adapter, Looks):
            pytest.skip("this channel cannot look")
        ctx = context()
        items = a_set("甲", "乙")
        adapter.show(items, ctx)
        alike = {item.delivery_key: item.rendition.text_digest for item in items}
        unseen = []
        whole = dict(rig.snapshot())
        for name in rig.read_by_people(whole):
            content, path = whole[name], rig.folder / name
            for spoilt in (None, b"", b"scribble", content.replace("甲".encode(), "申".encode(), 1)):
                path.unlink() if spoilt is None else path.write_bytes(spoilt)
                seen = {key: _digest_seen(finding) for key, finding in adapter.look(items, ctx).items()}
                unseen += [(name, spoilt)] if seen == alike and spoilt != content else []
                path.write_bytes(content)
        assert unseen == []
        assert {key: _digest_seen(finding) for key, finding in adapter.look(items, ctx).items()} == alike


def _digest_seen(finding: Finding) -> str | None:
    """The digest of what readers see; None: they do not see it."""
    return finding.digest if isinstance(finding, Found) and finding.receipt.public else None


def _receipt(answers: Mapping[DeliveryKey, Receipt | ChannelError], key: str) -> Receipt:
    answer = answers[DeliveryKey(key)]
    assert isinstance(answer, Receipt), answer
    return answer


def _other_texts() -> list[Item]:
    """A set that takes one item of 甲 乙 away, changes the text of the other and adds one."""
    changed = an_item(
        a_notice(title="乙工程招标公告", body_html="<p>" + "改过的正文。" * 2000 + "</p>"),
        key="d-乙",
        notice_key="k-乙",
        visible_since=START,
    )
    return [changed, *a_set("丙", visible_since=START)]


def _files_of(rig: FileSetRig, store_path: Path, items: list[Item]) -> set[tuple[str, bytes]]:
    rig.adapter().show(items, context(FileStore(store_path)))
    return set(rig.snapshot().items())


def _only_whole_files(rig: FileSetRig, whole: set[tuple[str, bytes]]) -> None:
    for name, content in rig.snapshot().items():
        assert (name, content) in whole, f"{name} is neither the old file nor the new"


def _litter(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob(".*")]


def _inodes(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


def _show_until(rig: FileSetRig, store_path: Path, items: list[Item], limit: int) -> None:
    passed = 0

    def fault(point: str) -> None:
        nonlocal passed
        passed += 1
        if passed == limit:
            os.kill(os.getpid(), signal.SIGKILL)

    rig.adapter(fault).show(items, context(FileStore(store_path)))


def _show_for_ever(rig: FileSetRig, store_path: Path, old: list[Item], new: list[Item]) -> None:
    while True:
        rig.adapter().show(old, context(FileStore(store_path)))
        rig.adapter().show(new, context(FileStore(store_path)))


def _in_child(work: Callable[[], None]) -> int | None:
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join()
    return child.exitcode


def _killed_soon(work: Callable[[], None]) -> None:
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    # the moment of the kill is the random input of this test; nothing waits for it
    time.sleep(random.uniform(0.005, 0.12))
    child.kill()
    child.join()
    assert child.exitcode == -signal.SIGKILL
