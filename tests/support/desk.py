"""An installation in a temporary folder, with practice sites in this process, and its commands as they are typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from channels.practice.site import PracticeSite
from publisher.app import system_clock
from publisher.cli.base import app
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import Ledger, open_ledger
from publisher.ledger.tables import delivery
from publisher.notice import Notice
from publisher.settings import LEDGER_URL_VARIABLE
from tests.support.builders import a_notice
from tests.support.sending import a_database

PUBLISHER = """
office = "演练中心"
approvals = {approvals}
[intake]
poll = "50ms"
quiet = "0s"
[sending]
tick = "50ms"
attempt = "5s"
quick_wait = "0s"
retry_first = "1h"
retry_cap = "2h"
"""

SITE = """
[{name}]
title = "{title}"
adapter = "channels.municipal_site:MunicipalSite"
tier = "county"
read_back = []
carries = [{{ carry = "mandatory" }}]
[{name}.options]
base_url = "{url}"
"""

FEED = """
[wechat_feed]
title = "微信资讯"
adapter = "channels.wechat_feed:WechatFeed"
tier = "self_media"
carries = [{ carry = "optional" }]
[wechat_feed.options]
base_url = "http://127.0.0.1:9/"
"""


@dataclass
class TestDesk:
    """Settings, sites and a data folder; `run` types a command."""

    __test__ = False  # no test class, whatever its name

    folder: Path
    sites: dict[str, PracticeSite] = field(default_factory=dict)

    url: str = ""  # of the ledger

    def __post_init__(self) -> None:
        """Without an address: a new ledger of the kind that this run of the tests is on."""
        self.url = self.url or a_database(self.data)

    @property
    def home(self) -> Path:
        """The settings folder."""
        return self.folder / "home"

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    def build(self, *names: str, approvals: int = 0, feed: bool = False, more: str = "") -> None:
        """Open a practice site for each name, and write the settings."""
        for name in names:
            self.sites[name] = PracticeSite(self.folder / "sites" / name, name=name).start()
        sections = [SITE.format(name=name, title=f"{name}网", url=site.base_url) for name, site in self.sites.items()]
        self.home.mkdir(exist_ok=True)
        (self.home / "publisher.toml").write_text(PUBLISHER.format(approvals=approvals), "utf-8")
        (self.home / "channels.toml").write_text("\n".join([*sections, FEED if feed else "", more]), "utf-8")

    def close(self) -> None:
        """Close the sites."""
        for site in self.sites.values():
            site.stop()

    def notice(self, title: str, **changes: Any) -> Notice:
        """A notice of a project of its own."""
        fields = {"title": title, "project_no": f"NO-{title}", "dates": {"bid_deadline": "2099-12-28T09:00:00+08:00"}}
        return a_notice(**(fields | changes))

    def drop(self, title: str, **changes: Any) -> Path:
        """Drop a notice as a data file named by its title; gives the file."""
        folder = self.data / "folders" / "待发布"
        folder.mkdir(parents=True, exist_ok=True)
        text = self.notice(title, **changes).model_dump_json(exclude_none=True, exclude={"text", "digest"})
        path = folder / f"{title}.json"
        path.write_text(text, "utf-8")
        return path

    def run(self, *words: str, env: Mapping[str, str] | None = None) -> Result:
        """Type a command; an exception that it does not handle is raised here."""
        common = ["--home", str(self.home), "--data", str(self.data)]
        told = {LEDGER_URL_VARIABLE: self.url, **(env or {})}
        return CliRunner().invoke(app, [*words, *common], env=told, catch_exceptions=False)

    def json(self, *words: str, code: int = 0) -> list[Any]:
        """Type a command with --json; every line of its stdout, parsed."""
        result = self.run(*words, "--json")
        assert result.exit_code == code, result.output
        assert "\\u" not in result.stdout
        return [json.loads(line) for line in result.stdout.splitlines()]

    def ledger(self) -> Ledger:
        """The ledger, opened beside the program."""
        return open_ledger(self.url, real=False, clock=system_clock)

    def row(self, number: str, channel: str) -> Delivery:
        """A delivery as it is now."""
        ledger = self.ledger()
        mine = (delivery.c.number == number, delivery.c.channel == channel)
        with ledger.read() as conn:
            found = conn.execute(delivery.select().where(*mine)).one()
        ledger.close()
        return found

    def receipt(self, number: str) -> str:
        """What staff read about this number."""
        (path,) = (self.data / "folders" / "回执").glob(f"{number}_*.回执.txt")
        return path.read_text("utf-8-sig")
