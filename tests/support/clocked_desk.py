"""The whole line in a temporary folder on a simulated clock, with channels that always take what they get."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

from publisher.app import Worker, read_settings, simulated_machine, start_worker
from publisher.ledger.alarms import standing
from publisher.ledger.store import Connection
from publisher.ledger.tables import intake, publication_log
from publisher.notice import Notice
from publisher.simulation import SimulatedClock
from tests.support.builders import START, a_notice

PUBLISHER = """
office = "演练中心"
[intake]
quiet = "0s"
"""
CHANNEL = """
[{name}]
title = "{name}栏目"
adapter = "channels.wechat_feed:WechatFeed"
tier = "county"
{more}
[{name}.options]
base_url = "http://127.0.0.1:9/{name}/"
"""
ALL = 'carries = [{ carry = "mandatory" }]'


class ClockedDesk:
    """`open` with channel name → lines of its section; `drop` and `work`; ask the ledger. Close it with `close`."""

    def __init__(self, folder: Path, start: datetime = START) -> None:
        self.folder = folder
        self.clock = SimulatedClock(start)
        self.worker: Worker | None = None

    def open(self, **channels: str) -> None:
        """Start the line anew with these channels."""
        self.close()
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        (home / "publisher.toml").write_text(PUBLISHER, "utf-8")
        sections = [CHANNEL.format(name=name, more=more) for name, more in channels.items()]
        (home / "channels.toml").write_text("".join(sections), "utf-8")
        settings = read_settings(home, self.folder / "data", os.environ)
        machine = simulated_machine(self.clock, os.environ)
        self.worker = start_worker(settings, os.environ, machine=machine, inline=True)

    def close(self) -> None:
        """Stop the line."""
        if self.worker is not None:
            self.worker.close()
            self.worker = None

    @property
    def line(self) -> Worker:
        """The running line."""
        assert self.worker is not None
        return self.worker

    def drop(self, name: str, notice: Notice | None = None, **changes: Any) -> Notice:
        """Drop a notice as a data file and have it decided and sent; gives the notice."""
        content = notice or a_notice(**({"title": f"{name}公告", "project_no": f"NO-{name}"} | changes))
        path = self.folder / "data" / "folders" / "待发布" / f"{name}.json"
        path.write_text(content.model_dump_json(exclude_none=True, exclude={"text", "digest"}), "utf-8")
        self.work()
        return content

    def work(self, seconds: float = 1) -> None:
        """Let time pass a little, and everything that is due happen."""
        for _ in range(3):
            self.clock.sleep(seconds)
            self.line.take_in()
            self.line.send()
            self.line.answer()

    def read(self) -> Any:
        """A reading connection, as a context manager."""
        return self.line.office.ledger.read()

    def intake_states(self) -> list[str]:
        """The states of the intake rows, oldest first."""
        with self.read() as conn:
            return [row.state for row in conn.execute(intake.select().order_by(intake.c.id))]

    def events(self, event: str) -> list[Any]:
        """The log rows of one event."""
        with self.read() as conn:
            mine = publication_log.select().where(publication_log.c.event == event).order_by(publication_log.c.seq)
            return list(conn.execute(mine))

    def alarms(self) -> dict[str, str]:
        """The standing alarms by cause."""
        with self.read() as conn:
            return _alarms(conn)


def _alarms(conn: Connection) -> dict[str, str]:
    return {str(row.cause): str(row.detail) for row in standing(conn)}
