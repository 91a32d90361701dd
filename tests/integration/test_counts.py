"""Counts over a real ledger: local days, distinct notices, what was taken back, what was known when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from publisher.channel import Receipt
from publisher.counts import queries, views
from publisher.counts.queries import Span
from publisher.delivery import State
from publisher.errors import NotAllowed, PermanentFailure, Reason, TransientFailure
from publisher.ledger import acts, deliveries
from publisher.ledger.acts import Person
from publisher.ledger.tables import rollup
from publisher.notice import LOCAL, Form, Notice
from tests.support.builders import a_notice
from tests.support.scripted import Scripted
from tests.support.sending import World, a_world

NEW_YEAR = datetime(2018, 1, 1, tzinfo=LOCAL)
CLERK = Person("王某", "wang@desk")


def visible(moment: datetime) -> Receipt:
    return Receipt(number="R", visible_since=moment)


def world_at(tmp_path: Path, start: datetime, *names: str) -> tuple[World, dict[str, Scripted]]:
    adapters = {name: Scripted() for name in names}
    return a_world(tmp_path, adapters, start=start), adapters


def titled(title: str, **changes: Any) -> Notice:
    """A notice of its own project, without a bid deadline that could be over."""
    return a_notice(**{"title": title, "project_no": f"NO-{title}", "dates": {}} | changes)


def counted(world: World, *by: str, **span: Any) -> dict[tuple[str, ...], tuple[int, int]]:
    with world.ledger.read() as conn:
        tally = queries.count(conn, by, Span(**span))
    return {row.key: (row.publications, row.notices) for row in tally.rows}


def totals(world: World, **span: Any) -> tuple[int, int]:
    with world.ledger.read() as conn:
        tally = queries.count(conn, (), Span(**span))
    return tally.publications, tally.notices


def test_days_begin_at_local_midnight_and_days_months_and_years_agree(tmp_path: Path) -> None:
    world, sites = world_at(tmp_path, NEW_YEAR - timedelta(minutes=5), "site")
    seen = {"late": -1, "early": 600, "morning": 7.5 * 3600}
    for title, seconds in seen.items():
        sites["site"].will(title, visible(NEW_YEAR + timedelta(seconds=seconds)))
        world.accept(titled(title))
    world.run_for(minutes=1)

    assert counted(world, "day") == {("2017-12-31",): (1, 1), ("2018-01-01",): (2, 2)}
    assert counted(world, "month") == {("2017-12",): (1, 1), ("2018-01",): (2, 2)}
    assert counted(world, "year") == {("2017",): (1, 1), ("2018",): (2, 2)}
    assert totals(world) == (3, 3)
    assert totals(world, first=date(2018, 1, 1)) == (2, 2)
    assert totals(world, last=date(2017, 12, 31)) == (1, 1)


def test_every_way_of_asking_gives_the_same_number(tmp_path: Path) -> None:
    world, sites = world_at(tmp_path, NEW_YEAR - timedelta(minutes=5), "site", "other")
    for count in range(7):
        moment = NEW_YEAR + timedelta(milliseconds=(count - 3) * 150)
        sites["site"].will(f"t{count}", *[TransientFailure(Reason.BUSY)] * (count < 3), visible(moment))
        sites["other"].will(f"t{count}", visible(moment))
        world.accept(titled(f"t{count}"))
    taken_back = world.accept(titled("taken back"), on=["site"])
    held = world.accept(titled("old text"), on=["site"])
    with world.ledger.write() as tx:
        for row in acts.of_number(tx.conn, held):
            deliveries.supersede(tx, row, "程序", "99")
    world.run_for(minutes=4)
    with world.ledger.write() as tx:
        acts.undo_confirm(tx, acts.of_number(tx.conn, taken_back)[0], CLERK, "看错了")

    total = 14
    with world.ledger.read() as conn:
        tally = queries.count(conn)
        listed = queries.publications(conn)
        rolled = conn.execute(select(func.sum(rollup.c.publications))).scalar_one()
    by_state = sum(row.state == State.PUBLISHED.value for row in world.rows())
    assert (tally.publications, len(listed), rolled, by_state) == (total, total, total, total)
    for group in queries.GROUPS:
        assert sum(publications for publications, _ in counted(world, group).values()) == total
    for day, (publications, _) in counted(world, "day").items():
        asked = date.fromisoformat(day[0])
        with world.ledger.read() as conn:
            assert len(queries.publications(conn, Span(asked, asked))) == publications
        assert totals(world, first=asked, last=asked)[0] == publications
    assert world.verdict().ok


def test_a_notice_on_several_channels_is_one_notice_in_the_year_of_its_first_day(tmp_path: Path) -> None:
    world, sites = world_at(tmp_path, NEW_YEAR - timedelta(minutes=5), "site", "other")
    sites["site"].will("twice", visible(NEW_YEAR - timedelta(seconds=1)))
    sites["other"].will("twice", visible(NEW_YEAR + timedelta(days=2)))
    number = world.accept(titled("twice"))
    world.run_for(minutes=1)

    assert totals(world) == (2, 1)
    assert counted(world, "year") == {("2017",): (1, 1), ("2018",): (1, 0)}
    assert counted(world, "channel", first=date(2018, 1, 1)) == {("other",): (1, 1)}
    with world.ledger.write() as tx:
        acts.undo_confirm(tx, acts.of_number(tx.conn, number, "site")[0], CLERK, "看错了")
    assert counted(world, "year") == {("2018",): (1, 1)}


def test_what_was_confirmed_late_counts_in_its_own_day_and_as_of_gives_the_old_figure_again(tmp_path: Path) -> None:
    world, sites = world_at(tmp_path, NEW_YEAR - timedelta(hours=2), "site")
    sites["site"].will("late", PermanentFailure(Reason.REFUSED, "no"))
    on_time, late = world.accept(titled("on time")), world.accept(titled("late"))
    world.run_for(minutes=1)
    with world.ledger.write() as tx:
        (row,) = acts.of_number(tx.conn, late)
        deliveries.back_to_pending(tx, row, None, "", None, event="retried")
        acts.hold(tx, acts.of_number(tx.conn, late), CLERK, "")
    reported = world.clock()
    world.run_to(NEW_YEAR + timedelta(days=9))
    with world.ledger.write() as tx:
        (row,) = acts.of_number(tx.conn, late)
        acts.confirm(tx, row, CLERK, seen_at=NEW_YEAR - timedelta(hours=1))

    year = {"last": date(2017, 12, 31)}
    assert totals(world, **year) == (2, 2)
    assert totals(world, **year, as_of=reported) == (1, 1)
    assert [row.number for row in _listed(world, as_of=reported)] == [on_time]


def _listed(world: World, **span: Any) -> list[Any]:
    with world.ledger.read() as conn:
        return queries.publications(conn, Span(**span))


def test_what_a_person_took_back_and_found_missing_counts_from_the_day_it_is_published_again(tmp_path: Path) -> None:
    world, _ = world_at(tmp_path, NEW_YEAR - timedelta(hours=1), "site")
    number = world.accept(titled("a"))
    world.run_for(minutes=1)
    world.run_to(NEW_YEAR + timedelta(hours=1))
    with world.ledger.write() as tx:
        acts.undo_confirm(tx, acts.of_number(tx.conn, number)[0], CLERK, "看错了")
        rows = acts.of_number(tx.conn, number)
        acts.release(tx, rows, CLERK, "", lambda name: None, not_there=True)
    world.run_for(minutes=1)

    assert world.state(number, "site") is State.PUBLISHED
    assert counted(world, "day") == {("2018-01-01",): (1, 1)}


def test_a_title_that_was_corrected_before_anything_was_public_is_what_lists_and_gaps_name(tmp_path: Path) -> None:
    world, _ = world_at(tmp_path, NEW_YEAR, "site")
    same = {"project_no": "NO-1", "dates": {}}
    world.accept(a_notice(title="建筑工程招标公告", **same))
    world.accept(a_notice(title="建设工程招标公告", body_html="<p>改正后的正文。</p>", **same))

    assert {row.title for row in _gaps(world)} == {"建设工程招标公告"}
    world.run_for(minutes=1)
    assert [row.title for row in _listed(world)] == ["建设工程招标公告"]


def test_groups_are_counted_together_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    world, _ = world_at(tmp_path, NEW_YEAR, "site", "other")
    world.accept(titled("a"))
    world.accept(titled("b", form=Form.WINNING_RESULT), on=["other"])
    world.run_for(minutes=1)

    assert counted(world, "channel", "kind") == {
        ("other", "award_result"): (1, 1),
        ("other", "bid_announcement"): (1, 1),
        ("site", "bid_announcement"): (1, 1),
    }
    assert counted(world, "kind", "month") == {
        ("award_result", "2018-01"): (1, 1),
        ("bid_announcement", "2018-01"): (2, 1),
    }
    with world.ledger.read() as conn, pytest.raises(ValueError, match="cannot be counted by weather"):
        queries.count(conn, ["weather"])


def test_a_mandatory_channel_that_lacks_a_notice_is_a_gap_until_it_has_it_or_all_is_cancelled(tmp_path: Path) -> None:
    world, sites = world_at(tmp_path, NEW_YEAR, "site", "other")
    for title in ("refused", "optional"):
        sites["site"].will(title, PermanentFailure(Reason.REFUSED, "标题过长"))
    refused = world.accept(titled("refused"), optional=["other"])
    world.accept(titled("later", publish_at=NEW_YEAR + timedelta(days=1)))
    world.accept(titled("optional"), on=["site"], optional=["site"])
    world.run_for(minutes=1)

    assert [(row.number, row.channel, row.detail) for row in _gaps(world)] == [(refused, "site", "标题过长")]
    with world.ledger.write() as tx:
        acts.cancel(tx, acts.of_number(tx.conn, refused, "site"), CLERK, "不再发布")
    assert [row.channel for row in _gaps(world)] == ["site"]
    gone = world.accept(titled("gone"), on=["site"])
    assert gone in [row.number for row in _gaps(world)]
    with world.ledger.write() as tx:
        acts.cancel(tx, acts.of_number(tx.conn, gone), CLERK, "不再发布")
    assert gone not in [row.number for row in _gaps(world)]


def _gaps(world: World) -> list[Any]:
    with world.ledger.read() as conn:
        return queries.gaps(conn, world.clock())


def test_overdue_is_what_is_not_public_after_its_deadline_and_tasks_are_what_a_person_must_do(tmp_path: Path) -> None:
    world, sites = world_at(tmp_path, NEW_YEAR, "site")
    sites["site"].will("refused", PermanentFailure(Reason.REFUSED, "标题过长"))
    number = world.accept(titled("refused"))
    other = world.accept(titled("held"))
    with world.ledger.write() as tx:
        acts.hold(tx, acts.of_number(tx.conn, other), CLERK, "等领导")
    world.run_for(minutes=1)

    with world.ledger.read() as conn:
        assert queries.overdue(conn, world.clock()) == []
        late = queries.overdue(conn, world.clock() + timedelta(days=1))
        assert [row.number for row in late] == [number, other]
        assert [(row.number, row.text) for row in queries.tasks(conn)] == [(other, "等领导")]
    with world.ledger.write() as tx:
        acts.release(tx, acts.of_number(tx.conn, other), CLERK, "", lambda name: None, not_there=False)
    with world.ledger.read() as conn:
        assert queries.tasks(conn) == []


def test_the_overview_counts_as_the_log_does_and_knows_whether_a_daemon_lives(tmp_path: Path) -> None:
    world, sites = world_at(tmp_path, NEW_YEAR - timedelta(minutes=5), "site")
    sites["site"].will("old", visible(NEW_YEAR - timedelta(minutes=1)))
    world.accept(titled("old"))
    world.accept(titled("new"))
    world.run_to(NEW_YEAR + timedelta(minutes=1))
    with world.ledger.read() as conn:
        seen = views.overview(conn, world.clock().astimezone(UTC), real=False)
        later = views.overview(conn, world.clock() + timedelta(days=1), real=False)

    assert (seen.today.publications, later.today.publications) == (0, 0)
    assert totals(world, last=date(2017, 12, 31)) == (2, 2)
    assert seen.deliveries == {"site": {"published": 2}}
    assert seen.intake == {"accepted": 2}
    assert later.heartbeat_age == seen.heartbeat_age + 86400


def test_one_notice_is_shown_with_its_tries_and_its_rows_of_the_log(tmp_path: Path) -> None:
    world, sites = world_at(tmp_path, NEW_YEAR, "site")
    sites["site"].will("hard", TransientFailure(Reason.BUSY, "忙"))
    number = world.accept(titled("hard"))
    world.run_for(minutes=1)
    with world.ledger.read() as conn:
        seen = views.one_notice(conn, number)
        with pytest.raises(NotAllowed, match="没有编号 77"):
            views.one_notice(conn, "77")

    assert seen.notice is not None and seen.notice.title == "hard"
    assert [attempt.outcome for attempt in seen.deliveries[0].attempts] == ["transient", "published"]
    assert [row.event for row in seen.log] == ["claimed", "accepted", "try_failed", "published"]
