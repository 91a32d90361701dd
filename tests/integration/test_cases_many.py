"""Many notices and one cause: one alarm, one act after the fix, each result on its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from publisher.counts import queries
from publisher.delivery import State
from publisher.errors import NotAllowed, Reason
from publisher.ledger import acts, again
from publisher.ledger.acts import Person
from publisher.ledger.tables import alarm, publication_log
from publisher.send import watch
from tests.support.builders import a_notice
from tests.support.desk import TestDesk
from tests.support.scripted_site import ScriptedSite, lost, refused
from tests.support.sending import World, a_world

LIU, WANG = Person("刘某", "liu@office"), Person("王某", "wang@desk")
NO_QUICK = {"quick_wait": "0s"}


def many(world: World, count: int) -> list[str]:
    return [world.accept(a_notice(project_no=f"NO-{n}", dates={})) for n in range(count)]


def alarms(world: World) -> list[str]:
    return [event for event in world.events() if event.startswith("alarm")]


def watched(world: World, minutes: int, until: Any = lambda: False) -> None:
    """Let minutes pass; after each the watch looks, as the daemon has it."""
    for _ in range(minutes):
        world.run_for(minutes=1)
        watch.look(world.ledger, world.channels, world.sending, world.clock())
        if until():
            return


def details(world: World) -> list[str]:
    with world.ledger.read() as conn:
        return list(conn.execute(select(alarm.c.detail).order_by(alarm.c.id)).scalars())


# ---- one cause, one alarm


def test_c070_three_hours_down_with_sixty_waiting_are_one_alarm_and_one_recovery(tmp_path: Path) -> None:
    down = [True]
    city, county = ScriptedSite(down=lambda: down[0]), ScriptedSite()
    world = a_world(tmp_path, {"city": city, "county": county}, sending={"jitter": 0.2})
    many(world, 60)
    watched(world, 180)
    assert alarms(world) == ["alarm_raised"]
    assert "等待发布 60 件" in details(world)[0]
    down[0] = False
    watched(world, 30)

    assert alarms(world) == ["alarm_raised", "alarm_cleared"]
    with world.ledger.read() as conn:
        cleared = conn.execute(
            select(publication_log.c.payload).where(publication_log.c.event == "alarm_cleared")
        ).scalar_one()
    assert "继续发布" in cleared
    assert len(city.items) == 60


def test_c070_a_channel_that_flaps_ten_times_in_an_hour_is_two_alarms_and_a_calm_hour_ends_it(tmp_path: Path) -> None:
    down = [False]
    site = ScriptedSite(down=lambda: down[0])
    world = a_world(tmp_path, {"city": site}, sending={**NO_QUICK, "breaker_cap": "1m"})
    recovered = 0
    for turn in range(10):
        down[0] = True
        for number in range(12):
            world.accept(a_notice(project_no=f"NO-{turn}-{number}", dates={}))
        watched(world, 3)
        down[0] = False
        watched(world, 3)
        recovered += all(row.state == "published" for row in world.rows())
    assert recovered == 10, "what waited did not go at once when the channel was up"
    assert Counter(alarms(world)) == {"alarm_raised": 2, "alarm_cleared": 1}
    assert "时好时坏" in details(world)[1]
    assert world.alarms() == ["down:city"]

    watched(world, 56)
    assert world.alarms() == ["down:city"], "the calm has not lasted an hour"
    watched(world, 6)
    assert world.alarms() == []
    assert len(site.items) == 120 and world.verdict().ok


def test_c070_a_calm_channel_that_fails_again_the_next_day_has_an_alarm_of_its_own(tmp_path: Path) -> None:
    down = [True]
    site = ScriptedSite(down=lambda: down[0])
    world = a_world(tmp_path, {"city": site}, sending=NO_QUICK)
    for day in range(2):
        down[0] = True
        for number in range(12):
            world.accept(a_notice(project_no=f"NO-{day}-{number}", dates={}))
        watched(world, 30)
        down[0] = False
        watched(world, 90)
    assert alarms(world) == ["alarm_raised", "alarm_cleared"] * 2


def test_c070_busy_but_moving_raises_none(tmp_path: Path) -> None:
    rate = {"city": {"rate": {"calls": 2, "per": "1m"}}}
    world = a_world(tmp_path, {"city": ScriptedSite()}, settings=rate)
    many(world, 60)
    watched(world, 40)
    assert alarms(world) == []


# ---- many after one fix


def logged(world: World, event: str) -> list[str]:
    mine = (publication_log.c.event == event, publication_log.c.by == LIU.by)
    with world.ledger.read() as conn:
        return list(conn.execute(select(publication_log.c.number).where(*mine)).scalars())


def test_c093_one_act_repeats_all_that_a_channel_refused_but_what_a_person_confirmed(tmp_path: Path) -> None:
    wx, county = ScriptedSite(script=[refused() for _ in range(85)]), ScriptedSite()
    settings = {"wx": {"rate": {"calls": 10, "per": "1m"}}}
    world = a_world(tmp_path, {"wx": wx, "county": county}, settings=settings)
    numbers = many(world, 85)
    world.run_for(minutes=20)
    assert {world.state(number, "wx") for number in numbers} == {State.FAILED}
    for number in numbers[:3]:
        with world.ledger.write() as tx:
            (row,) = acts.of_number(tx.conn, number, "wx")
            acts.confirm(tx, row, WANG, channel_number=f"手{number}", proof="截图已存档")
    calls = len(wx.calls)
    with world.ledger.write() as tx:
        told = again.retry(tx, again.meant(tx.conn, None, "wx"), LIU, "已修复")
    assert [one.number for one in told] == numbers[3:]
    begun = world.clock()
    world.run_for(minutes=30)

    sent = [when for _, when in wx.calls[calls:]]
    assert len(sent) == len(wx.items) == 82 and len(county.items) == 85
    assert all(b - a >= timedelta(minutes=1) for a, b in zip(sent, sent[10:], strict=False)), "the rate was passed"
    assert sent[-1] - begun >= timedelta(minutes=8)
    assert logged(world, "retried") == numbers[3:]
    assert all(row.state == "published" for row in world.rows())
    with world.ledger.read() as conn:
        assert queries.count(conn, (), None).publications == 170
    assert world.verdict().ok


def test_what_was_refused_and_then_done_by_hand_is_confirmed_with_a_proof_and_can_be_taken_back(tmp_path: Path) -> None:
    site = ScriptedSite(script=[refused()])
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.step()
    with world.ledger.write() as tx, pytest.raises(NotAllowed, match="--proof"):
        acts.confirm(tx, world.row(number, "city"), LIU)
    with world.ledger.write() as tx:
        acts.confirm(tx, world.row(number, "city"), LIU, proof="截图已存档")
    world.run_for(hours=100)
    assert (world.state(number, "city"), len(site.calls)) == (State.PUBLISHED, 1)
    with world.ledger.write() as tx:
        acts.undo_confirm(tx, world.row(number, "city"), LIU, "看错了")
    with world.ledger.read() as conn:
        assert queries.count(conn, (), None).publications == 0
    assert world.verdict().ok


def test_c093_what_gave_up_for_one_cause_goes_with_one_act_and_what_cannot_be_asked_is_named(tmp_path: Path) -> None:
    down = [True]
    site = ScriptedSite(down=lambda: down[0], findable=False)
    world = a_world(tmp_path, {"city": site}, sending={**NO_QUICK, "give_up": "1h"})
    numbers = many(world, 12)
    world.run_for(hours=6)
    assert [(row.state, row.reason) for row in world.rows()] == [("held", "gave_up")] * 12
    with world.ledger.write() as tx:
        acts.confirm(tx, world.row(numbers[0], "city"), WANG, proof="人工发布")
        # of one nobody knows what its last call came to
        tx.conn.exec_driver_sql(
            "update attempt set outcome = 'unknown' where id = (select max(attempt_id) from attempt_delivery "
            f"where delivery_id = {world.row(numbers[1], 'city').id})"
        )
    down[0] = False
    with world.ledger.write() as tx:
        rows = again.held_for(tx.conn, "city", Reason.GAVE_UP)
        told, left = again.release_all(tx, rows, LIU, "网站已恢复", lambda n: world.channels[n].capabilities)
    assert [one.number for one in told] == numbers[1:] and left == 1
    assert "--not-there" in told[0].said
    world.run_for(hours=1)

    assert Counter(row.state for row in world.rows()) == {"published": 11, "held": 1}
    assert logged(world, "released") == numbers[2:]
    with world.ledger.write() as tx, pytest.raises(NotAllowed, match="没有"):
        again.held_for(tx.conn, "city", Reason.ADAPTER_FAULT)


def test_a_lost_answer_among_them_is_asked_for_before_it_is_repeated(tmp_path: Path) -> None:
    down = [False]
    site = ScriptedSite(script=[lost()], down=lambda: down[0], idempotent=True, remembers=timedelta(minutes=5))
    world = a_world(tmp_path, {"city": site}, sending={**NO_QUICK, "give_up": "1h", "retry_first": "10m"})
    number = world.accept()
    world.step()
    down[0] = True
    world.run_for(hours=8)
    row = world.row(number, "city")
    assert len(site.items) == 1 and row.state in {"published", "held"}
    if row.state == "held":
        with world.ledger.write() as tx:
            rows = again.held_for(tx.conn, "city", Reason(row.reason))
            again.release_all(tx, rows, LIU, "", lambda n: world.channels[n].capabilities)
        down[0] = False
        world.run_for(hours=1)
    assert (world.state(number, "city"), len(site.items)) == (State.PUBLISHED, 1)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TestDesk]:
    made = TestDesk(tmp_path)
    yield made
    made.close()


def test_c093_the_command_names_each_and_asks_for_a_channel(desk: TestDesk) -> None:
    desk.build("county")
    settings = desk.home / "publisher.toml"
    settings.write_text(settings.read_text("utf-8") + 'give_up = "1s"\n', "utf-8")
    desk.sites["county"].down()
    for number in range(1, 4):
        desk.drop(f"{number}号招标公告")
    assert desk.run("once").exit_code == 1
    desk.sites["county"].up()
    told = desk.run("release", "--channel", "county", "--all-held", "gave_up", "--by", "刘某", "--reason", "已恢复")
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines() == [f"{number}　county网：已放行" for number in (1, 2, 3)]
    assert desk.run("once").stdout.splitlines()[-1] == "3 成功 / 0 失败"
    released = [row for row in desk.json("log", "--last", "99") if row["event"] == "released"]
    assert [(row["number"], row["by"]) for row in released] == [("1", "刘某"), ("2", "刘某"), ("3", "刘某")]
    assert desk.run("release", "--channel", "county", "--all-held", "gave_up").exit_code == 1
    for wrong in (["--all-held", "gave_up"], ["1", "--channel", "county", "--all-held", "gave_up"], []):
        assert desk.run("release", *wrong).exit_code == 2
    assert desk.run("release", "--channel", "county", "--all-held", "foreign_text").exit_code == 2


def test_the_waits_between_two_attempts_grow_again_after_a_release(tmp_path: Path) -> None:
    site = ScriptedSite(down=lambda: True)
    world = a_world(tmp_path, {"city": site}, sending={**NO_QUICK, "give_up": "1h"})
    (number,) = many(world, 1)
    world.run_for(hours=3)
    with world.ledger.write() as tx:
        rows = again.held_for(tx.conn, "city", Reason.GAVE_UP)
        again.release_all(tx, rows, LIU, "", lambda n: world.channels[n].capabilities)
    before = len(site.calls)
    world.run_for(minutes=20)
    instants = [when for _, when in site.calls[before:]]
    waits = [b - a for a, b in pairwise(instants)]
    assert waits == sorted(waits) and world.state(number, "city") is State.PENDING
