"""The child of a rehearsal: drives the real line through the steps of the year on a simulated clock.

It may be killed at any instant. A file is dropped by one rename, a step is done when the cursor says so; a new
child goes on from there, at the instant of the log's last row.

    python -m publisher.rehearse.drive FOLDER
"""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from publisher.app import Worker, person, read_settings, simulated_machine, start_worker
from publisher.counts import views
from publisher.delivery import State
from publisher.ledger import again
from publisher.ledger.store import open_ledger
from publisher.notice import LOCAL
from publisher.settings import Settings
from publisher.simulation import SimulatedClock

_AFTERWARDS = timedelta(days=1)
"""How long time goes on after the last step."""
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def switch(admin_port: int, values: Mapping[str, object]) -> None:
    """Change the switches of a practice site."""
    address = f"http://127.0.0.1:{admin_port}/practice/switches"
    request = urllib.request.Request(address, json.dumps(values).encode(), {"Content-Type": "application/json"})
    with _OPENER.open(request, timeout=10):
        pass


class _Year:
    """A year under way: the worker, the clock, and the sites whose clocks follow it day by day."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        self.steps: list[dict[str, Any]] = json.loads((folder / "steps.json").read_text("utf-8"))
        self.ports: dict[str, int] = json.loads((folder / "run.json").read_text("utf-8"))["ports"]
        start = datetime.fromisoformat(self.steps[0]["at"])
        self.clock = SimulatedClock(max(start, last_instant(settings) or start))
        machine = simulated_machine(self.clock, os.environ)
        self.worker: Worker = start_worker(settings, os.environ, machine=machine, inline=True)
        self._day = ""
        self._follow()

    @property
    def cursor(self) -> int:
        """How many steps are done."""
        path = self.folder / "cursor"
        return int(path.read_text()) if path.exists() else 0

    def step(self, index: int) -> None:
        """Do a step: sites fail or are well again, files are dropped, and time passes until the next."""
        one = self.steps[index]
        self.pass_until(datetime.fromisoformat(one["at"]))
        for site, values in one["switches"]:
            switch(self.ports[site], values)
        for site in one["retry"]:
            self._retry(site)
        for name in one["files"]:
            self._drop(name)
        self.worker.take_in()  # brings folders and receipts up to date, too; what it left to send goes first next
        aside = self.folder / "cursor.part"
        aside.write_text(str(index + 1))
        aside.rename(self.folder / "cursor")

    def pass_until(self, end: datetime) -> None:
        """Send what is due, and move the clock from one due instant to the next, until `end`."""
        while (due := self.worker.send()) is not None and due < end:
            self._move(due)
        self._move(end)

    def _move(self, moment: datetime) -> None:
        self.clock.move_to(moment)
        self._follow()

    def _follow(self) -> None:
        local = self.clock().astimezone(LOCAL)
        if local.date().isoformat() != self._day:
            self._day = local.date().isoformat()
            for port in self.ports.values():
                switch(port, {"clock": local.isoformat()})

    def _retry(self, site: str) -> None:
        """What an administrator does when a site that refused is well again: `publisher retry --all-failed`."""
        office = self.worker.office
        with office.ledger.read() as conn:
            failed = [r for r in views.all_deliveries(conn) if r.channel == site and r.state == State.FAILED.value]
        if failed:
            with office.ledger.write() as tx:
                again.retry(tx, again.meant(tx.conn, None, site), person("演练管理员"), "网站已恢复")

    def _drop(self, name: str) -> None:
        source = self.folder / "files" / name
        if source.exists():  # else an earlier child dropped it
            source.rename(self.worker.office.folders.drop / name)


def last_instant(settings: Settings) -> datetime | None:
    """When the last row of an existing log was recorded."""
    if not (settings.data / "ledger.sqlite3").exists():
        return None
    ledger = open_ledger(settings.ledger_url, real=False, clock=lambda: datetime(2017, 1, 1, tzinfo=LOCAL))
    with ledger.read() as conn:
        found = max((row.recorded_at for row in views.log_rows(conn, last=1)), default=None)
    ledger.close()
    return found


def main(folder: Path) -> None:
    """Go through all steps that are left; one line of JSON for each."""
    year = _Year(folder, read_settings(folder / "settings", folder, os.environ))
    try:
        for index in range(year.cursor, len(year.steps)):
            year.step(index)
            sys.stdout.write(json.dumps({"step": index + 1, "at": year.steps[index]["at"]}) + "\n")
            sys.stdout.flush()
        year.pass_until(year.clock() + _AFTERWARDS)
        year.worker.answer()
    finally:
        year.worker.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
