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
from pdfplumber.utils.text import extract_text

from publisher.errors import Reason
from publisher.intake.readers.document import Document, returned
from publisher.intake.readers.measure import check_streams

MAX_PAGES = 200
MIN_CHARACTERS = 30
"""Characters on all pages together below which a PDF counts as a scan."""
MAX_LETTERS = 400_000
"""Most letters on all pages together."""
MAX_RULES = 8000
"""Most ruled lines of a page in which tables are looked for, each cell's four counted; a page of more is a drawing."""
MAX_CELLS = 5000
"""Most places where the rows and columns of all ruled lines of a page can cross."""
_SAME_LINE = 2.0
"""Points by which edges of neighbouring cells may differ."""
_BROKEN = (
    PDFException, PSException, ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError, OSError,
    RecursionError, OverflowError,
)  # fmt: skip
"""What broken objects in a PDF end in; the libraries have no one error for them."""

logging.getLogger("pdfminer").setLevel(logging.ERROR)  # its warnings tell of fonts, page by page


@dataclass(slots=True)
class _Text:
    """A printed line: `right` and `limit` are its end and the right margin in points, `size` that of its letters."""

    text: str
    left: float
    right: float
    limit: float
    size: float


@dataclass(slots=True)
class _Cell:
    text: str
    columns: int
    rows: int


@dataclass(slots=True)
class _Rows:
    """A table; `width` counts its columns."""

    rows: list[list[_Cell]]
    width: int


_Part = _Text | _Rows

_SCANNED = "PDF 是扫描图片，程序读不出文字。请改用公告的 Word 原稿（.docx）；要作附件的，与原稿放进同一个文件夹放入。"


def read_pdf(data: bytes) -> Document:
    """The text of a PDF. Raises `NoticeReturned` for a password, damage, too many pages or a scan."""
    check_streams(data)
    try:
        with pdfplumber.open(io.BytesIO(data)) as pdf:
            if len(pdf.pages) > MAX_PAGES:
                detail = f"PDF 超过 {MAX_PAGES} 页，请只放入公告正文，其余作为附件。"
                raise returned(Reason.UNSUPPORTED_FORMAT, detail)
            parts = _pages(pdf.pages)
    except (PDFPasswordIncorrect, PDFEncryptionError, *_BROKEN) as error:
        raise _refusal(error) from None
    except Exception as error:  # pdfplumber wraps what pdfminer raises in a bare Exception of its own
        if type(error).__module__.startswith("pdf"):
            raise _refusal(error) from None
        raise
    characters = sum(len(re.sub(r"\s", "", part.text)) if isinstance(part, _Text) else 99 for part in parts)
    if characters < MIN_CHARACTERS:
        raise returned(Reason.NO_TEXT_LAYER, _SCANNED)
    return Document(body_html=_html(_joined(parts)))


def _pages(pages: Sequence[Any]) -> list[_Part]:
    """What stands on all pages; each is forgotten by the library once it is read."""
    parts: list[_Part] = []
    letters = 0
    for page in pages:
        letters += len(page.chars)
        if letters > MAX_LETTERS:
            raise returned(Reason.UNSUPPORTED_FORMAT, "PDF 文字过多，请只放入公告正文，其余作为附件。")
        parts += _page(page)
        page.close()
    return parts


def _refusal(error: Exception) -> Exception:
    causes = (error, error.__cause__, error.__context__, *error.args)
    if any(isinstance(cause, PDFPasswordIncorrect | PDFEncryptionError) for cause in causes):
        return returned(Reason.PASSWORD_PROTECTED, "PDF 已加密，程序打不开。请取消打开密码后另存一份，重新放入。")
    return returned(Reason.DAMAGED_FILE, "PDF 已损坏或未复制完整，请重新复制一份放入。")


def _page(page: Any) -> list[_Part]:
    """Lines and tables of a page from top to bottom."""
    tables = [table for table in page.find_tables() if len(table.cells) > 1] if _may_hold_tables(page) else []
    boxes = [table.bbox for table in tables]
    rest = page.filter(lambda item: not _inside(item, boxes)) if boxes else page
    lines = rest.extract_text_lines(return_chars=True)
    limit = max((line["x1"] for line in lines), default=0.0)
    placed: list[tuple[float, _Part]] = []
    for line in lines:
        size = max((char["size"] for char in line["chars"]), default=0.0)
        placed.append((line["top"], _Text(line["text"], line["x0"], line["x1"], limit, size)))
    for table in tables:
        rows = _table(table, page.chars)
        if any(cell.text for row in rows.rows for cell in row):
            placed.append((table.bbox[1], rows))
    return [part for _, part in sorted(placed, key=lambda item: item[0])]


def _may_hold_tables(page: Any) -> bool:
    """Whether the page is ruled like a sheet: looking for tables in a drawing takes minutes and finds none."""
    edges = page.edges
    rows = {round(edge["top"]) for edge in edges if edge["orientation"] == "h"}
    columns = {round(edge["x0"]) for edge in edges if edge["orientation"] == "v"}
    return len(edges) <= MAX_RULES and len(rows) * len(columns) <= MAX_CELLS


_Box = tuple[float, float, float, float]


def _inside(item: dict[str, Any], boxes: Sequence[_Box]) -> bool:
    if item.get("object_type") != "char":
        return False
    x, y = (item["x0"] + item["x1"]) / 2, (item["top"] + item["bottom"]) / 2
    return any(left <= x <= right and top <= y <= bottom for left, top, right, bottom in boxes)


def _table(table: Any, chars: Sequence[dict[str, Any]]) -> _Rows:
    """A table by the edges of its cells, so that what spans several columns or rows is known."""
    near = [char for char in chars if _inside(char, [table.bbox])]
    across = _edges([x for cell in table.cells for x in (cell[0], cell[2])])
    down = _edges([y for cell in table.cells for y in (cell[1], cell[3])])
    rows: list[list[_Cell]] = [[] for _ in down[:-1]]
    for box in sorted(table.cells, key=lambda cell: (cell[1], cell[0])):
        left, top, right, bottom = _at(across, box[0]), _at(down, box[1]), _at(across, box[2]), _at(down, box[3])
        text = extract_text([char for char in near if _inside(char, [box])])
        rows[min(top, len(rows) - 1)].append(_Cell(_cell(text), max(1, right - left), max(1, bottom - top)))
    return _Rows([row for row in rows if row], len(across) - 1)


def _edges(values: Sequence[float]) -> list[float]:
    found: list[float] = []
    for value in sorted(values):
        if not found or value - found[-1] > _SAME_LINE:
            found.append(value)
    return found


def _at(edges: Sequence[float], value: float) -> int:
    return min(range(len(edges)), key=lambda index: abs(edges[index] - value))


def _cell(text: str) -> str:
    """A cell's lines run on: a narrow column cuts words and figures anywhere."""
    return re.sub(r"(?<=[A-Za-z,])\n(?=[A-Za-z])", " ", text).replace("\n", "").strip()


def _joined(parts: Sequence[_Part]) -> list[_Part]:
    """Lines that reach the right margin go on in the next; a table cut by a page end goes on in the next."""
    out: list[_Part] = []
    for part in parts:
        last = out[-1] if out else None
        if isinstance(part, _Rows) and isinstance(last, _Rows) and part.width == last.width:
            _continue_table(last, part)
        elif isinstance(part, _Text) and isinstance(last, _Text) and _goes_on(last, part):
            wide = re.search(r"[A-Za-z]$", last.text) and re.match(r"[A-Za-z]", part.text)
            last.text += f" {part.text}" if wide else part.text
            last.right = part.right
        else:
            out.append(part)
    return out


def _continue_table(table: _Rows, more: _Rows) -> None:
    """A row that a page end cut has empty cells in its second half, where the first had text."""
    last, first = table.rows[-1], more.rows[0]
    cut = len(last) == len(first) and any(not cell.text for cell in first) and all(cell.text for cell in last)
    if cut:
        for above, below in zip(last, first, strict=True):
            above.text += below.text
    table.rows.extend(more.rows[1:] if cut else more.rows)


_STARTS = re.compile(
    r"\s*(?:[一二三四五六七八九十]{1,3}、|\d{1,2}[、．.]\s*[^\d]|[（(][一二三四五六七八九十\d]{1,2}[)）]|[^：:，。]{2,12}[：:](?!\d))"
)
_OPEN_DATE = re.compile(r"(?:\d{4}年(?:\d{1,2}月)?至?|至|-)$")


def _goes_on(before: _Text, line: _Text) -> bool:
    if abs(before.size - line.size) > 0.6:
        return False
    if re.search(r"[（(]\s*$", before.text) or re.match(r"\s*[，。；、）)]", line.text):
        return True
    if _OPEN_DATE.search(before.text) and re.match(r"\d", line.text):
        return True
    if before.limit - before.right >= before.size * 2.2:
        return False
    outdented = line.left < before.left and not re.search(r"[。；：]$", before.text)
    return outdented or not _STARTS.match(line.text)


def _html(parts: Sequence[_Part]) -> str:
    out = []
    for part in parts:
        if isinstance(part, _Text):
            out.append(f"<p>{html.escape(part.text, quote=False)}</p>")
        else:
            out.append("<table>" + "".join(_row(row) for row in part.rows) + "</table>")
    return "".join(out)


def _row(cells: Sequence[_Cell]) -> str:
    inner = []
    for cell in cells:
        spans = f' colspan="{cell.columns}"' if cell.columns > 1 else ""
        spans += f' rowspan="{cell.rows}"' if cell.rows > 1 else ""
        inner.append(f"<td{spans}>{html.escape(cell.text, quote=False)}</td>")
    return f"<tr>{''.join(inner)}</tr>"
