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
    script = ScriptDirectory.from_config(config)
    present = MigrationContext.configure(conn).get_current_revision()
    newest = script.get_current_head()
    if present == newest:
        return
    if present is not None and present not in {revision.revision for revision in script.walk_revisions()}:
        raise SettingsError(
            f"the database has schema {present}, which this program does not know: it belongs to a newer version; "
            "install that version, or name another database in [ledger] url"
        )
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
