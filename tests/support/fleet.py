"""Several daemons on one ledger, killed and frozen at random."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.kills import Town


@dataclass
class Fleet:
    """`size` daemons of a town; `harm` does something to one of them."""

    town: Town
    size: int
    chance: random.Random
    frozen_for: float
    daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)
    harms: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        """Start all."""
        self.daemons = [self.town.new_process() for _ in range(self.size)]

    def harm(self) -> None:
        """Kill one and start another in its place, or freeze one past its lease and let it go on."""
        place = self.chance.randrange(self.size)
        victim = self.daemons[place]
        if victim.poll() is not None:
            self.harms["was dead"] += 1
            self.daemons[place] = self.town.new_process()
        elif self.chance.random() < 0.5:
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            self.harms["killed"] += 1
            self.daemons[place] = self.town.new_process()
        else:
            victim.send_signal(signal.SIGSTOP)
            time.sleep(self.frozen_for)
            victim.send_signal(signal.SIGCONT)
            self.harms["frozen"] += 1

    def end(self) -> list[int]:
        """Ask all to end; gives their exit codes. One that was just started is asked once it listens."""
        for daemon in self.daemons:
            _wait_until_it_listens(daemon)
            if daemon.poll() is None:
                daemon.send_signal(signal.SIGTERM)
        return [daemon.wait(15) for daemon in self.daemons]

    def close(self) -> None:
        """End what still lives, by process id."""
        for daemon in self.daemons:
            if daemon.poll() is None:
                daemon.send_signal(signal.SIGCONT)
                daemon.kill()
                daemon.wait()


def _wait_until_it_listens(daemon: subprocess.Popen[bytes], seconds: float = 60.0) -> None:
    """Wait until the program handles SIGTERM: while Python still starts, the signal just ends it."""
    status = Path(f"/proc/{daemon.pid}/status")
    end = time.monotonic() + seconds
    while daemon.poll() is None and status.exists() and time.monotonic() < end:
        caught = re.search(r"SigCgt:\s*([0-9a-f]+)", status.read_text())
        if caught and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1:
            return
        time.sleep(0.1)


def most_in_window(instants: Sequence[float], seconds: float) -> int:
    """The largest number of instants in any window of that length."""
    ordered = sorted(instants)
    most, first = 0, 0
    for last, instant in enumerate(ordered):
        while instant - ordered[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most
