"""Which notices and publications count in a period: the rules of `publisher.counts.queries`, row by row.

A notice belongs to the period of the smallest visible day that still stands; a publication to its own day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select

from publisher.channel import Tier
from publisher.counts.queries import Span
from publisher.ledger.tables import notice, publication_log

HIGH = frozenset({Tier.PROVINCIAL.value, Tier.NATIONAL.value})
"""The tiers of 省级以上."""

_log = publication_log.c


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication that stands."""

    notice_id: int
    number: str
    channel: str
    tier: str
    day: str
    kind: str
    form: str
    project_class: str
    project: str

    @property
    def row(self) -> str:
        """How it is named where a figure opens to its rows."""
        return f"{self.number}@{self.channel}"


@dataclass(frozen=True, slots=True)
class Counted:
    """A notice that counts in the period; all but title and `high` (省级以上) is as its earliest row says."""

    id: int
    number: str
    day: str
    kind: str
    form: str
    project_class: str
    project: str
    title: str
    high: bool


@dataclass(frozen=True, slots=True)
class Period:
    """What counts in a period."""

    notices: tuple[Counted, ...]
    publications: tuple[Publication, ...]


def counted(conn: Connection, span: Span) -> Period:
    """The notices and publications of a period with both ends. Raises ValueError without them."""
    if span.first is None or span.last is None:
        raise ValueError("a report needs a first and a last day")
    standing = _standing(conn, span, span.first, span.last)
    earlier = _seen_earlier(conn, span, span.first)
    by_notice: dict[int, list[Publication]] = {}
    for one in standing:
        by_notice.setdefault(one.notice_id, []).append(one)
    titles = _titles(conn, by_notice.keys() - earlier)
    notices = [_counted(by_notice[notice_id], title) for notice_id, title in titles.items()]
    return Period(tuple(sorted(notices, key=lambda n: (n.day, n.id))), tuple(standing))


def standing_on(conn: Connection, channel: str, span: Span) -> list[str]:
    """`number@channel` of every publication on a channel up to the period's last day, from the first on."""
    query = _sums(span, _log.channel == channel, *_until(span))
    return [f"{row.number}@{channel}" for row in conn.execute(query)]


def _until(span: Span) -> list[Any]:
    return [_log.visible_day <= span.last.isoformat()] if span.last else []


_SAID = ("notice_id", "number", "channel", "tier", "visible_day", "kind", "form", "project_class", "project")
"""What a row of the log says of its publication, in the order of `Publication`."""


def _sums(span: Span, *wanted: Any) -> Any:
    """Publications that stand: the weights of a delivery and day add up to more than nothing."""
    same = (_log.delivery_id, *(_log[name] for name in _SAID))
    conditions = [_log.weight != 0, *wanted]
    if span.as_of is not None:
        conditions.append(_log.recorded_at <= span.as_of)
    query = select(*same).where(*conditions).group_by(*same).having(func.sum(_log.weight) > 0)
    return query.order_by(_log.visible_day, _log.delivery_id)


def _standing(conn: Connection, span: Span, first: date, last: date) -> list[Publication]:
    query = _sums(span, _log.visible_day >= first.isoformat(), _log.visible_day <= last.isoformat())
    return [Publication(*row[1:]) for row in conn.execute(query)]


def _seen_earlier(conn: Connection, span: Span, first: date) -> set[int]:
    before = _sums(span, _log.visible_day < first.isoformat()).order_by(None).subquery()
    inside = select(_log.notice_id).where(_log.weight != 0, _log.visible_day >= first.isoformat())
    query = select(before.c.notice_id).distinct().where(before.c.notice_id.in_(inside))
    return {int(one) for one in conn.execute(query).scalars()}


_AT_ONCE = 500
"""Ids in one statement; SQLite takes some thousands of parameters at most."""


def _titles(conn: Connection, ids: set[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    ordered = sorted(ids)
    for start in range(0, len(ordered), _AT_ONCE):
        part = ordered[start : start + _AT_ONCE]
        found |= {
            row.id: row.title for row in conn.execute(select(notice.c.id, notice.c.title).where(notice.c.id.in_(part)))
        }
    return found


def _counted(publications: list[Publication], title: str) -> Counted:
    first = publications[0]  # they come by day
    high = any(one.tier in HIGH for one in publications)
    facts = (first.kind, first.form, first.project_class, first.project, title)
    return Counted(first.notice_id, first.number, first.day, *facts, high)
