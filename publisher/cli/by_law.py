"""What the law says of a notice, for `overdue` and `show`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from publisher.app import Office
from publisher.cli import words
from publisher.cli.output import say, say_table
from publisher.counts.views import NoticeView
from publisher.legal import LegalRow, designated
from publisher.rules.clock import LegalDeadline, publish_by, stand_until
from publisher.rules.routing import route
from publisher.rules.terms import day_of

_BY_LAW = {
    "overdue": "已逾期",
    "due": "即将到期",
    "late": "曾逾期公开",
    "short": "公示缩短",
    "cut": "提前撤下",
    "no_result": "缺结果公告",
}


def say_legal(rows: Sequence[LegalRow], office: Office) -> None:
    """The legal deadlines that are over or near, as a table."""
    say("法定期限")
    heads = ["编号", "期限", "情况", "事项", "渠道", "依据", "标题"]
    cells = (
        (r.number, r.at, _BY_LAW[r.state], r.what, _where(r, office), f"{r.source}（{r.rule}）", r.title) for r in rows
    )
    say_table(heads, cells)


def _where(row: LegalRow, office: Office) -> str:
    return words.channel(row.channel, office.titles) if row.channel else "指定媒介"


def added_later(seen: NoticeView, office: Office, since: Mapping[str, datetime]) -> dict[str, datetime]:
    """Channels that would carry such a notice and were added after it was accepted: they do not get it."""
    decided = seen.intake.decided_at
    if seen.notice is None or decided is None:
        return {}
    has = {one.row.channel for one in seen.deliveries}
    routed = [one.channel.name for one in route(seen.notice, office.settings.channels, day_of(decided))]
    return {name: since[name] for name in routed if name not in has and name in since and since[name] > decided}


def deadlines_of(seen: NoticeView, office: Office) -> list[LegalDeadline]:
    """By when the law has the notice public; once it is, until when it must stand."""
    if seen.notice is None or not seen.deliveries:
        return []
    named = designated(office.settings.channels, seen.notice.project_class.value)
    visible = [
        one.row.visible_since
        for one in seen.deliveries
        if one.row.visible_since is not None and (one.row.channel in named if named else one.row.mandatory)
    ]
    if visible:
        return list(stand_until(seen.notice, office.law, day_of(min(visible))).deadlines)
    return list(publish_by(seen.notice, office.law, day_of(seen.intake.claimed_at)).deadlines)
