"""The obligatory suite of every `Channel`: a world in which it lives, and what must hold there.

An adapter's test module makes a `World` (the far side and how to trouble it) and a class that derives
from `ChannelContract` with a fixture `world`.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Protocol

import pytest

from publisher.channel import Absent, CannotTell, Channel, Found, Receipt, Reference
from publisher.delivery import Operation
from publisher.errors import (
    ChannelError,
    NeedsPerson,
    OutcomeUnknown,
    PermanentFailure,
    Reason,
    TransientFailure,
)
from tests.support.builders import (
    CallContext,
    MemoryStore,
    a_change_notice,
    a_notice,
    a_rendition,
    a_submission,
    an_attachment,
)

SECRET = "TESTSECRET123"
"""Every world configures this secret under the name `key`."""


class Trouble(Enum):
    """What can be wrong with the far side."""

    DOWN = auto()
    SLOW = auto()  # carries out, and answers only when the call's time is long over
    REFUSING = auto()
    LOCKED_OUT = auto()
    ANSWER_LOST = auto()  # carries out, and hangs up
    ERROR_BEFORE = auto()  # an inner error before anything is carried out
    ERROR_AFTER = auto()
    UNKNOWN_WORD = auto()  # carries out, and answers in words nobody knows
    EMPTY_ANSWER = auto()
    ERROR_IN_SUCCESS = auto()  # a refusal that looks like success to whoever reads only the first line
    BUSY = auto()  # come back later
    CANNOT_ASK = auto()  # the question is not answered
    LATE_FIND = auto()  # for a while it says Absent of what it holds
    OTHER_TEXT = auto()  # shows another text than it was given
    FILES_REFUSED = auto()
    FILES_LOST = auto()


@dataclass(frozen=True)
class Held:
    """One notice that the far side holds."""

    key: str
    title: str
    text: str
    files: tuple[str, ...] = ()
    quotes: str = ""
    number: str = ""


class World(Protocol):
    """The far side of a channel."""

    @property
    def takes_files(self) -> bool: ...

    def adapter(self) -> Channel:
        """An adapter that was just made."""
        ...

    def held(self) -> Sequence[Held]:
        """What readers could see, oldest first."""
        ...

    def uploads(self) -> int:
        """How many attachments it was brought."""
        ...

    def reached(self) -> int:
        """How many calls reached it."""
        ...

    def trouble(self, kind: Trouble) -> None:
        """From now on this is wrong."""
        ...

    def mend(self) -> None:
        """All is well again."""
        ...


_SLOW_LIMIT = 0.4


class ChannelContract:
    """What must hold of every channel."""

    @pytest.fixture
    def world(self) -> World:
        raise NotImplementedError("derive from this class and give the world")

    def test_it_publishes_exactly_the_text_once_and_brings_a_receipt(self, world: World) -> None:
        submission = a_submission()
        receipt = world.adapter().submit(submission)
        assert isinstance(receipt, Receipt)
        (held,) = world.held()
        assert (held.key, held.title, held.text) == ("d-1", submission.rendition.title, submission.rendition.text)
        assert receipt.number == held.number

    def test_it_finds_what_it_published_with_the_digest_of_the_approved_text(self, world: World) -> None:
        channel, submission = world.adapter(), a_submission()
        receipt = channel.submit(submission)
        finding = channel.find(submission)
        assert isinstance(finding, Found)
        assert finding.digest == submission.rendition.text_digest
        assert (finding.receipt.number, finding.receipt.public) == (receipt.number, True)

    def test_another_adapter_finds_it_because_nothing_is_kept_in_memory(self, world: World) -> None:
        world.adapter().submit(a_submission())
        assert isinstance(world.adapter().find(a_submission()), Found)

    def test_it_finds_nothing_else(self, world: World) -> None:
        channel = world.adapter()
        channel.submit(a_submission())
        assert channel.find(a_submission(key="d-2")) == Absent()

    def test_down_nothing_is_published_and_the_program_may_try_again(self, world: World) -> None:
        world.trouble(Trouble.DOWN)
        channel = world.adapter()
        with pytest.raises(TransientFailure):
            channel.submit(a_submission())
        with pytest.raises(TransientFailure):
            channel.find(a_submission())
        assert not world.held()
        world.mend()
        channel.submit(a_submission())
        assert len(world.held()) == 1

    def test_a_slow_answer_ends_the_call_in_time_and_leaves_the_outcome_unknown(self, world: World) -> None:
        world.trouble(Trouble.SLOW)
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown) as caught:
            world.adapter().submit(a_submission(context=CallContext(limit=_SLOW_LIMIT)))
        assert caught.value.reason is Reason.TIME_LIMIT
        assert time.monotonic() - began < _SLOW_LIMIT + 2

    def test_a_refusal_is_permanent_and_says_why(self, world: World) -> None:
        world.trouble(Trouble.REFUSING)
        with pytest.raises(PermanentFailure) as caught:
            world.adapter().submit(a_submission())
        assert caught.value.detail
        assert not world.held()

    def test_locked_out_a_person_is_needed_and_the_channel_stops(self, world: World) -> None:
        world.trouble(Trouble.LOCKED_OUT)
        with pytest.raises(NeedsPerson) as caught:
            world.adapter().submit(a_submission())
        assert (caught.value.reason, caught.value.stops_channel) == (Reason.BAD_CREDENTIAL, True)
        assert not world.held()

    @pytest.mark.parametrize("kind", [Trouble.ANSWER_LOST, Trouble.ERROR_AFTER])
    def test_after_a_lost_answer_the_outcome_is_unknown_and_asking_finds_it(self, world: World, kind: Trouble) -> None:
        channel, submission = world.adapter(), a_submission()
        world.trouble(kind)
        with pytest.raises(OutcomeUnknown):
            channel.submit(submission)
        world.mend()
        finding = channel.find(submission)
        assert isinstance(finding, Found)
        assert finding.digest == submission.rendition.text_digest
        assert len(world.held()) == 1

    def test_after_an_error_before_storing_asking_says_absent(self, world: World) -> None:
        channel, submission = world.adapter(), a_submission()
        world.trouble(Trouble.ERROR_BEFORE)
        with pytest.raises((OutcomeUnknown, TransientFailure)):
            channel.submit(submission)
        world.mend()
        assert channel.find(submission) == Absent()

    @pytest.mark.parametrize("kind", [Trouble.UNKNOWN_WORD, Trouble.EMPTY_ANSWER])
    def test_an_answer_that_nobody_knows_is_never_success(self, world: World, kind: Trouble) -> None:
        world.trouble(kind)
        with pytest.raises(OutcomeUnknown) as caught:
            world.adapter().submit(a_submission())
        assert caught.value.reason is Reason.UNKNOWN_ANSWER

    def test_an_error_that_looks_like_success_is_an_error(self, world: World) -> None:
        world.trouble(Trouble.ERROR_IN_SUCCESS)
        with pytest.raises(PermanentFailure):
            world.adapter().submit(a_submission())
        assert not world.held()

    def test_busy_it_is_tried_later_and_nothing_is_published(self, world: World) -> None:
        world.trouble(Trouble.BUSY)
        with pytest.raises(TransientFailure) as caught:
            world.adapter().submit(a_submission())
        assert caught.value.not_before is None or caught.value.not_before.tzinfo is not None
        assert not world.held()

    def test_a_question_that_is_not_answered_leaves_the_state_alone(self, world: World) -> None:
        channel = world.adapter()
        channel.submit(a_submission())
        world.trouble(Trouble.CANNOT_ASK)
        with pytest.raises(TransientFailure):
            channel.find(a_submission())

    def test_the_same_key_twice_is_one_item_exactly_where_it_says_so(self, world: World) -> None:
        channel, submission = world.adapter(), a_submission()
        first, second = channel.submit(submission), channel.submit(submission)
        if channel.capabilities.idempotent_for > timedelta(0):
            assert len(world.held()) == 1
            assert second.number == first.number
        else:
            assert len(world.held()) == 2

    def test_a_repeat_after_a_lost_answer_is_a_receipt_where_it_is_idempotent(self, world: World) -> None:
        channel, submission = world.adapter(), a_submission()
        if channel.capabilities.idempotent_for == timedelta(0):
            return  # the program asks instead: see the lost answer
        world.trouble(Trouble.ANSWER_LOST)
        with pytest.raises(OutcomeUnknown):
            channel.submit(submission)
        world.mend()
        receipt = channel.submit(submission)
        assert receipt.number == world.held()[0].number
        assert len(world.held()) == 1

    def test_a_new_version_has_a_new_key_and_is_another_item(self, world: World) -> None:
        channel = world.adapter()
        channel.submit(a_submission(key="d-1"))
        changed = a_notice(body_html="<p>第二版：投标截止时间改为2018年1月5日。</p>")
        channel.submit(a_submission(changed, key="d-2"))
        assert [held.key for held in world.held()] == ["d-1", "d-2"]

    def test_a_late_find_says_absent_and_then_found(self, world: World) -> None:
        channel, submission = world.adapter(), a_submission()
        world.trouble(Trouble.LATE_FIND)
        channel.submit(submission)
        assert channel.find(submission) == Absent()
        world.mend()
        assert isinstance(channel.find(submission), Found)

    def test_another_text_on_the_channel_has_another_digest(self, world: World) -> None:
        channel, submission = world.adapter(), a_submission()
        channel.submit(submission)
        world.trouble(Trouble.OTHER_TEXT)
        finding = channel.find(submission)
        assert isinstance(finding, Found)
        assert finding.digest not in {None, submission.rendition.text_digest}

    def test_it_asks_for_leave_before_the_first_byte_and_names_the_request(self, world: World) -> None:
        seen: list[int] = []
        context = CallContext(before=lambda: seen.append(len(world.held())))
        world.adapter().submit(a_submission(context=context))
        assert seen and set(seen) == {0}
        digests = [digest for digest in context.asked if digest is not None]
        assert digests and all(len(digest) == 64 for digest in digests)

    def test_without_leave_nothing_is_sent(self, world: World) -> None:
        channel = world.adapter()
        with pytest.raises(TransientFailure) as caught:
            channel.submit(a_submission(context=CallContext(mine=False)))
        assert caught.value.reason is Reason.NO_LONGER_MINE
        assert world.reached() == 0

    def test_leave_taken_away_at_the_last_moment_keeps_the_text_back(self, world: World) -> None:
        channel = world.adapter()
        channel.submit(a_submission(key="d-0"))  # whatever comes before a first submission has been done

        def fail_next() -> None:
            context.mine = False

        context = CallContext(before=fail_next)
        with pytest.raises(TransientFailure) as caught:
            channel.submit(a_submission(context=context))
        assert caught.value.reason is Reason.NO_LONGER_MINE
        assert [held.key for held in world.held()] == ["d-0"]

    def test_the_digest_of_a_request_holds_for_the_same_request_only(self, world: World) -> None:
        channel = world.adapter()
        contexts = [CallContext(), CallContext(), CallContext()]
        channel.submit(a_submission(context=contexts[0]))
        channel.submit(a_submission(context=contexts[1]))
        channel.submit(a_submission(a_notice(body_html="<p>别的内容</p>"), context=contexts[2]))
        first, again, other = (context.asked[-1] for context in contexts)
        assert first == again != other

    def test_attachments_go_with_the_text_or_the_text_does_not_go(self, world: World) -> None:
        channel = world.adapter()
        submission = a_submission(attachments=[an_attachment("清单.pdf"), an_attachment("图纸.pdf", b"%PDF-1.4 plan")])
        if not world.takes_files:
            with pytest.raises(PermanentFailure):
                channel.submit(submission)
            assert not world.held()
            return
        channel.submit(submission)
        assert world.held()[0].files == ("清单.pdf", "图纸.pdf")
        finding = channel.find(submission)
        assert isinstance(finding, Found)
        assert finding.digest == submission.rendition.text_digest

    def test_a_refused_attachment_keeps_the_text_back_and_is_named(self, world: World) -> None:
        if not world.takes_files:
            return
        world.trouble(Trouble.FILES_REFUSED)
        with pytest.raises(PermanentFailure) as caught:
            world.adapter().submit(a_submission(attachments=[an_attachment("清单.pdf")]))
        assert "清单.pdf" in caught.value.detail
        assert not world.held()

    def test_a_retry_does_not_bring_an_attachment_twice(self, world: World) -> None:
        if not world.takes_files:
            return
        channel, store = world.adapter(), MemoryStore()
        attachments = [an_attachment("清单.pdf"), an_attachment("图纸.pdf", b"%PDF-1.4 plan")]
        world.trouble(Trouble.ERROR_BEFORE)
        with pytest.raises((OutcomeUnknown, TransientFailure)):
            channel.submit(a_submission(attachments=attachments, context=CallContext(store=store)))
        brought = world.uploads()
        world.mend()
        channel.submit(a_submission(attachments=attachments, context=CallContext(store=store)))
        assert world.uploads() == max(brought, 2)
        assert world.held()[0].files == ("清单.pdf", "图纸.pdf")

    def test_attachments_that_vanished_are_another_text(self, world: World) -> None:
        if not world.takes_files:
            return
        channel, submission = world.adapter(), a_submission(attachments=[an_attachment()])
        channel.submit(submission)
        world.trouble(Trouble.FILES_LOST)
        finding = channel.find(submission)
        assert isinstance(finding, Found)
        assert finding.digest != submission.rendition.text_digest

    def test_a_change_notice_quotes_the_number_that_this_channel_gave(self, world: World) -> None:
        channel = world.adapter()
        number = channel.submit(a_submission()).number
        reference = Reference(project_no="QFZB-2017-0412", title=None, first_published=None, number=number)
        channel.submit(a_submission(a_change_notice(), key="d-2", references=[reference]))
        assert world.held()[1].quotes == number

    def test_an_update_replaces_the_text_and_is_found_by_its_new_digest(self, world: World) -> None:
        channel = world.adapter()
        receipt = channel.submit(a_submission())
        notice = a_notice(body_html="<p>更新后的正文，内容完整。</p>")
        update = a_submission(notice, key="d-2", operation=Operation.UPDATE, last_receipt=receipt)
        if Operation.UPDATE not in channel.capabilities.operations:
            with pytest.raises(PermanentFailure) as caught:
                channel.submit(update)
            assert caught.value.reason is Reason.NOT_SUPPORTED
            return
        channel.submit(update)
        (held,) = world.held()
        assert held.text == "<p>更新后的正文，内容完整。</p>"
        finding = channel.find(update)
        assert isinstance(finding, Found)
        assert finding.digest == a_rendition(notice).text_digest

    def test_a_withdrawn_notice_is_gone_and_withdrawing_it_again_is_no_error(self, world: World) -> None:
        channel = world.adapter()
        receipt = channel.submit(a_submission())
        withdraw = a_submission(key="d-2", operation=Operation.WITHDRAW, last_receipt=receipt)
        if Operation.WITHDRAW not in channel.capabilities.operations:
            with pytest.raises(PermanentFailure) as caught:
                channel.submit(withdraw)
            assert caught.value.reason is Reason.NOT_SUPPORTED
            return
        channel.submit(withdraw)
        assert not world.held()
        assert channel.find(withdraw) == Absent()
        assert isinstance(channel.submit(withdraw), Receipt)

    @pytest.mark.parametrize("kind", list(Trouble))
    def test_no_error_and_no_receipt_holds_a_secret(self, world: World, kind: Trouble) -> None:
        channel = world.adapter()
        context = CallContext(limit=_SLOW_LIMIT) if kind is Trouble.SLOW else CallContext()
        submission = a_submission(attachments=[an_attachment()] if world.takes_files else [], context=context)
        world.trouble(kind)
        said = ""
        for call in (channel.submit, channel.find):
            try:
                said += repr(call(submission))
            except ChannelError as error:
                said += "".join(traceback.format_exception(error)) + f"{error.detail} {error.evidence}"
        assert said
        assert SECRET not in said

    def test_the_adapter_itself_shows_no_secret(self, world: World) -> None:
        channel = world.adapter()
        assert SECRET not in repr(channel) + str(channel) + repr(channel.capabilities)

    def test_eight_at_once_are_eight_items(self, world: World) -> None:
        channel = world.adapter()
        start = threading.Barrier(8)

        def one(number: int) -> Receipt:
            start.wait()
            return channel.submit(a_submission(key=f"d-{number}"))

        with ThreadPoolExecutor(8) as pool:
            receipts = list(pool.map(one, range(8)))
        assert sorted(held.key for held in world.held()) == [f"d-{number}" for number in range(8)]
        assert len({receipt.number for receipt in receipts}) == 8

    def test_it_tells_the_truth_about_being_asked(self, world: World) -> None:
        channel = world.adapter()
        assert isinstance(channel.find(a_submission()), CannotTell) is not channel.capabilities.findable
