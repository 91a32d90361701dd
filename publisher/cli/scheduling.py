"""Commands about waiting: the queue for approval, another instant, a channel's maintenance."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from publisher.app import Office
from publisher.cli import words
from publisher.cli.base import OK, By, Desk, Json, Number, Why, command
from publisher.cli.output import say, say_json, say_table, shown
from publisher.cli.times import instant
from publisher.counts import waiting
from publisher.counts.waiting import Unapproved
from publisher.errors import NotAllowed, SettingsError
from publisher.ledger import channel_state, schedule
from publisher.ledger.acts import Told
from publisher.ledger.deliveries import Delivery
from publisher.wording import moment, span


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "approvals", approvals)
    command(app, "reschedule", reschedule)
    command(app, "silence", silence)


# ---- the queue for approval


def approvals(desk: Desk, as_json: Json = False) -> int:
    """List what waits for approval, for how long, and what is late for it（待批准）."""
    with desk.office() as office:
        now = office.ledger.clock()
        with office.ledger.read() as conn:
            queue = waiting.approvals(conn)
        if as_json:
            for one in queue:
                say_json(_facts(one, now) | {"practice": not office.ledger.real})
            return OK
        rows = [_cells(one, office, now) for one in queue]
        say_table(["编号", "标题", "渠道", "已等", "还差", "已批准", "情况"], rows, empty="没有等待批准的公告")
    return OK


def _facts(one: Unapproved, now: datetime) -> dict[str, Any]:
    return {
        "number": one.number,
        "title": one.title,
        "channels": one.channels,
        "since": one.since,
        "age_seconds": int((now - one.since).total_seconds()),
        "missing": one.missing,
        "approved_by": one.approved_by,
        "publish_at": one.publish_at,
        "deadline": one.deadline,
        "late": one.is_late(now),
    }


def _cells(one: Unapproved, office: Office, now: datetime) -> tuple[object, ...]:
    channels = "、".join(words.channel(name, office.titles) for name in one.channels)
    when = f"指定 {shown(one.publish_at)}" if one.publish_at else f"限 {shown(one.deadline)} 前"
    late = "，已过时间，等待批准" if one.is_late(now) else ""
    by = "、".join(one.approved_by)
    return one.number, one.title, channels, span(now - one.since), f"{one.missing} 人", by, f"{when}{late}"


# ---- another instant


def reschedule(
    desk: Desk,
    number: Number,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it stands in the log.")],
    at: Annotated[str | None, typer.Option("--at", metavar="T", help='Such as "2017-12-05 15:00".')] = None,
    now: Annotated[bool, typer.Option("--now", help="Publish at once（立即发布）.")] = False,
    by: By = None,
    as_json: Json = False,
) -> int:
    """Publish at another instant（改期）, on all channels or none: refused once one of them has it."""
    if at is None and not now:
        raise SettingsError('say when: --at "2017-12-05 15:00", or --now')
    with desk.office() as office:
        present = office.ledger.clock()
        wished = instant(at, "--at") if at is not None else present
        if wished <= present and not now:
            raise NotAllowed(f"所定时间 {moment(wished)} 已过。立即发布？确要立即发布请加 --now")
        with office.ledger.write() as tx:
            rows = schedule.reschedule(tx, number, max(wished, tx.now), desk.person(by), reason)
        for row in rows:
            told = Told(row.number, row.channel, _when(row, office, max(wished, present)))
            if as_json:
                say_json(told)
            else:
                say(f"{told.number}　{words.channel(told.channel, office.titles)}：{told.said}")
    return OK


def _when(row: Delivery, office: Office, at: datetime) -> str:
    said = f"改为 {moment(at)} 发布"
    if row.channel in office.titles:
        opens = office.settings.channel(row.channel).opens_at(at)
        said += f"，该渠道到 {moment(opens)} 才到发布时段" if opens > at else ""
    if row.waits_for is not None and row.waits_for != "time":
        said += f"（{words.state_of(row)}）"
    return said


# ---- maintenance


def silence(
    desk: Desk,
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="The channel.")],
    until: Annotated[str | None, typer.Option("--until", metavar="T", help='Such as "2017-12-05 08:00".')] = None,
    end: Annotated[bool, typer.Option("--end", help="End the silence now（提前结束）.")] = False,
    by: By = None,
    reason: Why = "",
    as_json: Json = False,
) -> int:
    """Make no call to a channel before an instant（维护静默）; it ends by itself, or with --end."""
    if (until is None) is not end:
        raise SettingsError('say either --until "2017-12-05 08:00" or --end')
    with desk.office() as office:
        office.settings.channel(channel)
        person = desk.person(by)
        if until is None:
            with office.ledger.write() as tx:
                if not channel_state.end_silence(tx, channel, person.by, reason, person.account):
                    raise NotAllowed(f"{words.channel(channel, office.titles)}没有在静默中")
            said = "静默已结束，恢复发送和查询"
        else:
            ends = instant(until, "--until")
            with office.ledger.write() as tx:
                if ends <= tx.now:
                    raise NotAllowed(f"所定时间 {moment(ends)} 已过，请写以后的时间")
                channel_state.silence(tx, channel, ends, person.by, reason, person.account)
            said = f"到 {moment(ends)} 为止不发送、不查询，届时自动恢复"
        if as_json:
            say_json({"channel": channel, "said": said})
        else:
            say(f"{words.channel(channel, office.titles)}：{said}")
    return OK
