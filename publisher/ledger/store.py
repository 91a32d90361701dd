"""The ledger's database: how it is opened, read and written.

Every write goes through a `Tx`, which appends to the chain as its last act, so that the head row is
held for as short as possible. Lock order: channel_state by name, delivery by id, head, log and
rollup, commit.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, bindparam, create_engine, event, func, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, DisconnectionError, PendingRollbackError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from publisher import __version__
from publisher.errors import NotAllowed, SettingsError
from publisher.ledger import chain, migrate, read_only, rollups
from publisher.ledger.chain import Entry
from publisher.ledger.tables import blob, head, publication_log

__all__ = [
    "PROGRAM",
    "Clock",
    "Connection",
    "Fault",
    "Ledger",
    "SQLAlchemyError",
    "Tx",
    "connect",
    "insert_ids",
    "is_unreachable",
    "no_fault",
    "open_ledger",
    "opened_at",
]

Clock = Callable[[], datetime]
Fault = Callable[[str], object]

_AWAY = (
    "locked",
    "busy",
    "unable to open",
    "disk i/o",
    "disk is full",
    "readonly",
    "connect",
    "shutting down",
    "starting up",
    "terminat",
    "deadlock",
    "closed the",
    "is closed",
)
"""Signs, in a driver's message, that the trouble may pass; anything else is a fault of the program."""

_IDLE_AT_MOST = timedelta(seconds=30)
"""How long a writing transaction may stand still before PostgreSQL ends it: its program is frozen, or its host is cut
off, and the others wait for the rows that it has locked. One that only reads keeps nobody waiting."""

PROGRAM = "程序"
"""Who acted, in log rows of the program itself."""


def no_fault(point: str) -> object:
    """The inert fault hook: nothing happens at `point`."""
    return None


# Statements that every transaction runs are made once.
_DATABASE_NOW = select(func.clock_timestamp())
NOTIFY_CHANNEL = "publisher_due"
"""The name under which daemons on PostgreSQL tell each other that something may be due."""
_NOTIFY = text(f"NOTIFY {NOTIFY_CHANNEL}")
_WAKING = frozenset(
    {"accepted", "approved", "released", "release_asked", "resumed", "retried", "retry_asked"}
) | frozenset({"rendered", "rescheduled", "silence_ended", "update_asked", "withdraw_asked"})
_NOT_IDLE_FOR_LONG = text(f"SET LOCAL idle_in_transaction_session_timeout = '{_IDLE_AT_MOST.seconds}s'")
_HEAD = select(head.c.seq, head.c.hash).where(head.c.id == 1)
_HEAD_LOCKED = _HEAD.with_for_update()
_APPEND = insert(publication_log)
_MOVE_HEAD = update(head).where(head.c.id == 1).values(seq=bindparam("new_seq"), hash=bindparam("new_hash"))


class Tx:
    """One write transaction: a connection, the instant it works at, and the rows it will log."""

    def __init__(self, conn: Connection, clock: Callable[[], datetime]) -> None:
        self.conn = conn
        self.now = clock()
        self._clock = clock
        self.memo: set[object] = set()  # what this transaction has found out already
        self.read_ahead: dict[int, Any] = {}  # deliveries that writes of the same group will ask for
        self._entries: list[Entry] = []
        self._gathered: dict[Callable[[Tx, list[Any]], None], list[Any]] = {}
        self._after: list[Callable[[], None]] = []

    def look_at_clock(self) -> None:
        """Go on at the present instant: waiting for a lock may have taken long, as when its holder was frozen."""
        self.now = self._clock()

    @property
    def on_postgresql(self) -> bool:
        """Whether the database is PostgreSQL (row locks) rather than SQLite (one writer)."""
        return self.conn.dialect.name == "postgresql"

    def log(self, entry: Entry) -> None:
        """Append `entry` to the publication log when this transaction commits."""
        self._entries.append(entry)

    def gather(self, act: Callable[[Tx, list[Any]], None], item: Any) -> None:
        """Have `act` called once, at the end of this transaction, with all items gathered for it.

        What many deliveries of one group need alike costs one statement in this way, not one each.
        """
        self._gathered.setdefault(act, []).append(item)

    def do_gathered(self, act: Callable[[Tx, list[Any]], None]) -> None:
        """Call `act` now with what is gathered for it, because what comes next depends on it."""
        if act in self._gathered:
            act(self, self._gathered.pop(act))

    def do_all_gathered(self) -> None:
        """Do now all that is gathered: what comes next in this transaction looks at what these writes came to."""
        while self._gathered:
            act = next(iter(self._gathered))
            act(self, self._gathered.pop(act))

    def after_commit(self, act: Callable[[], None]) -> None:
        """Call `act` once the transaction is durable."""
        self._after.append(act)

    def store_blob(self, data: bytes, sha256: str) -> None:
        """Store bytes by their hash; already stored bytes are left alone."""
        statement = self.upsert(blob).values(sha256=sha256, size=len(data), data=data, stored_at=self.now)
        self.conn.execute(statement.on_conflict_do_nothing())

    def upsert(self, table: Any) -> Any:
        """An INSERT of the present dialect that knows ON CONFLICT."""
        return postgresql.insert(table) if self.on_postgresql else sqlite.insert(table)

    def flush(self) -> None:
        """Do what was gathered; write the logged rows, the new head and the rollups. Called once, last."""
        self.do_all_gathered()
        if not self._entries:
            return
        seq, previous = self.conn.execute(_HEAD_LOCKED if self.on_postgresql else _HEAD).one()
        rows = []
        for entry in self._entries:
            seq += 1
            payload = chain.payload_of(seq, self.now, entry)
            previous = chain.hash_of(previous, payload)
            columns = {name: getattr(entry, name) for name in chain.COLUMNS}
            rows.append({"seq": seq, "hash": previous, "payload": payload, "recorded_at": self.now, **columns})
        self.conn.execute(_APPEND, rows)
        if self.on_postgresql and any(entry.event in _WAKING for entry in self._entries):
            self.conn.execute(_NOTIFY)
        self.conn.execute(_MOVE_HEAD, {"new_seq": seq, "new_hash": previous})
        rollups.add(self.conn, self._entries)

    def committed(self) -> None:
        """Run what waits for the commit."""
        for act in self._after:
            act()


def insert_ids(tx: Tx, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert rows and give their ids, in the same order."""
    statement = insert(table).returning(table.c.id, sort_by_parameter_order=True)
    return [row.id for row in tx.conn.execute(statement, list(rows))]


_ONLY_READS = "当前账户对账本只有读取权限（审计），不能作任何改动；请由有写入权限的账户执行"


class Ledger:
    """An opened ledger. `clock` gives the present (aware); `fault` is the test hook around commits."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        fault: Fault = no_fault,
        *,
        database_clock: bool = False,
        read_only: bool = False,
    ) -> None:
        self.engine = engine
        self.read_only = read_only
        self.clock = clock
        self._database_clock = database_clock and engine.dialect.name == "postgresql"
        self._fault = fault
        self._one_writer = threading.Lock() if engine.dialect.name == "sqlite" else None
        # SQLite reads one state by itself; PostgreSQL, unless told, takes a new one for each statement.
        self._reading = engine.execution_options(isolation_level="REPEATABLE READ") if self.shared else engine
        with self.read() as conn:
            row = conn.execute(select(head.c.ledger_id, head.c.real)).one()
        self.ledger_id: str = row.ledger_id
        self.real: bool = row.real

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read transaction: one consistent state, never waiting for a writer."""
        with self._reading.connect() as conn, conn.begin():
            yield conn

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A write transaction; commits at the end, or leaves no trace if the block raises.

        Raises `NotAllowed` where this account may only read the ledger.
        """
        if self.read_only:
            raise NotAllowed(_ONLY_READS)
        if self._one_writer is None:
            with self._transaction() as tx:
                yield tx
        else:
            with self._one_writer, self._transaction() as tx:
                yield tx
        tx.committed()

    @contextmanager
    def _transaction(self) -> Iterator[Tx]:
        with self.engine.connect().execution_options(write=True) as conn, conn.begin() as transaction:
            if self.shared:
                conn.execute(_NOT_IDLE_FOR_LONG)
            tx = Tx(conn, partial(self._now, conn))
            yield tx
            tx.flush()
            self._fault("commit.before")
            transaction.commit()
            self._fault("commit.after")

    def _now(self, conn: Connection) -> datetime:
        """The instant a transaction works at: on a shared ledger, all daemons go by the database's clock."""
        if not self._database_clock:
            return self.clock()
        now: datetime = conn.execute(_DATABASE_NOW).scalar_one()
        return now.astimezone(UTC)

    @property
    def shared(self) -> bool:
        """Whether several daemons may work on this ledger."""
        return self.engine.dialect.name == "postgresql"

    def close(self) -> None:
        """Give back all connections."""
        self.engine.dispose()

    def must_have_stood_still(self) -> None:
        """Raise `NotAllowed` if this ledger, opened for reading while nobody used it, is in use now."""
        if read_only.was_put_to_use(str(self.engine.url)):
            raise NotAllowed("读取期间程序启动并开始写账本，读出的内容可能不完整；请重新执行本命令")


def connect(url: str) -> Engine:
    """An engine for `url`; SQLite with WAL, full synchronisation and real transactions.

    An SQLite ledger that this account may not change is opened for reading.
    """
    if not url.startswith("sqlite"):
        return create_engine(url, pool_size=20, max_overflow=20, pool_pre_ping=True, hide_parameters=True)
    reading = read_only.reading_address(url)
    arguments = {"timeout": 30.0}
    engine = create_engine(reading or url, connect_args=arguments, pool_size=20, max_overflow=20, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        cursor = connection.cursor()
        if reading is None:
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        # A writer takes the lock at once: a read that later writes could otherwise fail at the upgrade.
        conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get("write") else "BEGIN")

    return engine


def open_ledger(url: str, *, real: bool, clock: Clock, fault: Fault = no_fault, database_clock: bool = False) -> Ledger:
    """Open the ledger at `url`, made or brought to this program's schema if need be.

    `database_clock`: on PostgreSQL, transactions work at the database's instant, not at `clock`'s.

    An account that may only read gets a ledger to which nothing can be written; its schema must be this program's.

    A ledger is practice or real for life: raises `SettingsError` if the setting says otherwise now,
    or if the database belongs to a newer program.
    """
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    engine = connect(url)
    try:
        with engine.connect() as conn, conn.begin():
            reads_only = read_only.may_only_read(conn)
            if reads_only:
                migrate.must_be_newest(conn)
        if not reads_only:
            _make(engine, real, clock())
    except BaseException:
        engine.dispose()
        raise
    ledger = Ledger(engine, clock, fault, database_clock=database_clock, read_only=reads_only)
    if ledger.real != real:
        ledger.close()
        is_now, says = ("real", "practice") if ledger.real else ("practice", "real")
        raise SettingsError(
            f"the ledger {engine.url.render_as_string(hide_password=True)} is a {is_now} ledger for life, "
            f"but the settings say {says}: set [ledger] real = {str(ledger.real).lower()}, or name another database"
        )
    return ledger


def _make(engine: Engine, real: bool, now: datetime) -> None:
    with engine.connect().execution_options(write=True) as conn, conn.begin():
        if engine.dialect.name == "postgresql":
            # Daemons that start together must not make the tables together.
            conn.execute(text("SELECT pg_advisory_xact_lock(20171204)"))
        migrate.to_newest(conn)
        _found(conn, real, now)


def _found(conn: Connection, real: bool, now: datetime) -> None:
    """Write the first row of a new ledger."""
    if conn.execute(select(head.c.id)).first() is not None:
        return
    ledger_id = secrets.token_hex(16)
    conn.execute(insert(head).values(id=1, ledger_id=ledger_id, real=real, seq=0, hash=chain.FIRST))
    tx = Tx(conn, lambda: now)
    tx.log(
        Entry(
            event="ledger_opened",
            by=PROGRAM,
            data={"ledger_id": ledger_id, "ledger": "real" if real else "practice", "program": __version__},
        )
    )
    tx.flush()


def opened_at(conn: Connection) -> datetime:
    """When the ledger was opened: the instant of its first row."""
    moment: datetime = conn.execute(
        select(publication_log.c.recorded_at).where(publication_log.c.seq == 1)
    ).scalar_one()
    return moment


def is_unreachable(error: BaseException) -> bool:
    """Whether `error` says that the database cannot be reached or used now (and may be later)."""
    if isinstance(error, DisconnectionError | PendingRollbackError | PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    return error.connection_invalidated or any(sign in str(error.orig).lower() for sign in _AWAY)
