"""Working days and how terms are counted: every day against lists typed by hand, and the known vectors."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from publisher.errors import SettingsError
from publisher.rules.calendar import Calendar, Unit, UnknownYear, end_of, load_calendar, read_year

CALENDAR = load_calendar()

BY_HAND = {
    # Typed from the State Council's notices: days off on weekdays (and the weekends among them), then weekends worked.
    2017: (
        "1.1-1.2 1.27-2.2 4.2-4.4 4.29-5.1 5.28-5.30 10.1-10.8",
        "1.22 2.4 4.1 5.27 9.30",
    ),
    2018: (
        "1.1 2.15-2.21 4.5-4.7 4.29-5.1 6.16-6.18 9.22-9.24 10.1-10.7 12.30-12.31",
        "2.11 2.24 4.8 4.28 9.29 9.30 12.29",
    ),
    2019: (
        "1.1 2.4-2.10 4.5-4.7 5.1-5.4 6.7-6.9 9.13-9.15 10.1-10.7",
        "2.2 2.3 4.28 5.5 9.29 10.12",
    ),
    2020: (
        "1.1 1.24-2.2 4.4-4.6 5.1-5.5 6.25-6.27 10.1-10.8",
        "1.19 4.26 5.9 6.28 9.27 10.10",
    ),
    2021: (
        "1.1-1.3 2.11-2.17 4.3-4.5 5.1-5.5 6.12-6.14 9.19-9.21 10.1-10.7",
        "2.7 2.20 4.25 5.8 9.18 9.26 10.9",
    ),
    2022: (
        "1.1-1.3 1.31-2.6 4.3-4.5 4.30-5.4 6.3-6.5 9.10-9.12 10.1-10.7 12.31",
        "1.29 1.30 4.2 4.24 5.7 10.8 10.9",
    ),
    2023: (
        "1.1-1.2 1.21-1.27 4.5 4.29-5.3 6.22-6.24 9.29-10.6 12.30-12.31",
        "1.28 1.29 4.23 5.6 6.25 10.7 10.8",
    ),
    2024: (
        "1.1 2.10-2.17 4.4-4.6 5.1-5.5 6.8-6.10 9.15-9.17 10.1-10.7",
        "2.4 2.18 4.7 4.28 5.11 9.14 9.29 10.12",
    ),
    2025: (
        "1.1 1.28-2.4 4.4-4.6 5.1-5.5 5.31-6.2 10.1-10.8",
        "1.26 2.8 4.27 9.28 10.11",
    ),
    2026: (
        "1.1-1.3 2.15-2.23 4.4-4.6 5.1-5.5 6.19-6.21 9.25-9.27 10.1-10.7",
        "1.4 2.14 2.28 5.9 9.20 10.10",
    ),
}


def a_day(year: int, text: str) -> date:
    month, _, day = text.partition(".")
    return date(year, int(month), int(day))


def days_of(year: int, text: str) -> set[date]:
    found = set()
    for span in text.split():
        first, _, last = span.partition("-")
        day, end = a_day(year, first), a_day(year, last or first)
        while day <= end:
            found.add(day)
            day += timedelta(days=1)
    return found


@pytest.mark.parametrize("year", range(2017, CALENDAR.years[-1] + 1))
def test_every_day_of_the_year_is_worked_or_free_as_the_list_typed_by_hand_says(year: int) -> None:
    off, worked = (days_of(year, text) for text in BY_HAND[year])
    day, wrong = date(year, 1, 1), []
    while day.year == year:
        right = day in worked or (day.weekday() < 5 and day not in off)
        if CALENDAR.is_working(day) is not right:
            wrong.append(day)
        day += timedelta(days=1)
    assert wrong == []


@pytest.mark.parametrize(
    ("published", "length", "unit", "last"),
    [
        (date(2026, 3, 16), 3, Unit.DAYS, date(2026, 3, 19)),
        (date(2026, 3, 16), 5, Unit.WORKING_DAYS, date(2026, 3, 23)),
        (date(2026, 3, 16), 3, Unit.WORKING_DAYS, date(2026, 3, 19)),
        (date(2026, 3, 12), 3, Unit.DAYS, date(2026, 3, 16)),  # the 15th is a Sunday
        (date(2026, 4, 1), 5, Unit.WORKING_DAYS, date(2026, 4, 9)),  # over 清明
        (date(2026, 9, 29), 5, Unit.WORKING_DAYS, date(2026, 10, 12)),  # over 国庆, Saturday the 10th worked
        (date(2017, 9, 29), 1, Unit.WORKING_DAYS, date(2017, 9, 30)),  # a Saturday that is worked
        (date(2017, 1, 21), 1, Unit.DAYS, date(2017, 1, 22)),  # a Sunday that is worked
    ],
)
def test_terms_end_where_the_law_counts_them(published: date, length: int, unit: Unit, last: date) -> None:
    assert CALENDAR.last_day(published, length, unit) == last


def test_twenty_days_from_the_seventeenth_of_march_are_over_on_the_sixth_of_april_at_midnight() -> None:
    over = CALENDAR.nth_day(date(2026, 3, 17), 20, Unit.DAYS)
    assert over == date(2026, 4, 6)
    assert f"{end_of(date(2026, 4, 6)):%Y-%m-%dT%H:%M%z}" == "2026-04-07T00:00+0800"
    assert CALENDAR.latest_start(date(2026, 4, 6), 20, Unit.DAYS) == date(2026, 3, 17)


def test_the_latest_start_is_the_last_day_from_which_a_term_still_fits() -> None:
    day = date(2026, 9, 1)
    while day < date(2026, 11, 1):
        last = CALENDAR.nth_day(day, 3, Unit.WORKING_DAYS)
        assert isinstance(last, date)
        latest = CALENDAR.latest_start(last, 3, Unit.WORKING_DAYS)
        assert isinstance(latest, date)
        assert latest >= day
        assert CALENDAR.nth_day(latest, 3, Unit.WORKING_DAYS) == last
        assert CALENDAR.nth_day(latest + timedelta(days=1), 3, Unit.WORKING_DAYS) != last
        day += timedelta(days=1)


def test_a_year_without_data_is_unknown_and_never_guessed() -> None:
    first = CALENDAR.years[-1] + 1
    assert CALENDAR.is_working(date(first, 3, 3)) == UnknownYear(first)
    over_new_year = date(first - 1, 12, 30)
    assert CALENDAR.last_day(over_new_year, 5, Unit.WORKING_DAYS) == UnknownYear(first)
    assert CALENDAR.last_day(over_new_year, 3, Unit.DAYS) == UnknownYear(first)  # whether it rolls over is not known
    assert CALENDAR.nth_day(over_new_year, 3, Unit.DAYS) == date(first, 1, 2)  # counting alone asks no calendar
    assert CALENDAR.working_days_after(over_new_year, date(first, 1, 9)) == UnknownYear(first)
    assert str(first) in str(UnknownYear(first))


A_FILE = """
year = 2031
source = "国务院办公厅关于2031年部分节假日安排的通知"
holidays = ["2031-01-01", "2031-01-22", "2031-01-23", "2031-01-24", "2031-01-27", "2031-01-28", "2031-01-29"]
workdays = ["2031-01-19"]
"""


def test_a_file_for_a_year_makes_the_year_known(tmp_path: Path) -> None:
    folder = tmp_path / "rules" / "calendar"
    folder.mkdir(parents=True)
    (folder / "2031.toml").write_text(A_FILE, "utf-8")
    (folder / "template.toml").write_text("not a year", "utf-8")
    calendar = load_calendar(tmp_path)
    assert calendar.is_working(date(2031, 1, 19)) is True
    assert calendar.is_working(date(2031, 1, 22)) is False
    assert calendar.source(2031) == "国务院办公厅关于2031年部分节假日安排的通知"
    assert calendar.is_working(date(2017, 10, 2)) is False


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("year = 2031", "year = 2032", "name the file after its year"),
        ('"2031-01-19"', '"2031-01-22"', "both a holiday and a workday"),
        ('"2031-01-19"', '"2031-01-20"', "no Saturday or Sunday"),
        ('"2031-01-01", ', '"2030-01-01", ', "not in 2031"),
        ('"2031-01-01", ', "", "fewer than seven"),
        ("source", "sauce", "sauce"),
    ],
)
def test_a_wrong_file_is_refused_with_what_is_wrong(before: str, after: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        read_year(A_FILE.replace(before, after), "2031.toml")


def test_no_data_at_all_knows_no_year() -> None:
    assert Calendar({}).next_working(date(2026, 3, 16)) == UnknownYear(2026)
