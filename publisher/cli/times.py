"""Days and instants as people type them; local time unless an offset is given."""

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, time, timedelta

from publisher.counts.queries import Span
from publisher.errors import SettingsError
from publisher.notice import LOCAL
from publisher.settings import parse_duration

YEARS = range(1970, 3000)
"""Years in which days can lie; what is outside is a slip of the pen, and clocks cannot reckon with all of it."""


def span_of(first: str | None, last: str | None, as_of: str | None, now: datetime) -> Span:
    """The span of --from, --to and --as-of. Raises SettingsError, also for an end before its beginning."""
    begin, end = first_day(first, "--from"), last_day(last, "--to")
    if begin is not None and end is not None and end < begin:
        raise SettingsError(f"--from {first} is after --to {last}: no day lies between; change one of them")
    return Span(begin, end, state_of(as_of, now))


def state_of(text: str | None, now: datetime) -> datetime | None:
    """The instant of --as-of, or the end of a day, month or year. Raises SettingsError if it has not yet begun."""
    moment = end_of(text, "--as-of")
    begun = moment if text is None or not _is_period(text) else _beginning(text)
    if begun is not None and begun > now:
        raise SettingsError(f"--as-of {text}: lies in time to come; leave it out for what is recorded now")
    return moment


def _is_period(text: str) -> bool:
    return re.fullmatch(r"\d{4}(-\d{1,2}){0,2}", text.strip()) is not None


def _beginning(text: str) -> datetime:
    return datetime.combine(_days(text, "--as-of")[0], time(), LOCAL)


def first_day(text: str | None, option: str) -> date | None:
    """The first day of a day, month (YYYY-MM) or year (YYYY). Raises SettingsError."""
    return None if text is None else _days(text, option)[0]


def last_day(text: str | None, option: str) -> date | None:
    """The last day of a day, month or year. Raises SettingsError."""
    return None if text is None else _days(text, option)[1]


def _days(text: str, option: str) -> tuple[date, date]:
    match = re.fullmatch(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?", text.strip())
    try:
        if match is None:
            raise ValueError
        year, month, day = (int(part) if part else None for part in match.groups())
        assert year is not None  # the pattern has it
        if year not in YEARS:
            raise SettingsError(f"{option} {text}: is no year that can be meant; write one from 1970 to 2999")
        if month is None:
            return date(year, 1, 1), date(year, 12, 31)
        if day is None:
            return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
        return date(year, month, day), date(year, month, day)
    except ValueError as error:
        raise SettingsError(f"{option} {text}: is no day; write 2017-12-04, 2017-12 or 2017") from error


def instant(text: str, option: str) -> datetime:
    """An instant such as `2017-12-04 10:30`; local without an offset. Raises SettingsError."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise SettingsError(f'{option} {text}: is no instant; write "2017-12-04 10:30"') from error
    if moment.year not in YEARS:
        raise SettingsError(f"{option} {text}: is no year that can be meant; write one from 1970 to 2999")
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=LOCAL)


def duration(text: str, option: str) -> timedelta:
    """A length of time such as `3d`. Raises SettingsError."""
    try:
        return parse_duration(text.strip())
    except ValueError as error:
        raise SettingsError(f"{option} {text}: {error}") from error


def end_of(text: str | None, option: str) -> datetime | None:
    """An instant; a day, month or year stands for its very end."""
    if text is None:
        return None
    if _is_period(text):
        return datetime.combine(_days(text, option)[1], time.max, LOCAL)
    return instant(text, option)
