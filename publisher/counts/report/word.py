"""The report as a Word document; the only door to python-docx outside the readers."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import docx
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor

from publisher.counts.report.layout import Block, Chart, Heading, Notes, Number, Paragraph, Table
from publisher.counts.report.markdown import plain, text_of

_FONT, _HEADING_FONT = "仿宋", "黑体"
_HEADINGS = {"Title": 20, "Heading 1": 15, "Heading 2": 13}
"""Styles of headings → points. Official papers are black; the template's own are blue and Latin."""


def to_word(blocks: Sequence[Block]) -> bytes:
    """The bytes of a .docx; a chart is a table there."""
    document = docx.Document()
    _letters(document, "Normal", _FONT, 12)
    for name, size in _HEADINGS.items():
        _letters(document, name, _HEADING_FONT, size)
    document.styles["Title"].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for block in blocks:
        _add(document, block)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _letters(document: Document, name: str, font: str, points: int) -> None:
    style: Any = document.styles[name]
    style.font.name, style.font.size, style.font.color.rgb = font, Pt(points), RGBColor(0, 0, 0)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for attribute in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
        fonts.attrib.pop(qn(attribute), None)  # a theme's font would win over the one that is named
    fonts.set(qn("w:eastAsia"), font)


def _add(document: Document, block: Block) -> None:
    if isinstance(block, Heading):
        document.add_heading(block.text, level=block.level - 1)
    elif isinstance(block, Paragraph):
        document.add_paragraph(text_of(block))
    elif isinstance(block, Notes):
        for number, text in enumerate(block.texts, 1):
            document.add_paragraph(f"{number}. {text}")
    elif isinstance(block, Chart):
        _table(document, Table(("　", block.title), block.bars))
    else:
        _table(document, block)


def _table(document: Document, block: Table) -> None:
    table = document.add_table(rows=1, cols=len(block.heads), style="Table Grid")
    for cell, head in zip(table.rows[0].cells, block.heads, strict=True):
        cell.text = head
    for row in block.rows:
        for cell, part in zip(table.add_row().cells, row, strict=True):
            cell.text = plain(part)
            if isinstance(part, Number):
                cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.RIGHT
    document.add_paragraph("")
