"""Counts are sums over the publication log; what is open is read from deliveries and tasks.

The statements are the same on SQLite and PostgreSQL. A period counts `visible_day` (local days); `as_of`
takes rows recorded by that instant, so that a figure once reported can be drawn again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, Subquery, func, or_, select

from publisher.delivery import STANDS, Operation, State
from publisher.ledger.tables import delivery, notice, publication_log, task

_log = publication_log.c
_FIXED = {
    "channel": _log.channel,
    "kind": _log.kind,
    "tier": _log.tier,
    "form": _log.form,
    "class": _log.project_class,
}
_PERIODS = {"day": 10, "month": 7, "year": 4}
"""Period → how many characters of `YYYY-MM-DD` name it."""

GROUPS = (*_FIXED, *_PERIODS)
"""What can be counted by."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows count: visible from `first` to `last` (local days, both included), recorded by `as_of`."""

    first: date | None = None
    last: date | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """One group: publications on channels, and distinct notices among them."""

    key: tuple[str, ...]
    publications: int
    notices: int


@dataclass(frozen=True, slots=True)
class Tally:
    """The groups in order of their keys, and the totals.

    Publications add up over any grouping. Notices add up over kinds, forms, classes and periods; over channels
    and tiers they do not, because one notice stands on several.
    """

    by: tuple[str, ...]
    rows: tuple[Counted, ...]
    publications: int
    notices: int


def count(conn: Connection, by: Sequence[str] = (), span: Span | None = None) -> Tally:
    """Publications and distinct notices by the given groups.

    A notice counts once in each group of channels and the like, in the smallest visible day still standing there.
    Raises ValueError for a group that is not one of `GROUPS`.
    """
    unknown = [name for name in by if name not in GROUPS]
    if unknown:
        raise ValueError(f"cannot be counted by {unknown[0]}; known are {', '.join(GROUPS)}")
    chosen = span or Span()
    publications = _by_key(conn, _publications(by, chosen), by)
    notices = _by_key(conn, _notices(by, chosen), by)
    rows = [Counted(key, publications[key], notices.get(key, 0)) for key in sorted(publications) if publications[key]]
    total = _by_key(conn, _notices((), chosen), ())
    return Tally(tuple(by), tuple(rows), sum(row.publications for row in rows), total.get((), 0))


def _by_key(conn: Connection, query: Select[Any], by: Sequence[str]) -> dict[tuple[str, ...], int]:
    return {tuple(str(part) for part in row[: len(by)]): int(row[len(by)] or 0) for row in conn.execute(query)}


def _weighted(span: Span, *, with_days: bool) -> list[Any]:
    """Which rows of the log count at all."""
    wanted = [_log.weight != 0]
    if span.as_of is not None:
        wanted.append(_log.recorded_at <= span.as_of)
    return wanted + (_days(_log.visible_day, span) if with_days else [])


def _days(column: Any, span: Span) -> list[Any]:
    first = [column >= span.first.isoformat()] if span.first is not None else []
    return first + ([column <= span.last.isoformat()] if span.last is not None else [])


def _publications(by: Sequence[str], span: Span) -> Select[Any]:
    # Periods are cut out in a subquery: PostgreSQL takes two cuts with parameters for two different expressions.
    fixed = [column.label(name) for name, column in _FIXED.items()]
    days = [_cut(_log.visible_day, name) for name in _PERIODS]
    rows = select(*fixed, *days, _log.weight).where(*_weighted(span, with_days=True)).subquery()
    keys = [rows.c[name] for name in by]
    return select(*keys, func.sum(rows.c.weight)).group_by(*keys)


def _cut(column: Any, period: str) -> Any:
    return func.substr(column, 1, _PERIODS[period]).label(period)


def _notices(by: Sequence[str], span: Span) -> Select[Any]:
    fixed = [name for name in by if name in _FIXED]
    stands = _standing_days(fixed, span)
    same = [stands.c.notice_id, *(stands.c[name] for name in fixed)]
    first = select(*same, func.min(stands.c.visible_day).label("first")).group_by(*same).subquery()
    days = [_cut(first.c.first, name) for name in _PERIODS]
    kept = select(*(first.c[name] for name in fixed), *days).where(*_days(first.c.first, span)).subquery()
    keys = [kept.c[name] for name in by]
    return select(*keys, func.count()).select_from(kept).group_by(*keys)


def _standing_days(fixed: Sequence[str], span: Span) -> Subquery:
    """The days in which each notice became visible and was not taken back, per group."""
    same = [_log.notice_id, *(_FIXED[name].label(name) for name in fixed), _log.visible_day]
    query = select(*same).where(*_weighted(span, with_days=False)).group_by(*same)
    return query.having(func.sum(_log.weight) > 0).subquery()


def publications(conn: Connection, span: Span | None = None) -> list[Row[Any]]:
    """The publications that `count` counts, one row each, by day: delivery, number, channel, day and the groups."""
    same = [_log.delivery_id, _log.number, _log.channel, _log.tier, _log.kind, _log.form, _log.project_class]
    same.append(_log.visible_day)
    query = select(*same).where(*_weighted(span or Span(), with_days=True)).group_by(*same)
    stands = query.having(func.sum(_log.weight) > 0).subquery()
    proof = (delivery.c.visible_since, delivery.c.channel_number, delivery.c.url, notice.c.title)
    joined = stands.join(delivery, delivery.c.id == stands.c.delivery_id).join(
        notice, notice.c.id == delivery.c.notice_id
    )
    rows = select(stands, *proof).select_from(joined).order_by(stands.c.visible_day, stands.c.delivery_id)
    return list(conn.execute(rows))


# ---- what is open

_OVER = [State.SUPERSEDED.value, *(state.value for state in STANDS)]
_SHOWN = (
    delivery.c.number,
    delivery.c.channel,
    delivery.c.mandatory,
    delivery.c.state,
    delivery.c.waits_for,
    delivery.c.reason,
    delivery.c.detail,
    delivery.c.deadline,
    delivery.c.publish_at,
    delivery.c.next_at,
    delivery.c.form,
    notice.c.title,
)
_WITH_NOTICE = delivery.join(notice, notice.c.id == delivery.c.notice_id)


def gaps(conn: Connection, now: datetime) -> list[Row[Any]]:
    """Mandatory channels that lack a notice, nearest deadline first.

    Not a gap: what is to be published later by its own wish, and a notice that was cancelled on every channel.
    """
    other = delivery.alias("other")
    alive = select(other.c.id).where(
        other.c.notice_id == delivery.c.notice_id,
        other.c.operation == Operation.PUBLISH.value,
        other.c.state.not_in([State.CANCELLED.value, State.SUPERSEDED.value]),
    )
    lacks = (
        delivery.c.operation == Operation.PUBLISH.value,
        delivery.c.mandatory,
        delivery.c.state.not_in(_OVER),
        or_(delivery.c.publish_at.is_(None), delivery.c.publish_at <= now),
        alive.exists(),
    )
    query = select(*_SHOWN).select_from(_WITH_NOTICE).where(*lacks)
    return list(conn.execute(query.order_by(delivery.c.deadline, delivery.c.id)))


def overdue(conn: Connection, now: datetime) -> list[Row[Any]]:
    """Publications that are not public although their deadline is over, the longest overdue first."""
    late = (
        delivery.c.operation == Operation.PUBLISH.value,
        delivery.c.state.not_in([*_OVER, State.CANCELLED.value]),
        delivery.c.deadline < now,
    )
    query = select(*_SHOWN).select_from(_WITH_NOTICE).where(*late)
    return list(conn.execute(query.order_by(delivery.c.deadline, delivery.c.id)))


def tasks(conn: Connection) -> list[Row[Any]]:
    """What a person must do, oldest first."""
    joined = task.join(delivery, delivery.c.id == task.c.delivery_id).join(notice, notice.c.id == delivery.c.notice_id)
    shown = (task.c.id, task.c.what, task.c.text, task.c.opened_at, delivery.c.number, delivery.c.channel)
    query = select(*shown, delivery.c.state, delivery.c.reason, notice.c.title).select_from(joined)
    return list(conn.execute(query.where(task.c.done_at.is_(None)).order_by(task.c.id)))
