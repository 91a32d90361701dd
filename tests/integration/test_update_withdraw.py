"""Update and withdraw on a site: carried out once, asked for like everything else, and the counts stay."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from channels.fake_set import FakeSetChannel
from publisher.channel import Absent, Found, Receipt
from publisher.delivery import Operation
from publisher.errors import NotAllowed, PermanentFailure, Reason
from publisher.ledger import deliveries, set_members
from publisher.ledger.deliveries import Delivery
from tests.support.builders import a_change_notice, a_config, a_notice, a_rendition
from tests.support.by_hand import an_act, by_key, withdraw
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


def publication(world: World) -> Delivery:
    return next(row for row in world.rows() if row.operation == "publish")


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


def test_while_a_change_is_on_its_way_what_is_shown_says_nothing_against_the_publication(
    published: tuple[World, ScriptedSite, str],
) -> None:
    world, site, number = published
    site.script = [Receipt(public=False)]
    act(world, number, Operation.UPDATE)
    world.step()
    # The site shows the new text already; that it has carried the update out is not known yet.
    site.shown_digest, site.finds = None, [Found(Receipt(number="S-1"), NEW_DIGEST)]
    with world.ledger.write() as tx:
        row = publication(world)
        deliveries.reschedule(tx, row, tx.now)
    world.step()
    assert (original_state(world), world.alarms()) == ("published", [])


def test_while_a_withdrawal_is_on_its_way_an_absent_notice_is_not_gone(
    published: tuple[World, ScriptedSite, str],
) -> None:
    world, site, number = published
    site.script = [Receipt(public=False)]
    key = act(world, number, Operation.WITHDRAW)
    world.step()
    site.finds = [Absent() for _ in range(20)]
    with world.ledger.write() as tx:
        deliveries.reschedule(tx, publication(world), tx.now)
    world.step()
    assert (original_state(world), world.alarms()) == ("published", [])
    world.run_for(days=2)
    assert (by_key(world, key).state, original_state(world)) == ("published", "ended")


def test_an_update_of_a_change_notice_quotes_what_the_change_notice_quotes(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"county": site})
    world.accept()
    change = world.accept(a_change_notice())
    world.step()
    an_act(world, world.row(change, "county"), Operation.UPDATE, content=NEW)
    world.step()
    assert site.references == [None, "S-1", "S-1"]


def test_an_update_on_a_set_has_no_end_of_its_own(tmp_path: Path) -> None:
    board = FakeSetChannel(a_config("led"))
    world = a_world(tmp_path, {"led": board}, settings={"led": {"shown_for": "12h"}})
    number = world.accept(a_notice(dates={}))
    world.step()
    key = an_act(world, world.row(number, "led"), Operation.UPDATE, content=NEW)
    world.run_for(hours=1)
    assert by_key(world, key).until is None
    world.run_for(hours=12)
    assert (original_state(world), board.board.shown) == ("ended", {})
    with world.ledger.read() as conn:
        assert set_members.next_expiry(conn, "led") is None


def test_an_act_on_what_is_being_changed_already_is_refused_or_replaces_what_was_not_sent(
    published: tuple[World, ScriptedSite, str],
) -> None:
    world, site, number = published
    original = world.row(number, "county")
    site.script = [Receipt(public=False)]
    an_act(world, original, Operation.UPDATE, content=NEW)
    with pytest.raises(NotAllowed, match="还有未完成的更新"):
        an_act(world, original, Operation.UPDATE, content="<p>又一文本</p>")
    world.step()
    with pytest.raises(NotAllowed, match="正在更新"):
        withdraw(world, [original])
    world.run_for(minutes=10)
    waiting = an_act(world, original, Operation.UPDATE, content="<p>第三个文本</p>")
    withdraw(world, [original])
    assert by_key(world, waiting).state == "cancelled"
    world.run_for(minutes=1)

    assert original_state(world) == "ended"
    assert world.verdict().ok
