"""Brings a database to the schema of this program, by Alembic, from the first table on."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from publisher.errors import SettingsError


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


def to_newest(conn: Connection) -> None:
    """Run the migrations that `conn`'s database lacks; raises `SettingsError` on a newer schema."""
    config = _config()
    if _is_newest(conn, config):
        return
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def must_be_newest(conn: Connection) -> None:
    """Raise `SettingsError` unless the database has this program's schema: for accounts that may not change it."""
    if not _is_newest(conn, _config()):
        raise SettingsError(
            "the ledger was made by an older version, and this account may only read it: "
            "have an account that may write run any command of this version first, or use the older version"
        )


def _is_newest(conn: Connection, config: Config) -> bool:
    script = ScriptDirectory.from_config(config)
    present = MigrationContext.configure(conn).get_current_revision()
    if present is not None and present not in {revision.revision for revision in script.walk_revisions()}:
        raise SettingsError(
            f"the database has schema {present}, which this program does not know: it belongs to a newer version; "
            "install that version, or name another database in [ledger] url"
        )
    return present == script.get_current_head()
