"""Reads the workbook back: every wrong cell is named, and only what the clerk changed is taken."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal

import python_calamine

from publisher.counts.report.entered import checked, kind_of
from publisher.counts.report.entry.errors import error_cells
from publisher.counts.report.entry.plan import OTHER_SHEET, Entry, EntrySheet, Place, entries_of, plan
from publisher.counts.report.entry.writing import HIDDEN, MARK
from publisher.errors import NotAllowed

_AGAIN = "请用 publisher figures sheet 重新生成录入表，再填写。"

_NOTHING = "录入表有以下问题，一个数字也没有录入："

_MOST_BYTES = 50_000_000
"""The largest workbook that is read, unpacked; the one that was written has some hundred thousand bytes."""

Cells = Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Typed:
    """What stands in a cell, as it is kept (amounts in 元, "" for nothing), and what stood there at first."""

    name: str
    value: str
    before: str
    place: str


@dataclass(frozen=True, slots=True)
class Change:
    """A figure that becomes another. `before`, `after`: as kept, "" for not entered; `place`: sheet and cell."""

    name: str
    label: str
    before: str
    after: str
    place: str


def read_workbook(data: bytes, year: int) -> list[Typed]:
    """Every cell to be filled in. Raises `NotAllowed` with everything that is wrong with the workbook, cell by cell."""
    sheets, errors = _opened(data)
    kept = _kept(sheets, year)
    planned = plan(year, [(name, "") for name, (sheet, _) in kept.items() if sheet == OTHER_SHEET])
    if {entry.name for _, entry in entries_of(planned)} != kept.keys():
        raise NotAllowed(f"这不是本版程序生成的录入表（各格与本版不同）。{_AGAIN}")
    wrong = [problem for sheet in planned for problem in _moved(sheet, sheets)]
    if wrong:
        raise NotAllowed(f"{_NOTHING}\n" + "\n".join(wrong))
    typed: list[Typed] = []
    for sheet, entry in entries_of(planned):
        place = f"工作表“{sheet.name}”{entry.place.cell}"
        try:
            value = _value(entry, _at(sheets[sheet.name], entry.place), errors.get((sheet.name, entry.place.cell)))
            typed.append(Typed(entry.name, value, kept[entry.name][1], place))
        except NotAllowed as error:
            wrong.append(f"{place}：{error}")
    if wrong:
        raise NotAllowed(f"{_NOTHING}\n" + "\n".join(wrong))
    return typed


def changes(typed: Sequence[Typed], standing: Mapping[str, str]) -> list[Change]:
    """What the clerk changed and what does not stand already. `standing`: name → value of what is entered now."""
    return [
        Change(one.name, kind_of(one.name)[1], standing.get(one.name, ""), one.value, one.place)
        for one in typed
        if not _same(one.value, one.before) and not _same(one.value, standing.get(one.name, ""))
    ]


def _same(one: str, other: str) -> bool:
    try:
        return Decimal(one) == Decimal(other)
    except ArithmeticError:
        return one.splitlines() == other.splitlines()


# ---- the file


def _opened(data: bytes) -> tuple[dict[str, Cells], dict[tuple[str, str], str]]:
    """The sheets by name, and the cells that show an error."""
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise NotAllowed(
            f"文件打不开，或不是 .xlsx 格式（.xls、.et、.csv 请另存为 .xlsx，加了打开密码的请先取消密码）。{_AGAIN}"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > _MOST_BYTES:
            raise NotAllowed(f"文件解开后超过 {_MOST_BYTES // 1_000_000} MB，不是录入表。{_AGAIN}")
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets: dict[str, Cells] = {
            name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names
        }
        return sheets, error_cells(data)
    except (python_calamine.CalamineError, zipfile.BadZipFile, zlib.error, OSError, ValueError, LookupError):
        raise NotAllowed(f"文件已损坏或未复制完整，或不是 Excel 工作簿。{_AGAIN}") from None


def _kept(sheets: Mapping[str, Cells], year: int) -> dict[str, tuple[str, str]]:
    """Name → its sheet and what stood in its cell, as the hidden sheet says."""
    rows = [[str(cell) for cell in row] for row in sheets.get(HIDDEN, ())]
    if not rows or rows[0][0] != MARK or any(len(row) < 4 for row in rows):
        raise NotAllowed(f"这不是本版程序生成的录入表（缺少工作表“{HIDDEN}”或版本不同）。{_AGAIN}")
    if rows[0][1] != str(year):
        raise NotAllowed(
            f"这是 {rows[0][1]} 年的录入表，不能按 {year} 年录入；请改 --year，或重新生成 {year} 年的录入表。"
        )
    return {name: (sheet, value) for name, sheet, _, value in (row[:4] for row in rows[1:])}


def _at(cells: Cells, place: Place) -> object:
    row = cells[place.line] if place.line < len(cells) else ()
    return row[place.column] if place.column < len(row) else ""


def _moved(sheet: EntrySheet, sheets: Mapping[str, Cells]) -> Iterator[str]:
    """Texts of the form that are not where they were written: rows or columns were put in or taken out."""
    if sheet.name not in sheets:
        yield f"缺少工作表“{sheet.name}”。{_AGAIN}"
        return
    for one in sheet.texts:
        found = str(_at(sheets[sheet.name], one.place)).strip()
        if one.text and found != one.text:
            where = f"工作表“{sheet.name}”{one.place.cell}"
            yield f"{where}：应是“{one.text}”，现在是“{found}”；请勿增删行列或改动表头。{_AGAIN}"
            return


# ---- a cell


def _value(entry: Entry, raw: object, error: str | None) -> str:
    """The value as it is kept. Raises `NotAllowed` for what is no such number. `error`: that the cell shows, if any."""
    if error is not None:
        raise NotAllowed(f"显示的是错误 {error}，请改填数字")
    if isinstance(raw, bool | date | time | timedelta):
        raise NotAllowed(f"应填数字，不是“{raw}”；请把单元格格式改为“常规”后重填")
    if isinstance(raw, float | int):
        number = Decimal(repr(raw))
        text = f"{number.normalize():f}"
    else:
        text = str(raw).strip()
    if entry.wan and text:
        text = _yuan(entry, text)
    return checked(entry.name, text)


def _yuan(entry: Entry, text: str) -> str:
    """An amount in 万元 as 元."""
    plain = checked(entry.name, text)
    yuan = Decimal(plain) * 10000
    if yuan != yuan.quantize(Decimal("0.01")):
        raise NotAllowed(f"单位是万元，最多精确到分（六位小数），不是“{text}”")
    return f"{yuan.normalize():f}"
