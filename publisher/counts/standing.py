"""Mandatory deliveries that the legal clock looks at: not public yet, or public later than they should have been."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from publisher.delivery import STANDS, Operation, State
from publisher.ledger.tables import delivery, notice, version

_STAND = [state.value for state in STANDS]
_GONE = [State.CANCELLED.value, State.SUPERSEDED.value]
_NAMED = (delivery.c.number, delivery.c.notice_id, delivery.c.version_id)


def late_or_open(conn: Connection, until: datetime, since: datetime) -> list[Row[Any]]:
    """Publications on mandatory channels with a deadline by `until` that are open, and late ones visible after `since`.

    Late: after the deadline of the channel, or after the day of the law. With notice, version, its content and
    title; by notice, then delivery.
    """
    shown = (delivery.c.number, delivery.c.notice_id, delivery.c.version_id, delivery.c.channel, delivery.c.state)
    joined = delivery.join(version, version.c.id == delivery.c.version_id).join(
        notice, notice.c.id == delivery.c.notice_id
    )
    due = delivery.c.state.not_in(_STAND) & (delivery.c.deadline <= until)
    after = or_(delivery.c.visible_since > delivery.c.deadline, delivery.c.visible_since > delivery.c.legal_by)
    late = after & (delivery.c.visible_since > since)
    wanted = (
        delivery.c.operation == Operation.PUBLISH.value,
        delivery.c.mandatory,
        delivery.c.state.not_in(_GONE),
        or_(due, late),
    )
    query = select(*shown, delivery.c.visible_since, delivery.c.project_class, notice.c.title, version.c.content)
    return list(conn.execute(query.select_from(joined).where(*wanted).order_by(delivery.c.notice_id, delivery.c.id)))


def first_visible(
    conn: Connection, notice_ids: Collection[int], channels: Collection[str] | None
) -> dict[int, datetime]:
    """When each notice was first visible on one of the channels (None: on any mandatory one)."""
    on = delivery.c.mandatory if channels is None else delivery.c.channel.in_(channels)
    mine = (
        delivery.c.notice_id.in_(notice_ids),
        delivery.c.operation == Operation.PUBLISH.value,
        delivery.c.state.in_(_STAND),
        delivery.c.visible_since.is_not(None),
        on,
    )
    query = select(delivery.c.notice_id, func.min(delivery.c.visible_since)).where(*mine)
    return {row[0]: row[1] for row in conn.execute(query.group_by(delivery.c.notice_id))}


def ended(conn: Connection, since: datetime, channels: Collection[str]) -> list[Row[Any]]:
    """Mandatory publications on these channels that are shown no more (none named: on any), visible after `since`."""
    wanted = [
        delivery.c.operation == Operation.PUBLISH.value,
        delivery.c.mandatory,
        delivery.c.state == State.ENDED.value,
        delivery.c.visible_since > since,
    ]
    if channels:
        wanted.append(delivery.c.channel.in_(channels))
    columns = (*_NAMED, delivery.c.channel, delivery.c.visible_since, delivery.c.changed_at, notice.c.title)
    joined = delivery.join(notice, notice.c.id == delivery.c.notice_id)
    return list(conn.execute(select(*columns).select_from(joined).where(*wanted).order_by(delivery.c.id)))


def public_of(conn: Connection, forms: Collection[str], since: datetime) -> list[Row[Any]]:
    """Public notices of these forms first visible after `since`, each once with the version that is public."""
    columns = (*_NAMED, notice.c.title, notice.c.project, notice.c.created_at)
    joined = delivery.join(notice, notice.c.id == delivery.c.notice_id)
    wanted = (
        delivery.c.operation == Operation.PUBLISH.value,
        delivery.c.state.in_(_STAND),
        delivery.c.form.in_(forms),
        delivery.c.visible_since > since,
    )
    return list(
        conn.execute(select(*columns).select_from(joined).where(*wanted).distinct().order_by(delivery.c.notice_id))
    )


def after_in_project(conn: Connection, project: str, notice_id: int) -> list[Row[Any]]:
    """What of the project was taken in after a notice: kind, form, newest version, and since when it is visible."""
    mine = (notice.c.id == version.c.notice_id, version.c.superseded.is_(False))
    joined = notice.join(version, and_(*mine)).outerjoin(
        delivery,
        and_(
            delivery.c.version_id == version.c.id,
            delivery.c.operation == Operation.PUBLISH.value,
            delivery.c.state.in_(_STAND),
        ),
    )
    query = (
        select(notice.c.id, notice.c.form, notice.c.kind, version.c.id.label("version_id"))
        .add_columns(func.min(delivery.c.visible_since).label("visible_since"))
        .select_from(joined)
        .where(notice.c.project == project, notice.c.id > notice_id)
        .group_by(notice.c.id, notice.c.form, notice.c.kind, version.c.id)
    )
    return list(conn.execute(query.order_by(notice.c.id)))
