"""The sender: starts what is due on free threads, records what came back.

`tick(now)` is a plain function that the scheduler, a simulation or a test calls; it gives the
instant at which it next has something to do.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from publisher.channel import CannotTell, Finding, Found, Kept
from publisher.delivery import State
from publisher.errors import ADVICE, ChannelError, NeedsPerson, OutcomeUnknown, Reason, TransientFailure
from publisher.ledger import attempts, claims, daemons, deliveries, named_lease
from publisher.ledger.alarms import raise_alarm
from publisher.ledger.channel_state import LedgerStore
from publisher.ledger.claims import Claimed
from publisher.ledger.contents import Contents, read_contents
from publisher.ledger.deliveries import Delivery
from publisher.ledger.recorder import Recorder, RecorderClosed, Write
from publisher.ledger.store import PROGRAM, Fault, Ledger, Tx, no_fault
from publisher.send import calls, clock, recovery, sets, settle, settle_answer, settle_late
from publisher.send.calls import CallContext, Running
from publisher.send.claiming import Claimer, may_go_on
from publisher.send.clock import ClockWatch, Step
from publisher.send.in_flight import InFlight
from publisher.send.open_channel import OpenChannel
from publisher.send.pool import Pool
from publisher.send.retry import quickly
from publisher.send.settle import Rules
from publisher.settings import SendingSettings

logger = logging.getLogger(__name__)

OVERDUE_AFTER = 2.0
"""Seconds past its limit after which a call that has not returned is given up."""

_LOOK_AGAIN = 0.2
"""Seconds until the next look for due deliveries while all threads or channels are busy."""

HEARTBEAT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Machine:
    """The outside of the program, as arguments: clocks, pause, chance, the fault hook.

    `steady` (seconds) never steps and goes on while the machine sleeps: steps of the clock are noticed against it.
    None: they are not looked for, as with a simulated clock.
    """

    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    chance: random.Random = field(default_factory=random.Random)
    fault: Fault = no_fault
    steady: Callable[[], float] | None = None


class Sender:
    """Takes due deliveries to their channels. One per process."""

    def __init__(
        self,
        ledger: Ledger,
        recorder: Recorder,
        pool: Pool,
        channels: Mapping[str, OpenChannel],
        sending: SendingSettings,
        daemon_id: int,
        machine: Machine,
    ) -> None:
        self._ledger = ledger
        self._recorder = recorder
        self._pool = pool
        self._channels = channels
        self._sending = sending
        self._daemon_id = daemon_id
        self._machine = machine
        self._rules = Rules(sending, machine.chance)
        self._wake = threading.Event()
        self._heartbeat_at: datetime | None = None
        self._closing = False
        self._more_is_due = False
        self._calls = InFlight(channels)
        self._claimer = Claimer(ledger, pool, channels, sending, self._calls, machine.monotonic)
        self._clock_watch = ClockWatch(machine.clock, machine.steady) if machine.steady is not None else None
        self._steps: list[Step] = []  # of the clock, not recorded yet

    @property
    def daemon_id(self) -> int:
        """Under which id it sends; a new one after it was taken for dead."""
        return self._daemon_id

    # ---- the tick

    def tick(self, now: datetime, linger: float = 0.0) -> datetime | None:
        """Start what is due; with `linger` seconds, go on with what becomes due meanwhile.

        Gives the next due instant; None at the end of the program, when it stops wherever it is.
        """
        try:
            return self._tick(linger)
        except RecorderClosed:
            if not self._closing:
                raise
            return None

    def _tick(self, linger: float) -> datetime | None:
        until = self._machine.monotonic() + linger
        while True:
            self._wake.clear()
            self._give_up_overdue()
            self._look_at_the_clock()
            self._begin_ready()
            self._beat()
            started = self._start_due()
            left = until - self._machine.monotonic()
            if self._closing or (not started and left <= 0):
                break
            if not started:
                # While calls are in flight, their ends wake us; what becomes due meanwhile waits that little.
                self._wake.wait(min(left, _LOOK_AGAIN if self.in_flight() else self._until_next()))
        return self._claimer.next_due(self._machine.clock())

    def wake(self) -> None:
        """Something may be due now."""
        self._wake.set()

    def in_flight(self) -> int:
        """How many calls have not returned, or what they came to is not recorded yet."""
        return self._calls.count()

    def stop_starting(self) -> None:
        """Start nothing more; calls in flight go on."""
        self._closing = True
        self._wake.set()

    def _until_next(self) -> float:
        now = self._machine.clock()
        next_due = self._claimer.next_due(now)
        if next_due is None:
            return 1.0
        return min(1.0, max(0.005, (next_due - now).total_seconds()))

    def _beat(self) -> None:
        """Renew the lease; on a shared ledger, settle what silent daemons and lost claims of our own left behind."""
        now = self._machine.clock()
        every = min(HEARTBEAT, self._sending.lease / 4)
        # (A clock that went back must not keep it from beating.)
        if self._heartbeat_at is not None and self._heartbeat_at <= now < self._heartbeat_at + every:
            return
        self._heartbeat_at = now
        alive = self._recorder.record(lambda tx: daemons.heartbeat(tx, self._daemon_id, self._sending.lease)).result()
        if not alive:
            self._begin_anew()
        if self._ledger.shared:
            recovery.settle_silent(self._ledger, self._channels, self._daemon_id, self._rules, self._machine.fault)
        self._take_back_lost_claims()

    def _look_at_the_clock(self) -> None:
        """Before anything is sent that a step of the clock has made due."""
        if self._clock_watch is None:
            return
        step = self._clock_watch.look()
        self._steps += [step] if step is not None else []
        if self._steps:
            # Kept until it is recorded: a ledger that is away for a moment must not make it forgotten.
            self._recorder.record(partial(clock.settle_all, self._steps, self._sending.retry_cap)).result()
            self._steps = []
        elif self._clock_watch.is_even_again():
            self._recorder.record(clock.clear).result()

    def _begin_anew(self) -> None:
        """Others took this daemon for dead, and what it held is theirs; it goes on as a new one."""
        old = self._daemon_id
        self._daemon_id = self._recorder.record(partial(_new_epoch, old, self._sending.lease)).result()
        logger.error("daemon %d was taken for dead; going on as daemon %d", old, self._daemon_id)

    def _take_back_lost_claims(self) -> None:
        """What is *sending* under our name without a call: a claim whose commit was never confirmed waits again;
        a call whose outcome could not be recorded is as one whose answer was lost.
        """
        lost = self._recorder.record(self._lost).result()
        for row in lost:
            begun = self._calls.is_lost(row.id)
            take_back = partial(recovery.take_back, row.id, self._channels.get(row.channel), self._rules, begun)
            self._recorder.record(take_back).result()
            self._calls.taken_back(row.id)

    def _lost(self, tx: Tx) -> list[Delivery]:
        """What no call, and no claim, accounts for.

        Runs with the recorder, on whose thread claims begin: one that is durable and not begun yet is under way still.
        """
        known = self._calls.known()
        if known is None:
            return []  # a claim is under way: seen at the next beat
        return [row for row in daemons.sending_of(tx.conn, self._daemon_id) if row.id not in known]

    # ---- starting

    def _start_due(self) -> int:
        if self._closing or self._pool.free() <= 0:
            return 0
        if not self._more_is_due and not self._claimer.is_anything_due(self._machine.clock()):
            return 0
        told, mine = self._calls.one_claim()
        if mine:
            self._recorder.record(self._claim_due).add_done_callback(partial(self._begin_claimed, told))
        return told.result()

    def _claim_due(self, tx: Tx) -> tuple[list[Running], int]:
        """Claim for the threads that are free by now; with how many those were. Runs with the recorder."""
        self._machine.fault("claim.before")
        free = self._pool.free()
        if self._closing or not daemons.may_claim(tx, self._daemon_id):
            return [], free
        tx.do_all_gathered()  # outcomes of the same group: ended calls, successors that are free now
        return self._claimer.claim_due(tx, free, self._daemon_id), free

    def _begin_claimed(self, told: Future[int], claim: Future[tuple[list[Running], int]]) -> None:
        """Begin the calls of a claim that is durable."""
        self._calls.claim_is_over()
        try:
            started, free = claim.result()
            self._machine.fault("claim.after")
            # All that could be taken was taken: very likely there is more, so the next turn need not look first.
            self._more_is_due = len(started) >= free
            for running in started:
                self._begin_or_keep(running)
        except Exception as error:  # noqa: BLE001 - raised to whoever waits for the claim; the next turn meets it too
            self._more_is_due = False
            told.set_exception(error)
        else:
            told.set_result(len(started))
        self._wake.set()

    def _begin_or_keep(self, running: Running) -> None:
        """Begin a claimed call, or keep it for the next thread that is free for its channel."""
        if self._calls.keep_if_full(running, self._pool.free):
            return
        self._calls.begin(running)
        self._pool.start(partial(self._run, running))

    def _begin_ready(self) -> None:
        """Begin what was claimed ahead and found no thread: calls of its channel became overdue, or ended at once."""
        while self._pool.free() > 0:
            running = self._calls.next_ready()
            if running is None:
                return
            self._pool.start(partial(self._run, running))

    # ---- running

    def _run(self, running: Running) -> None:
        """A call, and then what was claimed ahead."""
        following: Running | None = running
        while following is not None:
            following = self._run_one(following)

    def _run_one(self, running: Running) -> Running | None:
        """One call; gives the one that this thread goes on with."""
        try:
            if running.show is not None:
                self._run_show(running)
            elif running.claimed is not None and running.claimed.attempt_id is not None:
                self._run_submit(running)
            else:
                self._run_find(running)
        except deliveries.Overtaken as error:
            logger.warning("an outcome came too late to be used: %s", error)
        except Exception:
            # Nothing above a worker thread would see it; the delivery stays as it is and is recovered.
            logger.exception("recording an outcome of %s failed", running.channel.name)
        finally:
            if self._calls.end(running):
                self._pool.regain()
            if not running.handed_in:
                self._wake.set()  # else whoever records the outcome does
        return running.following

    def _context(self, running: Running, delivery_id: int | None, kept: Sequence[Kept] = ()) -> CallContext:
        store = LedgerStore(self._ledger, running.channel.name, delivery_id)
        permitted = partial(self._permitted, running)
        return CallContext(running, store, self._machine.clock, self._machine.monotonic, permitted, kept)

    def _permitted(self, running: Running) -> bool:
        """On a shared ledger, whether the delivery is still this daemon's (fencing before the first byte)."""
        if not self._ledger.shared or running.claimed is None:
            return True
        claimed = running.claimed
        with self._ledger.read() as conn:
            row = deliveries.read(conn, claimed.row.id)
        if row.daemon_id != claimed.row.daemon_id or row.daemon_id != self._daemon_id:
            return False
        return claimed.attempt_id is None or row.state == State.SENDING.value

    def _run_submit(self, running: Running) -> None:
        quick = timedelta(0) if running.probing else self._sending.quick_wait
        quickly(
            partial(self._try_once, running),
            partial(self._give_back, running),
            self._machine.sleep,
            quick,
        )

    def _try_once(self, running: Running) -> bool:
        """One attempt; True if another one should follow quickly."""
        claimed = running.claimed
        assert claimed is not None  # a submit is claimed
        if running.again and not self._open_again(running):
            return False
        claimed = running.claimed
        assert claimed is not None and claimed.attempt_id is not None
        called_off = running.ahead and (self._closing or running.called_off)
        if called_off or self._machine.monotonic() - running.started > calls.BEGIN_WITHIN:
            outcome: calls.Outcome = TransientFailure(
                Reason.NO_LONGER_MINE, "未能及时开始，稍后重新安排", channel_wide=False
            )
            slot = False
        else:
            outcome, slot = self._submit(running, claimed.row), True
        self._machine.fault("outcome.before")
        self._calls.answered(running, claimed.row.id, failed=isinstance(outcome, ChannelError))
        record = partial(self._record_submit, running, claimed, outcome, slot)
        if isinstance(outcome, TransientFailure):
            running.again = self._recorder.record(record).result()
            self._calls.recorded(claimed.row.id)
        else:
            running.again = False
            self._hand_in(running, record)
        return running.again

    def _hand_in(self, running: Running, record: Write[bool]) -> None:
        """Have the outcome recorded, and while there is more to do, the next call of this thread claimed beside it.

        Nothing more is to be done with it here: the thread is free, and one commit makes both durable.
        """
        self._calls.hand_in(running)
        goes_on = running.following is not None
        free = goes_on or (running.handed_in and self._pool.ending())
        told, mine = self._calls.one_claim() if free and self._more_is_due else (None, False)
        if told is None or not mine:
            self._recorder.record(record).add_done_callback(partial(self._recorded, running))
            return
        recorded, claimed = self._recorder.record_both(record, self._claim_due)
        recorded.add_done_callback(partial(self._recorded, running))
        claimed.add_done_callback(partial(self._begin_claimed, told))

    def _recorded(self, running: Running, future: Future[bool]) -> None:
        if running.claimed is not None:
            self._calls.recorded(running.claimed.row.id)
        self._machine.fault("outcome.after")
        error = future.exception()
        if isinstance(error, deliveries.Overtaken):
            logger.warning("an outcome came too late to be used: %s", error)
        elif error is not None:
            # The call was made and what it came to is lost: the delivery is settled as unknown at the next beat.
            logger.error("recording an outcome of %s failed", running.channel.name, exc_info=error)
            if running.claimed is not None:
                self._calls.lose(running.claimed.row.id)
        if not self._more_is_due:
            self._wake.set()  # else the claim that was made beside it does

    def _submit(self, running: Running, row: Delivery) -> calls.Outcome:
        adapter = running.channel.single_adapter
        assert adapter is not None  # only such channels are sent to one by one
        contents = running.contents
        if not isinstance(contents, Contents):
            # Nothing was sent: what is stored is at fault, and `verify` says where.
            logger.error("delivery %s cannot be read: %s", row.id, contents)
            detail = f"存档内容无法读取（{type(contents).__name__}），请运行 verify"
            return NeedsPerson(Reason.ADAPTER_FAULT, detail)
        self._machine.fault("submit.before")
        outcome = calls.submit(adapter, calls.submission_of(row, contents, self._context(running, row.id)), running)
        self._machine.fault("submit.after")
        return outcome

    def _record_submit(self, running: Running, claimed: Claimed, outcome: calls.Outcome, slot: bool, tx: Tx) -> bool:
        attempt_id = claimed.attempt_id
        assert attempt_id is not None
        row = deliveries.read_among(tx, claimed.row.id, self._calls.unrecorded)
        settle.end_attempt(tx, attempt_id, outcome, running.request_digest, slot=slot)
        # An answer that crosses the end of patience finds the delivery still sending: it is in time.
        taken_over = row.state != State.SENDING.value or row.daemon_id != claimed.row.daemon_id
        if taken_over:
            settle_late.settle_late(tx, running.channel, row, outcome, attempt_id, self._rules)
            return False
        if isinstance(outcome, TransientFailure) and self._quick(running, outcome):
            running.failure = outcome
            settle.account(tx, running.channel, outcome, self._sending)
            tx.log(deliveries.entry(row, "try_failed", PROGRAM, **_facts(outcome, attempt_id)))
            return True
        settle.settle_submit(tx, running.channel, row, outcome, self._rules, attempt_id)
        return False

    def _quick(self, running: Running, outcome: TransientFailure) -> bool:
        """Whether a quick retry makes sense: a passing failure, no probe, no wish to be left alone."""
        if running.probing or running.overdue or self._closing:
            return False
        passing = outcome.reason in (Reason.BUSY, Reason.UNREACHABLE, Reason.NAME_LOOKUP)
        return passing and outcome.not_before is None and self._sending.quick_wait > timedelta(0)

    def _open_again(self, running: Running) -> bool:
        """Open a further attempt, if the channel still may be called; else the delivery waits for its slow retry."""
        opened: Claimed | None = self._recorder.record(partial(self._record_again, running)).result()
        if opened is None:
            return False
        running.claimed = opened
        running.started = self._machine.monotonic()
        running.asked = False
        return True

    def _record_again(self, running: Running, tx: Tx) -> Claimed | None:
        assert running.claimed is not None
        goes_on = may_go_on(tx, self._claimer, running.channel, running.claimed.row)
        row = deliveries.read(tx.conn, running.claimed.row.id)  # as it is after any wait for the channel's row
        if row.state != State.SENDING.value or row.daemon_id != running.claimed.row.daemon_id:
            return None  # taken over meanwhile
        if not goes_on:
            self._slowly(tx, running, row)
            return None
        limit = running.channel.call_limit(self._sending)
        attempt_id, limit_at = claims.begin_again(tx, row, self._daemon_id, limit)
        return Claimed(row, attempt_id, None, limit_at)

    def _give_back(self, running: Running) -> None:
        """Quick retries are used up: the next try is a row with a due time."""
        assert running.claimed is not None
        delivery_id = running.claimed.row.id
        self._recorder.record(lambda tx: self._slowly(tx, running, deliveries.read(tx.conn, delivery_id))).result()

    def _slowly(self, tx: Tx, running: Running, row: Delivery) -> None:
        if row.state != State.SENDING.value or running.failure is None:
            return  # taken over meanwhile
        settle.try_later(tx, running.channel, row, running.failure, self._rules, None)

    # ---- asking

    def _run_find(self, running: Running) -> None:
        claimed = running.claimed
        assert claimed is not None and claimed.observation_id is not None
        finding = self._find(running, claimed.row)
        self._machine.fault("finding.before")
        self._recorder.record(partial(self._record_find, running, claimed, finding)).result()
        self._machine.fault("finding.after")

    def _find(self, running: Running, row: Delivery) -> Finding | ChannelError:
        adapter = running.channel.single_adapter
        if adapter is None or not running.channel.capabilities.findable:
            return CannotTell(ADVICE[Reason.CANNOT_BE_ASKED])
        try:
            contents = read_contents(self._ledger, row)
        except Exception as error:
            # Nothing was asked: the stored content or the database is at fault, and it is asked again later.
            logger.exception("delivery %s cannot be read", row.id)
            return TransientFailure(Reason.INTERRUPTED, type(error).__name__, channel_wide=False)
        return calls.find(adapter, calls.submission_of(row, contents, self._context(running, row.id)), running)

    def _record_find(self, running: Running, claimed: Claimed, finding: Finding | ChannelError, tx: Tx) -> None:
        assert claimed.observation_id is not None
        word = "failed" if isinstance(finding, ChannelError) else type(finding).__name__
        detail = str(finding) if isinstance(finding, ChannelError) else ""
        if isinstance(finding, Found) and finding.unknown_word is not None:
            detail = settle_answer.unknown_word(finding.unknown_word)
        attempts.end_observation(tx, claimed.observation_id, word.lower(), detail, getattr(finding, "digest", None))
        row = deliveries.read(tx.conn, claimed.row.id)
        if running.overdue or row.daemon_id != self._daemon_id or row.state != claimed.row.state:
            return
        if row.state == State.HELD.value and not deliveries.is_asked_for(row):
            return
        settle_answer.settle_answer(tx, running.channel, row, finding, self._rules)

    # ---- showing a set

    def _run_show(self, running: Running) -> None:
        claim, adapter = running.show, running.channel.set_adapter
        assert claim is not None and adapter is not None
        self._machine.fault("show.before")
        prepared = sets.prepare(self._ledger, claim)
        if isinstance(prepared, NeedsPerson):
            shown: calls.Shown = prepared
        else:
            context = self._context(running, None, prepared.kept)
            shown = calls.show(adapter, prepared.items, context, running)
            if not isinstance(shown, ChannelError):
                shown = {**shown, **prepared.unreadable}
        self._machine.fault("show.after")
        record = partial(sets.record, running.channel, claim, shown, running, self._rules, self._daemon_id)
        self._recorder.record(record).result()

    # ---- calls that do not come back

    def _give_up_overdue(self) -> None:
        late = self._calls.give_up_late(self._machine.monotonic(), OVERDUE_AFTER)
        for _ in late:
            self._pool.abandon()
        for running in late:
            self._recorder.record(partial(self._record_overdue, running)).result()

    def _record_overdue(self, running: Running, tx: Tx) -> None:
        """The call's thread may still live: nothing is repeated until it ends or the daemon is gone."""
        name, claimed = running.channel.name, running.claimed
        logger.error("a call of %s did not come back within %.0f s", name, running.limit)
        if running.show is not None or claimed is None:
            raise_alarm(tx, f"overdue_show:{name}", f"{running.channel.title}的更新超过时限仍未结束", name)
            return
        row = deliveries.read(tx.conn, claimed.row.id)
        if claimed.attempt_id is None:
            deliveries.reschedule(tx, row, tx.now + self._sending.retry_cap)
            return
        if row.state != State.SENDING.value or attempts.is_over(tx.conn, claimed.attempt_id):
            return
        outcome = OutcomeUnknown(Reason.TIME_LIMIT)
        attempts.end_attempt(tx, claimed.attempt_id, "unknown", reason=Reason.TIME_LIMIT.value, over=False)
        settle.account(tx, running.channel, outcome, self._sending)
        settle.unknown(tx, running.channel, row, outcome, self._rules, claimed.attempt_id, call_over=False)


def _new_epoch(old: int, lease: timedelta, tx: Tx) -> int:
    new = daemons.new_epoch(tx, old, lease)
    named_lease.hand_over(tx, old, new)
    return new


def _facts(failure: TransientFailure, attempt_id: int) -> dict[str, Any]:
    facts = {"reason": failure.reason.value, "detail": failure.detail, "evidence": failure.evidence}
    return facts | {"attempt": attempt_id, "then": "quick"}
