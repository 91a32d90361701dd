"""When a channel may be published on: windows of the week and quiet days, in local time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from publisher.notice import LOCAL

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW = re.compile(r"([a-z]{3,5})(?:-([a-z]{3}))? ([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")
_WHOLE_DAY = 24 * 60
_LONGEST_QUIET = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of certain days of the week (0: Monday), in minutes since local midnight."""

    days: frozenset[int]
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class Quiet:
    """Local days on which nothing is published, the last one included."""

    first: date
    last: date


def parse_window(value: object) -> Window:
    """A window as written in the settings, such as "Mon-Fri 08:30-17:30" or "daily 08:00-24:00".

    Raises ValueError for anything else.
    """
    if isinstance(value, Window):
        return value
    match = _WINDOW.fullmatch(" ".join(value.casefold().split())) if isinstance(value, str) else None
    if match is None:
        raise ValueError('is no window; write days and times, such as "Mon-Fri 08:30-17:30", "Sat 09:00-12:00"')
    first, last, *times = match.groups()
    hours = [int(part) for part in times]
    begins, ends = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if hours[1] > 59 or hours[3] > 59 or not begins < ends <= _WHOLE_DAY:
        raise ValueError("must begin before it ends, within one day; write two windows for a night")
    return Window(_days(first, last), begins, ends)


def _days(first: str, last: str | None) -> frozenset[int]:
    if first == "daily" and last is None:
        return frozenset(range(7))
    if first not in _DAYS or (last is not None and last not in _DAYS):
        raise ValueError(f"names no days of the week; known are {', '.join(d.title() for d in _DAYS)} and daily")
    start, end = _DAYS.index(first), _DAYS.index(last or first)
    return frozenset((start + step) % 7 for step in range((end - start) % 7 + 1))


def parse_quiet(value: object) -> Quiet:
    """Quiet days as written in the settings: "2026-10-01..2026-10-07", or one day. Raises ValueError."""
    if isinstance(value, Quiet):
        return value
    try:
        first, _, last = str(value).partition("..")
        quiet = Quiet(date.fromisoformat(first.strip()), date.fromisoformat((last or first).strip()))
    except ValueError:
        raise ValueError('is no stretch of days; write "2026-10-01..2026-10-07" or "2026-10-01"') from None
    if not timedelta(0) <= quiet.last - quiet.first <= _LONGEST_QUIET:
        raise ValueError("must begin before it ends, and last a year at most; to switch a channel off: enabled = false")
    return quiet


def opens_at(windows: Sequence[Window], quiet: Sequence[Quiet], moment: datetime) -> datetime:
    """The first instant from `moment` on at which may be published: `moment` itself if that is open."""
    if not windows and not quiet:
        return moment
    begins, _ = next(_stretches(windows, quiet, moment))
    return begins


def patience(windows: Sequence[Window], quiet: Sequence[Quiet], moment: datetime, span: timedelta) -> datetime:
    """When `span` of open time has passed since `moment`: closed hours are nobody's delay."""
    if not windows and not quiet:
        return moment + span
    left = span
    for begins, ends in _stretches(windows, quiet, moment):
        if ends - begins >= left:
            return begins + left
        left -= ends - begins
    raise AssertionError("stretches never end")


def _stretches(
    windows: Sequence[Window], quiet: Sequence[Quiet], moment: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """The open stretches from `moment` on, in order, cut at `moment`; without end."""
    day = moment.astimezone(LOCAL).date()
    while True:
        silent = [q.last for q in quiet if q.first <= day <= q.last]
        if silent:
            day = max(silent) + timedelta(days=1)
            continue
        midnight = datetime.combine(day, time.min, LOCAL)
        after = moment
        for begins, ends in sorted((w.begins, w.ends) for w in windows if day.weekday() in w.days) or _all(windows):
            start = max(after, midnight + timedelta(minutes=begins))
            end = midnight + timedelta(minutes=ends)
            if start < end:
                yield start, end
                after = end
        day += timedelta(days=1)


def _all(windows: Sequence[Window]) -> list[tuple[int, int]]:
    """Without windows, the whole day is open."""
    return [] if windows else [(0, _WHOLE_DAY)]
