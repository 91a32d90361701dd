"""The report as one HTML file: every number is a link to the rows behind it, at the end of the same file."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from publisher.counts.report.charts import svg
from publisher.counts.report.drawing import Report
from publisher.counts.report.layout import Block, Chart, Heading, Notes, Number, Paragraph, Part, Table
from publisher.counts.report.numbers import Figure

_STYLE = """
body{font-family:"Noto Serif SC","SimSun",serif;max-width:60rem;margin:2rem auto;padding:0 1rem;line-height:1.8}
table{border-collapse:collapse;margin:1rem 0}th,td{border:1px solid #888;padding:.2rem .6rem}
td.n{text-align:right}a.n{color:inherit;text-decoration:underline dotted}figure{margin:1rem 0}
details{margin:.3rem 0}details p{word-break:break-all;font-size:.85rem}small{color:#555}
"""


def to_page(report: Report, blocks: Sequence[Block]) -> str:
    """The whole page. `data-f` of a link names its figure, `data-s` how it is written."""
    title = next((b.text for b in blocks if isinstance(b, Heading) and b.level == 1), "")
    head = Markup('<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>{}</title>').format(title)
    body = [_block(block) for block in blocks]
    parts = [head, Markup(f"<style>{_STYLE}</style></head><body>"), *body, *_sources(report, blocks)]
    return str(Markup("\n").join(parts) + Markup("</body></html>\n"))


def _block(block: Block) -> Markup:
    if isinstance(block, Heading):
        return Markup("<h{0}>{1}</h{0}>").format(block.level, block.text)
    if isinstance(block, Paragraph):
        return Markup("<p>{}</p>").format(Markup("").join(_part(part) for part in block.parts))
    if isinstance(block, Notes):
        return Markup("<ol>{}</ol>").format(Markup("").join(Markup("<li>{}</li>").format(t) for t in block.texts))
    if isinstance(block, Chart):
        return Markup("<figure><figcaption>{}</figcaption>{}</figure>").format(block.title, svg(block))
    return _table(block)


def _table(table: Table) -> Markup:
    heads = Markup("").join(Markup("<th>{}</th>").format(head) for head in table.heads)
    rows = [Markup("<tr>{}</tr>").format(Markup("").join(_cell(cell) for cell in row)) for row in table.rows]
    return Markup("<table><tr>{}</tr>{}</table>").format(heads, Markup("").join(rows))


def _cell(part: Part) -> Markup:
    return Markup('<td class="n">{}</td>' if isinstance(part, Number) else "<td>{}</td>").format(_part(part))


def _part(part: Part) -> Markup:
    if isinstance(part, str):
        return escape(part)
    figure = part.figure
    if not figure.rows or figure.unit == "text":
        return Markup('<span data-f="{}" data-s="{}">{}</span>').format(figure.name, part.style, part.text)
    link = Markup('<a class="n" href="#f-{0}" data-f="{0}" data-s="{1}">{2}</a>')
    return link.format(figure.name, part.style, part.text)


# ---- where each number comes from


def _sources(report: Report, blocks: Sequence[Block]) -> list[Markup]:
    figures = {number.figure.name: number.figure for block in blocks for number in _numbers(block)}
    opened = [_source(figure) for figure in figures.values() if figure.rows and figure.unit != "text"]
    notices = [
        Markup('<tr id="n-{0}"><td>{0}</td><td>{1}</td><td>{2}</td><td>{3}</td></tr>').format(
            n.number, n.day, n.form, n.title
        )
        for n in report.notices
    ]
    heads = Markup("<tr><th>编号</th><th>首次公开</th><th>形式</th><th>标题</th></tr>")
    return [
        Markup("<h2>数字出处</h2>"),
        *opened,
        Markup("<details><summary>本期信息（{} 条）</summary><table>{}{}</table></details>").format(
            len(notices), heads, Markup("").join(notices)
        ),
    ]


def _numbers(block: Block) -> list[Number]:
    if isinstance(block, Paragraph):
        return [part for part in block.parts if isinstance(part, Number)]
    if isinstance(block, Table):
        return [cell for row in block.rows for cell in row if isinstance(cell, Number)]
    return []


def _source(figure: Figure) -> Markup:
    rows = Markup("、").join(_row(row) for row in figure.rows)
    text = Markup('<details id="f-{0}"><summary>{1} <small>{0}</small>：{2}</summary><p>{3}</p></details>')
    return text.format(figure.name, figure.label, figure.exact, rows)


def _row(row: str) -> Markup:
    """A notice or publication links to the notice's line; a project number and a typed-in figure are named."""
    number = row.split("@", 1)[0]
    if number.replace("-", "").isdigit():
        return Markup('<a href="#n-{}">{}</a>').format(number, row)
    return escape(row)
