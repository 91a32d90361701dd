"""What a person must be asked before a notice goes on (problems), and what is only shown (warnings)."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from publisher.errors import Problem, Reason
from publisher.intake.extract.amounts import Amount
from publisher.intake.extract.attachments import Mentioned, missing
from publisher.intake.extract.dates import day_of
from publisher.intake.extract.facts import Facts
from publisher.intake.extract.schedule import deadlines_stated, ends_before
from publisher.intake.extract.source import Source, is_blank
from publisher.notice import Form, Kind, ProjectClass

_NO_DEADLINE = frozenset({Form.SINGLE_SOURCE, Form.PROPERTY_OFFER})
_NO_FIRST_DATE = frozenset({Form.TERMINATION})


def check(source: Source, facts: Facts, found: Mentioned) -> None:
    """Adds every problem and warning to `facts`, all at once."""
    if facts.form is None:
        return
    _required(source, facts)
    _blank_labels(source, facts)
    _amounts(source, facts)
    _attachments(source, facts, found)
    _dates(source, facts)
    _remarks(source, facts)


def _ask(facts: Facts, field: str, what: str) -> None:
    if not any(p.reason is Reason.EMPTY_FIELD and p.field == field for p in facts.problems):
        facts.problems.append(Problem(Reason.EMPTY_FIELD, f"未写明：{what}。请补齐后重新放入。", field))


def _required(source: Source, facts: Facts) -> None:
    """The core fields of each kind."""
    kind = facts.form.kind if facts.form else None
    if kind is Kind.BID_ANNOUNCEMENT:
        _required_of_bids(facts)
    elif kind is Kind.CHANGE_NOTICE:
        _required_of_changes(source, facts)
    elif kind is Kind.WINNING_BID_NOTICE:
        if not facts.bidders:
            _ask(facts, "candidates", "中标候选人名称")
        if facts.publicity_end is None and not _publicity_in_days(source):
            _ask(facts, "publicity", "公示期")
    elif not facts.failed:
        _required_of_results(facts)


def _required_of_bids(facts: Facts) -> None:
    if facts.project_name is None and facts.project_no is None:
        _ask(facts, "project_name", "项目名称")
    if facts.tenderee is None:
        _ask(facts, "tenderee", "招标人、采购人或出让人")
    if facts.bid_deadline is None and facts.form not in _NO_DEADLINE:
        _ask(facts, "bid_deadline", "投标、响应或报价截止时间")


def _required_of_changes(source: Source, facts: Facts) -> None:
    if facts.project_no is None and facts.project_name is None:
        _ask(facts, "original_number_or_name", "原公告的项目编号或项目名称")
    if facts.form in _NO_FIRST_DATE:
        return
    if facts.original is None or facts.original.first_published is None:
        _ask(facts, "first_published", "首次公告日期")
    if not facts.changes and facts.form is not Form.SUSPENSION and not _says_what_changes(source):
        _ask(facts, "what_changes", "更正（变更、澄清）内容")


def _required_of_results(facts: Facts) -> None:
    if not any(bidder.name for bidder in facts.bidders):
        _ask(facts, "winners", "中标人（成交供应商、受让人）名称")
        return
    without = [bidder.name or "" for bidder in facts.bidders if bidder.price is None]
    if without:
        _ask(facts, "prices", f"中标（成交）金额（{'、'.join(without)}）")


_POINTS_ELSEWHERE = re.compile(r"(?:详情|详|具体)?见(?:招标|采购|澄清)?文件[。.]?")


def _says_what_changes(source: Source) -> bool:
    """Some label of content has a value of its own, or the text runs on after one."""
    for pair in source.with_key("change_content"):
        if "事项" not in pair.label and not _POINTS_ELSEWHERE.fullmatch(pair.value) and len(pair.value) >= 4:
            return True
    after = re.search(r"(?:更正|变更|澄清|修改|答疑)\S{0,10}内容(?:如下)?[：:]?\s*([\s\S]*)", source.flat)
    return after is not None and len(re.sub(r"\s", "", after.group(1))) > 40


def _publicity_in_days(source: Source) -> bool:
    pattern = r"公示(?:期限?|时间)[^。\n]{0,20}?[\d一二三四五六七八九十]+\s*个?(?:工作)?[日天]"
    return re.search(pattern, source.flat) is not None


_ASKED_LABELS = re.compile(r"(?:招标人|采购人)?(?:地址|联系人|电话|联系电话|联系方式)")


def _blank_labels(source: Source, facts: Facts) -> None:
    """A form's line for the tenderee that was left empty (announcements: both parties' details are required)."""
    if facts.form is None or facts.form.kind is not Kind.BID_ANNOUNCEMENT or facts.tenderee is None:
        return
    for pair in source.pairs:
        mine = pair.section == "tenderee" or pair.key.startswith("tenderee_")
        if not mine or not is_blank(pair.value) or not _ASKED_LABELS.fullmatch(pair.label):
            continue
        party = facts.tenderee
        key = pair.key.removeprefix("tenderee_")
        if getattr(party, key, None) is None:
            _ask(facts, f"tenderee.{key}", f"招标人（采购人）的{pair.label}（{pair.place}）")


def _amounts(source: Source, facts: Facts) -> None:
    amounts: list[tuple[str, str, Amount | None]] = [
        ("budget", "预算金额", facts.budget),
        ("control_price", "最高限价（控制价）", facts.control_price),
    ]
    if not facts.failed:
        amounts += [("prices", f"{bidder.name or '中标人'}的金额", bidder.amount) for bidder in facts.bidders]
    for field, what, amount in amounts:
        if amount is not None and amount.suspect:
            detail = f"{what}可疑：原文“{amount.money.raw}”，{amount.suspect}。请核对元与万元。"
            facts.problems.append(Problem(Reason.AMOUNT_UNIT_SUSPECT, detail, field))
    _compare_prices(facts)


def _compare_prices(facts: Facts) -> None:
    """A price over ten times, or under a hundredth of, the ceiling has lost its unit."""
    for limit in (facts.control_price, facts.budget):
        if limit is None or not limit.money.yuan or len(facts.lots) > 1 or not limit.money.addable:
            continue
        for bidder in facts.bidders:
            price = bidder.price
            if price is None or price.yuan is None or not price.addable or (bidder.amount and bidder.amount.suspect):
                continue
            if price.yuan > limit.money.yuan * 10 or price.yuan * 100 < limit.money.yuan:
                detail = f"{bidder.name}的金额“{price.raw}”与预算或限价“{limit.money.raw}”相差悬殊，请核对元与万元。"
                facts.problems.append(Problem(Reason.AMOUNT_UNIT_SUSPECT, detail, "prices"))
        return


def _attachments(source: Source, facts: Facts, found: Mentioned) -> None:
    lacking = missing(found, source.attached)
    if not lacking:
        return
    names = "、".join(name for name in lacking if name != "附件")
    which = f"：{names}" if names else f"（{len(lacking)} 个）"
    if found.holds_content:
        detail = f"更正内容只写在附件中，附件未一并送交{which}。请补齐附件后重新放入。"
        facts.problems.append(Problem(Reason.ATTACHMENT_MISSING, detail, "attachments"))
    else:
        detail = f"正文提到的附件未一并送交{which}。"
        facts.warnings.append(Problem(Reason.ATTACHMENT_MISSING, detail, "attachments"))


_TERM_COLUMN = r"(?:合同|服务|履约|履行).{0,6}(?:期限|时间|期)"


def _dates(source: Source, facts: Facts) -> None:
    """Dates that contradict each other."""
    stated = {value for value in deadlines_stated(source) if isinstance(value, datetime)}
    bids = facts.form is not None and facts.form.kind is Kind.BID_ANNOUNCEMENT
    if bids and facts.project_class is not ProjectClass.LAND and len(stated) > 1:
        written = "、".join(f"{value:%Y-%m-%d %H:%M}" for value in sorted(stated))
        _suspect(facts, f"投标截止时间前后不一致：{written}。", "bid_deadline")
    if facts.documents_from and facts.bid_deadline and day_of(facts.documents_from) > day_of(facts.bid_deadline):
        _suspect(facts, "获取文件的开始日期晚于投标截止时间。", "documents_from")
    if facts.publicity_start and facts.publicity_end and day_of(facts.publicity_end) < day_of(facts.publicity_start):
        _suspect(facts, "公示结束日期早于开始日期。", "publicity")
    if bids and facts.bid_deadline:
        _past_terms(source, facts, day_of(facts.bid_deadline))


def _past_terms(source: Source, facts: Facts, deadline: date) -> None:
    """A contract that would be over before bids are in."""
    for grid in source.grids:
        for record in grid.records:
            term = record.get(_TERM_COLUMN)
            if term and ends_before(term[1], deadline - timedelta(days=1)):
                _suspect(facts, f"合同期限“{term[1].strip()}”早于投标截止时间（{record.place}）。", "duration")
    for pair in source.with_key("term"):
        if ends_before(pair.value, deadline - timedelta(days=1)):
            _suspect(facts, f"合同期限“{pair.value[:40]}”早于投标截止时间（{pair.place}）。", "duration")


def _suspect(facts: Facts, detail: str, field: str) -> None:
    facts.warnings.append(Problem(Reason.DATE_SUSPECT, detail, field))


_SUSPENDS = re.compile(r"(?:项目|采购|招标|活动)\S{0,8}?(?:因故)?暂停|因故暂停|暂停(?:本项目|采购活动|招标活动|开标)")
_MASKED = re.compile(r"1\d{2}\*{4}\d{4}|\d{3,4}-?\d{0,4}\*{3,4}\d{0,4}")


def _remarks(source: Source, facts: Facts) -> None:
    kind = facts.form.kind if facts.form else None
    if kind is Kind.CHANGE_NOTICE and (facts.form is Form.SUSPENSION or _SUSPENDS.search(source.flat)):
        facts.warnings.append(Problem(Reason.SUSPENSION, "本公告暂停项目；恢复时须另行发布公告。", "form"))
    if facts.form is Form.RESULT_CORRECTION:
        detail = "本公告更正的是采购结果，统计时以更正后的结果为准。"
        facts.warnings.append(Problem(Reason.RESULT_CORRECTION, detail, "form"))
    if _MASKED.search(source.flat):
        facts.warnings.append(Problem(Reason.PHONE_MASKED, "联系电话中有星号，公众无法拨打，请核对。", "phone"))
