"""What another channel forwards: born submitted, looked for once that one has published, alarmed at its own limit."""

from __future__ import annotations

import itertools
import json
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from channels.practice.province import PracticeProvince
from channels.provincial_site import ProvincialSite
from publisher.channel import Tier
from publisher.counts import queries
from publisher.delivery import State
from publisher.errors import NotAllowed, Reason
from publisher.ledger import acts, again
from publisher.ledger.acceptance import Planned
from publisher.ledger.acts import Person
from publisher.ledger.tables import observation, version
from publisher.planning import with_feeders
from publisher.send import watch
from tests.support.builders import START, a_config, a_notice, a_rendition
from tests.support.scripted_site import ScriptedSite, lost, refused
from tests.support.sending import World, a_world

CLERK = Person("王某", "wang@desk")


class Two:
    """A municipal site, and a provincial one to which it forwards by itself."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self._world: World | None = None
        self.province = PracticeProvince(
            folder / "province", switches={"auto_publish_after": 0}, clock=lambda: self.now()
        ).start()
        options = {"base_url": self.province.base_url, "mode": "watched", "fed_by": "city"}
        watched = ProvincialSite(a_config("prov", title="某省平台", tier=Tier.PROVINCIAL, options=options))
        self.city = ScriptedSite()
        settings = {
            "city": {"tier": Tier.MUNICIPAL},
            "prov": {"tier": Tier.PROVINCIAL, "due_within": "28h", "poll": ("10m", "1h", "6h"), "title": "某省平台"},
        }
        self._world = a_world(folder, {"city": self.city, "prov": watched}, settings=settings, **more)

    def now(self) -> datetime:
        return self._world.clock() if self._world is not None else START

    @property
    def w(self) -> World:
        assert self._world is not None
        return self._world

    def forward(self, number: str = "S-1", title: str | None = None) -> None:
        """The municipal site brings its notice to the province."""
        notice = a_notice()
        fields = {"noticeName": title or notice.title, "projectCode": notice.project_no, "noticeContent": "<p>转发</p>"}
        fields |= {"noticeForm": notice.form.value, "projectName": notice.project_name or ""}
        body = json.dumps({"source": "市网", "source_number": number, "fields": fields}).encode()
        address = f"{self.province.base_url}/practice/forwarded"
        urllib.request.urlopen(urllib.request.Request(address, body), timeout=5).close()

    def questions(self) -> int:
        query = select(func.count()).select_from(observation).where(observation.c.channel == "prov")
        with self.w.ledger.read() as conn:
            return int(conn.execute(query).scalar_one())

    def look(self) -> list[str]:
        watch.look(self.w.ledger, self.w.channels, self.w.sending, self.w.clock())
        return self.w.alarms()


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Two]:
    two = Two(tmp_path)
    yield two
    two.province.stop()


def tiers(world: World) -> dict[str, int]:
    with world.ledger.read() as conn:
        return {row.key[0]: row.publications for row in queries.count(conn, ["tier"]).rows}


def test_it_is_born_submitted_and_nothing_is_ever_sent_there(two: Two) -> None:
    world, number = two.w, two.w.accept()
    row = world.row(number, "prov")
    assert (row.state, row.waits_for, row.next_at) == ("submitted", "predecessor", None)
    two.forward()
    world.run_for(hours=12)
    assert world.state(number, "prov") is State.PUBLISHED
    assert world.attempts("prov") == []
    assert {method for method, _ in two.province.seen} == {"GET"}
    assert world.verdict().ok


def test_it_is_looked_for_only_once_the_feeding_channel_has_published(two: Two) -> None:
    world = two.w
    two.city.public = False
    number = world.accept()
    world.run_for(hours=5)
    assert (world.state(number, "city"), two.questions()) == (State.SUBMITTED, 0)
    two.city.public = True
    world.run_for(hours=12)
    assert world.state(number, "city") is State.PUBLISHED
    assert two.questions() > 0 and world.row(number, "prov").waits_for is None


def test_c032_two_tiers_are_two_deliveries_and_the_higher_one_stays_open_until_it_is_seen(two: Two) -> None:
    world, number = two.w, two.w.accept()
    world.run_for(hours=27)
    assert (world.state(number, "city"), world.state(number, "prov")) == (State.PUBLISHED, State.SUBMITTED)
    assert tiers(world) == {"municipal": 1}
    assert two.look() == []
    world.run_for(hours=2)
    assert two.look() == ["awaiting:prov"]
    world.run_for(hours=1)
    two.forward()
    world.run_for(hours=7)
    row = world.row(number, "prov")
    assert (row.state, row.channel_number) == ("published", "SD-9931")
    assert row.visible_since == START + timedelta(hours=30)
    assert tiers(world) == {"municipal": 1, "provincial": 1}
    assert two.look() == []


def test_the_alarm_comes_at_its_own_limit_even_if_the_feeding_channel_is_late(two: Two) -> None:
    world = two.w
    two.city.down = lambda: True
    world.accept()
    world.run_for(hours=27)
    assert "awaiting:prov" not in two.look()
    world.run_for(hours=2)
    assert "awaiting:prov" in two.look()


def test_questions_about_it_follow_its_own_sparse_plan(two: Two) -> None:
    two.w.accept()
    two.w.run_for(hours=26)
    with two.w.ledger.read() as conn:
        query = select(observation.c.started_at).where(observation.c.channel == "prov").order_by(observation.c.id)
        asked = list(conn.execute(query).scalars())
    spans = [round((late - early).total_seconds() / 60) for early, late in itertools.pairwise(asked)]
    assert spans[:4] == [60, 360, 360, 360]


def test_if_the_feeding_channel_refuses_it_a_person_is_asked_and_a_retry_there_frees_it(two: Two) -> None:
    world = two.w
    two.city.script = [refused()]
    number = world.accept()
    world.run_for(minutes=5)
    row = world.row(number, "prov")
    assert (row.state, row.reason, two.questions()) == ("held", Reason.FEEDER_FAILED.value, 0)
    with world.ledger.write() as tx:
        again.retry(tx, acts.of_number(tx.conn, number, "city"), CLERK, "")
    two.forward()
    world.run_for(hours=7)
    assert (world.state(number, "city"), world.state(number, "prov")) == (State.PUBLISHED, State.PUBLISHED)
    assert world.attempts("prov") == []
    assert world.verdict().ok


def test_a_person_may_release_it_and_it_is_looked_for_again(two: Two) -> None:
    world = two.w
    two.city.script = [refused()]
    number = world.accept()
    world.run_for(minutes=5)
    with world.ledger.write() as tx:
        rows = acts.of_number(tx.conn, number, "prov")
        acts.release(tx, rows, CLERK, "", lambda name: world.channels[name].capabilities, not_there=False)
    world.run_for(minutes=5)
    assert world.row(number, "prov").waits_for == "predecessor"
    assert two.questions() == 0


def test_an_unknown_outcome_of_the_feeding_channel_keeps_it_waiting(two: Two) -> None:
    world = two.w
    two.city.script, two.city.findable = [lost()], False
    number = world.accept()
    world.run_for(hours=3)
    assert (world.state(number, "city"), world.state(number, "prov")) == (State.HELD, State.SUBMITTED)
    with world.ledger.write() as tx:
        acts.confirm(tx, world.row(number, "city"), CLERK, channel_number="S-77", proof="截图")
    two.forward("S-77")
    world.run_for(hours=7)
    assert world.state(number, "prov") is State.PUBLISHED


def test_a_person_who_sees_it_there_may_confirm_it(two: Two) -> None:
    world, number = two.w, two.w.accept()
    world.run_for(hours=1)
    with world.ledger.write() as tx:
        acts.confirm(tx, world.row(number, "prov"), CLERK, channel_number="SD-5", url="http://p/5", proof="截图")
    assert tiers(world) == {"municipal": 1, "provincial": 1}


def test_cancelled_with_its_feeder_it_is_cancelled_and_alone_it_is_not_looked_for(two: Two) -> None:
    world = two.w
    two.city.down = lambda: True
    both, feeder = world.accept(), world.accept(a_notice(project_no="NO-2"))
    with world.ledger.write() as tx:
        acts.cancel(tx, acts.of_number(tx.conn, both), CLERK, "项目终止")
        acts.cancel(tx, acts.of_number(tx.conn, feeder, "city"), CLERK, "项目终止")
    assert [row.state for row in world.rows(both)] == ["cancelled", "cancelled"]
    assert world.row(feeder, "prov").reason == Reason.FEEDER_FAILED.value
    world.run_for(hours=2)
    assert two.questions() == 0


def test_once_it_may_be_public_there_it_cannot_be_cancelled(two: Two) -> None:
    world, number = two.w, two.w.accept()
    world.run_for(minutes=5)
    with pytest.raises(NotAllowed), world.ledger.write() as tx:
        acts.cancel(tx, acts.of_number(tx.conn, number, "prov"), CLERK, "")


def test_while_nothing_was_sent_a_new_version_takes_its_place_too(two: Two) -> None:
    world = two.w
    two.city.down = lambda: True
    first = world.accept()
    second = world.accept(a_notice(body_html="<p>第二版：投标截止时间改为2018年1月5日。</p>"))
    with world.ledger.read() as conn:
        assert conn.execute(select(func.count()).select_from(version)).scalar_one() == 2
    assert [row.state for row in world.rows(first)] == ["superseded", "superseded"]
    two.city.down = lambda: False
    two.forward()
    world.run_for(hours=12)
    assert [row.state for row in world.rows(second)] == ["published", "published"]
    assert [row.state for row in world.rows(first)] == ["superseded", "superseded"]
    assert world.verdict().ok


def test_once_its_feeder_has_sent_the_old_text_goes_on(two: Two) -> None:
    two.w.accept()
    two.w.run_for(minutes=5)
    with pytest.raises(NotAllowed):
        two.w.accept(a_notice(body_html="<p>第二版</p>"))


def test_without_approval_it_waits_with_its_feeder(tmp_path: Path) -> None:
    two = Two(tmp_path, approvals=1)
    world, number = two.w, two.w.accept()
    world.run_for(hours=2)
    assert (world.state(number, "city"), world.state(number, "prov")) == (State.PENDING, State.SUBMITTED)
    with world.ledger.write() as tx:
        assert acts.approve(tx, number, CLERK) == 0
    two.forward()
    world.run_for(hours=2)
    assert [row.state for row in world.rows(number)] == ["published", "published"]
    two.province.stop()


def test_it_survives_a_restart(two: Two) -> None:
    world, number = two.w, two.w.accept()
    world.restart()
    world.run_for(minutes=5)
    world.restart()
    two.forward()
    world.run_for(hours=12)
    assert world.state(number, "prov") is State.PUBLISHED


def test_another_notice_of_the_same_project_is_not_taken_for_it(two: Two) -> None:
    world, number = two.w, two.w.accept()
    two.forward("S-99", "另一份公告")
    world.run_for(hours=12)
    assert world.state(number, "prov") is State.SUBMITTED


def test_it_cannot_be_hurried_before_its_feeder_has_published(two: Two) -> None:
    two.city.down = lambda: True
    number = two.w.accept()
    with pytest.raises(NotAllowed), two.w.ledger.write() as tx:
        again.retry(tx, acts.of_number(tx.conn, number, "prov"), CLERK, "")


def test_gone_from_there_again_a_person_is_asked(tmp_path: Path) -> None:
    two = Two(tmp_path)
    world, number = two.w, two.w.accept()
    object.__setattr__(world.channels["prov"].settings, "read_back", (timedelta(hours=24),))
    two.forward()
    world.run_for(hours=2)
    two.province.delete(1)
    world.run_for(hours=30)
    assert world.row(number, "prov").reason == Reason.GONE_FROM_CHANNEL.value
    two.province.stop()


def test_c071_a_higher_site_that_is_down_keeps_nothing_back_and_is_asked_when_it_is_up(two: Two) -> None:
    world = two.w
    two.forward()
    two.province.down()
    number = world.accept()
    world.run_for(hours=2)
    assert (world.state(number, "city"), world.state(number, "prov")) == (State.PUBLISHED, State.SUBMITTED)
    two.province.up()
    world.run_for(hours=12)
    assert world.state(number, "prov") is State.PUBLISHED


def test_what_nobody_would_forward_is_left_out_if_optional_and_a_persons_task_if_mandatory(two: Two) -> None:
    def planned(mandatory: bool) -> Planned:
        return Planned("prov", "provincial", mandatory, a_rendition(), START, fed_by="city")

    city = Planned("city", "municipal", True, a_rendition(), START)
    assert with_feeders([planned(False)], two.w.channels) == []
    assert with_feeders([city, planned(False)], two.w.channels) == [city, planned(False)]
    (held,) = with_feeders([planned(True)], two.w.channels)
    assert held.held is not None and held.held.reason is Reason.FEEDER_FAILED
    assert "渠道city" in str(held.held) and "confirm" in str(held.held)


def test_forwarded_twice_it_is_looked_for_in_the_order_in_which_it_travels(tmp_path: Path) -> None:
    provinces = [
        PracticeProvince(tmp_path / name, prefix=name, switches={"auto_publish_after": 0}).start() for name in "AB"
    ]
    provinces[0].switch(forward_to=provinces[1].base_url)

    def watched(name: str, province: PracticeProvince, fed_by: str) -> ProvincialSite:
        return ProvincialSite(
            a_config(name, options={"base_url": province.base_url, "mode": "watched", "fed_by": fed_by})
        )

    # In the order of their names the higher one comes first.
    adapters = {"a_nation": watched("a_nation", provinces[1], "b_prov"), "b_prov": watched("b_prov", provinces[0], "c")}
    world = a_world(tmp_path, {**adapters, "c": ScriptedSite()})
    number = world.accept()
    body = {"source": "市网", "source_number": "S-1", "fields": {"noticeName": "公告", "noticeForm": "招标公告"}}
    request = urllib.request.Request(f"{provinces[0].base_url}/practice/forwarded", json.dumps(body).encode())
    urllib.request.urlopen(request, timeout=5).close()
    provinces[0].review()
    world.run_for(hours=12)
    for province in provinces:
        province.stop()
    assert {row.channel: (row.state, row.channel_number) for row in world.rows(number)} == {
        "a_nation": ("published", "B-9931"),
        "b_prov": ("published", "A-9931"),
        "c": ("published", "S-1"),
    }
