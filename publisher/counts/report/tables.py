"""The tables of a report: of channels, projects and ways of publication, and the three of the official form."""

from __future__ import annotations

from publisher.channel import Tier
from publisher.counts.report.blocks import Cell, Form, Number, Part, Table
from publisher.counts.report.drawing import GROUPS, Report
from publisher.counts.report.official import Grid, Slot, figure_name


def channel_table(report: Report) -> Table:
    """Publications by channel, in the period and since the channel was opened."""
    period = report.period_words
    rows: list[tuple[Part, ...]] = []
    for name, title, tier in report.channels:
        level = Tier(tier).label if tier else ""
        since = Number(report.figures[f"cumulative.{name}"])
        rows.append((title, level, Number(report.figures[f"channel.{name}"]), since))
    rows.append(("合计", "", Number(report.figures["publications"]), ""))
    return Table(("渠道", "层级", f"{period}发布（条次）", "开通以来累计（条次）"), tuple(rows), (12, 5, 10, 11))


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
    return Table(heads, tuple(rows), (8, 6, 11, 11, 10, 9, 8))


def _cell(report: Report, name: str) -> Part:
    figure = report.figures.get(name)
    return "" if figure is None else Number(figure)


def ways_table(report: Report) -> Table:
    """The statistics table by way of publication; the ways do not add up to the first row."""
    rows = (
        ("notices", "主动公开政府信息数（不同渠道和方式公开相同信息计1条）"),
        ("websites.notices", "其中：政府网站公开"),
        ("feeds.notices", "　　　政务微信公开"),
        ("others.notices", "　　　其他方式公开"),
    )
    lines = tuple((label, Number(report.figures[name])) for name, label in rows)
    return Table(("统计指标", "条数"), lines, (6, 1))


def official_table(report: Report, grid: Grid) -> Form:
    """A table of the official form with the figures of the report; amounts in 万元."""
    lines = tuple(tuple(_official_cell(report, slot) for slot in line) for line in grid.lines)
    return Form(grid.widths, grid.heads, lines)


def _official_cell(report: Report, slot: Slot) -> Cell:
    part: Part = slot.text
    if slot.cell:
        part = Number(report.figures[figure_name(slot.cell)])
    return Cell(part, slot.rows, slot.columns, slot.left)
