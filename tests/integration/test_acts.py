"""Acts of persons: what each does, refuses and logs."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from publisher.channel import Receipt
from publisher.delivery import State
from publisher.errors import NotAllowed
from publisher.ledger import acts, again
from publisher.ledger.acts import Person
from publisher.notice import LOCAL
from tests.support.builders import START, a_notice
from tests.support.scripted_site import ScriptedSite, busy, lost, refused
from tests.support.sending import World, a_world

LIU = Person("刘某", "liu@office")


def confirm(world: World, number: str, **told: Any) -> None:
    with world.ledger.write() as tx:
        acts.confirm(tx, acts.to_confirm(acts.of_number(tx.conn, number)), LIU, **told)


def undo(world: World, number: str) -> None:
    with world.ledger.write() as tx:
        acts.undo_confirm(tx, acts.to_confirm(acts.of_number(tx.conn, number), undo=True), LIU, "看错了")


def weights(world: World) -> dict[str, int]:
    with world.ledger.read() as conn:
        rows = conn.exec_driver_sql(
            "select visible_day, sum(weight) from publication_log where weight <> 0 group by visible_day"
        )
        return {str(row[0]): int(row[1]) for row in rows}


def logged(world: World, event: str) -> list[dict[str, Any]]:
    with world.ledger.read() as conn:
        rows = conn.exec_driver_sql(f"select payload from publication_log where event = '{event}' order by seq")
        return [json.loads(row.payload) for row in rows]


@pytest.fixture
def held(tmp_path: Path) -> tuple[World, str]:
    """Sent on Monday at nine, of unknown outcome, and it cannot be asked for."""
    world = a_world(tmp_path, {"city": ScriptedSite(script=[lost()], findable=False)})
    number = world.accept()
    world.run_for(days=1)
    return world, number


# ---- confirm


@pytest.mark.parametrize("seen", [START - timedelta(seconds=1), START + timedelta(days=1, seconds=1)])
def test_nobody_saw_it_before_it_was_sent_or_in_the_future(held: tuple[World, str], seen: datetime) -> None:
    world, number = held
    with pytest.raises(NotAllowed, match="之间"):
        confirm(world, number, seen_at=seen)

    assert world.state(number, "city") is State.HELD


@pytest.mark.parametrize("seen", [START, START + timedelta(hours=15, minutes=30), START + timedelta(days=1)])
def test_a_confirmation_counts_on_the_local_day_on_which_it_was_seen(held: tuple[World, str], seen: datetime) -> None:
    world, number = held
    confirm(world, number, seen_at=seen, channel_number="N-1", url="http://example.invalid/n", proof="截图一张")

    row = world.row(number, "city")
    assert (row.state, row.channel_number, row.visible_since) == ("published", "N-1", seen)
    assert weights(world) == {seen.astimezone(LOCAL).date().isoformat(): 1}
    (told,) = logged(world, "published")
    assert (told["by"], told["data"]["proof"], told["data"]["confirmed"]["account"]) == (
        "刘某",
        "截图一张",
        "liu@office",
    )
    assert world.verdict().ok


def test_a_confirmation_taken_back_subtracts_on_its_own_day_and_a_new_one_counts_anew(held: tuple[World, str]) -> None:
    world, number = held
    confirm(world, number, seen_at=START)
    undo(world, number)
    assert weights(world) == {"2017-12-04": 0}
    row = world.row(number, "city")
    assert (row.state, row.reason) == ("held", "confirmation_undone")
    confirm(world, number, seen_at=START + timedelta(days=1))

    assert weights(world) == {"2017-12-04": 0, "2017-12-05": 1}
    assert world.verdict().ok


def test_only_what_is_open_for_it_is_confirmed(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite(script=[None, refused()])})
    published, failed = world.accept(), world.accept(a_notice(project_no="NO-2", dates={}))
    waiting = world.accept(a_notice(project_no="NO-3", publish_at=START + timedelta(days=1)))
    world.step()
    for number in (published, waiting):
        with pytest.raises(NotAllowed, match="无需确认"):
            confirm(world, number)
    with pytest.raises(NotAllowed, match="没有可撤回的确认"):
        undo(world, failed)


def test_with_several_channels_it_is_asked_which(tmp_path: Path) -> None:
    script = [lost()]
    sites = {name: ScriptedSite(script=list(script), findable=False) for name in ("city", "wx")}
    world = a_world(tmp_path, sites)
    number = world.accept()
    world.step()
    with pytest.raises(NotAllowed, match="--channel"):
        confirm(world, number)


# ---- hold, cancel, retry


def test_only_what_waits_can_be_held_and_it_goes_when_released(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    with world.ledger.write() as tx:
        acts.hold(tx, acts.of_number(tx.conn, number), LIU, "领导要再看")
    world.run_for(days=1)
    row = world.row(number, "city")
    assert (row.reason, row.detail, site.calls) == ("held_by_person", "领导要再看", [])
    with world.ledger.write() as tx, pytest.raises(NotAllowed, match="没有待发布"):
        acts.hold(tx, acts.of_number(tx.conn, number), LIU, "")
    with world.ledger.write() as tx:
        rows = acts.of_number(tx.conn, number)
        acts.release(tx, rows, LIU, "可以了", lambda _: None, not_there=False)
    world.step()

    assert world.state(number, "city") is State.PUBLISHED
    with world.ledger.write() as tx, pytest.raises(NotAllowed, match="没有暂停"):
        rows = acts.of_number(tx.conn, number)
        acts.release(tx, rows, LIU, "", lambda _: None, not_there=False)


def test_what_is_published_is_neither_cancelled_nor_retried(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site})
    number = world.accept()
    world.step()
    with world.ledger.write() as tx, pytest.raises(NotAllowed, match="已发布"):
        acts.cancel(tx, acts.of_number(tx.conn, number), LIU, "")
    with world.ledger.write() as tx, pytest.raises(NotAllowed, match="已发布的不能重发"):
        again.retry(tx, acts.of_number(tx.conn, number), LIU, "")
    world.run_for(days=1)

    assert len(site.calls) == 1


def test_cancelled_before_it_goes_it_never_goes(tmp_path: Path) -> None:
    site = ScriptedSite()
    world = a_world(tmp_path, {"city": site})
    due = START + timedelta(minutes=30)
    number = world.accept(a_notice(publish_at=due))
    world.run_to(due - timedelta(seconds=2))
    with world.ledger.write() as tx:
        acts.cancel(tx, acts.of_number(tx.conn, number), LIU, "项目终止")
    world.run_for(days=1)

    assert (world.state(number, "city"), site.calls) == (State.CANCELLED, [])
    (told,) = logged(world, "cancelled")
    assert (told["by"], told["data"]["reason"]) == ("刘某", "项目终止")


def test_retry_hurries_what_waits_for_its_next_try(tmp_path: Path) -> None:
    site = ScriptedSite(script=[busy() for _ in range(8)])
    world = a_world(tmp_path, {"city": site}, sending={"quick_wait": "0s"})
    number = world.accept()
    world.run_for(minutes=3)
    before = len(site.calls)
    site.script = []
    with world.ledger.write() as tx:
        again.retry(tx, acts.of_number(tx.conn, number), LIU, "网站已恢复")
    world.step()

    assert (len(site.calls), world.state(number, "city")) == (before + 1, State.PUBLISHED)


def test_an_unknown_number_a_held_file_and_an_unknown_channel_are_explained(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()})
    number = world.accept()
    with world.ledger.read() as conn:
        for wrong in ("99", "x", "1-2", ""):
            with pytest.raises(NotAllowed, match="没有编号"):
                acts.of_number(conn, wrong)
        with pytest.raises(NotAllowed, match="没有发布任务"):
            acts.of_number(conn, number, "nowhere")


# ---- memory


def test_c007_a_notice_is_known_for_ever_whatever_is_cleaned_away(tmp_path: Path) -> None:
    world = a_world(tmp_path, {"city": ScriptedSite()})
    number = world.accept()
    world.step()
    with world.ledger.write() as tx:
        tx.conn.exec_driver_sql("delete from observation")
        tx.conn.exec_driver_sql("delete from attempt_delivery")
        tx.conn.exec_driver_sql("delete from attempt")
    world.clock.move_to(START + timedelta(days=400))

    with pytest.raises(NotAllowed, match="已发布"):
        world.accept()
    assert world.state(number, "city") is State.PUBLISHED
    assert world.verdict().ok


def test_a_delivery_s_receipt_is_kept_as_the_channel_gave_it(tmp_path: Path) -> None:
    since = datetime(2017, 12, 3, 23, 59, 59, tzinfo=LOCAL)
    receipt = Receipt(number="SD-9931", url="http://example.invalid/9931", visible_since=since)
    world = a_world(tmp_path, {"prov": ScriptedSite(script=[receipt])})
    number = world.accept()
    world.step()

    row = world.row(number, "prov")
    assert (row.channel_number, row.url, row.visible_since) == ("SD-9931", "http://example.invalid/9931", since)
    assert weights(world) == {"2017-12-03": 1}
