"""What the ledger remembers of a channel: stopped, breaker open, asked to wait; and its small store."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, bindparam, func, select, type_coerce, update

from publisher.delivery import OPEN, State
from publisher.ledger.alarms import clear_alarm, cleared_since, raise_alarm, standing_since
from publisher.ledger.chain import Entry, iso, local_day
from publisher.ledger.store import Ledger, Tx
from publisher.ledger.tables import channel_state, channel_store, delivery

CALM = timedelta(hours=1)
"""A channel that is down again within this time flaps: it has one alarm, which ends after as long a calm."""

ALL = "*"
"""The name under which a stop of all channels is kept."""


@dataclass(frozen=True, slots=True)
class ChannelState:
    """One row of channel_state."""

    channel: str
    stopped_at: datetime | None = None
    stop_reason: str | None = None
    stopped_by: str | None = None
    failures: int = 0
    open_since: datetime | None = None
    probe_at: datetime | None = None
    probes: int = 0
    not_before: datetime | None = None
    set_number: int = 0
    shown_at: datetime | None = None
    silent_since: datetime | None = None
    silent_until: datetime | None = None
    silent_reason: str | None = None
    silent_by: str | None = None
    closed_at: datetime | None = None

    def was_silent(self, at: datetime) -> bool:
        """Whether the last silence, over or not, holds `at`."""
        return self.silent_since is not None and self.silent_since <= at and self.is_silent(at)

    def is_silent(self, now: datetime) -> bool:
        """Whether the channel is under maintenance: no call of any kind."""
        return self.silent_until is not None and self.silent_until > now


# Made once: these run for every group of calls.
_STATES = select(*[channel_state.c[field.name] for field in fields(ChannelState)])
_STATE = _STATES.where(channel_state.c.channel == bindparam("its_name"))
_STATE_LOCKED = _STATE.with_for_update()


def read_states(conn: Connection) -> dict[str, ChannelState]:
    """All rows, by channel."""
    return {row.channel: ChannelState(*row) for row in conn.execute(_STATES)}


def stopped_channels(conn: Connection) -> set[str]:
    """The channels on which nothing is sent until a person resumes them; `ALL` among them: everything."""
    return {name for name, state in read_states(conn).items() if state.stopped_at is not None}


def lock_state(tx: Tx, channel: str) -> ChannelState:
    """The channel's row, locked until commit and made if it is missing."""
    empty = {"channel": channel, "failures": 0, "probes": 0, "set_number": 0}
    query = _STATE_LOCKED if tx.on_postgresql else _STATE
    row = tx.conn.execute(query, {"its_name": channel}).first()
    if row is None:
        tx.conn.execute(tx.upsert(channel_state).values(**empty).on_conflict_do_nothing())
        row = tx.conn.execute(query, {"its_name": channel}).one()
    return ChannelState(*row)


def _set(tx: Tx, channel: str, **values: object) -> None:
    tx.conn.execute(update(channel_state).where(channel_state.c.channel == channel).values(**values))


def stop(tx: Tx, channel: str, by: str, reason: str, account: str | None = None) -> bool:
    """Stop a channel (or `ALL`); False if it already was. `account`: the person's, where a person does it."""
    if lock_state(tx, channel).stopped_at is not None:
        return False
    _set(tx, channel, stopped_at=tx.now, stop_reason=reason, stopped_by=by)
    tx.log(Entry(event="stopped", by=by, channel=channel, data=_told(reason=reason, account=account)))
    return True


def _told(**facts: object) -> dict[str, object]:
    return {name: fact for name, fact in facts.items() if fact is not None}


def resume(tx: Tx, channel: str, by: str, reason: str = "", account: str | None = None) -> bool:
    """Let a stopped channel (or `ALL`) go on; False if it was not stopped. Patience is moved on by the stop."""
    state = lock_state(tx, channel)
    if state.stopped_at is None:
        return False
    stopped_for = tx.now - state.stopped_at
    # A channel stopped for its credential starts afresh: the cause is mended, so no probe is due.
    _set(
        tx,
        channel,
        stopped_at=None,
        stop_reason=None,
        stopped_by=None,
        failures=0,
        open_since=None,
        probe_at=None,
        probes=0,
    )
    move_patience(tx, stopped_for, None if channel == ALL else channel)
    clear_alarm(tx, f"stopped:{channel}")
    clear_alarm(tx, f"down:{channel}")
    tx.log(
        Entry(
            event="resumed",
            by=by,
            channel=channel,
            data=_told(reason=reason, account=account, seconds=int(stopped_for.total_seconds())),
        )
    )
    return True


def silence(tx: Tx, channel: str, until: datetime, by: str, reason: str, account: str) -> None:
    """No call of any kind to this channel before `until`; a silence that lasts already then ends at `until`.

    It ends by itself. Its time is not taken from anybody's patience.
    """
    state = lock_state(tx, channel)
    lasts = state.is_silent(tx.now)
    before = state.silent_until if lasts and state.silent_until is not None else tx.now
    since = state.silent_since if lasts else tx.now
    _set(tx, channel, silent_since=since, silent_until=until, silent_reason=reason, silent_by=by)
    move_patience(tx, until - before, channel)
    tx.log(
        Entry(
            event="silenced", by=by, channel=channel, data={"until": iso(until), "reason": reason, "account": account}
        )
    )


def end_silence(tx: Tx, channel: str, by: str, reason: str, account: str) -> bool:
    """End a silence before its time; False if there is none."""
    state = lock_state(tx, channel)
    if state.silent_until is None or state.silent_until <= tx.now:
        return False
    _set(tx, channel, silent_until=tx.now)
    move_patience(tx, tx.now - state.silent_until, channel)
    tx.log(Entry(event="silence_ended", by=by, channel=channel, data=_told(reason=reason or None, account=account)))
    return True


def move_patience(tx: Tx, by: timedelta, channel: str | None = None) -> None:
    """Move the give-up instants of open deliveries on by `by`: that time was not theirs to use."""
    micros = by // timedelta(microseconds=1)
    later = type_coerce(type_coerce(delivery.c.give_up_at, BigInteger) + micros, delivery.c.give_up_at.type)
    statement = update(delivery).where(
        delivery.c.state.in_([s.value for s in OPEN]), delivery.c.give_up_at.is_not(None)
    )
    if channel is not None:
        statement = statement.where(delivery.c.channel == channel)
    tx.conn.execute(statement.values(give_up_at=later))


def channel_failed(tx: Tx, channel: str, title: str, limit: int, first: timedelta, cap: timedelta, reason: str) -> None:
    """Count one channel-wide failure; open the breaker at `limit` in a row; space the probes while it is open."""
    tx.memo.discard(("well", channel))
    state = lock_state(tx, channel)
    failures = state.failures + 1
    if state.open_since is not None:
        probes = state.probes + 1
        wait = min(cap, first * 2 ** min(probes, 20))
        _set(tx, channel, failures=failures, probes=probes, probe_at=tx.now + wait)
    elif failures >= limit:
        _set(tx, channel, failures=failures, open_since=tx.now, probes=0, probe_at=tx.now + first)
        waiting = _waiting(tx.conn, channel)
        detail = f"{title}连续 {failures} 次失败（{reason}），已暂停发送并定时试探；等待发布 {waiting} 件"
        if cleared_since(tx.conn, f"down:{channel}", tx.now - CALM):
            detail += "。时好时坏：平稳一小时后自动解除，其间不再重复报警"
        raise_alarm(tx, f"down:{channel}", detail, channel)
    else:
        _set(tx, channel, failures=failures)


def channel_answered(tx: Tx, channel: str) -> None:
    """The channel gave a proper answer: close the breaker and let what waited go."""
    if ("well", channel) in tx.memo:
        return
    # Looked at without a lock first: a channel that is well is nearly always seen, and a lock here would
    # be taken after deliveries' locks.
    row = tx.conn.execute(_STATE, {"its_name": channel}).first()
    if row is None or (not row.failures and row.open_since is None):
        tx.memo.add(("well", channel))
        return
    state = lock_state(tx, channel)
    if state.open_since is None:
        _set(tx, channel, failures=0)
        return
    _set(tx, channel, failures=0, open_since=None, closed_at=tx.now, probe_at=None, probes=0)
    waits = (delivery.c.channel == channel, delivery.c.state == State.PENDING.value, delivery.c.next_at > tx.now)
    tx.conn.execute(update(delivery).where(*waits, delivery.c.waits_for.is_(None)).values(next_at=tx.now))
    if not _flaps(tx, channel):
        clear_alarm(tx, f"down:{channel}", f"渠道已恢复，继续发布 {_waiting(tx.conn, channel)} 件")


def _flaps(tx: Tx, channel: str) -> bool:
    """Whether the alarm that stands was raised soon after the one before had ended: then it ends when all is calm."""
    raised = standing_since(tx.conn, f"down:{channel}")
    return raised is not None and cleared_since(tx.conn, f"down:{channel}", raised - CALM)


def calmed_down(tx: Tx, channel: str) -> None:
    """End the alarm of a channel that was down and up by turns, once it has been up for long enough."""
    state = lock_state(tx, channel)
    if state.open_since is None and state.closed_at is not None and state.closed_at <= tx.now - CALM:
        clear_alarm(tx, f"down:{channel}", f"渠道已平稳一小时；等待发布 {_waiting(tx.conn, channel)} 件")


def probe_begins(tx: Tx, channel: str, until: datetime) -> None:
    """No other probe before `until`, unless this one's outcome says so."""
    _set(tx, channel, probe_at=until)


def wait_until(tx: Tx, channel: str, not_before: datetime) -> None:
    """The channel asked for no call before `not_before`."""
    state = lock_state(tx, channel)
    if state.not_before is None or state.not_before < not_before:
        _set(tx, channel, not_before=not_before)


def next_set_number(tx: Tx, channel: str) -> int:
    """A set number higher than every one before."""
    number = lock_state(tx, channel).set_number + 1
    _set(tx, channel, set_number=number, shown_at=tx.now)
    return number


def refresh_begins(tx: Tx, channel: str) -> None:
    """The present set is shown once more; not again before its interval is over."""
    _set(tx, channel, shown_at=tx.now)


def _waiting(conn: Connection, channel: str) -> int:
    waiting = (State.PENDING.value, State.SENDING.value)  # what is just failing waits again in a moment
    query = select(func.count()).where(delivery.c.channel == channel, delivery.c.state.in_(waiting))
    return conn.execute(query).scalar_one()


LEASE = "lease:"
"""How the names of leases begin."""


class LedgerStore:
    """The small durable state of one channel (`publisher.channel.Store`)."""

    def __init__(self, ledger: Ledger, channel: str, delivery_id: int | None = None) -> None:
        self._ledger = ledger
        self._channel = channel
        self._delivery_id = delivery_id

    def _read(self, conn: Connection, name: str) -> str | None:
        here = (channel_store.c.channel == self._channel, channel_store.c.name == name)
        return conn.execute(select(channel_store.c.value).where(*here)).scalar_one_or_none()

    def _write(self, tx: Tx, name: str, value: str, until: datetime | None = None) -> None:
        statement = tx.upsert(channel_store).values(channel=self._channel, name=name, value=value, until=until)
        tx.conn.execute(
            statement.on_conflict_do_update(index_elements=["channel", "name"], set_={"value": value, "until": until})
        )

    def get(self, name: str) -> str | None:
        """The value of `name`, or None."""
        with self._ledger.read() as conn:
            return self._read(conn, name)

    def put(self, name: str, value: str) -> None:
        """Set `name`."""
        with self._ledger.write() as tx:
            self._write(tx, name, value)

    def compare_and_set(self, name: str, old: str | None, new: str) -> bool:
        """Set `name` to `new` if it still is `old`."""
        with self._ledger.write() as tx:
            lock_state(tx, self._channel)
            if self._read(tx.conn, name) != old:
                return False
            self._write(tx, name, new)
            return True

    def count_today(self, name: str, limit: int) -> bool:
        """Add one to today's counter unless it has reached `limit`."""
        with self._ledger.write() as tx:
            lock_state(tx, self._channel)
            key = f"count:{name}:{local_day(tx.now)}"
            count = int(self._read(tx.conn, key) or "0")
            if count >= limit:
                return False
            self._write(tx, key, str(count + 1))
            return True

    def lease(self, name: str, holder: str, lasts: timedelta) -> bool:
        """Take or renew the named lease."""
        with self._ledger.write() as tx:
            lock_state(tx, self._channel)
            here = (channel_store.c.channel == self._channel, channel_store.c.name == LEASE + name)
            row = tx.conn.execute(select(channel_store).where(*here)).first()
            if row is not None and row.value != holder and row.until is not None and row.until > tx.now:
                return False
            self._write(tx, LEASE + name, holder, tx.now + lasts)
            return True

    def step(self, name: str, ref: str | None = None) -> str | None:
        """Record, or recall, a remote step of this delivery."""
        key = f"step:{self._delivery_id}:{name}"
        if ref is None:
            return self.get(key)
        self.put(key, ref)
        return ref
