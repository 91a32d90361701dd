"""Threads for calls, where a call that never ends costs one thread and not the program."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Protocol

Work = Callable[[], None]


class Pool(Protocol):
    """Runs calls. `threaded`: on threads of their own."""

    @property
    def threaded(self) -> bool: ...

    def free(self) -> int:
        """How many calls could start at once."""
        ...

    def start(self, work: Work) -> None:
        """Start `work`; it never raises."""
        ...

    def ending(self) -> bool:
        """Said by a call that only hands on its outcome: its thread counts as free from now on.

        False where calls run on the caller's thread, which goes on with what it was doing.
        """
        ...

    def abandon(self) -> None:
        """One running call is overdue: its thread is no longer counted."""
        ...

    def regain(self) -> None:
        """An abandoned call ended after all."""
        ...


class InlinePool:
    """Runs each call at once on the caller's thread: for simulations and tests."""

    threaded = False

    def __init__(self, threads: int = 16) -> None:
        self._threads = threads

    def free(self) -> int:
        """Always all."""
        return self._threads

    def start(self, work: Work) -> None:
        """Run it now."""
        work()

    def ending(self) -> bool:
        """Never: the caller's thread is not free before the call returns."""
        return False

    def abandon(self) -> None:
        """A call on the caller's thread cannot be overdue when it is looked at."""

    def regain(self) -> None:
        """Nothing was abandoned."""


class ThreadPool:
    """At most `threads` calls that are not overdue; idle threads are kept."""

    threaded = True

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._work: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._busy = 0
        self._workers: list[threading.Thread] = []
        self._abandoned = 0
        self._mine = threading.local()

    def free(self) -> int:
        """How many calls could start at once."""
        with self._lock:
            return self._threads - (self._busy - self._abandoned)

    def start(self, work: Work) -> None:
        """Start `work` on an idle thread, or on a new one."""
        with self._lock:
            self._busy += 1
            if len(self._workers) < self._busy:
                name = f"call-{len(self._workers) + 1}"
                self._workers.append(threading.Thread(target=self._serve, name=name, daemon=True))
                self._workers[-1].start()
        self._work.put(work)

    def ending(self) -> bool:
        """The calling thread takes its next work in a moment."""
        with self._lock:
            self._busy -= 1
        self._mine.counted = False
        return True

    def abandon(self) -> None:
        """One running call is overdue."""
        with self._lock:
            self._abandoned += 1

    def regain(self) -> None:
        """An overdue call ended after all."""
        with self._lock:
            self._abandoned -= 1

    def close(self, patience: float = 0.0) -> None:
        """Let idle threads end; with `patience`, wait so many seconds for each."""
        with self._lock:
            workers = list(self._workers)
        for _ in workers:
            self._work.put(None)
        for worker in workers if patience else ():
            worker.join(patience)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            self._mine.counted = True
            try:
                work()
            finally:
                if self._mine.counted:
                    with self._lock:
                        self._busy -= 1
