"""The fake set channel keeps the contract of sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from channels.fake_set import FakeBoard, FakeSetChannel
from publisher.channel import Item
from publisher.errors import PermanentFailure, Reason, TransientFailure
from tests.support.builders import a_config
from tests.support.set_contract import SECRET, SetContract
from tests.support.sets import a_set, context


class FakeRig:
    """A board in memory."""

    def __init__(self) -> None:
        self.board = FakeBoard()

    def adapter(self) -> FakeSetChannel:
        return FakeSetChannel(a_config("fake", secrets={"key": SECRET}), board=self.board)

    def seen(self) -> list[str]:
        return sorted(shown.title.removeprefix("【演练】") for shown in self.board.shown.values())

    def snapshot(self) -> Mapping[str, bytes]:
        return {key: repr(shown).encode() for key, shown in self.board.shown.items()}

    @contextmanager
    def broken(self) -> Iterator[None]:
        self.board.failures.append(TransientFailure(Reason.FOLDER_UNWRITABLE))
        yield
        assert not self.board.failures

    def unshowable(self, item: Item) -> Item:
        self.board.refusals[item.notice_key] = PermanentFailure(Reason.CANNOT_BE_SHOWN)
        return item


class TestFakeSetChannel(SetContract):
    @pytest.fixture
    def rig(self) -> FakeRig:
        return FakeRig()


def test_the_fake_remembers_every_set_it_showed() -> None:
    channel = FakeSetChannel(a_config("fake"))
    ctx = context()
    channel.show(a_set("甲", "乙"), ctx)
    channel.show(a_set("甲"), ctx)
    channel.show([], ctx)
    assert channel.board.sets == [("k-乙", "k-甲"), ("k-甲",), ()]


def test_the_fake_marks_practice_and_only_practice() -> None:
    for practice in (True, False):
        channel = FakeSetChannel(a_config("fake", practice=practice))
        channel.show(a_set("甲"), context())
        (shown,) = channel.board.shown.values()
        assert shown.title.startswith("【演练】") is practice
