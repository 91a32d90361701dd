"""The legal clock over the ledger: which notices are late by law, and which displays lateness has made too short."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Literal

from publisher.counts import standing
from publisher.ledger import alarms
from publisher.ledger.contents import read_notice
from publisher.ledger.store import Connection, Ledger
from publisher.notice import Notice, ProjectClass
from publisher.rules.calendar import UnknownYear, end_of
from publisher.rules.clock import LegalDeadline, publish_by, shortened
from publisher.rules.terms import Law, day_of
from publisher.settings import ChannelSettings

LOOK_BACK = timedelta(days=60)
"""How long ago a late publication may have been for its display to be looked at: no display is longer."""


@dataclass(frozen=True, slots=True)
class LegalRow:
    """One legal deadline that is over or near, or one display that is too short on one channel.

    `state`: `overdue` (not public on the designated medium, and the day is over), `due` (not public yet), `short` (a
    mandatory channel shows it so late that its printed span is too short). `channel` is set for `short` only.
    """

    state: Literal["overdue", "due", "short"]
    number: str
    title: str
    rule: str
    what: str
    at: datetime
    source: str
    sure: str
    notice_id: int
    channel: str | None = None


def legal_rows(
    conn: Connection, law: Law, channels: Sequence[ChannelSettings], now: datetime, *, ahead: timedelta
) -> list[LegalRow]:
    """Everything that is late by law or will be within `ahead`, the earliest first."""
    rows = standing.late_or_open(conn, now + ahead, now - LOOK_BACK)
    first = _first_visible(conn, rows, channels)
    found: list[LegalRow] = []
    for notice_id, group in groupby(rows, key=lambda row: row.notice_id):
        deliveries = list(group)
        content = read_notice(conn, deliveries[-1].version_id)
        if notice_id not in first:
            found += _not_public(deliveries[-1], content, law, now, ahead)
        found += _short(deliveries, content, law, now)
    return sorted(found, key=lambda row: (row.at, row.number, row.rule))


def _first_visible(
    conn: Connection, rows: Sequence[Any], channels: Sequence[ChannelSettings]
) -> Mapping[int, datetime]:
    """When each notice was first visible on the designated medium of its class; with none named, on any mandatory."""
    by_class: dict[str, set[int]] = {}
    for row in rows:
        by_class.setdefault(row.project_class, set()).add(row.notice_id)
    found: dict[int, datetime] = {}
    for project_class, ids in by_class.items():
        found |= standing.first_visible(conn, ids, designated(channels, project_class) or None)
    return found


def designated(channels: Sequence[ChannelSettings], project_class: str) -> list[str]:
    """The channels that are designated media for a project class, by name."""
    return [c.name for c in channels if c.enabled and ProjectClass(project_class) in c.designated_for]


def _not_public(row: Any, content: Notice, law: Law, now: datetime, ahead: timedelta) -> Iterable[LegalRow]:
    for one in publish_by(content, law, day_of(now)).deadlines:
        if one.at <= now + ahead:
            yield _row("overdue" if one.at <= now else "due", row, one)


def _row(state: Literal["overdue", "due"], row: Any, one: LegalDeadline) -> LegalRow:
    return LegalRow(state, row.number, row.title, one.rule, one.what, one.at, one.source, one.sure, row.notice_id)


def _short(deliveries: Sequence[Any], content: Notice, law: Law, now: datetime) -> Iterable[LegalRow]:
    for row in deliveries:
        for one in shortened(content, law, day_of(row.visible_since or now)):
            if end_of(one.ends_on) > now:
                what = f"{one.term.label}：{one.visible} 公开，至 {one.ends_on} 不足，依法应到 {one.until}"
                at, term = end_of(one.ends_on), one.term
                yield LegalRow(
                    "short",
                    row.number,
                    row.title,
                    term.id,
                    what,
                    at,
                    term.source,
                    term.sure,
                    row.notice_id,
                    row.channel,
                )


# ---- alarms


def look(ledger: Ledger, law: Law, channels: Sequence[ChannelSettings], now: datetime) -> None:
    """Raise and clear the alarms `display_short:<notice>`, and clear `calendar` once the coming month is known."""
    with ledger.read() as conn:
        short = [row for row in legal_rows(conn, law, channels, now, ahead=timedelta(0)) if row.state == "short"]
        standing_now = {row.cause for row in alarms.standing(conn)}
    wanted: dict[str, LegalRow] = {}
    for row in short:
        wanted.setdefault(f"{row.notice_id}", row)
    over = [
        cause for cause in standing_now if cause.startswith("display_short:") and cause.partition(":")[2] not in wanted
    ]
    known = "calendar" in standing_now and not _months_ahead_unknown(law, now)
    if all(f"display_short:{key}" in standing_now for key in wanted) and not over and not known:
        return
    with ledger.write() as tx:
        for key, row in wanted.items():
            detail = f"编号 {row.number} 在 {_title(row.channel, channels)} 公开过迟：{row.what}"
            alarms.raise_alarm(tx, f"display_short:{key}", detail, row.channel)
        for cause in over:
            alarms.clear_alarm(tx, cause, "公示已结束或已另行更正")
        if known:
            alarms.clear_alarm(tx, "calendar", "工作日历已补充")


def _title(name: str | None, channels: Sequence[ChannelSettings]) -> str:
    return next((channel.title for channel in channels if channel.name == name), name or "")


def _months_ahead_unknown(law: Law, now: datetime) -> bool:
    ahead = day_of(now) + timedelta(days=60)
    return isinstance(law.calendar.is_working(ahead), UnknownYear)
