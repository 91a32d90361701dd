"""A drop folder, a clock that the test moves, and a running line."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import select

from publisher.app import Worker, read_settings, simulated_machine, start_worker
from publisher.ledger.tables import intake
from publisher.simulation import SimulatedClock
from tests.support.builders import START, a_notice

PUBLISHER = """
office = "演练中心"
[intake]
quiet = "5s"
"""
CHANNELS = """
[feed]
title = "微信资讯"
adapter = "channels.wechat_feed:WechatFeed"
tier = "self_media"
carries = [{{ kinds = ["change_notice"], carry = "{change}" }}, {{ carry = "mandatory" }}]
[feed.options]
base_url = "http://127.0.0.1:9/"
"""


class Desk:
    """A drop folder, a clock and a running line."""

    def __init__(self, folder: Path, change: str = "mandatory", more: str = "") -> None:
        home = folder / "home"
        home.mkdir(exist_ok=True)
        (home / "publisher.toml").write_text(PUBLISHER + more, encoding="utf-8")
        (home / "channels.toml").write_text(CHANNELS.format(change=change), encoding="utf-8")
        self.clock = SimulatedClock(START)
        settings = read_settings(home, folder / "data", os.environ)
        self.worker: Worker = start_worker(
            settings, os.environ, machine=simulated_machine(self.clock, os.environ), inline=True
        )
        self.root = folder / "data" / "folders"

    def drop(self, name: str, content: str | bytes) -> Path:
        """Put a file into the drop folder; gives its path."""
        path = self.root / "待发布" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def turn(self, seconds: float = 0) -> None:
        """Let time pass, then let the line work once."""
        self.clock.sleep(seconds)
        self.worker.read_feeds()
        self.worker.take_in()
        self.worker.send()
        self.worker.answer()

    def work(self) -> None:
        """As long as a file takes to rest, be decided and be sent."""
        self.turn()
        self.turn(6)
        self.turn()

    def states(self) -> list[str]:
        """The states of all intake rows, oldest first."""
        with self.worker.office.ledger.read() as conn:
            return list(conn.execute(select(intake.c.state).order_by(intake.c.id)).scalars())

    def names(self, folder: str) -> list[str]:
        """The files below a staff folder."""
        return sorted(str(p.relative_to(self.root / folder)) for p in (self.root / folder).rglob("*") if p.is_file())

    def text(self, folder: str, ending: str) -> str:
        """The only text with this ending in a staff folder."""
        (path,) = [p for p in (self.root / folder).rglob("*") if p.name.endswith(ending)]
        return path.read_text("utf-8-sig")


def as_json(**changes: object) -> str:
    """A notice as a data file."""
    return a_notice(**changes).model_dump_json(exclude_none=True, exclude={"text", "digest"})


def notice_text() -> str:
    """A notice as a text file."""
    return """曲阜市某某路改造工程施工招标公告
项目编号：QFZB-2017-0900
一、项目名称：曲阜市某某路改造工程施工
二、招标人：曲阜市某某局
三、招标代理机构：山东某某招标代理有限公司
四、招标范围：图纸及工程量清单所示全部内容，工期90日历天，质量合格。
五、投标文件递交截止时间：2017年12月28日9时00分，地点：曲阜市公共资源交易中心开标室。
六、联系人：王某，电话：13900000001
2017年12月4日
"""
