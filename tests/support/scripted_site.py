"""A site in memory that does what its test wrote down, on the test's own clock, for tests of sending."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from publisher.channel import Absent, CannotTell, Capabilities, Finding, Found, Receipt, Submission
from publisher.errors import ChannelError, OutcomeUnknown, PermanentFailure, Reason, TransientFailure


def busy(**more: object) -> TransientFailure:
    """The site is busy."""
    return TransientFailure(Reason.BUSY, "忙", **more)  # type: ignore[arg-type]  # a test's shorthand


def unreachable() -> TransientFailure:
    """Nobody answers."""
    return TransientFailure(Reason.UNREACHABLE, "连接被拒绝")


def lost() -> OutcomeUnknown:
    """The answer is lost, after the site has stored the notice."""
    return OutcomeUnknown(Reason.ANSWER_LOST, "未收到答复")


def refused() -> PermanentFailure:
    """The site will not take it."""
    return PermanentFailure(Reason.REFUSED, "标题不合规")


@dataclass
class ScriptedSite:
    """Gives the next outcome of `script`, then receipts. An `OutcomeUnknown` in the script comes after storing.

    A `Receipt` in the script is given as it stands, any other exception is raised as an adapter's fault.
    `items`: keys in the order of storing, with the instants of `clock`; a repeat of a key is a second item
    unless `idempotent`: then for as long as it `remembers` the key. `late`: how long after storing `find` still
    says Absent. `finds`: the next findings, None an honest one; when they are used up, honest ones.
    """

    script: list[Receipt | Exception | None] = field(default_factory=list)
    finds: list[Finding | ChannelError | None] = field(default_factory=list)
    remembers: timedelta = timedelta(days=30)
    findable: bool = True
    idempotent: bool = False
    settle: timedelta = timedelta(seconds=120)
    late: timedelta = timedelta(0)
    public: bool = True
    clock: Callable[[], datetime] | None = None
    down: Callable[[], bool] = lambda: False
    gate: threading.Event | None = None
    items: list[tuple[str, datetime]] = field(default_factory=list)
    calls: list[tuple[str, datetime]] = field(default_factory=list)
    asked: int = 0
    references: list[str | None] = field(default_factory=list)
    shown_digest: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def capabilities(self) -> Capabilities:
        """As the fields say."""
        remembers = self.remembers if self.idempotent else timedelta(0)
        return Capabilities(findable=self.findable, settle_window=self.settle, idempotent_for=remembers)

    @property
    def keys(self) -> list[str]:
        """What it holds."""
        return [key for key, _ in self.items]

    def submit(self, submission: Submission) -> Receipt:
        """The next outcome."""
        submission.context.still_mine("0" * 64)
        key, now = submission.delivery_key, submission.context.now()
        with self._lock:
            self.calls.append((key, now))
            self.references.append(submission.references[0].number if submission.references else None)
            if self.down():
                raise unreachable()
            outcome = self.script.pop(0) if self.script else None
            stores = outcome is None or isinstance(outcome, Receipt | OutcomeUnknown)
            if stores and not (self.idempotent and self._remembers(key, now)):
                self.items.append((key, now))
        if self.gate is not None:
            self.gate.wait(20)
        if isinstance(outcome, Receipt):
            return outcome
        if outcome is not None:
            raise outcome
        return Receipt(number=f"S-{self.keys.index(key) + 1}", url="http://example.invalid/1", public=self.public)

    def _remembers(self, key: str, now: datetime) -> bool:
        return any(held == key and now < when + self.remembers for held, when in self.items)

    def find(self, submission: Submission) -> Finding:
        """What it holds, `late` after storing."""
        self.asked += 1
        scripted = self.finds.pop(0) if self.finds else None
        if isinstance(scripted, ChannelError):
            raise scripted
        if scripted is not None:
            return scripted
        if not self.findable:
            return CannotTell("无法查询")
        now = submission.context.now()
        for number, (key, stored) in enumerate(self.items, 1):
            if key == submission.delivery_key and now >= stored + self.late:
                digest = self.shown_digest or submission.rendition.text_digest
                return Found(Receipt(number=f"S-{number}", public=self.public), digest)
        return Absent()
