"""What an empty count proves: whether the program ran in the time that was asked about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

from publisher.cli.output import shown
from publisher.counts.queries import Span
from publisher.counts.views import Life
from publisher.notice import LOCAL

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_SHOWN = 5
_PAUSE = timedelta(minutes=5)
"""A restart takes less; a longer time without a sign of life is one in which nothing can be said."""


def instants(span: Span, now: datetime) -> tuple[datetime, datetime]:
    """The instants at which a span of local days begins and ends; the end is not after `now`."""
    first = datetime.combine(span.first, time(), LOCAL) if span.first else _BEGINNING
    last = datetime.combine(span.last + timedelta(days=1), time(), LOCAL) if span.last else now
    return first, max(first, min(last, span.as_of or now, now))


def of_nothing(lives: Sequence[Life], since: datetime, until: datetime) -> str:
    """What is said of a time in which nothing was published."""
    if not lives:
        return "0 件；这段时间没有程序运行的记录，不能说明没有公告"
    times = "，".join(f"{shown(life.since)} 至 {shown(life.until)}" for life in lives[-_SHOWN:])
    if len(lives) > _SHOWN:
        times = f"{times}（共 {len(lives)} 段，此为最后 {_SHOWN} 段）"
    if _covers(lives, since, until):
        return f"0 件，程序运行正常（心跳为据：{times}）"
    return f"0 件；程序仅在 {times} 运行，其余时间不能说明没有公告"


def _covers(lives: Sequence[Life], since: datetime, until: datetime) -> bool:
    """Whether some daemon ran all the time, but for pauses of a restart."""
    reached = since
    for life in lives:
        if life.since > reached + _PAUSE:
            return False
        reached = max(reached, life.until)
    return reached + _PAUSE >= until
