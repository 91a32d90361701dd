"""The grouping recorder: many small writes, one transaction.

Outcomes of calls that end at about the same time are made durable together. A write that fails
takes its group down with it; the group's members are then run one by one, so that each fails or
stands alone. If the database cannot be reached, nothing is dropped: the recorder tries again until
it can, and callers wait.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from publisher.ledger.store import Ledger, Tx, is_unreachable

S = TypeVar("S")
T = TypeVar("T")
Write = Callable[[Tx], T]
logger = logging.getLogger(__name__)

LARGEST_GROUP = 64
RETRY_AFTER = 0.5
"""Seconds between two tries while the database cannot be reached."""


class Recorder(Protocol):
    """Makes a write durable, sooner or later."""

    def record(self, write: Write[T]) -> Future[T]:
        """Run `write` in a transaction, perhaps with others; the future is done once that is durable.

        `write` may be run more than once (only its last run counts), so it changes nothing but the ledger.
        """
        ...

    def record_both(self, write: Write[T], after: Write[S]) -> tuple[Future[T], Future[S]]:
        """`record` two writes, of which the second sees what the first wrote, in one transaction if that can be."""
        ...

    def close(self) -> None:
        """Finish what was handed in."""
        ...


class InlineRecorder:
    """Writes at once, each in its own transaction: for simulations and tests on one thread."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def record(self, write: Write[T]) -> Future[T]:
        """Run `write` now."""
        future: Future[T] = Future()
        with self._ledger.write() as tx:
            result = write(tx)
        future.set_result(result)
        return future

    def record_both(self, write: Write[T], after: Write[S]) -> tuple[Future[T], Future[S]]:
        """Run one after the other."""
        return self.record(write), self.record(after)

    def close(self) -> None:
        """Nothing is left to do."""


class RecorderClosed(RuntimeError):
    """Handed in after the end: it is not recorded, and nobody may wait for it."""


Waiting = tuple[Write[Any], Future[Any]]


class _Waiting:
    """Writes that wait, at most `capacity` or one more."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._changed = threading.Condition()
        self._items: deque[Waiting] = deque()
        self._closed = False

    def put(self, *items: Waiting) -> None:
        """Add them side by side, once there is room. Raises `RecorderClosed`."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._items) < self._capacity)
            if self._closed:
                raise RecorderClosed("the program is ending")
            self._items.extend(items)
            self._changed.notify_all()

    def close(self) -> None:
        """Nothing more comes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self) -> list[Waiting]:
        """The next group; empty once it is closed and nothing is left."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed)
            group = [self._items.popleft() for _ in range(min(len(self._items), LARGEST_GROUP))]
            self._changed.notify_all()
            return group


class GroupingRecorder:
    """One thread that takes what is waiting, up to `LARGEST_GROUP`, and commits it together.

    `wait(seconds)` pauses between tries while the database cannot be reached.
    """

    def __init__(self, ledger: Ledger, wait: Callable[[float], None], capacity: int = 32) -> None:
        self._ledger = ledger
        self._wait = wait
        self._waiting = _Waiting(capacity)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def record(self, write: Write[T]) -> Future[T]:
        """Hand in `write`; blocks while too many answers wait to be recorded. Raises `RecorderClosed`."""
        future: Future[T] = Future()
        self._waiting.put((write, future))
        return future

    def record_both(self, write: Write[T], after: Write[S]) -> tuple[Future[T], Future[S]]:
        """Hand in both side by side; blocks while too many answers wait to be recorded."""
        one: Future[T] = Future()
        other: Future[S] = Future()
        self._waiting.put((write, one), (after, other))
        return one, other

    def close(self) -> None:
        """Record what was handed in, then stop."""
        self._waiting.close()
        self._thread.join()

    def _run(self) -> None:
        while group := self._waiting.take():
            self._settle(group)

    def _settle(self, group: list[Waiting]) -> None:
        try:
            results = self._commit(group)
        except Exception as error:  # noqa: BLE001 - handed to the one whose write it is, below
            if len(group) == 1:
                group[0][1].set_exception(error)
                return
            for member in group:
                self._settle([member])
            return
        for (_, future), result in zip(group, results, strict=True):
            future.set_result(result)

    def _commit(self, group: list[Waiting]) -> list[Any]:
        while True:
            try:
                with self._ledger.write() as tx:
                    return [write(tx) for write, _ in group]
            except Exception as error:
                if not is_unreachable(error):
                    raise
                logger.error("the ledger cannot be reached; %d answers wait: %s", len(group), error)
                self._wait(RETRY_AFTER)
