"""Dates as sites print them."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from channels.kit.dates import read_when
from publisher.notice import LOCAL

NINE = datetime(2017, 4, 1, 9, 0, tzinfo=LOCAL)


@pytest.mark.parametrize(
    "text",
    [
        "2017-04-01T09:00:00+08:00",
        "2017-04-01T09:00:00.123+08:00",
        "2017-04-01T01:00:00Z",
        "2017-04-01 09:00:00",
        "2017-04-01 09:00",
        "2017/04/01 09:00",
        "2017/4/1 9:00",
        "2017.04.01 09:00",
        "2017年4月1日9时00分",
        "2017年4月1日 09:00",
        "2017年04月01日 09时00分00秒",
        "2017年4月1日9时00分北京时间",
        "Sat, 01 Apr 2017 09:00:00 +0800",
        "Sat, 01 Apr 2017 09:00:00 CST",
        "Sat, 01 Apr 2017 01:00:00 GMT",
        "1 Apr 2017 09:00",
        "1 April 2017 09:00",
        "星期六, 01 四月 2017 09:00:00 +0800",
        "周六, 01 4月 2017 09:00:00 +0800",
        "Fri, 31 Mar 2017 21:00:00 -0400",
        "1491008400",
        "1491008400000",
        "  2017-04-01 09:00:00  ",
    ],
)
def test_every_known_form_is_the_same_instant(text: str) -> None:
    assert read_when(text) == NINE


def test_an_instant_is_given_in_local_time() -> None:
    assert str(read_when("2017-12-03T16:30:00Z")) == "2017-12-04 00:30:00+08:00"


@pytest.mark.parametrize("text", ["2017-04-01", "2017/4/1", "2017年4月1日", "01 Apr 2017", "Sat, 01 Apr 2017"])
def test_a_day_alone_stays_a_day(text: str) -> None:
    when = read_when(text)
    assert when == date(2017, 4, 1)
    assert not isinstance(when, datetime)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "昨天",
        "2017-13-01",
        "2017-02-30 09:00",
        "2017-04-01 25:00",
        "17-04-01 09:00",
        "01 Foo 2017",
        "Sat, 01 Apr 2017 09:00:00 XYZ",
        "2017年4月1日前后",
        "149100840",
    ],
)
def test_what_has_no_known_form_is_never_guessed(text: str) -> None:
    assert read_when(text) is None


def test_a_time_without_zone_is_not_utc() -> None:
    assert read_when("2017-04-01 09:00:00") != datetime(2017, 4, 1, 9, tzinfo=UTC)
