"""Tables of the Word report: widths that fit the page, heads repeated on every page, no row torn in two."""

from __future__ import annotations

from typing import Any

from docx.document import Document
from docx.enum.table import WD_ALIGN_VERTICAL, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Length, Mm, Pt

from publisher.counts.report.blocks import Cell, Form, Number, Table, plain
from publisher.counts.report.word.styles import (
    GAP,
    TABLE_HEAD,
    TABLE_POINTS,
    TABLE_TEXT,
    TABLE_TIGHT,
    TYPE_AREA,
    shares,
)

_TALL = 20
"""Lines from which a form has a page of its own and is set tightly; a lower one is kept on one page."""


def is_tall(form: Form) -> bool:
    """Whether a form has a page of its own."""
    return len(form.lines) > _TALL


def add_table(document: Document, block: Table) -> None:
    """A table with one line of heads; numbers stand on the right. A long one goes on on the next page."""
    widths = block.widths or (1,) * len(block.heads)
    rows = (tuple(Cell(part, left=True) for part in row) for row in block.rows)
    _add(document, Form(widths, 1, (tuple(Cell(head) for head in block.heads), *rows)), WD_ALIGN_PARAGRAPH.RIGHT)


def add_form(document: Document, form: Form) -> None:
    """A form with merged cells; numbers stand in the middle."""
    _add(document, form, WD_ALIGN_PARAGRAPH.CENTER)


def _add(document: Document, form: Form, numbers: WD_ALIGN_PARAGRAPH) -> None:
    table = document.add_table(rows=len(form.lines), cols=len(form.widths), style="Table Grid")
    table.autofit = False
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    _narrow_margins(table)
    widths = shares(TYPE_AREA, form.widths)
    for column, width in zip(table.columns, widths, strict=True):
        column.width = width
    rows = [list(row.cells) for row in table.rows]
    for line, column, cell in form.placed():
        box = rows[line][column]
        width = Length(sum(widths[column : column + cell.columns]))
        box.width = width
        if cell.rows > 1 or cell.columns > 1:
            box = box.merge(rows[line + cell.rows - 1][column + cell.columns - 1])
        paragraph = _filled(box, cell, numbers, Length(width - 2 * _MARGIN))
        if line < form.heads:
            paragraph.style = TABLE_HEAD
        elif is_tall(form):
            paragraph.style = TABLE_TIGHT
    _keep_together(table, form)
    document.add_paragraph("", style=GAP)


_MARGIN = Mm(1)
"""Left and right of each cell's text: forms with ten columns need the room."""
_DIGIT = 0.6
"""How wide a digit is at most, in parts of the size of the letters."""


def _filled(box: Any, cell: Cell, numbers: WD_ALIGN_PARAGRAPH, room: Length) -> Any:
    paragraph = box.paragraphs[0]
    paragraph.style = TABLE_TEXT
    run = paragraph.add_run(plain(cell.part))
    if isinstance(cell.part, Number):
        paragraph.alignment = numbers
        largest = room.pt / (_DIGIT * len(cell.part.text) or 1)
        if largest < TABLE_POINTS:
            run.font.size = Pt(int(largest * 2) / 2)  # a number is never torn between two lines
    else:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT if cell.left else WD_ALIGN_PARAGRAPH.CENTER
    box.vertical_alignment = WD_ALIGN_VERTICAL.CENTER
    return paragraph


def _keep_together(table: Any, form: Form) -> None:
    whole = not is_tall(form)
    last = len(form.lines) - 1
    for line, row in enumerate(table.rows):
        properties = row._tr.get_or_add_trPr()  # python-docx has no names for these two
        properties.append(OxmlElement("w:cantSplit"))
        if line < form.heads:
            properties.append(OxmlElement("w:tblHeader"))
        if line != last and (whole or line < max(form.heads, 1)):
            for paragraph in row._tr.iter(qn("w:p")):
                paragraph.get_or_add_pPr().get_or_add_keepNext()


def _narrow_margins(table: Any) -> None:
    margins = OxmlElement("w:tblCellMar")
    for side in ("left", "right"):
        margin = OxmlElement(f"w:{side}")
        margin.set(qn("w:w"), str(_MARGIN.twips))
        margin.set(qn("w:type"), "dxa")
        margins.append(margin)
    properties = table._tbl.tblPr
    after = properties.find(qn("w:tblLook"))
    properties.insert(properties.index(after), margins) if after is not None else properties.append(margins)
