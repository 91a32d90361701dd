"""Dates as sites and feeds print them, by explicit forms and with Asia/Shanghai where no zone is stated.

Libraries guess: a time without a zone becomes UTC (eight hours off), `CST` US Central (fourteen
hours off), `2017年4月1日` a day of the present month. Here what has no known form is None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

from publisher.notice import LOCAL

_ZONES = {
    "z": UTC,
    "utc": UTC,
    "ut": UTC,
    "gmt": UTC,
    "cst": LOCAL,  # on the sites read here: China Standard Time
    "北京时间": LOCAL,
}
_MONTHS = {
    name: number
    for number, names in enumerate(
        [
            ("jan", "一月"),
            ("feb", "二月"),
            ("mar", "三月"),
            ("apr", "四月"),
            ("may", "五月"),
            ("jun", "六月"),
            ("jul", "七月"),
            ("aug", "八月"),
            ("sep", "九月"),
            ("oct", "十月"),
            ("nov", "十一月"),
            ("dec", "十二月"),
        ],
        start=1,
    )
    for name in names
}
_TIME = r"(?P<hour>\d{1,2})(?::|时|點|点)(?P<minute>\d{2})分?(?::?(?P<second>\d{2})秒?(?:\.\d+)?)?"
_ZONE = r"\s*(?P<zone>[+-]\d{2}:?\d{2}|[A-Za-z]{1,4}|北京时间)?"
_NUMERIC = re.compile(
    rf"(?P<year>\d{{4}})([-/.年])(?P<month>\d{{1,2}})[-/.月](?P<day>\d{{1,2}})日?(?:[T\s]*{_TIME}{_ZONE})?"
)
_RFC822 = re.compile(
    rf"(?:[^\s,，\d]+[,，]?\s*)?(?P<day>\d{{1,2}})\s+(?P<month>[A-Za-z]{{3}}[a-z]*|[一二三四五六七八九十]+月|\d{{1,2}}月)\s+"
    rf"(?P<year>\d{{4}})(?:\s+{_TIME}{_ZONE})?"
)
_EPOCH = re.compile(r"\d{10}(?P<thousandths>\d{3})?")


def read_when(text: str) -> datetime | date | None:
    """The instant (aware, local) or the day that `text` states; None if it states none in a known form.

    Known forms: RFC 3339 and its relatives with `-`, `/`, `.` or 年月日; RFC 822, also with Chinese
    names; seconds or milliseconds since 1970. Without a zone the time is Asia/Shanghai.
    """
    text = text.strip()
    if found := _EPOCH.fullmatch(text):
        seconds = int(text[:10])
        return datetime.fromtimestamp(seconds, LOCAL)
    for form, month_of in ((_NUMERIC, int), (_RFC822, _month)):
        if found := form.fullmatch(text):
            return _when(found, month_of)
    return None


def instant(text: str | None) -> datetime | None:
    """The instant that a site prints in ISO form; without a zone it is local time. None for anything else."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)


def _month(name: str) -> int:
    if name[:-1].isdigit():
        return int(name[:-1])
    return _MONTHS.get(name.lower() if name.endswith("月") else name.lower()[:3], 0)


def _when(found: re.Match[str], month_of: Callable[[str], int]) -> datetime | date | None:
    zone = _zone(found["zone"])
    try:
        day = date(int(found["year"]), month_of(found["month"]), int(found["day"]))
        if found["hour"] is None:
            return day
        if zone is None:
            return None
        clock = (int(found["hour"]), int(found["minute"]), int(found["second"] or 0))
        return datetime(day.year, day.month, day.day, *clock, tzinfo=zone).astimezone(LOCAL)
    except (ValueError, OverflowError):
        return None


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return LOCAL
    if text[0] in "+-":
        digits = text[1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        return timezone(-offset if text[0] == "-" else offset)
    return _ZONES.get(text.lower())
