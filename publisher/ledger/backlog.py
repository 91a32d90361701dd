"""What waits longer than it should, and why something was late."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select, update

from publisher.delivery import Operation, State, WaitsFor
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import Tx
from publisher.ledger.tables import attempt, daemon, delivery


def stuck_since(conn: Connection, before: datetime) -> dict[str, int]:
    """By channel, how many deliveries have been due since before `before` and were left behind.

    Those of a channel that has called nobody since, or that another with a later deadline has overtaken
    since. The rest of a long queue that moves is not stuck.
    """
    later = delivery.alias("later")
    moved = exists().where(attempt.c.channel == delivery.c.channel, attempt.c.started_at >= before)
    overtaken = exists().where(
        later.c.channel == delivery.c.channel,
        later.c.deadline > delivery.c.deadline,
        later.c.first_attempt_at >= before,
    )
    due = (delivery.c.state == State.PENDING.value, delivery.c.next_at < before)
    return _by_channel(conn, *due, or_(~moved, overtaken))


def unapproved_since(conn: Connection, now: datetime) -> list[str]:
    """Numbers of notices whose time has come, or whose deadline is over, and that still wait for approval."""
    waits = (delivery.c.state == State.PENDING.value, delivery.c.waits_for == WaitsFor.APPROVAL.value)
    late = or_(delivery.c.publish_at <= now, delivery.c.deadline <= now)
    query = select(delivery.c.number, func.min(delivery.c.id)).where(*waits, late).group_by(delivery.c.number)
    return [row.number for row in conn.execute(query.order_by(func.min(delivery.c.id)))]


def scheduled_between(tx: Tx, after: datetime, until: datetime) -> list[Delivery]:
    """Publications of a wished instant in (`after`, `until`] that were never tried, locked."""
    mine = (
        delivery.c.state == State.PENDING.value,
        delivery.c.operation == Operation.PUBLISH.value,
        delivery.c.first_attempt_at.is_(None),
        delivery.c.publish_at > after,
        delivery.c.publish_at <= until,
    )
    query = select(delivery).where(*mine).order_by(delivery.c.id)
    return list(tx.conn.execute(query.with_for_update() if tx.on_postgresql else query))


def hurry_retries(tx: Tx, longest: timedelta) -> None:
    """No retry waits longer than `longest` from now: the clock went back, not the channels' trouble."""
    retries = (delivery.c.state == State.PENDING.value, delivery.c.waits_for.is_(None))
    late = delivery.c.next_at > tx.now + longest
    tx.conn.execute(update(delivery).where(*retries, late).values(next_at=tx.now + longest))


def submitted_since(conn: Connection, before: datetime) -> dict[str, int]:
    """By channel, how many deliveries were taken before `before` and are not public yet."""
    return _by_channel(conn, delivery.c.state == State.SUBMITTED.value, delivery.c.changed_at < before)


def awaited_past_deadline(conn: Connection, now: datetime) -> dict[str, int]:
    """By channel, how many deliveries were to be public before `now` and have been awaited since."""
    return _by_channel(conn, delivery.c.state == State.SUBMITTED.value, delivery.c.deadline < now)


def _by_channel(conn: Connection, *which: ColumnElement[bool]) -> dict[str, int]:
    query = select(delivery.c.channel, func.count()).where(*which).group_by(delivery.c.channel)
    return {name: int(count) for name, count in conn.execute(query)}


_SIGN_WITHIN = timedelta(minutes=1)


def why_late(conn: Connection, row: Delivery, me: int) -> str:
    """Why a scheduled delivery was not sent when it was due, as far as the ledger knows."""
    # The last sign of life, not the end: a daemon that died ends when another finds out.
    alive = (daemon.c.started_at <= row.publish_at, daemon.c.heartbeat_at >= row.publish_at - _SIGN_WITHIN)
    ran = select(daemon.c.id).where(*alive)
    mine = select(daemon.c.id).where(daemon.c.id == me, daemon.c.started_at <= row.publish_at)
    if conn.execute(ran).first() is None and conn.execute(mine).first() is None:
        return "程序未运行"
    return "等待批准、前序公告或渠道恢复"
