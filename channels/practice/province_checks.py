"""What a practice province refuses of a notice, form by form, as the real thing would."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels.practice.province_switches import ProvinceSwitches
from channels.practice.site_checks import Refused

FIELDS = (
    *("sourceDataKey", "noticeForm", "noticeName", "noticeContent", "businessKind", "projectCode", "projectName"),
    *("tendererName", "agencyName", "winnerName", "bidDeadline", "relateNoticeId"),
)
"""What a notice consists of here; all text."""

CHANGES = frozenset({"更正公告", "澄清公告", "暂停公告", "终止公告", "结果更正公告"})
"""Forms that speak of another notice."""

_MUST = {
    "sourceDataKey": "缺少数据标识",
    "noticeForm": "公告类型不能为空",
    "noticeName": "公告标题不能为空",
    "noticeContent": "公告内容不能为空",
}
_MUST_BY_FORM = {
    "公开招标公告": {"tendererName": "采购人不能为空"},
    "邀请招标公告": {"tendererName": "采购人不能为空"},
    "竞争性谈判公告": {"tendererName": "采购人不能为空"},
    "竞争性磋商公告": {"tendererName": "采购人不能为空"},
    "询价公告": {"tendererName": "采购人不能为空"},
    "招标公告": {"projectName": "项目名称不能为空"},
    "中标结果公告": {"winnerName": "中标人不能为空"},
    "成交结果公告": {"winnerName": "成交供应商不能为空"},
}


def checked(fields: Mapping[str, Any], switches: ProvinceSwitches) -> dict[str, str]:
    """The fields of a notice. Raises Refused with every problem at once."""
    must = _MUST | _MUST_BY_FORM.get(str(fields.get("noticeForm")), {})
    problems = {name: words for name, words in must.items() if not str(fields.get(name) or "").strip()}
    problems |= {name: "没有这个字段" for name in fields if name not in FIELDS}
    problems |= {name: "应为文字" for name, value in fields.items() if not isinstance(value, str)}
    if switches.refuse_title and switches.refuse_title in str(fields.get("noticeName")):
        problems["noticeName"] = f"标题含有不允许的词：{switches.refuse_title}"
    if problems:
        raise Refused(422, "提交的内容有误", problems)
    if len(fields["noticeContent"].encode()) > switches.max_bytes:
        raise Refused(413, "公告内容过大")
    if "<script" in fields["noticeContent"].lower():
        raise Refused(422, "内容被安全策略拦截", {"noticeContent": "公告内容含有脚本"})
    return {name: fields.get(name, "") for name in FIELDS}


def checked_change(fields: Mapping[str, Any], old: Mapping[str, str], switches: ProvinceSwitches) -> dict[str, str]:
    """The new title and text of a public notice; the rest of it stays. Raises Refused."""
    return checked({**old, **fields}, switches)


def check_original(fields: Mapping[str, str], known: bool, switches: ProvinceSwitches) -> None:
    """Refuse a change notice that quotes a number nobody was given, or none where one is needed. Raises Refused."""
    number = fields["relateNoticeId"]
    if number and not known:
        raise Refused(422, "提交的内容有误", {"relateNoticeId": f"原公告编号不存在：{number}"})
    if not number and switches.needs_original and fields["noticeForm"] in CHANGES:
        raise Refused(422, "提交的内容有误", {"relateNoticeId": "须填写原公告编号"})
