"""The channels as shipped, each against a practice site: what a newcomer runs first must work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.practice.site import PracticeSite
from publisher.channel import Channel, Found
from publisher.render import Renderer
from publisher.settings import Settings, load_settings, open_channel
from tests.support.builders import CallContext, MemoryStore, a_notice, a_submission, an_attachment


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path, {}, data=tmp_path / "data")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PracticeSite]:
    site = PracticeSite(tmp_path / "site", switches={"idempotent": False}).start()
    yield site
    site.stop()


def test_every_shipped_channel_opens_without_any_secret_and_has_its_template(settings: Settings) -> None:
    assert all(open_channel(settings, channel, {}) for channel in settings.channels)
    assert Renderer().compile_all(settings.channels) == ()


@pytest.mark.parametrize("name", ["county_site", "city_site"])
def test_a_shipped_site_gets_text_and_attachment_once_and_is_read_back(
    settings: Settings, site: PracticeSite, name: str
) -> None:
    section = settings.channel(name)
    here = section.model_copy(update={"options": {**section.options, "base_url": site.base_url}})
    channel = open_channel(settings, here, {})
    assert isinstance(channel, Channel)
    attachment = an_attachment("工程量清单（一）.pdf")
    notice = a_notice(attachments=(attachment.ref,))
    rendition = Renderer().render(notice, here)
    context = CallContext(store=MemoryStore())
    submission = a_submission(notice, rendition=rendition, attachments=(attachment,), context=context)
    receipt = channel.submit(submission)
    found = channel.find(submission)
    (item,) = site.items()
    assert isinstance(found, Found)
    assert (receipt.number, found.receipt.number) == (item["number"], item["number"])
    assert found.digest == rendition.text_digest
    assert [(file["name"], file["sha256"]) for file in item["files"]] == [(attachment.ref.name, attachment.ref.sha256)]


def test_the_city_site_is_never_sent_anything_twice_and_knows_only_gbk(settings: Settings) -> None:
    city = open_channel(settings, settings.channel("city_site"), {})
    county = open_channel(settings, settings.channel("county_site"), {})
    assert (city.capabilities.charset, bool(city.capabilities.idempotent_for)) == ("gbk", False)
    assert (county.capabilities.charset, bool(county.capabilities.idempotent_for)) == (None, True)
