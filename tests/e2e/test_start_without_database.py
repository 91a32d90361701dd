"""A daemon that starts while its database is away (both machines were switched on) waits for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.settings import LEDGER_URL_VARIABLE
from tests.support.desk import TestDesk
from tests.support.postgres import fresh_database, start_server, stop_server

PATIENCE = 60.0


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    made = TestDesk(tmp_path, url=fresh_database())
    made.build("county")
    yield made
    made.close()


def test_a_daemon_waits_at_its_start_until_the_shared_ledger_can_be_reached(desk: TestDesk) -> None:
    desk.drop("道路工程")
    command = [sys.executable, "-m", "publisher", "run", "--home", str(desk.home), "--data", str(desk.data)]
    environment = {**os.environ, LEDGER_URL_VARIABLE: desk.url}
    stop_server()
    try:
        daemon = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
        assert daemon.stderr is not None
        assert "the ledger cannot be reached yet" in daemon.stderr.readline()
        assert daemon.poll() is None
    finally:
        start_server()

    over = time.monotonic() + PATIENCE
    while "accepted" not in events(desk) and time.monotonic() < over:
        time.sleep(0.2)
    daemon.send_signal(signal.SIGTERM)
    _, said = daemon.communicate(timeout=PATIENCE)

    assert daemon.returncode == 0, said
    assert {"started_running", "accepted", "stopped_running"} <= events(desk)


def events(desk: TestDesk) -> set[str]:
    ledger = desk.ledger()
    with ledger.read() as conn:
        found = set(conn.exec_driver_sql("select event from publication_log").scalars())
    ledger.close()
    return found
