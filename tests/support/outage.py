"""A database that cannot be used for a while, as it happens to each kind."""

from __future__ import annotations

import sqlite3

import psycopg
from sqlalchemy import URL, event

from publisher.ledger.store import Ledger


class Outage:
    """From its making until `release` nobody reaches the ledger's database.

    SQLite: another process holds the file, and ours waits for a moment only. PostgreSQL: all sessions are ended, and
    no new one is let in.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._url: URL = ledger.engine.url
        if ledger.shared:
            self._allow("false")
            with self._elsewhere() as connection:
                ended = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
                connection.execute(ended, [self._url.database])
            return
        database = self._url.database
        assert database is not None
        with ledger.engine.connect() as conn:
            conn.exec_driver_sql("pragma busy_timeout = 10")
        event.listen(ledger.engine, "checkout", self._impatient)
        self._holder = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self._holder.execute("begin exclusive")

    def release(self) -> None:
        """The database is back."""
        if self._url.get_backend_name() == "postgresql":
            self._allow("true")
        else:
            self._holder.execute("rollback")
            self._holder.close()

    @staticmethod
    def _impatient(connection: sqlite3.Connection, record: object, proxy: object) -> None:
        connection.execute("pragma busy_timeout = 10")

    def _allow(self, connections: str) -> None:
        with self._elsewhere() as connection:
            connection.execute(f"alter database {self._url.database} with allow_connections {connections}".encode())

    def _elsewhere(self) -> psycopg.Connection[tuple[object, ...]]:
        address = self._url.set(drivername="postgresql", database="postgres")
        return psycopg.connect(address.render_as_string(hide_password=False), autocommit=True)
