"""A channel in memory, for tests: carries what it is given, and fails when it is told to.

It keeps every promise of the contract and passes the same suite as the real ones.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from pydantic import BaseModel, ConfigDict

from channels.kit.options import read_options
from publisher.channel import (
    Absent,
    CannotTell,
    Capabilities,
    ChannelConfig,
    DeliveryKey,
    Finding,
    Found,
    Receipt,
    Submission,
)
from publisher.delivery import Operation
from publisher.errors import (
    ChannelError,
    NeedsPerson,
    OutcomeUnknown,
    PermanentFailure,
    Reason,
    TransientFailure,
)

FOR_EVER = timedelta(days=36500)


@dataclass(frozen=True, slots=True)
class Carried:
    """One notice that the far side holds. `public` False: taken, not yet visible."""

    number: str
    key: DeliveryKey
    title: str
    text: str
    digest: str
    files: tuple[str, ...] = ()
    quotes: str | None = None
    public: bool = True


@dataclass(frozen=True, slots=True)
class Fail:
    """A failure to come; `stored`: the far side carries the request out all the same."""

    error: ChannelError
    stored: bool = False


@dataclass
class FakeSite:
    """The far side: what it holds, what it did, and the failures to come.

    held            by number
    calls           every call that reached it: ("submit" or "find", operation, delivery key)
    failures        raised by the next submits, first in first out
    find_failures   raised by the next finds
    late            so many finds still say Absent of what it holds
    shows_other     it shows another text than it was given
    refuses_files   it takes no attachment
    gate            submits wait, after they are carried out, until it is set (or the call's time is over)
    on_stored       called between storing and answering
    """

    held: dict[str, Carried] = field(default_factory=dict)
    calls: list[tuple[str, Operation, DeliveryKey]] = field(default_factory=list)
    failures: list[Fail | ChannelError] = field(default_factory=list)
    find_failures: list[ChannelError] = field(default_factory=list)
    late: int = 0
    shows_other: bool = False
    refuses_files: bool = False
    gate: threading.Event | None = None
    on_stored: Callable[[Carried], None] = lambda carried: None
    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def of(self, key: DeliveryKey) -> list[Carried]:
        """What it holds of a delivery."""
        return [carried for carried in self.held.values() if carried.key == key]

    def make_public(self) -> None:
        """Show everything that was taken."""
        self.held = {number: replace(carried, public=True) for number, carried in self.held.items()}


class FakeOptions(BaseModel):
    """What the fake declares of itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    idempotent: bool = False
    findable: bool = True
    asynchronous: bool = False
    operations: tuple[Operation, ...] = (Operation.PUBLISH,)
    settle_seconds: float = 120.0


class FakeChannel:
    """A `Channel` onto a `FakeSite`; several channels may share one site."""

    def __init__(self, config: ChannelConfig, *, site: FakeSite | None = None) -> None:
        self._options = read_options(FakeOptions, config.options)
        self.site = site if site is not None else FakeSite()

    @property
    def capabilities(self) -> Capabilities:
        """As its options say."""
        return Capabilities(
            findable=self._options.findable,
            settle_window=timedelta(seconds=self._options.settle_seconds),
            operations=frozenset(self._options.operations),
            asynchronous=self._options.asynchronous,
            idempotent_for=FOR_EVER if self._options.idempotent else timedelta(0),
        )

    def submit(self, submission: Submission) -> Receipt:
        """Carry the operation out, unless a failure is to come."""
        if submission.operation not in self._options.operations:
            raise PermanentFailure(Reason.NOT_SUPPORTED, "该渠道没有开通此操作")
        submission.context.still_mine(_request_digest(submission))
        with self.site.lock:
            self.site.calls.append(("submit", submission.operation, submission.delivery_key))
            failure = self._next_failure()
            if failure is not None and not failure.stored:
                raise failure.error
            carried, duplicate = self._carry_out(submission)
        self.site.on_stored(carried)
        if self.site.gate is not None and not self.site.gate.wait(max(0.0, submission.context.remaining())):
            raise OutcomeUnknown(Reason.TIME_LIMIT, "已发出，但在时限内未得到答复")
        if failure is not None:
            raise failure.error
        return replace(_receipt(carried), note="渠道答复：已有此公告" if duplicate else "")

    def find(self, submission: Submission) -> Finding:
        """What the far side holds."""
        if not self._options.findable:
            return CannotTell("该渠道没有查询接口")
        submission.context.still_mine(None)
        with self.site.lock:
            self.site.calls.append(("find", submission.operation, submission.delivery_key))
            if self.site.find_failures:
                raise self.site.find_failures.pop(0)
            found = self._held(submission)
            if found is None:
                return Absent()
            if self.site.late > 0:
                self.site.late -= 1
                return Absent()
        digest = f"{found.digest}-other" if self.site.shows_other else found.digest
        return Found(replace(_receipt(found), digest=digest), digest)

    def _next_failure(self) -> Fail | None:
        if not self.site.failures:
            return None
        failure = self.site.failures.pop(0)
        return failure if isinstance(failure, Fail) else Fail(failure)

    def _held(self, submission: Submission) -> Carried | None:
        if submission.operation is Operation.PUBLISH:
            return next(iter(self.site.of(submission.delivery_key)), None)
        number = submission.last_receipt.number if submission.last_receipt else None
        return self.site.held.get(number or "")

    def _carry_out(self, submission: Submission) -> tuple[Carried, bool]:
        held = self._held(submission)
        if submission.operation is Operation.PUBLISH:
            if held is not None and self._options.idempotent:
                return held, True
            number = f"F-{next(self.site.numbers):04d}"
        elif held is None:
            if submission.operation is Operation.WITHDRAW:
                return self._carried("", submission), False
            raise PermanentFailure(Reason.REFUSED, "渠道上没有这条公告")
        else:
            number = held.number
        carried = self._carried(number, submission)
        if submission.operation is Operation.WITHDRAW:
            del self.site.held[number]
        else:
            self.site.held[number] = carried
        return carried, False

    def _carried(self, number: str, submission: Submission) -> Carried:
        if submission.attachments and self.site.refuses_files:
            name = submission.attachments[0].ref.name
            raise PermanentFailure(Reason.TOO_LARGE, f"附件“{name}”：附件过大，正文未发布")
        rendition = submission.rendition
        for attachment in submission.attachments:
            if hashlib.sha256(attachment.read()).hexdigest() != attachment.ref.sha256:
                raise NeedsPerson(Reason.ADAPTER_FAULT, f"附件“{attachment.ref.name}”的内容与登记不符")
        return Carried(
            number=number,
            key=submission.delivery_key,
            title=rendition.title,
            text=rendition.text,
            digest=rendition.text_digest,
            files=tuple(attachment.ref.name for attachment in submission.attachments),
            quotes=submission.references[0].number if submission.references else None,
            public=not self._options.asynchronous,
        )


def _receipt(carried: Carried) -> Receipt:
    return Receipt(number=carried.number, url=f"fake://{carried.number}", public=carried.public)


def _request_digest(submission: Submission) -> str:
    head = f"{submission.operation} {submission.delivery_key} {submission.rendition.title}\n".encode()
    return hashlib.sha256(head + submission.rendition.content).hexdigest()


def unreachable() -> TransientFailure:
    """The failure of a channel that is down."""
    return TransientFailure(Reason.UNREACHABLE, "渠道连接不上")


def answer_lost() -> Fail:
    """The failure of a channel that carries the request out and hangs up without an answer."""
    return Fail(OutcomeUnknown(Reason.ANSWER_LOST, "已发出，但连接中断，未收到完整答复"), stored=True)
