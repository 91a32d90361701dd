"""The fake channel keeps the contract, idempotent or not."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from channels.fake import Fail, FakeChannel, FakeSite, answer_lost, unreachable
from publisher.channel import Found
from publisher.errors import (
    ChannelError,
    NeedsPerson,
    OutcomeUnknown,
    PermanentFailure,
    Reason,
    TransientFailure,
)
from tests.support.builders import a_config, a_submission
from tests.support.channel_contract import SECRET, ChannelContract, Held, Trouble

_FAILURES: dict[Trouble, Fail | ChannelError] = {
    Trouble.DOWN: unreachable(),
    Trouble.REFUSING: PermanentFailure(Reason.REFUSED, "标题含有不允许的词"),
    Trouble.LOCKED_OUT: NeedsPerson(Reason.BAD_CREDENTIAL, "渠道不接受账号或密钥", stops_channel=True),
    Trouble.ANSWER_LOST: answer_lost(),
    Trouble.ERROR_BEFORE: OutcomeUnknown(Reason.SERVER_ERROR, "渠道内部出错"),
    Trouble.ERROR_AFTER: Fail(OutcomeUnknown(Reason.SERVER_ERROR, "渠道内部出错"), stored=True),
    Trouble.UNKNOWN_WORD: Fail(OutcomeUnknown(Reason.UNKNOWN_ANSWER, "渠道的答复无法识别"), stored=True),
    Trouble.EMPTY_ANSWER: Fail(OutcomeUnknown(Reason.UNKNOWN_ANSWER, "渠道的答复无法识别"), stored=True),
    Trouble.ERROR_IN_SUCCESS: PermanentFailure(Reason.REFUSED, "栏目不存在"),
    Trouble.BUSY: TransientFailure(Reason.RATE_LIMITED, "渠道要求稍后再试"),
}


class FakeWorld:
    """A far side in memory."""

    takes_files = True

    def __init__(self, *, idempotent: bool) -> None:
        self.site = FakeSite()
        self._options = {"idempotent": idempotent, "operations": ["publish", "update", "withdraw"]}

    def adapter(self) -> FakeChannel:
        return FakeChannel(a_config("fake", options=self._options, secrets={"key": SECRET}), site=self.site)

    def held(self) -> Sequence[Held]:
        return [
            Held(c.key, c.title, c.text, c.files, c.quotes or "", c.number) for _, c in sorted(self.site.held.items())
        ]

    def uploads(self) -> int:
        return sum(len(held.files) for held in self.held())

    def reached(self) -> int:
        return len(self.site.calls)

    def trouble(self, kind: Trouble) -> None:
        if kind in _FAILURES:
            self.site.failures.append(_FAILURES[kind])
        if kind in {Trouble.DOWN, Trouble.CANNOT_ASK}:
            self.site.find_failures.append(unreachable())
        self.site.gate = threading.Event() if kind is Trouble.SLOW else None
        self.site.late = 1 if kind is Trouble.LATE_FIND else 0
        self.site.shows_other = kind in {Trouble.OTHER_TEXT, Trouble.FILES_LOST}
        self.site.refuses_files = kind is Trouble.FILES_REFUSED

    def mend(self) -> None:
        self.site.failures.clear()
        self.site.find_failures.clear()
        self.site.late, self.site.shows_other, self.site.refuses_files = 0, False, False
        self.site.gate = None


class TestFakeChannelThatRemembersKeys(ChannelContract):
    @pytest.fixture
    def world(self) -> FakeWorld:
        return FakeWorld(idempotent=True)


class TestFakeChannelThatCannotBeRepeated(ChannelContract):
    @pytest.fixture
    def world(self) -> FakeWorld:
        return FakeWorld(idempotent=False)


def test_the_fake_takes_and_shows_later_when_it_is_asynchronous() -> None:
    channel = FakeChannel(a_config("fake", options={"asynchronous": True}))
    submission = a_submission()
    assert channel.submit(submission).public is False
    channel.site.make_public()
    finding = channel.find(submission)
    assert isinstance(finding, Found)
    assert finding.receipt.public


def test_the_fake_records_every_call_that_reached_it() -> None:
    channel = FakeChannel(a_config("fake"))
    channel.find(a_submission(key="d-7"))
    channel.submit(a_submission(key="d-7"))
    assert [(what, key) for what, _, key in channel.site.calls] == [("find", "d-7"), ("submit", "d-7")]
