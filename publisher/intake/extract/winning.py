"""Winners with price: by label, by table, by line; what two places name is one winner."""

from __future__ import annotations

import re

from publisher.intake.extract.amounts import parse_amount
from publisher.intake.extract.bidder_rows import (
    NOBODY,
    bidder_of,
    number_in,
    place_of,
    rank_of,
)
from publisher.intake.extract.codes import credit_code
from publisher.intake.extract.facts import Bidder
from publisher.intake.extract.grids import Grid
from publisher.intake.extract.parties import ORGANISATION
from publisher.intake.extract.pieces import Pair
from publisher.intake.extract.source import Source, is_blank
from publisher.notice import normalise_name


def winners(source: Source) -> list[Bidder]:
    """Winners by label and by table; what both name is one winner."""
    labelled = winner_pairs(source)
    tabled = _winner_grid(source) or _winner_lines(source)
    if not labelled or (tabled and all(bidder.name is None for bidder in labelled)):
        return tabled or labelled
    for bidder in tabled:
        same = next((b for b in labelled if same_bidder(b, bidder)), None)
        if same is None:
            labelled.append(bidder)
        else:
            _merge(same, bidder)
    return labelled


def same_bidder(one: Bidder, other: Bidder) -> bool:
    names = normalise_name(one.name or "") == normalise_name(other.name or "")
    return names and (one.lot is None or other.lot is None or one.lot == other.lot)


def _merge(into: Bidder, other: Bidder) -> None:
    into.credit_code = into.credit_code or other.credit_code
    into.amount = into.amount or other.amount
    into.lot = into.lot or other.lot
    into.address = into.address or other.address
    into.score = into.score if into.score is not None else other.score


_LINES_OF_WINNERS = re.compile(r"(?:中标|成交)供应商名称、.{0,14}(?:中标|成交)金额\s*[：:]\s*(?P<rest>[\s\S]{0,800})")
_LINE_OF_WINNER = re.compile(rf"\s*(?:\d{{1,2}}\s*[、.．]?\s*)?({ORGANISATION})[\s　,，、;；]+(.+)")
_SUM = re.compile(r"[¥￥]?\s*\d[\d,]*(?:\.\d+)?\s*[（(]?\s*(?:万元|元)")


def _winner_lines(source: Source) -> list[Bidder]:
    """`中标供应商名称、联系地址及中标金额：` over lines with all three: the older layout of the central platform."""
    head = _LINES_OF_WINNERS.search(source.flat)
    found: list[Bidder] = []
    for line in head["rest"].split("\n")[:20] if head else ():
        winner = _LINE_OF_WINNER.match(line)
        if winner is None:
            if found:
                break
            continue
        sums = _SUM.findall(winner[2])
        amount = parse_amount(sums[-1]) if sums else None
        found.append(Bidder(name=winner[1], amount=amount, place=place_of(source, winner[1])))
    return found


_GOODS = re.compile(r"规格|品牌|型号|未中标|原因|评委|业绩|未成交")
_COUNTED = re.compile(r"单价|数量|得分")
_WON_FOR = re.compile(r"(?:中标|成交|中选)(?:（成交）)?总?(?:金额|价(?!格?要求)|费率|报价)")


def _winner_grid(source: Source) -> list[Bidder]:
    """Tables whose heads speak of winning or striking a deal, but not those of goods, scores and losers."""
    found: list[Bidder] = []
    seen: set[tuple[str, str | None]] = set()
    for grid in source.grids:
        heads = "".join(re.sub(r"\s", "", head) for head in grid.heads)
        if not re.search(r"中标|成交|中选|竞得|受让|承租", heads) or _is_goods(heads) or _candidates_only(grid):
            continue
        for record in grid.records:
            bidder = bidder_of(record)
            if bidder and bidder.lot is None:
                bidder.lot = grid.lot
            whose = (normalise_name(bidder.name or ""), bidder.lot) if bidder else ("", None)
            if bidder and whose not in seen:
                seen.add(whose)
                found.append(bidder)
    return found


def _is_goods(heads: str) -> bool:
    """A table of what was bought, of losers or of scores; one that names the price won is of winners."""
    return bool(_GOODS.search(heads) or (_COUNTED.search(heads) and not _WON_FOR.search(heads)))


def _candidates_only(grid: Grid) -> bool:
    return "候选" in "".join(grid.heads)


class _Open:
    """The winner that following labels describe."""

    def __init__(self) -> None:
        self.winners: list[Bidder] = []
        self.before: Bidder = Bidder()

    @property
    def last(self) -> Bidder:
        return self.winners[-1] if self.winners else self.before

    def name(self, pair: Pair) -> None:
        name = re.sub(r"\s*\n\s*", "", pair.value).strip("。；; ")
        rank = rank_of(pair.label)
        if (rank and rank > 1) or NOBODY.fullmatch(name):
            return
        if self.winners and same_bidder(self.last, Bidder(name=name, lot=pair.lot)):
            return
        self.winners.append(Bidder(name=name, rank=None, lot=pair.lot, place=pair.place))

    def value(self, pair: Pair) -> None:
        bidder = self.last
        if pair.key in ("price", "rate"):
            if bidder.amount is None:
                bidder.amount = parse_amount(pair.value, pair.raw_label)
                bidder.place = bidder.place or pair.place
        elif pair.key == "credit_code" and pair.section not in ("tenderee", "agency"):
            bidder.credit_code = bidder.credit_code or credit_code(pair.value)
        elif pair.key == "score" and bidder.score is None:
            bidder.score = number_in(pair.value)


def winner_pairs(source: Source) -> list[Bidder]:
    """Winners by label: each name opens one, price, code and score behind it belong to it."""
    opened = _Open()
    for pair in source.pairs:
        if is_blank(pair.value) or _is_fee(pair):
            continue
        named = pair.key == "winner" or (pair.key == "name" and pair.section == "winner")
        if named and len(pair.value) <= 120 and not re.match(r"\d", pair.value):
            opened.name(pair)
        else:
            opened.value(pair)
    winners = opened.winners
    if not winners and opened.before.amount is not None:
        return [opened.before]
    if len(winners) == 1:
        _merge(winners[0], opened.before)
    return winners


def _is_fee(pair: Pair) -> bool:
    return bool(re.search(r"代理服务|收费|服务费", pair.heading)) and pair.key in ("price", "rate")
