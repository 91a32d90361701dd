"""Four daemons on one real PostgreSQL, killed and frozen at random: nothing lost, nothing twice, no limit exceeded."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fleet import Fleet, most_in_window
from tests.support.kills import Town, lost_or_twice
from tests.support.postgres import fresh_database, restart_server

NOTICES = int(os.environ.get("FLEET_NOTICES", "120"))
SEED = int(os.environ.get("KILLS_SEED", "2017"))
CALLS, SECONDS = 40, 2


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    chance = random.Random(SEED)
    rate = f'rate = {{ calls = {CALLS}, per = "{SECONDS}s" }}'
    town = Town(tmp_path, chance, url=fresh_database(), extra='lease = "2s"\n', rate=rate)
    town.build()
    for name in ("late", "never"):
        town.sites[name].switch(slow=0.2)  # so that a death finds calls in flight
    built = Fleet(town, 4, chance, frozen_for=4.0)
    yield built
    built.close()
    town.close()


@pytest.mark.kills
def test_daemons_killed_and_frozen_on_one_postgresql_lose_nothing_and_repeat_nothing(fleet: Fleet) -> None:
    town = fleet.town
    fleet.start()
    part = max(1, NOTICES // 10)
    restarted = False
    for first in range(1, NOTICES + 1, part):
        town.drop(first, min(first + part - 1, NOTICES))
        fleet.harm()
        if first > NOTICES // 2 and not restarted:
            restart_server()
            restarted = True
    settled = town.wait_settled(NOTICES, 60 + NOTICES / 4)
    codes = fleet.end()

    assert settled, f"the daemons did not finish their work: {town.states()}"
    assert codes == [0] * fleet.size
    assert restarted
    assert fleet.harms["killed"] and fleet.harms["frozen"], fleet.harms
    assert lost_or_twice(town, NOTICES, doubt_allowed=True) == []
    instants = [item["stored_at"] for item in town.sites["at_once"].items()]
    assert most_in_window(instants, SECONDS) <= CALLS
