"""Commands that make the program work: run, once, demo."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from publisher import daemon
from publisher.app import start_worker, system_clock
from publisher.cli import words
from publisher.cli.base import NOT_DONE, OK, STILL_OPEN, Desk, Json, command
from publisher.cli.output import say, say_json
from publisher.counts import views
from publisher.counts.views import RunSummary
from publisher.demo import run_demo
from publisher.errors import ADVICE, Reason
from publisher.ledger import intake_rows
from publisher.lock import DaemonLock
from publisher.once import once
from publisher.practice_servers import PracticeServer, moved, start_sites, stop_all
from publisher.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "run", run)
    command(app, "once", once_)
    command(app, "demo", demo)


# ---- run

_REVIEW_AFTER = 30.0
"""Seconds after which a practice province lets a notice through, unless a person reviews it before."""


def run(
    desk: Desk,
    practice: Annotated[
        bool, typer.Option("--practice", help="Start the practice servers of the settings' practice channels, too.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Run the daemon until Ctrl-C or SIGTERM（持续运行）: take in, publish, ask, answer."""
    settings = desk.settings
    servers: dict[str, PracticeServer] = {}
    if practice:
        # Before any server starts: two of them on one store would only confuse.
        with DaemonLock(settings.data / "ledger.lock") as lock:
            lock.acquire("", os.getpid())
        servers = start_sites(settings.channels, settings.data / "practice", _REVIEW_AFTER)
        settings = _at_their_addresses(settings, servers)
    try:
        worker = start_worker(settings, desk.environ, tell=None if as_json else say_progress)
        daemon.run(worker, lambda: _say_ready(settings, worker.office.folders.drop, servers, as_json))
    finally:
        stop_all(servers)
    return OK


def say_progress(done: int, waiting: int) -> None:
    """How far a large drop has come, for who sits before the screen."""
    say(f"已收取 {done} 件，还有 {waiting} 件等待收取" if waiting else f"已收取 {done} 件，收取完毕")


def _at_their_addresses(settings: Settings, servers: dict[str, PracticeServer]) -> Settings:
    """Where a port was taken, the channel follows its server to the new one."""
    channels = tuple(
        channel.model_copy(update={"options": moved(channel.options, servers[channel.name].url)})
        if channel.name in servers
        else channel
        for channel in settings.channels
    )
    return settings.model_copy(update={"channels": channels})


def _say_ready(settings: Settings, drop: Path, servers: dict[str, PracticeServer], as_json: bool) -> None:
    if as_json:
        sites = {name: server.url for name, server in servers.items()}
        facts = {"ready": True, "pid": os.getpid(), "drop": drop, "data": settings.data}
        say_json(facts | {"practice": not settings.ledger.real, "sites": sites})
        return
    say(f"程序已启动{words.practice_mark(settings.ledger.real)}，按 Ctrl-C 结束。")
    say(f"把公告文件放到：{drop}")
    for title, url in (page for server in servers.values() for page in server.pages.items()):
        say(f"演练网站 {title}：{url}")


# ---- once


def once_(desk: Desk, as_json: Json = False) -> int:
    """Take in, publish what is due, and end（运行一次）. Exit code: 1 failed, held or returned; 3 something open; 0."""
    since = system_clock()
    worker = start_worker(desk.settings, desk.environ, tell=None if as_json else say_progress)
    try:
        left = [one.name for one in once(worker)]
        with worker.office.ledger.read() as conn:
            summary = views.run_summary(conn, since)
        titles = worker.office.titles
    finally:
        worker.close()
    code = NOT_DONE if summary.needs_someone else STILL_OPEN if summary.open or left else OK
    if as_json:
        say_json(_facts(summary, left) | {"practice": not desk.settings.ledger.real, "exit": code})
    else:
        _say_summary(summary, left, titles)
        say(_last_line(summary, left))
    return code


def _facts(summary: RunSummary, left: list[str]) -> dict[str, Any]:
    def deliveries(rows: Any) -> list[dict[str, Any]]:
        names = ("number", "channel", "state", "reason", "detail", "channel_number", "url")
        return [{name: getattr(row, name) for name in names} for row in rows]

    def files(rows: Any) -> list[dict[str, Any]]:
        return [{"number": intake_rows.number_of(r), "file": r.file_name, "reason": r.reason} for r in rows]

    return {
        "published": deliveries(summary.published),
        "failed": deliveries(summary.failed),
        "failing": deliveries(summary.failing),
        "held": files(summary.intake_held),
        "returned": files(summary.intake_returned),
        "duplicate": files(summary.duplicates),
        "open": summary.open,
        "left": left,
    }


def _say_summary(summary: RunSummary, left: list[str], titles: dict[str, str]) -> None:
    for row in (*summary.failed, *summary.failing):
        why = row.detail or ADVICE[Reason(row.reason)]
        say(f"{row.number}　{words.channel(row.channel, titles)}：{words.state(row.state, row.waits_for)}　{why}")
    for row in (*summary.intake_held, *summary.intake_returned, *summary.duplicates):
        problems = "；".join(str(problem) for problem in intake_rows.problems_of(row.problems))
        say(f"{intake_rows.number_of(row)}　{row.file_name}：{words.intake(row.state)}　{problems}")
    for name in left:
        say(f"{name}：未能收取（文件为空、仍在编辑或没有复制完整），留在收件夹")


def _last_line(summary: RunSummary, left: list[str]) -> str:
    parts = [f"{len(summary.published)} 成功 / {summary.failures} 失败"]
    itself = len(summary.failing) - len(summary.stopped)
    told = [f"{itself} 件程序会自动重试或查询"] if itself else []
    if summary.stopped:
        told.append(f"{len(summary.stopped)} 件所在渠道已停止发送，须由管理员处理后恢复")
    if told:
        parts[0] += f"（其中 {'，'.join(told)}）"
    waiting = summary.open - len(summary.failing)
    counts = {"未完成": waiting, "重复": len(summary.duplicates), "未收取": len(left)}
    return " / ".join(parts + [f"{number} {word}" for word, number in counts.items() if number])


# ---- demo


def demo(desk: Desk, as_json: Json = False) -> int:
    """Publish the sample notices on practice channels（演示）, on a ledger of its own in var/demo or --data."""
    return run_demo(desk.data or Path("var/demo"), say, as_json)
