"""All figures in one run; the last line is one JSON object."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import func, select

from publisher.app import system_clock
from publisher.delivery import State
from publisher.ledger.store import open_ledger
from publisher.ledger.tables import attempt, delivery
from tests.bench.deliveries import Bench, build, ceiling, notices, sink, throughput
from tests.support.postgres import fresh_database

NOTICES = int(os.environ.get("BENCH_NOTICES", "2000"))
"""Notices of each throughput figure; each goes to two channels."""


def latencies(seconds: int, per_second: int) -> list[float]:
    """Milliseconds from accept to durable outcome, at a steady rate."""
    with sink(0) as address, tempfile.TemporaryDirectory() as folder:
        bench = build(Path(folder), address)
        began = time.monotonic()
        for number in range(seconds * per_second):
            bench.accept(notices(1, number))
            bench.sender.wake()
            bench.sender.tick(system_clock(), max(0.0, began + (number + 1) / per_second - time.monotonic()))
        bench.run()
        with bench.ledger.read() as conn:
            rows = conn.execute(select(delivery.c.created_at, delivery.c.changed_at)).all()
        bench.ledger.close()
    return [(row.changed_at - row.created_at).total_seconds() * 1000 for row in rows]


def together(count: int, daemons: int) -> float:
    """Deliveries per second of several daemons on one PostgreSQL, against a 0 ms sink."""
    url = fresh_database()
    with sink(0) as address, tempfile.TemporaryDirectory() as folder:
        bench = build(Path(folder), address, url)
        bench.accept(notices(count))
        began = time.monotonic()
        command = [sys.executable, "-m", "tests.bench.worker", folder, address, url]
        workers = [subprocess.Popen(command) for _ in range(daemons)]
        while _attempts(bench) == 0:
            time.sleep(0.01)
        began = time.monotonic()  # without the start of the processes
        for worker in workers:
            worker.wait()
        spent = time.monotonic() - began
        bench.ledger.close()
    return count * 2 / spent


def _attempts(bench: Bench) -> int:
    with bench.ledger.read() as conn:
        return int(conn.execute(select(func.count()).select_from(attempt)).scalar_one())


def recovery(count: int) -> float:
    """Seconds from restart after a kill until nothing old is *sending* and the first new attempt has begun."""
    with sink(50) as address, tempfile.TemporaryDirectory() as folder:
        bench = build(Path(folder), address)
        bench.accept(notices(count))
        bench.ledger.close()
        command = [sys.executable, "-m", "tests.bench.worker", folder, address]
        ledger = open_ledger(f"sqlite:///{folder}/ledger.sqlite3", real=False, clock=system_clock)

        def attempts() -> int:
            with ledger.read() as conn:
                return int(conn.execute(select(func.coalesce(func.max(attempt.c.id), 0))).scalar_one())

        first = subprocess.Popen(command)
        while attempts() < count // 2:
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
        first.wait()
        with ledger.read() as conn:
            old = set(conn.execute(select(delivery.c.id).where(delivery.c.state == State.SENDING.value)).scalars())
        last = attempts()
        began = time.monotonic()
        second = subprocess.Popen(command)
        while True:
            with ledger.read() as conn:
                query = select(delivery.c.id).where(delivery.c.state == State.SENDING.value, delivery.c.daemon_id < 3)
                left = old & set(conn.execute(query).scalars())
            if not left and attempts() > last:
                break
            time.sleep(0.005)
        spent = time.monotonic() - began
        second.terminate()
        second.wait()
        ledger.close()
    return spent


def main() -> None:
    """Measure and print."""
    figures: dict[str, float] = {}
    for delay in (0, 50):
        rate = throughput(NOTICES, delay)
        figures[f"deliveries_per_s_{delay}ms"] = round(rate.per_s, 1)
        if delay == 0:
            figures["cpu_s_per_1000"] = round(rate.cpu_s_per_1000, 3)
        figures["peak_rss_mb"] = round(rate.peak_rss_mb, 1)
        figures[f"ceiling_per_s_{delay}ms"] = round(ceiling(NOTICES, delay), 1)
        bare = figures[f"ceiling_per_s_{delay}ms"]
        print(f"{delay} ms: {rate.per_s:.0f} deliveries/s; the bare posts {bare:.0f}")
    taken = sorted(latencies(10, 20))
    figures["p50_ms"] = round(statistics.median(taken), 1)
    figures["p99_ms"] = round(taken[int(len(taken) * 0.99) - 1], 1)
    print(f"20 notices/s: p50 {figures['p50_ms']} ms, p99 {figures['p99_ms']} ms")
    for daemons in (1, 2):
        figures[f"postgresql_{daemons}_per_s"] = round(together(NOTICES // 2, daemons), 1)
        print(f"PostgreSQL, {daemons} daemon(s): {figures[f'postgresql_{daemons}_per_s']} deliveries/s")
    figures["recovery_s"] = round(recovery(400), 2)
    print(f"recovery after a kill: {figures['recovery_s']} s")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
