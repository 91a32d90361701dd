"""By when a delivery must be public on its channel."""

from __future__ import annotations

from datetime import datetime

from publisher.notice import LOCAL
from publisher.rules.calendar import Calendar, Unit, UnknownYear, end_of
from publisher.settings import ChannelSettings


def deadline(base: datetime, channel: ChannelSettings, calendar: Calendar) -> datetime:
    """The instant by which the notice must be public on the channel.

    With `due_working_days`, the end of that many working days after the base instant (财政部令第101号 第十三条: one
    working day from receipt); else the base instant plus `due_within` (发改委令第10号 第十一条: twelve hours from
    receipt for a medium that takes exchanged data). The base is when the text was handed in, or the wished instant
    of publication if that is later. Where the calendar of a year is missing the working days are not guessed: the
    shorter `due_within` stands (and the alarm `calendar`). Raises ValueError for an instant without a zone.
    """
    if base.tzinfo is None:
        raise ValueError("a deadline needs an instant with a zone")
    if channel.due_working_days is not None:
        last = calendar.nth_day(base.astimezone(LOCAL).date(), channel.due_working_days, Unit.WORKING_DAYS)
        if not isinstance(last, UnknownYear):
            return end_of(last)
    return base + channel.due_within
