"""The provincial site keeps the contract in the mode in which it sends, on both kinds of platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.provincial_site import ProvincialSite
from tests.support.channel_contract import ChannelContract
from tests.support.provincial_worlds import FORGETS, REMEMBERS, ProvinceWorld


class TestPlatformThatRemembersKeys(ChannelContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[ProvinceWorld]:
        world = ProvinceWorld(ProvincialSite, tmp_path, REMEMBERS, mutable=True)
        yield world
        world.close()


class TestPlatformThatCannotBeRepeated(ChannelContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[ProvinceWorld]:
        world = ProvinceWorld(ProvincialSite, tmp_path, FORGETS, idempotent=False)
        yield world
        world.close()
