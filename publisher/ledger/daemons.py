"""Daemons on one ledger: their leases, and what a dead one leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, func, or_, select, text, update

from publisher.delivery import State
from publisher.ledger import deliveries
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import Tx, insert_ids
from publisher.ledger.tables import SHOWING, attempt, attempt_delivery, daemon, delivery, observation


def register(tx: Tx, host: str, pid: int, lease: timedelta, lock_path: str | None = None) -> int:
    """A new daemon; its id is its epoch."""
    values = {"host": host, "pid": pid, "started_at": tx.now, "heartbeat_at": tx.now, "lease_until": tx.now + lease}
    (daemon_id,) = insert_ids(tx, daemon, [values | {"lock_path": lock_path}])
    return daemon_id


def heartbeat(tx: Tx, daemon_id: int, lease: timedelta) -> bool:
    """Say that the daemon lives; False if others have taken it for dead meanwhile."""
    mine = (daemon.c.id == daemon_id, daemon.c.ended_at.is_(None))
    done = tx.conn.execute(update(daemon).where(*mine).values(heartbeat_at=tx.now, lease_until=tx.now + lease))
    return done.rowcount == 1


def new_epoch(tx: Tx, old: int, lease: timedelta) -> int:
    """A daemon that was taken for dead goes on under a new id; gives it."""
    row = tx.conn.execute(select(daemon).where(daemon.c.id == old)).one()
    return register(tx, row.host, row.pid, lease, row.lock_path)


def end(tx: Tx, daemon_id: int) -> None:
    """The daemon stops (or was proven dead)."""
    tx.conn.execute(update(daemon).where(daemon.c.id == daemon_id).values(ended_at=tx.now))


def dead(conn: Connection, me: int) -> list[Row[Any]]:
    """Daemons other than `me` that have not ended, or left calls behind; whoever holds the lock knows they are dead."""
    calls = select(attempt.c.daemon_id).where(attempt.c.ended_at.is_(None))
    leases = select(delivery.c.daemon_id).where(delivery.c.daemon_id.is_not(None))
    left = or_(daemon.c.ended_at.is_(None), daemon.c.id.in_(calls), daemon.c.id.in_(leases))
    return list(conn.execute(select(daemon).where(daemon.c.id != me, left).order_by(daemon.c.id)))


def others(conn: Connection, me: int) -> list[Row[Any]]:
    """Daemons other than `me` that have not ended, as far as anybody knows, or that left deliveries *sending*."""
    return list(conn.execute(select(daemon).where(_TO_BE_SETTLED, daemon.c.id != me).order_by(daemon.c.id)))


def lock(tx: Tx, ids: Sequence[int]) -> list[Row[Any]]:
    """Of these, those still to be settled that nobody else is settling now, and that are not claiming, as they are."""
    mine = select(daemon).where(daemon.c.id.in_(ids), _TO_BE_SETTLED).order_by(daemon.c.id)
    return list(tx.conn.execute(mine.with_for_update(skip_locked=True)))


_TO_BE_SETTLED = or_(
    daemon.c.ended_at.is_(None),
    daemon.c.id.in_(select(delivery.c.daemon_id).where(delivery.c.state == State.SENDING.value)),
)


def may_claim(tx: Tx, me: int) -> bool:
    """Whether this daemon is not taken for dead; until the transaction ends, nobody can take it for dead.

    Else a claim that commits after others have settled what the daemon left behind would belong to nobody.
    """
    if not tx.on_postgresql:
        return True
    alive = select(daemon.c.id).where(daemon.c.id == me, daemon.c.ended_at.is_(None))
    # Never waits: whoever settles this daemon may wait for rows that this transaction has.
    return tx.conn.execute(alive.with_for_update(read=True, key_share=True, skip_locked=True)).first() is not None


def last_alive(conn: Connection, me: int) -> datetime | None:
    """When a daemon other than `me` last gave a sign of life; None: there was none."""
    sign = func.max(func.coalesce(daemon.c.ended_at, daemon.c.heartbeat_at), type_=daemon.c.heartbeat_at.type)
    last: datetime | None = conn.execute(select(sign).where(daemon.c.id != me)).scalar_one()
    return last


def left_behind(tx: Tx, dead: Sequence[int]) -> list[tuple[Delivery, bool]]:
    """Deliveries that dead daemons left *sending*, each with whether a call had begun and not been answered."""
    joined = attempt_delivery.join(attempt, attempt.c.id == attempt_delivery.c.attempt_id)
    running = exists(
        select(attempt.c.id)
        .select_from(joined)
        .where(and_(attempt_delivery.c.delivery_id == delivery.c.id, attempt.c.ended_at.is_(None)))
    )
    query = select(delivery, running.label("running")).where(
        delivery.c.state == State.SENDING.value, delivery.c.daemon_id.in_(dead)
    )
    found = tx.conn.execute(query.order_by(delivery.c.id)).all()
    return [(deliveries.read(tx.conn, row.id), bool(row.running)) for row in found]


def close_calls_of(tx: Tx, dead: Sequence[int]) -> None:
    """Calls of dead daemons are over; what they came to is unknown."""
    mine = (attempt.c.daemon_id.in_(dead), attempt.c.ended_at.is_(None))
    joined = attempt_delivery.join(attempt, attempt.c.id == attempt_delivery.c.attempt_id)
    theirs = list(tx.conn.execute(select(attempt_delivery.c.delivery_id).select_from(joined).where(*mine)).scalars())
    tx.conn.execute(
        update(attempt)
        .where(*mine)
        .values(
            ended_at=tx.now,
            outcome=func.coalesce(attempt.c.outcome, "unknown"),
            reason=func.coalesce(attempt.c.reason, "daemon_died"),
        )
    )
    # Their questions can be asked again at once; and what was unknown with a call still running is over now.
    asked = select(delivery.c.id).where(delivery.c.daemon_id.in_(dead), delivery.c.state != State.SENDING.value)
    open_ones = (observation.c.delivery_id.in_(asked), observation.c.ended_at.is_(None))
    tx.conn.execute(update(observation).where(*open_ones).values(ended_at=tx.now))
    free_asks(tx, dead)
    unknown = (delivery.c.state == State.UNKNOWN.value, delivery.c.call_over_at.is_(None))
    tx.conn.execute(
        update(delivery).where(*unknown, delivery.c.id.in_(theirs)).values(call_over_at=tx.now, next_at=tx.now)
    )


def free_asks(tx: Tx, dead: Sequence[int]) -> None:
    """Let others ask what these daemons were asking."""
    free = {"daemon_id": None, "lease_until": None}
    asking = (delivery.c.daemon_id.in_(dead), delivery.c.state != State.SENDING.value)
    tx.conn.execute(update(delivery).where(*asking).values(**free))


def someone_shows(conn: Connection, channel: str, me: int, now: datetime) -> bool:
    """Whether another living daemon is showing this channel's set now."""
    theirs = select(attempt.c.daemon_id).where(attempt.c.channel == channel, text(SHOWING))
    alive = (daemon.c.id != me, daemon.c.ended_at.is_(None), daemon.c.lease_until >= now)
    return conn.execute(select(daemon.c.id).where(daemon.c.id.in_(theirs), *alive).limit(1)).first() is not None


def sending_of(conn: Connection, me: int) -> list[Delivery]:
    """Deliveries that are *sending* under this daemon's name."""
    mine = (delivery.c.state == State.SENDING.value, delivery.c.daemon_id == me)
    return list(conn.execute(select(delivery).where(*mine).order_by(delivery.c.id)))
