"""Dates and times as Chinese notices print them, also when white space cuts them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from publisher.notice import LOCAL

_DAY = (
    r"(?P<y>(?:[2２]\s?[0０]|[1１]\s?[9９])\s?\d\s?\d)\s*[年\-/.．－]\s*(?P<m>\d\s?\d|\d)\s*[月\-/.．－]"
    r"\s*(?P<d>[0-3０-３]\s?\d(?!\d)|\d)\s*[日号]?"
)
_CLOCK = (
    r"(?:[（(][^）)]{1,6}[）)])?[,，T\s]*(?P<half>上午|下午|中午|晚上)?\s*(?P<h>[0-2０-２]?\d)\s*"
    r"(?:[:：]\s*(?P<n>[0-5]\d)(?:\s*[:：]\s*(?P<s>[0-5]\d))?"
    r"|[时点]\s*(?:(?P<n2>[0-5]?\d)\s*分?|(?P<half_hour>半))?(?:\s*(?P<s2>[0-5]?\d)\s*秒)?)"
)
_MOMENT = re.compile(rf"(?<!\d){_DAY}(?:{_CLOCK})?")
_HALF_WIDTH = {0xFF10 + digit: str(digit) for digit in range(10)} | {0xFF1A: ":", 0xFF0D: "-", 0xFF0E: ".", 0xFF0F: "/"}
_WRITTEN_HINT = re.compile(r"[二一][〇○零OＯ0九]")
_NUMERAL = "[〇○零一二三四五六七八九十]"
_WRITTEN = re.compile(
    rf"(?P<y>[二一][〇○零OＯ0九][〇○零OＯ0一二三四五六七八九]{{2}})\s*年\s*(?P<m>{_NUMERAL}{{1,3}})\s*月\s*(?P<d>{_NUMERAL}{{1,3}})\s*日"
)
_WRITTEN_CLOCK = re.compile(
    rf"[（(]?[^）)\d]{{0,4}}[）)]?\s*(?P<half>上午|下午|中午|晚上)?\s*(?P<h>{_NUMERAL}{{1,3}})\s*[时点]"
    rf"\s*(?:(?P<n>{_NUMERAL}{{1,3}})\s*分|(?P<half_hour>半)|整)?(?P<n2>)"
)
_CLOCK_BEHIND = re.compile(_CLOCK)
_LATER = re.compile(rf"\s*(?:(?P<m>\d{{1,2}})\s*月\s*)?(?P<d>\d{{1,2}})\s*日\s*(?:{_CLOCK})?")
_TO = re.compile(r"[\s（(]*(?:北京时间|工作时间)?[）)]?[，,]?\s*(?:开始|起)?\s*(?:至|到|—+|–+|-+|~|～|－)\s*(?:于)?\s*")


@dataclass(frozen=True, slots=True)
class Moment:
    """A printed date (`value` a date) or date and time (`value` an aware local datetime), and where it stands."""

    value: datetime | date
    start: int
    end: int
    raw: str

    @property
    def day(self) -> date:
        """The local day."""
        return day_of(self.value)


def day_of(value: datetime | date) -> date:
    """The local day of a date or instant."""
    return value.astimezone(LOCAL).date() if isinstance(value, datetime) else value


def moments(text: str) -> tuple[Moment, ...]:
    """Every full date in `text`, with its time where one follows. Impossible dates are left out."""
    printed, text = text, text.translate(_HALF_WIDTH)
    found = []
    for match in _MOMENT.finditer(text):
        moment = _moment(match, int(_digits(match["y"])), int(_digits(match["m"])), int(_digits(match["d"])))
        if moment:
            found.append(_with_written_time(moment, text) if match["h"] is None else moment)
    if "月" in text and _WRITTEN_HINT.search(text):
        found = sorted([*found, *_written(text)], key=lambda moment: moment.start)
    if printed != text:
        found = [replace(moment, raw=printed[moment.start : moment.end]) for moment in found]
    return tuple(found)


def _written(text: str) -> Iterator[Moment]:
    """Dates in Chinese figures: 二〇二四年三月五日上午九时三十分."""
    for match in _WRITTEN.finditer(text):
        year = int("".join(str(_FIGURES[char]) for char in match["y"]))
        clock = _WRITTEN_CLOCK.match(text, match.end()) or _CLOCK_BEHIND.match(text, match.end())
        try:
            at = date(year, _number(match["m"]), _number(match["d"]))
            value: datetime | date = _written_time(at, clock) if clock else at
        except ValueError:
            continue
        end = clock.end() if clock else match.end()
        yield Moment(value, match.start(), end, text[match.start() : end])


def _with_written_time(day: Moment, text: str) -> Moment:
    """2024年3月5日上午九时三十分: figures in the date, Chinese ones in the time."""
    clock = _WRITTEN_CLOCK.match(text, day.end)
    if clock is None:
        return day
    try:
        value = _written_time(day.day, clock)
    except ValueError:
        return day
    return Moment(value, day.start, clock.end(), text[day.start : clock.end()])


def _written_time(at: date, clock: re.Match[str]) -> datetime:
    hour = _number(clock["h"])
    minute = 30 if clock["half_hour"] else _number(clock["n"] or clock["n2"] or "0")
    hour += 12 if clock["half"] in ("下午", "晚上") and hour < 12 else 0
    return datetime(at.year, at.month, at.day, hour, minute, tzinfo=LOCAL)


_FIGURES = {char: value for value, char in enumerate("〇一二三四五六七八九")} | {
    "零": 0,
    "○": 0,
    "O": 0,
    "Ｏ": 0,
    "0": 0,
}


def _number(text: str) -> int:
    """九 → 9, 十五 → 15, 三十 → 30, 09 → 9. Raises `ValueError` for what is none."""
    if text.isdecimal():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    try:
        if not ten:
            return int("".join(str(_FIGURES[char]) for char in text))
        return (_FIGURES[tens] if tens else 1) * 10 + (_FIGURES[ones] if ones else 0)
    except KeyError:
        raise ValueError(text) from None


def first_moment(text: str) -> Moment | None:
    """The first full date of `text`, or None."""
    found = moments(text)
    return found[0] if found else None


def spans(text: str) -> tuple[tuple[Moment, Moment], ...]:
    """Every range `A至B` in `text`; B may leave out the year and month of A."""
    text = text.translate(_HALF_WIDTH)
    found = []
    for begin in moments(text):
        link = _TO.match(text, begin.end)
        if not link:
            continue
        end = next((m for m in moments(text[link.end() :]) if m.start <= 1), None)
        if end:
            end = Moment(end.value, end.start + link.end(), end.end + link.end(), end.raw)
        else:
            end = _short_end(text, link.end(), begin)
        if end:
            found.append((begin, end))
    return tuple(found)


def _short_end(text: str, at: int, begin: Moment) -> Moment | None:
    match = _LATER.match(text, at)
    if not match:
        return None
    month = int(match["m"]) if match["m"] else begin.day.month
    return _moment(match, begin.day.year, month, int(match["d"]))


def _digits(text: str) -> str:
    return re.sub(r"\s", "", text)


def _moment(match: re.Match[str], year: int, month: int, day: int) -> Moment | None:
    try:
        at = date(year, month, day)
    except ValueError:
        return None
    raw = match.group(0)
    value: datetime | date = at
    if match["h"] is not None:
        timed = _timed(at, match)
        if timed is None:
            return None
        value = timed
    return Moment(value, match.start(), match.start() + len(raw.rstrip()), raw.strip())


def _timed(at: date, match: re.Match[str]) -> datetime | None:
    hour = int(match["h"])
    minute = 30 if match["half_hour"] else int(match["n"] or match["n2"] or 0)
    second = int(match["s"] or match["s2"] or 0)
    if match["half"] in ("下午", "晚上") and hour < 12:
        hour += 12
    if hour == 24 and minute == second == 0:
        return datetime(at.year, at.month, at.day, tzinfo=LOCAL) + timedelta(days=1)
    if hour > 23:
        return None
    return datetime(at.year, at.month, at.day, hour, minute, second, tzinfo=LOCAL)
