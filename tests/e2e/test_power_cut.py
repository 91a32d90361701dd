"""The program ended by SIGKILL at random moments of its load, as a power cut ends it, while others read its files."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import feedparser
import pytest
from sqlalchemy import select

from channels.practice.site import PracticeSite
from publisher.app import system_clock
from publisher.counts import queries
from publisher.delivery import OPEN, State
from publisher.ledger.store import Ledger, open_ledger
from publisher.ledger.tables import delivery, intake
from publisher.ledger.verify import verify
from tests.support.builders import a_notice
from tests.support.kills import PUBLISHER, ROOT
from tests.support.sending import ON_POSTGRESQL, a_database

CUTS = max(5, int(os.environ.get("KILLS", "12")) - 10)
"""50 where the kill tests are told to kill 60 times."""

SITE = """
[{name}]
title = "{name} 网"
adapter = "channels.municipal_site:MunicipalSite"
tier = "county"
read_back = []
carries = [{{ carry = "mandatory" }}]
[{name}.options]
base_url = "{url}"
idempotent_for = "{remembers}"
settle_window = "500ms"
"""
FILES = """
[wechat_feed]
title = "微信资讯"
adapter = "channels.wechat_feed:WechatFeed"
tier = "self_media"
carries = [{ carry = "mandatory" }]
[wechat_feed.options]
base_url = "http://127.0.0.1:9/"
max_entries = 30

[hall_led]
title = "大厅LED屏"
adapter = "channels.led_board:LedBoard"
tier = "on_site"
carries = [{ carry = "mandatory" }]
shown_for = "15d"
[hall_led.options]
width = 96
height = 32
dots = 16
dwell = 8
max_pages_per_item = 6
full_text_at = "曲阜市公共资源交易网"
"""


class Passers:
    """Readers of the feed and the screen, who look all the time; `seen_broken` is what must never be seen."""

    def __init__(self, out: Path) -> None:
        self._feed, self._screen = out / "wechat_feed", out / "hall_led" / "current"
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.seen_broken: list[str] = []
        self.looks = Counter[str]()

    def __enter__(self) -> Passers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.is_set():
            self.look_at_feed()
            self.look_at_screen()

    def look_at_feed(self) -> None:
        """Every feed file is whole XML or JSON, and every page that it links to is there."""
        for path in sorted(self._feed.glob("feed.*")):
            data = path.read_bytes()
            self.looks[path.suffix] += 1
            if b"\0" in data or not data.strip():
                self.seen_broken.append(f"{path.name}: empty or NULs")
            elif path.suffix == ".json":
                json.loads(data)
            else:
                parsed = feedparser.parse(data)
                if parsed.bozo:
                    self.seen_broken.append(f"{path.name}: {parsed.bozo_exception}")
                pages = [self._feed / entry.link.removeprefix("http://127.0.0.1:9/") for entry in parsed.entries]
                self.seen_broken += [f"{path.name} links to {page.name}" for page in pages if not page.is_file()]

    def look_at_screen(self) -> None:
        """What lies in the folder of the screen is what its manifest says, file for file."""
        try:
            folder = os.open(self._screen, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            if self.looks["screen"]:
                self.seen_broken.append("the folder of the screen was away")
            return
        try:
            wrong = self._wrong_in(folder)
            # The folder is replaced as a whole: one that was taken away while it was read proves nothing.
            here = self._screen.stat()
            if (here.st_dev, here.st_ino) == (os.fstat(folder).st_dev, os.fstat(folder).st_ino):
                self.looks["screen"] += 1
                self.seen_broken += wrong
        finally:
            os.close(folder)

    def _wrong_in(self, folder: int) -> list[str]:
        def read(name: str) -> bytes:
            with os.fdopen(os.open(name, os.O_RDONLY, dir_fd=folder), "rb") as file:
                return file.read()

        try:
            manifest = json.loads(read("manifest.json"))
            stated = dict(manifest["files"])
            for page in manifest["pages"]:
                stated |= page["files"]
            there = set(os.listdir(folder))
            wrong = [name for name, digest in stated.items() if hashlib.sha256(read(name)).hexdigest() != digest]
            return [f"screen: {name} is not as the manifest says" for name in wrong] + [
                f"screen: {name} is in no manifest" for name in there - set(stated) - {"manifest.json"}
            ]
        except (FileNotFoundError, json.JSONDecodeError) as error:
            return [f"screen: {error!r}"]


class House:
    """Two sites (one remembers keys), a feed, a screen, and the program as a process."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.url = a_database(folder) if ON_POSTGRESQL else f"sqlite:///{self.data}/ledger.sqlite3"
        self.sites: dict[str, PracticeSite] = {}
        sections = []
        for name, remembers in (("knows", "30d"), ("forgets", "0s")):
            switches = {"idempotent": remembers != "0s", "slow": 0.02}
            self.sites[name] = PracticeSite(folder / name, name=name, switches=switches).start()
            sections.append(SITE.format(name=name, url=self.sites[name].base_url, remembers=remembers))
        self.home = folder / "home"
        self.home.mkdir()
        (self.home / "publisher.toml").write_text(PUBLISHER, "utf-8")
        (self.home / "channels.toml").write_text("\n".join([*sections, FILES]), "utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    def drop(self, number: int) -> None:
        drop = self.data / "folders" / "待发布"
        drop.mkdir(parents=True, exist_ok=True)
        notice = a_notice(
            project_no=f"QFZB-2031-{number:04d}",
            title=f"第{number:04d}号工程施工招标公告",
            dates={"bid_deadline": "2099-12-28T09:00:00+08:00"},
        )
        aside = drop / f"~{number:04d}.tmp"
        aside.write_text(notice.model_dump_json(exclude_none=True, exclude={"text", "digest"}), "utf-8")
        aside.rename(drop / f"{number:04d}.json")

    def start(self) -> None:
        environ = dict(os.environ) | {"PYTHONPATH": str(ROOT), "PUBLISHER_LEDGER_URL": self.url}
        command = [sys.executable, "-m", "publisher", "run", "--home", str(self.home), "--data", str(self.data)]
        with (self.folder / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environ, stdout=log, stderr=log, cwd=self.folder)

    def cut(self) -> bool:
        """End it as a power cut does; False if it had ended by itself."""
        assert self.process is not None
        lived = self.process.poll() is None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return lived

    def ledger(self) -> Ledger:
        return open_ledger(self.url, real=False, clock=system_clock)

    def begun(self, before: int, seconds: float = 20) -> bool:
        """Wait until the program has done something since: its log is longer than `before` rows."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.log_length() > before:
                return True
            time.sleep(0.02)
        return False

    def log_length(self) -> int:
        if not ON_POSTGRESQL and not (self.data / "ledger.sqlite3").exists():
            return 0
        try:
            ledger = self.ledger()
        except Exception:  # noqa: BLE001 - the program is making its tables just now
            return 0
        with ledger.read() as conn:
            length: int = conn.exec_driver_sql("select seq from head").scalar_one_or_none() or 0
        ledger.close()
        return length

    def settled(self, notices: int) -> bool:
        ledger = self.ledger()
        with ledger.read() as conn:
            states = list(conn.execute(select(delivery.c.state)).scalars())
        ledger.close()
        return len(states) == notices * 4 and not any(State(state) in OPEN for state in states)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for site in self.sites.values():
            site.stop()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    built = House(tmp_path)
    yield built
    built.close()


def whole(path: Path) -> str:
    """What SQLite says of its own file after a cut."""
    with sqlite3.connect(path) as conn:
        return str(conn.execute("pragma integrity_check").fetchone()[0])


@pytest.mark.kills
def test_c086_cut_off_at_random_under_load_it_always_starts_and_no_reader_sees_half_a_file(house: House) -> None:
    chance = random.Random(2017)
    notices, cuts = 0, 0
    with Passers(house.data / "out") as passers:
        while cuts < CUTS:
            for _ in range(2):
                notices += 1
                house.drop(notices)
            before = house.log_length()
            house.start()
            assert house.begun(before), (house.folder / "daemon.log").read_text("utf-8")[-2000:]
            time.sleep(chance.random() * 0.6)  # the moment of the cut
            assert house.cut(), "the program ended by itself"
            cuts += 1
            if not ON_POSTGRESQL:
                assert whole(house.data / "ledger.sqlite3") == "ok"
        house.start()
        end = time.monotonic() + 60
        while not house.settled(notices) and time.monotonic() < end:
            time.sleep(0.2)
        settled = house.settled(notices)
        assert house.process is not None
        house.process.send_signal(signal.SIGTERM)
        code = house.process.wait(10)
    assert settled and code == 0
    assert passers.seen_broken == []
    assert passers.looks[".atom"] > 10 and passers.looks["screen"] > 10

    ledger = house.ledger()
    with ledger.read() as conn:
        tally = queries.count(conn, ("channel",), None)
        counted = {group.key[0]: group.publications for group in tally.rows}
        files = list(conn.execute(select(intake.c.state)).scalars())
        held = list(conn.execute(select(delivery).where(delivery.c.state == State.HELD.value)))
    verdict = verify(ledger, house.data / "heads")
    ledger.close()
    assert (verdict.faults, files, held) == ((), ["accepted"] * notices, [])
    truth = {name: len({item["key"] for item in site.items()}) for name, site in house.sites.items()}
    assert {name: len(site.items()) for name, site in house.sites.items()} == truth, "something is there twice"
    assert counted == truth | {"wechat_feed": notices, "hall_led": notices} == dict.fromkeys(counted, notices)
    print(f"{cuts} cuts under load, {notices} notices on 4 channels, each once; readers looked {dict(passers.looks)}")


def test_c086_the_ledger_is_flushed_at_every_commit(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite3", real=False, clock=system_clock)
    with ledger.read() as conn:
        kept = {name: conn.exec_driver_sql(f"pragma {name}").scalar_one() for name in ("journal_mode", "synchronous")}
    ledger.close()
    assert kept == {"journal_mode": "wal", "synchronous": 2}
