"""A report as headings, paragraphs, tables, charts and notes, before it is printed in any format.

Every format prints the same layout, so that a number cannot differ between them.
"""

from __future__ import annotations

import functools
import importlib.resources
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from publisher.channel import Tier
from publisher.counts.report.drawing import GROUPS, Report
from publisher.counts.report.numbers import Figure, written
from publisher.notice import Kind


@dataclass(frozen=True, slots=True)
class Number:
    """A figure in one way of writing it."""

    figure: Figure
    style: str = ""

    @property
    def text(self) -> str:
        """As printed."""
        return written(self.figure, self.style)


Part = str | Number


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the title."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of texts and numbers."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table; each cell is a text or a number."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Part, ...], ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars with their labels, in order."""

    title: str
    bars: tuple[tuple[str, Number], ...]


@dataclass(frozen=True, slots=True)
class Notes:
    """Footnotes, numbered from 1."""

    texts: tuple[str, ...]


Block = Heading | Paragraph | Table | Chart | Notes


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
    if parts and isinstance(parts[-1], str) and parts[-1].endswith("，"):
        parts[-1] = parts[-1][:-1] + "。"
    return Paragraph(tuple(parts))


def _sentence(sentence: str, report: Report) -> list[Part] | None:
    parts: list[Part] = []
    at = 0
    for found in _PLACE.finditer(sentence):
        parts.append(sentence[at : found.start()])
        at = found.end()
        if found[1] == "period":
            parts.append(period_words(report))
            continue
        figure = report.figures[found[1]]
        if figure.value is None:
            return None
        parts.append(Number(figure, found[2] or ""))
    parts.append(sentence[at:])
    return [part for part in parts if part != ""]


def period_words(report: Report) -> str:
    """2017年, or 2017年3月."""
    return f"{report.year}年" if report.month is None else f"{report.year}年{report.month}月"


def lay_out(report: Report) -> list[Block]:
    """The whole report: of a year in the six parts of the official form, of a month the numbers alone."""
    mark = "" if report.real else "【演练】"
    title = "政府信息公开工作年度报告" if report.month is None else "公共资源交易信息公开月报"
    blocks: list[Block] = [Heading(1, f"{mark}{report.office}{period_words(report)}{title}")]
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


def _six_parts(report: Report) -> list[Block]:
    problems, other = report.figures["entered.problems"], report.figures["entered.other"]
    return [
        Heading(2, "一、总体情况"),
        *(Heading(3, b.text) if isinstance(b, Heading) else b for b in _numbers(report)),
        Heading(2, "二、主动公开政府信息情况"),
        _form_table(report),
        _ways_table(report),
        Heading(2, "三、收到和处理政府信息公开申请情况"),
        worded("applications", report) if _any(report, "applications") else _missing(),
        Heading(2, "四、政府信息公开行政复议、行政诉讼情况"),
        worded("disputes", report) if _any(report, "disputes") else _missing(),
        Heading(2, "五、存在的主要问题及改进情况"),
        Paragraph((Number(problems),)) if problems.value else _missing(),
        Heading(2, "六、其他需要报告的事项"),
        Paragraph((Number(other),)) if other.value else _missing(),
    ]


def _any(report: Report, section: str) -> bool:
    return bool(worded(section, report).parts)


def _missing() -> Paragraph:
    return Paragraph(("（未填写：请用 publisher figures set 录入）",))


# ---- tables


def channel_table(report: Report) -> Table:
    """Publications by channel, in the period and since the channel was opened."""
    rows: list[tuple[Part, ...]] = []
    for name, title, tier in report.channels:
        level = Tier(tier).label if tier else ""
        since = Number(report.figures[f"cumulative.{name}"])
        rows.append((title, level, Number(report.figures[f"channel.{name}"]), since))
    rows.append(("合计", "", Number(report.figures["publications"]), ""))
    return Table(("渠道", "层级", f"{period_words(report)}发布（条次）", "开通以来累计（条次）"), tuple(rows))


def project_table(report: Report) -> Table:
    """Projects by class; amounts in 万元."""
    groups = [name for name in GROUPS if name != "other" or report.figures["projects.other"].value]
    rows: list[tuple[Part, ...]] = [
        (
            GROUPS[name][0],
            *(_cell(report, f"{what}.{name}") for what in ("projects", "amount", "planned", "saved", "gained")),
            _cell(report, f"{'gain_rate' if name == 'land_property' else 'saving_rate'}.{name}"),
        )
        for name in groups
    ]
    rows.append(
        (
            "合计",
            _cell(report, "projects"),
            _cell(report, "amount"),
            "",
            _cell(report, "saved"),
            _cell(report, "gained.land_property"),
            "",
        )
    )
    heads = (
        "项目类别",
        "项目数",
        "中标（成交）金额（万元）",
        "可比项目的预算、控制价或起始价（万元）",
        "节约资金（万元）",
        "增价（万元）",
        "节资率／增值率",
    )
    return Table(heads, tuple(rows))


def _cell(report: Report, name: str) -> Part:
    figure = report.figures.get(name)
    return "" if figure is None else Number(figure)


def _form_table(report: Report) -> Table:
    """The disclosure table of the official six-part form (第二十条 of the regulation), as typed in."""

    def typed(name: str, style: str = "") -> Number:
        return Number(report.figures[f"entered.{name}"], style)

    return Table(
        ("《条例》第二十条", "信息内容", "数量", ""),
        (
            ("第（一）项", "行政规范性文件 本年制发件数", typed("rules_made"), ""),
            ("第（一）项", "行政规范性文件 本年废止件数", typed("rules_repealed"), ""),
            ("第（一）项", "行政规范性文件 现行有效件数", typed("rules_in_force"), ""),
            ("第（五）项", "行政许可 本年处理决定数量", typed("licences"), ""),
            ("第（六）项", "行政处罚 本年处理决定数量", typed("penalties"), ""),
            ("第（六）项", "行政强制 本年处理决定数量", typed("coercions"), ""),
            ("第（八）项", "行政事业性收费 本年收费金额", typed("fees_charged", "wan"), "万元"),
        ),
    )


def _ways_table(report: Report) -> Table:
    """The statistics table by way of publication; the ways do not add up to the first row."""
    rows = (
        ("notices", "主动公开政府信息数（不同渠道和方式公开相同信息计1条）"),
        ("websites.notices", "其中：政府网站公开"),
        ("feeds.notices", "　　　政务微信公开"),
        ("others.notices", "　　　其他方式公开"),
    )
    return Table(("统计指标", "条数"), tuple((label, Number(report.figures[name])) for name, label in rows))


# ---- charts, notes, proof


def _charts(report: Report) -> list[Block]:
    charts: list[Block] = []
    if report.months:
        months = tuple((f"{int(month[5:])}月", Number(report.figures[f"month.{month}"])) for month in report.months)
        charts.append(Chart("各月首次公开的信息（条）", months))
    bars = tuple((title, Number(report.figures[f"channel.{name}"])) for name, title, _ in report.channels)
    kinds = tuple((kind.label, Number(report.figures[f"notices.{kind.value}"])) for kind in Kind)
    return [*charts, Chart("各渠道发布（条次）", bars), Chart("各类信息（条）", kinds)]


def _differences(report: Report) -> list[Block]:
    assert report.issued is not None  # there is something to differ from
    rows = tuple((d.label, d.name, d.before or "—", d.now or "—") for d in report.differences)
    said = f"上次报出：{report.issued.issued_at:%Y-%m-%d}，{report.issued.by}，日志第 {report.issued.head.seq} 行。"
    heads = ("数字", "名称", "上次报出", "本次")
    return [Heading(2, "与上次报出的差异"), Paragraph((said,)), Table(heads, rows)]


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
