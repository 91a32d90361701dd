"""Commands that look and write no row: check, extract, preview, schema."""

from __future__ import annotations

import html
import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from publisher.app import open_renderer, system_clock
from publisher.channel import AnyChannel, Fidelity, Previews, Version
from publisher.cli import words
from publisher.cli.base import NOT_DONE, OK, USAGE, Desk, Json, command
from publisher.cli.output import say, say_json, shown
from publisher.cli.routing import say_channels, say_routing
from publisher.cli.times import first_day, instant
from publisher.delivery import IntakeState
from publisher.errors import ADVICE, ChannelError, Problem, SettingsError
from publisher.judging import OPENING_HOUR, Dropped, Judged, dropped, judge, read
from publisher.ledger import routing_log
from publisher.ledger.acceptance import Planned
from publisher.ledger.existing import open_existing
from publisher.ledger.store import Ledger
from publisher.notice import LOCAL, Notice
from publisher.render import Renderer
from publisher.rules.book import rule_book
from publisher.rules.routing import describe_routing, excerpts_alone
from publisher.rules.terms import Law, day_of, load_law
from publisher.send.open_channel import OpenChannel, opened
from publisher.settings import IntakeSettings, Settings, enabled, open_channel
from publisher.wording import fields_for_staff

SAMPLE_NAMES = (
    "招标公告.docx",
    "中标结果公告.pdf",
    "公告汇总.xlsx",
    "公告和附件.zip",
    "~$标公告.docx",
    ".~lock.招标公告.docx#",
    "招标公告.docx.part",
    "招标公告.docx.答复.txt",
    "Thumbs.db",
    ".DS_Store",
)
"""Names of which `check` says whether the drop folder takes them."""

Paths = Annotated[list[Path], typer.Argument(metavar="PATH…", help="Files, or folders that are one notice each.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "check", check)
    command(app, "extract", extract)
    command(app, "preview", preview)
    command(app, "schema", schema)


# ---- check


@dataclass(frozen=True, slots=True)
class _Checked:
    """What a look at settings, templates and channels found."""

    settings: Settings
    renderer: Renderer
    law: Law
    channels: Mapping[str, OpenChannel]
    faults: tuple[str, ...]

    @property
    def warnings(self) -> list[str]:
        """What the settings allow and somebody should think over."""
        excerpts = {name for name, one in self.channels.items() if one.capabilities.fidelity is Fidelity.EXCERPT}
        return excerpts_alone(self.settings.channels, excerpts, day_of(system_clock()))


def check(
    desk: Desk,
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE…", help="Files: what would become of each.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="DATE", help="Judge files by the rules of this day (default: the day they print)."
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Check settings, rules, templates, channels, routing（检查）; with files, every problem of each. Sends nothing."""
    moment = None if at is None else _at(at)
    checked = _look(desk)
    book = rule_book(checked.settings.folder)
    ledger = open_existing(checked.settings.ledger_url, system_clock)
    now = system_clock()
    judged = [
        (one, result)
        for one in _all_dropped(files or [], checked.settings.intake)
        for result in judge(one, moment, checked.channels, checked.renderer, ledger, checked.law, book=book, now=now)
    ]
    since = _carries_since(ledger)
    if as_json:
        say_json(_check_facts(checked, judged, since))
    else:
        _say_check(checked, judged, since, with_settings=not files)
    _close(ledger)
    if checked.faults:
        return USAGE
    return OK if all(result.outcome is IntakeState.ACCEPTED for _, result in judged) else NOT_DONE


def _carries_since(ledger: Ledger | None) -> Mapping[str, datetime]:
    if ledger is None:
        return {}
    with ledger.read() as conn:
        return routing_log.carries_since(conn)


def _at(text: str) -> datetime:
    """The instant of `--at`; a day alone means its opening hour."""
    day = first_day(text, "--at") if re.fullmatch(r"\d{4}-\d{1,2}-\d{1,2}", text.strip()) else None
    return instant(text, "--at") if day is None else datetime.combine(day, OPENING_HOUR, LOCAL)


def _close(ledger: Ledger | None) -> None:
    if ledger is not None:
        ledger.close()


def _look(desk: Desk) -> _Checked:
    settings = desk.settings
    renderer = open_renderer(settings)
    law = load_law(settings.folder)
    faults = [f"{fault.channel}: {fault}" for fault in renderer.compile_all(list(enabled(settings)))]
    channels = {}
    for channel in enabled(settings):
        try:
            channels[channel.name] = opened(channel, open_channel(settings, channel, desk.environ))
        except SettingsError as error:
            faults.append(str(error))
    return _Checked(settings, renderer, law, channels, tuple(faults))


def _all_dropped(paths: Sequence[Path], settings: IntakeSettings) -> list[Dropped]:
    found = []
    for path in paths:
        try:
            found += dropped(path, settings)
        except OSError as error:
            raise SettingsError(f"{path}: cannot be read ({error.strerror or error})") from error
    return found


def _check_facts(
    checked: _Checked, judged: Sequence[tuple[Dropped, Judged]], since: Mapping[str, datetime]
) -> dict[str, Any]:
    settings = checked.settings
    routing = [
        {"kind": row.kind, "class": row.project_class, "channels": row.cells}
        for row in describe_routing(settings.channels, day_of(system_clock()))
    ]
    return {
        "ok": not checked.faults,
        "practice": not settings.ledger.real,
        "settings": settings.folder,
        "data": settings.data,
        "approvals": settings.approvals_needed,
        "approval_rules": [rule.model_dump(mode="json") for rule in settings.approval.rules],
        "faults": checked.faults,
        "warnings": checked.warnings,
        "notes": settings.notes,
        "channels": [_channel_facts(checked, c.name) | {"since": since.get(c.name)} for c in enabled(settings)],
        "calendar_years": checked.law.calendar.years,
        "terms": len(checked.law.terms),
        "routing": routing,
        "names": {name: not settings.intake.is_litter(name) for name in SAMPLE_NAMES},
        "files": [_judged_facts(one, result) for one, result in judged],
    }


def _channel_facts(checked: _Checked, name: str) -> dict[str, Any]:
    settings = checked.settings.channel(name)
    facts = {"name": name, "title": settings.title, "tier": settings.tier, "opens": name in checked.channels}
    if name in checked.channels:
        able = checked.channels[name].capabilities
        facts |= {"fidelity": able.fidelity, "findable": able.findable, "asynchronous": able.asynchronous}
    return facts


def _judged_facts(one: Dropped, result: Judged) -> dict[str, Any]:
    return {
        "path": one.path,
        "outcome": result.outcome,
        "problems": [_problem(problem, "hold") for problem in result.problems],
        "warnings": [_problem(warning, "warn") for warning in result.warnings],
        "fields": dict(fields_for_staff(result.notice)) if result.notice else None,
        "channels": [
            {
                "channel": p.channel,
                "mandatory": p.mandatory,
                "deadline": p.deadline,
                "held": str(p.held) if p.held else None,
            }
            for p in result.planned
        ],
    }


def _problem(problem: Problem, severity: str) -> dict[str, Any]:
    told = {"reason": problem.reason, "detail": str(problem), "field": problem.field}
    return told | {"severity": severity, "rule": problem.rule, "place": problem.place}


def _rule_of(problem: Problem) -> str:
    """The id by which a rule is let go, behind the sentence; problems of no rule have none."""
    return f"〔{problem.rule}〕" if problem.rule else ""


def _say_check(
    checked: _Checked,
    judged: Sequence[tuple[Dropped, Judged]],
    since: Mapping[str, datetime],
    *,
    with_settings: bool,
) -> None:
    settings = checked.settings
    mark = words.practice_mark(settings.ledger.real)
    if with_settings:
        rules = f"（另有 {len(settings.approval.rules)} 条规定）" if settings.approval.rules else ""
        needed = f"每份公告需 {settings.approvals_needed} 人批准{rules}"
        say(f"设置：{settings.folder}　数据：{settings.data}{mark}　{needed}")
        for note in settings.notes:
            say(f"  {note}")
        years = checked.law.calendar.years
        say(f"法定期限规则 {len(checked.law.terms)} 条　工作日历 {years[0]} 至 {years[-1]} 年")
        say_channels(settings, checked.channels, since)
        say_routing(settings, day_of(system_clock()))
        for name in SAMPLE_NAMES:
            say(f"  {name}：{'忽略' if settings.intake.is_litter(name) else '收取'}")
        for warning in checked.warnings:
            say(f"提醒：{warning}")
    for fault in checked.faults:
        say(f"有误：{fault}")
    for one, result in judged:
        _say_judged(one, result, settings)
    if with_settings:
        say("检查通过" if not checked.faults else f"发现 {len(checked.faults)} 处错误")


def _say_judged(one: Dropped, result: Judged, settings: Settings) -> None:
    say(f"{one.path}：{words.OUTCOMES[result.outcome]}")
    for problem in result.problems:
        say(f"  问题：{problem}{_rule_of(problem)}")
    for warning in result.warnings:
        say(f"  提醒：{warning}{_rule_of(warning)}")
    for label, value in fields_for_staff(result.notice) if result.notice else ():
        say(f"  {label}：{value}")
    for plan in result.planned:
        must = "必发" if plan.mandatory else "选发"
        held = f"　暂停：{plan.held}" if plan.held else ""
        say(f"  → {settings.channel(plan.channel).title}（{must}）　限 {shown(plan.deadline)} 前{held}")


# ---- extract


def extract(desk: Desk, paths: Paths, as_json: Json = False) -> int:
    """Show the fields found in files（读取字段）; with --json one line per file."""
    law = load_law(desk.settings.folder)
    for one in _all_dropped(paths, desk.settings.intake):
        results = read(one, law)
        if as_json:
            say_json(_extract_facts(one, results))
        else:
            for result in results:
                _say_judged(one, result, desk.settings)
    return OK


def _extract_facts(one: Dropped, results: Sequence[Judged]) -> dict[str, Any]:
    facts: dict[str, Any] = {"path": one.path, "folder": one.path.absolute().parent.name}
    if len(results) == 1:
        return facts | _fields_facts(results[0])
    held = any(result.outcome is not IntakeState.ACCEPTED for result in results)
    outcome = IntakeState.HELD if held else IntakeState.ACCEPTED
    return facts | {"outcome": outcome, "notices": [_fields_facts(result) for result in results]}


def _fields_facts(result: Judged) -> dict[str, Any]:
    codes = [problem.reason.value for problem in (*result.problems, *result.warnings)]
    facts: dict[str, Any] = {"outcome": result.outcome}
    if result.outcome is IntakeState.RETURNED:
        return facts | {"because": codes[0], "problems": [str(problem) for problem in result.problems]}
    known = result.fields.get("warnings", ())
    return facts | {
        **result.fields,
        "outcome": result.outcome,
        "warnings": list(dict.fromkeys([*known, *codes])),
        "problems": [str(problem) for problem in result.problems],
        "places": result.places,
    }


# ---- preview


def preview(
    desk: Desk,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file, or a folder that is one notice.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where to (default: a new folder).")] = None,
    as_json: Json = False,
) -> int:
    """Write exactly the text that each channel would get into files（预览）. Sends nothing."""
    checked = _look(desk)
    if checked.faults:
        raise SettingsError("\n".join(checked.faults))
    target = out or Path(tempfile.mkdtemp(prefix="publisher-preview-"))
    accepted = True
    book = rule_book(checked.settings.folder)
    for one in _all_dropped([file], checked.settings.intake):
        now = system_clock()
        results = judge(one, now, checked.channels, checked.renderer, None, checked.law, book=book, now=now)
        for number, result in enumerate(results, 1):
            accepted &= result.outcome is IntakeState.ACCEPTED
            folder = target / str(number) if len(results) > 1 else target
            body = _write_body(result, folder)
            _write_preview(result, folder, checked, body, as_json)
            if result.problems and not as_json:
                _say_judged(one, result, checked.settings)
    return OK if accepted else NOT_DONE


def _write_body(result: Judged, folder: Path) -> Path | None:
    """The body as it leaves intake: cleaned, with its tables, before any template."""
    if result.notice is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "body.html"
    title = html.escape(result.notice.title, quote=False)
    head = f'<!doctype html>\n<meta charset="utf-8">\n<title>{title}</title>\n<style>{_BODY_STYLE}</style>\n'
    path.write_text(f"{head}<h1>{title}</h1>\n{result.notice.body_html}\n", encoding="utf-8")
    return path


_BODY_STYLE = (
    "body{font:16px/1.6 sans-serif;max-width:50em;margin:1em auto}"
    "td,th{border:1px solid;padding:.2em .5em}table{border-collapse:collapse}"
)


def _write_preview(result: Judged, folder: Path, checked: _Checked, body: Path | None, as_json: bool) -> None:
    if body is not None and not as_json:
        say(f"清理后的正文：{body}")
    for plan in result.planned:
        place = folder / plan.channel
        place.mkdir(parents=True, exist_ok=True)
        path = place / ("notice.html" if "html" in plan.rendition.media_type else "notice.txt")
        path.write_bytes(plan.rendition.content)
        attached = _write_attachments(result, place)
        title = checked.settings.channel(plan.channel).title
        seen, refused = _write_seen(result, plan, checked.channels[plan.channel].adapter, place)
        if as_json:
            facts = {"channel": plan.channel, "mandatory": plan.mandatory, "title": plan.rendition.title, "path": path}
            facts |= {"sha256": plan.rendition.sha256, "deadline": plan.deadline, "attachments": attached}
            facts |= {"body": body}
            say_json(facts | {"seen": seen, "refused": refused})
        else:
            say(f"{title}：{path}")
            if seen:
                say(f"{title}：显示出来的样子 {seen[0].parent}")
            if refused:
                say(f"{title}：{refused}")


def _write_seen(result: Judged, plan: Planned, adapter: AnyChannel, place: Path) -> tuple[list[Path], str]:
    """What an onlooker would see, where the channel can make it; or why it would refuse."""
    if not isinstance(adapter, Previews) or result.notice is None:
        return [], ""
    try:
        files = adapter.preview(Version("0", result.notice), plan.rendition)
    except ChannelError as error:
        return [], error.detail or ADVICE[error.reason]
    folder = place / "显示"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files], ""


def _write_attachments(result: Judged, place: Path) -> list[Path]:
    written = []
    for ref in result.notice.attachments if result.notice else ():
        if ref.sha256 in result.attachments:
            path = place / "附件" / Path(ref.name).name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(result.attachments[ref.sha256])
            written.append(path)
    return written


# ---- schema


def schema(desk: Desk) -> int:
    """Print the JSON Schema of a notice（公告的数据格式）."""
    say(json.dumps(Notice.model_json_schema(), ensure_ascii=False, indent=2))
    return OK
