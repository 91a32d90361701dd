"""The three tables of the official form of a yearly report: which cells they have, and how these are named.

Source: 《中华人民共和国政府信息公开工作年度报告格式》, 国办公开办函〔2021〕30号, parts two, three and four. A cell is
either a text of the form, or a figure that is typed in (its name is one of `CELLS`), or a total (one of `SUMS`), which
is never typed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

APPLICANTS = {
    "natural": "自然人",
    "business": "商业企业",
    "research": "科研机构",
    "public_benefit": "社会公益组织",
    "legal_service": "法律服务机构",
    "other": "其他",
}
"""The columns of part three: natural persons, then five sorts of legal persons and other organisations."""

RECEIVED, CARRIED_OVER, ANSWERED, CARRIED_FORWARD = "received", "carried_over", "answered", "carried_forward"

GROUPS: tuple[tuple[str, dict[str, str]], ...] = (
    ("（一）予以公开", {"granted": ""}),
    ("（二）部分公开（区分处理的，只计这一情形，不计其他情形）", {"partly_granted": ""}),
    (
        "（三）不予公开",
        {
            "refused_state_secret": "1.属于国家秘密",
            "refused_forbidden_by_law": "2.其他法律行政法规禁止公开",
            "refused_security_and_stability": "3.危及“三安全一稳定”",
            "refused_third_party": "4.保护第三方合法权益",
            "refused_internal_affairs": "5.属于三类内部事务信息",
            "refused_process": "6.属于四类过程性信息",
            "refused_enforcement_file": "7.属于行政执法案卷",
            "refused_inquiry": "8.属于行政查询事项",
        },
    ),
    (
        "（四）无法提供",
        {
            "unavailable_not_held": "1.本机关不掌握相关政府信息",
            "unavailable_to_be_made": "2.没有现成信息需要另行制作",
            "unavailable_unclear": "3.补正后申请内容仍不明确",
        },
    ),
    (
        "（五）不予处理",
        {
            "declined_complaint": "1.信访举报投诉类申请",
            "declined_repeated": "2.重复申请",
            "declined_publication": "3.要求提供公开出版物",
            "declined_excessive": "4.无正当理由大量反复申请",
            "declined_confirmation": "5.要求行政机关确认或重新出具已获取信息",
        },
    ),
    (
        "（六）其他处理",
        {
            "other_not_completed": "1.申请人无正当理由逾期不补正、行政机关不再处理其政府信息公开申请",
            "other_fee_not_paid": "2.申请人逾期未按收费通知要求缴纳费用、行政机关不再处理其政府信息公开申请",
            "other_rest": "3.其他",
        },
    ),
)
"""How applications were dealt with, 三、本年度办理结果: group → row → label; a row without a label is its group."""

RESULTS = tuple(row for _, rows in GROUPS for row in rows)

OUTCOMES = {"upheld": "结果维持", "corrected": "结果纠正", "other": "其他结果", "pending": "尚未审结"}
DISPUTES = {"reviews": "行政复议", "lawsuits_direct": "未经复议直接起诉", "lawsuits_after_review": "复议后起诉"}

_LINES = {
    RECEIVED: "一、本年新收政府信息公开申请数量",
    CARRIED_OVER: "二、上年结转政府信息公开申请数量",
    ANSWERED: "（七）总计",
    CARRIED_FORWARD: "四、结转下年度继续办理",
}


# ---- names


def _label_of(row: str) -> str:
    for group, rows in GROUPS:
        if row in rows:
            return f"{group.partition('（区分')[0][3:]}：{rows[row][2:]}".rstrip("：")
    return _LINES[row].partition("、")[2] or "办理结果总计"


def application_rows() -> dict[str, str]:
    """The rows of part three that are typed in: name → label."""
    return {row: _label_of(row) for row in (RECEIVED, CARRIED_OVER, *RESULTS, CARRIED_FORWARD)}


def _applications() -> dict[str, str]:
    return {
        f"applications.{row}.{column}": f"申请情况，{label}，{who}"
        for row, label in application_rows().items()
        for column, who in APPLICANTS.items()
    }


def _disputes() -> dict[str, str]:
    said = {
        "reviews": "行政复议",
        "lawsuits_direct": "行政诉讼，未经复议直接起诉",
        "lawsuits_after_review": "行政诉讼，复议后起诉",
    }
    return {f"{what}.{how}": f"{said[what]}，{label}" for what in DISPUTES for how, label in OUTCOMES.items()}


Unit = Literal["count", "yuan"]

DISCLOSURE: dict[str, tuple[Unit, str]] = {
    "regulations_made": ("count", "规章本年制发件数"),
    "regulations_repealed": ("count", "规章本年废止件数"),
    "regulations_in_force": ("count", "规章现行有效件数"),
    "rules_made": ("count", "行政规范性文件本年制发件数"),
    "rules_repealed": ("count", "行政规范性文件本年废止件数"),
    "rules_in_force": ("count", "行政规范性文件现行有效件数"),
    "licences": ("count", "行政许可本年处理决定数量"),
    "penalties": ("count", "行政处罚本年处理决定数量"),
    "coercions": ("count", "行政强制本年处理决定数量"),
    "fees_charged": ("yuan", "行政事业性收费本年收费金额"),
}

CELLS: dict[str, tuple[Unit, str]] = {
    **DISCLOSURE,
    **{name: ("count", label) for name, label in (_applications() | _disputes()).items()},
}
"""Every cell that is typed in: name → what it is, and its Chinese label."""


@dataclass(frozen=True, slots=True)
class Sum:
    """A total of the form. `whole`: the name under which the total alone may have been typed in, without its parts."""

    label: str
    parts: tuple[str, ...]
    whole: str | None = None


def _sums() -> dict[str, Sum]:
    wholes = {
        RECEIVED: "applications_received",
        CARRIED_OVER: "applications_carried_over",
        ANSWERED: "applications_answered",
    }
    sums: dict[str, Sum] = {}
    for column, who in APPLICANTS.items():
        parts = tuple(f"applications.{row}.{column}" for row in RESULTS)
        sums[f"applications.{ANSWERED}.{column}"] = Sum(f"申请情况，办理结果总计，{who}", parts)
    for row in (RECEIVED, CARRIED_OVER, *RESULTS, ANSWERED, CARRIED_FORWARD):
        parts = tuple(f"applications.{row}.{column}" for column in APPLICANTS)
        sums[f"applications.{row}.total"] = Sum(f"申请情况，{_label_of(row)}，总计", parts, wholes.get(row))
    for what, label in DISPUTES.items():
        parts = tuple(f"{what}.{how}" for how in OUTCOMES)
        sums[f"{what}.total"] = Sum(f"{label}，总计", parts, "reviews" if what == "reviews" else None)
    return sums


SUMS = _sums()
"""Name → total, each after the totals that it adds up."""


def figure_name(cell: str) -> str:
    """The name under which a report has the figure of a cell."""
    return f"entered.{cell}" if cell in CELLS else f"computed.{cell}"


# ---- the tables as they are printed


@dataclass(frozen=True, slots=True)
class Slot:
    """A cell of the form, `rows` high and `columns` wide: a text, or the figure named by `cell`.

    `left`: the text begins at the left; else it stands in the middle.
    """

    text: str = ""
    cell: str = ""
    rows: int = 1
    columns: int = 1
    left: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table of the form: relative widths of its columns, how many lines are its head, and its lines.

    A slot that reaches into the lines below is named in its first line only.
    """

    title: str
    widths: tuple[int, ...]
    heads: int
    lines: tuple[tuple[Slot, ...], ...]


def disclosure() -> Grid:
    """Part two, 主动公开政府信息情况, by items of article 20 of the regulation."""

    def three(label: str, name: str) -> tuple[Slot, ...]:
        return (Slot(label), *(Slot(cell=f"{name}_{what}") for what in ("made", "repealed", "in_force")))

    def one(label: str, name: str) -> tuple[Slot, ...]:
        return Slot(label), Slot(cell=name, columns=3)

    decided = (Slot("信息内容"), Slot("本年处理决定数量", columns=3))
    lines = (
        (Slot("第二十条第（一）项", columns=4),),
        (Slot("信息内容"), Slot("本年制发件数"), Slot("本年废止件数"), Slot("现行有效件数")),
        three("规章", "regulations"),
        three("行政规范性文件", "rules"),
        (Slot("第二十条第（五）项", columns=4),),
        decided,
        one("行政许可", "licences"),
        (Slot("第二十条第（六）项", columns=4),),
        decided,
        one("行政处罚", "penalties"),
        one("行政强制", "coercions"),
        (Slot("第二十条第（八）项", columns=4),),
        (Slot("信息内容"), Slot("本年收费金额（单位：万元）", columns=3)),
        one("行政事业性收费", "fees_charged"),
    )
    return Grid("主动公开政府信息情况", (3, 3, 3, 3), 0, lines)


_RULE = "（本列数据的勾稽关系为：第一项加第二项之和，等于第三项加第四项之和）"


def applications() -> Grid:
    """Part three, 收到和处理政府信息公开申请情况."""
    groups = list(APPLICANTS.items())
    heads = (
        (Slot(_RULE, rows=3, columns=3), Slot("申请人情况", columns=7)),
        (Slot(groups[0][1], rows=2), Slot("法人或其他组织", columns=5), Slot("总计", rows=2)),
        tuple(Slot(label) for _, label in groups[1:]),
    )
    results = [line for label, rows in GROUPS for line in _group(label, rows)]
    results.append((Slot(_LINES[ANSWERED], columns=2, left=True), *_cells(ANSWERED)))
    results[0] = (Slot("三、本年度办理结果", rows=len(results)), *results[0])
    lines = (
        (Slot(_LINES[RECEIVED], columns=3, left=True), *_cells(RECEIVED)),
        (Slot(_LINES[CARRIED_OVER], columns=3, left=True), *_cells(CARRIED_OVER)),
        *results,
        (Slot(_LINES[CARRIED_FORWARD], columns=3, left=True), *_cells(CARRIED_FORWARD)),
    )
    return Grid("收到和处理政府信息公开申请情况", (4, 11, 32, 7, 7, 7, 7, 7, 7, 7), 3, (*heads, *lines))


def _group(label: str, rows: dict[str, str]) -> list[tuple[Slot, ...]]:
    if len(rows) == 1:
        return [(Slot(label, columns=2, left=True), *_cells(row)) for row in rows]
    made = [(Slot(text, left=True), *_cells(row)) for row, text in rows.items()]
    return [(Slot(label, rows=len(made)), *made[0]), *made[1:]]


def _cells(row: str) -> tuple[Slot, ...]:
    return tuple(Slot(cell=f"applications.{row}.{column}") for column in (*APPLICANTS, "total"))


def disputes() -> Grid:
    """Part four, 政府信息公开行政复议、行政诉讼情况."""
    outcomes = tuple(Slot(label, rows=2) for label in (*OUTCOMES.values(), "总计"))
    below = tuple(Slot(label) for label in (*OUTCOMES.values(), "总计"))
    lines = (
        (Slot("行政复议", columns=5), Slot("行政诉讼", columns=10)),
        (*outcomes, Slot(DISPUTES["lawsuits_direct"], columns=5), Slot(DISPUTES["lawsuits_after_review"], columns=5)),
        (*below, *below),
        tuple(Slot(cell=f"{what}.{how}") for what in DISPUTES for how in (*OUTCOMES, "total")),
    )
    return Grid("政府信息公开行政复议、行政诉讼情况", (1,) * 15, 3, lines)
