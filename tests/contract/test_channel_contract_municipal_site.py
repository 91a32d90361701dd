"""The municipal site keeps the contract, in each kind of interface it knows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.municipal_site import MunicipalSite
from tests.support.channel_contract import ChannelContract
from tests.support.municipal_worlds import FORM_OPTIONS, JSON_OPTIONS, PAGES_OPTIONS, SiteWorld


class TestJsonSiteThatRemembersKeys(ChannelContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[SiteWorld]:
        world = SiteWorld(MunicipalSite, tmp_path, JSON_OPTIONS, idempotent=True)
        yield world
        world.close()


class TestFormSiteInGbkThatCannotBeRepeated(ChannelContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[SiteWorld]:
        world = SiteWorld(MunicipalSite, tmp_path, FORM_OPTIONS, idempotent=False, form=True)
        yield world
        world.close()


class TestJsonSiteReadBackFromItsPages(ChannelContract):
    @pytest.fixture
    def world(self, tmp_path: Path) -> Iterator[SiteWorld]:
        world = SiteWorld(MunicipalSite, tmp_path, PAGES_OPTIONS, idempotent=False)
        yield world
        world.close()
