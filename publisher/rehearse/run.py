"""Runs a rehearsal: makes the year, drives it in a child that is killed now and then, reports, compares."""

from __future__ import annotations

import importlib.resources
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from publisher.app import FAULT_VARIABLE, Office, open_office, person, read_settings, simulated_machine
from publisher.counts.reconciled import OfChannel
from publisher.counts.report.drawing import Report, draw
from publisher.counts.report.entered import checked
from publisher.counts.report.layout import lay_out, worded
from publisher.counts.report.markdown import to_markdown
from publisher.counts.report.page import to_page
from publisher.counts.report.word.document import to_word
from publisher.errors import PublisherError
from publisher.ledger.figures import set_figure
from publisher.ledger.store import PROGRAM
from publisher.ledger.verify import Verdict, verify
from publisher.practice_servers import PracticeServer, start_sites, stop_all
from publisher.reconciling.asking import Asker
from publisher.reconciling.comparing import reconcile
from publisher.rehearse.compare import Comparison, compare
from publisher.rehearse.drive import last_instant
from publisher.rehearse.generate import generate
from publisher.rehearse.notices import BACK_AGAIN
from publisher.rehearse.targets import targets_of
from publisher.settings import Settings
from publisher.simulation import SimulatedClock

Say = Callable[[str], None]
Progress = Callable[[int, int, str], None]
"""Told (steps done, steps in all, local day) as the year goes on."""


class RehearsalFailed(PublisherError):
    """The year could not be driven to its end; the message says where it stopped."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rehearsal came to."""

    folder: Path
    report: Report
    comparison: Comparison
    verdict: Verdict
    reconciled: tuple[OfChannel, ...]
    """The busiest month, compared with what the practice sites hold and list."""
    kills: int

    @property
    def ok(self) -> bool:
        """Whether every cell is as the manifest says, the sites hold what the log says, and the log is whole."""
        return self.verdict.ok and not self.comparison.differ and all(one.agrees for one in self.reconciled)


def rehearse(data: Path, seed: int, say: Say, progress: Progress, scale: float = 1.0) -> Outcome:
    """Rehearse a year in a new folder below `data`. Raises `RehearsalFailed`, `PracticeServerFailed`."""
    folder = _new_folder(data.resolve(), seed)
    say(f"生成一年的公告文件（种子 {seed}）……")
    manifest = generate(targets_of(seed, scale), folder)
    home = folder / "settings"
    _settings(home)
    settings = read_settings(home, folder, os.environ)
    say("启动演练网站（仅本机，演练用）……")
    servers = start_sites(settings.channels, folder / "sites", 0.0)
    try:
        _addresses(home, settings, servers)
        ports = {name: server.admin_port for name, server in servers.items()}
        (folder / "run.json").write_text(json.dumps({"ports": ports}), "utf-8")
        total = len(json.loads((folder / "steps.json").read_text("utf-8")))
        kills = _drive(folder, total, _kill_plan(seed, total), progress)
        return _settle(folder, home, manifest, kills)
    finally:
        stop_all(servers)


def _new_folder(data: Path, seed: int) -> Path:
    """`<data>/<seed>-1`, or the next number that is free: nothing is overwritten."""
    number = 1
    while (data / f"{seed}-{number}").exists():
        number += 1
    folder = data / f"{seed}-{number}"
    folder.mkdir(parents=True)
    return folder


def _settings(home: Path) -> None:
    home.mkdir()
    shipped = importlib.resources.files("publisher.rehearse").joinpath("settings")
    for name in ("publisher.toml", "channels.toml"):
        (home / name).write_text(shipped.joinpath(name).read_text("utf-8"), "utf-8")


def _addresses(home: Path, settings: Settings, servers: Mapping[str, PracticeServer]) -> None:
    """Where a port was taken, the settings follow the server to its new one."""
    path = home / "channels.toml"
    text = path.read_text("utf-8")
    for name, server in servers.items():
        text = text.replace(f'"{settings.channel(name).options["base_url"]}"', f'"{server.url}"')
    path.write_text(text, "utf-8")


# ---- the child and its deaths


@dataclass(frozen=True, slots=True)
class Death:
    """How a child ends: `fault` at a point of the program, or killed from outside after so many steps."""

    fault: str = ""
    after: int = 0


_POINTS = (
    "submit.after", "outcome.before", "commit.after", "rename.before", "show.after", "commit.before", "outcome.after",
    "rename.after", "move.before", "claim_row.before",
)  # fmt: skip


def _kill_plan(seed: int, steps: int) -> list[Death]:
    """Every other child dies at a point inside the program, the others from outside, at different times."""
    chance = random.Random(f"kills {seed}")
    number = max(4, min(12, steps // 100))
    each = max(2, steps // (number + 1))
    deaths = []
    for index in range(number):
        if index % 2:
            deaths.append(Death(after=chance.randint(1, each)))
        else:
            point = _POINTS[index // 2 % len(_POINTS)]
            deaths.append(Death(fault=f"{point}:{chance.randint(1, each)}"))
    return deaths


def _drive(folder: Path, total: int, deaths: list[Death], progress: Progress) -> int:
    """Start children until one comes to the end; gives how many were killed."""
    for killed, death in enumerate([*deaths, Death()]):
        code = _child(folder, death, total, progress)
        if code == 0:
            return killed
        if code != -9:
            said = (folder / "child.log").read_text("utf-8", errors="replace").strip().splitlines()
            raise RehearsalFailed(f"the child ended with {code}: {said[-1] if said else 'it said nothing'}")
    raise RehearsalFailed("the last child was killed by something else than this rehearsal")


def _child(folder: Path, death: Death, total: int, progress: Progress) -> int:
    environ = dict(os.environ) | ({FAULT_VARIABLE: death.fault} if death.fault else {})
    command = [sys.executable, "-m", "publisher.rehearse.drive", str(folder)]
    with (folder / "child.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environ, text=True)
    try:
        assert process.stdout is not None  # it was asked for
        for done, line in enumerate(_lines(process), 1):
            progress(line["step"], total, line["at"][:10])
            if death.after and done >= death.after:
                process.kill()
                break
        return process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _lines(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        if line.endswith("\n"):  # a killed child may leave half a line
            yield json.loads(line)


# ---- the numbers


def _settle(folder: Path, home: Path, manifest: Mapping[str, Any], kills: int) -> Outcome:
    settings = read_settings(home, folder, os.environ)
    clock = SimulatedClock(last_instant(settings) or BACK_AGAIN)
    office = open_office(settings, os.environ, simulated_machine(clock, {}))
    try:
        _type_in(office, manifest)
        with office.ledger.read() as conn:
            report = draw(
                conn,
                int(manifest["year"]),
                now=clock(),
                real=False,
                office=settings.office,
                titles=office.titles,
            )
        page = _write_reports(folder, report)
        comparison = compare(manifest, folder, office.ledger, report, page)
        asker = Asker(office.ledger, office.machine, settings.sending)
        reconciled = tuple(reconcile(asker, office.channels, *busiest_month(report), by=PROGRAM))
        verdict = verify(office.ledger, settings.heads_folder)
        return Outcome(folder, report, comparison, verdict, reconciled, kills)
    finally:
        office.close()


def busiest_month(report: Report) -> tuple[date, date]:
    """The first and the last day of the month with the most notices."""
    month = max(report.months, key=lambda one: int(str(report.figures[f"month.{one}"].value)))
    first = date.fromisoformat(f"{month}-01")
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _type_in(office: Office, manifest: Mapping[str, Any]) -> None:
    with office.ledger.write() as tx:
        for name, year, value in manifest["typed"]:
            set_figure(tx, name, year, checked(name, value), person("演练"), "演练清单")


def _write_reports(folder: Path, report: Report) -> str:
    blocks = lay_out(report)
    page = to_page(report, blocks)
    out = folder / "reports"
    out.mkdir(exist_ok=True)
    (out / f"{report.period}.html").write_text(page, "utf-8")
    (out / f"{report.period}.md").write_text(to_markdown(blocks), "utf-8")
    (out / f"{report.period}.docx").write_bytes(to_word(blocks))
    return page


def paragraphs(report: Report) -> list[str]:
    """The report's two paragraphs of numbers."""
    return [worded(section, report).text for section in ("disclosure", "projects")]


def facts(outcome: Outcome) -> dict[str, Any]:
    """Everything as one object."""
    differ = outcome.comparison.differ
    return {
        "practice": True,
        "ok": outcome.ok,
        "folder": str(outcome.folder),
        "paragraphs": paragraphs(outcome.report),
        "figures": outcome.report.values(),
        "cells": outcome.comparison.cells,
        "differences": [asdict(one) for one in differ],
        "kills": outcome.kills,
        "reconcile": [
            {"channel": r.channel, "logged": r.logged, "found": r.found, "by_hand": r.by_hand, "items": len(r.items)}
            for r in outcome.reconciled
        ],
        "verify": {"ok": outcome.verdict.ok, "rows": outcome.verdict.rows, "hash": outcome.verdict.last_hash},
    }
