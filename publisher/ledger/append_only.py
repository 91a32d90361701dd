"""The publication log is append-only in the database too: triggers refuse to change or remove a row.

Whoever owns the database can drop them; `verify` then names that they are missing, and the chain and its
heads what was done meanwhile.
"""

from __future__ import annotations

from sqlalchemy import Connection

_SQLITE = {
    "publication_log_no_update": "before update on publication_log begin "
    "select raise(abort, 'publication_log is append-only: no row is changed'); end",
    "publication_log_no_delete": "before delete on publication_log begin "
    "select raise(abort, 'publication_log is append-only: no row is removed'); end",
    # INSERT OR REPLACE removes a row without its delete trigger.
    "publication_log_no_replace": "before insert on publication_log "
    "when exists (select 1 from publication_log where seq >= new.seq) begin "
    "select raise(abort, 'publication_log is append-only: a row comes after the last one'); end",
}
_POSTGRESQL = {
    "publication_log_no_update": "before update or delete on publication_log for each row",
    "publication_log_no_truncate": "before truncate on publication_log for each statement",
}
_REFUSE = """
create or replace function publication_log_refuse() returns trigger language plpgsql as $$
begin raise exception 'publication_log is append-only: % is refused', tg_op; end $$
"""


def make_append_only(conn: Connection) -> None:
    """Put the triggers in place (once, when the table is made)."""
    if conn.dialect.name == "postgresql":
        conn.exec_driver_sql(_REFUSE.replace("%", "%%"))
        for name, when in _POSTGRESQL.items():
            conn.exec_driver_sql(f"create trigger {name} {when} execute function publication_log_refuse()")
    else:
        for name, what in _SQLITE.items():
            conn.exec_driver_sql(f"create trigger {name} {what}")


def missing_triggers(conn: Connection) -> list[str]:
    """Names of triggers that somebody dropped or switched off."""
    if conn.dialect.name == "postgresql":
        query = "select tgname from pg_trigger where tgrelid = 'publication_log'::regclass and tgenabled in ('O', 'A')"
        wanted = _POSTGRESQL
    else:
        query = "select name from sqlite_master where type = 'trigger' and tbl_name = 'publication_log'"
        wanted = _SQLITE
    present = set(conn.exec_driver_sql(query).scalars())
    return [name for name in wanted if name not in present]
