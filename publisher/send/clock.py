"""Steps of the machine's clock: noticed against a clock that never steps, told, and kept from doing harm.

A step forward makes things due that may not be due; whether the old or the new time is right nobody here can
know. What would go out early for that reason waits for a person. A step back sends nothing twice, because what
was done is a row; it only must not make retries wait for as long as the clock went back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from publisher.errors import ADVICE, Reason
from publisher.ledger import backlog, deliveries
from publisher.ledger.alarms import clear_alarm, raise_alarm
from publisher.ledger.chain import iso
from publisher.ledger.store import Tx
from publisher.wording import moment, span

logger = logging.getLogger(__name__)

SMALLEST_STEP = timedelta(seconds=5)
"""Less than this is the small change of time services, which steer the clock without a step."""

_AT_ONCE = 1.0
"""Seconds within which both clocks must have been read."""

EVEN_FOR = 3600.0
"""Seconds of even running after which the alarm is cleared."""

CAUSE = "clock"


@dataclass(frozen=True, slots=True)
class Step:
    """The clock stood at `before` and at once stood at `after`."""

    before: datetime
    after: datetime

    @property
    def by(self) -> timedelta:
        """How far it stepped; negative: back."""
        return self.after - self.before


class ClockWatch:
    """Compares the clock with `steady` (seconds that never step and go on while the machine sleeps).

    Not for several threads: whoever looks for due work looks here first.
    """

    def __init__(self, clock: Callable[[], datetime], steady: Callable[[], float]) -> None:
        self._clock, self._steady = clock, steady
        self._seen, self._at = self._read()
        self._even_since: float | None = self._at

    def look(self) -> Step | None:
        """The step since the last look, if there was one."""
        now, at = self._read()
        expected = self._seen + timedelta(seconds=at - self._at)
        self._seen, self._at = now, at
        if abs(now - expected) < SMALLEST_STEP:
            return None
        self._even_since = at
        return Step(expected, now)

    def _read(self) -> tuple[datetime, float]:
        """Both clocks at one instant: a process that was stopped between two readings has seen no step."""
        while True:
            before, now, after = self._steady(), self._clock(), self._steady()
            if after - before < _AT_ONCE:
                return now, after

    def is_even_again(self) -> bool:
        """Whether the clock has run evenly for an hour; True once."""
        if self._even_since is None or self._at - self._even_since < EVEN_FOR:
            return False
        self._even_since = None
        return True


def settle(tx: Tx, step: Step, longest_wait: timedelta) -> None:
    """Tell the step; hold what it made due, or hurry what it put off (`longest_wait` is that of a slow retry)."""
    forward = step.by > timedelta(0)
    seconds = int(step.by.total_seconds())
    where = "向前" if forward else "向后"
    detail = f"系统时钟{where}跳动 {span(abs(step.by))}（{moment(step.before)} → {moment(step.after)}）"
    logger.error("the clock stepped by %d s", seconds)
    tx.log(
        deliveries.plain_entry(
            "clock_stepped", seconds=seconds, before=iso(step.before), after=iso(step.after), detail=detail
        )
    )
    held = 0
    if forward:
        # On a shared ledger the database's clock decides what is due, and it may not have stepped.
        for row in backlog.scheduled_between(tx, step.before, min(step.after, tx.now)):
            deliveries.hold(tx, row, Reason.CLOCK_STEPPED, f"{detail}。{ADVICE[Reason.CLOCK_STEPPED]}")
            held += 1
    else:
        backlog.hurry_retries(tx, longest_wait)
    told = f"，{held} 件定时公告暂停待核" if held else ""
    raise_alarm(tx, CAUSE, f"{detail}{told}；请核对本机时间和对时服务")


def settle_all(steps: Sequence[Step], longest_wait: timedelta, tx: Tx) -> None:
    """`settle`, of every step in its order."""
    for step in steps:
        settle(tx, step, longest_wait)


def clear(tx: Tx) -> None:
    """The clock runs evenly again."""
    clear_alarm(tx, CAUSE, "系统时钟已平稳运行一小时")
