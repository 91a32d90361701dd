"""When a channel may be called: windows, quiet days, maintenance; another instant; late after downtime."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.fake_set import FakeSetChannel
from publisher.channel import Receipt
from publisher.delivery import Operation, State
from publisher.errors import NotAllowed
from publisher.ledger import acts, channel_state, schedule
from publisher.ledger.acts import Person
from publisher.notice import LOCAL
from publisher.send import watch
from tests.support.builders import START, a_change_notice, a_config, a_notice
from tests.support.by_hand import an_act, by_key
from tests.support.scripted_site import ScriptedSite, lost, unreachable
from tests.support.sending import World, a_world

LIU = Person("刘某", "liu@office")
OFFICE = {"windows": ["Mon-Fri 08:30-17:30"]}


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """An instant of December 2017; the 4th, on which tests begin at nine, is a Monday."""
    return datetime(2017, 12, day, hour, minute, tzinfo=LOCAL)


def logged(world: World, event: str) -> list[dict[str, Any]]:
    with world.ledger.read() as conn:
        rows = conn.exec_driver_sql(f"select payload from publication_log where event = '{event}' order by seq")
        return [json.loads(row.payload) for row in rows]


def silence(world: World, until: datetime, channel: str = "city") -> None:
    with world.ledger.write() as tx:
        channel_state.silence(tx, channel, until, "刘某", "网站维护", "liu@office")


def reschedule(world: World, number: str, when: datetime) -> None:
    with world.ledger.write() as tx:
        schedule.reschedule(tx, number, when, LIU, "会议改期")


def cancel(world: World, number: str) -> None:
    with world.ledger.write() as tx:
        acts.cancel(tx, acts.of_number(tx.conn, number), LIU, "项目终止")


# ---- windows and quiet days


def test_what_falls_due_outside_the_window_goes_at_the_instant_it_opens_and_others_do_not_wait(tmp_path: Path) -> None:
    city, county = ScriptedSite(), ScriptedSite()
    world = a_world(tmp_path, {"city": city, "county": county}, settings={"city": OFFICE}, start=at(8, 17, 30))
    number = world.accept()
    world.step()
    assert (len(county.calls), city.calls) == (1, [])
    world.run_to(at(11, 8, 29))
    assert city.calls == []
    world.run_to(at(11, 9))

    assert [when for _, when in city.calls] == [at(11, 8, 30)]
    assert world.state(number, "city") is State.PUBLISHED


def test_nothing_is_published_on_quiet_days_and_its_lateness_is_logged_once_with_the_reason(tmp_path: Path) -> None:
    city = ScriptedSite()
    settings = {"city": {"quiet": ["2017-12-05..2017-12-06"]}}
    world = a_world(tmp_path, {"city": city}, settings=settings)
    world.accept(a_notice(publish_at=at(5, 9)))
    world.run_to(at(8))

    assert [when for _, when in city.calls] == [at(7)]
    (late,) = logged(world, "late")
    assert late["data"]["why"] == "不在该渠道的发布时段"
    assert late["data"]["detail"] == "应发 2017年12月5日 09:00，迟 1 天 15 小时，原因：不在该渠道的发布时段"


def test_a_retry_waits_for_the_window_and_closed_hours_are_not_taken_from_its_patience(tmp_path: Path) -> None:
    city = ScriptedSite(down=lambda: world.clock() < at(11, 12))
    settings = {"city": {"windows": ["Mon-Fri 08:30-17:30"], "quiet": ["2017-12-05..2017-12-10"]}}
    world = a_world(tmp_path, {"city": city}, settings=settings, sending={"give_up": "12h"}, start=at(4, 17, 0))
    number = world.accept()
    world.run_to(at(12))

    assert world.state(number, "city") is State.PUBLISHED
    hours = [when.astimezone(LOCAL) for _, when in city.calls]
    assert all(at(4, 17) <= when < at(4, 17, 30) or when >= at(11, 8, 30) for when in hours)


def test_patience_ends_after_so_many_open_hours(tmp_path: Path) -> None:
    city = ScriptedSite(down=lambda: True)
    world = a_world(tmp_path, {"city": city}, settings={"city": OFFICE}, sending={"give_up": "12h"}, start=at(4, 9))
    number = world.accept()
    world.run_to(at(5, 11))
    assert world.state(number, "city") is State.PENDING
    world.run_to(at(5, 17))

    assert world.row(number, "city").reason == "gave_up"


def test_questions_updates_and_withdrawals_do_not_wait_for_the_window(tmp_path: Path) -> None:
    city = ScriptedSite(script=[lost()])
    world = a_world(tmp_path, {"city": city}, settings={"city": OFFICE}, start=at(4, 17, 29))
    number = world.accept()
    world.run_to(at(4, 17, 35))
    assert world.state(number, "city") is State.PUBLISHED, "found although the window was over"
    other = world.accept(a_notice(project_no="NO-2", dates={}))
    key = an_act(world, world.row(number, "city"), Operation.WITHDRAW)
    world.run_to(at(4, 18))

    assert by_key(world, key).state == "published"
    assert world.state(other, "city") is State.PENDING


def test_a_set_shows_nothing_new_outside_its_window_and_still_lets_go_what_is_over(tmp_path: Path) -> None:
    board = FakeSetChannel(a_config("led"))
    settings = {"led": {"windows": ["daily 08:00-18:00"], "shown_for": "12h"}}
    world = a_world(tmp_path, {"led": board}, settings=settings, start=at(4, 9))
    first = world.accept(a_notice(project_no="NO-1", dates={}))
    world.step()
    world.run_to(at(4, 19))
    second = world.accept(a_notice(project_no="NO-2", dates={}))
    world.run_to(at(4, 22))
    assert (world.state(first, "led"), world.state(second, "led")) == (State.ENDED, State.PENDING)
    assert board.board.shown == {}
    world.run_to(at(5, 8))

    assert world.state(second, "led") is State.PUBLISHED


def test_what_waits_for_its_window_is_not_stuck(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()}, settings={"city": OFFICE}, start=at(4, 18))
    world.accept()
    for minutes in (60, 60 * 14 + 30):  # at 19:00, and at the instant of opening
        world.clock.move_to(at(4, 18) + timedelta(minutes=minutes))
        watch.look(world.ledger, world.channels, world.sending, world.clock())
    assert world.alarms() == []
    world.clock.move_to(at(5, 8, 46))
    watch.look(world.ledger, world.channels, world.sending, world.clock())
    assert world.alarms() == ["stuck:city"]


# ---- maintenance


def test_a_silence_keeps_every_call_back_ends_by_itself_and_survives_a_restart(tmp_path: Path) -> None:
    city, county = ScriptedSite(public=False), ScriptedSite()
    world = a_world(tmp_path, {"city": city, "county": county})
    before = world.accept()
    world.step()
    silence(world, at(4, 15))
    asked = city.asked
    world.restart()
    number = world.accept(a_notice(project_no="NO-2", dates={}, publish_at=at(4, 10)))
    world.run_to(at(4, 14, 59))
    assert (len(city.calls), city.asked) == (1, asked), "a site under maintenance was called or asked"
    assert world.state(number, "county") is State.PUBLISHED
    city.public = True
    world.run_to(at(4, 15, 1))

    assert [when for _, when in city.calls][1:] == [at(4, 15)]
    assert world.state(before, "city") is State.PUBLISHED
    late = [row for row in logged(world, "late") if row["channel"] == "city"]
    assert [row["data"]["why"] for row in late] == ["渠道维护静默"]


@pytest.mark.parametrize("ended_early", [False, True])
def test_the_time_of_a_silence_is_not_taken_from_anybodys_patience(tmp_path: Path, ended_early: bool) -> None:
    city = ScriptedSite(down=lambda: True)
    world = a_world(tmp_path, {"city": city}, sending={"give_up": "4h", "breaker_failures": 10000})
    number = world.accept()
    world.run_for(hours=1)
    silence(world, at(4, 12))
    silence(world, at(4, 20))  # longer than was thought
    world.run_to(at(4, 16))
    if ended_early:
        with world.ledger.write() as tx:
            assert channel_state.end_silence(tx, "city", "刘某", "已恢复", "liu@office")
            assert not channel_state.end_silence(tx, "city", "刘某", "", "liu@office")
    expected = at(4, 19) if ended_early else at(4, 23)  # one of four hours was used up before
    world.run_to(expected - timedelta(minutes=31))
    assert world.state(number, "city") is State.PENDING
    world.run_to(expected + timedelta(minutes=1))

    assert world.row(number, "city").reason == "gave_up"
    assert [row["by"] for row in logged(world, "silenced")] == ["刘某", "刘某"]


# ---- another instant


def test_c038_nothing_goes_at_the_old_instant_and_all_at_the_new_one_on_the_same_channels(tmp_path: Path) -> None:
    city, wx = ScriptedSite(), ScriptedSite()
    world = a_world(tmp_path, {"city": city, "wx": wx, "county": ScriptedSite()})
    number = world.accept(a_notice(publish_at=at(4, 9, 30)), on=["city", "wx"])
    deadlines = {row.deadline for row in world.rows()}
    world.run_to(at(4, 9, 20))
    reschedule(world, number, at(4, 15))
    world.run_to(at(4, 14, 59))
    assert city.calls == wx.calls == []
    assert {row.deadline for row in world.rows()} == {d + timedelta(hours=5, minutes=30) for d in deadlines}
    world.run_to(at(4, 15))

    assert [when for _, when in (*city.calls, *wx.calls)] == [at(4, 15)] * 2
    assert {row.channel for row in world.rows(number)} == {"city", "wx"}
    assert logged(world, "late") == []
    assert [row["data"]["before"][:16] for row in logged(world, "rescheduled")] == ["2017-12-04T09:30"] * 2
    assert world.verdict().ok


def test_c038_cancelled_two_seconds_before_its_new_instant_none_is_sent(tmp_path: Path) -> None:
    sites = {name: ScriptedSite() for name in ("city", "wx")}
    world = a_world(tmp_path, sites)
    number = world.accept(a_notice(publish_at=at(4, 9, 30)))
    reschedule(world, number, at(4, 15))
    world.run_to(at(4, 14, 59) + timedelta(seconds=58))
    cancel(world, number)
    world.run_for(days=2)

    assert [site.calls for site in sites.values()] == [[], []]
    assert {row.state for row in world.rows()} == {"cancelled"}


@pytest.mark.parametrize("answer", [None, Receipt(public=False), lost()])
def test_once_one_channel_has_it_neither_a_move_nor_a_cancel_does_half_the_work(
    tmp_path: Path, answer: Receipt | Exception | None
) -> None:
    site = ScriptedSite(script=[answer], findable=False)
    world = a_world(tmp_path, {"city": site, "closed": ScriptedSite()}, settings={"closed": {"quiet": ["2017-12-04"]}})
    number = world.accept()
    world.step()
    before = [(row.state, row.publish_at, row.next_at) for row in world.rows()]
    with pytest.raises(NotAllowed, match="什么都没有改动"):
        reschedule(world, number, at(6))
    with pytest.raises(NotAllowed, match=r"什么都没有改动|可能已发布"):
        cancel(world, number)
    assert [(row.state, row.publish_at, row.next_at) for row in world.rows()] == before
    with world.ledger.write() as tx:
        acts.cancel(tx, acts.of_number(tx.conn, number, "closed"), LIU, "只在市网发布")

    assert world.state(number, "closed") is State.CANCELLED


def test_a_move_keeps_approval_and_predecessor_in_force(tmp_path: Path) -> None:
    site = ScriptedSite(public=False)
    world = a_world(tmp_path, {"city": site}, approvals=1)
    first, change = world.accept(), world.accept(a_change_notice())
    reschedule(world, first, at(4, 10))
    reschedule(world, change, at(4, 10))
    world.run_to(at(4, 11))
    assert site.calls == []
    for number in (first, change):
        with world.ledger.write() as tx:
            acts.approve(tx, number, LIU)
    world.run_to(at(4, 12))
    assert (len(site.calls), world.row(change, "city").waits_for) == (1, "predecessor")


def test_what_fails_for_now_or_is_held_can_be_moved_too(tmp_path: Path) -> None:
    site = ScriptedSite(script=[unreachable() for _ in range(9)])
    world = a_world(tmp_path, {"city": site}, sending={"quick_wait": "0s"})
    number = world.accept()
    world.run_for(seconds=30)
    tried = len(site.calls)
    reschedule(world, number, at(5, 9))
    with world.ledger.write() as tx:
        acts.hold(tx, acts.of_number(tx.conn, number), LIU, "再看")
    reschedule(world, number, at(6, 9))
    with world.ledger.write() as tx:
        acts.release(tx, acts.of_number(tx.conn, number), LIU, "", lambda _: None, not_there=False)
    world.run_to(at(6, 8, 59))
    assert len(site.calls) == tried
    site.script = []
    world.run_to(at(6, 9))

    assert world.state(number, "city") is State.PUBLISHED


def test_nothing_is_moved_behind_its_bid_deadline(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()})
    number = world.accept(a_notice(publish_at=at(5), dates={"bid_deadline": at(20, 9)}))
    with pytest.raises(NotAllowed, match="投标截止"):
        reschedule(world, number, at(20, 9))
    assert world.row(number, "city").publish_at == at(5)


# ---- late after downtime


def test_c034_what_fell_due_while_the_program_was_down_goes_once_and_says_how_late_and_why(tmp_path: Path) -> None:
    sites = {name: ScriptedSite() for name in ("city", "county")}
    world = a_world(tmp_path, sites, start=at(4, 9))
    number = world.accept(a_notice(publish_at=at(5, 9)))
    world.run_to(at(5, 8, 30))
    world.clock.move_to(at(5, 14, 20) + timedelta(seconds=30))
    world.restart()
    world.run_for(seconds=30)
    world.restart()
    world.run_for(hours=1)

    assert [len(site.calls) for site in sites.values()] == [1, 1]
    assert {row.state for row in world.rows(number)} == {"published"}
    assert [row["data"]["detail"] for row in logged(world, "late")] == [
        "应发 2017年12月5日 09:00，迟 5 小时 20 分，原因：程序未运行"
    ] * 2


# ---- approval and time


def test_c011_due_time_does_not_bypass_approval_and_is_alarmed(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site}, approvals=1)
    number = world.accept(a_notice(publish_at=at(4, 9, 30)))
    world.run_to(at(4, 9, 29))
    watch.look(world.ledger, world.channels, world.sending, world.clock())
    assert world.alarms() == []
    world.run_to(at(4, 9, 31))
    watch.look(world.ledger, world.channels, world.sending, world.clock())
    assert (site.calls, world.alarms()) == ([], ["unapproved"])
    with world.ledger.write() as tx:
        acts.approve(tx, number, LIU)
    world.step()
    watch.look(world.ledger, world.channels, world.sending, world.clock())

    assert (len(site.calls), world.alarms()) == (1, [])


def test_c011_approved_and_due_tomorrow_it_is_not_sent_today(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site}, approvals=1)
    number = world.accept(a_notice(publish_at=at(5, 9)))
    with world.ledger.write() as tx:
        acts.approve(tx, number, LIU)
    world.run_to(at(5, 8, 59))
    assert site.calls == []
    assert at(5, 8, 59) > START


def test_what_a_silence_keeps_back_is_not_stuck(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()})
    silence(world, at(4, 15))
    world.accept()
    for hour, minute in ((12, 0), (15, 0), (15, 14)):
        world.clock.move_to(at(4, hour, minute))
        watch.look(world.ledger, world.channels, world.sending, world.clock())
        assert world.alarms() == []
    world.clock.move_to(at(4, 15, 16))
    watch.look(world.ledger, world.channels, world.sending, world.clock())
    assert world.alarms() == ["stuck:city"]
