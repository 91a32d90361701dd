"""The names under which figures from elsewhere are typed in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Literal

from publisher.counts.report.numbers import Figure, Unit, fen_of
from publisher.counts.report.official import APPLICANTS, CELLS, DISCLOSURE, OUTCOMES, application_rows
from publisher.errors import NotAllowed
from publisher.ledger.figures import Entered

Kind = Literal["count", "yuan", "text"]

OTHERS: dict[str, tuple[Kind, str]] = {
    "applications_received": ("count", "本年新收政府信息公开申请总数（不分列时）"),
    "applications_carried_over": ("count", "上年结转政府信息公开申请总数（不分列时）"),
    "applications_answered": ("count", "本年办结政府信息公开申请总数（不分列时）"),
    "application_fees": ("yuan", "依申请公开收取的信息处理费"),
    "reviews": ("count", "行政复议总数（不分列时）"),
    "lawsuits": ("count", "行政诉讼总数（不分列时）"),
    "press_articles": ("count", "省级以上媒体发表稿件"),
    "amount": ("yuan", "交易额（本账建立以前的年度）"),
    "projects": ("count", "完成交易项目（本账建立以前的年度）"),
    "problems": ("text", "存在的主要问题及改进情况"),
    "other": ("text", "其他需要报告的事项"),
}
"""Figures outside the official tables. The totals among them are for whoever has no more than these."""

NAMES: dict[str, tuple[Kind, str]] = {**OTHERS, **CELLS}
"""Name → what its value is, and its Chinese label. Amounts are typed in 元."""

_HISTORY = re.compile(r"history\.[a-z][a-z0-9_]*")
_TOTAL = re.compile(r"project_total\.(?P<no>\S+)")
HOW = "history.<渠道名>（该渠道本账建立以前某年的发布条数）、project_total.<项目编号>（单价、费率等成交的总额，元）"


def cells_told() -> str:
    """The names of the cells of the official tables, in words."""

    def told(names: Mapping[str, str]) -> str:
        return "、".join(f"{name} {label}" for name, label in names.items())

    return (
        f"第二部分：{told({name: label for name, (_, label) in DISCLOSURE.items()})}；"
        f"第三部分：applications.<行>.<申请人>，行为 {told(application_rows())}，申请人为 {told(APPLICANTS)}；"
        f"第四部分：reviews.<结果>、lawsuits_direct.<结果>、lawsuits_after_review.<结果>，结果为 {told(OUTCOMES)}"
    )


def kind_of(name: str) -> tuple[Kind, str]:
    """What a name's value is, and its label. Raises `NotAllowed` for a name that no report uses."""
    if name in NAMES:
        return NAMES[name]
    if _HISTORY.fullmatch(name):
        return "count", f"{name.removeprefix('history.')} 本账建立以前的发布条数"
    if found := _TOTAL.fullmatch(name):
        return "yuan", f"项目 {found['no']} 的成交总额"
    raise NotAllowed(
        f"没有名为 {name} 的数字；可用：{'、'.join(OTHERS)}，以及 {HOW}；"
        "官方表格各格的名称见 publisher figures list，成批录入用 publisher figures sheet"
    )


def checked(name: str, value: str) -> str:
    """The value as it is kept; "" takes back what was entered.

    Raises `NotAllowed` for a wrong name, or for what is no such number.
    """
    kind, label = kind_of(name)
    if kind == "text" or not value.strip():
        return value.strip()
    plain = value.replace(",", "").replace("，", "").strip()
    try:
        number = Decimal(plain)
    except InvalidOperation:
        raise NotAllowed(f"{label}（{name}）应是数字，不是“{value}”") from None
    if not number.is_finite() or number < 0 or (kind == "count" and number != int(number)):
        raise NotAllowed(
            f"{label}（{name}）应是{'整数' if kind == 'count' else '金额（元）'}，且不小于 0，不是“{value}”"
        )
    return f"{number:f}"


def amount(entered: Entered) -> int:
    """An entered amount in 分."""
    return fen_of(Decimal(entered.value))


def figure_of(name: str, entered: Entered | None) -> Figure:
    """The figure of an entered value; without one its value is None."""
    kind, label = kind_of(name)
    unit: Unit = "fen" if kind == "yuan" else kind
    if entered is None:
        return Figure(name, label, unit, None)
    value: int | str = entered.value
    if kind != "text":
        value = amount(entered) if kind == "yuan" else int(entered.value)
    return Figure(name, label, unit, value, (f"figure:{entered.id}",))
