"""The calls of this process: running, claimed ahead of a free thread, or over and not recorded yet."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future

from publisher.send.calls import Running


class InFlight:
    """Which calls there are, and the claim under way; every method is safe to call from any thread."""

    def __init__(self, channels: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._running: dict[int, Running] = {}
        self._ready: dict[str, deque[Running]] = {name: deque() for name in channels}
        self._unrecorded: set[int] = set()  # deliveries whose call is over and whose outcome is on its way
        self._lost: set[int] = set()  # deliveries whose outcome could not be recorded
        self._claiming: Future[int] | None = None

    # ---- what there is

    def count(self) -> int:
        """How many calls have not returned, or what they came to is not recorded yet."""
        with self._lock:
            return len(self._running) + len(self._unrecorded) + sum(map(len, self._ready.values()))

    def by_channel(self) -> Counter[str]:
        """How many calls run that are not given up."""
        with self._lock:
            return Counter(r.channel.name for r in self._running.values() if not r.overdue)

    def runs(self, channel: str) -> bool:
        """Whether any call of `channel` runs, given up or not."""
        with self._lock:
            return any(r.channel.name == channel for r in self._running.values())

    def ahead(self, channel: str) -> int:
        """How many calls of `channel` were claimed and wait for a thread."""
        with self._lock:
            return len(self._ready[channel])

    def known(self) -> set[int] | None:
        """The deliveries that a call accounts for; None while a claim is under way, which may be about any."""
        with self._lock:
            if self._claiming is not None:
                return None
            calls = [*self._running.values(), *(r for ready in self._ready.values() for r in ready)]
            single = {r.claimed.row.id for r in calls if r.claimed is not None}
            shown = {row.id for r in calls if r.show is not None for row in r.show.changing}
            return single | shown | self._unrecorded

    # ---- a call begins and ends

    def begin(self, running: Running) -> None:
        """It runs from now on."""
        with self._lock:
            self._running[id(running)] = running

    def keep_if_full(self, running: Running, free: Callable[[], int]) -> bool:
        """Keep a claimed submit for the next thread that is free for its channel, if none is; True if it is kept."""
        name = running.channel.name
        with self._lock:
            full = free() <= 0 or self._busy(name) >= running.channel.settings.concurrency
            if full and running.sends:
                running.ahead = True
                self._ready[name].append(running)
                return True
            return False

    def next_ready(self) -> Running | None:
        """Of what was claimed ahead, the oldest that its channel has room for; it counts as running."""
        with self._lock:
            return self._take_ready()

    def end(self, running: Running) -> bool:
        """The call is over; True if it had been given up. What its thread does next is put beside it."""
        with self._lock:
            self._running.pop(id(running), None)
            if not (running.overdue or running.handed_in):
                running.following = self._take_ready()
            return running.overdue

    def hand_in(self, running: Running) -> None:
        """The call is over and others record what it came to, unless it was given up meanwhile."""
        with self._lock:
            if not running.overdue:
                del self._running[id(running)]
                running.handed_in, running.following = True, self._take_ready()

    def give_up_late(self, now: float, patience: float) -> list[Running]:
        """Calls that are `patience` seconds over their limit at `now` (monotonic): they count no longer."""
        with self._lock:
            late = [r for r in self._running.values() if not r.overdue and now > r.started + r.limit + patience]
            for running in late:
                running.overdue = True
            return late

    def _take_ready(self) -> Running | None:
        able = [
            ready
            for name, ready in self._ready.items()
            if ready and self._busy(name) < ready[0].channel.settings.concurrency
        ]
        if not able:
            return None
        running = min(able, key=lambda ready: ready[0].started).popleft()
        self._running[id(running)] = running
        return running

    def _busy(self, channel: str) -> int:
        return sum(1 for r in self._running.values() if r.channel.name == channel and not r.overdue)

    # ---- its outcome

    def answered(self, running: Running, delivery_id: int, *, failed: bool) -> None:
        """The outcome is on its way to the ledger.

        `failed`: what was claimed ahead for the channel is not begun before it is recorded what that means for it.
        """
        with self._lock:
            self._unrecorded.add(delivery_id)
            if failed:
                for ready in self._ready[running.channel.name]:
                    ready.called_off = True

    def unrecorded(self) -> set[int]:
        """Deliveries whose outcome is on its way to the ledger."""
        with self._lock:
            return set(self._unrecorded)

    def recorded(self, delivery_id: int) -> None:
        """The outcome is in the ledger, or never will be."""
        with self._lock:
            self._unrecorded.discard(delivery_id)

    def lose(self, delivery_id: int) -> None:
        """The call was made and what it came to could not be recorded."""
        with self._lock:
            self._lost.add(delivery_id)

    def is_lost(self, delivery_id: int) -> bool:
        """Whether the outcome of a call of this delivery was lost."""
        with self._lock:
            return delivery_id in self._lost

    def taken_back(self, delivery_id: int) -> None:
        """The lost outcome is settled."""
        with self._lock:
            self._lost.discard(delivery_id)

    # ---- the claim under way

    def one_claim(self) -> tuple[Future[int], bool]:
        """The claim under way, or a new one, which is the caller's to make. It tells how many calls began."""
        with self._lock:
            mine = self._claiming is None
            if self._claiming is None:
                self._claiming = Future()
            return self._claiming, mine

    def claim_is_over(self) -> None:
        """The next one may be made."""
        with self._lock:
            self._claiming = None
