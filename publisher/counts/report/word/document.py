"""The report as a Word document: its page, page numbers, headings and paragraphs."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import docx
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt

from publisher.counts.report.blocks import Block, Chart, Form, Heading, Notes, Paragraph, Table
from publisher.counts.report.word.charts import add_chart
from publisher.counts.report.word.styles import NOTE, set_styles
from publisher.counts.report.word.tables import add_form, add_table, is_tall


def to_word(blocks: Sequence[Block]) -> bytes:
    """The bytes of a .docx."""
    document = docx.Document()
    set_styles(document)
    _page_numbers(document)
    charts = 0
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if isinstance(block, Chart):
            charts += 1
            add_chart(document, block, charts)
        else:
            _add(document, block)
        if isinstance(following, Table | Form) and isinstance(block, Heading | Paragraph):
            _before_table(document.paragraphs[-1], block, following)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _add(document: Document, block: Heading | Paragraph | Notes | Table | Form) -> None:
    if isinstance(block, Heading):
        _heading(document, block)
    elif isinstance(block, Paragraph):
        document.add_paragraph(block.text)
    elif isinstance(block, Notes):
        for number, text in enumerate(block.texts, 1):
            document.add_paragraph(f"{number}. {text}", style=NOTE)
    elif isinstance(block, Form):
        add_form(document, block)
    else:
        add_table(document, block)


def _before_table(paragraph: Any, block: Heading | Paragraph, table: Table | Form) -> None:
    if isinstance(block, Paragraph):
        paragraph.paragraph_format.space_after = Pt(6)
    elif isinstance(table, Form) and is_tall(table):
        paragraph.paragraph_format.page_break_before = True


_YEAR = re.compile(r"(?=(?:19|2\d)\d{2}年)")


def _heading(document: Document, block: Heading) -> None:
    """A title goes on a new line at its year, so that no word is torn between two lines."""
    if block.level > 1:
        document.add_heading(block.text, level=block.level - 1)
        return
    first, *rest = _YEAR.split(block.text, maxsplit=1)
    title = document.add_heading(first, level=0)
    for text in rest:
        run = title.add_run()
        run.add_break()
        run.add_text(text)


def _page_numbers(document: Document) -> None:
    """— 1 — at the outer side of each page, one character from the edge."""
    document.settings.odd_and_even_pages_header_footer = True
    section = document.sections[0]
    for footer, side in (
        (section.footer, WD_ALIGN_PARAGRAPH.RIGHT),
        (section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT),
    ):
        footer.is_linked_to_previous = False
        paragraph: Any = footer.paragraphs[0]
        paragraph.style, paragraph.alignment = "Footer", side
        edge = "right" if side is WD_ALIGN_PARAGRAPH.RIGHT else "left"
        paragraph.paragraph_format.element.get_or_add_pPr().get_or_add_ind().set(qn(f"w:{edge}Chars"), "100")
        paragraph.add_run("— ")
        field = OxmlElement("w:fldSimple")
        field.set(qn("w:instr"), "PAGE")
        number = OxmlElement("w:r")
        shown = OxmlElement("w:t")
        shown.text = "1"
        number.append(shown)
        field.append(number)
        paragraph._p.append(field)
        paragraph.add_run(" —")
