"""One candidate or winner in a row of a table: name, rank, price, score, lot, credit code."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from publisher.intake.extract.amounts import Amount, parse_amount, plain
from publisher.intake.extract.codes import credit_code
from publisher.intake.extract.facts import Bidder
from publisher.intake.extract.grids import Record
from publisher.intake.extract.lots import lot_before_figure, lot_no, without_lot
from publisher.intake.extract.parties import ORGANISATION
from publisher.intake.extract.source import Source, is_blank

NAME = (
    r"(?:(?:拟)?(?:中标|成交|中选)*(?:候选人|候选单位|候选供应商|供应商|投标人|投标单位|企业|单位|人)|竞得人|受让方|受让单位)?(?:名称|全称)?"
    r"|(?:投标|中标|成交)(?:供应商|单位|人)(?:名称)?"
)
PRICE = r"(?:总)?(?:拟)?(?:中标|成交|中选|投标|最终|最后|合同)*(?:总)?(?:报价|金额|价[格款]?|总价)(?:或.*)?"
RANK = r"(?:中标|成交)?(?:候选人|候选供应商)?(?:及)?(?:排序|排名|名次|顺序|推荐顺序)"
SCORE = r".{0,6}(?:综合|总|最终|最后|评审|评标)+.{0,4}(?:得分|评分|分值|分)|得分|评分结果"
RATE = r".{0,4}(?:下浮|折扣|费率|优惠率|让利).{0,4}"
_LOT = r"(?:包|标段|标包|标项|分标|分包|子包|包组|采购包|合同包)(?:编?号|序号)?"
_CODE = r".{0,6}信用代码"
_FIGURE = re.compile(r"\s*(?:人民币|报价\s*[：:])?\s*[¥￥]?\s*\d[\d,]*(?:\.\d+)?\s*(?:万元|元)\s*")
_RANKS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5}


def rank_of(text: str) -> int | None:
    """第一名, 第二中标候选人, 3 → the rank."""
    flat = re.sub(r"\s", "", text)
    found = re.search(r"第([一二三四五])(?:名|中标|成交|候选|$)|^([一二三四五])$|^第?([1-9])(?:名|$)", flat)
    if not found:
        return None
    return _RANKS[found[1] or found[2]] if found[1] or found[2] else int(found[3])


NOBODY = re.compile(
    r"(?:本包|本标段|该包)?(?:作?废标|流标|终止|重新(?:招标|采购))(?:处理)?|第[一二三四五]名|第[一二三四五]中标候选人|[-－—]+"
)
"""What stands in the place of a name where nobody won, or a rank that is the head of a column."""


def name_in(record: Record) -> tuple[str, str] | None:
    for cell in record.cells:
        head = re.sub(r"[（(【][^）)】]*[)）】]|\s", "", cell[0])
        if head and re.fullmatch(NAME, head) and not is_blank(cell[1]) and not NOBODY.fullmatch(cell[1].strip()):
            return cell
    # 名次 spanning rank and name: the second column under it holds the name
    ranked = [cell for cell in record.cells if re.fullmatch(RANK, re.sub(r"\s", "", cell[0]))]
    return next((cell for cell in ranked[1:] if re.fullmatch(ORGANISATION, cell[1].strip())), None)


def bidder_of(record: Record) -> Bidder | None:
    name = name_in(record)
    if name is None:
        return None
    lot = record.get(_LOT)
    code = record.get(_CODE)
    price = record.get(PRICE)
    return Bidder(
        name=re.sub(r"\s*\n\s*", "", name[1]).strip(),
        credit_code=credit_code(code[1]) if code else None,
        amount=amount_in(record),
        lot=lot_no(lot[1]) if lot and not is_blank(lot[1]) else lot_before_figure(price[1]) if price else None,
        address=_text(record, r".*地址"),
        duration=_text(record, r".*(?:工期|交货期|服务期).*"),
        quality=_text(record, r".*质量.*"),
        score=number_in(last_score(record) or ""),
        place=record.place,
    )


def _text(record: Record, pattern: str) -> str | None:
    cell = record.get(pattern)
    return None if cell is None or is_blank(cell[1]) else cell[1].replace("\n", "")


def amount_in(record: Record) -> Amount | None:
    for pattern in (PRICE, RATE):
        cell = record.get(pattern)
        if cell and not is_blank(cell[1]):
            return parse_amount(without_lot(cell[1].replace("\n", "")), cell[0])
    result = record.get(r"(?:中标|成交)(?:结果|情况)")
    return parse_amount(result[1]) if result and _FIGURE.fullmatch(plain(result[1])) else None


def place_of(source: Source, text: str) -> str:
    return next((place for line, place in source.placed if text in line), "")


def number_in(text: str) -> Decimal | None:
    """The first number of `text`."""
    found = re.search(r"\d+(?:\.\d+)?", plain(text))
    try:
        return Decimal(found.group(0)) if found else None
    except InvalidOperation:
        return None


def last_score(record: Record) -> str | None:
    """The total: the last column that is a score, but none of one expert or one part."""
    found = None
    for head, text in record.cells:
        flat = re.sub(r"[（(][^）)]*[)）]|\s", "", head)
        if re.fullmatch(SCORE, flat) and not re.search(r"技术|商务|价格", flat):
            found = text
    return found
