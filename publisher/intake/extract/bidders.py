"""Candidates and winners with price and score; rejected bids, team and track record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from publisher.intake.extract.amounts import Amount, parse_amount, plain
from publisher.intake.extract.codes import credit_code
from publisher.intake.extract.facts import Bidder, Facts
from publisher.intake.extract.kinds import says_failed
from publisher.intake.extract.labels import (
    Grid,
    Pair,
    Record,
    lot_before_figure,
    lot_line,
    lot_no,
    split_line,
    without_lot,
)
from publisher.intake.extract.parties import ORGANISATION
from publisher.intake.extract.source import Source, is_blank
from publisher.notice import Form, Kind, Lot, Performance, RejectedBid, TeamMember, normalise_name

_NAME = (
    r"(?:(?:拟)?(?:中标|成交|中选)*(?:候选人|候选单位|候选供应商|供应商|投标人|投标单位|企业|单位|人)|竞得人|受让方|受让单位)?(?:名称|全称)?"
    r"|(?:投标|中标|成交)(?:供应商|单位|人)(?:名称)?"
)
_PRICE = r"(?:总)?(?:拟)?(?:中标|成交|中选|投标|最终|最后|合同)*(?:总)?(?:报价|金额|价格?|总价)(?:或.*)?"
_RANK = r"(?:中标|成交)?(?:候选人|候选供应商)?(?:及)?(?:排序|排名|名次|顺序|推荐顺序)"
_SCORE = r".{0,6}(?:综合|总|最终|最后|评审|评标)+.{0,4}(?:得分|评分|分值|分)|得分|评分结果"
_RATE = r".{0,4}(?:下浮|折扣|费率|优惠率|让利).{0,4}"
_LOT = r"(?:包|标段|标包|标项|分标|分包|子包|包组|采购包|合同包)(?:编?号|序号)?"
_CODE = r".{0,6}信用代码"
_RANKS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5}


def find_bidders(source: Source, facts: Facts) -> None:
    """Candidates of a candidates' notice, winners of a result, and of its correction where it prints their prices."""
    kind = facts.form.kind if facts.form else None
    facts.failed = facts.form in (Form.FAILED_TENDER, Form.TERMINATION)
    if facts.form is Form.RESULT_CORRECTION:
        # Who won for how much after the correction; one that prints neither has nothing to replace with.
        facts.bidders = [bidder for bidder in _winner_pairs(source) if bidder.name and bidder.price is not None]
        return
    if kind is Kind.WINNING_BID_NOTICE:
        bidders = _ranked(source) or _ranked_in_text(source) or _winner_pairs(source)
    elif kind is Kind.AWARD_RESULT:
        bidders = [] if facts.form is Form.FAILED_TENDER else _winners(source)
    else:
        return
    _add_scores(source, bidders)
    facts.bidders = bidders
    _lots_of_bidders(facts)
    if bidders:
        facts.places["candidates" if kind is Kind.WINNING_BID_NOTICE else "winners"] = bidders[0].place
    facts.failed = facts.failed or (not bidders and says_failed(source.flat))


def _lots_of_bidders(facts: Facts) -> None:
    """Where nothing else lists the lots, those that candidates or winners stand under are the lots."""
    numbers = list(dict.fromkeys(bidder.lot for bidder in facts.bidders if bidder.lot))
    if not facts.lots and len(numbers) > 1:
        facts.lots = [Lot(no=number) for number in numbers]
        facts.places["lots"] = facts.bidders[0].place


def rank_of(text: str) -> int | None:
    """第一名, 第二中标候选人, 3 → the rank."""
    flat = re.sub(r"\s", "", text)
    found = re.search(r"第([一二三四五])(?:名|中标|成交|候选|$)|^([一二三四五])$|^第?([1-9])(?:名|$)", flat)
    if not found:
        return None
    return _RANKS[found[1] or found[2]] if found[1] or found[2] else int(found[3])


_NOBODY = re.compile(
    r"(?:本包|本标段|该包)?(?:作?废标|流标|终止|重新(?:招标|采购))(?:处理)?|第[一二三四五]名|第[一二三四五]中标候选人|[-－—]+"
)
"""What stands in the place of a name where nobody won, or a rank that is the head of a column."""


def _name_in(record: Record) -> tuple[str, str] | None:
    for cell in record.cells:
        head = re.sub(r"[（(【][^）)】]*[)）】]|\s", "", cell[0])
        if head and re.fullmatch(_NAME, head) and not is_blank(cell[1]) and not _NOBODY.fullmatch(cell[1].strip()):
            return cell
    # 名次 spanning rank and name: the second column under it holds the name
    ranked = [cell for cell in record.cells if re.fullmatch(_RANK, re.sub(r"\s", "", cell[0]))]
    return next((cell for cell in ranked[1:] if re.fullmatch(ORGANISATION, cell[1].strip())), None)


def _bidder(record: Record) -> Bidder | None:
    name = _name_in(record)
    if name is None:
        return None
    lot = record.get(_LOT)
    code = record.get(_CODE)
    price = record.get(_PRICE)
    return Bidder(
        name=re.sub(r"\s*\n\s*", "", name[1]).strip(),
        credit_code=credit_code(code[1]) if code else None,
        amount=_amount_in(record),
        lot=lot_no(lot[1]) if lot and not is_blank(lot[1]) else lot_before_figure(price[1]) if price else None,
        address=_text(record, r".*地址"),
        duration=_text(record, r".*(?:工期|交货期|服务期).*"),
        quality=_text(record, r".*质量.*"),
        score=number_in(_last_score(record) or ""),
        place=record.place,
    )


def _text(record: Record, pattern: str) -> str | None:
    cell = record.get(pattern)
    return None if cell is None or is_blank(cell[1]) else cell[1].replace("\n", "")


def _amount_in(record: Record) -> Amount | None:
    for pattern in (_PRICE, _RATE):
        cell = record.get(pattern)
        if cell and not is_blank(cell[1]):
            return parse_amount(without_lot(cell[1].replace("\n", "")), cell[0])
    return None


def _ranked(source: Source) -> list[Bidder]:
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
        rank_cell = record.get(_RANK) or record.get(r"序号")
        bidder = _bidder(record)
        rank = rank_of(rank_cell[1]) if rank_cell else None
        if bidder and rank and (record.get(_RANK) or "候选" in "".join(grid.heads)):
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
            bidder = _bidder(Record(turned, grid.records[0].place if grid.records else ""))
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


def _ranked_in_text(source: Source) -> list[Bidder]:
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
        bidder = Bidder(name=hit[3].strip(), rank=rank, lot=lot, place=_place_of(source, hit[3]))
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


def _place_of(source: Source, text: str) -> str:
    return next((place for line, place in source.placed if text in line), "")


def number_in(text: str) -> Decimal | None:
    """The first number of `text`."""
    found = re.search(r"\d+(?:\.\d+)?", plain(text))
    try:
        return Decimal(found.group(0)) if found else None
    except InvalidOperation:
        return None


def _winners(source: Source) -> list[Bidder]:
    """Winners by label and by table; what both name is one winner."""
    labelled = _winner_pairs(source)
    tabled = _winner_grid(source) or _winner_lines(source)
    if not labelled or (tabled and all(bidder.name is None for bidder in labelled)):
        return tabled or labelled
    for bidder in tabled:
        same = next((b for b in labelled if _same(b, bidder)), None)
        if same is None:
            labelled.append(bidder)
        else:
            _merge(same, bidder)
    return labelled


def _same(one: Bidder, other: Bidder) -> bool:
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
        found.append(Bidder(name=winner[1], amount=amount, place=_place_of(source, winner[1])))
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
            bidder = _bidder(record)
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
        if (rank and rank > 1) or _NOBODY.fullmatch(name):
            return
        if self.winners and _same(self.last, Bidder(name=name, lot=pair.lot)):
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


def _winner_pairs(source: Source) -> list[Bidder]:
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


def _add_scores(source: Source, bidders: list[Bidder]) -> None:
    """Scores that stand in a table of their own, matched by name."""
    missing = [bidder for bidder in bidders if bidder.score is None and bidder.name]
    for grid in source.grids if missing else ():
        for record in grid.records:
            name, score = _name_in(record), _last_score(record)
            for bidder in missing:
                if name and score and normalise_name(name[1]) == normalise_name(bidder.name or ""):
                    bidder.score = bidder.score or number_in(score)


def _last_score(record: Record) -> str | None:
    """The total: the last column that is a score, but none of one expert or one part."""
    found = None
    for head, text in record.cells:
        flat = re.sub(r"[（(][^）)]*[)）]|\s", "", head)
        if re.fullmatch(_SCORE, flat) and not re.search(r"技术|商务|价格", flat):
            found = text
    return found


_BRACKETED_NAME = re.compile(rf"[（(]\s*({ORGANISATION})\s*[)）]")
_REASON = r".{0,8}(?:否决|废标|无效|不合格).{0,10}(?:原因|理由|依据|情况)|(?:原因|理由)"


def find_rejected(source: Source, facts: Facts) -> None:
    """Bids that were rejected, from tables and labels, with the reason as printed."""
    found: list[RejectedBid] = []
    for grid in source.grids:
        if not re.search(r"否决|废标|无效投标|不合格|其他投标人", grid.before + "".join(grid.heads)):
            continue
        for record in grid.records:
            if rejected := _rejected_record(record):
                found.append(rejected)
    for pair in source.with_key("reject"):
        found.extend(_rejected_text(pair.value))
    seen: dict[str, RejectedBid] = {}
    for bid in found:
        seen.setdefault(normalise_name(bid.name), bid)
    facts.rejected_bids = list(seen.values())


def _rejected_record(record: Record) -> RejectedBid | None:
    name = _name_in(record)
    if name is None or len(name[1]) > 80:
        return None
    reason = record.get(_REASON)
    if reason is None:
        cell = next((text for _, text in record.cells if re.search(r"不符合|否决|不满足|未提供|无效", text)), "")
    else:
        cell = reason[1]
    if len(re.findall(r"[\u4e00-\u9fff]", re.sub(r"[\d.,]+\s*(?:万?元|分)", "", cell))) < 4:
        return None  # a stroke, or the price of a bid that was not rejected
    return RejectedBid(name=name[1].replace("\n", ""), reason=cell.replace("\n", ""))


def _rejected_text(value: str) -> Iterator[RejectedBid]:
    found = re.match(rf"\s*({ORGANISATION})\s*[，,：:]\s*(.{{4,}})", value, re.S)
    if found:
        yield RejectedBid(name=found[1], reason=found[2].strip())


def find_team(source: Source, facts: Facts) -> None:
    """The project team: rows with 姓名, and the leader beside a winner. Personal identity numbers are never taken."""
    members = [member for grid in source.grids for record in grid.records if (member := _member(grid, record))]
    if not members and facts.form and facts.form.kind in (Kind.WINNING_BID_NOTICE, Kind.AWARD_RESULT):
        members = list(_leaders(source, facts))
    facts.team = members


def _member(grid: Grid, record: Record) -> TeamMember | None:
    name = record.get(r"姓名")
    if name is None or is_blank(name[1]) or re.search(r"专家|评委", "".join(grid.heads) + grid.before):
        return None
    if not re.fullmatch(r"[\u4e00-\u9fff·A-Za-z\s]{2,20}", name[1]) or "证书" in name[1]:
        return None
    role = record.get(r"职务|岗位|拟任职务")
    bidder = _name_in(record)
    heading = _BRACKETED_NAME.search(grid.before)
    certificate = [text for head, text in record.cells if "证书" in head and not is_blank(text)]
    return TeamMember(
        name=name[1].replace("\n", ""),
        role=role[1].replace("\n", "") if role else None,
        certificate=" ".join(text.replace("\n", "") for text in certificate) or None,
        bidder=bidder[1].replace("\n", "") if bidder else heading[1] if heading else None,
    )


def _leaders(source: Source, facts: Facts) -> Iterator[TeamMember]:
    alone = facts.bidders[0].name if len(facts.bidders) == 1 else None
    by_place = {bidder.place: bidder.name for bidder in facts.bidders}
    pairs = [pair for pair in source.pairs if pair.key in ("manager", "certificate") and not is_blank(pair.value)]
    for index, pair in enumerate(pairs):
        if pair.key != "manager":
            continue
        held = []
        for later in pairs[index + 1 :]:
            if later.key == "manager":
                break
            held.append(later.value)
        bidder = alone or by_place.get(pair.place)
        yield TeamMember(name=pair.value[:40], role=pair.label, certificate=" ".join(held)[:120] or None, bidder=bidder)


def find_performance(source: Source, facts: Facts) -> None:
    """Track record and awards that bidders claim: rows under 业绩 or 获奖."""
    found: list[Performance] = []
    for grid in source.grids:
        about = grid.before + "".join(grid.heads)
        if not re.search(r"业绩|获奖|奖项", about):
            continue
        whose = _BRACKETED_NAME.search(grid.before)
        for record in grid.records:
            texts = [text.replace("\n", "") for _, text in record.cells if not is_blank(text)]
            if texts:
                text = "；".join(dict.fromkeys(texts))
                found.append(Performance(text=text, bidder=whose[1] if whose else None, is_award="奖" in grid.before))
    facts.performance = found
