"""Dates in their natural order, and sections in the official one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime

from publisher.errors import Reason
from publisher.notice import LOCAL, Kind, Notice
from publisher.rules.book import Sections
from publisher.rules.row import Finding

_NUMBERED = re.compile(
    r"^\s*(?:[一二三四五六七八九十]{1,3}\s*[、.．]|[（(][一二三四五六七八九十]{1,3}[）)])\s*(.{2,60})"
)

Moment = datetime | date


def _later(one: Moment | None, other: Moment | None) -> bool:
    """Whether `one` is after `other`; a day and an instant are compared by day."""
    if one is None or other is None:
        return False
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one > other
    return _day(one) > _day(other)


def _day(moment: Moment) -> date:
    return moment.astimezone(LOCAL).date() if isinstance(moment, datetime) else moment


def _written(moment: Moment | None) -> str:
    if isinstance(moment, datetime):
        return f"{moment.astimezone(LOCAL):%Y-%m-%d %H:%M}"
    return f"{moment:%Y-%m-%d}" if moment else ""


def date_findings(notice: Notice) -> Iterator[Finding]:
    """Each pair of dates that stands the wrong way round."""
    d = notice.dates
    bids = notice.kind is Kind.BID_ANNOUNCEMENT
    pairs: list[tuple[str, str, Moment | None, str, Moment | None]] = [
        ("documents_from", "获取文件的开始时间", d.documents_from, "获取文件的结束时间", d.documents_until),
        ("documents_from", "获取文件的开始时间", d.documents_from, "投标截止时间", d.bid_deadline),
        ("documents_until", "获取文件的结束时间", d.documents_until, "投标截止时间", d.bid_deadline),
        ("publicity", "公示开始日期", d.publicity_start, "公示结束日期", d.publicity_end),
        ("contract_signed_on", "合同签订日期", d.contract_signed_on, "本公告日期", d.printed_on),
        ("award_decided_on", "定标日期", d.award_decided_on, "本公告日期", d.printed_on),
    ]
    if bids:
        pairs.append(("bid_opening", "投标截止时间", d.bid_deadline, "开标时间", d.bid_opening))
        pairs.append(("bid_deadline", "本公告日期", d.printed_on, "投标截止时间", d.bid_deadline))
    if notice.original is not None:
        first = notice.original.first_published
        pairs.append(("first_published", "首次公告日期", first, "本公告日期", d.printed_on))
    for field, earlier_name, earlier, later_name, later in pairs:
        if _later(earlier, later):
            detail = f"{earlier_name}（{_written(earlier)}）晚于{later_name}（{_written(later)}），请核对。"
            yield Finding("dates.order", Reason.DATE_SUSPECT, detail, field)


def section_findings(notice: Notice, sections: Sequence[Sections], day: date | None) -> Iterator[Finding]:
    """The first section of the notice that stands before one it should follow."""
    for form in sections:
        if not form.in_force(day) or not form.asked_of(notice):
            continue
        highest, before = -1, ""
        for number, line in enumerate(notice.text.split("\n"), 1):
            match = _NUMBERED.match(line)
            if match is None:
                continue
            rank = next((i for i, like in enumerate(form.headings) if re.search(like, match[1][:24])), None)
            if rank is None:
                continue
            if rank < highest:
                detail = f"“{_short(match[1])}”应在“{_short(before)}”之前（{form.source}）。"
                yield Finding(form.id, Reason.SECTION_ORDER, detail, "body_html", f"正文第 {number} 行")
                return
            highest, before = max(rank, highest), match[1] if rank >= highest else before
        return


def _short(heading: str) -> str:
    return re.split(r"[：:\t，,。]", heading.strip())[0][:20]
