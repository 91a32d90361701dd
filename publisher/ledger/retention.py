"""Clean-up: what calls and questions said in detail expires; identity, log and counts never do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, or_, select, update

from publisher.ledger.chain import Entry, iso
from publisher.ledger.store import PROGRAM, Ledger
from publisher.ledger.tables import attempt, observation

BATCH = 1000
"""Rows of one transaction: a clean-up holds up nobody, and an interrupted one goes on where it was."""


def clean_up(ledger: Ledger, keep: timedelta) -> int:
    """Empty `detail` and `evidence` of attempts and observations that are over for longer than `keep`.

    What remains of each: when, on which channel, the outcome, its reason and the digests. Each batch is a row of
    the log; where nothing has expired there is none. Gives how many were emptied.
    """
    total = 0
    while emptied := _batch(ledger, keep):
        total += emptied
    return total


def _batch(ledger: Ledger, keep: timedelta) -> int:
    with ledger.write() as tx:
        before = tx.now - keep
        attempts = _expired(tx.conn, attempt, [attempt.c.detail, attempt.c.evidence], before)
        questions = _expired(tx.conn, observation, [observation.c.detail], before)
        if not attempts and not questions:
            return 0
        tx.conn.execute(update(attempt).where(attempt.c.id.in_(attempts)).values(detail=None, evidence=None))
        tx.conn.execute(update(observation).where(observation.c.id.in_(questions)).values(detail=None))
        told = {"before": iso(before), "attempts": len(attempts), "observations": len(questions)}
        tx.log(Entry(event="cleaned_up", by=PROGRAM, data=told))
    return len(attempts) + len(questions)


def _expired(conn: Connection, table: Any, payload: list[Any], before: Any) -> list[int]:
    full = or_(*(column.is_not(None) for column in payload))
    query = select(table.c.id).where(table.c.started_at < before, table.c.ended_at.is_not(None), full)
    return list(conn.execute(query.order_by(table.c.id).limit(BATCH)).scalars())
