"""Which staff folder a notice's file belongs in, worked out from its deliveries."""

from __future__ import annotations

from sqlalchemy import select, update

from publisher.delivery import IntakeState, Operation, State
from publisher.ledger.store import Tx
from publisher.ledger.tables import delivery, intake


def settle_places(tx: Tx, notice_ids: list[int]) -> None:
    """Put the notices' files where they belong.

    Published once every mandatory channel has it, returned once all are cancelled, else on its way.
    """
    ids = sorted(set(notice_ids))
    query = select(delivery.c.notice_id, delivery.c.state, delivery.c.mandatory).where(
        delivery.c.notice_id.in_(ids),
        delivery.c.operation == Operation.PUBLISH.value,
        delivery.c.state != State.SUPERSEDED.value,
    )
    states: dict[int, list[tuple[State, bool]]] = {}
    for row in tx.conn.execute(query):
        states.setdefault(row.notice_id, []).append((State(row.state), row.mandatory))
    by_place: dict[str, list[int]] = {}
    for notice_id, found in states.items():
        by_place.setdefault(_place(found), []).append(notice_id)
    for place, belonging in sorted(by_place.items()):
        _belong(tx, belonging, place)


def _place(states: list[tuple[State, bool]]) -> str:
    must = [s for s, mandatory in states if mandatory] or [s for s, _ in states]
    if all(s is State.CANCELLED for s, _ in states):
        return "returned"
    if all(s in (State.PUBLISHED, State.ENDED) for s in must):
        return "published"
    return "working"


def _belong(tx: Tx, notice_ids: list[int], place: str) -> None:
    mine = (intake.c.notice_id.in_(notice_ids), intake.c.sub == 0, intake.c.place != place)
    accepted = intake.c.state == IntakeState.ACCEPTED.value
    tx.conn.execute(update(intake).where(*mine, accepted).values(place=place, moved=False))
