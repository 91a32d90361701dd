"""Mandatory deliveries that the legal clock looks at: not public yet, or public later than they should have been."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from publisher.delivery import STANDS, Operation, State
from publisher.ledger.tables import delivery, notice, version

_STAND = [state.value for state in STANDS]
_GONE = [State.CANCELLED.value, State.SUPERSEDED.value]


def late_or_open(conn: Connection, until: datetime, since: datetime) -> list[Row[Any]]:
    """Publications on mandatory channels with a deadline by `until` that are open, and late ones visible after `since`.

    With notice, version, its content and title; by notice, then delivery.
    """
    shown = (delivery.c.number, delivery.c.notice_id, delivery.c.version_id, delivery.c.channel, delivery.c.state)
    joined = delivery.join(version, version.c.id == delivery.c.version_id).join(
        notice, notice.c.id == delivery.c.notice_id
    )
    due = delivery.c.state.not_in(_STAND) & (delivery.c.deadline <= until)
    late = (delivery.c.visible_since > delivery.c.deadline) & (delivery.c.visible_since > since)
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
