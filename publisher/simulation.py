"""A clock that moves when told, for `demo`, `rehearse` and tests."""

from __future__ import annotations

from datetime import datetime, timedelta


class SimulatedClock:
    """A clock that moves when told: for `demo`, `rehearse` and tests."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def __call__(self) -> datetime:
        """The simulated instant."""
        return self._now

    def move_to(self, moment: datetime) -> None:
        """Move on to `moment`; never back."""
        self._now = max(self._now, moment)

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._now += timedelta(seconds=seconds)
