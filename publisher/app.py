"""Puts the program together. The only place with the real clock, the real pause and the real chance."""

from __future__ import annotations

import getpass
import logging
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

from publisher import legal
from publisher.channel import Capabilities
from publisher.counts.reconciled_page import Letterhead
from publisher.errors import SettingsError
from publisher.intake.feeds import FeedIntake
from publisher.intake.folder import FolderUnavailable, RestWatch, candidates
from publisher.intake.progress import Progress, Tell, log
from publisher.intake.staff_folders import Mover, StaffFolders
from publisher.ledger import contents, daemons, named_lease, routing_log
from publisher.ledger.acts import Person
from publisher.ledger.alarms import clear_alarm, raise_alarm, standing_since
from publisher.ledger.chain import Entry, local_day
from publisher.ledger.heads import write_head
from publisher.ledger.listen import Listener
from publisher.ledger.named_lease import LeaseLost, NamedLease
from publisher.ledger.recorder import GroupingRecorder, InlineRecorder, Recorder
from publisher.ledger.retention import clean_up
from publisher.ledger.signing import Signer, read_signer
from publisher.ledger.store import PROGRAM, Fault, Ledger, SQLAlchemyError, is_unreachable, no_fault, open_ledger
from publisher.lock import DaemonLock
from publisher.pipeline import Line
from publisher.receipts import Receipts
from publisher.reconciled_pages import write_pages
from publisher.reconciling.asking import Asker, Interrupted
from publisher.reconciling.monthly import reconcile_monthly
from publisher.render import Renderer
from publisher.rules.book import rule_book
from publisher.rules.routing import routing_diff, routing_of
from publisher.rules.terms import Law, load_law
from publisher.send import watch
from publisher.send.open_channel import OpenChannel, opened
from publisher.send.pool import InlinePool, Pool, ThreadPool
from publisher.send.recovery import recover
from publisher.send.sender import Machine, Sender
from publisher.send.settle import Rules
from publisher.settings import Settings, enabled, load_settings, open_channel, open_source
from publisher.simulation import SimulatedClock

logger = logging.getLogger(__name__)

T = TypeVar("T")

FAULT_VARIABLE = "PUBLISHER_FAULT"
"""Set by tests only: `point:n` kills the process when it comes to `point` for the nth time; `point=word`
makes `fault(point)` return the word; several are joined by commas."""


# ---- the outside world


def system_clock() -> datetime:
    """The present instant, UTC."""
    return datetime.now(UTC)


def steady_clock() -> float:
    """Seconds that never step; they go on while the machine sleeps, where the system can tell."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def fault_of(environ: Mapping[str, str]) -> Fault:
    """The fault hook that a test asks for in the environment; inert without."""
    wish = environ.get(FAULT_VARIABLE, "")
    if not wish:
        return no_fault
    words: dict[str, str] = {}
    kills: dict[str, int] = {}
    for part in wish.split(","):
        if "=" in part:
            point, _, word = part.partition("=")
            words[point] = word
        else:
            point, _, count = part.partition(":")
            kills[point] = int(count or "1")
    lock = threading.Lock()

    def fault(point: str) -> object:
        with lock:
            if point in kills:
                kills[point] -= 1
                if kills[point] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
        return words.get(point)

    return fault


def real_machine(environ: Mapping[str, str]) -> Machine:
    """The real outside."""
    return Machine(system_clock, time.monotonic, time.sleep, random.Random(), fault_of(environ), steady_clock)


def simulated_machine(clock: SimulatedClock, environ: Mapping[str, str]) -> Machine:
    """A simulated clock and pause; time limits of calls stay real."""
    return Machine(clock, time.monotonic, clock.sleep, random.Random(20171204), fault_of(environ))


def person(by: str | None) -> Person:
    """Who acts: the name given, or the account's, with account and host beside it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in containers
        user = f"uid{os.getuid()}"
    return Person(by or user, f"{user}@{socket.gethostname()}")


# ---- the office: settings, ledger, channels


@dataclass
class Office:
    """What every command needs. Opens the ledger; sends nothing."""

    settings: Settings
    ledger: Ledger
    machine: Machine
    environ: Mapping[str, str]

    @cached_property
    def channels(self) -> dict[str, OpenChannel]:
        """The enabled channels, opened."""
        return {c.name: opened(c, open_channel(self.settings, c, self.environ)) for c in enabled(self.settings)}

    def capabilities(self, name: str) -> Capabilities | None:
        """What a channel can do; None if it is not enabled any more."""
        channel = self.channels.get(name)
        return channel.capabilities if channel is not None else None

    @cached_property
    def signer(self) -> Signer | None:
        """What signs the heads; None: the settings name no key. Raises `SettingsError`."""
        path = self.settings.signing_key
        return read_signer(path) if path is not None else None

    def write_head(self, why: str) -> bool:
        """Write the chain's head to its folder; False, with an alarm, where that is away: nothing else waits for it."""
        try:
            write_head(self.ledger, self.settings.heads_folder, why, self.signer)
        except OSError as error:
            folder = self.settings.heads_folder
            logger.error("the chain's head cannot be written to %s: %s", folder, error.strerror)
            with self.ledger.write() as tx:
                raise_alarm(tx, "heads", f"链首文件夹无法写入：{folder}（{error.strerror}），发布照常进行")
            return False
        with self.ledger.read() as conn:
            told = standing_since(conn, "heads") is not None
        if told:
            with self.ledger.write() as tx:
                clear_alarm(tx, "heads", "链首已写入")
        return True

    @cached_property
    def titles(self) -> dict[str, str]:
        """Chinese names of all channels in the settings."""
        return {c.name: c.title for c in self.settings.channels}

    @cached_property
    def folders(self) -> StaffFolders:
        """The staff folders."""
        return StaffFolders.under(self.settings.data, self.settings.folders)

    @cached_property
    def renderer(self) -> Renderer:
        """Templates, with this installation's own ones first."""
        return open_renderer(self.settings)

    @cached_property
    def law(self) -> Law:
        """The legal terms and the working-day calendar, this installation's own files first."""
        return load_law(self.settings.folder)

    @property
    def letterhead(self) -> Letterhead:
        """What the reconciliation page says beside the log."""
        return Letterhead(self.settings.office, self.titles, self.ledger.real)

    @cached_property
    def receipts(self) -> Receipts:
        """The writer of answers to staff."""
        return Receipts(self.ledger, self.renderer, self.folders, self.titles, self.settings.office)

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()


def open_renderer(settings: Settings) -> Renderer:
    """Templates, with this installation's own ones first."""
    own = settings.folder / "templates"
    return Renderer(own if own.is_dir() else None)


def open_office(settings: Settings, environ: Mapping[str, str], machine: Machine | None = None) -> Office:
    """Open settings and ledger for a command."""
    outside = machine or real_machine(environ)
    ledger = open_ledger(
        settings.ledger_url,
        real=settings.ledger.real,
        clock=outside.clock,
        fault=outside.fault,
        database_clock=not isinstance(outside.clock, SimulatedClock),
    )
    return Office(settings, ledger, outside, environ)


def read_settings(home: Path | None, data: Path | None, environ: Mapping[str, str]) -> Settings:
    """The settings of `home` (None: the folder `config` here, what it lacks as shipped) with the data folder `data`."""
    if home is not None and not home.is_dir():
        raise SettingsError(f"{home} is no folder; give the folder that holds publisher.toml and channels.toml")
    return load_settings(home or Path("config"), environ, data=data)


_FOLDERS_LEASE = timedelta(seconds=30)
"""For how long one daemon among several keeps the staff folders to itself without renewing."""


# ---- the worker: the only one that takes in and sends


@dataclass
class Worker:
    """A running line. Made by `start_worker`, ended by `close`."""

    office: Office
    line: Line
    sender: Sender
    recorder: Recorder
    pool: Pool
    lock: DaemonLock
    daemon_id: int
    listener: Listener | None = None
    feeds: FeedIntake | None = None
    # Two ticks touch the staff folders; one at a time.
    _folders: threading.Lock = field(default_factory=threading.Lock)
    _reconciling: threading.Lock = field(default_factory=threading.Lock)
    _ending: threading.Event = field(default_factory=threading.Event)
    _day: str = field(default="")
    _cleaned: str = field(default="")
    _head_missing: bool = False

    def take_in(self) -> int:
        """One turn of the line up to accept."""
        with self._folders:
            if not self.line.lease.take():
                return 0
            try:
                decided = self.line.tick(self.office.machine.clock())
            except LeaseLost:
                logger.warning("another daemon has taken over the folders; it goes on where this one stopped")
                return 0
        if decided:
            self.sender.wake()
        self._midnight()
        return decided

    def read_feeds(self) -> int:
        """Ask the feeds that are due; what is new is taken in at the line's next turn."""
        if self.feeds is None or not self.line.lease.take():
            return 0
        return self.feeds.tick(self.office.machine.clock())

    def send(self, linger: float = 0.0) -> datetime | None:
        """Send what is due; with `linger` seconds, what becomes due meanwhile too."""
        return self.sender.tick(self.office.machine.clock(), linger)

    def answer(self) -> int:
        """Bring folders and receipts up to date with the deliveries."""
        with self._folders:
            if not self.line.lease.take():
                return 0
            try:
                self.line.sweep()
            except LeaseLost:
                return 0
            return self.office.receipts.write_due()

    def watch(self) -> None:
        """Raise and clear the alarms about what should not last; write a head that could not be written when due.

        The pages of months that were compared since the last turn, by whomever, come into the staff folder.
        """
        if self._head_missing:
            self._head_missing = not self.office.write_head("midnight")
        if not self.line.lease.take():
            return
        office = self.office
        now = office.machine.clock()
        watch.look(office.ledger, office.channels, office.settings.sending, now)
        legal.look(office.ledger, office.law, office.settings.channels, now)
        self._write_reconciled()

    def reconcile(self) -> bool:
        """Compare the past month with the channels if that is due; a call in flight is waited for by `close`."""
        office = self.office
        asker = Asker(office.ledger, office.machine, office.settings.sending, lambda: not self._ending.is_set())
        with self._reconciling:
            try:
                return reconcile_monthly(asker, office.channels, str(self.daemon_id), office.folders.reconciled.name)
            except Interrupted:
                logger.info("the comparison with the channels was interrupted; it is made after the next start")
                return False

    def _write_reconciled(self) -> None:
        try:
            write_pages(self.office.ledger, self.office.folders.reconciled, self.office.letterhead)
        except OSError as error:
            logger.error("the reconciliation page cannot be written now: %s", error)

    def unready(self) -> bool:
        """Whether something in the drop folder still has to rest."""
        try:
            return bool(candidates(self.office.folders.drop, self.office.settings.intake))
        except FolderUnavailable:
            return False

    def _midnight(self) -> None:
        """At the first turn of a new local day, write the head and a row that says the program is alive; clean up."""
        today = local_day(self.office.machine.clock())
        if self._day and today != self._day:
            with self.office.ledger.write() as tx:
                tx.log(Entry(event="day_begins", by=PROGRAM, data={"day": today, "daemon": self.daemon_id}))
            self._head_missing = not self.office.write_head("midnight")
        if today != self._cleaned:
            self._cleaned = today
            clean_up(self.office.ledger, self.office.settings.ledger.keep_details)
        self._day = today

    def close(self, grace: float = 5.0) -> None:
        """Start nothing more, give calls in flight `grace` seconds, record, write the head, give the lock back."""
        self.sender.stop_starting()
        self._ending.set()
        if self.listener is not None:
            self.listener.close()
        end = self.office.machine.monotonic() + grace
        while self.sender.in_flight() and self.office.machine.monotonic() < end:
            self.office.machine.sleep(0.02)
        if self._reconciling.acquire(timeout=max(0.0, end - self.office.machine.monotonic())):
            self._reconciling.release()
        self.recorder.close()
        if isinstance(self.pool, ThreadPool):
            self.pool.close()
        with self.office.ledger.write() as tx:
            daemons.end(tx, self.sender.daemon_id)
            named_lease.free(tx, [self.sender.daemon_id])
            tx.log(Entry(event="stopped_running", by=PROGRAM, data={"daemon": self.sender.daemon_id}))
        self.office.write_head("stop")
        self.lock.release()
        self.office.close()


def start_worker(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    machine: Machine | None = None,
    inline: bool = False,
    tell: Tell | None = None,
) -> Worker:
    """Take the lock, open everything, settle what a dead daemon left behind.

    `tell` hears how far a large drop has come (without it: the program log).
    `inline` runs calls and records on the caller's thread (simulations). Raises `AlreadyRunning`, `SettingsError`.
    """
    outside = machine or real_machine(environ)
    host, pid = socket.gethostname(), os.getpid()
    # One daemon on SQLite; on PostgreSQL any number, and each one's lock tells whether it lives.
    alone = settings.ledger_url.startswith("sqlite")
    path = settings.data / ("ledger.lock" if alone else f"daemons/{pid}.lock")
    lock = DaemonLock(path)
    lock.acquire(host, pid)
    patiently = _at_once if alone else partial(_patiently, outside)
    office = patiently(lambda: open_office(settings, environ, outside))
    channels, _ = office.channels, office.signer  # a wrong key ends the start before anything is written
    try:
        office.folders.make()
    except OSError as error:
        raise SettingsError(
            f"the staff folder {error.filename} cannot be made ({error.strerror}): check the share, or [folders] root"
        ) from error
    ledger = office.ledger
    daemon_id = patiently(lambda: _register(office, host, pid, path))
    patiently(lambda: _note_routing(ledger, settings))
    rules = Rules(settings.sending, outside.chance)
    if alone and (left := recover(ledger, channels, daemon_id, rules, outside.fault)):
        logger.warning("an earlier daemon left %d deliveries in flight; they were settled", left)
    head_missing = not patiently(lambda: office.write_head("start"))
    recorder: Recorder
    pool: Pool
    if inline:
        recorder, pool = InlineRecorder(ledger), InlinePool(settings.sending.threads)
    else:
        recorder = GroupingRecorder(ledger, outside.sleep, settings.sending.answers_waiting)
        pool = ThreadPool(settings.sending.threads)
    sender = Sender(ledger, recorder, pool, channels, settings.sending, daemon_id, outside)
    mover = Mover(office.folders, _reader(ledger), outside.fault)
    rule_book(settings.folder)  # wrong rule data ends the start, not the reading of the first file
    line = Line(
        ledger=ledger,
        settings=settings,
        folders=office.folders,
        mover=mover,
        renderer=office.renderer,
        receipts=office.receipts,
        channels=channels,
        watch=RestWatch(settings.intake),
        law=office.law,
        lease=NamedLease(ledger, "folders", _FOLDERS_LEASE, lambda: sender.daemon_id, outside.monotonic),
        fault=outside.fault,
        progress=Progress(tell or log),
    )
    listener = Listener(ledger, sender.wake) if ledger.shared and not inline else None
    day = local_day(outside.clock())
    sources = {feed.name: open_source(feed) for feed in settings.intake.feed}
    feeds = FeedIntake(ledger, settings.intake, sources, outside.monotonic) if sources else None
    return Worker(
        office, line, sender, recorder, pool, lock, daemon_id, listener, feeds, _day=day, _head_missing=head_missing
    )


def _note_routing(ledger: Ledger, settings: Settings) -> None:
    """A row of the log where channels carry other notices than at the last start."""
    routing = routing_of(settings.channels)
    with ledger.read() as conn:
        before = routing_log.last_routing(conn)
    if before != routing:
        with ledger.write() as tx:
            routing_log.record_routing(tx, routing, before, routing_diff(before or {}, routing))


def _register(office: Office, host: str, pid: int, lock_path: Path) -> int:
    """A new daemon's id; that it runs is a row of the log."""
    with office.ledger.write() as tx:
        daemon_id = daemons.register(tx, host, pid, office.settings.sending.lease, str(lock_path.resolve()))
        key = {"key": office.signer.public.name} if office.signer is not None else {}
        tx.log(Entry(event="started_running", by=PROGRAM, data={"daemon": daemon_id, "host": host} | key))
    return daemon_id


_START_PATIENCE = 300
"""Tries, a second apart, to reach a shared ledger at the start: its server may be starting too."""


def _at_once(work: Callable[[], T]) -> T:
    return work()


def _patiently(outside: Machine, work: Callable[[], T]) -> T:
    for _ in range(_START_PATIENCE):
        try:
            return work()
        except SQLAlchemyError as error:
            if not is_unreachable(error):
                raise
            logger.error("the ledger cannot be reached yet: %s", type(error).__name__)
            outside.sleep(1.0)
    return work()


def _reader(ledger: Ledger) -> Callable[[str], bytes]:
    def read(sha256: str) -> bytes:
        with ledger.read() as conn:
            return contents.read_blob(conn, sha256)

    return read
