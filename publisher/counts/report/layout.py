"""A report as blocks: headings, paragraphs, tables, forms, charts and notes, in the order in which they are printed."""

from __future__ import annotations

import functools
import importlib.resources
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from publisher.counts.report import official
from publisher.counts.report.blocks import Block, Chart, Heading, Notes, Number, Paragraph, Part, Table
from publisher.counts.report.drawing import Report
from publisher.counts.report.tables import channel_table, official_table, project_table, ways_table
from publisher.counts.report.totals import application_disagreements, dispute_disagreements, missing
from publisher.notice import Kind


@functools.cache
def _wording() -> Mapping[str, Any]:
    text = importlib.resources.files("templates").joinpath("reports/wording.toml").read_text("utf-8")
    return tomllib.loads(text)


_PLACE = re.compile(r"\{([a-z_.0-9]+)(?::([a-z0-9]+))?\}")


def worded(section: str, report: Report) -> Paragraph:
    """The sentences of a section of the wording; one with an unknown figure is left out.

    Raises KeyError for a placeholder that is no figure.
    """
    parts: list[Part] = []
    for sentence in _wording()[section]["sentences"]:
        made = _sentence(sentence, report)
        if made is not None:
            parts += made
    return Paragraph(tuple(parts))


def _sentence(sentence: str, report: Report) -> list[Part] | None:
    parts: list[Part] = []
    at = 0
    for found in _PLACE.finditer(sentence):
        parts.append(sentence[at : found.start()])
        at = found.end()
        if found[1] == "period":
            parts.append(report.period_words)
            continue
        figure = report.figures[found[1]]
        if figure.value is None:
            return None
        parts.append(Number(figure, found[2] or ""))
    parts.append(sentence[at:])
    return [part for part in parts if part != ""]


def lay_out(report: Report) -> list[Block]:
    """The whole report: of a year in the six parts of the official form, of a month the numbers alone."""
    mark = "" if report.real else "【演练】"
    title = "政府信息公开工作年度报告" if report.month is None else "公共资源交易信息公开月报"
    blocks: list[Block] = [Heading(1, f"{mark}{report.office}{report.period_words}{title}")]
    blocks += _six_parts(report) if report.month is None else _numbers(report)
    if report.differences:
        blocks += _differences(report)
    blocks += [Heading(2, "统计口径说明"), Notes(tuple(_notes(report)))]
    blocks += [Heading(2, "日志依据"), Paragraph((_proof(report),))]
    return blocks


def _numbers(report: Report) -> list[Block]:
    return [
        Heading(2, _wording()["disclosure"]["heading"]),
        worded("disclosure", report),
        channel_table(report),
        *_charts(report),
        Heading(2, _wording()["projects"]["heading"]),
        worded("projects", report),
        project_table(report),
    ]


_ORDER = "一二三四五六七八九十"


def _six_parts(report: Report) -> list[Block]:
    return [
        Heading(2, "一、总体情况"),
        *_numbered([*_numbers(report), Heading(2, "主动公开的渠道和方式"), ways_table(report)]),
        Heading(2, "二、主动公开政府信息情况"),
        official_table(report, official.disclosure()),
        *_left_open(report, tuple(official.DISCLOSURE)),
        Heading(2, "三、收到和处理政府信息公开申请情况"),
        official_table(report, official.applications()),
        *_left_open(report, ("applications.",)),
        *_checks(application_disagreements(report.figures)),
        Heading(2, "四、政府信息公开行政复议、行政诉讼情况"),
        official_table(report, official.disputes()),
        *_lawsuits(report),
        *_left_open(report, tuple(f"{what}." for what in official.DISPUTES)),
        *_checks(dispute_disagreements(report.figures)),
        Heading(2, "五、存在的主要问题及改进情况"),
        *_typed(report, "problems"),
        Heading(2, "六、其他需要报告的事项"),
        *_fees(report),
        *_typed(report, "other"),
    ]


def _numbered(blocks: Sequence[Block]) -> list[Block]:
    """The blocks a level lower, their headings numbered （一）, （二）…"""
    order = iter(_ORDER)
    return [Heading(3, f"（{next(order)}）{b.text}") if isinstance(b, Heading) else b for b in blocks]


def _fees(report: Report) -> list[Block]:
    """What was charged for applications: the form wants it in part six."""
    said = worded("fees", report)
    return [said] if said.parts else []


def _lawsuits(report: Report) -> list[Block]:
    """All lawsuits together, where only their total was typed in: the form has no place for it."""
    known = [report.figures[f"computed.{what}.total"].value for what in official.DISPUTES if what != "reviews"]
    said = worded("lawsuits", report)
    return [said] if said.parts and None in known else []


def _typed(report: Report, name: str) -> list[Block]:
    """A text that was typed in, a paragraph for each of its lines."""
    figure = report.figures[f"entered.{name}"]
    if not figure.value:
        return [Paragraph((f"（未填写：请用 publisher figures set {name} 录入）",))]
    lines = [line.strip() for line in str(figure.value).splitlines()]
    return [Paragraph((Number(replace(figure, value=line)),)) for line in lines if line]


def _left_open(report: Report, beginnings: tuple[str, ...]) -> list[Block]:
    open_cells, cells = missing(report.figures, beginnings)
    if not open_cells:
        return []
    said = f"上表 {cells} 格中有 {open_cells} 格未录入，以“—”表示，所涉总计不列；确无此项的请录入 0。"
    return [
        Paragraph((f"（未填写：{said}可用 publisher figures sheet 生成录入表，填好后用 publisher figures load 录入）",))
    ]


def _checks(disagreements: Sequence[str]) -> list[Block]:
    return [Paragraph((f"【数据核对】{said}。请核对后再报出。",)) for said in disagreements]


# ---- charts, notes, proof


def _charts(report: Report) -> list[Block]:
    charts: list[Block] = []
    if report.months:
        months = tuple((f"{int(month[5:])}月", Number(report.figures[f"month.{month}"])) for month in report.months)
        charts.append(Chart("各月首次公开的信息（条）", months, upright=True))
    bars = tuple((title, Number(report.figures[f"channel.{name}"])) for name, title, _ in report.channels)
    kinds = tuple((kind.label, Number(report.figures[f"notices.{kind.value}"])) for kind in Kind)
    return [*charts, Chart("各渠道发布（条次）", bars), Chart("各类信息（条）", kinds)]


def _differences(report: Report) -> list[Block]:
    assert report.issued is not None  # there is something to differ from
    rows = tuple((d.label, d.name, d.before or "—", d.now or "—") for d in report.differences)
    said = f"上次报出：{report.issued.issued_at:%Y-%m-%d}，{report.issued.by}，日志第 {report.issued.head.seq} 行。"
    heads = ("数字", "名称", "上次报出", "本次")
    return [Heading(2, "与上次报出的差异"), Paragraph((said,)), Table(heads, rows, (5, 5, 2, 2))]


_FIXED_NOTES = (
    "发布各类交易信息：以公告为单位，按首次公开的日期（北京时间）计入期间；同一公告在多个渠道发布计1条。",
    "省级以上网站：本期信息中，期末以前在省级或国家级渠道至少成功发布一次的条数；条次为本期在这些渠道的发布次数。",
    "各渠道条次按该渠道公开的日期计入期间，被撤销确认的不计；各渠道条次之和不等于信息条数。",
    "完成项目：首次发布中标（成交）结果的项目，计入首次发布的期间；流标、终止的不计。一个项目不论标段多少计1项。",
    "交易额：中标（成交）结果公告所列金额之和；结果更正的以更正后为准；单价、费率、按年计价的成交，录入总额后方计入。",
    "节资率＝（预算或控制价之和－成交金额之和）÷预算或控制价之和；工程以控制价、政府采购以预算为准，缺者互代。",
    "增价＝成交金额－起始价（底价）；增值率以起始价（底价）之和为分母。",
    "“余”为舍至十位。",
)


def _notes(report: Report) -> list[str]:
    notes = list(_FIXED_NOTES)
    if report.unpriced:
        notes.append(f"成交未列总额且未录入，不计入交易额：{_names(report.unpriced)}。")
    if report.unlimited:
        notes.append(f"未列预算、控制价或起始价，节资率（增值率）的分子分母均不计：{_names(report.unlimited)}。")
    return notes


def _names(projects: Sequence[Any]) -> str:
    return "、".join(sorted(p.name.split(":", 1)[1].split("|")[0] for p in projects))


def _proof(report: Report) -> str:
    return (
        f"本报告取自发布日志第 1 至 {report.head.seq} 行，末行哈希 {report.head.hash}；"
        "每个数字的出处可用 publisher report --explain 查看。"
    )
