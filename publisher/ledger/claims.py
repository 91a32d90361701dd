"""Claims: what is due, taken by one daemon and no other.

A claim is made only for calls that a free thread starts at once: the delivery becomes *sending* (or
gets a short lease, for a question) and its attempt row is written in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import CompoundSelect, Connection, bindparam, exists, func, insert, or_, select, union_all, update

from publisher.delivery import Operation, State
from publisher.ledger import deliveries
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import Tx, insert_ids
from publisher.ledger.tables import attempt, attempt_delivery, delivery, observation

IN_DOUBT = (State.UNKNOWN, State.HELD)
"""States in which a due delivery is asked for, not sent, because something waits for the answer."""


LOOKED_AFTER = (State.SUBMITTED, State.PUBLISHED)
"""States in which a due delivery is asked for from time to time: where calls are rationed, sending goes first."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that this daemon may now send (`attempt_id`) or ask for (`observation_id`)."""

    row: Delivery
    attempt_id: int | None
    observation_id: int | None
    limit_at: datetime


def due_now(conn: Connection, now: datetime, names: Iterable[str]) -> list[str]:
    """Those of the named channels on which something is due. One look into the index for each, however much is due."""
    asked = sorted(names)
    told = {f"name_{i}": name for i, name in enumerate(asked)} | {"now": now}
    return [one.name for one in conn.execute(_due_of(len(asked)), told)] if asked else []


@lru_cache(maxsize=64)
def _due_of(count: int) -> CompoundSelect[tuple[str]]:
    names = [bindparam(f"name_{i}", type_=delivery.c.channel.type) for i in range(count)]
    due = [exists().where(delivery.c.channel == name, delivery.c.next_at <= bindparam("now")) for name in names]
    return union_all(*[select(name.label("name")).where(one) for name, one in zip(names, due, strict=True)])


def next_due(conn: Connection, after: datetime, names: Iterable[str]) -> datetime | None:
    """The earliest instant after `after` at which something becomes due on one of the named channels, or None."""
    asked = sorted(names)
    if not asked:
        return None
    told = {f"name_{i}": name for i, name in enumerate(asked)} | {"after": after}
    return min((at for at in conn.execute(_next_of(len(asked)), told).scalars() if at is not None), default=None)


@lru_cache(maxsize=64)
def _next_of(count: int) -> CompoundSelect[Any]:
    first = func.min(delivery.c.next_at, type_=delivery.c.next_at.type)
    later = delivery.c.next_at > bindparam("after", type_=delivery.c.next_at.type)
    names = [bindparam(f"name_{i}", type_=delivery.c.channel.type) for i in range(count)]
    return union_all(*[select(first).where(delivery.c.channel == name, later) for name in names])


# Made once: these run for every group of calls.
_DUE = (delivery.c.channel == bindparam("its_channel"), delivery.c.next_at <= bindparam("now"))

_SENDS = (
    select(delivery)
    .where(*_DUE, delivery.c.state == State.PENDING.value)
    .order_by(delivery.c.deadline, delivery.c.id)
    .limit(bindparam("room"))
)

_SENDS_LOCKED = _SENDS.with_for_update(skip_locked=True)

_ACTS = (
    select(delivery)
    .where(*_DUE, delivery.c.state == State.PENDING.value, delivery.c.operation != Operation.PUBLISH.value)
    .order_by(delivery.c.deadline, delivery.c.id)
    .limit(bindparam("room"))
)

_ACTS_LOCKED = _ACTS.with_for_update(skip_locked=True)

_ASKS = (
    select(delivery)
    .where(
        *_DUE,
        delivery.c.state.in_(bindparam("states", expanding=True)),
        or_(delivery.c.lease_until.is_(None), delivery.c.lease_until < bindparam("now")),
    )
    .order_by(delivery.c.next_at, delivery.c.id)
    .limit(bindparam("room"))
)

_ASKS_LOCKED = _ASKS.with_for_update(skip_locked=True)

_AGAIN = select(delivery).where(delivery.c.id.in_(bindparam("ids", expanding=True)))

_NEW_ATTEMPTS = insert(attempt).returning(attempt.c.id, sort_by_parameter_order=True)

_NEW_LINKS = insert(attempt_delivery)

_MAKE_SENDING = (
    update(delivery)
    .where(delivery.c.id.in_(bindparam("ids", expanding=True)), delivery.c.state == State.PENDING.value)
    .values(
        state=State.SENDING.value,
        daemon_id=bindparam("me"),
        waits_for=None,
        next_at=None,
        call_over_at=None,
        asks=0,
        changed_at=bindparam("now"),
        first_attempt_at=func.coalesce(
            delivery.c.first_attempt_at, bindparam("now_too", type_=delivery.c.first_attempt_at.type)
        ),
        give_up_at=func.coalesce(delivery.c.give_up_at, bindparam("last", type_=delivery.c.give_up_at.type)),
    )
    .returning(*delivery.c)
)


def sends(tx: Tx, channel: str, room: int, *, publishing: bool = True) -> list[Delivery]:
    """Pending deliveries of `channel` that are due, nearest legal deadline first, locked.

    `publishing` False: only updates and withdrawals, because the channel's hours are over.
    """
    if room <= 0:
        return []
    if publishing:
        query = _SENDS_LOCKED if tx.on_postgresql else _SENDS
    else:
        query = _ACTS_LOCKED if tx.on_postgresql else _ACTS
    return list(tx.conn.execute(query, {"its_channel": channel, "now": tx.now, "room": room}))


def asks(tx: Tx, channel: str, states: Sequence[State], room: int) -> list[Delivery]:
    """Deliveries of `channel` in one of `states` for which the channel is to be asked now, locked."""
    if room <= 0:
        return []
    query = _ASKS_LOCKED if tx.on_postgresql else _ASKS
    told = {"its_channel": channel, "now": tx.now, "room": room, "states": [state.value for state in states]}
    return list(tx.conn.execute(query, told))


def begin_sends(
    tx: Tx, rows: Sequence[Delivery], daemon_id: int, limit: timedelta, give_up: timedelta
) -> list[Claimed]:
    """Make `rows` *sending*, each with an attempt of its own."""
    if not rows:
        return []
    limit_at = tx.now + limit
    base = {"call": "submit", "daemon_id": daemon_id, "started_at": tx.now, "limit_at": limit_at, "slot": True}
    started = tx.conn.execute(_NEW_ATTEMPTS, [base | {"channel": row.channel} for row in rows])
    ids = [one.id for one in started]
    links = [{"attempt_id": i, "delivery_id": row.id} for i, row in zip(ids, rows, strict=True)]
    tx.conn.execute(_NEW_LINKS, links)
    now = _make_sending(tx, rows, daemon_id, give_up)
    return [Claimed(row, i, None, limit_at) for i, row in zip(ids, now, strict=True)]


def begin_show(
    tx: Tx,
    channel: str,
    rows: Sequence[Delivery],
    set_number: int,
    daemon_id: int,
    limit: timedelta,
    give_up: timedelta,
) -> int:
    """One attempt that changes a whole set; `rows` are the deliveries that change. Gives the attempt's id."""
    values = {
        "channel": channel,
        "call": "show",
        "set_number": set_number,
        "daemon_id": daemon_id,
        "started_at": tx.now,
        "limit_at": tx.now + limit,
        "slot": True,
    }
    (attempt_id,) = insert_ids(tx, attempt, [values])
    if rows:
        tx.conn.execute(insert(attempt_delivery), [{"attempt_id": attempt_id, "delivery_id": row.id} for row in rows])
        _make_sending(tx, rows, daemon_id, give_up)
    return attempt_id


def _make_sending(tx: Tx, rows: Sequence[Delivery], daemon_id: int, give_up: timedelta) -> list[Delivery]:
    """The same rows, as they are now, in the same order."""
    ids = [row.id for row in rows]
    told = {"ids": ids, "me": daemon_id, "now": tx.now, "now_too": tx.now, "last": tx.now + give_up}
    done = {row.id: row for row in tx.conn.execute(_MAKE_SENDING, told)}
    if len(done) != len(ids):
        raise deliveries.Overtaken(f"of deliveries {ids} only {len(done)} were still pending")
    return [done[i] for i in ids]


def _read_again(tx: Tx, rows: Sequence[Delivery]) -> list[Delivery]:
    """The same rows as they are now, in the same order."""
    found = tx.conn.execute(_AGAIN, {"ids": [row.id for row in rows]})
    by_id = {row.id: row for row in found}
    return [by_id[row.id] for row in rows]


def begin_asks(tx: Tx, rows: Sequence[Delivery], daemon_id: int, limit: timedelta) -> list[Claimed]:
    """Take `rows` for a question each: a lease, and an observation row."""
    if not rows:
        return []
    limit_at = tx.now + limit
    lease = {"daemon_id": daemon_id, "lease_until": limit_at}
    tx.conn.execute(update(delivery).where(delivery.c.id.in_([row.id for row in rows])).values(**lease))
    values = [{"delivery_id": row.id, "channel": row.channel, "started_at": tx.now} for row in rows]
    ids = insert_ids(tx, observation, values)
    return [Claimed(row, None, i, limit_at) for i, row in zip(ids, _read_again(tx, rows), strict=True)]


def begin_again(tx: Tx, row: Delivery, daemon_id: int, limit: timedelta) -> tuple[int, datetime]:
    """A further attempt of a delivery that is *sending* already (a quick retry)."""
    limit_at = tx.now + limit
    values = {
        "channel": row.channel,
        "call": "submit",
        "daemon_id": daemon_id,
        "started_at": tx.now,
        "limit_at": limit_at,
        "slot": True,
    }
    (attempt_id,) = insert_ids(tx, attempt, [values])
    tx.conn.execute(insert(attempt_delivery).values(attempt_id=attempt_id, delivery_id=row.id))
    return attempt_id, limit_at
