"""The demonstration: real notices, each at its own date, through the whole line on practice channels.

It has its own practice ledger, folders and settings. Run again, it drops the same files again: each is
answered 已收过, and nothing is published.
"""

from __future__ import annotations

import importlib.resources
import json
import os
import shutil
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from publisher.app import Office, Worker, read_settings, simulated_machine, start_worker
from publisher.channel import Tier
from publisher.counts import queries, views
from publisher.delivery import STANDS, IntakeState, State
from publisher.errors import ADVICE, Reason
from publisher.ledger import acts, contents, deliveries, intake_rows
from publisher.ledger.acts import Person
from publisher.ledger.store import Connection, Ledger, open_ledger
from publisher.ledger.verify import Verdict, verify
from publisher.notice import LOCAL, Kind, html_to_text
from publisher.practice_servers import PracticeServer, start_sites, stop_all
from publisher.settings import Settings, channel_folder
from publisher.simulation import SimulatedClock

Say = Callable[[str], None]
PATIENCE = timedelta(minutes=10)
"""How far the simulated clock goes on after each sample, for retries, review at higher sites and reading back."""
REVIEW_AFTER = timedelta(minutes=5)
"""How long the higher practice sites review, on the simulated clock."""

_DONE = frozenset(state.value for state in STANDS)  # ended too: a screen shows a notice for some days only


@dataclass(frozen=True, slots=True)
class Sample:
    """One file to drop: when, and into which sorting folder."""

    file: str
    at: datetime
    folder: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a dropped sample."""

    number: str
    file: str
    state: str
    said: str


def run_demo(data: Path, out: Say, as_json: bool) -> int:
    """Run the demonstration in `data`; gives the exit code: 0 if everything went as it should.

    `out` gets every line that is shown; with `as_json`, one JSON object at the end instead.
    """
    say: Say = (lambda line: None) if as_json else out
    data = data.resolve()
    home = data / "settings"
    _own_settings(home)
    settings = read_settings(home, data, os.environ)
    say("启动演练网站（仅本机，演练用）……")
    servers = start_sites(settings.channels, data / "sites", REVIEW_AFTER.total_seconds())
    try:
        settings = _at_their_addresses(home, data, settings, servers)
        for title, url in (page for server in servers.values() for page in server.pages.items()):
            say(f"  {title}：{url}")
        report = _run(settings, servers, say)
    finally:
        stop_all(servers)
    report["pages"] = _pages(settings)
    if as_json:
        out(json.dumps(report, ensure_ascii=False))
    else:
        for place, path in report["pages"].items():
            say(f"  {place}：{path}")
    return 0 if report["verify"]["ok"] and not report["unfinished"] else 1


# ---- settings of its own


def _own_settings(home: Path) -> None:
    """Copy the shipped settings, once: what is in the folder stays."""
    home.mkdir(parents=True, exist_ok=True)
    shipped = importlib.resources.files("config")
    for name in ("publisher.toml", "channels.toml"):
        if not (home / name).exists():
            text = shipped.joinpath(name).read_text(encoding="utf-8")
            # Files are dropped whole here, and the simulated clock has no time for resting.
            text = text.replace('quiet = "5s"', 'quiet = "0s"')
            (home / name).write_text(text, encoding="utf-8")


def _at_their_addresses(home: Path, data: Path, settings: Settings, servers: Mapping[str, PracticeServer]) -> Settings:
    """Where a port was taken, the settings follow the server to its new one."""
    path = home / "channels.toml"
    text = path.read_text(encoding="utf-8")
    for name, server in servers.items():
        old = settings.channel(name).options["base_url"]
        text = text.replace(f'"{old}"', f'"{server.url}"').replace(f'"{old}/', f'"{server.url}/')
    path.write_text(text, encoding="utf-8")
    return read_settings(home, data, os.environ)


def samples() -> tuple[list[Sample], Traversable]:
    """The samples in the order of their dates, and the folder they lie in."""
    folder = importlib.resources.files("publisher.demo").joinpath("samples")
    listing = tomllib.loads(folder.joinpath("samples.toml").read_text(encoding="utf-8"))
    return sorted((Sample(**item) for item in listing["sample"]), key=lambda s: s.at), folder


# ---- the run


def _run(settings: Settings, servers: Mapping[str, PracticeServer], say: Say) -> dict[str, Any]:
    todo, folder = samples()
    clock = SimulatedClock(_start(settings, todo[0].at))
    worker = start_worker(settings, os.environ, machine=simulated_machine(clock, os.environ), inline=True)
    answers = []
    try:
        for sample in todo:
            _move(clock, servers, sample.at)
            dropped_at = clock()
            answers.append(_drop(worker, clock, servers, sample, folder))
            _say_answer(worker.office, answers[-1], dropped_at, say)
        return _report(worker.office, answers, say)
    finally:
        worker.close()


def _start(settings: Settings, first: datetime) -> datetime:
    """The first sample's date, or the day after the last row of an earlier run."""
    if not (settings.data / "ledger.sqlite3").exists():
        return first - timedelta(minutes=5)
    ledger = open_ledger(settings.ledger_url, real=False, clock=lambda: first)
    last = _last_row(ledger)
    ledger.close()
    return first if last is None else last + timedelta(days=1)


def _last_row(ledger: Ledger) -> datetime | None:
    with ledger.read() as conn:
        return max((row.recorded_at for row in views.log_rows(conn, last=1)), default=None)


def _move(clock: SimulatedClock, servers: Mapping[str, PracticeServer], moment: datetime) -> None:
    """Move the clock on, and the clocks of the sites with it."""
    clock.move_to(moment)
    for server in servers.values():
        server.switch(clock=clock().astimezone(LOCAL).isoformat())


def _drop(
    worker: Worker, clock: SimulatedClock, servers: Mapping[str, PracticeServer], sample: Sample, folder: Traversable
) -> Answer:
    drop = worker.office.folders.drop / sample.folder if sample.folder else worker.office.folders.drop
    drop.mkdir(parents=True, exist_ok=True)
    with importlib.resources.as_file(folder.joinpath(sample.file)) as source:
        aside = drop / f"{sample.file}.part"
        shutil.copyfile(source, aside)
        aside.rename(drop / sample.file)
    worker.take_in()
    _let_pass(worker, clock, servers, clock() + PATIENCE)
    _type_in(worker.office, servers)
    worker.answer()
    with worker.office.ledger.read() as conn:
        row = views.newest_file(conn)
    said = "；".join(str(p) for p in intake_rows.problems_of(row.problems))
    return Answer(intake_rows.number_of(row), sample.file, row.state, said)


def _let_pass(worker: Worker, clock: SimulatedClock, servers: Mapping[str, PracticeServer], end: datetime) -> None:
    """Send, and move the clock from one due instant to the next, until `end`."""
    while (due := worker.send()) is not None and due <= end:
        _move(clock, servers, due)


def _type_in(office: Office, servers: Mapping[str, PracticeServer]) -> None:
    """Play the person at a site with a captcha: type in what the sheet says, and confirm with what the site shows."""
    with office.ledger.read() as conn:
        waiting = [
            row
            for row in views.all_deliveries(conn)
            if row.state == State.SUBMITTED.value and row.channel in servers and deliveries.has_open_task(conn, row.id)
        ]
    for row in waiting:
        number, url = servers[row.channel].type_in(**_typed(office.ledger, row))
        person = Person("演示人员", "demo")
        with office.ledger.write() as tx:
            proof = "演示：按录入单录入后，网站显示了编号和地址"
            acts.confirm(tx, deliveries.read(tx.conn, row.id), person, channel_number=number, url=url, proof=proof)


def _typed(ledger: Ledger, row: Any) -> dict[str, str]:
    """What a person types into the form of the practice province."""
    kept = contents.read_contents(ledger, row)
    notice = kept.version.notice
    return {
        "noticeForm": notice.form.value,
        "noticeName": kept.rendition.title,
        "projectCode": notice.project_no or "",
        "projectName": notice.project_name or notice.title,
        "tendererName": notice.tenderee.name if notice.tenderee else "",
        "winnerName": "、".join(winner.name for winner in notice.winners),
        "relateNoticeId": (kept.references[0].number if kept.references else None) or "",
        "noticeContent": html_to_text(kept.rendition.text),
    }


# ---- what it shows


def _say_answer(office: Office, answer: Answer, dropped_at: datetime, say: Say) -> None:
    say("")
    say(f"{dropped_at.astimezone(LOCAL):%Y-%m-%d %H:%M}　放入 {answer.file}")
    if answer.state != IntakeState.ACCEPTED.value:
        words = {"held": "待处理：", "returned": "退回："}  # what is said of a duplicate begins with 已收过
        say(f"  {words.get(answer.state, '')}{answer.said or ADVICE[Reason.DUPLICATE]}")
        return
    with office.ledger.read() as conn:
        seen = views.one_notice(conn, answer.number)
    assert seen.notice is not None  # it was accepted
    say(f"  编号 {answer.number}　{seen.notice.kind.label}　{seen.notice.title}")
    for one in seen.deliveries:
        row, by_hand = one.row, "　（由演示人员按录入单录入并确认）" if one.tasks else ""
        told = "　".join(text for text in (State(row.state).label, row.channel_number, row.url) if text)
        say(f"    {office.titles[row.channel]}：{told}{by_hand}")


def _report(office: Office, answers: Sequence[Answer], say: Say) -> dict[str, Any]:
    verdict = verify(office.ledger, office.settings.heads_folder)
    with office.ledger.read() as conn:
        counts = {name: _count(conn, name) for name in ("channel", "kind", "tier")}
        total = queries.count(conn)
        rows = views.all_deliveries(conn)
    unfinished = [
        {"number": row.number, "channel": row.channel, "state": row.state, "detail": row.detail}
        for row in rows
        if row.state not in _DONE
    ]
    published = [
        {"number": row.number, "channel": row.channel, "channel_number": row.channel_number, "url": row.url}
        for row in rows
        if row.state in _DONE
    ]
    _say_counts(office, counts, total, say)
    _say_verdict(verdict, say)
    say("")
    say("可打开查看：")
    return {
        "practice": True,
        "answers": [asdict(answer) for answer in answers],
        "published": published,
        "unfinished": unfinished,
        "counts": counts,
        "verify": {"ok": verdict.ok, "rows": verdict.rows, "faults": [asdict(f) for f in verdict.faults]},
    }


def _count(conn: Connection, name: str) -> dict[str, int]:
    return {row.key[0]: row.publications for row in queries.count(conn, [name]).rows}


def _say_counts(office: Office, counts: Mapping[str, Mapping[str, int]], total: queries.Tally, say: Say) -> None:
    say("")
    say("发布统计（演练账，按发布日志计；一份公告在几个渠道发布就计几次）")
    say(f"  合计：公告 {total.notices} 份，发布 {total.publications} 次")
    say("  按渠道：" + "，".join(f"{office.titles.get(k, k)} {n}" for k, n in counts["channel"].items()))
    say("  按类别：" + "，".join(f"{Kind(k).label} {n}" for k, n in counts["kind"].items()))
    say("  按层级：" + "，".join(f"{Tier(k).label} {n}" for k, n in counts["tier"].items()))


def _say_verdict(verdict: Verdict, say: Say) -> None:
    if verdict.ok:
        say(f"日志校验：通过，共 {verdict.rows} 行，链完整；末行哈希 {verdict.last_hash[:16]}…")
    for fault in verdict.faults:
        say(f"日志校验：{fault.kind}　{fault.place}　{fault.detail}")


def _pages(settings: Settings) -> dict[str, str]:
    """What can be looked at afterwards: each channel as its readers see it, the receipts, the ledger."""
    places = {
        channel.title: start
        for channel in settings.channels
        for folder in (settings.data / "sites" / channel.name / "pages", channel_folder(settings, channel))
        if (start := _start_page(folder)) is not None
    }
    for channel in settings.channels:
        if channel.options.get("mode") == "api":
            places[f"{channel.title}（审核工作台）"] = settings.data / "sites" / channel.name / "pages" / "review.html"
    places["回执"] = settings.data / settings.folders.root / settings.folders.receipts
    places["发布日志数据库"] = settings.data / "ledger.sqlite3"
    return {name: str(path) for name, path in places.items() if path.exists()}


def _start_page(folder: Path) -> Path | None:
    """The page to open first, the folder if it has none, None if there is nothing in it."""
    for page in ("index.html", "current/player.html"):
        if (folder / page).exists():
            return folder / page
    return folder if folder.is_dir() and any(folder.iterdir()) else None
