"""The act of a person on time: a notice is moved to another instant, wholly or not at all.

It raises `NotAllowed` (in Chinese, saying what to do instead) where the present state forbids the act.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update

from publisher.delivery import Operation, State
from publisher.errors import NotAllowed, Reason
from publisher.ledger import acts, attempts, deliveries
from publisher.ledger.acts import Person
from publisher.ledger.chain import iso
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import Tx
from publisher.ledger.tables import delivery


def reschedule(tx: Tx, number: str, at: datetime, person: Person, reason: str) -> list[Delivery]:
    """Publish a notice at `at` (aware; past: at once) on all the channels that it goes to; gives its deliveries.

    All of them or none: refused once one is on its way, public, or possibly public. Channels, texts and approvals
    stay as they are; deadlines move along.
    """
    rows = acts.locked(tx, acts.of_number(tx.conn, number))
    mine = [row for row in rows if row.operation == Operation.PUBLISH.value and row.state != State.CANCELLED.value]
    _refuse_gone(tx, mine)
    bids_end = [row.bid_deadline for row in mine if row.bid_deadline is not None]
    if bids_end and at >= min(bids_end) > tx.now:
        raise NotAllowed(f"所定时间不早于投标截止时间 {iso(min(bids_end))[:16]}，请核对")
    for row in mine:
        _move(tx, row, at, person, reason)
    deliveries.tell_staff(tx, mine[0].notice_id)
    return [deliveries.read(tx.conn, row.id) for row in mine]


def _refuse_gone(tx: Tx, rows: Sequence[Delivery]) -> None:
    if not rows:
        raise NotAllowed("该公告的发布任务均已取消，不能改期")
    gone = [row for row in rows if _is_gone(tx, row)]
    if gone:
        states = "、".join(f"{row.channel} {State(row.state).label}" for row in gone)
        raise NotAllowed(f"已有渠道发出或可能已发出，不能改期，什么都没有改动：{states}")


def _is_gone(tx: Tx, row: Delivery) -> bool:
    if deliveries.waits_for_feeder(row):
        return False  # nothing of it can be public before the channel that forwards it has it
    return acts.is_on_its_way(row) or attempts.may_be_public(tx.conn, row)


def _move(tx: Tx, row: Delivery, at: datetime, person: Person, reason: str) -> None:
    before = max(row.created_at, row.publish_at or row.created_at)
    deadline = row.deadline - before + max(row.created_at, at)
    values = {"publish_at": at, "deadline": deadline, "tries": 0, "first_attempt_at": None, "give_up_at": None}
    tx.conn.execute(update(delivery).where(delivery.c.id == row.id).values(**values))
    was = iso(row.publish_at) if row.publish_at else None
    told: dict[str, Any] = {"account": person.account, "reason": reason, "before": was, "at": iso(at)}
    tx.log(deliveries.entry(row, "rescheduled", person.by, **told))
    moved = deliveries.read(tx.conn, row.id)
    if moved.state == State.HELD.value and moved.reason == Reason.CLOCK_STEPPED.value:
        # A person has said when: that is what was asked.
        acts.send_again(tx, moved, person, "released", {"account": person.account, "why": reason})
    elif moved.state == State.PENDING.value:
        missing = acts.approvals_missing(tx.conn, moved) > 0
        deliveries.work_out_waits(tx, moved, approvals_missing=missing)
