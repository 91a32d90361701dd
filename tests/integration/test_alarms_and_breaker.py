"""Channels that fail: retries, waits, the breaker and its probes; alarms raised once and cleared once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from publisher.channel import Found, Receipt
from publisher.delivery import State
from publisher.errors import NeedsPerson, Reason, TransientFailure
from publisher.ledger import acts, again, channel_state
from publisher.ledger.acts import Person
from tests.support.builders import a_notice
from tests.support.scripted_site import ScriptedSite, busy, lost, unreachable
from tests.support.sending import World, a_world

LIU = Person("刘某", "liu@office")
NO_QUICK = {"quick_wait": "0s"}


def many(world: World, count: int) -> list[str]:
    return [world.accept(a_notice(project_no=f"NO-{n}", dates={})) for n in range(count)]


def alarm_events(world: World) -> list[str]:
    return [event for event in world.events() if event.startswith("alarm")]


def release(world: World, number: str, *, not_there: bool = False) -> None:
    with world.ledger.write() as tx:
        rows = acts.of_number(tx.conn, number)
        acts.release(tx, rows, LIU, "", lambda n: world.channels[n].capabilities, not_there=not_there)


# ---- two sizes of retry


def test_a_passing_failure_is_tried_again_within_seconds_each_try_an_attempt(tmp_path: Path) -> None:
    site = ScriptedSite(script=[busy(), unreachable()])
    world = a_world(tmp_path, {"city": site})
    world.accept()
    begun = world.clock()
    world.step()

    assert world.clock() - begun < timedelta(seconds=3)
    assert [a.outcome for a in world.attempts()] == ["transient", "transient", "published"]


def test_quick_retries_end_and_the_slow_ones_keep_the_reason(tmp_path: Path) -> None:
    site = ScriptedSite(down=lambda: True)
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.step()

    row = world.row(number, "city")
    assert (row.state, row.reason, row.detail, row.tries) == ("pending", "unreachable", "连接被拒绝", 1)
    assert row.next_at == world.clock() + world.sending.retry_first
    assert 2 <= len(site.calls) <= 5


@pytest.mark.parametrize(
    "failure",
    [TransientFailure(Reason.QUOTA), TransientFailure(Reason.TLS), TransientFailure(Reason.RATE_LIMITED)],
    ids=lambda failure: failure.reason.value,
)
def test_only_what_passes_quickly_is_tried_quickly(tmp_path: Path, failure: TransientFailure) -> None:
    site = ScriptedSite(script=[failure])
    world = a_world(tmp_path, {"city": site})
    world.accept()
    world.step()

    assert len(site.calls) == 1


def test_slow_retries_double_up_to_the_cap_and_are_jittered(tmp_path: Path) -> None:
    site = ScriptedSite(down=lambda: True)
    sending = {**NO_QUICK, "jitter": 0.2, "breaker_failures": 1000}
    world = a_world(tmp_path, {"city": site}, sending=sending)
    world.accept()
    world.run_for(hours=8)

    instants = [when for _, when in site.calls]
    waits = [(b - a).total_seconds() for a, b in pairwise(instants)]
    for tries, wait in enumerate(waits, 1):
        planned = min(2 * 2 ** (tries - 1), 1800)
        assert 0.79 * planned <= wait <= 1.21 * planned
    assert len(set(waits[11:])) == len(waits[11:]) >= 5, "waits at the cap are all alike"


def test_retries_of_many_are_spread(tmp_path: Path) -> None:
    """After an outage for all, no more than three calls leave in the same second."""
    down = [True]
    site = ScriptedSite(down=lambda: down[0])
    rate = {"city": {"rate": {"calls": 10, "per": "1m"}}}
    world = a_world(tmp_path, {"city": site}, settings=rate, sending={"jitter": 0.2})
    many(world, 60)
    world.run_for(minutes=5)
    down[0] = False
    before = len(site.calls)
    world.run_for(minutes=30)

    assert all(row.state == "published" for row in world.rows())
    instants = [when for _, when in site.calls]
    assert all(b - a >= timedelta(minutes=1) for a, b in zip(instants, instants[10:], strict=False))
    assert len(instants) - before >= 60


# ---- what the channel asks for


def test_retry_after_holds_the_questions_too(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost()])
    world = a_world(tmp_path, {"city": site})
    until = world.clock() + timedelta(minutes=9)
    site.finds = [TransientFailure(Reason.RATE_LIMITED, not_before=until)]
    number = world.accept()
    world.run_for(minutes=8)
    assert (site.asked, world.state(number, "city")) == (1, State.UNKNOWN)
    world.run_for(minutes=2)

    assert world.state(number, "city") is State.PUBLISHED


def test_an_earlier_wish_does_not_shorten_a_later_one(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site}, sending=NO_QUICK)
    long, short = world.clock() + timedelta(hours=2), world.clock() + timedelta(minutes=1)
    site.script = [busy(not_before=long), busy(not_before=short)]
    many(world, 2)
    world.run_for(minutes=119)
    assert site.items == []
    world.run_for(minutes=2)

    assert len(site.items) == 2


def test_a_rate_limit_is_no_sign_that_the_channel_is_down(tmp_path: Path) -> None:
    site = ScriptedSite(script=[TransientFailure(Reason.RATE_LIMITED) for _ in range(60)])
    world = a_world(tmp_path, {"city": site})
    many(world, 5)
    world.run_for(hours=2)

    assert alarm_events(world) == []


def test_questions_count_against_the_rate_limit(tmp_path: Path) -> None:
    site = ScriptedSite(script=[Receipt(public=False) for _ in range(30)], public=False)
    calls: list[object] = []
    world = a_world(tmp_path, {"city": site}, settings={"city": {"rate": {"calls": 5, "per": "1m"}, "poll": ["10s"]}})
    find = site.find

    def counted(submission: object) -> object:
        calls.append(world.clock())
        return find(submission)  # type: ignore[arg-type]

    site.find = counted  # type: ignore[method-assign,assignment]
    many(world, 20)
    world.run_for(minutes=20)
    instants = sorted([when for _, when in site.calls] + calls)  # type: ignore[type-var]

    assert all(b - a >= timedelta(minutes=1) for a, b in zip(instants, instants[5:], strict=False))  # type: ignore[operator]
    assert len(site.calls) == 20, "polls kept new notices out"


# ---- the breaker


def test_an_open_breaker_lets_one_probe_through_at_a_time(tmp_path: Path) -> None:
    site = ScriptedSite(down=lambda: True)
    world = a_world(tmp_path, {"city": site}, sending=NO_QUICK)
    many(world, 30)
    world.run_for(minutes=5)
    before = len(site.calls)
    world.run_for(hours=2)

    instants = [when for _, when in site.calls[before:]]
    assert all(times == 1 for times in Counter(instants).values())
    gaps = [b - a for a, b in pairwise(instants)]
    assert min(gaps) >= world.sending.breaker_first
    assert max(gaps) <= world.sending.breaker_cap + timedelta(seconds=1)


def test_the_first_success_closes_the_breaker_and_drains_what_waited(tmp_path: Path) -> None:
    down = [True]
    site = ScriptedSite(down=lambda: down[0])
    world = a_world(tmp_path, {"city": site}, sending=NO_QUICK)
    many(world, 60)
    world.run_for(hours=3)
    assert world.alarms() == ["down:city"]
    down[0] = False
    world.run_for(minutes=11)

    assert len(site.items) == 60
    assert alarm_events(world) == ["alarm_raised", "alarm_cleared"]


def test_the_breaker_and_its_alarm_survive_a_restart(tmp_path: Path) -> None:
    site = ScriptedSite(down=lambda: True)
    world = a_world(tmp_path, {"city": site}, sending=NO_QUICK)
    many(world, 30)
    world.run_for(hours=1)
    before = len(site.calls)
    for _ in range(3):
        world.restart()
        world.step()
    assert len(site.calls) <= before + 1
    assert world.alarms() == ["down:city"]
    world.run_for(hours=1)

    assert alarm_events(world) == ["alarm_raised"]


def test_an_outage_tells_how_many_wait(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite(down=lambda: True)}, sending=NO_QUICK)
    many(world, 60)
    world.run_for(minutes=5)

    with world.ledger.read() as conn:
        detail = conn.exec_driver_sql("select detail from alarm").scalar_one()
    assert "60" in detail and "渠道city" in detail


def test_one_channel_down_leaves_the_others_alone(tmp_path: Path) -> None:
    sites = {"city": ScriptedSite(down=lambda: True), "county": ScriptedSite()}
    world = a_world(tmp_path, sites, sending=NO_QUICK)
    many(world, 30)
    world.step()

    assert len(sites["county"].items) == 30


def test_refusals_are_proper_answers_and_open_no_breaker(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite(script=[NeedsPerson(Reason.UNKNOWN_ANSWER) for _ in range(30)])})
    many(world, 30)
    world.step()

    assert alarm_events(world) == []


# ---- patience


def given_up(world: World) -> list[str]:
    return [row.number for row in world.rows() if (row.state, row.reason) == ("held", "gave_up")]


def test_the_alarm_of_a_give_up_stands_until_the_last_one_is_dealt_with_and_is_raised_anew(tmp_path: Path) -> None:
    down = [True]
    site = ScriptedSite(down=lambda: down[0])
    world = a_world(tmp_path, {"city": site}, sending={**NO_QUICK, "give_up": "1h"})
    first, second = many(world, 2)
    world.run_for(hours=6)
    assert given_up(world) == [first, second]
    assert "gave_up:city" in world.alarms()
    with world.ledger.write() as tx:
        acts.cancel(tx, acts.of_number(tx.conn, first), LIU, "不再需要")
    assert "gave_up:city" in world.alarms()
    release(world, second)
    assert "gave_up:city" not in world.alarms()
    world.run_for(hours=6)

    assert given_up(world) == [second]
    assert "gave_up:city" in world.alarms()


def test_downtime_of_the_program_is_not_taken_from_patience(tmp_path: Path) -> None:
    site = ScriptedSite(down=lambda: True)
    world = a_world(tmp_path, {"city": site}, sending=NO_QUICK)
    number = world.accept()
    world.run_for(hours=1)
    world.clock.move_to(world.clock() + timedelta(days=10))
    world.restart()
    world.run_for(hours=70)
    assert world.state(number, "city") is State.PENDING
    world.run_for(hours=3)

    assert given_up(world) == [number]


def test_patience_begins_with_the_first_attempt(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site}, sending=NO_QUICK)
    with world.ledger.write() as tx:
        channel_state.stop(tx, "city", "刘某", "检修")
    number = world.accept()
    world.run_for(days=10)
    site.down = lambda: True
    with world.ledger.write() as tx:
        channel_state.resume(tx, "city", "刘某")
    world.run_for(hours=71)

    assert world.state(number, "city") is State.PENDING


# ---- alarms end


def test_the_alarm_of_another_text_ends_when_a_person_has_dealt_with_it(tmp_path: Path) -> None:
    site = ScriptedSite(script=[Receipt(number="S-1", digest="n1:" + "0" * 64)])
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.step()
    assert world.alarms() == [f"drift:{world.row(number, 'city').id}"]
    with world.ledger.write() as tx:
        acts.confirm(tx, world.row(number, "city"), LIU, proof="只差一个空行")

    assert world.alarms() == []
    assert alarm_events(world) == ["alarm_raised", "alarm_cleared"]


def test_the_alarm_of_a_notice_that_is_gone_ends_when_it_is_found_again(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site}, settings={"city": {"read_back": ["10m"]}})
    number = world.accept()
    world.step()
    kept, site.items = site.items, []
    world.run_for(minutes=11)
    assert world.alarms() == [f"gone:{world.row(number, 'city').id}"]
    site.items = kept
    release(world, number)
    world.step()

    assert world.state(number, "city") is State.PUBLISHED
    assert world.alarms() == []
    with world.ledger.read() as conn:
        assert conn.exec_driver_sql("select sum(weight) from publication_log").scalar_one() == 1


def test_read_back_reads_as_often_as_planned_and_notes_no_row_where_nothing_changed(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site}, settings={"city": {"read_back": ["1m", "1h", "1d"]}})
    number = world.accept()
    world.step()
    rows = len(world.events())
    site.finds = [busy()]
    world.run_for(days=3)

    assert site.asked == 4
    assert world.events()[rows:] == ["read_back"]  # the digest that was seen, once
    assert world.state(number, "city") is State.PUBLISHED


# ---- credentials and stops


def test_several_calls_that_meet_a_dead_credential_are_one_stop_and_one_alarm(tmp_path: Path) -> None:
    dead = [NeedsPerson(Reason.BAD_CREDENTIAL, "密钥无效", stops_channel=True) for _ in range(4)]
    site = ScriptedSite(script=list(dead))
    world = a_world(tmp_path, {"city": site})
    many(world, 10)
    world.step()

    assert len(site.calls) == 4  # those that were in flight together
    assert world.events().count("stopped") == 1
    assert alarm_events(world) == ["alarm_raised"]
    assert {row.state for row in world.rows()} == {"pending"}


def test_a_question_that_meets_a_dead_credential_stops_the_channel_too(tmp_path: Path) -> None:
    site = ScriptedSite(
        script=[lost()], finds=[NeedsPerson(Reason.BAD_CREDENTIAL, stops_channel=True), Found(Receipt(number="S-1"))]
    )
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.step()
    assert world.alarms() == ["stopped:city"]
    world.run_for(hours=1)  # finds go on

    assert world.state(number, "city") is State.PUBLISHED


def test_a_stop_of_one_channel_leaves_the_others_going_and_intake_too(tmp_path: Path) -> None:
    sites = {"city": ScriptedSite(), "county": ScriptedSite()}
    world = a_world(tmp_path, sites)
    with world.ledger.write() as tx:
        assert channel_state.stop(tx, "city", "刘某", "检修")
        assert not channel_state.stop(tx, "city", "王某", "检修")
    many(world, 3)
    world.run_for(hours=1)
    assert (len(sites["city"].items), len(sites["county"].items)) == (0, 3)
    with world.ledger.write() as tx:
        channel_state.resume(tx, "city", "刘某")
        assert not channel_state.resume(tx, "city", "刘某")
    world.step()

    assert len(sites["city"].items) == 3


def test_finds_go_on_while_everything_is_stopped(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost()], late=timedelta(minutes=1))
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.step()
    with world.ledger.write() as tx:
        channel_state.stop(tx, channel_state.ALL, "刘某", "检修")
    world.run_for(minutes=5)

    assert world.state(number, "city") is State.PUBLISHED


def test_everything_that_one_channel_refused_is_sent_again_by_one_act(tmp_path: Path) -> None:
    site = ScriptedSite(script=[NeedsPerson(Reason.UNKNOWN_ANSWER) for _ in range(3)])
    world = a_world(tmp_path, {"wx": site})
    numbers = many(world, 5)
    world.step()
    held = [number for number in numbers if world.state(number, "wx") is State.HELD]
    assert len(held) == 3
    with world.ledger.write() as tx:
        acts.confirm(tx, world.row(held[0], "wx"), LIU)
    for number in held[1:]:
        release(world, number)
    world.step()

    assert {world.state(number, "wx") for number in numbers} == {State.PUBLISHED}
    assert len(site.calls) == 7
    with world.ledger.write() as tx, pytest.raises(Exception, match="没有失败项"):
        again.meant(tx.conn, None, "wx")
