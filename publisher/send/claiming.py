"""Which calls may begin now: what is due, where there is room, within each channel's limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from publisher.delivery import Operation, State
from publisher.ledger import channel_state, claims, daemons, rate_limit, set_members
from publisher.ledger.channel_state import ALL, ChannelState
from publisher.ledger.claims import Claimed
from publisher.ledger.contents import read_many
from publisher.ledger.deliveries import Delivery
from publisher.ledger.store import Connection, Ledger, Tx
from publisher.send import before_call, sets
from publisher.send.calls import Running
from publisher.send.in_flight import InFlight
from publisher.send.open_channel import OpenChannel
from publisher.send.pool import Pool
from publisher.settings import SendingSettings

_AHEAD = 4
"""Calls of one channel claimed at most before threads are free for them."""

Candidate = tuple[OpenChannel, Delivery, bool]
"""A delivery that may be sent over a channel, and whether that call is to find out if the channel is up again."""


@dataclass(frozen=True, slots=True)
class Claimer:
    """Looks for due deliveries and claims them; `monotonic` gives the seconds from which a call's limit counts."""

    ledger: Ledger
    pool: Pool
    channels: Mapping[str, OpenChannel]
    sending: SendingSettings
    in_flight: InFlight
    monotonic: Callable[[], float]

    # ---- what is due

    def is_anything_due(self, now: datetime) -> bool:
        """Whether a channel that has room has something to do."""
        with self.ledger.read() as conn:
            return bool(self._due_among(conn, self._with_room(), now))

    def next_due(self, now: datetime) -> datetime | None:
        """The earliest instant after `now` at which something may begin."""
        with self.ledger.read() as conn:
            due = [claims.next_due(conn, now, self.channels)]
            changes = self._sets_change(conn)
            waiting = {*claims.due_now(conn, now, self.channels), *(n for n, at in changes.items() if at <= now)}
            due += [self._opens_at(conn, name, now) for name in sorted(waiting)]
            due += changes.values()
        return min((d for d in due if d is not None and d > now), default=None)

    def _due_among(self, conn: Connection, names: Sequence[str], now: datetime) -> list[str]:
        """Of these channels, those with something to do."""
        due = claims.due_now(conn, now, names)
        changing = [n for n, at in self._sets_change(conn).items() if at <= now and n in names]
        return sorted({*due, *changing})

    def _opens_at(self, conn: Connection, name: str, now: datetime) -> datetime | None:
        """When a channel with something due that could not start may next be called: its slot, probe or quota."""
        channel = self.channels[name]
        state = channel_state.read_states(conn).get(name, ChannelState(name))
        instants = [state.not_before, state.probe_at if state.open_since else None, state.silent_until]
        # From the end of a silence on its hours count.
        instants.append(channel.settings.opens_at(max(now, state.silent_until or now)))
        if channel.settings.rate:
            per, limit = channel.settings.rate.per, channel.call_limit(self.sending)
            instants.append(rate_limit.next_slot(conn, name, per, now, limit))
        return max((i for i in instants if i is not None), default=None)

    def _sets_change(self, conn: Connection) -> dict[str, datetime]:
        """When the sets next change without a delivery of their own: an item's time is over, or a refresh."""
        instants: dict[str, datetime] = {}
        set_channels = {name: c for name, c in self.channels.items() if c.set_adapter is not None}
        states = channel_state.read_states(conn) if any(c.settings.refresh for c in set_channels.values()) else {}
        for name, channel in set_channels.items():
            both = (
                set_members.next_expiry(conn, name) if channel.settings.shown_for is not None else None,
                sets.refresh_at(channel, states[name]) if name in states else None,
            )
            known = [at for at in both if at is not None]
            if known:
                instants[name] = min(known)
        return instants

    # ---- where there is room

    def _with_room(self) -> list[str]:
        """Channels that are not busy to their limit, or for which more may be claimed ahead."""
        running = self.in_flight.by_channel()
        return [n for n, c in self.channels.items() if running[n] < c.settings.concurrency or self._ahead(c)]

    def _ahead(self, channel: OpenChannel) -> int:
        """How many more calls may be claimed before a thread is free for them, so that none waits for a commit.

        None where a crash before they begin would leave a doubt that only a person can settle, where a rate limit
        counts from the claim, and where calls do not run on threads of their own.
        """
        settings, can = channel.settings, channel.capabilities
        settles_itself = can.findable or can.idempotent_for > timedelta(0)
        if not self.pool.threaded or settings.rate is not None or not settles_itself:
            return 0
        return max(0, min(_AHEAD, settings.concurrency // 2) - self.in_flight.ahead(channel.name))

    def _room(self, tx: Tx, channel: OpenChannel, state: ChannelState) -> int:
        """How many calls the channel may take now."""
        if state.not_before is not None and state.not_before > tx.now:
            return 0
        room = channel.settings.concurrency - self.in_flight.by_channel()[channel.name]
        return max(0, min(room, self.slots(tx, channel))) if room > 0 else 0

    def slots(self, tx: Tx, channel: OpenChannel) -> int:
        """How many calls the channel's rate limit leaves."""
        rate = channel.settings.rate
        if rate is None:
            return channel.settings.concurrency
        return rate_limit.slots_left(tx, channel.name, rate.calls, rate.per, channel.call_limit(self.sending))

    # ---- claiming

    def claim_due(self, tx: Tx, free: int, daemon_id: int) -> list[Running]:
        """Claim, under `daemon_id`, for `free` threads and a few ahead."""
        names = self._due_among(tx.conn, self._with_room(), tx.now)
        return self._claim(tx, names, free, daemon_id) if names else []

    def _claim(self, tx: Tx, names: Sequence[str], free: int, daemon_id: int) -> list[Running]:
        """Take what may be called now: doubts first, then the nearest deadlines, then what is only looked after."""
        states = {name: channel_state.lock_state(tx, name) for name in names}
        tx.look_at_clock()  # slots of a rate limit count from here on
        stopped = channel_state.read_states(tx.conn)
        all_stopped = ALL in stopped and stopped[ALL].stopped_at is not None
        started: list[Running] = []
        candidates: list[Candidate] = []
        rooms: dict[str, int] = {}
        ahead = 0
        for name, state in states.items():
            channel = self.channels[name]
            if state.is_silent(tx.now):
                continue  # not even a question: what a site under maintenance answers says nothing
            room = min(free - len(started), self._room(tx, channel, state))
            asked = self._asks(tx, channel, claims.IN_DOUBT, room, daemon_id)
            started += asked
            rooms[name] = room - len(asked)
            if all_stopped or state.stopped_at is not None:
                continue
            publishing = channel.settings.opens_at(tx.now) <= tx.now
            if channel.set_adapter is not None:
                started += self._show(tx, channel, room, daemon_id, publishing=publishing)
            else:
                more = self._ahead(channel) if state.open_since is None else 0
                candidates += _candidates(tx, channel, state, max(0, rooms[name]) + more, publishing)
                ahead += more
        candidates.sort(key=lambda c: (c[1].deadline, c[1].id))
        sends = self._sends(tx, candidates[: max(0, free - len(started)) + ahead], daemon_id)
        sent = Counter(running.channel.name for running in sends)
        started += sends
        for name in rooms:
            room = min(free - len(started), rooms[name] - sent[name])
            started += self._asks(tx, self.channels[name], claims.LOOKED_AFTER, room, daemon_id)
        return started

    def _asks(self, tx: Tx, channel: OpenChannel, states: Sequence[State], room: int, daemon_id: int) -> list[Running]:
        rows = claims.asks(tx, channel.name, states, room)
        claimed = claims.begin_asks(tx, rows, daemon_id, channel.call_limit(self.sending))
        return [self._new(channel, one) for one in claimed]

    def _sends(self, tx: Tx, chosen: Sequence[Candidate], daemon_id: int) -> list[Running]:
        started = []
        for name in sorted({channel.name for channel, _, _ in chosen}):
            mine = [(channel, row, probing) for channel, row, probing in chosen if channel.name == name]
            channel, _, probing = mine[0]
            limit = channel.call_limit(self.sending)
            if probing:
                channel_state.probe_begins(tx, name, tx.now + limit)
            for _, row, _ in mine:
                before_call.log_lateness(tx, channel, row, daemon_id)
            give_up = channel.settings.patience(tx.now, self.sending.give_up)
            claimed = claims.begin_sends(tx, [row for _, row, _ in mine], daemon_id, limit, give_up)
            contents = read_many(tx.conn, self.ledger, [one.row for one in claimed])
            for one in claimed:
                running = self._new(channel, one, probing=probing)
                running.contents = contents[one.row.id]
                started.append(running)
        return started

    def _show(self, tx: Tx, channel: OpenChannel, room: int, daemon_id: int, *, publishing: bool) -> list[Running]:
        if self.ledger.shared and daemons.someone_shows(tx.conn, channel.name, daemon_id, tx.now):
            return []
        if self.in_flight.runs(channel.name) or room <= 0:
            return []
        limit, give_up = channel.call_limit(self.sending), channel.settings.patience(tx.now, self.sending.give_up)
        claim = sets.claim(tx, channel, daemon_id, limit, give_up, publishing=publishing)
        if claim is None:
            return []
        running = self._new(channel, None)
        running.show = claim
        return [running]

    def _new(self, channel: OpenChannel, claimed: Claimed | None, *, probing: bool = False) -> Running:
        limit = channel.call_limit(self.sending).total_seconds()
        return Running(channel, claimed, self.monotonic(), limit, probing=probing)


def _candidates(tx: Tx, channel: OpenChannel, state: ChannelState, room: int, publishing: bool) -> list[Candidate]:
    probing = state.open_since is not None
    if probing:
        if state.probe_at is not None and state.probe_at > tx.now:
            return []
        room = min(room, 1)
    return [
        (channel, row, probing)
        for row in claims.sends(tx, channel.name, room, publishing=publishing)
        if before_call.still_useful(tx, channel, row)
    ]


def may_go_on(tx: Tx, claimer: Claimer, channel: OpenChannel, row: Delivery) -> bool:
    """Whether one more attempt of a delivery may follow at once; the channel's row is locked until the commit."""
    mine = channel_state.lock_state(tx, channel.name)
    tx.look_at_clock()
    states = channel_state.read_states(tx.conn)
    stopped = mine.stopped_at or mine.open_since or (ALL in states and states[ALL].stopped_at)
    hours_over = channel.settings.opens_at(tx.now) > tx.now and row.operation == Operation.PUBLISH.value
    return not (stopped or hours_over or mine.is_silent(tx.now) or claimer.slots(tx, channel) <= 0)
