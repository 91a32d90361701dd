"""Bar charts as SVG, inline in a page: no script, no file, the figures in text, each a link to its rows."""

from __future__ import annotations

from markupsafe import Markup

from publisher.counts.report.blocks import Chart, Number

_ROW, _LABEL, _BARS = 26, 190, 420


def svg(chart: Chart) -> Markup:
    """Horizontal bars, each with its label and number."""
    most = max((int(str(number.figure.value)) for _, number in chart.bars), default=0) or 1
    height = _ROW * (len(chart.bars) + 1)
    rows = [
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {w} {h}" width="{w}" height="{h}">'
        ).format(w=_LABEL + _BARS + 80, h=height),
        Markup("<title>{}</title>").format(chart.title),
    ]
    for index, (label, number) in enumerate(chart.bars):
        y = _ROW * index + 6
        width = round(_BARS * int(str(number.figure.value)) / most)
        rows.append(
            Markup(
                '<text x="{lx}" y="{ty}" text-anchor="end" font-size="13">{label}</text>'
                '<rect x="{x}" y="{y}" width="{w}" height="16" fill="#3b6ea5"/>'
                '<text x="{vx}" y="{ty}" font-size="13">{value}</text>'
            ).format(
                lx=_LABEL - 8,
                ty=y + 13,
                label=label,
                x=_LABEL,
                y=y,
                w=width,
                vx=_LABEL + width + 6,
                value=_linked(number),
            )
        )
    return Markup("").join([*rows, Markup("</svg>")])


def _linked(number: Number) -> Markup:
    figure = number.figure
    text = Markup('<tspan data-f="{}" data-s="{}">{}</tspan>').format(figure.name, number.style, number.text)
    return Markup('<a href="#f-{}">{}</a>').format(figure.name, text) if figure.rows else text
