"""How values and fields of a notice are written for those who read them; the template filters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal

from publisher.notice import LOCAL, Candidate, Kind, Money, Notice, PriceBasis

NOT_STATED = "未写明"
"""What staff read where the text does not state a field."""


class BlankValue(Exception):
    """A template prints a value that is not there."""


def yuan(amount: Decimal | int | Money | None) -> str:
    """An amount in 元, such as 1,436,000.00 元; of a `Money` its value. A missing amount is an error, 0 is not."""
    value = amount.yuan if isinstance(amount, Money) else amount
    if value is None:
        raise BlankValue("has no amount")
    return f"{Decimal(value):,.2f} 元"


def price(money: Money | None) -> str:
    """A price with its basis, as staff and the public read it; as printed where it is no amount in money."""
    if money is None:
        raise BlankValue("has no price")
    if money.rate_percent is not None:
        return f"{money.rate_percent}%（费率或下浮率）"
    if money.yuan is None:
        if not money.raw:
            raise BlankValue("has no price")
        return money.raw
    ends = {PriceBasis.PER_YEAR: "／年", PriceBasis.UNIT: "（单价）", PriceBasis.RATE: "（费率）"}
    return yuan(money) + ends.get(money.basis, "")


def day(value: date | datetime | None) -> str:
    """A local day, such as 2026年4月7日."""
    if value is None:
        raise BlankValue("has no date")
    local = value.astimezone(LOCAL) if isinstance(value, datetime) else value
    return f"{local.year}年{local.month}月{local.day}日"


def moment(value: date | datetime | None) -> str:
    """An instant in local time (+08:00), such as 2026年4月7日 09:00; a date alone stays a day.

    Raises ValueError for an instant without a zone.
    """
    if not isinstance(value, datetime):
        return day(value)
    if value.tzinfo is None:
        raise ValueError("an instant without a zone")
    return f"{day(value)} {value.astimezone(LOCAL):%H:%M}"


def span(value: timedelta) -> str:
    """A length of time in its two largest units, such as 5 小时 20 分."""
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "天"), (hours, "小时"), (minutes, "分"), (seconds, "秒")]
    first = next((n for n, (count, _) in enumerate(parts) if count), 3)
    shown = [(count, unit) for count, unit in parts[first : first + 2] if count] or [(0, "秒")]
    return " ".join(f"{count} {unit}" for count, unit in shown)


def fields_for_staff(notice: Notice) -> list[tuple[str, str]]:
    """The fields as understood, with Chinese labels; `未写明` where the text does not state one."""
    return [(label, value or NOT_STATED) for label, value in _fields(notice)]


def _fields(notice: Notice) -> Iterator[tuple[str, str]]:
    kind = (
        notice.form.value if notice.form.value == notice.kind.label else f"{notice.kind.label}（{notice.form.value}）"
    )
    yield "公告类别", kind
    yield "项目类别", notice.project_class.label
    yield "标题", notice.title
    yield "项目编号", notice.project_no or ""
    yield "项目名称", notice.project_name or ""
    if notice.lots:
        yield "标段（包）", "；".join(f"{lot.no} {lot.name or ''}".strip() for lot in notice.lots)
    yield "招标人（采购人）", notice.tenderee.name if notice.tenderee else ""
    yield "代理机构", notice.agency.name if notice.agency else ""
    yield from _FIELDS_OF_KIND[notice.kind](notice)
    if notice.attachments or notice.attachments_mentioned:
        names = "、".join(attachment.name for attachment in notice.attachments) or "未收到"
        yield "附件", f"{names}（正文提到 {notice.attachments_mentioned} 个，收到 {len(notice.attachments)} 个）"
    if notice.publish_at:
        yield "指定发布时间", moment(notice.publish_at)


def _money(amount: Money | None) -> str:
    return price(amount) if amount and (amount.yuan is not None or amount.raw) else ""


def _when(value: date | datetime | None) -> str:
    return moment(value) if value else ""


def _of_announcement(notice: Notice) -> Iterator[tuple[str, str]]:
    yield "预算金额", _money(notice.budget)
    yield "最高限价", _money(notice.control_price)
    yield "投标（响应）截止时间", _when(notice.dates.bid_deadline)
    yield "开标时间", _when(notice.dates.bid_opening)


def _of_change(notice: Notice) -> Iterator[tuple[str, str]]:
    original = notice.original
    yield "原公告项目编号", (original.project_no or "") if original else ""
    yield "首次公告日期", day(original.first_published) if original and original.first_published else ""
    yield "变更内容", "；".join(_change(item, before, after) for item, before, after in _changes(notice))
    if notice.dates.bid_deadline:
        yield "新的截止时间", moment(notice.dates.bid_deadline)


def _changes(notice: Notice) -> Iterator[tuple[str, str | None, str | None]]:
    return ((change.item, change.before, change.after) for change in notice.changes)


def _change(item: str, before: str | None, after: str | None) -> str:
    values = " → ".join(value for value in (before, after) if value)
    return f"{item}：{values}" if values else item


def _of_candidates(notice: Notice) -> Iterator[tuple[str, str]]:
    yield "中标候选人", _bidders(notice.candidates)
    dates = notice.dates
    term = [day(value) for value in (dates.publicity_start, dates.publicity_end) if value]
    yield "公示期", " 至 ".join(term)


def _of_result(notice: Notice) -> Iterator[tuple[str, str]]:
    if notice.failed:
        yield "结果", "流标（废标、终止），无中标人"
    else:
        yield "中标人（成交供应商）", _bidders(notice.winners)


def _bidders(bidders: Sequence[Candidate]) -> str:
    return "；".join(_bidder(bidder) for bidder in bidders)


def _bidder(bidder: Candidate) -> str:
    lot = f"[{bidder.lot}] " if bidder.lot else ""
    rank = f"第{bidder.rank}名 " if bidder.rank else ""
    return f"{lot}{rank}{bidder.name}，{_money(bidder.price) or f'价格{NOT_STATED}'}"


_FIELDS_OF_KIND = {
    Kind.BID_ANNOUNCEMENT: _of_announcement,
    Kind.CHANGE_NOTICE: _of_change,
    Kind.WINNING_BID_NOTICE: _of_candidates,
    Kind.AWARD_RESULT: _of_result,
}
