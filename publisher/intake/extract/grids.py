"""The parts of tables that have column heads, with their rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from publisher.intake.extract.blocks import Block, Cell, Line, Table
from publisher.intake.extract.labels import BRACKETED, compact, key_of
from publisher.intake.extract.lots import LOT, lot_line, lot_no
from publisher.intake.extract.pieces import split_line
from publisher.intake.extract.state import State

_COLUMN = re.compile(
    rf"(?:序号|第[一二三四五]名|(?:{LOT})(?:编?号|序号)?|(?:服务|交货|供货|供应|租赁)期|评委\d.*|.{{0,8}}(?:投标价|报价|得分|评分)或.*|.{{0,6}}(?:项目经理|负责人)"
    r"|.{0,10}(?:排序|排名|名次|名称|编号|金额|报价|价|限价|得分|地址|代码|单价|数量|单位|工期|质量|姓名|职务|原因|理由|内容"
    r"|期限|要求|品牌|规格型?号?|结果|资格|证书|备注|信息|联合体|用途|面积|年限|坐落|联系人|电话|候选人|供应商|投标人"
    r"|投标单位|等级|日期|业主|规模|目标|标准|服务期|工程师|前|后|事项|更正项|位置|地点|保证金|容积率|密度|绿地率))"
)
"""What a column head ends in."""


def is_header(row: Sequence[Cell], below: Sequence[Cell] | None) -> bool:
    """Whether a row heads columns: at least three cells, all short and of column words, over a row of another look.

    Two columns count only over a row whose first cell is a number or no label itself.
    """
    every = [re.sub(r"\s", "", cell.text) for cell in row if cell.origin]
    texts = [text for text in every if text]
    if len(texts) < 2 or below is None:
        return False
    bare = [BRACKETED.sub("", BRACKETED.sub("", text)) for text in texts]
    words = sum(1 for text in bare if len(text) <= 40 and _COLUMN.fullmatch(text))
    if bare[0] == "序号" and words * 2 > len(texts) > 2 and below[0].text.strip().isdecimal():
        return True
    if words < max(2, len(texts) - 1):
        return False
    under = [re.sub(r"\s", "", cell.text) for cell in below if cell.origin]
    if len(every) == 2:
        return len(under) == 2 and not key_of(compact(under[0]))
    if len(every) == len(texts) == 4 and key_of(compact(texts[0])) and key_of(compact(texts[2])):
        return len(under) == 4 and not key_of(compact(under[0]))
    return True


def _heads_columns(rows: Sequence[Sequence[Cell]], number: int) -> bool:
    return is_header(rows[number], rows[number + 1] if number + 1 < len(rows) else None)


@dataclass(frozen=True, slots=True)
class Record:
    """One row under column heads."""

    cells: tuple[tuple[str, str], ...]
    place: str

    def get(self, pattern: str) -> tuple[str, str] | None:
        """Head and text of the first column whose head matches `pattern` (white space and brackets left out)."""
        for head, text in self.cells:
            if re.fullmatch(pattern, BRACKETED.sub("", re.sub(r"\s", "", head))):
                return head, text
        return None


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows under column heads; `before` is the nearest line above, `heading` the numbered heading it stands under."""

    heads: tuple[str, ...]
    records: tuple[Record, ...]
    before: str
    heading: str
    table: int
    lot: str | None = None


def grids_of(blocks: Sequence[Block]) -> tuple[Grid, ...]:
    """All parts of tables that have column heads."""
    found: list[Grid] = []
    state = State()
    before = ""
    for block in blocks:
        if isinstance(block, Line):
            before = block.text
            state.see(block.text)
            for piece in split_line(block.text):
                if piece.key == "lot_no" and piece.value:
                    state.lot = lot_no(piece.value)
            continue
        found.extend(_table_grids(block, before, state))
    return tuple(found)


def _table_grids(table: Table, before: str, state: State) -> Iterator[Grid]:
    spans = {head: (heads, begin, end) for head, heads, begin, end in headed(table.rows)}
    for number, row in enumerate(table.rows):
        origins = [cell.text for cell in row if cell.origin]
        if len(origins) == 1:
            before = origins[0]
            state.see(before)
        elif len(origins) == 2 and key_of(compact(origins[0])) in ("lot_no", "lot_name"):
            state.lot = lot_line(origins[1], alone=True) or state.lot
        if number not in spans:
            continue
        heads, begin, end = spans[number]
        records = tuple(
            Record(tuple(zip(heads, (cell.text for cell in table.rows[at]), strict=False)), table.place(at))
            for at in range(begin, end)
        )
        yield Grid(heads, records, before, state.heading, table.no, state.lot)


def headed(rows: Sequence[tuple[Cell, ...]]) -> Iterator[tuple[int, tuple[str, ...], int, int]]:
    """Every header row with its heads and the range of rows under it."""
    number = 0
    while number < len(rows):
        if not _heads_columns(rows, number):
            number += 1
            continue
        heads, begin = _heads(rows, number)
        end = begin
        while end < len(rows) and _is_record(rows, end, len(rows[number])):
            end += 1
        yield number, heads, begin, end
        number = max(end, number + 1)


def _heads(rows: Sequence[tuple[Cell, ...]], number: int) -> tuple[tuple[str, ...], int]:
    """The heads, and the first row under them; a second header row names what a spanned head covers."""
    first = [cell.text.replace("\n", "") for cell in rows[number]]
    second = rows[number + 1]
    spanned = any(not cell.origin for cell in rows[number])
    if spanned and any(not cell.origin for cell in second) and _names_columns(second):
        return tuple(cell.text.replace("\n", "") for cell in second), number + 2
    if _fills_gaps(first, [cell.text for cell in second]) and _names_columns(second):
        return tuple(low.text.replace("\n", "") or high for high, low in zip(first, second, strict=False)), number + 2
    return tuple(first), number + 1


def _names_columns(row: Sequence[Cell]) -> bool:
    texts = [re.sub(r"\s", "", cell.text) for cell in row if cell.origin]
    return all(_COLUMN.fullmatch(BRACKETED.sub("", text)) for text in texts if text)


def _fills_gaps(first: Sequence[str], second: Sequence[str]) -> bool:
    """A second header row that only names what spans in the first left open, as unmerged cells print it."""
    filled = [column for column, text in enumerate(second) if text.strip()]
    return 0 < len(filled) < len(second) and len(first) == len(second) and min(filled) > 0


def _is_record(rows: Sequence[tuple[Cell, ...]], number: int, width: int) -> bool:
    origins = [cell for cell in rows[number] if cell.origin]
    return len(rows[number]) == width and len(origins) > 1 and not is_header(rows[number], rows[number])
