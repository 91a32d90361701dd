"""Deliveries per second, from accept to durable outcome, through the real line on real HTTP."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import requests
from sqlalchemy import func, select

from channels.municipal_site import MunicipalSite
from publisher.app import system_clock
from publisher.channel import ChannelConfig, Tier
from publisher.delivery import State
from publisher.ledger import acceptance, daemons, intake_rows
from publisher.ledger.acceptance import Planned
from publisher.ledger.recorder import GroupingRecorder
from publisher.ledger.store import Ledger, open_ledger
from publisher.ledger.tables import delivery
from publisher.notice import Notice
from publisher.send.open_channel import OpenChannel, opened
from publisher.send.pool import ThreadPool
from publisher.send.sender import Machine, Sender
from publisher.settings import ChannelSettings, SendingSettings
from tests.support.builders import a_notice, a_rendition

IN_FLIGHT = 16


@contextmanager
def sink(delay_ms: int) -> Iterator[str]:
    """A sink process; gives its address."""
    command = [sys.executable, "-m", "tests.bench.sink", str(delay_ms)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@dataclass
class Bench:
    """A ledger with two HTTP channels and a sender."""

    ledger: Ledger
    channels: dict[str, OpenChannel]
    sender: Sender

    def accept(self, notices: list[Notice]) -> None:
        """Accept notices for both channels, many in a transaction."""
        now = system_clock()
        with self.ledger.write() as tx:
            for notice in notices:
                row_id = intake_rows.claim(
                    tx,
                    file_name="a.txt",
                    source=f"{notice.project_no}.txt",
                    declared=None,
                    is_folder=False,
                    sha256=f"{hash(notice.project_no) % 2**255:064x}",
                    blobs=[],
                    place_name="a.txt",
                )
                row = intake_rows.read(tx.conn, row_id)
                rendition = a_rendition(notice)
                planned = [
                    Planned(name, c.settings.tier.value, True, rendition, now + timedelta(hours=12))
                    for name, c in self.channels.items()
                ]
                acceptance.accept(tx, row, notice, {}, planned, approvals_needed=0, ledger_id=self.ledger.ledger_id)

    def left(self) -> int:
        """Deliveries without a durable outcome."""
        with self.ledger.read() as conn:
            query = select(func.count()).where(delivery.c.state != State.PUBLISHED.value)
            return int(conn.execute(query).scalar_one())

    def run(self) -> None:
        """Send until nothing is left."""
        while self.left():
            self.sender.tick(system_clock(), 0.5)


def build(folder: Path, address: str, url: str | None = None, host: str = "bench") -> Bench:
    """Everything as in the program, with 16 calls in flight."""
    ledger = open_ledger(url or f"sqlite:///{folder}/ledger.sqlite3", real=False, clock=system_clock)
    sending = SendingSettings(threads=IN_FLIGHT)
    channels = {}
    for name in ("one", "two"):
        config = ChannelConfig(name=name, title=name, tier=Tier.COUNTY, options={"base_url": address})
        settings = ChannelSettings(
            name=name, title=name, adapter="a:b", tier=Tier.COUNTY, concurrency=IN_FLIGHT // 2, read_back=()
        )
        channels[name] = opened(settings, MunicipalSite(config))
    with ledger.write() as tx:
        daemon_id = daemons.register(tx, host, os.getpid(), sending.lease)
    machine = Machine(system_clock, time.monotonic, time.sleep, random.Random(1))
    recorder = GroupingRecorder(ledger, time.sleep)
    sender = Sender(ledger, recorder, ThreadPool(IN_FLIGHT), channels, sending, daemon_id, machine)
    return Bench(ledger, channels, sender)


def notices(count: int, first: int = 0) -> list[Notice]:
    """Notices that differ in their number."""
    model = a_notice()
    dates = model.dates.model_copy(update={"bid_deadline": None})
    return [model.model_copy(update={"project_no": f"B-{first + n}", "dates": dates}) for n in range(count)]


@dataclass(frozen=True)
class Rate:
    """Deliveries per second, CPU seconds per 1,000 and peak memory in MB."""

    per_s: float
    cpu_s_per_1000: float
    peak_rss_mb: float


def throughput(count: int, delay_ms: int, url: str | None = None) -> Rate:
    """`count` notices to two channels."""
    with sink(delay_ms) as address, tempfile.TemporaryDirectory() as folder:
        bench = build(Path(folder), address, url)
        bench.accept(notices(count))
        cpu, began = time.process_time(), time.monotonic()
        bench.run()
        spent = time.monotonic() - began
        used = time.process_time() - cpu
        bench.ledger.close()
    total = count * 2
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Rate(total / spent, used / total * 1000, peak)


def ceiling(count: int, delay_ms: int) -> float:
    """The same posts by bare requests sessions with as many in flight and no ledger."""
    body = a_notice().body_html
    local = threading.local()
    with sink(delay_ms) as address:

        def post(number: int) -> None:
            session = getattr(local, "session", None)
            if session is None:
                session = local.session = requests.Session()
                session.trust_env = False
            data = {"key": str(number), "title": "t", "body": body}
            session.post(f"{address}/api/notices", json=data, timeout=30).raise_for_status()

        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            began = time.monotonic()
            list(pool.map(post, range(count * 2)))
            return count * 2 / (time.monotonic() - began)
