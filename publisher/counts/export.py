"""Exports: publications as CSV or workbook, the log as JSON Lines, notices as OCDS releases."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from sqlalchemy import Connection, select

from publisher.channel import Tier
from publisher.counts import queries
from publisher.counts.queries import Span
from publisher.ledger.chain import iso
from publisher.ledger.tables import publication_log
from publisher.notice import Kind, ProjectClass

HEADS = (
    "账别",
    "公开日",
    "编号",
    "渠道",
    "层级",
    "类别",
    "公告形式",
    "项目类别",
    "项目",
    "标题",
    "渠道编号",
    "网址",
    "公开时间",
    "经办人",
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """Publications as a table of texts."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def sheet(conn: Connection, span: Span, titles: Mapping[str, str], *, real: bool) -> Sheet:
    """The publications that `count` counts, one row each. `titles`: Chinese names of channels."""
    mark = "正式" if real else "演练"
    return Sheet(HEADS, tuple(_cells(row, titles, mark) for row in queries.publications(conn, span)))


def _cells(row: Any, titles: Mapping[str, str], mark: str) -> tuple[str, ...]:
    cells = (
        mark,
        row.visible_day,
        row.number,
        titles.get(row.channel, row.channel),
        Tier(row.tier).label,
        Kind(row.kind).label,
        row.form,
        ProjectClass(row.project_class).label,
        (row.project or "").partition(":")[2],
        row.title,
        row.channel_number,
        row.url,
        iso(row.visible_since)[:19].replace("T", " ") if row.visible_since else "",
        row.operator,
    )
    return tuple(cell or "" for cell in cells)


# ---- CSV

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_ANOTHER_NUMBER = re.compile(r"\d{12,}|0\d+|\d+(\.\d+)?[eE][+-]?\d+")
"""What a spreadsheet takes for a number and shows as another: rounded, without its first zeros, or as a power."""


def safe(cell: str) -> str:
    """A cell that a spreadsheet shows as it is: what it would compute, or take for another number, gets an apostrophe.

    Source of the rule: the advice on CSV injection of OWASP, with the full-width signs that some programs take too.
    """
    begins = cell.lstrip(" ").startswith(_FORMULA) or cell.startswith(_FORMULA)
    return f"'{cell}" if begins or _ANOTHER_NUMBER.fullmatch(cell) else cell


def as_csv(table: Sheet) -> bytes:
    """CSV for a spreadsheet: UTF-8 with a byte order mark, CRLF, every cell safe."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(table.heads)
    writer.writerows([safe(cell) for cell in row] for row in table.rows)
    return text.getvalue().encode("utf-8-sig")


# ---- XLSX

_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPES}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="发布" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
}


def as_xlsx(table: Sheet) -> bytes:
    """A workbook of one sheet; every cell is text, so that nothing is taken for a formula or rounded."""
    parts = _PARTS | {"xl/worksheets/sheet1.xml": _worksheet(table)}
    return zipped({name: (_DECLARATION + text).encode() for name, text in parts.items()})


def _worksheet(table: Sheet) -> str:
    rows = "".join(_row(row) for row in (table.heads, *table.rows))
    pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
    views = f'<sheetViews><sheetView workbookViewId="0">{pane}</sheetView></sheetViews>'
    return f'<worksheet xmlns="{_MAIN}">{views}<sheetData>{rows}</sheetData></worksheet>'


def _row(cells: Sequence[str]) -> str:
    made = (f'<c t="inlineStr"><is><t xml:space="preserve">{escape(_printable(cell))}</t></is></c>' for cell in cells)
    return f"<row>{''.join(made)}</row>"


def _printable(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return "".join(
        c for c in text if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
    )


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A ZIP whose bytes depend on the files alone: in the order given, without the time of day."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, data)
    return made.getvalue()


# ---- JSON Lines


def log_lines(conn: Connection, span: Span) -> Iterator[str]:
    """The rows of the log as JSON, one a line, with hash: by visible day where the span has days, else all of them.

    `payload` is the very text that is hashed, so that whoever receives all rows can check the chain.
    """
    columns = publication_log.c
    query = select(columns.seq, columns.hash, columns.payload).order_by(columns.seq)
    if span.first is not None:
        query = query.where(columns.visible_day >= span.first.isoformat())
    if span.last is not None:
        query = query.where(columns.visible_day <= span.last.isoformat())
    if span.as_of is not None:
        query = query.where(columns.recorded_at <= span.as_of)
    for row in conn.execution_options(yield_per=1000).execute(query):
        yield json.dumps({"seq": row.seq, "hash": row.hash, "payload": row.payload}, ensure_ascii=False)


def joined(lines: Iterable[str]) -> bytes:
    """Lines as bytes."""
    return "".join(f"{line}\n" for line in lines).encode()
