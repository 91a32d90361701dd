"""Calls and questions: what each came to, and what the calls of a delivery tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, select, text, update

from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import Tx, insert_ids
from publisher.ledger.tables import SHOWING, attempt, attempt_delivery, observation


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
    (observation_id,) = insert_ids(
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


def was_shown_in_a_set(conn: Connection, delivery_ids: Sequence[int]) -> bool:
    """Whether one of the deliveries was carried out by showing a set anew: its channel says nothing of what is gone."""
    joined = attempt_delivery.join(attempt, attempt.c.id == attempt_delivery.c.attempt_id)
    mine = (attempt_delivery.c.delivery_id.in_(delivery_ids), attempt.c.call == "show")
    return conn.execute(select(attempt.c.id).select_from(joined).where(*mine).limit(1)).first() is not None


def a_set_is_changing(conn: Connection, channel: str) -> bool:
    """Whether a change of this channel's set is under way, or was cut off and not settled yet."""
    query = select(attempt.c.id).where(attempt.c.channel == channel, text(SHOWING))
    return conn.execute(query.limit(1)).first() is not None


def forget_attempts(tx: Tx, delivery_id: int, outcome: str) -> None:
    """Close attempts whose call is not running: `unknown`, or `not_begun`, which gives the slot back."""
    mine = select(attempt_delivery.c.attempt_id).where(attempt_delivery.c.delivery_id == delivery_id)
    never = (attempt.c.id.in_(mine), attempt.c.ended_at.is_(None), attempt.c.outcome.is_(None))
    told = {"outcome": outcome, "ended_at": tx.now, "slot": outcome != "not_begun"}
    tx.conn.execute(update(attempt).where(*never).values(**told))
