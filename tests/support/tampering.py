"""A ledger changed behind the program's back, by whoever owns its database."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from sqlalchemy import Engine


def tamper(engine: Engine, *statements: str, values: tuple[object, ...] = ()) -> None:
    """Run statements (SQLite's dialect, `?` for values) without triggers and foreign keys in the way."""
    if engine.dialect.name == "postgresql":
        _on_postgresql(engine, statements, values)
        return
    path = engine.url.database
    assert path is not None
    with closing(sqlite3.connect(path)) as connection:
        for (name,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            connection.execute(f"drop trigger {name}")
        for statement in statements:
            connection.execute(statement, values)
        connection.commit()


def _on_postgresql(engine: Engine, statements: tuple[str, ...], values: tuple[object, ...]) -> None:
    triggers = "select tgname from pg_trigger where tgrelid = 'publication_log'::regclass and not tgisinternal"
    with engine.connect() as conn:
        for name in conn.exec_driver_sql(triggers).scalars().all():
            conn.exec_driver_sql(f"drop trigger {name} on publication_log")
        conn.exec_driver_sql("set session_replication_role = replica")  # no foreign keys on this connection
        for statement in statements:
            theirs = statement.replace("%", "%%").replace("?", "%s").replace("x'00'", "'\\x00'::bytea")
            conn.exec_driver_sql(theirs, values)
        conn.commit()
        conn.exec_driver_sql("set session_replication_role = default")
        conn.commit()
