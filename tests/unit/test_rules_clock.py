"""The legal clock: by when a notice must be public, until when it must stand, and what lateness shortens."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from publisher.notice import LOCAL, Dates, Form, Notice, ProjectClass
from publisher.rules.calendar import Calendar, UnknownYear
from publisher.rules.clock import publish_by, shortened, stand_until
from publisher.rules.terms import Law, load_law, shipped_terms
from tests.support.builders import a_notice

LAW = load_law()
W, P = ProjectClass.WORKS, ProjectClass.PROCUREMENT


def a_text(form: Form, project_class: ProjectClass, body: str = "", **dates: Any) -> Notice:
    return a_notice(form=form, project_class=project_class, body_html=f"<p>公告正文。{body}</p>", dates=Dates(**dates))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=LOCAL)


def deadlines(notice: Notice) -> list[tuple[str, str]]:
    return [(one.rule, f"{one.at:%Y-%m-%d %H:%M}") for one in publish_by(notice, LAW, date(2026, 3, 16)).deadlines]


def test_a_result_must_be_public_two_working_days_after_it_was_decided() -> None:
    notice = a_text(Form.DEAL_RESULT, P, award_decided_on=date(2026, 9, 30))
    assert deadlines(notice) == [("P9", "2026-10-10 00:00")]


def test_a_contract_signed_before_a_holiday_has_the_working_days_after_it() -> None:
    notice = a_text(Form.CONTRACT, P, contract_signed_on=date(2026, 4, 3))
    assert deadlines(notice) == [("P12", "2026-04-09 00:00")]


def test_a_tender_must_be_public_while_its_twenty_days_still_fit() -> None:
    notice = a_text(Form.TENDER, W, bid_deadline=at("2026-04-07T09:00"))
    assert deadlines(notice) == [("E3P", "2026-03-19 00:00")]


def test_candidates_must_be_public_while_three_full_days_fit_the_last_of_them_worked() -> None:
    monday = a_text(Form.CANDIDATES, W, publicity_end=date(2026, 3, 16))
    assert deadlines(monday) == [("E7P", "2026-03-14 00:00")]  # from Friday the 13th: Saturday, Sunday, Monday
    sunday = a_text(Form.CANDIDATES, W, publicity_end=date(2026, 3, 15))
    assert deadlines(sunday) == [("E7P", "2026-03-11 00:00")]  # up to Friday the 13th, because Sunday is no last day


@pytest.mark.parametrize(
    ("form", "project_class", "body", "visible", "until"),
    [
        (Form.CANDIDATES, W, "公示期：3日", "2026-03-16", "2026-03-20 00:00"),
        (Form.CANDIDATES, W, "公示期：3日", "2026-03-12", "2026-03-17 00:00"),
        (Form.OPEN_TENDER, P, "", "2026-03-16", "2026-03-24 00:00"),
        (Form.OPEN_TENDER, P, "", "2026-04-01", "2026-04-10 00:00"),
        (Form.OPEN_TENDER, P, "", "2026-09-29", "2026-10-13 00:00"),
        (Form.CONSULTATION, P, "", "2026-03-16", "2026-03-20 00:00"),
    ],
)
def test_a_display_stands_from_the_first_visibility(
    form: Form, project_class: ProjectClass, body: str, visible: str, until: str
) -> None:
    found = stand_until(a_text(form, project_class, body), LAW, date.fromisoformat(visible)).deadlines
    assert {f"{one.at:%Y-%m-%d %H:%M}" for one in found} == {until}


def test_a_printed_end_after_the_legal_one_is_kept() -> None:
    notice = a_text(Form.CANDIDATES, W, publicity_start=date(2026, 3, 16), publicity_end=date(2026, 3, 25))
    found = stand_until(notice, LAW, date(2026, 3, 16)).deadlines
    assert {f"{one.at:%Y-%m-%d}" for one in found} == {"2026-03-26"}


def test_lateness_shortens_a_printed_publicity_and_a_day_earlier_does_not() -> None:
    notice = a_text(Form.CANDIDATES, W, publicity_start=date(2026, 3, 16), publicity_end=date(2026, 3, 19))
    assert shortened(notice, LAW, date(2026, 3, 16)) == ()
    (one,) = shortened(notice, LAW, date(2026, 3, 17))
    assert (one.term.id, one.ends_on, one.until) == ("E7P", date(2026, 3, 19), date(2026, 3, 20))


def test_the_nearest_deadline_is_the_next_one_that_is_not_over() -> None:
    notice = a_text(Form.TENDER, W, printed_on=date(2026, 3, 16), bid_deadline=at("2026-04-07T09:00"))
    clock = publish_by(notice, LAW, date(2026, 3, 16))
    assert clock.after(at("2026-03-16T09:00")) == at("2026-03-19T00:00")
    assert clock.after(at("2026-03-19T00:00")) == at("2026-04-15T00:00")  # twenty working days, rule G1
    assert publish_by(a_text(Form.TENDER, W), LAW, date(2026, 3, 16)).after(at("2026-03-16T09:00")) is None


def test_without_a_calendar_the_clock_says_which_year_it_lacks() -> None:
    law = Law(shipped_terms(), Calendar({}))
    found = publish_by(a_text(Form.DEAL_RESULT, P, award_decided_on=date(2026, 9, 30)), law, date(2026, 9, 30))
    assert (found.deadlines, found.unknown) == ((), (UnknownYear(2026),))
