"""Update and withdraw on a site: carried out once, asked for like everything else, and the counts stay."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from publisher.channel import Absent, Found, Receipt
from publisher.delivery import Operation
from publisher.errors import PermanentFailure, Reason
from tests.support.builders import a_rendition
from tests.support.by_hand import an_act, by_key
from tests.support.scripted_site import ScriptedSite, lost
from tests.support.sending import World, a_world

NEW = "<p>更正后的文字。</p>"
NEW_DIGEST = a_rendition(content=NEW).text_digest
OLD_DIGEST = a_rendition().text_digest


@pytest.fixture
def published(tmp_path: Path) -> tuple[World, ScriptedSite, str]:
    """A notice that stands on a site, and is read back again in a day."""
    site = ScriptedSite()
    world = a_world(tmp_path, {"county": site}, settings={"county": {"read_back": ["1m", "1d"]}})
    number = world.accept()
    world.run_for(minutes=2)
    return world, site, number


def original_state(world: World) -> str:
    return str(next(row.state for row in world.rows() if row.operation == "publish"))


def standing(world: World) -> int:
    with world.ledger.read() as conn:
        return int(conn.exec_driver_sql("select sum(weight) from publication_log").scalar_one())


def act(world: World, number: str, operation: Operation) -> str:
    return an_act(world, world.row(number, "county"), operation, content=NEW if operation is Operation.UPDATE else "")


def test_a_withdrawn_notice_has_ended_and_stays_counted(published: tuple[World, ScriptedSite, str]) -> None:
    world, site, number = published
    site.script = [Receipt(note="已撤回")]
    key = act(world, number, Operation.WITHDRAW)
    world.step()

    assert (by_key(world, key).state, original_state(world), standing(world)) == ("published", "ended", 1)
    assert "withdrawn" in world.events() and "ended" in world.events()


def test_a_withdrawal_whose_answer_is_lost_is_done_once_it_is_absent_after_the_window(
    published: tuple[World, ScriptedSite, str],
) -> None:
    world, site, number = published
    site.script, site.finds = [lost()], [Absent(), Absent()]
    key = act(world, number, Operation.WITHDRAW)
    world.run_for(seconds=100)
    assert by_key(world, key).state == "unknown"
    world.run_for(minutes=1)

    assert (by_key(world, key).state, original_state(world)) == ("published", "ended")
    assert len([k for k, _ in site.calls if k == key]) == 1


def test_a_withdrawal_whose_answer_is_lost_is_repeated_while_the_notice_is_still_shown(
    published: tuple[World, ScriptedSite, str],
) -> None:
    world, site, number = published
    shown = Found(Receipt(number="S-1"), OLD_DIGEST)
    site.script, site.finds = [lost()], [shown, shown]
    key = act(world, number, Operation.WITHDRAW)
    world.run_for(minutes=5)

    assert by_key(world, key).state == "published"
    assert len([k for k, _ in site.calls if k == key]) == 2


def test_a_withdrawal_that_was_taken_is_done_when_the_notice_is_shown_no_more(
    published: tuple[World, ScriptedSite, str],
) -> None:
    world, site, number = published
    shown = Found(Receipt(number="S-1"), OLD_DIGEST)
    site.script, site.finds = [Receipt(public=False)], [shown, *(Absent() for _ in range(5))]
    key = act(world, number, Operation.WITHDRAW)
    world.step()
    assert (by_key(world, key).state, original_state(world)) == ("submitted", "published")
    world.run_for(days=2)

    assert (by_key(world, key).state, original_state(world)) == ("published", "ended")


def test_a_refused_withdrawal_leaves_the_publication_standing(published: tuple[World, ScriptedSite, str]) -> None:
    world, site, number = published
    site.script = [PermanentFailure(Reason.NOT_SUPPORTED, "已发布不可撤回")]
    key = act(world, number, Operation.WITHDRAW)
    world.step()

    assert (by_key(world, key).state, original_state(world)) == ("failed", "published")


def test_an_update_whose_answer_is_lost_is_done_once_the_new_text_is_shown(
    published: tuple[World, ScriptedSite, str],
) -> None:
    world, site, number = published
    old, new = Found(Receipt(number="S-1"), OLD_DIGEST), Found(Receipt(number="S-1"), NEW_DIGEST)
    site.script, site.finds = [lost()], [old, new]
    key = act(world, number, Operation.UPDATE)
    world.run_for(seconds=30)
    assert by_key(world, key).state == "unknown"
    world.run_for(minutes=3)

    assert by_key(world, key).state == "published"
    assert len([k for k, _ in site.calls if k == key]) == 1
    assert "updated" in world.events()


def test_an_update_that_is_not_shown_after_the_window_is_sent_again(published: tuple[World, ScriptedSite, str]) -> None:
    world, site, number = published
    old = Found(Receipt(number="S-1"), OLD_DIGEST)
    site.script, site.finds = [lost()], [old, old]
    key = act(world, number, Operation.UPDATE)
    world.run_for(minutes=5)

    assert by_key(world, key).state == "published"
    assert len([k for k, _ in site.calls if k == key]) == 2


def test_the_updated_text_is_no_drift_of_the_publication(published: tuple[World, ScriptedSite, str]) -> None:
    world, site, number = published
    site.script = [Receipt(number="S-1")]
    act(world, number, Operation.UPDATE)
    world.step()
    site.shown_digest = NEW_DIGEST
    world.run_for(days=3)

    assert (original_state(world), world.alarms()) == ("published", [])
    assert standing(world) == 1


def test_an_update_is_given_the_number_that_the_channel_gave(tmp_path: Path) -> None:
    seen: list[str | None] = []

    class Noting(ScriptedSite):
        def submit(self, submission):  # type: ignore[no-untyped-def]
            seen.append(submission.last_receipt.number if submission.last_receipt else None)
            return super().submit(submission)

    world = a_world(tmp_path, {"county": Noting()})
    number = world.accept()
    world.step()
    act(world, number, Operation.UPDATE)
    world.clock.move_to(world.clock() + timedelta(minutes=1))
    world.step()

    assert seen == [None, "S-1"]
