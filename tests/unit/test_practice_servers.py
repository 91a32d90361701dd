"""Which practice servers a configuration wants, and how its channels follow them to another address."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.practice_servers import WantedSite, moved, wanted_sites
from publisher.settings import load_settings


def test_every_shipped_channel_with_an_address_here_gets_the_server_of_its_kind(tmp_path: Path) -> None:
    wanted = {site.name: site for site in wanted_sites(load_settings(tmp_path, {}).channels)}
    assert {name: site.mode for name, site in wanted.items()} == {
        "county_site": "",
        "county_portal": "",
        "city_site": "",
        "sd_procurement": "api",
        "sd_works": "assisted",
        "national_site": "watched",
    }
    assert wanted["national_site"] == WantedSite(
        "national_site", "中国采购与招标网", "http://127.0.0.1:8707", "watched", "sd_procurement"
    )


def test_a_channel_with_an_address_elsewhere_gets_none(tmp_path: Path) -> None:
    shipped = load_settings(tmp_path, {}).channel("sd_procurement")
    elsewhere = shipped.model_copy(update={"options": {"base_url": "https://www.example.org"}})
    assert wanted_sites([elsewhere]) == []


@pytest.mark.parametrize(
    ("value", "there"),
    [
        ("http://127.0.0.1:87", "http://127.0.0.1:9"),
        ("http://127.0.0.1:87/desk", "http://127.0.0.1:9/desk"),
        ("http://127.0.0.1:8702", "http://127.0.0.1:8702"),
        (["http://127.0.0.1:87"], ["http://127.0.0.1:87"]),
    ],
)
def test_the_options_follow_a_server_to_its_address_and_nothing_else_does(value: object, there: object) -> None:
    options = {"base_url": "http://127.0.0.1:87", "page": value}
    assert moved(options, "http://127.0.0.1:9") == {"base_url": "http://127.0.0.1:9", "page": there}
