"""What holds for every test: nothing leaves this machine, and a failure can be repeated from what is printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import hypothesis
import pytest

from tests.support.guard import GUARD

# The same examples each time, so that a red run is about the change at hand; `make fuzz` tries new ones.
NEW_EXAMPLES = bool(os.environ.get("FUZZ"))
hypothesis.settings.register_profile(
    "house",
    print_blob=True,
    deadline=None,
    derandomize=not NEW_EXAMPLES,
    max_examples=2000 if NEW_EXAMPLES else 100,
)
hypothesis.settings.load_profile("house")

GUARD.install()


def pytest_configure(config: pytest.Config) -> None:
    """Calls that a test left hanging end after it, and then open a connection that nobody closes."""
    config.addinivalue_line(
        "filterwarnings", "ignore:<psycopg.Connection .* was deleted while still open:ResourceWarning"
    )


@pytest.fixture(autouse=True)
def nothing_leaves_this_machine() -> Iterator[None]:
    """Fail the test in whose time any thread tried to reach another machine, even if that went unnoticed."""
    yield
    refused = list(GUARD.refused)
    GUARD.refused.clear()
    if refused:
        pytest.fail("tried to reach another machine: " + "; ".join(refused), pytrace=False)


def pytest_report_header() -> str:
    """Print what a repetition of this run needs; the seed of the order is printed by pytest-randomly."""
    wanted = {name: os.environ.get(name, "not set") for name in ("KILLS", "PYTHONHASHSEED")}
    return "repeat with: " + ", ".join(f"{name} {value}" for name, value in wanted.items())


@pytest.fixture(autouse=True)
def _close_worlds() -> Iterator[None]:
    """End the threads of the worlds that a test opened, and give back the connections of their ledgers."""
    yield
    opened = getattr(sys.modules.get("tests.support.sending"), "OPENED", [])
    while opened:
        opened.pop().close()
