"""The report as one HTML file: every number is a link to the rows behind it, at the end of the same file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from publisher.counts.report.blocks import (
    Block,
    Cell,
    Chart,
    Form,
    Heading,
    Notes,
    Number,
    Paragraph,
    Part,
    Table,
    numbers_of,
)
from publisher.counts.report.charts import svg
from publisher.counts.report.drawing import Report
from publisher.counts.report.numbers import Figure
from publisher.counts.report.projects import RESULTS
from publisher.notice import LOCAL

_STYLE = """
body{font-family:"Noto Serif SC","SimSun",serif;max-width:60rem;margin:2rem auto;padding:0 1rem;line-height:1.8}
h1{font-size:1.6rem;text-align:center}td:first-child{white-space:nowrap}
table{border-collapse:collapse;margin:1rem 0}th,td{border:1px solid #888;padding:.2rem .6rem}
td.n{text-align:right}.wide{overflow-x:auto}
table.form{width:100%}.form td,.form th{text-align:center;white-space:normal;font-weight:normal;line-height:1.5}
.form th.l{text-align:left}
a.n{color:inherit;text-decoration:underline dotted}figure{margin:1rem 0}
details{margin:.3rem 0}details p{scroll-margin-top:4rem;word-break:break-all;font-size:.85rem}small{color:#555}
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
    return _form(block) if isinstance(block, Form) else _table(block)


def _table(table: Table) -> Markup:
    heads = Markup("").join(Markup("<th>{}</th>").format(head) for head in table.heads)
    rows = [Markup("<tr>{}</tr>").format(Markup("").join(_cell(cell) for cell in row)) for row in table.rows]
    return Markup("<table><tr>{}</tr>{}</table>").format(heads, Markup("").join(rows))


def _form(form: Form) -> Markup:
    lines = [Markup("<tr>{}</tr>").format(Markup("").join(_spanning(cell) for cell in line)) for line in form.lines]
    head, body = Markup("").join(lines[: form.heads]), Markup("").join(lines[form.heads :])
    return Markup('<div class="wide"><table class="form"><thead>{}</thead><tbody>{}</tbody></table></div>').format(
        head, body
    )


def _spanning(cell: Cell) -> Markup:
    spans = Markup(' class="l"') if cell.left else Markup("")
    if cell.rows > 1:
        spans += Markup(' rowspan="{}"').format(cell.rows)
    if cell.columns > 1:
        spans += Markup(' colspan="{}"').format(cell.columns)
    tag = "td" if isinstance(cell.part, Number) else "th"
    return Markup("<{0}{1}>{2}</{0}>").format(tag, spans, _part(cell.part))


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
    figures = {number.figure.name: number.figure for block in blocks for number in numbers_of(block)}
    places = _places(report)
    opened = [_source(figure, places) for figure in figures.values() if figure.rows and figure.unit != "text"]
    notices = [
        Markup('<tr id="n-{0}"><td>{0}</td><td>{1}</td><td>{2}</td><td>{3}</td></tr>').format(
            n.number, n.day, n.form, n.title
        )
        for n in report.notices
    ]
    entered = [
        Markup('<tr id="e-{}"><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:%Y-%m-%d}</td></tr>').format(
            e.id, e.name, e.year, e.value, e.by, e.source or "", e.set_at.astimezone(LOCAL)
        )
        for e in report.entered
    ]
    return [
        Markup("<h2>数字出处</h2>"),
        *opened,
        _rows("本期信息", ("编号", "首次公开", "形式", "标题"), notices),
        _rows("录入的数字", ("名称", "年度", "数值", "录入人", "来源", "录入日期"), entered),
    ]


def _rows(title: str, heads: Sequence[str], rows: Sequence[Markup]) -> Markup:
    head = Markup("").join(Markup("<th>{}</th>").format(text) for text in heads)
    text = Markup("<details><summary>{}（{} 条）</summary><table><tr>{}</tr>{}</table></details>")
    return text.format(title, len(rows), head, Markup("").join(rows))


def _places(report: Report) -> dict[str, str]:
    """Row → the place on this page that shows it: a notice, the result of a project, what was typed in."""
    places = {n.project.removeprefix("no:"): f"n-{n.number}" for n in report.notices if n.form in RESULTS}
    places |= {n.number: f"n-{n.number}" for n in report.notices}
    return places | {f"figure:{e.id}": f"e-{e.id}" for e in report.entered}


def _source(figure: Figure, places: Mapping[str, str]) -> Markup:
    rows = Markup("、").join(_row(row, places) for row in figure.rows)
    # The place lies inside: a browser that is led into a closed part opens it, one that is led to it does not.
    text = Markup('<details><summary>{1} <small>{0}</small>：{2}</summary><p id="f-{0}">{3}</p></details>')
    return text.format(figure.name, figure.label, figure.exact, rows)


def _row(row: str, places: Mapping[str, str]) -> Markup:
    """A link to what shows the row; a publication of another period's notice has none on this page."""
    place = places.get(row) or places.get(row.split("@", 1)[0])
    return escape(row) if place is None else Markup('<a href="#{}">{}</a>').format(place, row)
