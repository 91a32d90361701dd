"""What is where: the overview, one notice, the rows of the log, and what a run came to. All read-only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from publisher.counts.queries import Span, Tally, count
from publisher.counts.waiting import Unapproved, approvals
from publisher.delivery import IntakeState, State
from publisher.ledger import alarms, channel_state, contents, intake_rows
from publisher.ledger.channel_state import ALL, ChannelState, stopped_channels
from publisher.ledger.tables import (
    approval,
    attempt,
    attempt_delivery,
    daemon,
    delivery,
    intake,
    observation,
    publication_log,
    task,
)
from publisher.notice import LOCAL, Notice

AnyRow = Row[Any]


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of everything at one instant. `deliveries` by channel and state; of a workbook, its rows count."""

    now: datetime
    real: bool
    today: Tally
    intake: dict[str, int]
    deliveries: dict[str, dict[str, int]]
    waiting_approval: tuple[Unapproved, ...]
    alarms: tuple[AnyRow, ...]
    stops: tuple[ChannelState, ...]
    resting: tuple[ChannelState, ...]
    silences: tuple[ChannelState, ...]
    daemon: AnyRow | None

    @property
    def heartbeat_age(self) -> float | None:
        """Seconds since a running daemon last gave a sign of life; None: none is running."""
        if self.daemon is None or self.daemon.ended_at is not None:
            return None
        return float((self.now - self.daemon.heartbeat_at).total_seconds())


def overview(conn: Connection, now: datetime, real: bool) -> Overview:
    """The state of everything."""
    today = now.astimezone(LOCAL).date()
    states = channel_state.read_states(conn)
    return Overview(
        now=now,
        real=real,
        today=count(conn, (), Span(today, today)),
        intake=_intake_states(conn),
        deliveries=_delivery_states(conn),
        waiting_approval=tuple(approvals(conn)),
        alarms=tuple(alarms.standing(conn)),
        stops=tuple(state for _, state in sorted(states.items()) if state.stopped_at is not None),
        resting=tuple(state for _, state in sorted(states.items()) if state.open_since is not None),
        silences=tuple(state for _, state in sorted(states.items()) if state.is_silent(now)),
        daemon=conn.execute(select(daemon).order_by(daemon.c.id.desc()).limit(1)).one_or_none(),
    )


def _intake_states(conn: Connection) -> dict[str, int]:
    """Intake rows by state; a workbook is represented by its rows."""
    with_rows = select(intake.c.n).where(intake.c.sub > 0)
    mine = or_(intake.c.sub > 0, intake.c.n.not_in(with_rows))
    query = select(intake.c.state, func.count()).where(mine).group_by(intake.c.state).order_by(intake.c.state)
    return {state: int(number) for state, number in conn.execute(query)}


def _delivery_states(conn: Connection) -> dict[str, dict[str, int]]:
    query = select(delivery.c.channel, delivery.c.state, func.count()).group_by(delivery.c.channel, delivery.c.state)
    found: dict[str, dict[str, int]] = {}
    for channel, state, number in conn.execute(query.order_by(delivery.c.channel, delivery.c.state)):
        found.setdefault(channel, {})[state] = int(number)
    return found


@dataclass(frozen=True, slots=True)
class Life:
    """A time during which a daemon ran; `until` is its end, or its last sign of life."""

    since: datetime
    until: datetime


def lives(conn: Connection, since: datetime, until: datetime) -> tuple[Life, ...]:
    """When a daemon ran between two instants, oldest first: where nothing was published, what that proves."""
    over = func.coalesce(daemon.c.ended_at, daemon.c.heartbeat_at)
    query = select(daemon.c.started_at, daemon.c.ended_at, daemon.c.heartbeat_at)
    query = query.where(daemon.c.started_at < until, over >= since).order_by(daemon.c.started_at)
    found = ((row.started_at, row.ended_at or row.heartbeat_at) for row in conn.execute(query))
    cut = (Life(max(begin, since), min(end, until)) for begin, end in found)
    return tuple(life for life in cut if life.until > life.since)


def channels_used(conn: Connection) -> frozenset[str]:
    """Every channel that ever had a delivery, in the settings or not."""
    return frozenset(conn.execute(select(delivery.c.channel).distinct()).scalars())


# ---- one notice


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """One delivery with everything that was tried, asked and asked of a person."""

    row: AnyRow
    attempts: tuple[AnyRow, ...]
    observations: tuple[AnyRow, ...]
    tasks: tuple[AnyRow, ...]


@dataclass(frozen=True, slots=True)
class NoticeView:
    """Everything about one intake number; `notice` None: not accepted (yet)."""

    number: str
    intake: AnyRow
    rows: tuple[AnyRow, ...]
    notice: Notice | None
    deliveries: tuple[DeliveryView, ...]
    approvals: tuple[AnyRow, ...]
    log: tuple[AnyRow, ...]


def one_notice(conn: Connection, number: str) -> NoticeView:
    """Everything about one intake number; raises `NotAllowed` if there is none."""
    row = intake_rows.of_number(conn, number)
    subs = select(intake).where(intake.c.n == row.n, intake.c.sub > 0) if row.sub == 0 else None
    rows = tuple(conn.execute(subs.order_by(intake.c.sub))) if subs is not None else ()
    content: Notice | None = None
    made: tuple[DeliveryView, ...] = ()
    given: tuple[AnyRow, ...] = ()
    if row.notice_id is not None:
        content = contents.read_notice(conn, row.version_id)
        query = select(delivery).where(delivery.c.notice_id == row.notice_id).order_by(delivery.c.id)
        made = tuple(_delivery(conn, one) for one in conn.execute(query).all())
        query = select(approval).where(approval.c.version_id == row.version_id).order_by(approval.c.id)
        given = tuple(conn.execute(query))
    return NoticeView(number, row, rows, content, made, given, tuple(_log_of(conn, row, number)))


def _delivery(conn: Connection, row: AnyRow) -> DeliveryView:
    joined = attempt.join(attempt_delivery, attempt_delivery.c.attempt_id == attempt.c.id)
    tries = select(attempt).select_from(joined).where(attempt_delivery.c.delivery_id == row.id).order_by(attempt.c.id)
    asks = select(observation).where(observation.c.delivery_id == row.id).order_by(observation.c.id)
    todo = select(task).where(task.c.delivery_id == row.id).order_by(task.c.id)
    return DeliveryView(row, tuple(conn.execute(tries)), tuple(conn.execute(asks)), tuple(conn.execute(todo)))


def _log_of(conn: Connection, row: AnyRow, number: str) -> Sequence[AnyRow]:
    mine = publication_log.c.number == number
    if row.notice_id is not None:
        mine = or_(mine, publication_log.c.notice_id == row.notice_id)
    return conn.execute(select(publication_log).where(mine).order_by(publication_log.c.seq)).all()


def newest_file(conn: Connection) -> AnyRow:
    """The intake row that was made last (of a workbook, its last row)."""
    return conn.execute(select(intake).order_by(intake.c.id.desc()).limit(1)).one()


def all_deliveries(conn: Connection) -> Sequence[AnyRow]:
    """Every delivery, oldest first."""
    return conn.execute(select(delivery).order_by(delivery.c.id)).all()


# ---- the log


def log_rows(
    conn: Connection, *, last: int | None = None, number: str | None = None, channel: str | None = None
) -> list[AnyRow]:
    """Rows of the publication log in the order of the chain, of the end of it the last `last`."""
    query = select(publication_log)
    if number is not None:
        query = query.where(publication_log.c.number == number)
    if channel is not None:
        query = query.where(publication_log.c.channel == channel)
    newest = conn.execute(query.order_by(publication_log.c.seq.desc()).limit(last))
    return list(newest)[::-1]


# ---- what a run came to


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What became of everything that a run touched, and whether anything in the ledger is open.

    `failed`: refused, or stopped for a person; `failing`: the last try failed and the program will try again,
    except for those in `stopped`: their channel is stopped until a person resumes it.
    """

    published: tuple[AnyRow, ...]
    failed: tuple[AnyRow, ...]
    failing: tuple[AnyRow, ...]
    intake_held: tuple[AnyRow, ...]
    intake_returned: tuple[AnyRow, ...]
    duplicates: tuple[AnyRow, ...]
    open: int
    stopped: tuple[AnyRow, ...] = ()

    @property
    def failures(self) -> int:
        """How many things did not succeed in this run, those to be tried again included."""
        return len(self.failed) + len(self.failing) + len(self.intake_held) + len(self.intake_returned)

    @property
    def needs_someone(self) -> bool:
        """Whether something failed, was held or was returned: the program alone does not go on with it."""
        return bool(self.failed or self.intake_held or self.intake_returned)


_OPEN = [State.PENDING.value, State.SENDING.value, State.SUBMITTED.value, State.UNKNOWN.value]


def run_summary(conn: Connection, since: datetime) -> RunSummary:
    """What a run that began at `since` came to."""
    touched = conn.execute(select(delivery).where(delivery.c.changed_at >= since).order_by(delivery.c.id)).all()
    decided = _decided(conn, since)
    failing = tuple(row for row in touched if row.state in _OPEN and row.reason is not None)
    stopped = stopped_channels(conn)
    return RunSummary(
        published=tuple(row for row in touched if row.state == State.PUBLISHED.value),
        failed=tuple(row for row in touched if row.state in (State.FAILED.value, State.HELD.value)),
        failing=failing,
        stopped=tuple(row for row in failing if row.channel in stopped or ALL in stopped),
        intake_held=tuple(row for row in decided if row.state == IntakeState.HELD.value),
        intake_returned=tuple(row for row in decided if row.state == IntakeState.RETURNED.value),
        duplicates=tuple(row for row in decided if row.state == IntakeState.DUPLICATE.value),
        open=_count_open(conn),
    )


def _decided(conn: Connection, since: datetime) -> Sequence[AnyRow]:
    with_rows = select(intake.c.n).where(intake.c.sub > 0)
    mine = or_(intake.c.sub > 0, intake.c.n.not_in(with_rows))
    return conn.execute(select(intake).where(intake.c.decided_at >= since, mine).order_by(intake.c.id)).all()


def _count_open(conn: Connection) -> int:
    deliveries = conn.execute(select(func.count()).where(delivery.c.state.in_(_OPEN))).scalar_one()
    claimed = conn.execute(select(func.count()).where(intake.c.state == IntakeState.CLAIMED.value)).scalar_one()
    return int(deliveries) + int(claimed)


def calls_begun(conn: Connection) -> tuple[int, int]:
    """A mark that grows with every call: the newest attempt and the newest question."""
    newest = select(
        select(func.coalesce(func.max(attempt.c.id), 0)).scalar_subquery(),
        select(func.coalesce(func.max(observation.c.id), 0)).scalar_subquery(),
    )
    attempts, questions = conn.execute(newest).one()
    return int(attempts), int(questions)
