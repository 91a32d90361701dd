"""On the third of a month the daemon compares the past month with the channels: once, in their limits, with alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from publisher.channel import Absent, Context, Listed
from publisher.counts.reconciled import is_month
from publisher.daemon import make_scheduler
from publisher.errors import Reason, TransientFailure
from publisher.ledger import channel_state
from publisher.ledger.tables import observation, publication_log
from publisher.notice import LOCAL
from publisher.reconciling.asking import Asker, Interrupted
from publisher.reconciling.comparing import reconcile
from publisher.reconciling.monthly import due_month, reconcile_monthly
from tests.support.builders import a_notice
from tests.support.clocked_desk import ALL, ClockedDesk
from tests.support.scripted_site import ScriptedSite
from tests.support.sending import World, a_world

THIRD = datetime(2018, 1, 3, 0, 0, tzinfo=LOCAL)
KNOWN = "http://example.invalid/1"


@dataclass
class ListedSite(ScriptedSite):
    """A site whose list can be read."""

    on_list: list[Listed] = field(default_factory=lambda: [Listed(KNOWN, "招标公告")])
    listings: int = 0

    def listed(self, context: Context) -> Sequence[Listed] | None:
        self.listings += 1
        return self.on_list


@pytest.fixture
def world(tmp_path: Path) -> World:
    return published(tmp_path, {"county": ListedSite(), "city": ScriptedSite()})


def published(folder: Path, sites: dict[str, Any], **settings: Any) -> World:
    made = a_world(folder, sites, settings=settings)
    for number in range(3):
        made.accept(a_notice(project_no=f"QFZB-2017-{number:04d}", dates={}))
    made.run_for(minutes=10)
    return made


def adapter(world: World, name: str) -> Any:
    return world.channels[name].adapter


def tick(world: World, at: datetime | None = None, holder: str = "1") -> bool:
    if at is not None:
        world.clock.move_to(at)
    return reconcile_monthly(Asker(world.ledger, world.machine, world.sending), world.channels, holder, "对账")


def reconciled(world: World) -> list[str]:
    column = publication_log.c
    with world.ledger.read() as conn:
        found = conn.execute(select(column.channel).where(column.event == "reconciled").order_by(column.seq))
        return list(found.scalars())


def test_the_past_month_is_due_on_the_third_day_by_local_time() -> None:
    december = (date(2017, 12, 1), date(2017, 12, 31))

    assert due_month(THIRD) == december == due_month(datetime(2018, 2, 2, 23, 59, tzinfo=LOCAL))
    assert due_month(THIRD - timedelta(seconds=1))[0].month == 11
    assert is_month(*december) and not is_month(december[0], THIRD.date())


def test_it_is_done_once_with_a_row_for_each_channel_and_no_alarm_where_all_agrees(world: World) -> None:
    assert not tick(world, THIRD - timedelta(seconds=1)), "not before the third day"
    posts = len(world.attempts())

    assert tick(world, THIRD)
    assert reconciled(world) == ["city", "county"]
    assert not tick(world) and not tick(world, THIRD + timedelta(days=20))
    assert (adapter(world, "county").asked, adapter(world, "county").listings) == (3, 1)
    assert (world.alarms(), len(world.attempts())) == ([], posts)
    assert tick(world, datetime(2018, 2, 5, 8, 0, tzinfo=LOCAL)), "the next month, also where the third day was missed"
    assert world.verdict().ok


def test_missing_and_foreign_items_raise_an_alarm_that_a_later_comparison_clears(world: World) -> None:
    adapter(world, "city").finds = [None, Absent()]
    adapter(world, "county").on_list.append(Listed("http://example.invalid/other", "别处的公告"))
    tick(world, THIRD)

    assert world.alarms() == ["reconcile:city:2017-12", "reconcile:county:2017-12"]
    with world.ledger.read() as conn:
        details = [row.detail for row in conn.exec_driver_sql("select detail from alarm order by id")]
    assert "缺失 1 件" in details[0] and "账外 1 件" in details[1]
    adapter(world, "county").on_list.pop()
    asker = Asker(world.ledger, world.machine, world.sending)
    reconcile(asker, world.channels, *due_month(world.clock()), by="王某")
    assert world.alarms() == []


def test_a_channel_that_does_not_answer_is_told_of(world: World) -> None:
    adapter(world, "city").finds = [TransientFailure(Reason.UNREACHABLE, "连接被拒绝")]
    tick(world, THIRD)

    assert world.alarms() == ["reconcile:city:2017-12"]


def test_questions_and_the_reading_of_the_list_keep_to_the_rate_limit(tmp_path: Path) -> None:
    world = published(tmp_path, {"county": ListedSite()}, county={"rate": {"calls": 2, "per": "1m"}})
    world.run_for(minutes=10)
    tick(world, THIRD)

    with world.ledger.read() as conn:
        times = [row.started_at for row in conn.execute(select(observation).order_by(observation.c.id))]
        listing = conn.execute(select(observation).where(observation.c.delivery_id.is_(None))).one()
    assert len(times) == 4, "three questions and the list"
    assert listing.finding == "listed"
    for first, third in zip(times, times[2:], strict=False):
        assert third - first >= timedelta(minutes=1)


def test_a_month_before_the_ledger_was_opened_is_not_looked_at(world: World) -> None:
    assert not tick(world, datetime(2017, 12, 5, tzinfo=LOCAL))
    assert reconciled(world) == []


def test_no_channel_is_asked_in_its_silence(world: World) -> None:
    world.clock.move_to(THIRD)
    with world.ledger.write() as tx:
        channel_state.silence(tx, "county", THIRD + timedelta(hours=2), "王某", "检修", "wang@desk")
    assert not tick(world)
    assert adapter(world, "county").asked == 0
    assert tick(world, THIRD + timedelta(hours=3))


def test_of_several_daemons_one_compares_and_an_interrupted_comparison_is_made_again(world: World) -> None:
    world.clock.move_to(THIRD)
    left = [True, True, False]
    asker = Asker(world.ledger, world.machine, world.sending, lambda: left.pop(0))
    with pytest.raises(Interrupted):
        reconcile_monthly(asker, world.channels, "1", "对账")

    assert not tick(world, holder="2"), "the first has it still"
    assert tick(world, holder="1")
    assert reconciled(world).count("county") == 1


def test_the_daemon_looks_whether_a_month_is_due_unless_it_is_switched_off(tmp_path: Path) -> None:
    desk = ClockedDesk(tmp_path)
    desk.open(feed=ALL)
    jobs = {job.id for job in make_scheduler(desk.line).get_jobs()}
    desk.drop("甲")
    desk.clock.move_to(THIRD)
    done = desk.line.reconcile()
    (settings,) = [desk.line.office.settings]
    off = settings.model_copy(update={"ledger": settings.ledger.model_copy(update={"reconcile_monthly": False})})
    desk.line.office = replace(desk.line.office, settings=off)
    without = {job.id for job in make_scheduler(desk.line).get_jobs()}
    desk.close()

    assert done and not desk.worker
    assert jobs - without == {"reconcile"}
