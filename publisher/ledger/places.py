"""Which staff folder a notice's file belongs in, worked out from its deliveries."""

from __future__ import annotations

from sqlalchemy import bindparam, select, update

from publisher.delivery import IntakeState, Operation, State
from publisher.ledger.store import Tx
from publisher.ledger.tables import delivery, intake

_STATES = select(delivery.c.notice_id, delivery.c.state, delivery.c.mandatory).where(
    delivery.c.notice_id.in_(bindparam("ids", expanding=True)),
    delivery.c.operation == Operation.PUBLISH.value,
    delivery.c.state != State.SUPERSEDED.value,
)
_BELONG = (
    update(intake)
    .where(
        intake.c.notice_id.in_(bindparam("ids", expanding=True)),
        intake.c.sub == 0,
        intake.c.place != bindparam("its_place"),
        intake.c.state == IntakeState.ACCEPTED.value,
    )
    .values(place=bindparam("new_place"), moved=False)
)


def settle_places(tx: Tx, notice_ids: list[int]) -> None:
    """Put the notices' files where they belong.

    Published once every mandatory channel has it, returned once all are cancelled, else on its way.
    """
    ids = sorted(set(notice_ids))
    states: dict[int, list[tuple[State, bool]]] = {}
    for row in tx.conn.execute(_STATES, {"ids": ids}):
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
    tx.conn.execute(_BELONG, {"ids": notice_ids, "its_place": place, "new_place": place})
