"""What may be public is never sent again, replaced or cancelled before somebody has looked."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from publisher.channel import Absent, CannotTell, Found, Receipt
from publisher.delivery import State
from publisher.errors import NotAllowed, PermanentFailure, Reason
from publisher.ledger import acceptance, acts
from publisher.ledger.acts import Person
from tests.support.builders import a_notice
from tests.support.scripted_site import ScriptedSite, busy, lost, refused
from tests.support.sending import World, a_world

LIU = Person("刘某", "liu@office")
FOREIGN = "n1:" + "f" * 64


def release(world: World, number: str, *, not_there: bool = False) -> list[str]:
    with world.ledger.write() as tx:
        rows = acts.of_number(tx.conn, number)
        told = acts.release(
            tx,
            rows,
            LIU,
            "已核对",
            lambda name: world.channels[name].capabilities,
            not_there=not_there,
        )
    return [one.said for one in told]


def cancel(world: World, number: str) -> None:
    with world.ledger.write() as tx:
        acts.cancel(tx, acts.of_number(tx.conn, number), LIU, "不再发布")


def may_replace(world: World, number: str) -> bool:
    with world.ledger.read() as conn:
        return acceptance.may_replace(conn, world.rows(number)[0].notice_id) is None


def a_notice_shown_with_another_text(tmp_path: Path) -> tuple[World, ScriptedSite, str]:
    site = ScriptedSite(script=[Receipt(number="S-1", url="http://example.invalid/1", digest=FOREIGN)])
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.step()
    assert world.row(number, "city").reason == "foreign_text"
    return world, site, number


def test_a_notice_that_the_channel_took_with_another_text_is_asked_for_before_it_is_released(tmp_path: Path) -> None:
    world, site, number = a_notice_shown_with_another_text(tmp_path)
    release(world, number)
    world.run_for(hours=1)

    assert len(site.calls) == 1
    assert world.state(number, "city") is State.PUBLISHED


def test_a_notice_that_the_channel_took_with_another_text_keeps_its_number_and_address(tmp_path: Path) -> None:
    world, _, number = a_notice_shown_with_another_text(tmp_path)

    row = world.row(number, "city")
    assert (row.channel_number, row.url, row.shown_digest) == ("S-1", "http://example.invalid/1", FOREIGN)
    assert world.verdict().ok


def test_a_notice_that_the_channel_took_with_another_text_cannot_be_cancelled_or_replaced(tmp_path: Path) -> None:
    world, _, number = a_notice_shown_with_another_text(tmp_path)

    with pytest.raises(NotAllowed, match="可能已发布"):
        cancel(world, number)
    assert not may_replace(world, number)


def test_a_publication_whose_confirmation_is_taken_back_cannot_be_cancelled_or_replaced(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()})
    number = world.accept()
    world.step()
    with world.ledger.write() as tx:
        acts.undo_confirm(tx, world.row(number, "city"), LIU, "看错了")

    with pytest.raises(NotAllowed, match="可能已发布"):
        cancel(world, number)
    assert not may_replace(world, number)


def test_what_a_person_saw_not_to_be_there_can_be_cancelled(tmp_path: Path) -> None:
    world, site, number = a_notice_shown_with_another_text(tmp_path)
    with world.ledger.write() as tx:
        tx.conn.exec_driver_sql("update delivery set publish_at = 9000000000000000")  # so that it does not go at once
    release(world, number, not_there=True)
    assert world.state(number, "city") is State.PENDING
    cancel(world, number)

    assert world.state(number, "city") is State.CANCELLED
    assert len(site.calls) == 1


def test_a_delivery_that_waits_to_be_repeated_after_a_lost_answer_cannot_be_cancelled_or_replaced(
    tmp_path: Path,
) -> None:
    world = a_world(tmp_path, {"county": ScriptedSite(script=[lost()], idempotent=True)})
    number = world.accept()
    world.step()
    assert world.state(number, "county") is State.PENDING

    with pytest.raises(NotAllowed, match="可能已发布"):
        cancel(world, number)
    assert not may_replace(world, number)


def test_a_refusal_of_the_repeat_does_not_say_that_the_first_was_not_carried_out(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost(), refused()], idempotent=True)
    world = a_world(tmp_path, {"county": site})
    number = world.accept()
    world.run_for(minutes=5)

    assert world.state(number, "county") is State.PUBLISHED  # found, when asked
    assert len(site.items) == 1


def test_a_refused_repeat_is_refused_indeed_where_the_first_was_not_carried_out(tmp_path: Path) -> None:
    script = [lost(), refused(), refused()]
    site = ScriptedSite(script=script, idempotent=True, late=timedelta(days=9))  # type: ignore[arg-type]
    world = a_world(tmp_path, {"county": site})
    number = world.accept()
    world.run_for(minutes=10)

    assert world.state(number, "county") is State.FAILED
    assert may_replace(world, number)


def test_a_refused_repeat_is_held_where_the_first_cannot_be_asked_for(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost(), refused()], idempotent=True, findable=False)
    world = a_world(tmp_path, {"county": site})
    number = world.accept()
    world.run_for(minutes=5)

    row = world.row(number, "county")
    assert (row.state, row.reason) == ("held", "cannot_be_asked")
    assert "标题不合规" in row.detail
    assert not may_replace(world, number)


def test_what_was_never_sent_or_always_refused_may_be_replaced_and_cancelled(tmp_path: Path) -> None:
    sites = {"a": ScriptedSite(script=[busy()] * 9), "b": ScriptedSite(script=[refused()])}
    world = a_world(tmp_path, sites)
    number = world.accept()
    world.step()
    assert [row.state for row in world.rows(number)] == ["pending", "failed"]

    assert may_replace(world, number)
    cancel(world, number)
    assert [row.state for row in world.rows(number)] == ["cancelled", "cancelled"]


def test_what_the_channel_did_not_hold_after_the_window_may_be_replaced(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost(), refused()], late=timedelta(days=9))
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.run_for(minutes=5)
    assert world.state(number, "city") is State.FAILED

    assert may_replace(world, number)


# ---- a key that the channel has forgotten


def test_a_repeat_is_not_made_once_the_channel_may_have_forgotten_the_key(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost()], idempotent=True, remembers=timedelta(hours=1))
    world = a_world(tmp_path, {"county": site})
    number = world.accept()
    world.step()
    world.clock.move_to(world.clock() + timedelta(hours=5))  # the program was down
    world.restart()
    world.run_for(hours=1)

    assert len(site.items) == 1
    assert world.state(number, "county") is State.PUBLISHED


def test_a_key_that_may_be_forgotten_is_held_where_the_channel_cannot_be_asked(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost()], idempotent=True, remembers=timedelta(hours=1), findable=False)
    world = a_world(tmp_path, {"county": site})
    number = world.accept()
    world.step()
    world.clock.move_to(world.clock() + timedelta(hours=5))
    world.restart()
    world.run_for(hours=1)

    row = world.row(number, "county")
    assert (row.state, row.reason) == ("held", "cannot_be_asked")
    assert len(site.items) == 1


def test_a_repeat_after_the_memory_of_the_channel_is_asked_for_and_sent_where_it_is_absent(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost()], idempotent=True, remembers=timedelta(hours=1), late=timedelta(days=9))
    world = a_world(tmp_path, {"county": site})
    number = world.accept()
    world.step()
    world.clock.move_to(world.clock() + timedelta(hours=5))
    world.restart()
    world.run_for(hours=1)

    assert len(site.calls) == 2
    assert world.state(number, "county") is State.PUBLISHED


# ---- release


def test_release_of_what_was_never_doubtful_sends_at_once_with_fresh_patience(tmp_path: Path) -> None:
    site = ScriptedSite(down=lambda: True)
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.run_for(hours=80)
    assert world.row(number, "city").reason == "gave_up"
    site.down = lambda: False
    assert release(world, number) == ["已放行"]
    world.run_for(minutes=11)

    assert world.state(number, "city") is State.PUBLISHED


def test_release_of_a_doubtful_delivery_asks_and_publishes_what_is_found(tmp_path: Path) -> None:
    world, site, number = held_after_a_lost_answer(tmp_path)
    release(world, number)
    world.step()

    assert world.state(number, "city") is State.PUBLISHED
    assert len(site.calls) == 1


def held_after_a_lost_answer(tmp_path: Path, **fields: object) -> tuple[World, ScriptedSite, str]:
    """Held by give-up: the channel could not be asked for three days."""
    site = ScriptedSite(script=[lost()], **fields)  # type: ignore[arg-type]  # a test's shorthand
    site.finds = [busy() for _ in range(300)]
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.run_for(hours=80)
    row = world.row(number, "city")
    assert (row.state, row.reason) == ("held", "gave_up")
    site.finds = []
    return world, site, number


def test_release_of_a_doubtful_delivery_sends_again_only_what_is_absent(tmp_path: Path) -> None:
    world, site, number = held_after_a_lost_answer(tmp_path, late=timedelta(days=30))
    assert "查询" in release(world, number)[0]
    world.step()

    assert world.state(number, "city") is State.PUBLISHED
    assert len(site.calls) == 2


def test_a_release_that_the_channel_cannot_answer_says_so_and_then_needs_not_there(tmp_path: Path) -> None:
    world, site, number = held_after_a_lost_answer(tmp_path)
    site.finds = [CannotTell("网站查询页停用")]
    release(world, number)
    world.run_for(hours=2)

    row = world.row(number, "city")
    assert (row.state, row.reason, row.next_at) == ("held", "cannot_be_asked", None)
    assert "网站查询页停用" in row.detail
    with pytest.raises(NotAllowed, match="--not-there"):
        release(world, number)
    release(world, number, not_there=True)
    world.step()
    assert len(site.calls) == 2


def test_a_release_that_the_channel_answers_with_a_refusal_stays_held_and_says_so(tmp_path: Path) -> None:
    world, site, number = held_after_a_lost_answer(tmp_path)
    site.finds = [PermanentFailure(Reason.REFUSED, "审核未通过")]
    release(world, number)
    world.run_for(hours=2)

    row = world.row(number, "city")
    assert (row.state, row.next_at) == ("held", None)
    assert "审核未通过" in row.detail


def test_a_release_goes_on_asking_while_the_channel_cannot_be_reached(tmp_path: Path) -> None:
    world, site, number = held_after_a_lost_answer(tmp_path)
    site.finds = [busy(), busy(), Found(Receipt(number="S-1"))]
    release(world, number)
    world.run_for(minutes=1)

    assert world.state(number, "city") is State.PUBLISHED
    assert len(site.calls) == 1


def test_a_release_that_asks_soon_after_the_call_waits_for_the_settle_window(tmp_path: Path) -> None:
    site = ScriptedSite(script=[lost()], late=timedelta(seconds=100))
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    site.finds = [Found(Receipt(number="S-1"), FOREIGN)]  # somebody else's page
    world.step()
    assert world.row(number, "city").reason == "foreign_text"
    release(world, number)
    world.run_for(minutes=5)

    assert len(site.items) == 1
    assert world.state(number, "city") is State.PUBLISHED


# ---- calls that still run


def test_nothing_is_released_while_its_call_still_runs(tmp_path: Path) -> None:
    gate = threading.Event()
    site = ScriptedSite(gate=gate, finds=[CannotTell("查询页停用")])
    world = a_world(tmp_path, {"city": site}, threads=2, settings={"city": {"attempt": "50ms"}})
    number = world.accept()
    wait_for(world, number, State.HELD)
    try:
        with pytest.raises(NotAllowed, match="尚未结束"):
            release(world, number, not_there=True)
    finally:
        gate.set()
    wait_for(world, number, State.PUBLISHED)  # the late answer settles it
    assert len(site.calls) == 1
    assert "late_answer" in world.events()


def wait_for(world: World, number: str, state: State, seconds: float = 15) -> None:
    """Tick until `state`; a call in flight lasts beyond its limit."""
    end = time.monotonic() + seconds
    while world.state(number, "city") is not state:
        if world.state(number, "city") is State.SENDING and world.sender.in_flight():
            world.outwait()
        assert time.monotonic() < end, world.rows(number)
        world.sender.tick(world.clock(), 0.02)


def test_a_late_answer_after_another_publication_raises_the_alarm_double(tmp_path: Path) -> None:
    gate = threading.Event()
    site = ScriptedSite(script=[Receipt(number="S-7")], gate=gate, finds=[Found(Receipt(number="S-1"))])
    world = a_world(tmp_path, {"city": site}, threads=2, settings={"city": {"attempt": "50ms"}})
    number = world.accept()
    wait_for(world, number, State.PUBLISHED)  # found, as S-1
    gate.set()
    end = time.monotonic() + 15
    while world.sender.in_flight() and time.monotonic() < end:
        world.sender.tick(world.clock(), 0.02)

    cause = f"double:{world.row(number, 'city').id}"
    wait_until(lambda: cause in world.alarms())
    assert world.row(number, "city").channel_number == "S-1"


def wait_until(true: object, seconds: float = 15) -> None:
    assert callable(true)
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_late_answer_about_what_was_found_meanwhile_raises_no_alarm(tmp_path: Path) -> None:
    gate = threading.Event()
    site = ScriptedSite(gate=gate)
    world = a_world(tmp_path, {"city": site}, threads=2, settings={"city": {"attempt": "50ms"}})
    number = world.accept()
    wait_for(world, number, State.PUBLISHED)
    gate.set()
    wait_until(lambda: world.sender.in_flight() == 0)
    wait_until(lambda: "late_answer" in world.events())

    assert world.alarms() == []
    assert len(site.items) == 1


def test_absent_while_the_call_still_runs_never_counts(tmp_path: Path) -> None:
    gate = threading.Event()
    site = ScriptedSite(gate=gate, settle=timedelta(seconds=10), finds=[Absent() for _ in range(100)])
    world = a_world(tmp_path, {"city": site}, threads=2, settings={"city": {"attempt": "50ms"}})
    number = world.accept()
    wait_for(world, number, State.UNKNOWN)
    for _ in range(20):
        world.clock.move_to(world.clock() + timedelta(minutes=1))
        world.sender.tick(world.clock(), 0.01)
    assert world.state(number, "city") is State.UNKNOWN
    assert len(site.calls) == 1
    gate.set()
    wait_for(world, number, State.PUBLISHED)
    assert len(site.calls) == 1


def test_other_notices_go_on_their_way_unhindered(tmp_path: Path) -> None:
    """The alternative to all of the above, so that holding everything would not pass."""
    world = a_world(tmp_path, {"city": ScriptedSite()})
    numbers = [world.accept(a_notice(project_no=f"NO-{n}", dates={})) for n in range(3)]
    world.step()

    assert {world.state(number, "city") for number in numbers} == {State.PUBLISHED}
