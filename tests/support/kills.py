"""The program under SIGKILL: sites that forget nothing and repeat everything, and a daemon that dies often."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select

from channels.practice.site import PracticeSite
from publisher.app import system_clock
from publisher.delivery import OPEN, State
from publisher.ledger.store import Ledger, open_ledger
from publisher.ledger.tables import delivery, intake
from publisher.ledger.verify import verify
from tests.support.builders import a_notice

ROOT = Path(__file__).parents[2]

POINTS = (
    "claim_row.before",
    "commit.before",
    "commit.after",
    "rename.before",
    "rename.after",
    "claim.before",
    "claim.after",
    "submit.before",
    "submit.after",
    "outcome.before",
    "outcome.after",
    "finding.before",
    "finding.after",
    "show.before",
    "show.after",
    "move.before",
    "move.after",
)
"""Every point at which the program may be killed: before and after each commit, call, and file move."""

PUBLISHER = """
office = "演练中心"
[intake]
poll = "200ms"
quiet = "0s"
[sending]
tick = "200ms"
attempt = "10s"
retry_first = "200ms"
retry_cap = "1s"
breaker_failures = 1000
"""

CHANNEL = """
[{name}]
title = "{title}"
adapter = "channels.municipal_site:MunicipalSite"
tier = "{tier}"
concurrency = 4
read_back = []
{rate}
carries = [{{ carry = "mandatory" }}]
[{name}.options]
base_url = "{url}"
idempotent_for = "0s"
settle_window = "{settle}"
findable = {findable}
"""

FEED = """
[wechat_feed]
title = "微信资讯"
adapter = "channels.wechat_feed:WechatFeed"
tier = "self_media"
carries = [{ carry = "mandatory" }]
[wechat_feed.options]
base_url = "http://127.0.0.1:9/"
"""


@dataclass
class Town:
    """Three sites without any idempotency, a feed, a drop folder, and the program as a process."""

    folder: Path
    chance: random.Random
    url: str = ""  # of the ledger; empty: SQLite in the data folder
    extra: str = ""  # more settings for [sending]
    rate: str = ""  # of the site that answers at once
    sites: dict[str, PracticeSite] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    kills: Counter[str] = field(default_factory=Counter)
    dropped: int = 0  # the last number that was dropped
    _armed: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def data(self) -> Path:
        """The program's data folder."""
        return self.folder / "data"

    def build(self) -> None:
        """Open the sites and write the settings."""
        plans = {
            "at_once": {"tier": "county", "settle": "1s", "findable": "true", "query_after": 0.0},
            "late": {"tier": "municipal", "settle": "4s", "findable": "true", "query_after": 2.0},
            "never": {"tier": "provincial", "settle": "1s", "findable": "false", "query_after": -1.0},
        }
        sections = []
        for name, plan in plans.items():
            switches = {"idempotent": False, "query_after": plan["query_after"]}
            site = PracticeSite(self.folder / name, name=name, switches=switches, on_stored=self._stored).start()
            self.sites[name] = site
            told = {k: plan[k] for k in ("tier", "settle", "findable")}
            told["rate"] = self.rate if name == "at_once" else ""
            sections.append(CHANNEL.format(name=name, title=f"{name} 网", url=site.base_url, **told))
        home = self.folder / "home"
        home.mkdir()
        (home / "publisher.toml").write_text(PUBLISHER + self.extra, encoding="utf-8")
        (home / "channels.toml").write_text("\n".join([*sections, FEED]), encoding="utf-8")

    def close(self) -> None:
        """End everything, by process id."""
        self.kill("end")
        for site in self.sites.values():
            site.stop()

    # ---- files

    def drop(self, first: int, last: int) -> None:
        """Put notices number `first` to `last` into the drop folder, each written whole by a rename."""
        folder = self.data / "folders" / "待发布"
        folder.mkdir(parents=True, exist_ok=True)
        self.dropped = max(self.dropped, last)
        for number in range(first, last + 1):
            notice = a_notice(
                project_no=f"QFZB-2030-{number:04d}",
                title=f"第{number:04d}号工程施工招标公告",
                dates={"bid_deadline": "2099-12-28T09:00:00+08:00"},
            )
            text = notice.model_dump_json(exclude_none=True, exclude={"text", "digest"})
            aside = folder / f"~{number:04d}.tmp"
            aside.write_text(text, encoding="utf-8")
            aside.rename(folder / f"{number:04d}.json")

    # ---- the process and its deaths

    def start(self, fault: str = "") -> None:
        """Start the daemon."""
        self.process = self.new_process(fault)

    def new_process(self, fault: str = "") -> subprocess.Popen[bytes]:
        """A daemon of this town."""
        environ = dict(os.environ) | {"PUBLISHER_FAULT": fault, "PYTHONPATH": str(ROOT)}
        if self.url:
            environ["PUBLISHER_LEDGER_URL"] = self.url
        command = [
            sys.executable,
            "-m",
            "publisher",
            "run",
            "--home",
            str(self.folder / "home"),
            "--data",
            str(self.data),
        ]
        with (self.folder / "daemon.log").open("ab") as log:
            return subprocess.Popen(command, env=environ, stdout=log, stderr=log, cwd=self.folder)

    def _stored(self, item: dict[str, Any]) -> None:
        """A site has stored and not yet answered: the moment at which a kill hurts most."""
        with self._lock:
            if self._armed is None:
                return
            self._armed -= 1
            if self._armed > 0:
                return
            self._armed = None
        self.kill("between storing and answering")

    def kill_after_stores(self, count: int) -> None:
        """Let the site that stores the `count`-th notice from now on kill the daemon before it answers."""
        with self._lock:
            self._armed = count

    def disarm(self) -> None:
        """No site kills any more."""
        with self._lock:
            self._armed = None

    def kill(self, why: str) -> None:
        """SIGKILL, if it lives."""
        process = self.process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            self.kills[why] += 1

    def died_at_work(self, seconds: float = 30) -> bool:
        """Wait for the daemon's death; False if it has done all its work and still lives."""
        assert self.process is not None
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                self.process.wait(0.5)
            except subprocess.TimeoutExpired:
                if self.settled(self.dropped):
                    return False
            else:
                return True
        return False

    # ---- what is true

    def ledger(self) -> Ledger:
        """The ledger, opened beside the program."""
        url = self.url or f"sqlite:///{self.data}/ledger.sqlite3"
        return open_ledger(url, real=False, clock=system_clock)

    def doubles(self) -> dict[str, list[str]]:
        """By site, the titles that it holds more than once."""
        return {
            name: sorted(title for title, times in Counter(i["title"] for i in site.items()).items() if times > 1)
            for name, site in self.sites.items()
        }

    def settled(self, expected: int) -> bool:
        """Whether every notice is accepted and nothing is left that the program does by itself."""
        states = self.states()
        return states.total() == expected * 4 and not any(State(state) in OPEN for _, state, _ in states)

    def states(self) -> Counter[tuple[str, str, str | None]]:
        """How many deliveries there are by channel, state and reason."""
        ledger = self.ledger()
        with ledger.read() as conn:
            rows = conn.execute(select(delivery.c.channel, delivery.c.state, delivery.c.reason)).all()
        ledger.close()
        return Counter((row.channel, row.state, row.reason) for row in rows)

    def wait_settled(self, expected: int, seconds: float) -> bool:
        """Wait until everything is settled."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.settled(expected):
                return True
            time.sleep(0.3)
        return False


def one_life(town: Town, number: int, extra_fault: str = "") -> None:
    """Start the daemon and have it killed: every other time by a site, else at a point of the program's own."""
    if number % 2 == 0:
        town.start(extra_fault)
        town.kill_after_stores(town.chance.randint(1, 6))
        if not town.died_at_work():
            town.disarm()
            town.kill("out of work")
        return
    point = POINTS[(number // 2) % len(POINTS)]
    count = town.chance.randint(1, 4)
    town.start(",".join(filter(None, [f"{point}:{count}", extra_fault])))
    if town.died_at_work():
        town.kills[point] += 1
    else:
        town.kill("out of work")


def lost_or_twice(town: Town, expected: int, *, doubt_allowed: bool = False) -> list[str]:
    """Compare each site's own store with the log: every sentence is something that must not be.

    `doubt_allowed`: where a daemon may be frozen instead of dead, a site that can be asked may leave doubts too.
    """
    wrong = []
    ledger = town.ledger()
    with ledger.read() as conn:
        rows = list(conn.execute(select(delivery)))
        files = list(conn.execute(select(intake)))
    verdict = verify(ledger, town.data / "heads")
    ledger.close()
    wrong += [f"verify: {fault}" for fault in verdict.faults]
    for name, titles in town.doubles().items():
        wrong += [f"{name} holds {title} twice" for title in titles]
    for name, site in town.sites.items():
        doubtful = doubt_allowed or name == "never"
        wrong += _compare(
            name, {item["key"] for item in site.items()}, [r for r in rows if r.channel == name], doubtful
        )
    wrong += _compare_feed(town, [r for r in rows if r.channel == "wechat_feed"])
    wrong += _files(town, files, expected)
    return wrong


def _compare(name: str, held_there: set[str], rows: Sequence[Any], doubtful: bool) -> list[str]:
    wrong = []
    for row in rows:
        there = row.delivery_key in held_there
        if row.state == State.PUBLISHED.value and not there:
            wrong.append(f"{name}: {row.number} is published in the log and not there")
        elif row.state not in (State.PUBLISHED.value, State.HELD.value):
            wrong.append(f"{name}: {row.number} ended {row.state}")
        elif row.state == State.HELD.value and (not doubtful or row.reason != "cannot_be_asked"):
            wrong.append(f"{name}: {row.number} is held for {row.reason}")
    unknown = held_there - {row.delivery_key for row in rows}
    wrong += [f"{name} holds {key}, which the log does not know" for key in sorted(unknown)]
    return wrong


def _compare_feed(town: Town, rows: Sequence[Any]) -> list[str]:
    pages = list((town.data / "out" / "wechat_feed" / "articles").glob("*.html"))
    published = [row for row in rows if row.state == State.PUBLISHED.value]
    if len(pages) == len(published) == len(rows):
        return []
    return [f"the feed has {len(pages)} pages, the log {len(published)} publications of {len(rows)}"]


def _files(town: Town, files: Sequence[Any], expected: int) -> list[str]:
    root = town.data / "folders"
    wrong = []
    if len(files) != expected:
        wrong.append(f"{len(files)} intake rows for {expected} files")
    for row in files:
        lying = [path for path in root.rglob(row.place_name) if path.is_file()]
        if len(lying) != 1:
            wrong.append(f"the file of intake {row.n} lies in {len(lying)} places")
    left = list((root / "待发布").iterdir())
    wrong += [f"{path.name} was left in the drop folder" for path in left]
    return wrong
