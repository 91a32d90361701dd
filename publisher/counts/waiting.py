"""What waits for a person's approval, since when, and what is late for it. Read-only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from publisher.delivery import State, WaitsFor
from publisher.ledger import acts
from publisher.ledger.deliveries import Delivery
from publisher.ledger.tables import approval, delivery, notice


@dataclass(frozen=True, slots=True)
class Unapproved:
    """One notice that waits: on which channels, since when, how many approvals it lacks and who has given one.

    `publish_at` and `deadline` are the earliest of its channels.
    """

    number: str
    title: str
    channels: tuple[str, ...]
    since: datetime
    missing: int
    approved_by: tuple[str, ...]
    publish_at: datetime | None
    deadline: datetime

    def is_late(self, now: datetime) -> bool:
        """Whether its time has come, or its deadline is over."""
        return min(self.publish_at or self.deadline, self.deadline) <= now


def approvals(conn: Connection) -> list[Unapproved]:
    """Everything that waits for approval, the nearest deadline first."""
    waits = (delivery.c.state == State.PENDING.value, delivery.c.waits_for == WaitsFor.APPROVAL.value)
    joined = delivery.join(notice, notice.c.id == delivery.c.notice_id)
    query = select(delivery, notice.c.title).select_from(joined).where(*waits).order_by(delivery.c.id)
    by_number: dict[str, list[Delivery]] = {}
    for row in conn.execute(query).all():
        by_number.setdefault(row.number, []).append(row)
    found = [_unapproved(conn, number, rows) for number, rows in by_number.items()]
    return sorted(found, key=lambda one: (min(one.publish_at or one.deadline, one.deadline), one.number))


def _unapproved(conn: Connection, number: str, rows: list[Delivery]) -> Unapproved:
    given = select(approval.c.by).where(approval.c.version_id == rows[0].version_id).order_by(approval.c.id)
    wished = [row.publish_at for row in rows if row.publish_at is not None]
    return Unapproved(
        number=number,
        title=rows[0].title,
        channels=tuple(row.channel for row in rows),
        since=min(row.changed_at for row in rows),
        missing=max(acts.approvals_missing(conn, row) for row in rows),
        approved_by=tuple(conn.execute(given).scalars()),
        publish_at=min(wished) if wished else None,
        deadline=min(row.deadline for row in rows),
    )
