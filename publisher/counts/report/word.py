"""The report as a Word document; the only door to python-docx outside the readers."""

from __future__ import annotations

import io
from collections.abc import Sequence

import docx
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Pt

from publisher.counts.report.layout import Block, Chart, Heading, Notes, Number, Paragraph, Table
from publisher.counts.report.markdown import plain, text_of

_FONT = "仿宋"


def to_word(blocks: Sequence[Block]) -> bytes:
    """The bytes of a .docx; a chart is a table there."""
    document = docx.Document()
    style = document.styles["Normal"]
    style.font.name, style.font.size = _FONT, Pt(12)
    style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), _FONT)
    for block in blocks:
        _add(document, block)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


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
