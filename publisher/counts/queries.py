"""Counts are sums over the publication log; what is open is read from deliveries and tasks.

The statements are the same on SQLite and PostgreSQL. A period counts `visible_day` (local days); `as_of`
takes rows recorded by that instant, so that a figure once reported can be drawn again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    Row,
    Select,
    String,
    Subquery,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
)

from publisher.delivery import STANDS, Operation, State
from publisher.ledger.rollups import HAS_WEIGHT
from publisher.ledger.tables import delivery, notice, notice_rollup, publication_log, rollup, task

_log = publication_log.c
_FIXED = {
    "channel": _log.channel,
    "kind": _log.kind,
    "tier": _log.tier,
    "form": _log.form,
    "class": _log.project_class,
    "project": _log.project,
    "operator": _log.operator,
}
_KEPT = {"channel": "channel", "kind": "kind", "tier": "tier", "form": "form", "class": "project_class"}
"""Group → its column in the rollups; what is not here is counted in the log itself."""
_PLACES = ("channel", "tier")
_PERIODS = {"day": 10, "month": 7, "quarter": 0, "year": 4}
"""Period → how many characters of `YYYY-MM-DD` name it; quarters are worked out."""

GROUPS = (*_FIXED, *_PERIODS)
"""What can be counted by."""
_OTHER = {"updated": "corrections", "withdrawn": "withdrawals"}


@dataclass(frozen=True, slots=True)
class Span:
    """Which rows count: visible from `first` to `last` (local days, both included), recorded by `as_of`."""

    first: date | None = None
    last: date | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """One group: publications on channels, distinct notices among them, corrections and withdrawals carried out."""

    key: tuple[str, ...]
    publications: int
    notices: int
    corrections: int = 0
    withdrawals: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """The groups in order of their keys, and the totals.

    Publications, corrections and withdrawals add up over any grouping. Notices add up over kinds, forms, classes,
    projects and periods; over channels, tiers and operators they do not, because one notice stands on several.
    """

    by: tuple[str, ...]
    rows: tuple[Counted, ...]
    publications: int
    notices: int
    corrections: int = 0
    withdrawals: int = 0


def count(conn: Connection, by: Sequence[str] = (), span: Span | None = None) -> Tally:
    """Publications and distinct notices by the given groups.

    A notice counts once in each group of channels and the like, in the smallest visible day still standing there.
    `operator` is who confirmed a publication, or else approved it last; 程序 where neither was needed.
    Corrections and withdrawals are acts on what is public, in the day they were carried out; they change no other
    figure. Raises ValueError for a group that is not one of `GROUPS`.
    """
    _check(by)
    chosen = span or Span()
    kept = chosen.as_of is None and all(name in _KEPT or name in _PERIODS for name in by)
    publications = _by_key(conn, _kept_publications(by, chosen) if kept else _publications(by, chosen), by)
    notices = _by_key(conn, _kept_notices(by, chosen) if kept else _notices(by, chosen), by)
    total = _by_key(conn, _kept_notices((), chosen) if chosen.as_of is None else _notices((), chosen), ())
    others = {event: _by_key(conn, _acts(event, by, chosen), by) for event in _OTHER}
    keys = {key for found in (publications, *others.values()) for key, number in found.items() if number}
    rows = tuple(
        Counted(key, publications.get(key, 0), notices.get(key, 0), *(others[event].get(key, 0) for event in _OTHER))
        for key in sorted(keys)
    )
    return Tally(
        tuple(by),
        rows,
        sum(row.publications for row in rows),
        total.get((), 0),
        sum(row.corrections for row in rows),
        sum(row.withdrawals for row in rows),
    )


def _check(by: Sequence[str]) -> None:
    unknown = [name for name in by if name not in GROUPS]
    if unknown:
        raise ValueError(f"cannot be counted by {unknown[0]}; known are {', '.join(GROUPS)}")


def _by_key(conn: Connection, query: Select[Any], by: Sequence[str]) -> dict[tuple[str, ...], int]:
    found = conn.execute(query)
    return {tuple(str(part or "") for part in row[: len(by)]): int(row[len(by)] or 0) for row in found}


def _recorded(span: Span) -> list[Any]:
    return [_log.recorded_at <= span.as_of] if span.as_of is not None else []


def _weighted(span: Span, *, with_days: bool) -> list[Any]:
    """Which rows of the log count at all."""
    return [HAS_WEIGHT, *_recorded(span), *(_days(_log.visible_day, span) if with_days else [])]


def _days(column: Any, span: Span) -> list[Any]:
    first = [column >= span.first.isoformat()] if span.first is not None else []
    return first + ([column <= span.last.isoformat()] if span.last is not None else [])


def _cut(column: Any, period: str) -> Any:
    if period == "quarter":
        number = (cast(func.substr(column, 6, 2), Integer) + 2) // 3
        return (func.substr(column, 1, 5) + "Q" + cast(number, String)).label(period)
    return func.substr(column, 1, _PERIODS[period]).label(period)


def _grouped(rows: Select[Any], by: Sequence[str], figure: str) -> Select[Any]:
    # Periods are cut out in a subquery: PostgreSQL takes two cuts with parameters for two different expressions.
    inner = rows.subquery()
    keys = [inner.c[name] for name in by]
    return select(*keys, func.sum(inner.c[figure])).group_by(*keys)


# ---- from the rollups


def _kept_columns(table: Any, by: Sequence[str]) -> list[Any]:
    fixed = [table.c[_KEPT[name]].label(name) for name in by if name in _KEPT]
    return fixed + [_cut(table.c.visible_day, name) for name in by if name in _PERIODS]


def _kept_publications(by: Sequence[str], span: Span) -> Select[Any]:
    rows = select(*_kept_columns(rollup, by), rollup.c.publications).where(*_days(rollup.c.visible_day, span))
    return _grouped(rows, by, "publications")


def _kept_notices(by: Sequence[str], span: Span) -> Select[Any]:
    table = notice_rollup.c
    if "channel" in by:
        scope = [table.channel != ""]
    elif "tier" in by:
        scope = [table.channel == "", table.tier != ""]
    else:
        scope = [table.channel == "", table.tier == ""]
    rows = select(*_kept_columns(notice_rollup, by), table.notices).where(*scope, *_days(table.visible_day, span))
    return _grouped(rows, by, "notices")


# ---- from the rows of the log


def _columns(by: Sequence[str]) -> list[Any]:
    fixed = [_FIXED[name].label(name) for name in by if name in _FIXED]
    return fixed + [_cut(_log.visible_day, name) for name in by if name in _PERIODS]


def _publications(by: Sequence[str], span: Span) -> Select[Any]:
    return _grouped(select(*_columns(by), _log.weight).where(*_weighted(span, with_days=True)), by, "weight")


def _notices(by: Sequence[str], span: Span) -> Select[Any]:
    fixed = [name for name in by if name in _FIXED]
    stands = _standing_days(fixed, span)
    same = [stands.c.notice_id, *(stands.c[name] for name in fixed)]
    first = select(*same, func.min(stands.c.visible_day).label("first")).group_by(*same).subquery()
    days = [_cut(first.c.first, name) for name in _PERIODS if name in by]
    ones = [literal_column("1", Integer).label("one")]
    kept = (
        select(*(first.c[name] for name in fixed), *days, *ones).select_from(first).where(*_days(first.c.first, span))
    )
    return _grouped(kept, by, "one")


def _standing_days(fixed: Sequence[str], span: Span) -> Subquery:
    """The days in which each notice became visible and was not taken back, per group."""
    same = [_log.notice_id, _log.visible_day, *(_FIXED[name].label(name) for name in fixed)]
    query = select(*same).where(*_weighted(span, with_days=False)).group_by(*same)
    return query.having(func.sum(_log.weight) > 0).subquery()


def _is_act(event: str) -> list[Any]:
    """Rows of this event, in the words of their index."""
    return [_log.event == event, _log.visible_day.is_not(None), _log.weight == literal_column("0")]


def _acts(event: str, by: Sequence[str], span: Span) -> Select[Any]:
    wanted = [*_is_act(event), *_recorded(span), *_days(_log.visible_day, span)]
    return _grouped(select(*_columns(by), literal_column("1").label("one")).where(*wanted), by, "one")


# ---- the rows behind a number


@dataclass(frozen=True, slots=True)
class Behind:
    """The rows of the log (their `seq`) behind one group.

    publications = len(added) - len(subtracted); notices = len(notices): the row that made each notice visible
    first; corrections and withdrawals likewise.
    """

    key: tuple[str, ...]
    added: tuple[int, ...] = ()
    subtracted: tuple[int, ...] = ()
    notices: tuple[int, ...] = ()
    corrections: tuple[int, ...] = ()
    withdrawals: tuple[int, ...] = ()


def explain(conn: Connection, by: Sequence[str] = (), span: Span | None = None) -> tuple[Behind, ...]:
    """The rows behind every number that `count` gives for the same groups and span, in the order of the keys.

    It goes over the rows themselves, not over the sums of the database: a second way to the same numbers.
    Raises ValueError for a group that is not one of `GROUPS`.
    """
    _check(by)
    chosen = span or Span()
    found: dict[tuple[str, ...], dict[str, list[int]]] = {}

    def put(row: Any, what: str, seq: int) -> None:
        key = tuple(_value(row, name) for name in by)
        found.setdefault(key, {}).setdefault(what, []).append(seq)

    first: dict[tuple[Any, ...], dict[str, list[Any]]] = {}
    fixed = [name for name in by if name in _FIXED]
    for row in _rows_of(conn, _weighted(chosen, with_days=False)):
        if _within(row.visible_day, chosen):
            put(row, "added" if row.weight > 0 else "subtracted", row.seq)
        days = first.setdefault((row.notice_id, *(_value(row, name) for name in fixed)), {})
        days.setdefault(row.visible_day, []).append(row)
    for days in first.values():
        standing = [rows for _, rows in sorted(days.items()) if sum(row.weight for row in rows) > 0]
        if standing and _within(standing[0][0].visible_day, chosen):
            made = next(row for row in standing[0] if row.weight > 0)
            put(made, "notices", made.seq)
    for event, what in _OTHER.items():
        for row in _rows_of(conn, [*_is_act(event), *_recorded(chosen), *_days(_log.visible_day, chosen)]):
            put(row, what, row.seq)
    return tuple(
        Behind(key, **{what: tuple(sorted(seqs)) for what, seqs in found[key].items()}) for key in sorted(found)
    )


def _rows_of(conn: Connection, wanted: Sequence[Any]) -> Iterator[Row[Any]]:
    columns = [_log.seq, _log.weight, _log.notice_id, _log.visible_day, *(c.label(n) for n, c in _FIXED.items())]
    yield from conn.execute(select(*columns).where(*wanted).order_by(_log.seq))


def _within(day: str, span: Span) -> bool:
    after = span.first is None or day >= span.first.isoformat()
    return after and (span.last is None or day <= span.last.isoformat())


def _value(row: Row[Any], name: str) -> str:
    """The key of a row in one group, as the statements above make it."""
    if name in _FIXED:
        return str(row._mapping[name] or "")
    day = str(row.visible_day)
    return f"{day[:5]}Q{(int(day[5:7]) + 2) // 3}" if name == "quarter" else day[: _PERIODS[name]]


@dataclass(frozen=True, slots=True)
class Listed:
    """A publication that counts. `seq`: the row of the log that added it; the proof is what that row says."""

    seq: int
    notice_id: int
    delivery_id: int
    number: str
    channel: str
    tier: str
    kind: str
    form: str
    project_class: str
    project: str
    operator: str
    visible_day: str
    visible_since: datetime
    channel_number: str | None
    url: str | None
    title: str


def publications(conn: Connection, span: Span | None = None) -> list[Listed]:
    """The publications that `count` counts, one each, by day and delivery, with the proof that stood then."""
    same = (_log.delivery_id, _log.visible_day)
    query = select(func.max(case((_log.weight > 0, _log.seq))).label("seq"))
    query = query.where(*_weighted(span or Span(), with_days=True)).group_by(*same)
    stands = query.having(func.sum(_log.weight) > 0).subquery()
    joined = stands.join(publication_log, _log.seq == stands.c.seq).join(notice, notice.c.id == _log.notice_id)
    rows = select(*(_log[name] for name in _SAID), _log.payload, notice.c.title).select_from(joined)
    found = conn.execution_options(yield_per=1000).execute(rows.order_by(_log.visible_day, _log.delivery_id))
    return [_listed(row) for row in found]


_SAID = ("seq", "notice_id", "delivery_id", "number", "visible_day", *(column.name for column in _FIXED.values()))


def _listed(row: Any) -> Listed:
    data = json.loads(row.payload)["data"]
    proof = {name: data.get(name) for name in ("channel_number", "url")}
    since = datetime.fromisoformat(data["visible_since"])
    said = {name: row._mapping[name] for name in _SAID}
    return Listed(**said, **proof, visible_since=since, title=row.title)


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
