"""The program killed at every moment: nothing is lost, nothing is public twice, the log stands."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kills import Town, lost_or_twice, one_life
from tests.support.sending import ON_POSTGRESQL, a_database

KILLS = int(os.environ.get("KILLS", "12"))
SEED = int(os.environ.get("KILLS_SEED", "2017"))


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    url = a_database(tmp_path) if ON_POSTGRESQL else ""
    built = Town(tmp_path, random.Random(SEED), url=url)
    built.build()
    yield built
    built.close()


@pytest.mark.kills
def test_killed_at_any_moment_nothing_is_lost_and_nothing_is_public_twice(town: Town) -> None:
    notices = 0
    for life in range(KILLS):
        town.drop(notices + 1, notices + 3)
        notices += 3
        one_life(town, life)
    by_sites = town.kills["between storing and answering"]
    town.start()
    settled = town.wait_settled(notices, 60)
    assert town.process is not None
    town.process.send_signal(signal.SIGTERM)
    code = town.process.wait(10)

    wrong = lost_or_twice(town, notices)
    held = sum(len(site.items()) for site in town.sites.values())
    print(f"{sum(town.kills.values())} kills, {by_sites} of them after a site had stored and before it answered")
    print(f"{notices} notices for 3 sites without any memory of keys: they hold {held} of {notices * 3}")
    print("the rest waits for a person: the call was cut off, and that site cannot be asked what came of it")
    print(f"lost, twice, or otherwise than the log says: {len(wrong)}")

    assert settled, "the program did not finish its work after the last kill"
    assert code == 0
    assert sum(town.kills.values()) >= KILLS
    assert by_sites >= KILLS // 2 - 1, town.kills
    assert wrong == []


@pytest.mark.kills
def test_without_asking_first_the_same_kills_do_publish_twice(town: Town) -> None:
    """Proof that the test above can fail: with the reconciling step switched off there are doubles."""
    notices = 0
    for life in range(0, 8, 2):
        town.drop(notices + 1, notices + 3)
        notices += 3
        one_life(town, life, "recover=no_reconcile")
    town.start("recover=no_reconcile")
    town.wait_settled(notices, 40)

    doubles = sum(len(titles) for titles in town.doubles().values())
    print(f"without asking first: {doubles} notices twice")
    assert doubles
