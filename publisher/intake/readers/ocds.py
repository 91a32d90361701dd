"""OCDS 1.1 releases (open contracting data): the part that a notice needs, as a text with labels."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from publisher.errors import Reason
from publisher.intake.readers.document import Document, returned
from publisher.intake.readers.plain import join_lines, paragraphs
from publisher.notice import LOCAL

_COLUMNS = {
    "tenderCancellation": "终止公告",
    "tenderAmendment": "变更公告",
    "tenderUpdate": "变更公告",
    "awardUpdate": "变更公告",
    "contract": "合同公告",
    "award": "成交信息",
    "tender": "招标公告",
}
"""What a release's tag says the notice is; the first that a release has counts."""
_METHODS = {"open": "公开招标", "selective": "邀请招标"}


def releases_in(value: object) -> list[dict[str, Any]] | None:
    """The releases of a package, or the one release that the value is; None where it is neither."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("releases"), list):
        return [one for one in value["releases"] if isinstance(one, dict)]
    return [value] if isinstance(value.get("ocid"), str) and isinstance(value.get("tag"), list) else None


def read_release(release: Mapping[str, Any]) -> Document:
    """The notice in one release. Raises `NoticeReturned` (NOT_BY_SCHEMA) where it has no tender with a title."""
    tender = _part(release, "tender")
    title = _text(tender.get("title"))
    if not title:
        raise returned(Reason.NOT_BY_SCHEMA, "OCDS 数据中没有标题（tender.title），无法识别为公告。", "title")
    tags = [tag for tag in release.get("tag") or () if isinstance(tag, str)]
    column = next((word for tag, word in _COLUMNS.items() if tag in tags), None)
    pairs = tuple((label, value) for label, value in _pairs(release, tender) if value)
    lines = [f"{label}：{value}" for label, value in pairs]
    lines += join_lines(_text(tender.get("description")))
    lines += [f"相关文件：{_text(one.get('title'))}" for one in _list(tender, "documents") if one.get("title")]
    return Document(paragraphs(lines) + _lots(tender) + _awards(release), title, column, pairs)


def _pairs(release: Mapping[str, Any], tender: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    buyer = _part(tender, "procuringEntity") or _part(release, "buyer")
    method = _text(tender.get("procurementMethodDetails")) or _METHODS.get(_text(tender.get("procurementMethod")), "")
    yield "项目编号", _text(tender.get("id"))
    yield "采购人", _text(buyer.get("name"))
    yield "采购方式", method
    yield "预算金额", _money(tender.get("value"))
    yield "投标截止时间", _moment(_part(tender, "tenderPeriod").get("endDate"))
    yield "开标时间", _moment(_part(tender, "awardPeriod").get("startDate"))
    amended = [_moment(one.get("date")) for one in _list(tender, "amendments")]
    yield "更正日期", amended[-1] if amended else ""
    whys = [_text(one.get("rationale")) or _text(one.get("description")) for one in _list(tender, "amendments")]
    yield "更正内容", "；".join(why for why in whys if why)


def _lots(tender: Mapping[str, Any]) -> str:
    rows = [(_text(lot.get("id")), _text(lot.get("title")), _money(lot.get("value"))) for lot in _list(tender, "lots")]
    return _table(("包号", "包名称", "预算金额"), rows)


def _awards(release: Mapping[str, Any]) -> str:
    rows = []
    for award in _list(release, "awards"):
        if award.get("status") in ("cancelled", "unsuccessful"):
            continue
        for supplier in _list(award, "suppliers"):
            code = _text(_part(supplier, "identifier").get("id"))
            rows.append((_text(supplier.get("name")), code, _money(award.get("value"))))
    return _table(("中标供应商名称", "统一社会信用代码", "中标金额"), rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    cells = ["".join(f"<td>{html.escape(cell, quote=False)}</td>" for cell in row) for row in (heads, *rows)]
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"


def _part(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _list(value: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = value.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(value: object) -> str:
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _money(value: object) -> str:
    """The amount with its currency; 元 only where it is CNY."""
    if not isinstance(value, dict) or not _text(value.get("amount")):
        return ""
    currency = _text(value.get("currency")) or "CNY"
    return _text(value.get("amount")) + ("元" if currency == "CNY" else f" {currency}")


def _moment(value: object) -> str:
    """A time as it is in China; one without a zone is taken as local."""
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError:
        return _text(value)
    return f"{moment.astimezone(LOCAL) if moment.tzinfo else moment:%Y-%m-%d %H:%M}"
