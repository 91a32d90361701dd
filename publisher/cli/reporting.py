"""Commands that tell: status, show, log, count, gaps, overdue, tasks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

from publisher.app import Office
from publisher.cli import words
from publisher.cli.base import OK, USAGE, Desk, Json, Number, OneChannel, command
from publisher.cli.by_law import added_later, deadlines_of, say_legal
from publisher.cli.lives import instants, of_nothing
from publisher.cli.output import plain, say, say_json, say_table, shown
from publisher.cli.times import duration, span_of
from publisher.counts import queries, views
from publisher.counts.views import DeliveryView, NoticeView, Overview
from publisher.delivery import Operation, State
from publisher.errors import ADVICE, Reason
from publisher.ledger import intake_rows, routing_log
from publisher.ledger.channel_state import ALL
from publisher.legal import legal_rows
from publisher.settings import enabled
from publisher.wording import fields_for_staff, span

HEARTBEAT_FRESH = 30.0
"""Seconds after which a daemon that gave no sign of life is no longer taken for running."""


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "status", status)
    command(app, "show", show)
    command(app, "log", log)
    command(app, "count", count)
    command(app, "gaps", gaps)
    command(app, "overdue", overdue)
    command(app, "tasks", tasks)


# ---- status


def status(desk: Desk, as_json: Json = False) -> int:
    """Show what is where（总览）: today's count, states by channel, alarms, stops, and whether the daemon runs."""
    with desk.office() as office:
        with office.ledger.read() as conn:
            seen = views.overview(conn, office.ledger.clock(), office.ledger.real)
        if as_json:
            say_json(_status_facts(seen))
        else:
            _say_status(seen, office)
    return OK


def _runs(seen: Overview) -> bool:
    return seen.heartbeat_age is not None and seen.heartbeat_age <= HEARTBEAT_FRESH


def _status_facts(seen: Overview) -> dict[str, Any]:
    return {
        "now": seen.now,
        "practice": not seen.real,
        "running": _runs(seen),
        "heartbeat_age": seen.heartbeat_age,
        "today": {"publications": seen.today.publications, "notices": seen.today.notices},
        "intake": seen.intake,
        "deliveries": seen.deliveries,
        "waiting_approval": [one.number for one in seen.waiting_approval],
        "oldest_approval_seconds": _oldest(seen),
        "alarms": [
            {"cause": a.cause, "detail": a.detail, "channel": a.channel, "raised_at": a.raised_at} for a in seen.alarms
        ],
        "stops": [
            {"channel": s.channel, "since": s.stopped_at, "by": s.stopped_by, "reason": s.stop_reason}
            for s in seen.stops
        ],
        "silences": [
            {"channel": s.channel, "until": s.silent_until, "by": s.silent_by, "reason": s.silent_reason}
            for s in seen.silences
        ],
        "resting": [
            {"channel": s.channel, "since": s.open_since, "failures": s.failures, "next_probe": s.probe_at}
            for s in seen.resting
        ],
    }


def _oldest(seen: Overview) -> int | None:
    ages = [int((seen.now - one.since).total_seconds()) for one in seen.waiting_approval]
    return max(ages, default=None)


def _say_status(seen: Overview, office: Office) -> None:
    titles = office.titles
    say(f"{office.settings.office}{words.practice_mark(seen.real)}　{shown(seen.now)}")
    say(f"今日 {seen.today.publications} 件（按渠道计，公告 {seen.today.notices} 份），{_running_words(seen)}")
    for alarm in seen.alarms:
        say(f"警报（{shown(alarm.raised_at)} 起）：{alarm.detail}")
    for stop in seen.stops:
        since = f"（{shown(stop.stopped_at)} 起，{stop.stopped_by}）"
        say(f"已停止发送：{words.channel(stop.channel, titles)}{since}{stop.stop_reason}")
    for quiet in seen.silences:
        who = f"（{quiet.silent_by}）{quiet.silent_reason or ''}"
        say(f"维护静默：{words.channel(quiet.channel, titles)}，到 {shown(quiet.silent_until)} 自动恢复{who}")
    for channel in enabled(office.settings):
        opens = channel.opens_at(seen.now)
        if opens > seen.now and seen.deliveries.get(channel.name, {}).get(State.PENDING.value):
            say(f"不在发布时段：{channel.title}，{shown(opens)} 起发布")
    for resting in seen.resting:
        when = f"连续失败 {resting.failures} 次，下次试探 {shown(resting.probe_at)}"
        say(f"暂停试探中：{words.channel(resting.channel, titles)}，{when}")
    if seen.waiting_approval:
        waiting = (f"{one.number}（已等 {span(seen.now - one.since)}）" for one in seen.waiting_approval)
        say(f"等待批准：编号 {'、'.join(waiting)}")
    say("收件：" + ("，".join(f"{words.intake(s)} {n}" for s, n in seen.intake.items()) or "无"))
    say_table(["渠道", "情况"], _channel_rows(seen.deliveries, titles), empty="发布任务：无")


def _running_words(seen: Overview) -> str:
    if seen.heartbeat_age is None:
        return "程序未运行"
    if _runs(seen):
        return f"程序运行正常（{int(seen.heartbeat_age)} 秒前有心跳）"
    assert seen.daemon is not None  # a heartbeat has a daemon
    return f"程序可能已停止（最后心跳 {shown(seen.daemon.heartbeat_at)}）"


def _channel_rows(deliveries: Mapping[str, Mapping[str, int]], titles: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for channel, states in deliveries.items():
        yield words.channel(channel, titles), "，".join(f"{words.state(s)} {n}" for s, n in states.items())


# ---- show


def show(desk: Desk, number: Number, as_json: Json = False) -> int:
    """Show everything about one intake number（一份公告）: file, fields, deliveries with every try, log."""
    with desk.office() as office:
        with office.ledger.read() as conn:
            seen = views.one_notice(conn, number)
            since = routing_log.carries_since(conn)
        added = added_later(seen, office, since)
        if as_json:
            facts = _notice_facts(seen) | {"not_routed": added, "by_law": deadlines_of(seen, office)}
            say_json(facts | {"practice": not office.ledger.real})
        else:
            _say_notice(seen, office)
            for name, when in added.items():
                where = words.channel(name, office.titles)
                say(f"未发往 {where}：该渠道 {shown(when)} 起承接此类公告，本公告受理在先，不再补发")
            for one in deadlines_of(seen, office):
                say(f"法定期限：{one.what}　{shown(one.at)} 前（{one.source}，规则 {one.rule}）")
    return OK


def _notice_facts(seen: NoticeView) -> dict[str, Any]:
    unseen = {"body_html", "text"}
    return {
        "number": seen.number,
        "intake": _intake_facts(seen.intake),
        "rows": [_intake_facts(row) for row in seen.rows],
        "fields": seen.notice.model_dump(mode="json", exclude_none=True, exclude=unseen) if seen.notice else None,
        "approvals": [{"by": a.by, "account": a.account, "at": a.given_at} for a in seen.approvals],
        "deliveries": [_delivery_facts(one) for one in seen.deliveries],
        "log": [_log_facts(row) for row in seen.log],
    }


def _intake_facts(row: Any) -> dict[str, Any]:
    return {
        "number": intake_rows.number_of(row),
        "file": row.file_name,
        "sha256": row.sha256,
        "state": row.state,
        "reason": row.reason,
        "problems": [str(problem) for problem in intake_rows.problems_of(row.problems)],
        "warnings": [str(warning) for warning in intake_rows.problems_of(row.warnings)],
        "place": row.place,
        "place_name": row.place_name,
        "claimed_at": row.claimed_at,
        "decided_at": row.decided_at,
    }


_DELIVERY = (
    "channel",
    "operation",
    "mandatory",
    "state",
    "waits_for",
    "reason",
    "detail",
    "delivery_key",
    "deadline",
    "publish_at",
    "next_at",
    "visible_since",
    "channel_number",
    "url",
    "shown_digest",
    "rendition_sha256",
    "approvals_needed",
    "reason_given",
    "changed_at",
)
_ATTEMPT = ("id", "call", "started_at", "ended_at", "outcome", "reason", "detail", "evidence", "request_digest")
_OBSERVATION = ("started_at", "ended_at", "finding", "detail", "digest")
_TASK = ("what", "text", "opened_at", "done_at", "done_by")


def _chosen(row: Any, names: Sequence[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _delivery_facts(one: DeliveryView) -> dict[str, Any]:
    return _chosen(one.row, _DELIVERY) | {
        "attempts": [_chosen(row, _ATTEMPT) for row in one.attempts],
        "observations": [_chosen(row, _OBSERVATION) for row in one.observations],
        "tasks": [_chosen(row, _TASK) for row in one.tasks],
    }


def _say_notice(seen: NoticeView, office: Office) -> None:
    row = seen.intake
    say(f"编号 {seen.number}{words.practice_mark(office.ledger.real)}　{row.file_name}　{words.intake(row.state)}")
    say(f"收到 {shown(row.claimed_at)}　SHA-256 {row.sha256}")
    for one in (row, *seen.rows):
        for problem in (*intake_rows.problems_of(one.problems), *intake_rows.problems_of(one.warnings)):
            say(f"  {intake_rows.number_of(one)}：{problem}")
    for label, value in fields_for_staff(seen.notice) if seen.notice else ():
        say(f"  {label}：{value}")
    for approval in seen.approvals:
        say(f"批准：{approval.by}（{approval.account}）{shown(approval.given_at)}")
    for delivery in seen.deliveries:
        _say_delivery(delivery, office)
    say("日志")
    _say_log(seen.log, office)


def _say_delivery(one: DeliveryView, office: Office) -> None:
    row = one.row
    must = "必发" if row.mandatory else "选发"
    act = words.OPERATIONS[Operation(row.operation)]
    where = f"{words.channel(row.channel, office.titles)}（{must}）{act}"
    say(f"{where}：{words.state_of(row)}" + ("" if act else f"　限 {shown(row.deadline)} 前"))
    if row.reason_given:
        say(f"  理由：{row.reason_given}")
    if row.visible_since is not None:
        say(f"  公开于 {shown(row.visible_since)}　编号 {row.channel_number or '—'}　{row.url or ''}")
    if row.reason is not None:
        say(f"  {row.detail or ADVICE[Reason(row.reason)]}")
    for count, attempt in enumerate(one.attempts, 1):
        said = "　".join(
            filter(None, [words.outcome(attempt.outcome), attempt.reason, attempt.detail, attempt.evidence])
        )
        say(f"  第 {count} 次调用 {shown(attempt.started_at)}　{said}")
    for asked in one.observations:
        said = "　".join(filter(None, [words.finding(asked.finding), asked.detail]))
        say(f"  查询 {shown(asked.started_at)}　{said}")
    for todo in one.tasks:
        if todo.done_at is None:
            say(f"  待办：{todo.what}")


# ---- log


def log(
    desk: Desk,
    last: Annotated[int, typer.Option("--last", metavar="K", min=1, help="How many rows, from the end.")] = 50,
    number: Annotated[str | None, typer.Option("--number", metavar="N", help="Of this intake number only.")] = None,
    channel: OneChannel = None,
    as_json: Json = False,
) -> int:
    """Show the end of the publication log（发布日志）; with --json one row per line, hash included."""
    with desk.office() as office:
        with office.ledger.read() as conn:
            if number is not None:
                intake_rows.of_number(conn, number)
            known = {*office.titles, *views.channels_used(conn), ALL} if channel is not None else set()
            rows = views.log_rows(conn, last=last, number=number, channel=channel)
        if channel is not None and channel not in known:
            typer.echo(f"--channel {channel}: no such channel; known are {', '.join(sorted(known))}", err=True)
            return USAGE
        if as_json:
            for row in rows:
                say_json(_log_facts(row) | {"practice": not office.ledger.real})
        else:
            _say_log(rows, office)
    return OK


def _log_facts(row: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(row.payload)
    return body | {"hash": row.hash}


def _say_log(rows: Sequence[Any], office: Office) -> None:
    heads = ["行", "时间", "编号", "渠道", "事项", "计数", "经办", "说明"]
    say_table(heads, (_log_cells(row, office.titles) for row in rows))


def _log_cells(row: Any, titles: Mapping[str, str]) -> tuple[object, ...]:
    data = json.loads(row.payload).get("data", {})
    told = data.get("detail") or data.get("why") or data.get("reason") or data.get("channel_number") or data.get("file")
    weight = f"{row.weight:+d}（{row.visible_day}）" if row.weight else ""
    where = words.channel(row.channel, titles)
    return row.seq, row.recorded_at, row.number, where, words.event(row.event), weight, row.by, told


# ---- count


def count(
    desk: Desk,
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="GROUPS", help=f"Repeatable or comma-separated: {', '.join(queries.GROUPS)}."),
    ] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DAY", help="First day; also YYYY-MM or YYYY.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="Last day; also YYYY-MM or YYYY.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="T", help="As recorded by this instant, or by the end of this day.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List every publication that is counted.")] = False,
    explained: Annotated[
        bool, typer.Option("--explain", help="Print the rows of the log (their numbers) behind each figure.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Count publications and distinct notices（统计）, by visible day in local time."""
    named = (name.strip() for part in by or ["channel"] for name in part.split(","))
    groups = list(dict.fromkeys(name for name in named if name))
    if unknown := [name for name in groups if name not in queries.GROUPS]:
        typer.echo(f"--by {unknown[0]}: unknown group; known are {', '.join(queries.GROUPS)}", err=True)
        return USAGE
    with desk.office() as office:
        span = span_of(first, last, as_of, office.ledger.clock())
        with office.ledger.read() as conn:
            tally = queries.count(conn, groups, span)
            rows = queries.publications(conn, span) if listed else []
            behind = queries.explain(conn, groups, span) if explained else ()
            begin, end = instants(span, office.ledger.clock())
            lives = views.lives(conn, begin, end)
        if as_json:
            facts = _count_facts(tally, rows, listed, office)
            say_json(facts | {"ran": lives} | ({"explain": _explain_facts(tally.by, behind)} if explained else {}))
        else:
            _say_count(tally, rows, listed, office)
            if not tally.publications:
                say(of_nothing(lives, begin, end))
            if explained:
                _say_explained(tally.by, behind, office)
    return OK


_FIGURES = ("publications", "notices", "corrections", "withdrawals")
_ROWS = {"added": "发布", "subtracted": "减去", "notices": "公告", "corrections": "更新", "withdrawals": "撤回"}


def _explain_facts(by: Sequence[str], behind: Sequence[queries.Behind]) -> list[dict[str, Any]]:
    return [dict(zip(by, one.key, strict=True)) | {name: getattr(one, name) for name in _ROWS} for one in behind]


def _say_explained(by: Sequence[str], behind: Sequence[queries.Behind], office: Office) -> None:
    say("各数所据的日志行号（可用 publisher log 或 export 核对）：")
    for one in behind:
        keys = (words.group(name, value, office.titles) for name, value in zip(by, one.key, strict=True))
        say("　".join(keys) or "合计")
        for name, label in _ROWS.items():
            if seqs := getattr(one, name):
                say(f"  {label} {len(seqs)}：{'、'.join(map(str, seqs))}")


def _count_facts(tally: queries.Tally, rows: Sequence[Any], listed: bool, office: Office) -> dict[str, Any]:
    groups = [
        dict(zip(tally.by, row.key, strict=True)) | {name: getattr(row, name) for name in _FIGURES}
        for row in tally.rows
    ]
    facts = {"practice": not office.ledger.real, "by": tally.by, "rows": groups}
    facts |= {name: getattr(tally, name) for name in _FIGURES}
    return facts | ({"list": [plain(row) for row in rows]} if listed else {})


def _say_count(tally: queries.Tally, rows: Sequence[Any], listed: bool, office: Office) -> None:
    titles = office.titles
    say(f"发布统计{words.practice_mark(office.ledger.real)}")
    heads = [*(words.GROUPS[name] for name in tally.by), "发布（按渠道计）", "公告（不重复）", "更新", "撤回"]
    cells = [
        (
            *(words.group(n, v, titles) for n, v in zip(tally.by, row.key, strict=True)),
            *(getattr(row, name) for name in _FIGURES),
        )
        for row in tally.rows
    ]
    say_table(heads, cells)
    if listed:
        say_table(
            ["公开日", "编号", "渠道", "渠道编号", "标题"],
            ((r.visible_day, r.number, words.channel(r.channel, titles), r.channel_number, r.title) for r in rows),
        )
    acts = f"，更新 {tally.corrections}，撤回 {tally.withdrawals}" if tally.corrections or tally.withdrawals else ""
    say(f"合计：发布 {tally.publications}，公告 {tally.notices}{acts}")


# ---- gaps, overdue, tasks


def gaps(desk: Desk, as_json: Json = False) -> int:
    """List mandatory channels that lack a notice（缺口）."""
    with desk.office() as office:
        with office.ledger.read() as conn:
            rows = queries.gaps(conn, office.ledger.clock())
        _list_deliveries(rows, office, as_json, "没有缺口：必发渠道均已发布")
    return OK


def overdue(
    desk: Desk,
    ahead: Annotated[
        str,
        typer.Option("--ahead", metavar="TIME", help="Legal deadlines within this time too."),
    ] = "1d",
    as_json: Json = False,
) -> int:
    """List what is not public although its deadline is over（逾期）, and legal deadlines that are over or near."""
    with desk.office() as office:
        now, near = office.ledger.clock(), duration(ahead, "--ahead")
        with office.ledger.read() as conn:
            rows = queries.overdue(conn, now)
            by_law = legal_rows(conn, office.law, office.settings.channels, now, ahead=near)
        _list_deliveries(rows, office, as_json, "没有逾期")
        if as_json:
            for one in by_law:
                say_json(plain(one) | {"legal": True, "practice": not office.ledger.real})
        elif by_law:
            say_legal(by_law, office)
    return OK


def _list_deliveries(rows: Sequence[Any], office: Office, as_json: bool, empty: str) -> None:
    if as_json:
        for row in rows:
            say_json(plain(row) | {"practice": not office.ledger.real})
        return
    cells = (
        (
            row.number,
            words.channel(row.channel, office.titles),
            words.state(row.state, row.waits_for),
            row.deadline,
            row.detail or (ADVICE[Reason(row.reason)] if row.reason else ""),
            row.title,
        )
        for row in rows
    )
    say_table(["编号", "渠道", "情况", "期限", "说明", "标题"], cells, empty)


def tasks(
    desk: Desk,
    number: Annotated[str | None, typer.Argument(metavar="N", help="Only of this notice, in full.")] = None,
    as_json: Json = False,
) -> int:
    """List what a person must do（待办）; with a number in full, with the sheet to copy from."""
    with desk.office() as office:
        with office.ledger.read() as conn:
            if number is not None:
                intake_rows.of_number(conn, number)
            rows = [row for row in queries.tasks(conn) if number in (None, row.number)]
        if as_json:
            for row in rows:
                say_json(plain(row) | {"practice": not office.ledger.real})
            return OK
        if number is not None:
            _say_tasks(rows, number, office)
            return OK
        cells = (
            (
                row.number,
                words.channel(row.channel, office.titles),
                row.what,
                (row.text or "").partition("\n")[0],
                row.opened_at,
                row.title,
            )
            for row in rows
        )
        say_table(["编号", "渠道", "要做什么", "内容", "起始", "标题"], cells, "没有待办")
    return OK


def _say_tasks(rows: Sequence[Any], number: str, office: Office) -> None:
    """Every open task of a notice, as it is copied from and confirmed."""
    for row in rows:
        say(f"{words.channel(row.channel, office.titles)}：{row.what}")
        say(row.text or "")
        say("")
        confirm = f"publisher confirm {number} --channel {row.channel}"
        say(f"完成后：{confirm} --number 网站编号 --url 网址 --proof 凭据 --by 姓名")
        say("")
    if not rows:
        say(f"{number} 没有待办")
