"""What a delivery waits for: approval of exactly its text, its predecessor on its channel, its time."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from publisher.delivery import State
from publisher.errors import NotAllowed
from publisher.ledger import acts
from publisher.ledger.acts import Person
from publisher.ledger.again import retry
from publisher.notice import LOCAL
from tests.support.builders import a_change_notice, a_notice
from tests.support.scripted_site import ScriptedSite, refused
from tests.support.sending import World, a_world

LIU, WANG = Person("刘某", "liu@office"), Person("王某", "wang@office")


def approve(world: World, number: str, person: Person = LIU) -> int:
    with world.ledger.write() as tx:
        return acts.approve(tx, number, person)


def retry_all(world: World, number: str) -> None:
    with world.ledger.write() as tx:
        retry(tx, acts.of_number(tx.conn, number), LIU, "")


def cancel(world: World, number: str) -> None:
    with world.ledger.write() as tx:
        acts.cancel(tx, acts.of_number(tx.conn, number), LIU, "项目终止")


def waits_for(world: World, number: str, channel: str = "city") -> str | None:
    found: str | None = world.row(number, channel).waits_for
    return found


# ---- approval


@pytest.mark.parametrize("needed", [1, 2])
def test_nothing_goes_out_before_as_many_persons_as_needed_have_approved(tmp_path: Path, needed: int) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site}, approvals=needed)
    number = world.accept()
    for person in (LIU, WANG)[:needed]:
        world.run_for(minutes=10)
        assert site.calls == []
        assert waits_for(world, number) == "approval"
        approve(world, number, person)
    world.step()

    assert world.state(number, "city") is State.PUBLISHED


def test_nobody_approves_twice(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()}, approvals=2)
    number = world.accept()
    assert approve(world, number) == 1
    with pytest.raises(NotAllowed, match="已批准过"):
        approve(world, number)
    world.run_for(minutes=1)

    assert waits_for(world, number) == "approval"


def test_a_new_version_needs_a_new_approval_and_the_old_text_is_never_sent(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site}, approvals=1)
    due = world.clock() + timedelta(hours=1)
    first = world.accept(a_notice(publish_at=due))
    approve(world, first)
    second = world.accept(
        a_notice(publish_at=due, body_html="<p>新的正文，文字不同，长度足够三十个字以便通过检查。</p>")
    )
    world.run_for(hours=2)
    assert site.calls == []
    assert world.state(first, "city") is State.SUPERSEDED
    assert world.row(first, "city").delivery_key != world.row(second, "city").delivery_key
    approve(world, second)
    world.step()

    assert [key for key, _ in site.calls] == [world.row(second, "city").delivery_key]


def test_an_approval_names_the_digests_of_version_and_renditions(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()}, approvals=1)
    number = world.accept()
    approve(world, number)

    with world.ledger.read() as conn:
        payload = conn.exec_driver_sql("select payload from publication_log where event = 'approved'").scalar_one()
    told = json.loads(payload)
    assert told["by"] == "刘某"
    assert told["data"]["account"] == "liu@office"
    assert told["data"]["digests"] == {
        "renditions": {"city": world.row(number, "city").rendition_sha256},
        "text": a_notice().digest,
    }


# ---- predecessor


def test_a_change_waits_until_its_original_is_public_on_its_channel(tmp_path: Path) -> None:
    site = ScriptedSite(public=False)
    world = a_world(tmp_path, {"city": site})
    original, change = world.accept(), world.accept(a_change_notice())
    world.run_for(minutes=10)
    assert world.state(original, "city") is State.SUBMITTED
    assert (waits_for(world, change), len(site.calls)) == ("predecessor", 1)
    site.public = True
    world.run_for(days=1)

    assert world.state(change, "city") is State.PUBLISHED
    assert site.references == [None, world.row(original, "city").channel_number]


def test_a_change_of_a_cancelled_original_is_held_with_a_task(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site})
    original = world.accept(a_notice(publish_at=world.clock() + timedelta(hours=1)))
    change = world.accept(a_change_notice())
    cancel(world, original)
    world.run_for(hours=2)

    held = world.row(change, "city")
    assert (held.state, held.reason, site.calls) == ("held", "predecessor_failed", [])
    assert open_tasks(world) == [held.id]


def open_tasks(world: World) -> list[int]:
    with world.ledger.read() as conn:
        return list(conn.exec_driver_sql("select delivery_id from task where done_at is null order by id").scalars())


def test_a_change_of_an_original_that_had_failed_before_is_held_from_the_start(tmp_path: Path) -> None:
    site = ScriptedSite(script=[refused()])
    world = a_world(tmp_path, {"city": site})
    original = world.accept()
    world.step()
    change = world.accept(a_change_notice())
    assert world.row(change, "city").reason == "predecessor_failed"
    retry_all(world, original)
    world.run_for(minutes=1)

    assert world.state(change, "city") is State.PUBLISHED
    assert open_tasks(world) == []


def test_a_change_freed_by_its_original_still_waits_for_its_approval(tmp_path: Path) -> None:
    site = ScriptedSite(script=[refused()])
    world = a_world(tmp_path, {"city": site}, approvals=1)
    original, change = world.accept(), world.accept(a_change_notice())
    approve(world, original)
    world.step()
    assert world.state(original, "city") is State.FAILED
    retry_all(world, original)
    world.run_for(hours=1)
    assert world.state(original, "city") is State.PUBLISHED
    assert len(site.items) == 1, "an unapproved change went out"
    approve(world, change)
    world.step()

    assert world.state(change, "city") is State.PUBLISHED


def test_a_change_accepted_after_the_failure_still_waits_for_its_approval(tmp_path: Path) -> None:
    site = ScriptedSite(script=[refused()])
    world = a_world(tmp_path, {"city": site}, approvals=1)
    original = world.accept()
    approve(world, original)
    world.step()
    change = world.accept(a_change_notice())
    retry_all(world, original)
    world.run_for(hours=1)

    assert len(site.items) == 1, "an unapproved change went out"
    assert waits_for(world, change) == "approval"


def test_an_approved_change_of_a_failed_original_is_held(tmp_path: Path) -> None:
    site = ScriptedSite(script=[refused()])
    world = a_world(tmp_path, {"city": site}, approvals=1)
    original, change = world.accept(), world.accept(a_change_notice())
    approve(world, original)
    world.step()
    approve(world, change)

    assert world.row(change, "city").reason == "predecessor_failed"


def test_a_change_freed_by_its_original_still_waits_for_its_time(tmp_path: Path) -> None:
    site = ScriptedSite(script=[refused()])
    world = a_world(tmp_path, {"city": site})
    due = world.clock() + timedelta(hours=5)
    original, change = world.accept(), world.accept(a_change_notice(publish_at=due))
    world.step()
    retry_all(world, original)
    world.run_to(due - timedelta(minutes=1))
    assert len(site.items) == 1
    world.run_to(due)

    assert world.state(change, "city") is State.PUBLISHED


def test_a_change_follows_its_original_to_the_new_version(tmp_path: Path) -> None:
    site = ScriptedSite(script=[refused()])
    world = a_world(tmp_path, {"city": site})
    world.accept()
    change = world.accept(a_change_notice())
    world.step()
    assert world.row(change, "city").reason == "predecessor_failed"
    second = world.accept(a_notice(body_html="<p>修改后的正文，文字不同，长度足够三十个字以便通过检查。</p>"))
    world.run_for(minutes=1)

    assert world.state(second, "city") is State.PUBLISHED
    assert world.state(change, "city") is State.PUBLISHED
    assert site.references[-1] == world.row(second, "city").channel_number


def test_a_change_that_waits_follows_its_original_to_the_new_version(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site})
    due = world.clock() + timedelta(hours=1)
    world.accept(a_notice(publish_at=due))
    change = world.accept(a_change_notice())
    second = world.accept(a_notice(publish_at=due, body_html="<p>修改后的正文，文字不同，长度足够三十个字。</p>"))
    world.run_for(hours=2)

    assert world.state(second, "city") is State.PUBLISHED
    assert world.state(change, "city") is State.PUBLISHED


def test_a_change_whose_original_goes_to_this_channel_no_more_is_sent_as_printed(tmp_path: Path) -> None:
    city, county = ScriptedSite(), ScriptedSite()
    world = a_world(tmp_path, {"city": city, "county": county})
    due = world.clock() + timedelta(hours=1)
    world.accept(a_notice(publish_at=due))
    change = world.accept(a_change_notice())
    world.accept(a_notice(publish_at=due, body_html="<p>修改后的正文，文字不同，长度足够。</p>"), on=["county"])
    world.step()

    assert world.state(change, "city") is State.PUBLISHED
    assert city.references == [None]
    assert waits_for(world, change, "county") == "predecessor"


def test_a_change_of_what_was_never_carried_on_a_channel_goes_there_quoted_as_printed(tmp_path: Path) -> None:
    city, county = ScriptedSite(), ScriptedSite()
    world = a_world(tmp_path, {"city": city, "county": county})
    world.accept(on=["county"])
    change = world.accept(a_change_notice())
    world.step()

    assert world.state(change, "city") is State.PUBLISHED
    assert city.references == [None]
    assert county.references[-1] == "S-1"


def test_only_references_wait(tmp_path: Path) -> None:
    site = ScriptedSite(script=[refused()])
    world = a_world(tmp_path, {"city": site})
    world.accept()
    other = world.accept(a_notice(project_no="QFZB-2017-0999"))
    world.step()

    assert world.state(other, "city") is State.PUBLISHED


# ---- time


def test_a_wished_instant_is_kept_to_the_second(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site})
    due = datetime(2017, 12, 5, 8, 30, tzinfo=LOCAL)
    number = world.accept(a_notice(publish_at=due))
    assert waits_for(world, number) == "time"
    world.run_to(due - timedelta(seconds=1))
    assert site.calls == []
    world.run_to(due)

    assert site.calls[0][1] == due


def test_lateness_is_logged_once_for_each_delivery_however_long_it_waits_for_a_thread(tmp_path: Path) -> None:
    sites = {name: ScriptedSite() for name in "abcdef"}  # together more calls than threads
    world = a_world(tmp_path, sites)
    due = world.clock() + timedelta(hours=1)
    for n in range(30):
        world.accept(a_notice(project_no=f"NO-{n}", dates={}, publish_at=due))
    world.clock.move_to(due + timedelta(hours=3))
    world.restart()
    world.step()

    assert all(row.state == "published" for row in world.rows())
    assert world.events().count("late") == 180


def test_a_bid_deadline_that_passes_during_retries_does_not_hold_what_was_sent_in_time(tmp_path: Path) -> None:
    deadline = datetime(2017, 12, 4, 12, 0, tzinfo=LOCAL)
    site = ScriptedSite(down=lambda: world.clock() < deadline + timedelta(hours=1))
    world = a_world(tmp_path, {"city": site})
    number = world.accept(a_notice(dates={"bid_deadline": deadline}))
    world.run_for(hours=6)

    assert world.state(number, "city") is State.PUBLISHED


def test_what_is_held_for_its_bid_deadline_can_be_cancelled(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()})
    number = world.accept(a_notice(dates={"bid_deadline": world.clock() - timedelta(minutes=1)}))
    world.step()
    assert world.row(number, "city").reason == "bid_deadline_over"
    cancel(world, number)

    assert world.state(number, "city") is State.CANCELLED
    assert open_tasks(world) == []


def test_what_a_person_releases_after_its_bid_deadline_is_sent(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site})
    number = world.accept(a_notice(dates={"bid_deadline": world.clock() - timedelta(minutes=1)}))
    world.step()
    with world.ledger.write() as tx:
        rows = acts.of_number(tx.conn, number)
        acts.release(tx, rows, LIU, "仍需公布", lambda _: site.capabilities, not_there=False)
    world.step()

    assert world.state(number, "city") is State.PUBLISHED
