"""Number, name and lots of the project, and the original notice that a change points at."""

from __future__ import annotations

import re

from publisher.intake.extract.amounts import Amount, listed_figures, parse_amount
from publisher.intake.extract.dates import first_moment
from publisher.intake.extract.facts import Facts, believable
from publisher.intake.extract.grids import Grid, Record
from publisher.intake.extract.lots import arabic, lot_line, lot_no, without_lot
from publisher.intake.extract.source import Source, is_blank
from publisher.intake.extract.titles import name_in_title
from publisher.notice import Kind, Lot, Money, OriginalNotice, ProjectClass

_LONGEST_NUMBER = 70
_LAND_NUMBER = re.compile(
    r"[\u4e00-\u9fffA-Za-z]{1,8}[〔\[【(（]\s*20\d\d\s*[〕\]】)）]\s*[\d、，,\-—至号]{1,20}号|[A-Z]{2,6}20\d\d-\d+号"
)
_SAYS_NUMBER = re.compile(r"(?:项目|招标|采购)编[号码]\s*[为是]\s*([A-Za-z0-9\-_/()（）\[\]〔〕]{6,60})")


def clean_number(value: str) -> str | None:
    """A project number without what follows it; None where the value is no number."""
    number = re.split(r"[，。；;]|\s(?=\S*[\u4e00-\u9fff]{2})", value.strip())[0].strip()
    return number if re.search(r"\d", number) and len(number) <= _LONGEST_NUMBER else None


def find_number(source: Source, facts: Facts) -> None:
    """The project number: its label first, then a bare 编号, then the parcel number in the title of a land notice."""
    pairs = list(source.with_key("project_no"))
    for pair in sorted(pairs, key=lambda p: (p.label == "编号", "标的" in p.label, "代码" in p.label, p.order)):
        if pair.label == "编号" and pair.order > 4:
            continue
        if number := clean_number(pair.value):
            facts.project_no, facts.places["project_no"] = number, pair.place
            return
    if said := source.search(_SAYS_NUMBER):
        facts.project_no, facts.places["project_no"] = said[0].group(1), said[1]
    elif facts.project_class is ProjectClass.LAND:
        for text, place in ((source.title, "标题"), *source.placed[:3]):
            if found := _LAND_NUMBER.search(text):
                facts.project_no, facts.places["project_no"] = found.group(0), place
                return


_NAME_SENTENCES = (
    re.compile(
        r"(?:公司|局|中心|学校|大学|医院|委员会|政府|学院|办公室|站|院|处|所)的([^。：]{4,150}?)中标候选人公示已(?:经)?结束"
    ),
    re.compile(r"组织的\s*([^，。：]{4,100}?)\s*(?:招标|采购|比选|询价|磋商|谈判)\s*[，,]"),
    re.compile(
        r"(?:本)?招标项目\s*([^，。：:；]{4,80}?)"
        r"\s*(?:[（(][^（）()]*(?:项目名称|以下简称|编号|代码)[^（）()]*[)）])?\s*已由"
    ),
    re.compile(r"(?:拟)?(?:对|就)\s*([^，。：；]{4,80}?项目)\s*(?:采用|进行|以|组织)"),
)


def find_name(source: Source, facts: Facts) -> None:
    """The project name: its label, a sentence that carries it, or the title without the notice words."""
    for pair in source.with_key("project_name"):
        if len(pair.value) <= 200:
            facts.project_name, facts.places["project_name"] = pair.value, pair.place
            return
    for pattern in _NAME_SENTENCES:
        if found := source.search(pattern):
            facts.project_name, facts.places["project_name"] = found[0].group(1).strip(), found[1]
            return
    if name := name_in_title(source.title):
        facts.project_name, facts.places["project_name"] = name, "标题"


_LOT_COLUMN = r"(?:包|标段|标包|标项|分标|分包|子包|采购包|合同包|包件|包组)(?:编?号|编码|序号)?|(?:标段|包)号?"
_PARCEL_COLUMN = r"(?:地块|宗地)(?:编?号|名称)?"
_LOT_NAME = (
    r"(?:标段|包|标包|标项|分标|分包|子包|包组|采购包|合同包|标的|采购内容|货物|服务|货物服务)?名称"
    r"|包内容|采购标的|标的名称"
)
_BUDGET_COLUMN = r".{0,8}(?:预算|估算价|投资额?|估算金额).{0,6}"
_CONTROL_COLUMN = r".{0,8}(?:限价|控制价).{0,6}"


def find_lots(source: Source, facts: Facts) -> None:
    """The lots: rows of lot tables, labels, the title, the sentence that splits a budget, or parcels of land."""
    lots = _grid_lots(source, facts) or _labelled_lots(source, facts)
    if not lots:
        lots = _title_lots(source, facts) or _budget_lots(source, facts)
    facts.lots = list(lots.values())
    if len(facts.lots) == 1:
        _complete_single(source, facts)


def _grid_lots(source: Source, facts: Facts) -> dict[str, Lot]:
    lots: dict[str, Lot] = {}
    for grid in source.grids:
        for record in grid.records:
            cell = record.get(_LOT_COLUMN) or record.get(_PARCEL_COLUMN)
            if cell is None or is_blank(cell[1]) or len(cell[1]) > 40 or not _names_lots(grid):
                continue
            lot = _grid_lot(cell, record)
            lots[lot.no] = _merged(lots.get(lot.no), lot)
            facts.places.setdefault("lots", record.place)
    return lots


def _names_lots(grid: Grid) -> bool:
    """A table of lots, not one of goods, experts or bidders that also prints a lot number."""
    heads = "".join(grid.heads)
    return not re.search(r"投标人(?!的?资格)|投标单位|报价|评委|规格|品牌|专家", heads)


def _grid_lot(cell: tuple[str, str], record: Record) -> Lot:
    head, text = cell
    number = re.sub(r"\s+", "", text) if re.match(r"地块|宗地", re.sub(r"\s", "", head)) else lot_no(text)
    name = record.get(_LOT_NAME)
    return Lot(
        no=number,
        name=None if name is None or is_blank(name[1]) else name[1].replace("\n", ""),
        budget=_column_money(record, _BUDGET_COLUMN),
        control_price=_column_money(record, _CONTROL_COLUMN),
    )


def _column_money(record: Record, pattern: str) -> Money | None:
    cell = record.get(pattern)
    return believable(parse_amount(cell[1], cell[0])) if cell else None


def _merged(old: Lot | None, new: Lot) -> Lot:
    if old is None:
        return new
    return Lot(
        no=old.no,
        name=old.name or new.name,
        budget=old.budget or new.budget,
        control_price=old.control_price or new.control_price,
    )


def _labelled_lots(source: Source, facts: Facts) -> dict[str, Lot]:
    """标包：A, 标段（包）编号：… with the names that stand under them; 采购包1（…） lines."""
    lots: dict[str, Lot] = {}
    for pair in source.with_key("parcel"):
        number = re.split(r"[\s，。；,;]", pair.value)[0]
        lots.setdefault(number, Lot(no=number))
        facts.places.setdefault("lots", pair.place)
    for pair in source.with_key("lot_no"):
        if len(pair.value) <= 40:
            lots.setdefault(lot_no(pair.value), Lot(no=lot_no(pair.value)))
            facts.places.setdefault("lots", pair.place)
    for pair in source.pairs:
        named = pair.key == "lot_name" or (pair.key == "name" and "标的" in pair.heading)
        if named and pair.lot in lots and not is_blank(pair.value):
            lots[pair.lot] = _merged(lots[pair.lot], Lot(no=pair.lot, name=pair.value))
    for text, place in source.placed:
        found = re.fullmatch(r"(?:采购包|合同包)\s*(\d+|[A-Z])\s*[（(](.+)[)）]\s*[：:]?", text.strip())
        if found:
            lots[found[1]] = _merged(lots.get(found[1]), Lot(no=found[1], name=found[2]))
            facts.places.setdefault("lots", place)
    _headed_lots(source, facts, lots)
    return dict(sorted(lots.items(), key=lambda item: int(item[0]))) if all(no.isdecimal() for no in lots) else lots


def _headed_lots(source: Source, facts: Facts, lots: dict[str, Lot]) -> None:
    """`标项一` or `合同包2:` alone in a line, with what stands under it: a name, a budget, a ceiling, a winner."""
    alone = {number for text, _ in source.placed if (number := lot_line(text, alone=True))}
    alone |= {pair.lot for pair in source.with_key("lot_name") if pair.lot and lot_line(pair.raw_label) == pair.lot}
    for pair in source.pairs:
        if pair.lot is None or pair.lot not in alone or is_blank(pair.value):
            continue
        named = Lot(no=pair.lot, name=pair.value if pair.key == "lot_name" else None)
        if pair.key in ("budget", "control_price"):
            money = believable(parse_amount(without_lot(pair.value), pair.raw_label))
            named = Lot.model_validate({"no": pair.lot, pair.key: money})
        elif pair.key not in ("lot_name", "winner", "price"):
            continue
        lots[pair.lot] = _merged(lots.get(pair.lot), named)
        facts.places.setdefault("lots", pair.place)
    for grid in source.grids:
        if grid.lot in alone and re.search(r"供应商|中标|成交|采购标的", "".join(grid.heads)):
            lots.setdefault(grid.lot, Lot(no=grid.lot))
            facts.places.setdefault("lots", grid.records[0].place if grid.records else "")


_TITLE_LOT = re.compile(
    r"第\s*(?P<a>[一二三四五六七八九十]{1,3}|\d{1,3}|[A-Z])\s*(?:标段|标包|标项|分标|分包|包)(?:\s*[：:]\s*(?P<name>[^）)]{2,80}))?"
    r"|(?:采购包|合同包|标包|标段|标项|分标|子包|包组|包)\s*(?P<b>\d{1,3}|[一二三四五六七八九十]{1,3}|[A-Z])(?![\u4e00-\u9fff0-9A-Za-z])"
    r"|(?<![\d第一二三四五六七八九十共分])(?P<c>\d{1,2}|[一二三四五六七八九十]|[A-Z])\s*(?:标段|标包|标项|分标|包)(?!裹|装|厢|括|含|干)"
)


def _title_lots(source: Source, facts: Facts) -> dict[str, Lot]:
    lots: dict[str, Lot] = {}
    for found in _TITLE_LOT.finditer(source.title):
        number = arabic(found["a"] or found["b"] or found["c"])
        lots.setdefault(number, Lot(no=number, name=found["name"]))
        facts.places.setdefault("lots", "标题")
    return lots


_SPLIT = re.compile(
    r"(?:包\s*)?(?<![A-Za-z\d])(?P<no>[A-Z]|包\d{1,2})\s*[\-：:包、]?\s*(?P<name>[^\d：:，,；;。]{0,50}?)\s*(?P<sum>\d[\d,]*(?:\.\d+)?\s*(?:万元|元))"
)


def _budget_lots(source: Source, facts: Facts) -> dict[str, Lot]:
    """`其中：A 名称 280000.0元B 名称 200000.0元`, `包1-1800000.00元`."""
    lots: dict[str, Lot] = {}
    for pair in source.with_key("budget", "control_price"):
        for found in _SPLIT.finditer(pair.value):
            number = found["no"].removeprefix("包")
            money = believable(parse_amount(found["sum"]))
            field = "budget" if pair.key == "budget" else "control_price"
            lots[number] = _merged(
                lots.get(number), Lot.model_validate({"no": number, "name": found["name"] or None, field: money})
            )
            facts.places.setdefault("lots", pair.place)
    return lots


def _complete_single(source: Source, facts: Facts) -> None:
    """A single lot takes the name printed under its number."""
    lot = facts.lots[0]
    if lot.name is not None:
        return
    names = [pair.value for pair in source.with_key("lot_name")]
    for grid in source.grids:
        if grid.lot == lot.no:
            names.extend(cell[1] for cell in (record.get(r"包内容|(?:标段|包)名称") for record in grid.records) if cell)
    if len(set(names)) == 1:
        facts.lots = [lot.model_copy(update={"name": names[0]})]


def find_budgets(source: Source, facts: Facts) -> None:
    """Budget and ceiling: their labels; without one, the sum of what is printed per lot."""
    facts.budget = _labelled_amount(source, facts, "budget")
    facts.control_price = _labelled_amount(source, facts, "control_price")
    facts.reserve_price = _labelled_amount(source, facts, "reserve_price")
    if facts.form and facts.form.kind is not Kind.BID_ANNOUNCEMENT:
        return
    if facts.budget is None:
        facts.budget = _sum_of_lots([lot.budget for lot in facts.lots]) or _sum_of_column(source, _BUDGET_COLUMN)
    if facts.control_price is None:
        facts.control_price = _sum_of_lots([lot.control_price for lot in facts.lots])
        facts.control_price = facts.control_price or _sum_of_column(source, _CONTROL_COLUMN)
    if len(facts.lots) == 1 and facts.lots[0].budget is None and facts.budget:
        facts.lots = [facts.lots[0].model_copy(update={"budget": believable(facts.budget)})]


def _sum_of_column(source: Source, pattern: str) -> Amount | None:
    """What all rows of the only table with such a column come to: one row per item, no lots, no unit prices."""
    tables = [grid for grid in source.grids if any(record.get(pattern) for record in grid.records)]
    if len(tables) != 1 or re.search(r"单价", "".join(tables[0].heads)):
        return None
    rows = [record for record in tables[0].records if not re.search(r"合计|总计", record.cells[0][1])]
    return _sum_of_lots([_column_money(record, pattern) for record in rows])


_PRICE_SENTENCE = re.compile(
    r"(预算审核价|预算金额|采购预算|投资估算|估算投资|工程造价约)\s*[为约]?\s*(?:人民币)?\s*[¥￥]?\s*(\d[\d,]*(?:\.\d+)?\s*[（(]?(?:亿元|万元|元))"
)
_CONTROL_SENTENCE = re.compile(
    r"(最高投标限价|最高限价|招标控制价|控制价)\s*[为是]\s*(?:人民币)?\s*[¥￥]?\s*(\d[\d,]*(?:\.\d+)?\s*[（(]?(?:亿元|万元|元))"
)


def _labelled_amount(source: Source, facts: Facts, key: str) -> Amount | None:
    for pair in source.with_key(key):
        if "编号" in pair.label or re.search(r"单价|元/", pair.raw_label):
            continue
        if len(facts.lots) > 1 and any(lot.no == pair.lot and _is_of_lot(lot, key) for lot in facts.lots):
            continue  # what one lot may cost; the sum of all is worked out where no total is printed
        if figures := listed_figures(pair.value):
            facts.places[key] = pair.place
            return _per_lot(facts, key, figures, pair.raw_label)
        if amount := parse_amount(without_lot(pair.value), pair.raw_label):
            facts.places[key] = pair.place
            return amount
    found = source.search(_PRICE_SENTENCE if key == "budget" else _CONTROL_SENTENCE)
    if found:
        facts.places[key] = found[1]
        return parse_amount(found[0].group(2), found[0].group(1))
    return None


def _is_of_lot(lot: Lot, key: str) -> bool:
    """Whether an amount that is printed for a lot is that lot's: a lot has no place for every amount of a notice."""
    return key not in Lot.model_fields or getattr(lot, key) is not None


def _per_lot(facts: Facts, key: str, figures: tuple[str, ...], label: str) -> Amount | None:
    """One figure per lot in the order of the lots; the notice's amount is their sum."""
    parts = [believable(parse_amount(figure, label)) for figure in figures]
    if key in Lot.model_fields and len(parts) == len(facts.lots):
        facts.lots = [
            lot if getattr(lot, key) else lot.model_copy(update={key: money})
            for lot, money in zip(facts.lots, parts, strict=True)
        ]
    return _sum_of_lots(parts)


def _sum_of_lots(parts: list[Money | None]) -> Amount | None:
    values = [money.yuan for money in parts if money is not None and money.yuan is not None and money.addable]
    if not values or len(values) < len(parts):
        return None
    total = sum(values[1:], values[0])
    return Amount(Money(raw="各包合计", yuan=total, unit="元"))


_FIRST_PUBLISHED = (
    re.compile(r"(?:原|首次)(?:招标|采购)?公告.{0,8}?(?:日期|时间|于)\s*[：:]?\s*(20\d\d.{0,14})"),
    re.compile(
        r"于\s*(20\d\d[^，。；]{4,14}?)\s*(?:在[^，。；]{2,40})?(?:发布|刊登|刊发)了?[^，。；]{0,30}?(?:公告|文件)"
    ),
)


def find_original(source: Source, facts: Facts) -> None:
    """What a change notice says of the notice it changes."""
    if facts.form is None or facts.form.kind is not Kind.CHANGE_NOTICE:
        return
    first = None
    for pair in source.with_key("first_published"):
        if moment := first_moment(pair.value):
            first, facts.places["original"] = moment.day, pair.place
            break
    for pattern in _FIRST_PUBLISHED if first is None else ():
        if (said := source.search(pattern)) and (moment := first_moment(said[0].group(1))):
            first, facts.places["original"] = moment.day, said[1]
            break
    if facts.project_no or facts.project_name or first:
        facts.original = OriginalNotice(
            project_no=facts.project_no, project_name=facts.project_name, first_published=first
        )
