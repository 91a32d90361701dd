"""The legal clock over the ledger: what is late by law, was late, is shown too short, or lacks its result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, Literal

from publisher.counts import standing
from publisher.ledger import alarms
from publisher.ledger.contents import read_notice
from publisher.ledger.store import Connection, Ledger
from publisher.notice import LOCAL, Form, Kind, Notice, ProjectClass
from publisher.rules.calendar import UnknownYear, end_of
from publisher.rules.clock import LegalDeadline, publish_by, result_by, shortened, stand_until
from publisher.rules.terms import Law, day_of
from publisher.settings import ChannelSettings

LOOK_BACK = timedelta(days=60)
"""How long ago a late publication may have been for its display to be looked at: no display is longer."""


@dataclass(frozen=True, slots=True)
class LegalRow:
    """One legal deadline that is over or near, or one display that is too short on one channel.

    `state`: `overdue` (not public on the designated medium, and the day is over), `due` (not public yet), `late`
    (public on the designated medium after its day), `short` (a mandatory channel shows it so late that its printed
    span is too short), `cut` (the designated medium shows it no more, before it had stood its time), `no_result` (its
    result is not public, and the day for it is over). `channel` is set for `short` and `cut` only.
    """

    state: Literal["overdue", "due", "late", "short", "cut", "no_result"]
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
    """Everything that is late by law or will be within `ahead`, or was late within `LOOK_BACK`; the earliest first."""
    rows = standing.late_or_open(conn, now + ahead, now - LOOK_BACK)
    first = _first_visible(conn, rows, channels)
    found: list[LegalRow] = []
    for notice_id, group in groupby(rows, key=lambda row: row.notice_id):
        deliveries = list(group)
        content = read_notice(conn, deliveries[-1].version_id)
        short = list(_short(deliveries, content, law, now))
        found += short
        if notice_id not in first:
            found += _not_public(deliveries[-1], content, law, now, ahead)
        else:
            said = {row.rule for row in short}
            found += (r for r in _late(deliveries[-1], content, law, first[notice_id]) if r.rule not in said)
    found += [*_cut(conn, law, channels, now), *without_result(conn, law, now)]
    return sorted(found, key=lambda row: (row.at, row.number, row.rule))


def short_displays(conn: Connection, law: Law, now: datetime) -> list[LegalRow]:
    """The displays on mandatory channels that lateness makes too short and that are not over yet."""
    rows = standing.late_or_open(conn, now, now - LOOK_BACK)
    found: list[LegalRow] = []
    for _, group in groupby(rows, key=lambda row: row.notice_id):
        deliveries = list(group)
        found += _short(deliveries, read_notice(conn, deliveries[-1].version_id), law, now)
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


def _late(row: Any, content: Notice, law: Law, visible: datetime) -> Iterable[LegalRow]:
    for one in publish_by(content, law, day_of(visible)).deadlines:
        if one.at < visible:
            what = f"{one.what}：{visible.astimezone(LOCAL):%Y-%m-%d %H:%M} 才公开"
            yield _row("late", row, replace(one, what=what))


def _row(
    state: Literal["overdue", "due", "late", "cut", "no_result"],
    row: Any,
    one: LegalDeadline,
    channel: str | None = None,
) -> LegalRow:
    return LegalRow(
        state, row.number, row.title, one.rule, one.what, one.at, one.source, one.sure, row.notice_id, channel
    )


def _cut(conn: Connection, law: Law, channels: Sequence[ChannelSettings], now: datetime) -> Iterable[LegalRow]:
    """What was taken off a designated medium before it had stood its time."""
    named = {name for project_class in ProjectClass for name in designated(channels, project_class.value)}
    for row in standing.ended(conn, now - LOOK_BACK, named):
        content = read_notice(conn, row.version_id)
        mine = designated(channels, content.project_class.value)
        if mine and row.channel not in mine:
            continue
        until = stand_until(content, law, day_of(row.visible_since)).deadlines
        longest = max(until, key=lambda one: one.at, default=None)
        if longest is not None and row.changed_at < longest.at:
            what = f"{longest.what}：{row.changed_at.astimezone(LOCAL):%Y-%m-%d %H:%M} 已撤下，未满期"
            yield _row("cut", row, replace(longest, what=what), row.channel)


# ---- results that are not there


def without_result(conn: Connection, law: Law, now: datetime) -> Iterable[LegalRow]:
    """Notices whose result should be public by now and is not, for a lot or for the whole.

    What ends or stops the project (termination, failure, suspension, a new round) is an answer too.
    """
    forms = {form for term in law.terms if term.to == "result_published" for form in term.forms or tuple(Form)}
    for row in standing.public_of(conn, [form.value for form in forms], now - LOOK_BACK):
        content = read_notice(conn, row.version_id)
        after = [
            (read_notice(conn, one.version_id), one.visible_since)
            for one in standing.after_in_project(conn, row.project, row.notice_id)
        ]
        if any(_ends(one, content) for one, _ in after):
            continue
        moved = [
            one.dates.bid_deadline for one, _ in after if one.kind is Kind.CHANGE_NOTICE and one.dates.bid_deadline
        ]
        if moved:
            content = content.model_copy(update={"dates": content.dates.model_copy(update={"bid_deadline": moved[-1]})})
        results = [one for one, visible in after if one.kind is Kind.AWARD_RESULT and visible is not None]
        if _covered(content, results):
            continue
        for one in result_by(content, law, day_of(row.created_at)).deadlines:
            if one.at <= now:
                yield _row("no_result", row, one)


def _ends(one: Notice, announced: Notice) -> bool:
    return one.form in (Form.TERMINATION, Form.FAILED_TENDER, Form.SUSPENSION) or one.round > announced.round


def _covered(announced: Notice, results: Sequence[Notice]) -> bool:
    """Whether the results speak of all its lots; one without lots speaks of all."""
    lots = {lot.no for lot in announced.lots}
    told = [{lot.no for lot in one.lots} for one in results]
    return any(not one for one in told) or bool(told and lots <= set().union(*told))


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
        short = short_displays(conn, law, now)
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
