"""Alarms: one row for each cause, raised once and cleared once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.engine import Row

from publisher.ledger.chain import Entry
from publisher.ledger.store import PROGRAM, Tx
from publisher.ledger.tables import alarm


def raise_alarm(tx: Tx, cause: str, detail: str, channel: str | None = None) -> bool:
    """Raise the alarm `cause` unless it stands already; say whether it is new."""
    row = {"cause": cause, "detail": detail, "channel": channel, "raised_at": tx.now}
    added = tx.conn.execute(tx.upsert(alarm).values(**row).on_conflict_do_nothing().returning(alarm.c.id)).first()
    if added is None:
        return False
    tx.log(Entry(event="alarm_raised", by=PROGRAM, channel=channel, data={"cause": cause, "detail": detail}))
    return True


def clear_alarm(tx: Tx, cause: str, detail: str = "") -> bool:
    """Clear the alarm `cause` if it stands; say whether it did."""
    statement = update(alarm).where(alarm.c.cause == cause, alarm.c.cleared_at.is_(None)).values(cleared_at=tx.now)
    cleared = tx.conn.execute(statement.returning(alarm.c.channel)).first()
    if cleared is None:
        return False
    tx.log(Entry(event="alarm_cleared", by=PROGRAM, channel=cleared.channel, data={"cause": cause, "detail": detail}))
    return True


def cleared_since(conn: Connection, cause: str, since: datetime) -> bool:
    """Whether an alarm of this cause was cleared at `since` or later."""
    query = select(alarm.c.id).where(alarm.c.cause == cause, alarm.c.cleared_at >= since)
    return conn.execute(query.limit(1)).first() is not None


def standing_since(conn: Connection, cause: str) -> datetime | None:
    """When the alarm `cause` that stands was raised; None: it does not stand."""
    raised: datetime | None = conn.execute(
        select(alarm.c.raised_at).where(alarm.c.cause == cause, alarm.c.cleared_at.is_(None))
    ).scalar_one_or_none()
    return raised


def standing(conn: Connection) -> list[Row[tuple[object, ...]]]:
    """The alarms that stand, oldest first."""
    return list(conn.execute(select(alarm).where(alarm.c.cleared_at.is_(None)).order_by(alarm.c.id)))
