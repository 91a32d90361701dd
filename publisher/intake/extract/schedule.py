"""Dates of the procedure: documents, deadline, opening, publicity, award and contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime

from publisher.intake.extract.dates import Moment, first_moment, moments, spans
from publisher.intake.extract.facts import Facts
from publisher.intake.extract.pieces import Pair
from publisher.intake.extract.source import Source
from publisher.notice import Form, Kind, ProjectClass

_NOT_BIDS = re.compile(r"保证金|报名|获取|领取|发售|购买|质疑|询问|澄清|答疑|异议|踏勘|公示|公告|申请表|缴纳")
_BEFORE = re.compile(
    r"(?:并?于|并?应于)\s*(?P<when>20[^（(，。]{6,30}?)\s*(?:[（(]\s*北京时间\s*[)）])?\s*(?:之?前|时)\s*(?:将|提交|递交|上传|登录)"
)
_ASKS_TO_BUY = re.compile(r"[^。；，]{0,6}(?:竞买|报名|受让)")
"""What follows 提交 where it is no bid yet: the application to take part in a sale."""
_DEADLINE_TEXT = re.compile(r"截止时间[^。；\d]{0,20}?[为是：:]\s*(?P<when>20\d\d[^。；]{6,24})")
_QUOTE_SPAN = re.compile(r"(?:挂牌|报价|竞价|竞买)(?:报价)?(?:时间|期限|期)")
_SUBMISSION = re.compile(r"(?:提交|递交|上传)")


def find_deadline(source: Source, facts: Facts) -> None:
    """End of submission; for land and property the end of quotation. A second, differing statement is kept apart."""
    if facts.form is None or facts.form.kind is not Kind.BID_ANNOUNCEMENT:
        return
    stated = list(_deadlines(source))
    if not stated and facts.form in (Form.LAND_OFFER, Form.SALE):
        stated = list(_applications(source))
    timed = [found for found in stated if isinstance(found[0].value, datetime)] or stated
    if timed:
        facts.bid_deadline, facts.places["bid_deadline"] = timed[0][0].value, timed[0][1]


_APPLICATION = re.compile(
    r"(?:公开|网络|进行)?(?:拍卖|变卖|竞价)活动|(?:提交|递交)[^。；]{0,10}(?:书面|竞买|投标)申请|竞买申请|报名(?:截止)?时间|接受报名"
)


def _applications(source: Source) -> Iterator[tuple[Moment, str]]:
    """An auction has no period of quotation: its own period, or until when one may apply; else when it begins."""
    for text, place in source.placed:
        if _APPLICATION.search(text) and (window := spans(text)):
            yield window[-1][1], place
            return
    for text, place in source.placed:
        found = re.search(r"拍卖会?(?:开始)?(?:时间|日期)[^。；\d]{0,10}(?P<when>20\d\d.{6,30})", text)
        if found and (moment := first_moment(found["when"])):
            yield moment, place


def deadlines_stated(source: Source) -> list[datetime | date]:
    """Every end of submission that the text states, in reading order of their kinds."""
    return [moment.value for moment, _ in _deadlines(source)]


def _deadlines(source: Source) -> Iterator[tuple[Moment, str]]:
    for pair in source.with_key("deadline"):
        if not _NOT_BIDS.search(pair.label) and (moment := last_of_window(pair.value)):
            yield moment, pair.place
    for text, place in source.placed:
        found = _BEFORE.search(text)
        if found and not _ASKS_TO_BUY.match(text, found.end()) and (moment := first_moment(found["when"])):
            yield moment, place
    for text, place in source.placed:
        for _, end in _quoted(text):
            yield end, place
    for text, place in source.placed:
        found = _DEADLINE_TEXT.search(text)
        other = found is None or _NOT_BIDS.search(text[max(0, found.start() - 12) : found.start()])
        if found and not other and (moment := first_moment(found["when"])):
            yield moment, place
    yield from _in_submission_part(source)


def last_of_window(value: str) -> Moment | None:
    """The end of a window `A至B`, else the first moment."""
    window = spans(value)
    return window[0][1] if window else first_moment(value)


def _quoted(text: str) -> Iterator[tuple[Moment, Moment]]:
    for found in _QUOTE_SPAN.finditer(text):
        for begin, end in spans(text):
            if 0 <= begin.start - found.end() <= 6:
                yield begin, end


def _in_submission_part(source: Source) -> Iterator[tuple[Moment, str]]:
    """时间 under a heading of submission or opening."""
    for pair in source.with_key("time"):
        if _SUBMISSION.search(pair.heading) and (moment := last_of_window(pair.value)):
            yield moment, pair.place


def find_offer(source: Source, facts: Facts) -> None:
    """When the listing or auction of land or property begins: the start of the period of quotation."""
    if facts.form is None or facts.form.kind is not Kind.BID_ANNOUNCEMENT:
        return
    if facts.project_class not in (ProjectClass.LAND, ProjectClass.PROPERTY):
        return
    for text, place in source.placed:
        for begin, _ in _quoted(text):
            facts.offer_from, facts.places["offer_from"] = begin.value, place
            return


def find_correction_date(source: Source, facts: Facts) -> None:
    """The day on which a change notice says that it changes (更正日期)."""
    if facts.form is None or facts.form.kind is not Kind.CHANGE_NOTICE:
        return
    if stated := _single(source, "change_date"):
        facts.corrected_on, facts.places["corrected_on"] = stated[0].day, stated[1].place


def find_opening(source: Source, facts: Facts) -> None:
    """Time of opening: its label, or 时间 under 开启."""
    for pair in source.with_key("opening", "time"):
        if pair.key == "time" and not re.search(r"开启|开标|(?:谈判|磋商|评审|询价)时间", pair.heading):
            continue
        if moment := first_moment(pair.value):
            facts.bid_opening, facts.places["bid_opening"] = moment.value, pair.place
            return
    for pair in source.with_key("deadline"):
        if re.search(r"开标|开启", pair.label) and (moment := first_moment(pair.value)):
            facts.bid_opening, facts.places["bid_opening"] = moment.value, pair.place
            return


_FETCHES = re.compile(r"获取|领取|发售|购买|下载")


_TENDERS = frozenset({Form.TENDER, Form.OPEN_TENDER, Form.INVITED_TENDER})


def deadline_from_opening(facts: Facts) -> None:
    """A tender that prints only 开标时间: bids are opened at the very moment at which they end.

    招标投标法 第三十四条; 财政部令第87号 第三十九条.
    """
    if facts.form in _TENDERS and facts.bid_deadline is None and isinstance(facts.bid_opening, datetime):
        facts.bid_deadline, facts.places["bid_deadline"] = facts.bid_opening, facts.places["bid_opening"]


def find_documents(source: Source, facts: Facts) -> None:
    """When the documents can be had, from and until. What buyers of land apply for is no document."""
    if facts.project_class in (ProjectClass.LAND, ProjectClass.PROPERTY):
        return
    for pair in source.pairs:
        fits = pair.key == "documents" or (pair.key == "time" and _FETCHES.search(pair.heading))
        if fits and _keep_documents(facts, pair.value, pair.place):
            return
    for text, place in source.placed:
        if _FETCHES.search(text) and re.search(r"文件", text) and _keep_documents(facts, text, place):
            return


def _keep_documents(facts: Facts, text: str, place: str) -> bool:
    window = spans(text)
    if window:
        facts.documents_from, facts.documents_until = window[0][0].value, window[0][1].value
        facts.places["documents_from"] = facts.places["documents_until"] = place
    return bool(window)


def find_publicity(source: Source, facts: Facts) -> None:
    """The period of this notice where its dates are printed; periods of other notices are passed over."""
    shown = facts.form in (Form.SINGLE_SOURCE, Form.PROPERTY_OFFER)
    if facts.form is None or (facts.form.kind is Kind.BID_ANNOUNCEMENT and not shown):
        return
    start = _single(source, "publicity_start")
    end = _single(source, "publicity_end")
    if start and end:
        facts.publicity_start, facts.publicity_end = start[0].value, end[0].value
        facts.places["publicity_start"], facts.places["publicity_end"] = start[1].place, end[1].place
        return
    for pair in source.with_key("publicity"):
        if _of_another_notice(pair, facts):
            continue
        if window := spans(pair.value):
            facts.publicity_start, facts.publicity_end = window[0][0].value, window[0][1].value
            facts.places["publicity_start"] = facts.places["publicity_end"] = pair.place
            return
    _publicity_in_text(source, facts)


_SAID_PUBLIC = re.compile(r"公示(?:期限?|时间|期间)?\s*(?:为|是|自|从|于|[：:])?\s*(?P<when>20\d\d.{8,60})")


def _publicity_in_text(source: Source, facts: Facts) -> None:
    """`公示期为…至…` in a sentence."""
    for text, place in source.placed:
        found = _SAID_PUBLIC.search(text)
        about_candidates = facts.form is not None and facts.form.kind is Kind.AWARD_RESULT and "候选" in text
        if found and not about_candidates and (window := spans(found["when"])) and window[0][0].start == 0:
            facts.publicity_start, facts.publicity_end = window[0][0].value, window[0][1].value
            facts.places["publicity_start"] = facts.places["publicity_end"] = place
            return


def _of_another_notice(pair: Pair, facts: Facts) -> bool:
    kind = facts.form.kind if facts.form else None
    return kind is Kind.AWARD_RESULT and ("候选人" in pair.label or pair.label == "公示日期")


def _single(source: Source, key: str) -> tuple[Moment, Pair] | None:
    for pair in source.with_key(key):
        if moment := first_moment(pair.value):
            return moment, pair
    return None


def find_award_dates(source: Source, facts: Facts) -> None:
    """When the award was decided and the contract signed."""
    if facts.form is None or facts.form.kind is not Kind.AWARD_RESULT:
        return
    if decided := _single(source, "award_date"):
        facts.award_decided_on, facts.places["award_decided_on"] = decided[0].day, decided[1].place
    if signed := _single(source, "contract_date"):
        facts.contract_signed_on, facts.places["contract_signed_on"] = signed[0].day, signed[1].place


def ends_before(text: str, limit: date) -> bool:
    """Whether a printed term (`拟定2025年4月-7月`, `2025年4月1日至2025年7月1日`) is over before `limit`."""
    full = moments(text)
    if full:
        return full[-1].day < limit
    months = re.search(r"(20\d\d)\s*年\s*(\d{1,2})\s*月\s*(?:[-—至~]\s*(?:(20\d\d)\s*年\s*)?(\d{1,2})\s*月)?", text)
    if not months:
        return False
    year = int(months[3] or months[1])
    month = int(months[4] or months[2])
    return (year, month) < (limit.year, limit.month)
