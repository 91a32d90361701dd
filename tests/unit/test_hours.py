"""Windows of the week and quiet days: when a channel opens, and how long patience lasts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.hours import Quiet, Window, opens_at, parse_quiet, parse_window, patience
from publisher.notice import LOCAL

OFFICE = [parse_window("Mon-Fri 08:30-12:00"), parse_window("Mon-Fri 14:00-17:30")]
HOLIDAY = [parse_quiet("2017-12-07..2017-12-10")]


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """An instant of December 2017; the 4th is a Monday."""
    return datetime(2017, 12, day, hour, minute, tzinfo=LOCAL)


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        (at(4, 9), at(4, 9)),
        (at(4, 8, 29), at(4, 8, 30)),
        (at(4, 8, 30), at(4, 8, 30)),
        (at(4, 12), at(4, 14)),
        (at(4, 17, 30), at(5, 8, 30)),
        (at(6, 17, 30), at(11, 8, 30)),
        (at(9, 3), at(11, 8, 30)),
    ],
)
def test_a_channel_opens_at_the_next_window_that_is_on_no_quiet_day(moment: datetime, opens: datetime) -> None:
    assert opens_at(OFFICE, HOLIDAY, moment) == opens


def test_without_windows_only_quiet_days_are_closed() -> None:
    assert opens_at([], [], at(7, 3)) == at(7, 3)
    assert opens_at([], HOLIDAY, at(6, 23, 59)) == at(6, 23, 59)
    assert opens_at([], HOLIDAY, at(7)) == at(11)
    both = [*HOLIDAY, parse_quiet("2017-12-11")]
    assert opens_at([], both, at(8)) == at(12)


def test_days_are_local_whatever_zone_the_instant_is_given_in() -> None:
    assert opens_at(OFFICE, [], datetime(2017, 12, 4, 0, 29, tzinfo=UTC)) == at(4, 8, 30)
    assert opens_at([], HOLIDAY, datetime(2017, 12, 6, 16, 0, tzinfo=UTC)) == at(11)


def test_patience_counts_open_hours_only() -> None:
    assert patience([], [], at(4, 9), timedelta(hours=72)) == at(7, 9)
    assert patience(OFFICE, [], at(4, 9), timedelta(hours=3)) == at(4, 12)
    assert patience(OFFICE, [], at(4, 9), timedelta(hours=4)) == at(4, 15)
    assert patience(OFFICE, HOLIDAY, at(6, 17), timedelta(hours=1)) == at(11, 9)
    assert patience([], HOLIDAY, at(6, 12), timedelta(hours=72)) == at(13, 12)


def test_windows_that_overlap_are_counted_once() -> None:
    twice = [parse_window("Mon 08:00-12:00"), parse_window("daily 10:00-13:00")]
    assert patience(twice, [], at(4, 8), timedelta(hours=5)) == at(4, 13)


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("Mon-Fri 08:30-17:30", Window(frozenset(range(5)), 510, 1050)),
        ("sat  09:00-24:00", Window(frozenset({5}), 540, 1440)),
        ("Fri-Mon 00:00-01:00", Window(frozenset({4, 5, 6, 0}), 0, 60)),
        ("daily 08:00-20:00", Window(frozenset(range(7)), 480, 1200)),
    ],
)
def test_windows_are_read_as_people_write_them(text: str, window: Window) -> None:
    assert parse_window(text) == window


@pytest.mark.parametrize(
    "text",
    ["", "Mon", "08:30-17:30", "Mon-Fri 17:30-08:30", "Mon 08:60-09:00", "Mon 08:00-24:01", "Mun 08:00-09:00"],
)
def test_what_is_no_window_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match=r"write|known"):
        parse_window(text)


@pytest.mark.parametrize("text", ["", "2017-12-32", "2017-12-10..2017-12-09", "2017-01-01..2019-01-01", "tomorrow"])
def test_what_are_no_quiet_days_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"write|begin"):
        parse_quiet(text)
    assert parse_quiet("2017-10-01") == Quiet(date(2017, 10, 1), date(2017, 10, 1))


@given(
    st.timedeltas(timedelta(0), timedelta(days=500)),
    st.lists(st.sampled_from(["Mon-Fri 08:30-17:30", "Sat 09:00-12:00", "daily 06:00-07:00"]), max_size=3),
    st.lists(st.sampled_from(["2017-10-01..2017-10-07", "2018-02-15..2018-02-21", "2017-12-04"]), max_size=3),
)
def test_what_has_opened_is_open_and_nothing_opens_in_the_past(
    later: timedelta, windows: list[str], quiet: list[str]
) -> None:
    moment = datetime(2017, 9, 1, tzinfo=LOCAL) + later
    hours, days = [parse_window(text) for text in windows], [parse_quiet(text) for text in quiet]
    opens = opens_at(hours, days, moment)
    assert opens >= moment
    assert opens_at(hours, days, opens) == opens
    local = opens.astimezone(LOCAL)
    assert not any(q.first <= local.date() <= q.last for q in days)
    minute = local.hour * 60 + local.minute
    assert not hours or any(local.weekday() in w.days and w.begins <= minute < w.ends for w in hours)
    assert patience(hours, days, moment, timedelta(hours=5)) >= moment + timedelta(hours=5)
