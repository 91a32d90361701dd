"""Terms, overrides, routing and the legal clock on a real ledger and real files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from publisher.delivery import State
from publisher.errors import NotAllowed, Reason
from publisher.ledger import acts, amend, channel_state, intake_rows, overrides, routing_log
from publisher.ledger.acts import Person
from publisher.ledger.tables import delivery
from publisher.legal import LegalRow, legal_rows
from publisher.notice import LOCAL, Dates, Form, ProjectClass
from publisher.rules.calendar import Calendar, end_of
from publisher.rules.routing import routing_of
from publisher.rules.terms import Law, shipped_terms
from tests.support.builders import a_notice
from tests.support.clocked_desk import ALL, CHANNEL, ClockedDesk
from tests.support.desk import TestDesk

MONDAY = datetime(2026, 3, 16, 9, 0, tzinfo=LOCAL)
SOMEONE = Person("王主任", "wang@desk")
TAKES_BACK = '\noperations = ["publish", "update", "withdraw"]'
DESIGNATED = ALL + '\ndesignated_for = ["works"]'


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[ClockedDesk]:
    made = ClockedDesk(tmp_path, MONDAY)
    yield made
    made.close()


def candidates(end: str, start: str = "2026-03-16", **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "form": Form.CANDIDATES,
        "dates": Dates(publicity_start=date.fromisoformat(start), publicity_end=date.fromisoformat(end)),
        "candidates": [{"name": "山东甲建设有限公司", "rank": 1, "price": {"raw": "1元", "yuan": "736320"}}],
    }
    return fields | changes


def rows(desk: ClockedDesk, ahead: timedelta = timedelta(0)) -> list[LegalRow]:
    office = desk.line.office
    with desk.read() as conn:
        return legal_rows(conn, office.law, office.settings.channels, desk.clock(), ahead=ahead)


def deadlines(desk: ClockedDesk) -> dict[str, datetime]:
    with desk.read() as conn:
        return {row.channel: row.deadline for row in conn.execute(delivery.select())}


# ---- terms at intake


def test_a_short_publicity_waits_and_goes_on_once_a_named_person_lets_the_rule_pass(desk: ClockedDesk) -> None:
    desk.open(county=ALL)
    desk.drop("公示", **candidates("2026-03-18"))
    assert desk.intake_states() == ["held"]
    with desk.read() as conn:
        (problem,) = intake_rows.problems_of(intake_rows.by_number(conn, "1").problems)  # type: ignore[union-attr]
    assert (problem.reason, problem.rule) == (Reason.PUBLICITY_TOO_SHORT, "E7")
    (note,) = (desk.folder / "data" / "folders" / "待处理").glob("*.待处理说明.txt")
    assert "核准规则 E7" in note.read_text("utf-8-sig")

    with desk.line.office.ledger.write() as tx:
        overrides.override(tx, "1", ["E7"], SOMEONE, "抢险工程，经领导小组同意")
    desk.work()

    assert desk.intake_states() == ["accepted"]
    (row,) = desk.events("rule_overridden")
    assert (row.by, row.number) == ("王主任", "1")
    told = json.loads(row.payload)["data"]
    assert (told["rule"], told["why"], told["account"]) == ("E7", "抢险工程，经领导小组同意", "wang@desk")
    with desk.read() as conn:
        warnings = intake_rows.problems_of(intake_rows.by_number(conn, "1").warnings)  # type: ignore[union-attr]
        of_law = [one for one in warnings if one.rule == "E7"]
        assert ["已由负责人核准" in str(one) for one in of_law] == [True]
        assert conn.execute(delivery.select()).one().state == State.PUBLISHED.value


def test_only_a_rule_that_holds_the_file_can_be_let_pass_and_only_with_a_reason(desk: ClockedDesk) -> None:
    desk.open(county=ALL)
    desk.drop("公示", **candidates("2026-03-18"))
    desk.drop("好", a_notice(project_no="NO-好", dates={"bid_deadline": "2026-05-28T09:00:00+08:00"}))
    for number, rule, reason in [("1", "E3", "理由"), ("1", "E7", " "), ("2", "E7", "理由"), ("9", "E7", "理由")]:
        with pytest.raises(NotAllowed), desk.line.office.ledger.write() as tx:
            overrides.override(tx, number, [rule], SOMEONE, reason)
    assert desk.events("rule_overridden") == []
    assert desk.intake_states() == ["held", "accepted"]


def test_an_override_holds_for_exactly_these_bytes(desk: ClockedDesk) -> None:
    desk.open(county=ALL)
    desk.drop("公示", **candidates("2026-03-18"))
    with desk.line.office.ledger.write() as tx:
        overrides.override(tx, "1", ["E7"], SOMEONE, "理由")
    desk.work()
    desk.drop("公示二", **candidates("2026-03-18", project_no="NO-二"))
    assert desk.intake_states() == ["accepted", "held"]


def test_a_year_without_a_calendar_lets_the_notice_go_and_raises_an_alarm(desk: ClockedDesk) -> None:
    desk.open(county=ALL)
    desk.line.office.__dict__["law"] = unknown = Law(shipped_terms(), Calendar({}))
    object.__setattr__(desk.line.line, "law", unknown)
    desk.drop("公示", **candidates("2026-03-19"))
    assert desk.intake_states() == ["accepted"]
    assert "没有 2026 年的工作日历" in desk.alarms()["calendar"]
    desk.line.watch()
    assert "calendar" in desk.alarms()
    desk.open(county=ALL)  # with its calendar again
    desk.line.watch()
    assert "calendar" not in desk.alarms()


# ---- the clock


def test_the_nearest_legal_deadline_is_the_deadline_of_a_mandatory_delivery_only(desk: ClockedDesk) -> None:
    slow = '\ndue_within = "30d"'
    desk.open(county=ALL + slow, feed='carries = [{ carry = "optional" }]' + slow)
    desk.drop("公示", **candidates("2026-03-20"))  # Friday: the latest day with three full days is Tuesday the 17th
    found = deadlines(desk)
    assert found["county"] == end_of(date(2026, 3, 17))
    assert found["feed"] > found["county"]


def test_a_notice_that_is_not_public_on_the_designated_medium_is_overdue_by_law(desk: ClockedDesk) -> None:
    desk.open(county=ALL, city=DESIGNATED)
    with desk.line.office.ledger.write() as tx:
        channel_state.stop(tx, "city", "王主任", "停电", "wang@desk")
    desk.drop("公示", **candidates("2026-03-20"))
    assert [(row.state, row.rule) for row in rows(desk, timedelta(days=2))] == [("due", "E7P")]
    desk.clock.move_to(datetime(2026, 3, 18, 9, 0, tzinfo=LOCAL))
    assert [(row.state, row.rule, row.channel) for row in rows(desk)] == [
        ("overdue", "E7P", None),
        ("short", "E7P", "city"),
    ]
    assert rows(desk)[0].at == end_of(date(2026, 3, 17))
    assert "第五十四条" in rows(desk)[0].source


def test_a_mandatory_channel_so_late_that_the_publicity_is_too_short_there_raises_an_alarm(desk: ClockedDesk) -> None:
    desk.open(county=DESIGNATED, city=ALL)
    with desk.line.office.ledger.write() as tx:
        channel_state.stop(tx, "city", "王主任", "停电", "wang@desk")
    desk.drop("公示", **candidates("2026-03-20"))
    desk.line.watch()
    assert not [cause for cause in desk.alarms() if cause.startswith("display_short")]

    desk.clock.move_to(datetime(2026, 3, 18, 9, 0, tzinfo=LOCAL))
    with desk.line.office.ledger.write() as tx:
        channel_state.resume(tx, "city", "王主任", "来电", "wang@desk")
    desk.work()
    desk.line.watch()
    (cause,) = [cause for cause in desk.alarms() if cause.startswith("display_short")]
    detail = desk.alarms()[cause]
    for part in ("编号 1", "city栏目", "2026-03-18 公开", "2026-03-20 不足", "应到 2026-03-23"):
        assert part in detail
    assert [row.state for row in rows(desk)] == ["short"]  # public in time on the designated medium

    desk.clock.move_to(datetime(2026, 3, 21, 9, 0, tzinfo=LOCAL))
    desk.line.watch()
    assert cause not in desk.alarms()


# ---- routing


LATER = 'carries = [{ classes = ["works"], carry = "mandatory" }]'


def test_a_change_of_the_routing_between_two_starts_is_a_row_with_digests_and_what_changed(desk: ClockedDesk) -> None:
    desk.open(county=ALL)
    desk.open(county=ALL)
    assert len(desk.events("routing_changed")) == 1  # the same again is no change
    desk.clock.sleep(3600)
    desk.open(county=ALL, portal=LATER)
    desk.open(county='carries = [{ carry = "optional" }]', portal=LATER)
    desk.open(portal=LATER)
    changes = [json.loads(row.payload)["data"] for row in desk.events("routing_changed")]
    assert [("portal" in one["routing"]) for one in changes] == [False, True, True, True]
    assert "新增渠道 portal（portal栏目）" in changes[1]["detail"]
    assert "county（county栏目）的承接规则由 carry=mandatory 改为 carry=optional" in changes[2]["detail"]
    assert "停用渠道 county" in changes[3]["detail"]
    for before, after in pairwise(changes):
        assert after["digests"]["before"] == before["digests"]["after"] == routing_log.digest_of(before["routing"])
    assert routing_of(desk.line.office.settings.channels) == changes[-1]["routing"]
    with desk.read() as conn:
        since = routing_log.carries_since(conn)
    assert since == {"portal": desk.events("routing_changed")[1].recorded_at}


# ---- as typed


def test_override_and_show_as_typed(tmp_path: Path) -> None:
    desk = TestDesk(tmp_path)
    desk.build("county_site")
    try:
        dates = {"documents_from": "2098-12-20", "bid_deadline": "2098-12-28T09:00:00+08:00"}
        desk.drop("甲项目公告", dates=dates)
        assert desk.run("once").exit_code == 1
        assert "E3" in desk.run("show", "1").stdout
        assert desk.run("override", "1", "--rule", "E3", "--by", "王主任").exit_code != 0  # a reason is asked
        refused = desk.run("override", "1", "--rule", "E1", "--by", "王主任", "--reason", "急")
        assert refused.exit_code == 1
        assert "可以核准的规则：E3" in refused.output
        done = desk.run("override", "1", "--rule", "E3", "--by", "王主任", "--reason", "抢险")
        assert done.exit_code == 0, done.output
        assert "已核准规则 E3" in done.stdout
        assert desk.run("once").exit_code == 0
        assert desk.row("1", "county_site").state == State.PUBLISHED.value
        assert "负责人核准例外" in desk.run("log").stdout
        assert "没有逾期" in desk.run("overdue").stdout
    finally:
        desk.close()


def test_a_channel_added_after_a_notice_was_taken_in_does_not_get_it_and_the_listing_says_so(tmp_path: Path) -> None:
    desk = TestDesk(tmp_path)
    desk.build("county_site", approvals=1)
    try:
        desk.drop("甲项目公告", project_class=ProjectClass.WORKS)
        desk.run("once")  # it waits for approval: not yet sent
        desk.build("portal")
        desk.drop("乙项目公告")
        desk.run("once")
        (first,), (second,) = desk.json("show", "1"), desk.json("show", "2")
        assert list(first["not_routed"]) == ["portal"]
        assert {one["channel"] for one in first["deliveries"]} == {"county_site"}
        assert {one["channel"] for one in second["deliveries"]} == {"county_site", "portal"}
        assert second["not_routed"] == {}
        assert "未发往 portal网" in desk.run("show", "1").stdout
        added = desk.run("route", "1", "--add", "portal", "--by", "王主任", "--reason", "补发")
        assert added.exit_code == 0, added.output
        assert desk.run("route", "1", "--add", "portal").exit_code == 1  # it has it now
        assert desk.json("show", "1")[0]["not_routed"] == {}
        desk.run("approve", "1", "--by", "王主任")
        desk.run("once")
        assert desk.row("1", "portal").state == State.PUBLISHED.value
        assert desk.run("verify").exit_code == 0
        assert "增发渠道" in desk.run("log").stdout
        checked = desk.json("check")[0]
        assert all(one["since"] for one in checked["channels"])
        assert "承接自" in desk.run("check").stdout
    finally:
        desk.close()


NOT_ASKED = 'carries = [{ carry = "optional", default = false }]'
NEVER = 'carries = [{ classes = ["land"], carry = "mandatory" }]'


def test_a_channel_that_is_off_by_default_gets_a_notice_when_a_person_asks_and_one_that_never_carries_it_does_not(
    tmp_path: Path,
) -> None:
    desk = TestDesk(tmp_path)
    feeds = [CHANNEL.format(name=name, more=more) for name, more in (("extra", NOT_ASKED), ("land_only", NEVER))]
    desk.build("county_site", more="".join(feeds))
    try:
        desk.drop("甲项目公告")
        assert desk.run("once").exit_code == 0
        assert {one["channel"] for one in desk.json("show", "1")[0]["deliveries"]} == {"county_site"}
        refused = desk.run("route", "1", "--add", "land_only")
        assert (refused.exit_code, "不承接此类公告" in refused.output) == (1, True)
        assert desk.run("route", "1", "--add", "extra").exit_code == 0
        assert desk.run("once").exit_code == 0
        row = desk.row("1", "extra")
        assert (row.state, row.mandatory) == (State.PUBLISHED.value, False)
        assert "extra栏目（选发）：已发布" in desk.receipt("1")
    finally:
        desk.close()


# ---- lateness that shows after publication


def a_result(decided: str, **changes: Any) -> dict[str, Any]:
    return {
        "form": Form.WINNING_RESULT,
        "project_class": ProjectClass.PROCUREMENT,
        "dates": Dates(award_decided_on=date.fromisoformat(decided)),
        "winners": [{"name": "山东甲有限公司", "price": {"raw": "1元", "yuan": "736320"}}],
    } | changes


def states(desk: ClockedDesk) -> list[tuple[str, str, str]]:
    return [(row.state, row.rule, row.number) for row in rows(desk)]


def test_a_result_handed_in_after_its_two_working_days_is_listed_as_late_though_it_is_public(desk: ClockedDesk) -> None:
    desk.open(county=ALL)
    desk.drop("准时", **a_result("2026-03-12"))  # Thursday: Friday, Monday
    desk.drop("迟到", **a_result("2026-03-11"))
    assert states(desk) == [("late", "P9", "2")]
    (row,) = rows(desk)
    assert row.at == end_of(date(2026, 3, 13)) and "2026-03-16 09:00 才公开" in row.what

    desk.clock.move_to(MONDAY + timedelta(days=61))
    assert states(desk) == []  # old lateness is in the log, not on the list of what to look at


def test_a_contract_that_waits_over_its_day_is_late_once_it_is_public(desk: ClockedDesk) -> None:
    desk.open(county=ALL)
    with desk.line.office.ledger.write() as tx:
        channel_state.stop(tx, "county", "王主任", "停电", "wang@desk")
    signed = {"form": Form.CONTRACT, "dates": Dates(contract_signed_on=date(2026, 3, 13))}
    desk.drop("合同", **a_result("2026-03-13", **signed))
    desk.clock.move_to(datetime(2026, 3, 18, 9, 0, tzinfo=LOCAL))
    assert states(desk) == [("overdue", "P12", "1")]
    with desk.line.office.ledger.write() as tx:
        channel_state.resume(tx, "county", "王主任", "来电", "wang@desk")
    desk.work()
    assert states(desk) == [("late", "P12", "1")]


def test_candidates_taken_off_before_their_three_days_are_listed_as_cut(desk: ClockedDesk) -> None:
    desk.open(county=DESIGNATED + TAKES_BACK, city=ALL + TAKES_BACK)
    desk.drop("公示", **candidates("2026-03-20"))
    desk.drop("照旧", **candidates("2026-03-20"))
    with desk.line.office.ledger.write() as tx:
        mine = acts.of_number(tx.conn, "1")
        amend.withdraw(tx, mine, SOMEONE, "发错", amend.Ways(lambda _channel, _operation: True, {}))
    desk.work()
    (row,) = rows(desk)
    assert (row.state, row.rule, row.number, row.channel) == ("cut", "E7", "1", "county")  # not the other medium
    assert row.at == end_of(date(2026, 3, 20)) and "已撤下，未满期" in row.what


def test_candidates_without_a_result_are_listed_five_working_days_after_their_publicity(desk: ClockedDesk) -> None:
    desk.open(county=ALL)
    desk.drop("公示", **candidates("2026-03-19", project_no="NO-1", project_class=ProjectClass.WORKS))
    desk.clock.move_to(end_of(date(2026, 3, 26)) - timedelta(minutes=1))
    assert states(desk) == []
    desk.clock.move_to(end_of(date(2026, 3, 26)))
    assert states(desk) == [("no_result", "E7R", "1")]
    won = a_result("2026-03-26", project_no="NO-1", project_class=ProjectClass.WORKS)
    desk.drop("结果", **won)
    assert states(desk) == []


def test_a_result_for_one_of_two_lots_leaves_the_other_without_and_a_termination_answers_for_both(
    desk: ClockedDesk,
) -> None:
    desk.open(county=ALL)
    lots = [{"no": "1"}, {"no": "2"}]
    works = {"project_no": "NO-1", "project_class": ProjectClass.WORKS}
    desk.drop("公示", **candidates("2026-03-19", lots=lots, **works))
    desk.drop("结果", **a_result("2026-03-19", lots=lots[:1], **works))
    desk.clock.move_to(end_of(date(2026, 3, 27)))
    assert states(desk) == [("no_result", "E7R", "1")]
    ended = {"form": Form.TERMINATION, "dates": Dates(), "lots": lots[1:]}
    desk.drop("终止", **a_result("2026-03-19", winners=[], **works, **ended))
    assert "no_result" not in [state for state, _, _ in states(desk)], desk.intake_states()
