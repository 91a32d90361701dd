"""Ranked candidates: in rows, in columns, in running lines, for one lot or several."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from publisher.intake.extract.amounts import parse_amount, plain
from publisher.intake.extract.bidder_rows import (
    RANK,
    bidder_of,
    number_in,
    place_of,
    rank_of,
)
from publisher.intake.extract.codes import credit_code
from publisher.intake.extract.facts import Bidder
from publisher.intake.extract.grids import Grid, Record
from publisher.intake.extract.lots import lot_line, lot_no
from publisher.intake.extract.parties import ORGANISATION
from publisher.intake.extract.pieces import split_line
from publisher.intake.extract.source import Source


def ranked(source: Source) -> list[Bidder]:
    """The first table whose rows are ranked candidates, and those of further lots."""
    found: list[Bidder] = []
    for grid in source.grids:
        if re.search(r"业绩|其他投标人|否决|项目管理机构|主要人员", grid.before):
            continue
        ranked = list(_ranked_rows(grid))
        if not found or _of_other_lots(ranked, found):
            found += ranked
    return found or _ranked_columns(source)


def _ranked_rows(grid: Grid) -> Iterator[Bidder]:
    for record in grid.records:
        rank_cell = record.get(RANK) or record.get(r"序号")
        bidder = bidder_of(record)
        rank = rank_of(rank_cell[1]) if rank_cell else None
        if bidder and rank and (record.get(RANK) or "候选" in "".join(grid.heads)):
            bidder.rank = rank
            bidder.lot = bidder.lot or grid.lot
            yield bidder


def _of_other_lots(more: list[Bidder], found: list[Bidder]) -> bool:
    """Whether a further table goes on with other lots: one table per lot, each under the lot's line."""
    known = {bidder.lot for bidder in found}
    return None not in known and all(bidder.lot is not None and bidder.lot not in known for bidder in more)


def _ranked_columns(source: Source) -> list[Bidder]:
    """The turned table: one column per candidate, one row per field; one such table per lot."""
    every: list[Bidder] = []
    for grid in source.grids:
        ranks = {column: rank for column, head in enumerate(grid.heads) if (rank := rank_of(head))}
        if len(ranks) < 2:
            continue
        found = []
        for column, rank in ranks.items():
            turned = tuple(
                (record.cells[0][1], record.cells[column][1]) for record in grid.records if len(record.cells) > column
            )
            bidder = bidder_of(Record(turned, grid.records[0].place if grid.records else ""))
            if bidder:
                bidder.rank = rank
                bidder.lot = bidder.lot or grid.lot
                found.append(bidder)
        if not every or _of_other_lots(found, every):
            every += found
    return every


_TEXT_RANK = re.compile(
    rf"(?:第\s*([一二三四五1-5])\s*(?:名|中标候选人|成交候选人|候选人)|(?:中标)?候选人\s*([一二三1-3]))\s*(?:名称|单位|为)?\s*[.．:：、，]?\s*({ORGANISATION}(?:[（(][^）)]*[)）])?(?:、{ORGANISATION}(?:[（(][^）)]*[)）])?)*)"
)


_LISTED = re.compile(r"(?:中标|成交)候选(?:人|供应商)(?:名单|排序|顺序|依次)*(?:为|如下)?[：:]\s*(?=[1１][.、．])")
_LIST_ITEM = re.compile(rf"([1-5１-５])[.、．]\s*()({ORGANISATION})")


def ranked_in_text(source: Source) -> list[Bidder]:
    """`第一名：某公司 投标报价：…`, or `候选人依次为：1.某公司，…；2.…`: each stretch belongs to its candidate."""
    text = source.flat
    hits = list(_TEXT_RANK.finditer(text))
    listed = _LISTED.search(text)
    if not hits and listed:
        hits = list(_LIST_ITEM.finditer(text, listed.end()))
    found: list[Bidder] = []
    for index, hit in enumerate(hits):
        rank, lot = rank_of(plain(hit[1] or hit[2])), _lot_above(text, hit.start())
        if rank is None or any(bidder.rank == rank and bidder.lot == lot for bidder in found):
            continue
        end = hits[index + 1].start() if index + 1 < len(hits) else len(text)
        bidder = Bidder(name=hit[3].strip(), rank=rank, lot=lot, place=place_of(source, hit[3]))
        _fill_from_lines(bidder, text[hit.end() : min(end, hit.end() + 600)])
        found.append(bidder)
    return found


def _lot_above(text: str, at: int) -> str | None:
    """The lot whose line stands nearest above a place in the text: `一标段：`, `第2包 第一名：`."""
    lines = text[:at].split("\n")
    same_line = _LOT_BEFORE_RANK.search(lines[-1])
    if same_line:
        return lot_no(same_line[1])
    return next((number for line in reversed(lines) if (number := lot_line(line, alone=True))), None)


_LOT_BEFORE_RANK = re.compile(
    r"(?:^|[：:；;。，,\s])(第?[一二三四五六七八九十\d]+(?:标段|标包|包)|(?:标段|标包|包)\d+)[：:\s]*$"
)
_BARE_PRICE = re.compile(r"(?:报价|投标价|中标价|成交价)\s*为?\s*(?:人民币)?\s*([¥￥]?\d[\d,.]*\s*(?:万元|元|%|％))")


def _fill_from_lines(bidder: Bidder, text: str) -> None:
    """What labels in a candidate's own stretch of text say of it; the first of each counts."""
    found: dict[str, Any] = {}
    for line in text.split("\n"):
        for piece in split_line(line):
            found.setdefault("price" if piece.key == "rate" else piece.key, piece)
    if "price" in found:
        bidder.amount = parse_amount(found["price"].value, found["price"].raw_label)
    elif bare := _BARE_PRICE.search(text):
        bidder.amount = parse_amount(bare[1])
    if "score" in found:
        bidder.score = number_in(found["score"].value)
    if "credit_code" in found:
        bidder.credit_code = credit_code(found["credit_code"].value)
    if "duration" in found:
        bidder.duration = found["duration"].value[:80] or None
    if "quality" in found:
        bidder.quality = found["quality"].value[:80] or None
