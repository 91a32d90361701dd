"""JSON files: a notice by the schema, or a record of another system whose keys can be read."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from publisher.errors import NoticeReturned, Problem, Reason
from publisher.intake.readers import ocds
from publisher.intake.readers.document import Document, returned
from publisher.intake.readers.plain import decode, join_lines, paragraphs
from publisher.intake.readers.web import from_markup, sanitise
from publisher.notice import Notice

MAX_RECORDS = 1000
_KEYS = {
    "project_code": "项目编号", "project_no": "项目编号", "projectcode": "项目编号", "tenderprojectcode": "项目编号",
    "project_name": "项目名称", "projectname": "项目名称",
    "issuer": "采购人", "purchaser": "采购人", "tenderee": "招标人", "buyer": "采购人", "agency": "代理机构",
    "budget": "预算金额", "control_price": "最高限价",
    "winner": "中标供应商", "supplier": "中标供应商", "winning_amount": "中标金额", "award_amount": "中标金额",
    "deadline": "投标截止时间", "bid_deadline": "投标截止时间",
}  # fmt: skip
"""Keys that exports of other systems use, and the label that each stands for."""
_TITLES = ("title", "标题", "公告标题", "公告名称", "bulletinname", "noticename")
_HTML = ("content_html", "html", "body_html", "bulletincontent", "noticecontent", "公告内容")
_TEXT = ("content_text", "content", "text", "body", "正文", "公告正文", "内容")
_COLUMNS = ("info_type", "informationtypetext", "notice_type", "公告类型", "信息类型")
_BUSINESS = ("business_type", "businesstypetext", "业务类型", "项目类型")


def read_json(data: bytes) -> tuple[Notice | Document, ...]:
    """The notices of a JSON file: one object, or a list of them. Raises `NoticeReturned` (NOT_BY_SCHEMA)."""
    try:
        value = json.loads(decode(data))
    except (ValueError, RecursionError):
        raise returned(Reason.NOT_BY_SCHEMA, "JSON 格式有误或未复制完整，请重新导出后放入。") from None
    releases = ocds.releases_in(value)
    if releases is not None:
        if not 0 < len(releases) <= MAX_RECORDS:
            raise returned(Reason.NOT_BY_SCHEMA, f"OCDS 数据中应有 1 至 {MAX_RECORDS} 条公告（releases）。")
        return tuple(ocds.read_release(release) for release in releases)
    items = value if isinstance(value, list) else [value]
    if not items or len(items) > MAX_RECORDS or not all(isinstance(item, dict) for item in items):
        raise returned(Reason.NOT_BY_SCHEMA, "JSON 中应是一条公告，或一组公告。")
    return tuple(_one(item) for item in items)


def _one(item: dict[str, Any]) -> Notice | Document:
    if "schema_version" in item or {"form", "body_html"} <= item.keys():
        return _by_schema(item)
    return _record(item)


def _by_schema(item: dict[str, Any]) -> Notice:
    """Text and digest are worked out anew, and the body is sanitised like any other."""
    fields = {key: value for key, value in item.items() if key not in ("text", "digest")}
    if isinstance(fields.get("body_html"), str):
        fields["body_html"] = sanitise(fields["body_html"])
    try:
        return Notice.model_validate_json(json.dumps(fields, ensure_ascii=False))
    except ValidationError as error:
        raise NoticeReturned([_problem(detail["loc"], detail["msg"]) for detail in error.errors()]) from None
    except ValueError as error:
        raise NoticeReturned([_problem((), str(error))]) from None


def _problem(place: tuple[int | str, ...], message: str) -> Problem:
    field = ".".join(str(part) for part in place)
    where = f"字段 {field}" if field else "整条记录"
    return Problem(Reason.NOT_BY_SCHEMA, f"{where}不符合格式：{message}", field or None)


def _record(item: Mapping[str, Any]) -> Document:
    flat = {str(key).lower(): value for key, value in item.items()}
    title = _first(flat, _TITLES)
    if title is None:
        raise returned(Reason.NOT_BY_SCHEMA, "JSON 中没有标题（title 或“公告标题”），无法识别为公告。", "title")
    pairs = _pairs(item)
    markup, text = _first(flat, _HTML), _first(flat, _TEXT)
    column = " > ".join(part for part in (_first(flat, _BUSINESS), _first(flat, _COLUMNS)) if part) or None
    if markup and "<" in markup:
        body = from_markup(markup)
        return Document(body.body_html, title, column or body.column, pairs, warnings=body.warnings)
    printed = [(label, value) for label, value in pairs if label in _printed(item)]
    if text and not _only_repeats(text, printed):
        return Document(paragraphs(join_lines(text)), title, column, pairs)
    return Document(_table(printed or pairs), title, column, tuple(p for p in pairs if p not in printed))


def _first(flat: Mapping[str, Any], keys: tuple[str, ...]) -> str | None:
    return next((str(flat[key]).strip() for key in keys if isinstance(flat.get(key), str) and flat[key].strip()), None)


def _printed(item: Mapping[str, Any]) -> set[str]:
    """Labels of nested records: what the other system shows as the notice's own fields."""
    return {str(label) for value in item.values() if isinstance(value, dict) for label in value}


def _pairs(item: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Label and value of every plain entry whose key is Chinese or known, nested ones included."""
    found: list[tuple[str, str]] = []
    for key, value in item.items():
        if isinstance(value, dict):
            found.extend((str(k), str(v)) for k, v in value.items() if isinstance(v, str | int | float))
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            label = _KEYS.get(str(key).lower(), str(key))
            if re.search(r"[\u4e00-\u9fff]", label) and label not in _TITLES + _TEXT + _HTML + _COLUMNS + _BUSINESS:
                found.append((label, str(value)))
    return tuple(found)


def _only_repeats(text: str, printed: list[tuple[str, str]]) -> bool:
    """Whether every line of the text is a label or value of the record, so that a table says the same."""
    known = {re.sub(r"\s", "", part) for pair in printed for part in pair}
    return bool(printed) and all(re.sub(r"\s", "", line) in known for line in text.split("\n") if line.strip())


def _table(pairs: tuple[tuple[str, str], ...] | list[tuple[str, str]]) -> str:
    rows = "".join(
        f"<tr><td>{html.escape(label, quote=False)}</td><td>{html.escape(value, quote=False)}</td></tr>"
        for label, value in pairs
    )
    return f"<table>{rows}</table>" if rows else ""
