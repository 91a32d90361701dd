"""Exports: publications as CSV or workbook, the log as JSON Lines, notices as OCDS releases."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import xlsxwriter
from sqlalchemy import Connection, select

from publisher.channel import Tier
from publisher.counts import queries
from publisher.counts.queries import Span
from publisher.errors import NotAllowed
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

_MOST_ROWS = 1_048_575
"""Rows of a workbook's sheet below its heads: no spreadsheet opens more."""
_WIDTHS = {"标题": 48, "项目": 24, "网址": 36, "公开时间": 20, "渠道": 26, "公告形式": 18}
_PLAIN = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def as_xlsx(table: Sheet) -> bytes:
    """A workbook of one sheet; every cell is text, so that nothing is taken for a formula or rounded.

    Raises `NotAllowed` for more rows, or a longer text, than a sheet holds.
    """
    if len(table.rows) > _MOST_ROWS:
        raise NotAllowed(
            f"共 {len(table.rows):,} 行，超过工作簿的上限 {_MOST_ROWS:,} 行；"
            "请用 --from、--to 分期导出，或改用 --format csv"
        )
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True, "in_memory": True, **_PLAIN}) as book:
        book.set_properties({"created": datetime(1980, 1, 1)})  # noqa: DTZ001 (the same rows are the same bytes)
        page = book.add_worksheet("发布")
        page.freeze_panes(1, 0)
        for place, head in enumerate(table.heads):
            page.set_column(place, place, _WIDTHS.get(head, 12))
        heads = book.add_format({"bold": True})
        for number, row in enumerate((table.heads, *table.rows)):
            for place, cell in enumerate(row):
                if page.write_string(number, place, cell, None if number else heads):
                    raise NotAllowed(f"第 {number} 行“{table.heads[place]}”过长，工作簿放不下；请改用 --format csv")
    return out.getvalue()


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
