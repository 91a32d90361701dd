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

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    union_all,
    update,
)

from publisher.delivery import Operation, State, WaitsFor
from publisher.ledger import deliveries
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import Tx
from publisher.ledger.tables import ENDING, SHOWING, attempt, attempt_delivery, daemon, delivery, observation

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
    (attempt_id,) = _insert_ids(tx, attempt, [values])
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
    ids = _insert_ids(tx, observation, values)
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
    (attempt_id,) = _insert_ids(tx, attempt, [values])
    tx.conn.execute(insert(attempt_delivery).values(attempt_id=attempt_id, delivery_id=row.id))
    return attempt_id, limit_at


def _insert_ids(tx: Tx, table: Any, rows: Sequence[dict[str, Any]]) -> list[int]:
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return [row.id for row in tx.conn.execute(statement, list(rows))]


def end_attempt(
    tx: Tx,
    attempt_id: int,
    outcome: str,
    *,
    reason: str | None = None,
    detail: str = "",
    evidence: str = "",
    request_digest: str | None = None,
    over: bool = True,
    slot: bool = True,
) -> None:
    """Write down what an attempt came to; `over` False: its call may still be running."""
    values = {
        "attempt_id": attempt_id,
        "outcome": outcome,
        "reason": reason,
        "detail": detail or None,
        "evidence": evidence or None,
        "slot": slot,
        "ended_at": tx.now if over else None,
        "request_digest": request_digest,
    }
    tx.gather(_end_attempts, values)


_END = (
    update(attempt)
    .where(attempt.c.id == bindparam("attempt_id"))
    .values(
        {
            name: bindparam(name)
            for name in ("outcome", "reason", "detail", "evidence", "slot", "ended_at", "request_digest")
        }
    )
)


def _end_attempts(tx: Tx, ended: list[dict[str, Any]]) -> None:
    tx.conn.execute(_END, ended)


def is_over(conn: Connection, attempt_id: int) -> bool:
    """Whether an attempt's call is known to be over."""
    ended = conn.execute(select(attempt.c.ended_at).where(attempt.c.id == attempt_id)).scalar_one()
    return ended is not None


def open_observation(tx: Tx, channel: str, row: Delivery | None) -> int:
    """Write down that the channel is asked now, beside the line; it counts against the rate limit.

    `row`: the delivery that is asked for; None: the channel's own list is read.
    """
    delivery_id = None if row is None else row.id
    (observation_id,) = _insert_ids(
        tx, observation, [{"delivery_id": delivery_id, "channel": channel, "started_at": tx.now}]
    )
    return observation_id


def end_observation(tx: Tx, observation_id: int, finding: str, detail: str = "", digest: str | None = None) -> None:
    """Write down what the channel said when asked."""
    values = {"ended_at": tx.now, "finding": finding, "detail": detail or None, "digest": digest}
    tx.conn.execute(update(observation).where(observation.c.id == observation_id).values(**values))


_MAY_HAVE_BEEN_CARRIED_OUT = ("unknown", "published", "submitted")


def may_be_public(conn: Connection, row: Delivery, but_for: int | None = None) -> bool:
    """Whether the channel may hold this delivery, as far as its calls tell (attempt `but_for` apart).

    So it is after any call that was taken, or of which nobody knows what it came to, until somebody has
    looked. Of a set only its state tells: what is not *published* is not shown.
    """
    if row.visible_since is not None:
        return True
    doubtful = or_(attempt.c.outcome.is_(None), attempt.c.outcome.in_(_MAY_HAVE_BEEN_CARRIED_OUT))
    mine = [attempt_delivery.c.delivery_id == row.id, attempt.c.call == "submit", doubtful]
    if but_for is not None:
        mine.append(attempt.c.id != but_for)
    joined = attempt_delivery.join(attempt, attempt.c.id == attempt_delivery.c.attempt_id)
    return conn.execute(select(attempt.c.id).select_from(joined).where(*mine).limit(1)).first() is not None


def was_taken(conn: Connection, delivery_id: int, but_for: int) -> bool:
    """Whether a call of this delivery other than `but_for` was answered with a receipt."""
    joined = attempt_delivery.join(attempt, attempt.c.id == attempt_delivery.c.attempt_id)
    others = (attempt_delivery.c.delivery_id == delivery_id, attempt.c.id != but_for)
    taken = attempt.c.outcome.in_(("published", "submitted"))
    return conn.execute(select(attempt.c.id).select_from(joined).where(*others, taken).limit(1)).first() is not None


def settle_calls(tx: Tx, delivery_id: int, outcome: str) -> None:
    """Somebody looked: what the calls that are over came to is `outcome`."""
    mine = select(attempt_delivery.c.attempt_id).where(attempt_delivery.c.delivery_id == delivery_id)
    doubtful = (attempt.c.outcome.in_(_MAY_HAVE_BEEN_CARRIED_OUT), attempt.c.ended_at.is_not(None))
    tx.conn.execute(update(attempt).where(attempt.c.id.in_(mine), *doubtful).values(outcome=outcome))


def call_still_runs(conn: Connection, delivery_id: int) -> bool:
    """Whether a call of this delivery is not known to be over."""
    joined = attempt_delivery.join(attempt, attempt.c.id == attempt_delivery.c.attempt_id)
    mine = (attempt_delivery.c.delivery_id == delivery_id, attempt.c.ended_at.is_(None))
    return conn.execute(select(attempt.c.id).select_from(joined).where(*mine).limit(1)).first() is not None


def last_call_over(conn: Connection, delivery_id: int) -> datetime | None:
    """When the last call of this delivery that is over ended; None: there was none."""
    joined = attempt_delivery.join(attempt, attempt.c.id == attempt_delivery.c.attempt_id)
    query = select(func.max(attempt.c.ended_at)).select_from(joined)
    last: datetime | None = conn.execute(query.where(attempt_delivery.c.delivery_id == delivery_id)).scalar_one()
    return last


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


def was_shown_in_a_set(conn: Connection, delivery_ids: Sequence[int]) -> bool:
    """Whether one of the deliveries was carried out by showing a set anew: its channel says nothing of what is gone."""
    joined = attempt_delivery.join(attempt, attempt.c.id == attempt_delivery.c.attempt_id)
    mine = (attempt_delivery.c.delivery_id.in_(delivery_ids), attempt.c.call == "show")
    return conn.execute(select(attempt.c.id).select_from(joined).where(*mine).limit(1)).first() is not None


def awaited_past_deadline(conn: Connection, now: datetime) -> dict[str, int]:
    """By channel, how many deliveries were to be public before `now` and have been awaited since."""
    return _by_channel(conn, delivery.c.state == State.SUBMITTED.value, delivery.c.deadline < now)


def _by_channel(conn: Connection, *which: ColumnElement[bool]) -> dict[str, int]:
    query = select(delivery.c.channel, func.count()).where(*which).group_by(delivery.c.channel)
    return {name: int(count) for name, count in conn.execute(query)}


# ---- daemons


def register_daemon(tx: Tx, host: str, pid: int, lease: timedelta, lock_path: str | None = None) -> int:
    """A new daemon; its id is its epoch."""
    values = {"host": host, "pid": pid, "started_at": tx.now, "heartbeat_at": tx.now, "lease_until": tx.now + lease}
    (daemon_id,) = _insert_ids(tx, daemon, [values | {"lock_path": lock_path}])
    return daemon_id


def heartbeat(tx: Tx, daemon_id: int, lease: timedelta) -> bool:
    """Say that the daemon lives; False if others have taken it for dead meanwhile."""
    mine = (daemon.c.id == daemon_id, daemon.c.ended_at.is_(None))
    done = tx.conn.execute(update(daemon).where(*mine).values(heartbeat_at=tx.now, lease_until=tx.now + lease))
    return done.rowcount == 1


def new_epoch(tx: Tx, old: int, lease: timedelta) -> int:
    """A daemon that was taken for dead goes on under a new id; gives it."""
    row = tx.conn.execute(select(daemon).where(daemon.c.id == old)).one()
    return register_daemon(tx, row.host, row.pid, lease, row.lock_path)


def forget_attempts(tx: Tx, delivery_id: int, outcome: str) -> None:
    """Close attempts whose call is not running: `unknown`, or `not_begun`, which gives the slot back."""
    mine = select(attempt_delivery.c.attempt_id).where(attempt_delivery.c.delivery_id == delivery_id)
    never = (attempt.c.id.in_(mine), attempt.c.ended_at.is_(None), attempt.c.outcome.is_(None))
    told = {"outcome": outcome, "ended_at": tx.now, "slot": outcome != "not_begun"}
    tx.conn.execute(update(attempt).where(*never).values(**told))


def end_daemon(tx: Tx, daemon_id: int) -> None:
    """The daemon stops (or was proven dead)."""
    tx.conn.execute(update(daemon).where(daemon.c.id == daemon_id).values(ended_at=tx.now))


def dead_daemons(conn: Connection, me: int) -> list[Delivery]:
    """Daemons other than `me` that have not ended, or left calls behind; whoever holds the lock knows they are dead."""
    calls = select(attempt.c.daemon_id).where(attempt.c.ended_at.is_(None))
    leases = select(delivery.c.daemon_id).where(delivery.c.daemon_id.is_not(None))
    left = or_(daemon.c.ended_at.is_(None), daemon.c.id.in_(calls), daemon.c.id.in_(leases))
    return list(conn.execute(select(daemon).where(daemon.c.id != me, left).order_by(daemon.c.id)))


def other_daemons(conn: Connection, me: int) -> list[Delivery]:
    """Daemons other than `me` that have not ended, as far as anybody knows, or that left deliveries *sending*."""
    return list(conn.execute(select(daemon).where(_TO_BE_SETTLED, daemon.c.id != me).order_by(daemon.c.id)))


def lock_daemons(tx: Tx, ids: Sequence[int]) -> list[Delivery]:
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


def is_changing(conn: Connection, channel: str) -> bool:
    """Whether a change of this channel's set is under way, or was cut off and not settled yet."""
    query = select(attempt.c.id).where(attempt.c.channel == channel, text(SHOWING))
    return conn.execute(query.limit(1)).first() is not None


def sending_of(conn: Connection, me: int) -> list[Delivery]:
    """Deliveries that are *sending* under this daemon's name."""
    mine = (delivery.c.state == State.SENDING.value, delivery.c.daemon_id == me)
    return list(conn.execute(select(delivery).where(*mine).order_by(delivery.c.id)))


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
