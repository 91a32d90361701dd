"""What one daemon among several has to itself for a while, such as the staff folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, select, update

from publisher.ledger.channel_state import ALL, LEASE, LedgerStore, lock_state
from publisher.ledger.store import Ledger, Tx
from publisher.ledger.tables import channel_store


class LeaseLost(Exception):
    """Another daemon has taken over what this one had to itself: it stops in the middle, and nothing is undone."""


class NamedLease:
    """A named lease of this process, renewed while it is used.

    `holder` gives the daemon's present id, `monotonic` seconds that never step. On a ledger that is not shared there
    is only one daemon, and the lease is always its own.
    """

    def __init__(
        self, ledger: Ledger, name: str, lasts: timedelta, holder: Callable[[], int], monotonic: Callable[[], float]
    ) -> None:
        self._ledger = ledger
        self._name = name
        self._lasts = lasts
        self._holder = holder
        self._monotonic = monotonic
        self._renewed: float | None = None

    def take(self) -> bool:
        """Take or renew it; False while another daemon has it."""
        if not self._ledger.shared:
            return True
        began = self._monotonic()
        taken = LedgerStore(self._ledger, ALL).lease(self._name, str(self._holder()), self._lasts)
        self._renewed = began if taken else None
        return taken

    def keep(self) -> None:
        """Said between two pieces of long work: renews it in good time. Raises `LeaseLost`."""
        if not self._ledger.shared:
            return
        fresh = self._renewed is not None and self._monotonic() < self._renewed + self._lasts.total_seconds() / 6
        if not fresh and not self.take():
            raise LeaseLost(self._name)

    def check(self, tx: Tx) -> None:
        """Within a transaction: it is ours now, and stays so until the commit. Raises `LeaseLost`."""
        if not self._ledger.shared:
            return
        lock_state(tx, ALL)  # as whoever takes a lease does
        mine = (
            channel_store.c.channel == ALL,
            channel_store.c.name == LEASE + self._name,
            channel_store.c.value == str(self._holder()),
            channel_store.c.until > tx.now,
        )
        if tx.conn.execute(select(channel_store.c.name).where(*mine)).first() is None:
            raise LeaseLost(self._name)


def free(tx: Tx, daemons: Sequence[int]) -> None:
    """What these daemons held is free: they have ended."""
    lock_state(tx, ALL)
    tx.conn.execute(delete(channel_store).where(*_of([str(one) for one in daemons])))


def hand_over(tx: Tx, old: int, new: int) -> None:
    """A daemon that goes on under a new id keeps what it had under the old one, unless others took it meanwhile."""
    lock_state(tx, ALL)
    tx.conn.execute(update(channel_store).where(*_of([str(old)])).values(value=str(new)))


def _of(holders: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    named = channel_store.c.name.startswith(LEASE, autoescape=True)
    return (channel_store.c.channel == ALL, named, channel_store.c.value.in_(holders))
