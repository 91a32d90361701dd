"""Page, letters and spacing of the Word report.

Source: GB/T 9704-2012 《党政机关公文格式》: A4, a type area of 156 mm × 225 mm, title in 小标宋 二号, text in 仿宋 三号
with 28 points a line and two characters of indent, headings in 黑体 and 楷体, page numbers in 宋体 四号 on the outer
side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Length, Mm, Pt, RGBColor

TYPE_AREA = Mm(156)
"""The width of text and tables."""

NOTE, FIGURE, GAP = "Note", "Figure", "Gap"
TABLE_TEXT, TABLE_TIGHT, TABLE_HEAD = "Table Text", "Table Text Tight", "Table Head"

TABLE_POINTS = 10.5
_LATIN = "Times New Roman"


@dataclass(frozen=True, slots=True)
class _Style:
    """Chinese letters, points, points of a line (None: by the letters), indent of the first line in characters."""

    font: str
    points: float
    line: float | None = None
    indent: int = 0
    centred: bool = False
    before: float = 0
    after: float = 0
    with_next: bool = False


_STYLES = {
    "Normal": _Style("仿宋", 16, 28, 2),
    "Title": _Style("方正小标宋简体", 22, 36, centred=True, before=28, after=28, with_next=True),
    "Heading 1": _Style("黑体", 16, 28, 2, before=6, after=4, with_next=True),
    "Heading 2": _Style("楷体", 16, 28, 2, after=4, with_next=True),
    NOTE: _Style("仿宋", 14, 24, 2),
    TABLE_TEXT: _Style("仿宋", TABLE_POINTS, before=2, after=2),
    TABLE_TIGHT: _Style("仿宋", TABLE_POINTS),
    TABLE_HEAD: _Style("黑体", TABLE_POINTS, centred=True),
    FIGURE: _Style("仿宋", 10.5, centred=True, before=6, after=6),
    GAP: _Style("仿宋", 10.5, 10),
    "Footer": _Style("宋体", 14),
}


def set_styles(document: Document) -> None:
    """Give the document its page, its styles and its language."""
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.footer_distance = Mm(24)
    _defaults(document)
    for name, style in _STYLES.items():
        _set(document, name, style)


def _set(document: Document, name: str, wanted: _Style) -> None:
    styles: Any = document.styles
    known = name in [style.name for style in styles]
    style = styles[name] if known else styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    style.font.size, style.font.color.rgb = Pt(wanted.points), RGBColor(0, 0, 0)
    style.font.bold = style.font.italic = False
    _letters(style, wanted.font)
    shape = style.paragraph_format
    shape.space_before, shape.space_after = Pt(wanted.before), Pt(wanted.after)
    shape.keep_with_next = wanted.with_next
    shape.line_spacing_rule = WD_LINE_SPACING.EXACTLY if wanted.line else WD_LINE_SPACING.SINGLE
    if wanted.line:
        shape.line_spacing = Pt(wanted.line)
    shape.alignment = WD_ALIGN_PARAGRAPH.CENTER if wanted.centred else None
    _indent(shape, wanted)
    for border in style.element.pPr.findall(qn("w:pBdr")):  # the template's title is underlined
        style.element.pPr.remove(border)


def _letters(style: Any, font: str) -> None:
    style.font.name = _LATIN
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for attribute in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
        fonts.attrib.pop(qn(attribute), None)  # a theme's font would win over the one that is named
    fonts.set(qn("w:eastAsia"), font)
    fonts.set(qn("w:hint"), "eastAsia")  # quotation marks and dashes are Chinese ones


def _indent(shape: Any, wanted: _Style) -> None:
    shape.first_line_indent = Pt(wanted.points * wanted.indent)
    # In characters too: Word and WPS then keep it when the size of the letters is changed.
    shape.element.get_or_add_pPr().get_or_add_ind().set(qn("w:firstLineChars"), str(wanted.indent * 100))


def _defaults(document: Document) -> None:
    """The language of the document: without it quotation marks and line ends follow English rules."""
    run = document.styles.element.find(f"{qn('w:docDefaults')}/{qn('w:rPrDefault')}/{qn('w:rPr')}")
    language = run.find(qn("w:lang"))
    if language is None:
        language = OxmlElement("w:lang")
        run.append(language)
    language.set(qn("w:val"), "en-US")
    language.set(qn("w:eastAsia"), "zh-CN")


def shares(total: Length, widths: tuple[int, ...]) -> list[Length]:
    """A width shared out in proportion; what is left by rounding goes to the last."""
    whole = sum(widths)
    made = [Length(total * width // whole) for width in widths]
    made[-1] = Length(total - sum(made[:-1]))
    return made
