"""A ledger that is looked at: opened only if it is there, and left as it is."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect

from publisher.ledger.store import Clock, Ledger, connect
from publisher.ledger.tables import head


def is_missing(url: str) -> bool:
    """Whether there is no ledger at `url`: no such file, or a database without its tables. Makes nothing."""
    if url.startswith("sqlite:///"):
        return not Path(url.removeprefix("sqlite:///")).exists()
    engine = connect(url)
    try:
        return not inspect(engine).has_table(head.name)
    finally:
        engine.dispose()


def open_existing(url: str, clock: Clock) -> Ledger | None:
    """The ledger at `url` without bringing it to a newer schema; None if there is none."""
    if is_missing(url):
        return None
    engine = connect(url)
    if not inspect(engine).has_table(head.name):
        engine.dispose()
        return None
    return Ledger(engine, clock)
