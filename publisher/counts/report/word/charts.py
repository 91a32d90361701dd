"""Bar charts that Word draws itself: DrawingML chart parts with the numbers written into them, no picture.

The order of elements is that of ECMA-376, part 1, 21.2 (dml-chart.xsd); Word refuses a chart with another order.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape, quoteattr

from docx.document import Document
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.shared import Length, Mm

from publisher.counts.report.blocks import Chart
from publisher.counts.report.word.styles import FIGURE, TYPE_AREA

_CONTENT = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def add_chart(document: Document, chart: Chart, number: int) -> None:
    """The chart in a paragraph of its own. `number`: which of the document it is, from 1."""
    blob = (_DECLARATION + chart_xml(chart)).encode()
    part = Part(PackURI(f"/word/charts/chart{number}.xml"), _CONTENT, blob, document.part.package)
    relation = document.part.relate_to(part, f"{_OFFICE}/chart")
    paragraph: Any = document.add_paragraph(style=FIGURE)
    paragraph.add_run()._r.append(parse_xml(_inline(chart, number, relation)))


def _height(chart: Chart) -> Length:
    return Mm(75) if chart.upright else Mm(22 + 9 * len(chart.bars))


def _inline(chart: Chart, number: int, relation: str) -> str:
    said = f"{chart.title}：" + "；".join(f"{label} {bar.text}" for label, bar in chart.bars)
    return (
        '<w:drawing xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
        f'<wp:inline xmlns:wp="{_DRAWING}/wordprocessingDrawing" distT="0" distB="0" distL="0" distR="0">'
        f'<wp:extent cx="{int(TYPE_AREA)}" cy="{int(_height(chart))}"/>'
        f'<wp:docPr id="{1000 + number}" name="图{number}" descr={quoteattr(said)}/><wp:cNvGraphicFramePr/>'
        f'<a:graphic xmlns:a="{_DRAWING}/main"><a:graphicData uri="{_DRAWING}/chart">'
        f'<c:chart xmlns:c="{_DRAWING}/chart" xmlns:r="{_OFFICE}" r:id="{relation}"/>'
        "</a:graphicData></a:graphic></wp:inline></w:drawing>"
    )


def chart_xml(chart: Chart) -> str:
    """The chart part of one series of bars."""
    names = "".join(f'<c:pt idx="{i}"><c:v>{escape(label)}</c:v></c:pt>' for i, (label, _) in enumerate(chart.bars))
    values = "".join(f'<c:pt idx="{i}"><c:v>{bar.figure.value}</c:v></c:pt>' for i, (_, bar) in enumerate(chart.bars))
    count = f'<c:ptCount val="{len(chart.bars)}"/>'
    return (
        f'<c:chartSpace xmlns:c="{_DRAWING}/chart" xmlns:a="{_DRAWING}/main">'
        '<c:date1904 val="0"/><c:roundedCorners val="0"/><c:chart>'
        f"<c:title><c:tx><c:rich><a:bodyPr/><a:lstStyle/><a:p><a:pPr>{_letters(1200)}</a:pPr>"
        f"<a:r>{_letters(1200, 'rPr')}<a:t>{escape(chart.title)}</a:t></a:r></a:p></c:rich></c:tx>"
        '<c:overlay val="0"/></c:title><c:autoTitleDeleted val="0"/>'
        f'<c:plotArea><c:layout/><c:barChart><c:barDir val="{"col" if chart.upright else "bar"}"/>'
        '<c:grouping val="clustered"/><c:varyColors val="0"/>'
        f'<c:ser><c:idx val="0"/><c:order val="0"/><c:tx><c:v>{escape(chart.title)}</c:v></c:tx>'
        '<c:spPr><a:solidFill><a:srgbClr val="3B6EA5"/></a:solidFill></c:spPr><c:invertIfNegative val="0"/>'
        '<c:dLbls><c:numFmt formatCode="#,##0" sourceLinked="0"/><c:spPr><a:noFill/><a:ln><a:noFill/></a:ln></c:spPr>'
        f'{_text()}<c:dLblPos val="outEnd"/><c:showLegendKey val="0"/><c:showVal val="1"/><c:showCatName val="0"/>'
        '<c:showSerName val="0"/><c:showPercent val="0"/><c:showBubbleSize val="0"/></c:dLbls>'
        f"<c:cat><c:strLit>{count}{names}</c:strLit></c:cat>"
        f"<c:val><c:numLit><c:formatCode>General</c:formatCode>{count}{values}</c:numLit></c:val></c:ser>"
        '<c:gapWidth val="60"/><c:axId val="1001"/><c:axId val="1002"/></c:barChart>'
        f'{_axes(chart)}</c:plotArea><c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart>'
        "<c:spPr><a:noFill/><a:ln><a:noFill/></a:ln></c:spPr></c:chartSpace>"
    )


def _axes(chart: Chart) -> str:
    # Bars that lie are read from the top, so their axis runs downwards.
    direction = "minMax" if chart.upright else "maxMin"
    below, beside = ("b", "l") if chart.upright else ("l", "t")
    line = '<c:spPr><a:ln w="6350"><a:solidFill><a:srgbClr val="808080"/></a:solidFill></a:ln></c:spPr>'
    return (
        f'<c:catAx><c:axId val="1001"/><c:scaling><c:orientation val="{direction}"/></c:scaling><c:delete val="0"/>'
        f'<c:axPos val="{below}"/><c:numFmt formatCode="General" sourceLinked="0"/><c:majorTickMark val="none"/>'
        f'<c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/>{line}{_text()}<c:crossAx val="1002"/>'
        '<c:crosses val="autoZero"/><c:auto val="0"/><c:lblAlgn val="ctr"/><c:lblOffset val="100"/>'
        '<c:noMultiLvlLbl val="1"/></c:catAx>'
        '<c:valAx><c:axId val="1002"/><c:scaling><c:orientation val="minMax"/><c:min val="0"/></c:scaling>'
        f'<c:delete val="1"/><c:axPos val="{beside}"/><c:numFmt formatCode="General" sourceLinked="0"/>'
        '<c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/>'
        '<c:crossAx val="1001"/><c:crosses val="autoZero"/><c:crossBetween val="between"/></c:valAx>'
    )


def _text() -> str:
    paragraph = f'<a:p><a:pPr>{_letters(1000)}</a:pPr><a:endParaRPr lang="zh-CN"/></a:p>'
    return f"<c:txPr><a:bodyPr/><a:lstStyle/>{paragraph}</c:txPr>"


def _letters(size: int, tag: str = "defRPr") -> str:
    """Letters in hundredths of a point."""
    return (
        f'<a:{tag} sz="{size}" b="0"><a:solidFill><a:srgbClr val="000000"/></a:solidFill>'
        f'<a:latin typeface="Times New Roman"/><a:ea typeface="仿宋"/></a:{tag}>'
    )
