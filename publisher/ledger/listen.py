"""LISTEN: on PostgreSQL, hear from other daemons and commands that something may be due now.

Only a hint: whoever hears nothing looks by itself at its next turn.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

from publisher.ledger.store import NOTIFY_CHANNEL, Ledger

logger = logging.getLogger(__name__)

_PATIENCE = 5.0
"""Seconds for one wait, and between tries while the database is away."""


class Listener:
    """A thread that calls `wake` for every notification, until `close`."""

    def __init__(self, ledger: Ledger, wake: Callable[[], None]) -> None:
        self._ledger = ledger
        self._wake = wake
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="listen", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End within one wait; nobody waits for it."""
        self._ended.set()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._listen()
            except Exception as error:  # noqa: BLE001 - the driver's own errors; a hint that fails is tried again
                if not self._ended.is_set():
                    logger.warning("not listening to the database for now: %s", type(error).__name__)
                    self._ended.wait(_PATIENCE)

    def _listen(self) -> None:
        connection = self._ledger.engine.raw_connection()
        driver = connection.driver_connection
        if driver is None:
            raise DBAPIError("LISTEN", None, RuntimeError("no connection"))
        connection.detach()
        try:
            driver.autocommit = True
            driver.execute(f"LISTEN {NOTIFY_CHANNEL}")
            while not self._ended.is_set():
                for _ in driver.notifies(timeout=_PATIENCE, stop_after=1):
                    self._wake()
        finally:
            driver.close()
