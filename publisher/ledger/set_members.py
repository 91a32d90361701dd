"""What stands on a channel that is shown as a whole."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, select, text

from publisher.delivery import Operation, State
from publisher.ledger.deliveries import Delivery
from publisher.ledger.tables import ENDING, delivery


def shown(conn: Connection, channel: str) -> list[Delivery]:
    """Every publication that stands on a set channel, oldest first."""
    stands = (
        delivery.c.channel == channel,
        delivery.c.operation == Operation.PUBLISH.value,
        delivery.c.state == State.PUBLISHED.value,
    )
    return list(conn.execute(select(delivery).where(*stands).order_by(delivery.c.id)))


def standing_updates(conn: Connection, channel: str) -> dict[int, Delivery]:
    """By publication, the last update that a set channel has carried out."""
    done = (
        delivery.c.channel == channel,
        delivery.c.operation == Operation.UPDATE.value,
        delivery.c.state == State.PUBLISHED.value,
    )
    rows = conn.execute(select(delivery).where(*done).order_by(delivery.c.id))
    return {row.predecessor_id: row for row in rows}


_ENDS_FIRST = (
    select(delivery.c.until)
    .where(delivery.c.channel == bindparam("its_channel"), text(ENDING))
    .order_by(delivery.c.until)
    .limit(1)
)


def next_expiry(conn: Connection, channel: str) -> datetime | None:
    """When the next publication of a set channel ends, or None."""
    first: datetime | None = conn.execute(_ENDS_FIRST, {"its_channel": channel}).scalar_one_or_none()
    return first
