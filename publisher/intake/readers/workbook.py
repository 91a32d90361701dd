"""Workbooks: one row under known column heads is one notice."""

from __future__ import annotations

import html
import io
import re
import zipfile
import zlib
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import python_calamine

from publisher.errors import Reason
from publisher.intake.readers.document import Document, returned
from publisher.intake.readers.extent import check_extent
from publisher.intake.readers.word import check_package

MAX_ROWS = 1000
"""Most notices that one workbook may hold."""
_HEAD = re.compile(
    r"序号|.*(?:编号|名称|标题|类型|类别|金额|限价|采购人|采购单位|招标人|建设单位|代理机构|时间|日期|供应商|中标人|信用代码|得分|评分结果|备注|包号|标段|联系人|电话|地址"
    r"|(?:成交|中标|起始|挂牌|转让|合同)(?:总)?价格?|预算|方式|出让人|出让方|转让方|受让方|受让人|竞得人|承租方|用途|面积|位置|坐落|年限|工期|公示期|中标单位|成交单位|招标单位)"
    r"(?:[（(].*[)）])?"
)
_TITLE = re.compile(r"(?:公告|公示)(?:标题|名称)|标题")
_KIND = re.compile(r"公告(?:类型|类别)|类型|信息类型|类别")
_LEFT_OUT = re.compile(r"序号|公告(?:类型|类别)|(?:公告|公示)?标题|公告名称|公示名称")


def read_workbook(data: bytes, *, package: bool = True) -> tuple[Document, ...]:
    """A document per row. Raises `NoticeReturned` where no sheet has column heads that are known."""
    if package:
        check_package(data)
    try:
        check_extent(data, package=package)
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = [(name, book.get_sheet_by_name(name).to_python(skip_empty_area=False)) for name in book.sheet_names]
    except python_calamine.PasswordError:
        raise returned(
            Reason.PASSWORD_PROTECTED,
            "表格文件已加密，程序打不开。请用 Excel（WPS）打开，取消打开密码后另存一份，重新放入。",
        ) from None
    except (python_calamine.CalamineError, zipfile.BadZipFile, zlib.error, OSError, ValueError, IndexError):
        raise returned(Reason.DAMAGED_FILE, "表格文件已损坏或未复制完整，请重新复制一份放入。") from None
    found = [document for name, rows in sheets for document in _sheet(name, rows)]
    if not found:
        detail = (
            "表格中没有可识别的表头，或表头下没有内容。请在内容上方写一行表头（如“公告标题”“公告类型”“项目编号”“项目名称”"
            "“招标人”），表头下每行写一条公告，再重新放入。"
        )
        raise returned(Reason.UNSUPPORTED_FORMAT if any(any(r) for _, r in sheets) else Reason.EMPTY_BODY, detail)
    if len(found) > MAX_ROWS:
        raise returned(Reason.UNSUPPORTED_FORMAT, f"表格超过 {MAX_ROWS} 行，请分开放入。")
    return tuple(found)


def _sheet(name: str, rows: Sequence[Sequence[object]]) -> list[Document]:
    texts = [[shown(cell) for cell in row] for row in rows]
    at = next((index for index, row in enumerate(texts[:10]) if _is_head(row)), None)
    if at is None:
        return []
    if at and not texts[at][0] and texts[at - 1][0]:
        at -= 1  # the upper row of heads in two rows
    heads, begin = _heads(texts, at)
    heads = _with_unit(heads, texts[:at])
    found = []
    for offset, row in enumerate(texts[begin:], begin + 1):
        cells = [(head, cell) for head, cell in zip(heads, row, strict=False) if head]
        summed = next((cell for _, cell in cells if cell), "") in ("合计", "总计", "小计")
        if not summed and sum(1 for head, cell in cells if cell and head != "序号") >= 3:
            found.append(_document(cells, f"工作表“{name}”第{offset}行"))
    return found


def _heads(texts: Sequence[Sequence[str]], at: int) -> tuple[list[str], int]:
    """The column heads and the first row under them; heads in two rows (项目 over 编号, 名称) are put together."""
    high = [re.sub(r"\s", "", head) for head in texts[at]]
    low = [re.sub(r"\s", "", head) for head in texts[at + 1]] if at + 1 < len(texts) else []
    opened = [column for column, head in enumerate(high) if not head and column < len(low) and low[column]]
    if not opened or (low and low[0]) or not all(_SECOND.fullmatch(head) for head in low if head):
        return high, at + 1
    heads, above = [], ""
    for column, head in enumerate(high):
        above = head or above
        under = low[column] if column < len(low) else ""
        whole = (
            under
            if _HEAD.fullmatch(under) and len(re.sub(r"[（(].*", "", under)) > 2
            else f"{_STEM.sub('', above)}{under}"
        )
        heads.append(whole if under else head)
    return heads, at + 2


_SECOND = re.compile(rf"{_HEAD.pattern}|.{{0,6}}(?:人|单位|供应商|公司|价|金额|结果)(?:[（(].*[)）])?")
_STEM = re.compile(r"(?:情况|信息|结果|内容)$")
_UNIT_NOTE = re.compile(r"单位\s*[：:]\s*[（(]?(?:人民币)?(万元|亿元|元)")
_MONEY_HEAD = re.compile(r".*(?:金额|预算|限价|控制价|价格?|造价|投资额?|总价|报价)")
_SLASHED = re.compile(r"[/／](?:人民币)?(万元|亿元|元|%)$")


def _with_unit(heads: Sequence[str], above: Sequence[Sequence[str]]) -> list[str]:
    """The heads with the unit that a line over the table states (单位：万元), and 控制价/万元 as 控制价（万元）."""
    said = next((found[1] for row in above for cell in row if (found := _UNIT_NOTE.search(cell))), None)
    slashed = [_SLASHED.sub(r"（\1）", head) for head in heads]
    return [f"{head}（{said}）" if said and _MONEY_HEAD.fullmatch(head) else head for head in slashed]


def _is_head(row: Sequence[str]) -> bool:
    filled = [re.sub(r"\s", "", cell) for cell in row if cell.strip()]
    return len(filled) >= 3 and sum(1 for cell in filled if _HEAD.fullmatch(cell)) * 2 > len(filled)


def _document(cells: Sequence[tuple[str, str]], place: str) -> Document:
    title = next((cell for head, cell in cells if cell and _TITLE.fullmatch(head)), None)
    kind = next((cell for head, cell in cells if cell and _KIND.fullmatch(head)), None)
    title = title or _composed(cells, kind)
    rows = "".join(
        f"<tr><td>{html.escape(head, quote=False)}</td><td>{html.escape(cell, quote=False)}</td></tr>"
        for head, cell in cells
        if cell and not _LEFT_OUT.fullmatch(head)
    )
    return Document(body_html=f"<table>{rows}</table>", title=title, column=kind, place=place)


def _composed(cells: Sequence[tuple[str, str]], kind: str | None) -> str | None:
    """A list without a column of titles: 项目名称 and the 公告类型 of the row, as every title is made."""
    name = next((cell for head, cell in cells if cell and _NAME.fullmatch(head)), None)
    return f"{name}{kind}" if name and kind and kind.endswith(("公告", "公示")) else None


_NAME = re.compile(r"(?:采购|招标|工程)?(?:项目|工程|标的)名称")


def shown(cell: object) -> str:
    """A cell as a person reads it: whole numbers without a point, dates in Chinese order."""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return f"{cell:%Y年%m月%d日 %H:%M}" if cell.time() != time() else f"{cell:%Y年%m月%d日}"
    if isinstance(cell, date):
        return f"{cell:%Y年%m月%d日}"
    if isinstance(cell, time | timedelta):
        return str(cell)
    return str(cell).strip()
