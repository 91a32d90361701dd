"""Accounts that may only read a ledger: an auditor's, or any where the ledger lies on a medium that cannot be written.

Whether an account may write is for the system to say, not for a setting: the permissions of an SQLite ledger's file
and folder, the grants of a PostgreSQL role.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, inspect, make_url, text

_TABLE = "publication_log"


def reading_address(url: str) -> str | None:
    """The address that opens an SQLite ledger for reading, if this account may not change it; else None.

    SQLite keeps two files beside a ledger in use. Where there are none and none can be made, nobody has the ledger
    open, and it is read as a file that does not change (https://www.sqlite.org/wal.html#readonly).
    """
    known = make_url(url)
    if known.get_backend_name() != "sqlite" or known.database in (None, "", ":memory:"):
        return None
    if known.query.get("mode") == "ro":
        return url
    path = Path(str(known.database)).absolute()
    if not path.exists() or (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)):
        return None
    still = "" if _in_use(path) else "&immutable=1"
    return f"sqlite:///file:{quote(str(path))}?mode=ro{still}&uri=true"


def _in_use(path: Path) -> bool:
    return path.with_name(path.name + "-wal").exists()


def was_put_to_use(url: str) -> bool:
    """Whether a ledger that was opened as one nobody uses is in use now: what was read since may be wrong."""
    known = make_url(url)
    return known.query.get("immutable") == "1" and _in_use(Path(str(known.database).removeprefix("file:")))


def may_only_read(conn: Connection) -> bool:
    """Whether this account may not add to the log. A database without tables is one that is yet to be made."""
    if conn.dialect.name == "sqlite":
        return conn.engine.url.query.get("mode") == "ro"
    if not inspect(conn).has_table(_TABLE):
        return False
    granted = conn.execute(text("select has_table_privilege(cast(:name as text), 'insert')"), {"name": _TABLE})
    return not granted.scalar_one()
