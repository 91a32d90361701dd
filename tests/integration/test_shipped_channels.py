"""The channels as shipped, each against a practice site: what a newcomer runs first must work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from channels.practice.province import PracticeProvince
from channels.practice.site import PracticeSite
from publisher.channel import Channel, Found, Reference
from publisher.notice import Form
from publisher.render import Renderer
from publisher.rules.routing import describe_routing, route
from publisher.settings import ChannelSettings, Settings, load_settings, open_channel
from tests.support.builders import CallContext, MemoryStore, a_notice, a_submission, an_attachment

TODAY = date(2026, 3, 16)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(tmp_path, {}, data=tmp_path / "data")


def at(settings: Settings, name: str, address: str) -> ChannelSettings:
    """A shipped section whose site is at `address`."""
    section = settings.channel(name)
    return section.model_copy(update={"options": {**section.options, "base_url": address}})


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
    here = at(settings, name, site.base_url)
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


def test_the_portal_gets_the_text_without_attachments_and_is_read_back_from_its_page(
    settings: Settings, site: PracticeSite
) -> None:
    section = at(settings, "county_portal", site.base_url)
    channel = open_channel(settings, section, {})
    assert isinstance(channel, Channel)
    attachment = an_attachment("工程量清单（一）.pdf")
    notice = a_notice(attachments=(attachment.ref,))
    rendition = Renderer().render(notice, section)
    submission = a_submission(notice, rendition=rendition, attachments=(attachment,))
    receipt = channel.submit(submission)
    found = channel.find(submission)
    assert isinstance(found, Found)
    assert (found.receipt.number, found.digest) == (receipt.number, rendition.text_digest)
    assert site.items()[0]["files"] == [] and "工程量清单（一）.pdf" in rendition.text


def test_the_provincial_procurement_site_takes_it_under_a_ticket_and_forwards_it_to_the_national_one(
    settings: Settings, tmp_path: Path
) -> None:
    national = PracticeProvince(tmp_path / "national", prefix="NA", switches={"auto_publish_after": 0}).start()
    province = PracticeProvince(tmp_path / "province", switches={"forward_to": national.base_url}).start()
    try:
        channel = open_channel(settings, at(settings, "sd_procurement", province.base_url), {})
        watched = open_channel(settings, at(settings, "national_site", national.base_url), {})
        assert isinstance(channel, Channel) and isinstance(watched, Channel)
        attachment = an_attachment("采购文件.pdf")
        notice = a_notice(form=Form.OPEN_TENDER, project_class="procurement", attachments=(attachment.ref,))
        rendition = Renderer().render(notice, settings.channel("sd_procurement"))
        submission = a_submission(notice, rendition=rendition, attachments=(attachment,))
        assert channel.submit(submission).public is False
        province.approve(province.filed(1))
        found = channel.find(submission)
        assert isinstance(found, Found)
        assert (found.receipt.number, found.digest) == ("SD-9931", rendition.text_digest)
        assert [file["name"] for file in province.items()[0]["files"]] == ["采购文件.pdf"]
        province.review()
        fed = Reference(notice.project_no, notice.title, None, number="SD-9931")
        seen = watched.find(a_submission(notice, references=[fed]))
        assert isinstance(seen, Found) and seen.receipt.number == "NA-9931"
    finally:
        province.stop()
        national.stop()


def test_the_provincial_works_site_is_a_sheet_for_a_person(settings: Settings) -> None:
    channel = open_channel(settings, settings.channel("sd_works"), {})
    assert isinstance(channel, Channel)
    receipt = channel.submit(a_submission())
    assert receipt.task is not None and "http://127.0.0.1:8706/desk" in receipt.task.text


def test_every_medium_of_the_mission_has_a_section_on_a_practice_target_at_its_tier(settings: Settings) -> None:
    titles = {channel.title: channel for channel in settings.channels}
    assert {title: channel.tier.value for title, channel in titles.items()} == {
        "曲阜市公共资源交易网": "county",
        "孔子故里·中国曲阜网": "county",
        "济宁市公共资源交易网": "municipal",
        "山东省政府采购网": "provincial",
        "山东省建设工程招标投标管理信息网": "provincial",
        "中国采购与招标网": "national",
        "微信资讯": "self_media",
        "大厅LED屏": "on_site",
    }
    assert all(channel.practice and channel.enabled for channel in settings.channels)


@pytest.mark.parametrize(
    ("project_class", "carried", "left_out"),
    [
        ("procurement", {"sd_procurement", "national_site", "county_portal"}, {"sd_works"}),
        ("works", {"sd_works", "city_site", "county_portal"}, {"sd_procurement", "national_site"}),
        ("land", {"city_site", "county_portal"}, {"sd_works", "sd_procurement", "national_site"}),
        ("other", {"county_site"}, {"sd_works", "sd_procurement", "national_site", "county_portal", "city_site"}),
    ],
)
def test_each_class_of_project_goes_where_it_belongs(
    settings: Settings, project_class: str, carried: set[str], left_out: set[str]
) -> None:
    notice = a_notice(form=Form.WINNING_RESULT, project_class=project_class)
    names = {one.channel.name for one in route(notice, settings.channels, TODAY)}
    assert carried <= names and not left_out & names


def test_what_is_forwarded_is_carried_nowhere_its_feeder_is_not(settings: Settings) -> None:
    for row in describe_routing(settings.channels, TODAY):
        assert row.cells["national_site"] == "none" or row.cells["sd_procurement"] == "mandatory"
