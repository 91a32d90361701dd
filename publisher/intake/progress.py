"""How far a large drop has come: told every few seconds while it lasts, and once at its end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

logger = logging.getLogger(__name__)

Tell = Callable[[int, int], None]
"""Gets how many files of this drop are taken in, and how many still wait."""


def log(done: int, waiting: int) -> None:
    """Tell it in the program log."""
    logger.info("%d files taken in, %d wait", done, waiting)


@dataclass
class Progress:
    """Counts what is taken in of one drop. A drop that is over within `every` is not spoken of."""

    tell: Tell = log
    every: timedelta = timedelta(seconds=5)
    left: int = 0
    """Files that are ready and lie in the drop folder still: the next portion."""
    _done: int = 0
    _last: datetime | None = None
    _told: bool = False

    def step(self, now: datetime, undecided: int) -> None:
        """One more file is decided, `undecided` of its portion are not."""
        self._last = self._last or now
        self._done += 1
        waiting = undecided + self.left
        due = now - self._last >= self.every
        if due or (self._told and not waiting):
            self.tell(self._done, waiting)
            self._last, self._told = now, True
        if not waiting:
            self._done, self._last, self._told = 0, None, False
