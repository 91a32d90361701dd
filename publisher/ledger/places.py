"""Which staff folder a notice's file belongs in, worked out from its deliveries."""

from __future__ import annotations

from sqlalchemy import select, update

from publisher.delivery import IntakeState, Operation, State
from publisher.ledger.store import Tx
from publisher.ledger.tables import delivery, intake


def belongs_in(tx: Tx, notice_id: int, place: str) -> None:
    """The files of a notice belong in another staff folder now."""
    mine = (intake.c.notice_id == notice_id, intake.c.sub == 0, intake.c.place != place)
    accepted = intake.c.state == IntakeState.ACCEPTED.value
    tx.conn.execute(update(intake).where(*mine, accepted).values(place=place, moved=False))


def settle_place(tx: Tx, notice_id: int) -> None:
    """Put the notice's file where it belongs: published once every mandatory channel has it, returned once all are cancelled."""
    mine = (delivery.c.notice_id == notice_id, delivery.c.operation == Operation.PUBLISH.value)
    states = tx.conn.execute(select(delivery.c.state, delivery.c.mandatory).where(*mine)).all()
    live = [(State(s), mandatory) for s, mandatory in states if s != State.SUPERSEDED.value]
    if not live:
        return
    must = [s for s, mandatory in live if mandatory] or [s for s, _ in live]
    if all(s is State.CANCELLED for s, _ in live):
        belongs_in(tx, notice_id, "returned")
    elif all(s in (State.PUBLISHED, State.ENDED) for s in must):
        belongs_in(tx, notice_id, "published")
    else:
        belongs_in(tx, notice_id, "working")
