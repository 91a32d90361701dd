"""PDF files with text: lines joined to paragraphs, tables as tables."""

from __future__ import annotations

import html
import io
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pdfplumber
from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect
from pdfminer.pdfexceptions import PDFException
from pdfminer.psexceptions import PSException

from publisher.errors import Reason
from publisher.intake.readers.document import Document, returned

MAX_PAGES = 200
MIN_CHARACTERS = 30
"""Characters on all pages together below which a PDF counts as a scan."""

logging.getLogger("pdfminer").setLevel(logging.ERROR)  # its warnings tell of fonts, page by page


@dataclass(slots=True)
class _Text:
    """One printed line: `right` and `limit` are its end and the right margin in points, `size` that of its letters."""

    text: str
    left: float
    right: float
    limit: float
    size: float


@dataclass(slots=True)
class _Rows:
    rows: list[list[str]]


def read_pdf(data: bytes) -> Document:
    """The text of a PDF. Raises `NoticeReturned` for a password, damage, too many pages or a scan."""
    try:
        with pdfplumber.open(io.BytesIO(data)) as pdf:
            if len(pdf.pages) > MAX_PAGES:
                raise returned(Reason.UNSUPPORTED_FORMAT, f"PDF 超过 {MAX_PAGES} 页，请只放入公告正文，其余作为附件。")
            parts = [part for page in pdf.pages for part in _page(page)]
    except (PDFPasswordIncorrect, PDFEncryptionError):
        raise returned(Reason.PASSWORD_PROTECTED, "PDF 已加密，请去除打开密码后重新放入。") from None
    except (PDFException, PSException, ValueError, KeyError, TypeError, IndexError, AttributeError, OSError, RecursionError) as error:
        # pdfplumber wraps a wrong password in an error of its own, and broken objects end in any of these
        if any(isinstance(cause, PDFPasswordIncorrect) for cause in (*error.args, error.__cause__, error.__context__)):
            raise returned(Reason.PASSWORD_PROTECTED, "PDF 已加密，请去除打开密码后重新放入。") from None
        raise returned(Reason.DAMAGED_FILE, "PDF 已损坏或未复制完整，请重新复制一份放入。") from None
    characters = sum(len(re.sub(r"\s", "", part.text)) if isinstance(part, _Text) else 99 for part in parts)
    if characters < MIN_CHARACTERS:
        raise returned(Reason.NO_TEXT_LAYER, "PDF 是扫描图片，没有文字，请改用可编辑的文件（如 .docx）。")
    return Document(body_html=_html(_joined(parts)))


def _page(page: Any) -> list[_Text | _Rows]:
    """Lines and tables of a page from top to bottom."""
    tables = page.find_tables()
    boxes = [table.bbox for table in tables]
    rest = page.filter(lambda item: not _inside(item, boxes)) if boxes else page
    lines = rest.extract_text_lines(return_chars=True)
    limit = max((line["x1"] for line in lines), default=0.0)
    placed: list[tuple[float, _Text | _Rows]] = []
    for line in lines:
        size = max((char["size"] for char in line["chars"]), default=0.0)
        placed.append((line["top"], _Text(line["text"], line["x0"], line["x1"], limit, size)))
    for table in tables:
        rows = [[_cell(cell) for cell in row] for row in table.extract()]
        placed.append((table.bbox[1], _Rows(rows)))
    return [part for _, part in sorted(placed, key=lambda item: item[0])]


def _inside(item: dict[str, Any], boxes: Sequence[tuple[float, float, float, float]]) -> bool:
    if item.get("object_type") != "char":
        return False
    x, y = (item["x0"] + item["x1"]) / 2, (item["top"] + item["bottom"]) / 2
    return any(left <= x <= right and top <= y <= bottom for left, top, right, bottom in boxes)


def _cell(text: str | None) -> str:
    """A cell's lines run on: a narrow column cuts words and figures anywhere."""
    return re.sub(r"(?<=[A-Za-z,])\n(?=[A-Za-z])", " ", text or "").replace("\n", "").strip()


def _joined(parts: Sequence[_Text | _Rows]) -> list[_Text | _Rows]:
    """Lines that reach the right margin go on in the next; a table cut by a page end goes on in the next."""
    out: list[_Text | _Rows] = []
    for part in parts:
        last = out[-1] if out else None
        if isinstance(part, _Rows) and isinstance(last, _Rows) and len(part.rows[0]) == len(last.rows[0]):
            last.rows.extend(part.rows)
        elif isinstance(part, _Text) and isinstance(last, _Text) and _goes_on(last, part):
            last.text += part.text if not re.search(r"[A-Za-z]$", last.text) else f" {part.text}".replace("  ", " ")
            last.right = part.right
        else:
            out.append(part)
    return out


_STARTS = re.compile(r"\s*(?:[一二三四五六七八九十]{1,3}、|\d{1,2}[、．.]\s*[^\d]|[（(][一二三四五六七八九十\d]{1,2}[)）]|[^：:，。]{2,12}[：:](?!\d))")


def _goes_on(before: _Text, line: _Text) -> bool:
    if abs(before.size - line.size) > 0.6:
        return False
    if re.search(r"[（(]\s*$", before.text) or re.match(r"\s*[，。；、）)]", line.text):
        return True
    full = before.limit - before.right < before.size * 2.2
    open_date = bool(re.search(r"\d{4}年(?:\d{1,2}月)?至?$|至$|-$", before.text)) and bool(re.match(r"\d", line.text))
    return open_date or (full and not _STARTS.match(line.text)) or (full and not re.search(r"[。；：]$", before.text) and line.left < before.left)


def _html(parts: Sequence[_Text | _Rows]) -> str:
    out = []
    for part in parts:
        if isinstance(part, _Text):
            out.append(f"<p>{html.escape(part.text, quote=False)}</p>")
        else:
            out.append("<table>" + "".join(_row(row) for row in part.rows if any(row)) + "</table>")
    return "".join(out)


def _row(cells: Sequence[str]) -> str:
    """A cell that pdfplumber leaves empty because the one before spans it still stands for itself."""
    return "<tr>" + "".join(f"<td>{html.escape(cell, quote=False)}</td>" for cell in cells) + "</tr>"
