"""Which days are worked, and where a term of days ends.

The days come from the State Council's yearly notice: by way of the library `chinesecalendar`, or from a file
`config/rules/calendar/<year>.toml`, which wins over the library. A year without either is `UnknownYear`: nothing
here ever falls back to "Monday to Friday".

How days are counted: the day on which a term starts is not counted (民法典 第二百零一条); a last day that is a rest
day moves to the next working day (第二百零三条; 财政部令第87号 第八十五条), and the last day ends at 24:00.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path

from chinese_calendar import constants
from pydantic import BaseModel, ConfigDict, ValidationError

from publisher.errors import SettingsError
from publisher.notice import LOCAL

_DAY = timedelta(days=1)


class Unit(StrEnum):
    """What a term is counted in."""

    DAYS = "days"
    WORKING_DAYS = "working_days"

    @property
    def label(self) -> str:
        """The word in the law."""
        return "个工作日" if self is Unit.WORKING_DAYS else "日"


@dataclass(frozen=True, slots=True)
class UnknownYear:
    """The answer where a term touches a year without data; never to be read as a day."""

    year: int

    def __str__(self) -> str:
        return (
            f"没有 {self.year} 年的工作日历，无法计算；请放入 rules/calendar/{self.year}.toml（国务院办公厅当年通知）"
        )


@dataclass(frozen=True, slots=True)
class Year:
    """One year's exceptions from the week: rest days on weekdays (and weekends), and weekend days that are worked."""

    holidays: frozenset[date]
    workdays: frozenset[date]
    source: str


class Calendar:
    """Working days of the years it has data for."""

    def __init__(self, years: Mapping[int, Year]) -> None:
        self._years = dict(years)

    @property
    def years(self) -> tuple[int, ...]:
        """The years with data, ascending."""
        return tuple(sorted(self._years))

    def source(self, year: int) -> str | UnknownYear:
        """Where a year's days come from."""
        return self._years[year].source if year in self._years else UnknownYear(year)

    def is_working(self, day: date) -> bool | UnknownYear:
        """Whether a day is worked."""
        year = self._years.get(day.year)
        if year is None:
            return UnknownYear(day.year)
        return day in year.workdays or (day.weekday() < 5 and day not in year.holidays)

    def working_days_after(self, start: date, last: date) -> int | UnknownYear:
        """How many working days lie in (start, last]: the start day is not counted."""
        count, day = 0, start
        while day < last:
            day += _DAY
            worked = self.is_working(day)
            if isinstance(worked, UnknownYear):
                return worked
            count += worked
        return count

    def nth_day(self, start: date, length: int, unit: Unit) -> date | UnknownYear:
        """The `length`th day after `start`, the start day not counted; nothing rolls over."""
        if unit is Unit.DAYS:
            return start + length * _DAY
        day, left = start, length
        while left:
            day += _DAY
            worked = self.is_working(day)
            if isinstance(worked, UnknownYear):
                return worked
            left -= worked
        return day

    def last_day(self, start: date, length: int, unit: Unit) -> date | UnknownYear:
        """The last day of a term: as `nth_day`, and a last day that is a rest day moves to the next working day."""
        day = self.nth_day(start, length, unit)
        return day if isinstance(day, UnknownYear) else self.next_working(day)

    def next_working(self, day: date) -> date | UnknownYear:
        """`day` if it is worked, else the next day that is."""
        while not (worked := self.is_working(day)):
            day += _DAY
        return worked if isinstance(worked, UnknownYear) else day

    def latest_start(self, last: date, length: int, unit: Unit) -> date | UnknownYear:
        """The latest start day from which a term of `length` (not rolled over) ends by `last`."""
        if unit is Unit.DAYS:
            return last - length * _DAY
        day, left = last, length
        while True:
            worked = self.is_working(day)
            if isinstance(worked, UnknownYear):
                return worked
            left -= worked
            day -= _DAY
            if not left:
                return day


def end_of(day: date) -> datetime:
    """The instant at which a local day is over (24:00)."""
    return datetime.combine(day + _DAY, time(), LOCAL)


# ---- where the days come from


class _YearFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    year: int
    source: str
    holidays: tuple[date, ...]
    workdays: tuple[date, ...] = ()


@functools.cache
def _library_years() -> Mapping[int, Year]:
    """The years that the library knows; it has its dates from the State Council's notices."""
    return {
        year: Year(_of(constants.holidays, year), _of(constants.workdays, year), "chinesecalendar")
        for year in sorted({day.year for day in constants.holidays})
    }


def _of(days: Iterable[date], year: int) -> frozenset[date]:
    return frozenset(day for day in days if day.year == year)


def read_year(text: str, name: str) -> tuple[int, Year]:
    """A year from the text of `<year>.toml`. Raises SettingsError."""
    try:
        data = _YearFile.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise SettingsError(f"rules/calendar/{name}: {error}") from error
    wrong = _wrong_in(data, name)
    if wrong:
        raise SettingsError(f"rules/calendar/{name}: {wrong}")
    return data.year, Year(frozenset(data.holidays), frozenset(data.workdays), data.source)


def _wrong_in(data: _YearFile, name: str) -> str:
    if name != f"{data.year}.toml":
        return f"holds the year {data.year}; name the file after its year"
    for day in (*data.holidays, *data.workdays):
        if day.year != data.year:
            return f"{day} is not in {data.year}; put each day into the file of its own year"
    if both := sorted(set(data.holidays) & set(data.workdays)):
        return f"{both[0]} is both a holiday and a workday; take one out"
    if idle := [day for day in data.workdays if day.weekday() < 5]:
        return f"workdays holds {idle[0]}, which is no Saturday or Sunday; workdays lists weekend days that are worked"
    if len(data.holidays) < 7:
        return "fewer than seven holidays cannot be a whole year; copy them all from the notice"
    return ""


_NAME = re.compile(r"[0-9]{4}\.toml")


def _files(folder: Path | None) -> Iterator[tuple[str, str]]:
    shipped = importlib.resources.files("config").joinpath("rules/calendar")
    if shipped.is_dir():
        for one in sorted(shipped.iterdir(), key=lambda one: one.name):
            if _NAME.fullmatch(one.name):
                yield one.name, one.read_text("utf-8")
    own = folder / "rules" / "calendar" if folder else None
    for path in sorted(own.glob("*.toml")) if own and own.is_dir() else ():
        if _NAME.fullmatch(path.name):
            yield path.name, path.read_text("utf-8-sig")


def load_calendar(folder: Path | None = None) -> Calendar:
    """The library's years, then the shipped files, then those of the settings folder; the later wins.

    Raises SettingsError.
    """
    return Calendar({**_library_years(), **dict(read_year(text, name) for name, text in _files(folder))})
