"""After a death: what a daemon left behind is settled, once, by whoever may.

A daemon is proven dead when its lock on the same host is free. Of one that is only silent (frozen, cut
off, on another host) a call may still be under way: then a repeat is made only where it is harmless;
elsewhere the channel is asked, and what it does not hold waits for a person.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from publisher.delivery import State
from publisher.errors import ADVICE, OutcomeUnknown, Reason
from publisher.ledger import attempts, channel_state, daemons, deliveries, named_lease
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import Fault, Ledger, Tx
from publisher.lock import is_free
from publisher.send import settle, settle_late
from publisher.send.open_channel import OpenChannel
from publisher.send.settle import Rules

Channels = Mapping[str, OpenChannel]


def recover(ledger: Ledger, channels: Channels, daemon_id: int, rules: Rules, fault: Fault) -> int:
    """At the start of the only daemon: everything that earlier ones left behind; gives how many deliveries.

    To be called by whoever holds the ledger's lock, before the first tick.
    """
    with ledger.write() as tx:
        last = daemons.last_alive(tx.conn, daemon_id)
        downtime = timedelta(0) if last is None else max(timedelta(0), tx.now - last)
        channel_state.move_patience(tx, downtime)
        dead = daemons.dead(tx.conn, daemon_id)
        return _settle_dead(tx, channels, dead, rules, fault, downtime) if dead else 0


def settle_silent(ledger: Ledger, channels: Channels, daemon_id: int, rules: Rules, fault: Fault) -> int:
    """On a shared ledger: what daemons left behind whose lease has run out, or that are proven dead before that.

    Gives how many deliveries.
    """
    with ledger.read() as conn:
        others = daemons.others(conn, daemon_id)
    proven = {row.id for row in others if _proven_dead(row)}
    with ledger.write() as tx:
        gone = [row.id for row in others if row.id in proven or row.lease_until < tx.now]
        # Only these are locked: the row of a living daemon is its own, for its heartbeat.
        mine = daemons.lock(tx, gone) if gone else []
        dead = [row for row in mine if row.id in proven]
        doubtful = [row for row in mine if row.id not in proven and row.lease_until < tx.now]
        count = _settle_dead(tx, channels, dead, rules, fault, timedelta(0)) if dead else 0
        return count + (_settle_doubtful(tx, channels, doubtful, rules) if doubtful else 0)


def _proven_dead(row: Delivery) -> bool:
    return row.host == socket.gethostname() and row.lock_path is not None and is_free(Path(row.lock_path))


def _settle_dead(
    tx: Tx, channels: Channels, dead: Sequence[Delivery], rules: Rules, fault: Fault, downtime: timedelta
) -> int:
    # A test proves that reconciling matters by switching it off here.
    reconcile = fault("recover") != "no_reconcile"
    ids = [row.id for row in dead]
    named_lease.free(tx, ids)
    left = daemons.left_behind(tx, ids)
    daemons.close_calls_of(tx, ids)
    for row, call_had_begun in left:
        settle_late.recover(tx, channels.get(row.channel), row, call_had_begun, rules, reconcile=reconcile)
    _end(tx, dead, [row.id for row, _ in left], downtime, proven=True)
    return len(left)


def _settle_doubtful(tx: Tx, channels: Channels, silent: Sequence[Delivery], rules: Rules) -> int:
    ids = [row.id for row in silent]
    left = daemons.left_behind(tx, ids)
    daemons.free_asks(tx, ids)
    for row, _ in left:
        _doubt(tx, channels.get(row.channel), row, rules)
    _end(tx, silent, [row.id for row, _ in left], timedelta(0), proven=False)
    return len(left)


def _doubt(tx: Tx, channel: OpenChannel | None, row: Delivery, rules: Rules) -> None:
    """The daemon may still be sending this very delivery."""
    if channel is not None and channel.set_adapter is not None:
        # Its set number is lower than any to come: what it may still write is replaced, never replaces.
        deliveries.back_to_pending(tx, row, Reason.INTERRUPTED, ADVICE[Reason.INTERRUPTED], tx.now, event="interrupted")
    elif channel is not None and settle.may_repeat(channel, row, tx.now):
        settle.unknown(tx, channel, row, OutcomeUnknown(Reason.DAEMON_DIED), rules, None, call_over=True)
    elif channel is not None and channel.capabilities.findable:
        deliveries.become_unknown(
            tx, row, Reason.DAEMON_DIED, ADVICE[Reason.DAEMON_DIED], call_over_at=None, next_at=tx.now, doubtful=True
        )
    else:
        settle.hold_unaskable(tx, row, ADVICE[Reason.CANNOT_BE_ASKED], cause=Reason.DAEMON_DIED.value)


def _end(tx: Tx, ended: Sequence[Delivery], left: list[int], downtime: timedelta, *, proven: bool) -> None:
    for row in ended:
        if row.ended_at is None:
            daemons.end(tx, row.id)
    facts: dict[str, Any] = {"daemons": [row.id for row in ended], "deliveries": left, "proven_dead": proven}
    tx.log(deliveries.plain_entry("recovered", seconds=int(downtime.total_seconds()), **facts))


def take_back(delivery_id: int, channel: OpenChannel | None, rules: Rules, begun: bool, tx: Tx) -> None:
    """A delivery that is *sending* under this daemon's name without a call of it.

    `begun` False: the claim never became a call, so it waits again; True: the call's outcome was lost.
    """
    row = deliveries.read(tx.conn, delivery_id)
    if row.state != State.SENDING.value:
        return
    attempts.forget_attempts(tx, delivery_id, "unknown" if begun else "not_begun")
    settle_late.recover(tx, channel, row, begun, rules, reconcile=True)
