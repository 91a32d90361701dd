"""A ledger and a sender on a simulated clock, with channels of the test's own: for tests of sending."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from publisher.channel import AnyChannel, Tier
from publisher.delivery import State
from publisher.ledger import acceptance, daemons, intake_rows
from publisher.ledger.acceptance import Planned
from publisher.ledger.alarms import standing
from publisher.ledger.deliveries import Delivery
from publisher.ledger.recorder import GroupingRecorder, InlineRecorder, Recorder
from publisher.ledger.store import Fault, Ledger, no_fault, open_ledger
from publisher.ledger.tables import attempt, delivery, publication_log
from publisher.ledger.verify import Verdict, verify
from publisher.notice import Notice
from publisher.send.open_channel import OpenChannel, opened
from publisher.send.pool import InlinePool, Pool, ThreadPool
from publisher.send.recovery import recover
from publisher.send.sender import Machine, Sender
from publisher.send.settle import Rules
from publisher.settings import ChannelSettings, SendingSettings
from publisher.simulation import SimulatedClock
from tests.support.builders import START, a_notice, a_rendition

ON_POSTGRESQL = os.environ.get("DATABASE", "sqlite") == "postgresql"
"""Whether this run of the tests is on PostgreSQL."""

OPENED: list[ExitStack] = []
"""What worlds of tests have opened; it is closed after the test."""

NO_JITTER = {"jitter": 0.0}


@dataclass
class World:
    """Everything around a sender. Time is simulated; `step` runs what is due, `run_to` moves on."""

    ledger: Ledger
    clock: SimulatedClock
    channels: dict[str, OpenChannel]
    sending: SendingSettings
    sender: Sender
    daemon_id: int
    machine: Machine
    approvals: int = 0
    _skipped: list[float] = field(default_factory=list)
    _claims: int = field(default=0)

    def accept(
        self, notice: Notice | None = None, *, on: Sequence[str] | None = None, optional: Sequence[str] = ()
    ) -> str:
        """Accept a notice for the named channels (default: all); gives its intake number."""
        content = notice or a_notice()
        now = self.clock()
        self._claims += 1
        with self.ledger.write() as tx:
            row_id = intake_rows.claim(
                tx,
                file_name=f"{self._claims}.txt",
                source=f"{self._claims}.txt",
                declared=None,
                is_folder=False,
                sha256=f"{self._claims:064x}",
                blobs=[],
                place_name=f"{self._claims}.txt",
            )
            row = intake_rows.read(tx.conn, row_id)
            planned = []
            base = max(now, content.publish_at) if content.publish_at else now
            for name in on or sorted(self.channels):
                channel = self.channels[name]
                due = base + channel.settings.due_within
                must = name not in optional
                fed_by = channel.capabilities.fed_by
                tier = channel.settings.tier.value
                planned.append(Planned(name, tier, must, a_rendition(content), due, fed_by=fed_by))
            made = acceptance.accept(
                tx, row, content, {}, planned, approvals_needed=self.approvals, ledger_id=self.ledger.ledger_id
            )
        return made.number

    def outwait(self, seconds: float = 10) -> None:
        """Let the time that limits calls pass, as if calls in flight had lasted so long."""
        self._skipped[0] += seconds

    def step(self) -> datetime | None:
        """Run what is due now."""
        return self.sender.tick(self.clock())

    def run_to(self, end: datetime) -> None:
        """Let time pass until `end`, running everything at its due instant."""
        while True:
            due = self.step()
            if due is None or due > end:
                self.clock.move_to(end)
                self.step()
                return
            self.clock.move_to(due)

    def run_for(self, **span: float) -> None:
        """`run_to` by a span: `run_for(minutes=5)`."""
        self.run_to(self.clock() + timedelta(**span))

    def rows(self, number: str | None = None) -> list[Delivery]:
        """The deliveries (of one intake number)."""
        query = select(delivery).order_by(delivery.c.id)
        if number is not None:
            query = query.where(delivery.c.number == number)
        with self.ledger.read() as conn:
            return list(conn.execute(query))

    def row(self, number: str, channel: str) -> Delivery:
        """One delivery."""
        (found,) = [row for row in self.rows(number) if row.channel == channel]
        return found

    def state(self, number: str, channel: str) -> State:
        """Its state."""
        return State(self.row(number, channel).state)

    def attempts(self, channel: str | None = None) -> list[Any]:
        """All attempts (of a channel), oldest first."""
        query = select(attempt).order_by(attempt.c.id)
        if channel is not None:
            query = query.where(attempt.c.channel == channel)
        with self.ledger.read() as conn:
            return list(conn.execute(query))

    def events(self, delivery_id: int | None = None) -> list[str]:
        """Events of the log (of one delivery), oldest first."""
        query = select(publication_log.c.event).order_by(publication_log.c.seq)
        if delivery_id is not None:
            query = query.where(publication_log.c.delivery_id == delivery_id)
        with self.ledger.read() as conn:
            return list(conn.execute(query).scalars())

    def alarms(self) -> list[str]:
        """Causes of the alarms that stand."""
        with self.ledger.read() as conn:
            return [row.cause for row in standing(conn)]

    def verdict(self) -> Verdict:
        """What verify says."""
        return verify(self.ledger, None)

    def restart(self) -> None:
        """As if the daemon had been killed and started again: what it left behind is settled."""
        with self.ledger.write() as tx:
            self.daemon_id = daemons.register(tx, "test", 2, self.sending.lease)
        rules = Rules(self.sending, self.machine.chance)
        recover(self.ledger, self.channels, self.daemon_id, rules, self.machine.fault)
        self.sender = Sender(
            self.ledger,
            InlineRecorder(self.ledger),
            InlinePool(),
            self.channels,
            self.sending,
            self.daemon_id,
            self.machine,
        )


def channel_settings(name: str, **changes: Any) -> ChannelSettings:
    """Settings of a test's channel."""
    fields: dict[str, Any] = {
        "name": name,
        "title": f"渠道{name}",
        "adapter": "tests.none:None_",
        "tier": Tier.COUNTY,
        "carries": ({"carry": "mandatory"},),
        "read_back": (),
        "operations": ("publish", "update", "withdraw"),
    }
    return ChannelSettings(**(fields | changes))


def a_database(folder: Path) -> str:
    """A new database: a SQLite file in `folder`, or with DATABASE=postgresql in the environment a real PostgreSQL."""
    if not ON_POSTGRESQL:
        return f"sqlite:///{folder}/ledger.sqlite3"
    from tests.support.postgres import fresh_database  # starts a server, which only this choice needs

    return fresh_database()


def a_world(
    folder: Path,
    adapters: Mapping[str, AnyChannel],
    *,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    sending: Mapping[str, Any] | None = None,
    start: datetime = START,
    fault: Fault = no_fault,
    threads: int | None = None,
    url: str | None = None,
    approvals: int = 0,
) -> World:
    """A ledger in `folder` and a sender to `adapters`; with `threads`, real threads and a real recorder."""
    clock = SimulatedClock(start)
    ledger = open_ledger(url or a_database(folder), real=False, clock=clock, fault=fault)
    rules = SendingSettings(**(NO_JITTER | dict(sending or {})))
    channels = {
        name: opened(channel_settings(name, **dict((settings or {}).get(name, {}))), adapter)
        for name, adapter in adapters.items()
    }
    skipped = [0.0]
    machine = Machine(clock, lambda: time.monotonic() + skipped[0], clock.sleep, random.Random(1), fault)
    with ledger.write() as tx:
        daemon_id = daemons.register(tx, "test", 1, rules.lease)
    recorder: Recorder = GroupingRecorder(ledger, time.sleep) if threads else InlineRecorder(ledger)
    pool: Pool = ThreadPool(threads) if threads else InlinePool()
    sender = Sender(ledger, recorder, pool, channels, rules, daemon_id, machine)
    opened_here = ExitStack()
    opened_here.callback(ledger.close)
    opened_here.callback(recorder.close)
    if isinstance(pool, ThreadPool):
        opened_here.callback(pool.close, 0.3)
    OPENED.append(opened_here)
    return World(ledger, clock, channels, rules, sender, daemon_id, machine, approvals, skipped)
