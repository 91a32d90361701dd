"""The rate limit of a channel, shared by all daemons of a ledger through the rows of their calls.

A call leaves at some instant between its row and its end. So it holds its slot from its row until `per` after
its end, and in no stretch of `per` can more calls reach the channel than may. One that nobody has ended (its
daemon is frozen or cut off, and may go on at any time) is taken to be over once its total time is up.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Select, Table, and_, func, literal, or_, select, union_all

from publisher.ledger.store import Tx
from publisher.ledger.tables import attempt, observation

_ENDS_WITHIN = timedelta(minutes=1)
"""Longest time between the end of a call's total time and the row that says so."""


def slots_left(tx: Tx, channel: str, calls: int, per: timedelta, limit: timedelta) -> int:
    """How many of `calls` in `per` the channel may still take now; attempts and questions both count.

    `limit` is the total time of one call. To be asked under the lock of the channel's row.
    """
    holding = _holding(channel, per, tx.now, limit).subquery()
    return calls - int(tx.conn.execute(select(func.count()).select_from(holding)).scalar_one())


def next_slot(conn: Connection, channel: str, per: timedelta, now: datetime, limit: timedelta) -> datetime:
    """When the first of the calls that hold a slot gives it back, if those in flight ended now."""
    holding = _holding(channel, per, now, limit).subquery()
    moment = attempt.c.ended_at.type
    first = func.min(func.coalesce(holding.c.ended_at, literal(now, moment)), type_=moment)
    over: datetime | None = conn.execute(select(first)).scalar_one()
    return now if over is None else over + per


def _holding(channel: str, per: timedelta, now: datetime, limit: timedelta) -> CompoundSelect[Any]:
    """The calls of a channel that hold a slot at `now`."""
    counted = attempt.c.slot  # a claim that never became a call has given its slot back
    return union_all(_of(attempt, channel, per, now, limit).where(counted), _of(observation, channel, per, now, limit))


def _of(table: Table, channel: str, per: timedelta, now: datetime, limit: timedelta) -> Select[Any]:
    in_flight = and_(table.c.ended_at.is_(None), table.c.started_at > now - per - limit)
    holds = or_(in_flight, table.c.ended_at > now - per)
    # What the index bounds: nothing that began before this can hold a slot still.
    since = table.c.started_at > now - per - limit - _ENDS_WITHIN
    return select(table.c.id, table.c.ended_at).where(table.c.channel == channel, since, holds)
