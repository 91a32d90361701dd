"""The labels of the standard forms, and the pairs of label and value that a notice consists of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from publisher.intake.extract.amounts import unit_in
from publisher.intake.extract.blocks import Block, Cell, Line, Table

_PARTY_TAIL = "(?:(?:信息)?(?:名称|全称)|信息)?"
_LOT = "标段|标包|标项|分标|分包|子包|包件|包组|采购包|合同包|包"
_LAST_OF_LOT = "段包项标件组"
LABELS: dict[str, str] = {
    "project_no": r"(?:原公告的?)?(?:采购|招标|交易)?项目(?:标段)?(?:招标)?(?:编号|编码|代码|号)"
    r"|(?:采购|招标|磋商|谈判|询价)(?:文件)?编号|编号|标的编号|工程编号|(?:委托|招标|采购)?代理编号",
    "project_name": r"(?:原公告的?)?(?:采购|招标|工程|交易|合同)?项目(?:及?标段)?名称|工程名称|标的名称",
    "lot_no": rf"(?:{_LOT})(?:编?号|编码)|标包|标段|标项",
    "lot_name": rf"(?:{_LOT})名称|包内容",
    "parcel": r"(?:地块|宗地)(?:编?号|编号)",
    "tenderee": rf"(?:采购|招标)(?:人|单位|机关){_PARTY_TAIL}|建设单位{_PARTY_TAIL}|出让(?:人|方){_PARTY_TAIL}"
    rf"|(?:转让|出租|招租|委托)(?:人|方){_PARTY_TAIL}|(?:项目)?业主(?:单位)?{_PARTY_TAIL}|甲方|委托法院"
    rf"|(?:发包|比选|询价|竞价|招选|遴选|磋商|谈判|需求)(?:人|方|单位){_PARTY_TAIL}|采购主体{_PARTY_TAIL}",
    "agency": rf"(?:采购|招标|交易)?代理(?:机构|单位|公司|服务机构){_PARTY_TAIL}|招标代理|采购代理"
    rf"|(?:集中)?采购机构{_PARTY_TAIL}",
    "tenderee_address": r"(?:采购|招标)(?:人|单位)地址",
    "tenderee_contact": r"(?:采购|招标)(?:人|单位)(?:项目)?(?:联系人|经办人)|采购经办人",
    "tenderee_phone": r"(?:采购|招标)(?:人|单位)(?:联系)?(?:电话|方式)",
    "agency_address": r"(?:采购|招标)?代理机构地址",
    "agency_contact": r"(?:采购|招标)?代理机构(?:项目)?(?:联系人|经办人)",
    "agency_phone": r"(?:采购|招标)?代理机构(?:联系)?(?:电话|方式)",
    "name": r"(?:单位)?(?:名称|全称)",
    "address": r"(?:单位|联系|通讯)?地址",
    "contact": r"(?:项目)?联系人(?:及电话|姓名)?",
    "phone": r"(?:项目)?(?:联系)?(?:电话|方式)|(?:项目)?联系人?(?:电话|方式)",
    "credit_code": r"统一(?:社会)?信用代码|社会信用代码",
    "budget": r"(?:项目|采购|标段|包|本项目)?预算(?:总)?(?:金额|价|额)?|采购预算|预算审核价|项目预算"
    r"|(?:项目|标段)?计划(?:总)?投资(?:额)?|(?:合同|标段)?(?:合同)?估算(?:价|金额)",
    "control_price": r"(?:招标|采购|投标|本项目|项目|标段)?(?:最高(?:投标)?限价|控制价|拦标价)(?:总计|合计|总价|金额)?"
    r"|投标最高限价|招标控制价|(?:投标|招标|采购|报价)?上限(?:价|金额)",
    "reserve_price": r"(?:出让|转让|挂牌|拍卖|竞买|竞价|交易)?(?:起始|起拍|起叫|保留|挂牌|转让)(?:总)?价(?:格)?"
    r"|(?:出让|转让|挂牌|拍卖|交易)?底价",
    "deadline": r"(?:.{0,8})?(?:提交|递交|投标|响应|申请|报价|竞价)(?:.{0,14})?截止(?:时间|日期)"
    r"(?:.{0,10}(?:时间|地点))?|截止时间|截止日期",
    "opening": r"(?:.{0,6})?(?:开标|开启|磋商开始|谈判开始|评审|开评标)(?:时间|日期)(?:.{0,4}地点)?",
    "documents": r"(?:获取|发售|领取|购买|报名)(?:.{0,8}文件)?的?(?:时间|期限|日期)"
    r"|(?:.{0,6})?文件(?:获取|发售|领取|购买)的?(?:时间|期限)|获取文件(?:期限|时间)",
    "time": r"时间",
    "published": r"(?:公告|公示|信息)?发布(?:时间|日期)|(?:合同)?公告(?:时间|日期)",
    "publicity": r"(?:.{0,6})?公示(?:期限?|时间|起止时间|日期|期间)|信息披露(?:期限?|时间|起止(?:时间|日期)|期间)",
    "publicity_start": r"公示(?:开始|起始)(?:时间|日期)",
    "publicity_end": r"公示(?:结束|截止)(?:时间|日期)",
    "first_published": r"(?:首次|原)(?:招标|采购|中标|结果)?(?:公告|公示)(?:的?发布)?(?:日期|时间)",
    "change_content": r"(?:更正|变更|澄清|修改|补充|答疑)(?:的)?(?:主要)?(?:内容|事项)(?:、内容)?|更正(?:事项|信息)"
    r"|(?:.{0,8})?(?:澄清|修改|答疑).{0,6}(?:主要内容|内容)",
    "change_date": r"(?:本次)?(?:更正|变更|澄清)(?:日期|时间)",
    "winner": r"(?:第一)?(?:拟)?(?:中标|成交|中选)+(?:供应商|候选人|人|单位|方|社会资本方)(?:名称)?|供应商(?:名称)?"
    r"|竞得(?:人|方|单位)(?:名称)?|(?:受让|承租|摘牌)(?:人|方|单位)(?:名称)?|买受人|乙方",
    "price": r"(?:总)?(?:拟)?(?:中标|成交|中选)+(?:总)?(?:金额|价格?|报价|总价)|合同(?:总)?(?:金额|价款?)"
    r"|交易(?:价格?|金额)|投标(?:总)?报价|(?:最终|最后)报价|总报价|报价",
    "rate": r"(?:中标|成交|投标)?(?:下浮(?:率|比例|系数|幅度)?|折扣率?|费率|优惠率|让利率)",
    "score": r"(?:.{0,8})?(?:评审总?得分|(?:综合|最终|评标|综合评标|综合评估)得分|总得分)|评分结果",
    "award_date": r"(?:成交|定标|中标|交易)(?:日期|时间)",
    "contract_date": r"合同(?:签订|签署)(?:日期|时间)",
    "term": r"合同(?:履行|履约)?(?:期限|工期)|(?:履行|履约|服务)期限",
    "reject": r"否决投标(?:情况)?(?:及理由|说明)?|废标(?:理由|说明|原因)"
    r"|(?:.{0,4})?(?:终止|流标|失败)(?:的)?(?:原因|理由)",
    "manager": r"(?:项目负责人|项目经理|拟任项目经理|总监理工程师|项目总监)(?:姓名)?",
    "certificate": r"证书(?:名称|编号)(?:和编号)?|证书?号",
    "duration": r"(?:中标|计划|总)?工期|交货期|服务期",
    "quality": r"(?:中标|工程)?质量(?:要求|标准|目标)?",
    "attachment": r"(?:相关|公告)?附件",
}
"""Key and pattern of every label that is looked for; a pattern meets the whole compact label."""
_FULL = {key: re.compile(rf"(?:{pattern})") for key, pattern in LABELS.items()}
_SUFFIX_KEYS = (
    "project_no", "project_name", "lot_no", "lot_name", "tenderee", "agency", "address", "contact", "phone", "budget",
    "control_price", "deadline", "opening", "documents", "publicity", "publicity_start", "publicity_end",
    "first_published", "change_content",
    "change_date",
    "winner", "price", "rate", "score", "award_date", "contract_date", "manager", "certificate", "duration", "quality",
    "reject", "name", "attachment",
)  # fmt: skip
_NUMBERING = re.compile(
    r"^(?:[（(]?[一二三四五六七八九十]{1,3}[)）]?[、.．]|[（(][一二三四五六七八九十\d]{1,3}[)）]"
    r"|\d{1,2}(?:\.\d{1,2})*[、.．)）]?(?=\D))+"
)
_BRACKETED = re.compile(r"[（(【\[][^（）()【】\[\]]*[)）】\]]")
_DELIMITER = re.compile(r"[。；;！？!?，,]")
_COLON = re.compile(r"[：:]")
_LONGEST_LABEL = 40
_LONGEST_KEPT = 60
_REMEMBERED = 2048
"""Labels whose answer is kept, and the longest of them: all notices use the same few hundred."""
_MOST_COLONS = 400
"""Colons of one line that are looked at; a line of more is no form."""


def compact(text: str) -> str:
    """A label as compared: no numbering, brackets, white space or marks around it."""
    return _compact(text) if len(text) <= _LONGEST_KEPT else _compact.__wrapped__(text)


@lru_cache(maxsize=_REMEMBERED)
def _compact(text: str) -> str:
    text = re.sub(r"\s", "", text).lstrip("★☆▲△*●■◆#")
    text = _NUMBERING.sub("", text)
    text = _BRACKETED.sub("", text)
    return text.strip("（()）【】[]“”\"'.．、*★☆●■□·-—_ ")


def key_of(label: str) -> str:
    """The key of a compact label, or an empty string."""
    return _key(label) if len(label) <= _LONGEST_KEPT else ""


@lru_cache(maxsize=_REMEMBERED)
def _key(label: str) -> str:
    return next((key for key, pattern in _FULL.items() if pattern.fullmatch(label)), "")


def known_suffix(text: str) -> tuple[str, str] | None:
    """The longest known label at the end of `text`, with its key; at least two characters."""
    return _suffix(text[-16:])


@lru_cache(maxsize=_REMEMBERED)
def _suffix(text: str) -> tuple[str, str] | None:
    for start in range(max(0, len(text) - 16), len(text) - 1):
        tail = text[start:]
        for key in _SUFFIX_KEYS:
            if _FULL[key].fullmatch(tail):
                return tail, key
    return None


@dataclass(frozen=True, slots=True)
class Pair:
    """A label and its value. `section` is the party or part it stands under, `lot` the lot, `heading` the numbered
    heading; `order` counts through the notice."""

    label: str
    key: str
    value: str
    place: str
    order: int
    raw_label: str = ""
    section: str = ""
    lot: str | None = None
    heading: str = ""

    @property
    def unit(self) -> str | None:
        """The unit that the label names."""
        return unit_in(self.raw_label)


@dataclass(frozen=True, slots=True)
class _Piece:
    raw_label: str
    label: str
    key: str
    value: str


def split_line(text: str) -> list[_Piece]:
    """The pairs within one line: each colon whose left side is a label begins one; the last value runs to the end."""
    starts: list[tuple[int, int, str, str, str]] = []
    free = 0
    for colon in islice(_COLON.finditer(text), _MOST_COLONS):
        if _is_no_label(text, colon.start()):
            continue
        found = _label_before(text, free, colon.start(), first=not starts)
        if found:
            begin, raw, label, key = found
            starts.append((begin, colon.end(), raw, label, key))
            free = colon.end()
    pieces = []
    for index, (_, after, raw, label, key) in enumerate(starts):
        end = starts[index + 1][0] if index + 1 < len(starts) else len(text)
        pieces.append(_Piece(raw, label, key, tidy_value(text[after:end])))
    return pieces


def _is_no_label(text: str, at: int) -> bool:
    before, after = text[:at], text[at + 1 : at + 3]
    return (
        bool(re.search(r"\d\s*$", before) and re.match(r"\s*\d", after))
        or after == "//"
        or bool(re.search(r"https?$", before))
    )


def _label_before(text: str, free: int, at: int, *, first: bool) -> tuple[int, str, str, str] | None:
    cuts = [m.end() for m in _DELIMITER.finditer(_without_brackets(text[:at]), free, at)]
    begin = cuts[-1] if cuts else free
    raw = text[begin:at]
    label = compact(raw)
    if key := key_of(label):
        return begin, raw, label, key
    suffix = known_suffix(label)
    if suffix and not re.search(r"[“《]", raw[-len(suffix[0]) - 2 :]):
        tail = re.search(r"\s*".join(map(re.escape, suffix[0])) + r"(?:\s*[（(][^（）()]*[)）])*\s*$", raw)
        if tail and not _is_part_of_word(suffix[0], raw, tail.start()):
            whole = first and begin == 0 and len(label) <= 14
            return (begin if whole else begin + tail.start()), raw, label if whole else suffix[0], suffix[1]
    if first and begin == 0 and 2 <= len(label) <= _LONGEST_LABEL:
        return begin, raw, label, ""
    return None


def _without_brackets(text: str) -> str:
    """The text with what stands in brackets blanked, each character by one: a comma there ends no label."""
    return _BRACKETED.sub(lambda found: " " * len(found.group(0)), text)


_NEVER_A_TAIL = frozenset({"编号", "名称", "全称", "地址", "电话"})


def _is_part_of_word(suffix: str, raw: str, at: int) -> bool:
    """编号 in 合同编号, 名称 in 品牌名称: the longer word is another label."""
    ends_name = re.search(r"(?:公司|局|中心|学校|大学|医院|委员会|院|所|处|人)$", raw[:at])
    return suffix in _NEVER_A_TAIL and bool(re.search(r"[\u4e00-\u9fff]$", raw[:at])) and not ends_name


def tidy_value(text: str) -> str:
    """A value without the marks around it and without the form's own hint before a second colon."""
    text = re.sub(r"^\s*[（(][^（）()]*[)）]\s*[：:]", "", text)
    text = text.strip(" \t\u3000")
    text = re.sub(r"[；;。，,、（(【\[]+$", "", text).strip()
    return _to_unmatched(text).strip()


def _to_unmatched(text: str) -> str:
    """The text before a closing bracket that nothing opens: the label stood within the brackets."""
    depth = 0
    for at, char in enumerate(text):
        if char in "（(":
            depth += 1
        elif char in "）)":
            depth -= 1
            if depth < 0:
                return text[:at]
    return text


_SECTIONS = (
    ("tenderee", re.compile(r"(?:采购|招标)(?:人|单位|机构)(?:信息|情况|联系方式)?")),
    ("agency", re.compile(r"(?:采购|招标)?代理(?:机构|单位|公司)(?:信息|情况|联系方式)?")),
    ("contact", re.compile(r"项目联系(?:方式|人)?(?:信息)?")),
    ("winner", re.compile(r"(?:中标|成交)+(?:人|供应商|单位)(?:信息|情况)?")),
    ("project", re.compile(r"项目(?:基本)?(?:信息|情况)")),
)
_HEADING = re.compile(r"^\s*[一二三四五六七八九十]{1,3}\s*[、.．]")
_LOT_LINE = re.compile(
    r"^(?:第?(?P<a>[一二三四五六七八九十\d]+|[A-Z])(?:标段|标包|标项|分标|包)"
    r"|(?:采购包|合同包|标包|标段|标项|分标|子包|包件|包组|包)(?P<b>\d+|[A-Z]|[一二三四五六七八九十]))(?P<rest>[（(:：].*)?$"
)
_BEFORE_FIGURE = re.compile(
    rf"^\s*(?:第?[一二三四五六七八九十\d]{{1,3}}\s*)?(?:{_LOT})\s*[一二三四五六七八九十\d]{{0,3}}\s*[\-：:]\s*"
)


def without_lot(value: str) -> str:
    """`包1-1800000.00元`, `标项1：报价:1800000(元)` without the lot, and the word, before the figure."""
    bare = _BEFORE_FIGURE.sub("", value)
    return bare if bare == value else re.sub(r"^\s*[\u4e00-\u9fff]{2,8}\s*[：:]\s*", "", bare)


def lot_before_figure(value: str) -> str | None:
    """The lot that a price cell names before its figure (`标项1：报价:1800000(元)`), or None."""
    found = _BEFORE_FIGURE.match(value)
    return lot_no(found.group(0).strip(" -：:")) if found else None


def lot_line(text: str, *, alone: bool = False) -> str | None:
    """The number of the lot that a line heads, or None; `alone`: only where nothing but a name in brackets follows."""
    found = _LOT_LINE.match(re.sub(r"\s", "", text))
    if found is None or (alone and not re.fullmatch(r"(?:[（(].*[)）])?[：:]?", found["rest"] or "")):
        return None
    return lot_no(found["a"] or found["b"])


_NUMERALS = {c: i for i, c in enumerate("零一二三四五六七八九十")}


def arabic(text: str) -> str:
    """一 → 1, 十二 → 12; other text as it is."""
    text = re.sub(r"\s", "", text)
    if not text or any(char not in _NUMERALS for char in text):
        return str(int(text)) if text.isdecimal() else text
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return "".join(str(_NUMERALS[char]) for char in text)
    return str((_NUMERALS[tens] if tens else 1) * 10 + (_NUMERALS[ones] if ones else 0))


def lot_no(text: str) -> str:
    """A lot's number without 第…包 and in Arabic figures; a code stays whole."""
    text = re.sub(r"\s", "", text)
    text = re.sub(rf"(?<=[{_LAST_OF_LOT}])[（(][^（）()]*[)）]$", "", text)
    bare = re.sub(rf"^(?:第|{_LOT})+|(?:{_LOT}|号)+$", "", text)
    return arabic(bare or text)


class _State:
    """What the reading so far puts a pair under."""

    def __init__(self) -> None:
        self.section = ""
        self.lot: str | None = None
        self.heading = ""
        self.order = 0
        self.sides: tuple[str, ...] = ()

    def see(self, text: str) -> None:
        """Takes note of a heading, a party's heading or a lot's line."""
        flat = re.sub(r"\s", "", text)
        if _HEADING.match(flat):
            self.heading, self.section, self.lot = flat, "", None
        bare = compact(flat).rstrip("：:") if len(flat) <= _LONGEST_LABEL else ""
        for name, pattern in _SECTIONS:
            if bare and pattern.fullmatch(bare):
                self.section = name
        self.lot = lot_line(flat) or self.lot

    def pair(self, piece: _Piece, place: str) -> Pair:
        """The pair, put under what was seen so far; a party's name opens that party's block."""
        self.order += 1
        if piece.key in ("tenderee", "agency"):
            self.section = piece.key
        elif piece.key == "winner":
            self.section = "bidder"
        if piece.key == "lot_no" and (number := lot_line(piece.raw_label)):
            # `第一标段：某片区`: the label is the number, the value the name
            self.lot, piece = number, _Piece(piece.raw_label, piece.label, "lot_name", piece.value)
        elif piece.key == "lot_no" and piece.value:
            self.lot = lot_no(piece.value)
        label = re.sub(r"\s", "", piece.label)
        return Pair(
            label, piece.key, piece.value, place, self.order, piece.raw_label, self.section, self.lot, self.heading
        )


_TAKES_NEXT_LINE = frozenset(
    {"project_no", "project_name", "tenderee", "agency", "budget", "control_price", "deadline", "first_published",
     "winner", "price", "change_content", "publicity", "name", "time"}
)  # fmt: skip


def pairs_of(blocks: Sequence[Block], records: Iterable[tuple[str, str]] = ()) -> tuple[Pair, ...]:
    """All pairs of a notice in reading order; `records` are those a data file states, and come first."""
    state = _State()
    found: list[Pair] = []
    for raw, value in records:
        label = compact(raw)
        found.append(state.pair(_Piece(raw, label, key_of(label), value), f"字段“{raw}”"))
    for index, block in enumerate(blocks):
        if isinstance(block, Table):
            found.extend(_table_pairs(block, state))
            continue
        state.see(block.text)
        pieces = split_line(block.text) or _spaced(block.text) or _heading_as_label(block.text)
        if pieces and not pieces[-1].value and pieces[-1].key in _TAKES_NEXT_LINE:
            last = pieces[-1]
            pieces[-1] = _Piece(last.raw_label, last.label, last.key, _next_value(blocks, index))
        found.extend(_line_pairs(pieces, block.place, state))
    return tuple(found)


_HEADS_A_VALUE = frozenset(
    {"publicity", "budget", "control_price", "deadline", "project_no", "project_name", "first_published", "price"}
)


_SPACED = _HEADS_A_VALUE | {"tenderee", "agency", "winner", "control_price"}


def _spaced(text: str) -> list[_Piece]:
    """`项目编号 XJ-2024-11`: label and value parted by white space, as a copied table of two or four columns gives."""
    words = text.split(" ")
    if len(words) not in (2, 3, 4) or re.search(r"[：:。；;，,]", words[0]):
        return []
    if key_of(compact(words[0])) not in _SPACED:
        return []
    if len(words) == 4 and (other := key_of(compact(words[2]))):
        return [_spaced_piece(words[0], words[1]), _Piece(words[2], compact(words[2]), other, tidy_value(words[3]))]
    return [_spaced_piece(words[0], " ".join(words[1:]))]


def _spaced_piece(raw: str, value: str) -> _Piece:
    return _Piece(raw, compact(raw), key_of(compact(raw)), tidy_value(value))


def _heading_as_label(text: str) -> list[_Piece]:
    """`三、公示期限` over a line with the value."""
    label = compact(text)
    key = key_of(label)
    return [_Piece(text, label, key, "")] if key in _HEADS_A_VALUE and _NUMBERING.match(text.strip()) else []


def _line_pairs(pieces: Sequence[_Piece], place: str, state: _State) -> Iterator[Pair]:
    """The pairs of a line. Two parties side by side keep their sides in the lines below."""
    keys = tuple(piece.key for piece in pieces)
    if len(set(keys)) == 2 and set(keys) <= {"tenderee", "agency"}:
        state.sides = keys
    elif not (len(keys) == 2 and keys[0] == keys[1] and keys[0] in ("address", "contact", "phone")):
        state.sides = ()
    for index, piece in enumerate(pieces):
        if state.sides:
            state.section = state.sides[index]
        yield state.pair(piece, place)


_FIGURE_WORD = re.compile(r"\s*[（(]?(?:小写|大写|人民币)[）)]?(?:金额)?\s*[：:]")
"""What stands before the figure of an amount in a line of its own."""


def _next_value(blocks: Sequence[Block], index: int) -> str:
    """The line under a label that has nothing behind it, unless that line is itself a label or a heading."""
    following = blocks[index + 1] if index + 1 < len(blocks) else None
    if not isinstance(following, Line) or _HEADING.match(following.text):
        return ""
    if _FIGURE_WORD.match(following.text):
        return tidy_value(following.text)
    if split_line(following.text):
        return ""
    if re.match(r"\s*(?:\d{1,2}[、.．]\D|[（(]\d+[)）])", following.text):
        return ""
    return tidy_value(following.text)


def _table_pairs(table: Table, state: _State) -> Iterator[Pair]:
    """Pairs of a table: cells that hold `label：value`, and label cells followed by a value cell."""
    sections: dict[int, str] = {}
    headed = {at for head, _, begin, end in _headed(table.rows) for at in (head, *range(begin, end))}
    for number, row in enumerate(table.rows):
        texts = [cell.text for cell in row if cell.origin]
        if not texts:
            continue
        place = table.place(number)
        if len(texts) == 1:
            sections.clear()
            state.see(texts[0])
        for column, cell in enumerate(texts):
            pieces = _cell_pieces(cell)
            if pieces:
                state.section = sections.get(column, state.section)
            yield from (state.pair(piece, place) for piece in pieces)
            if len(texts) > 1 and any(piece.key in ("tenderee", "agency") for piece in pieces):
                sections[column] = state.section
        if len(texts) > 1 and number not in headed:
            yield from _row_pairs(texts, state, place)
    state.section = ""


def _cell_pieces(cell: str) -> list[_Piece]:
    """Pairs written within one cell. A cell that is a label altogether has none."""
    if _is_label_cell(cell):
        return []
    return [piece for line in cell.split("\n") for piece in split_line(line) if piece.key]


def _is_label_cell(text: str) -> bool:
    return bool(key_of(compact(text))) and len(text) <= 30


def _row_pairs(texts: list[str], state: _State, place: str) -> Iterator[Pair]:
    """`label | value | label | value`, or the same behind a cell that names the part."""
    if _section_of(texts[0]) and len(texts) in (2, 3, 5):
        state.see(texts[0])
        texts = texts[1:]
    if len(texts) % 2 and re.fullmatch(r"\s*\d{1,2}(?:\.\d{1,2}){0,2}\s*", texts[0]) and key_of(compact(texts[1])):
        texts = texts[1:]  # a numbering in a column of its own
    if len(texts) % 2 and not texts[-1].strip():
        texts = texts[:-1]  # the narrower part of a table whose other rows have more columns
    if len(texts) % 2:
        return
    for raw, value in zip(texts[::2], texts[1::2], strict=True):
        label = compact(raw.replace("\n", ""))
        if 2 <= len(label) <= _LONGEST_LABEL and not re.fullmatch(r"[\d.,]+", label):
            yield state.pair(_Piece(raw, label, key_of(label), value.replace("\n", " ").strip()), place)


def _section_of(text: str) -> bool:
    bare = compact(text)
    return any(pattern.fullmatch(bare) for name, pattern in _SECTIONS) and bare.endswith(("信息", "情况"))


_COLUMN = re.compile(
    rf"(?:序号|第[一二三四五]名|(?:{_LOT})(?:编?号|序号)?|(?:服务|交货|供货|供应|租赁)期|评委\d.*|.{{0,8}}(?:投标价|报价|得分|评分)或.*|.{{0,6}}(?:项目经理|负责人)"
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
    bare = [_BRACKETED.sub("", _BRACKETED.sub("", text)) for text in texts]
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
            if re.fullmatch(pattern, _BRACKETED.sub("", re.sub(r"\s", "", head))):
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
    state = _State()
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


def _table_grids(table: Table, before: str, state: _State) -> Iterator[Grid]:
    spans = {head: (heads, begin, end) for head, heads, begin, end in _headed(table.rows)}
    for number, row in enumerate(table.rows):
        origins = [cell.text for cell in row if cell.origin]
        if len(origins) == 1:
            before = origins[0]
            state.see(before)
        if number not in spans:
            continue
        heads, begin, end = spans[number]
        records = tuple(
            Record(tuple(zip(heads, (cell.text for cell in table.rows[at]), strict=False)), table.place(at))
            for at in range(begin, end)
        )
        yield Grid(heads, records, before, state.heading, table.no, state.lot)


def _headed(rows: Sequence[tuple[Cell, ...]]) -> Iterator[tuple[int, tuple[str, ...], int, int]]:
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
    return all(_COLUMN.fullmatch(_BRACKETED.sub("", text)) for text in texts if text)


def _fills_gaps(first: Sequence[str], second: Sequence[str]) -> bool:
    """A second header row that only names what spans in the first left open, as unmerged cells print it."""
    filled = [column for column, text in enumerate(second) if text.strip()]
    return 0 < len(filled) < len(second) and len(first) == len(second) and min(filled) > 0


def _is_record(rows: Sequence[tuple[Cell, ...]], number: int, width: int) -> bool:
    origins = [cell for cell in rows[number] if cell.origin]
    return len(rows[number]) == width and len(origins) > 1 and not is_header(rows[number], rows[number])
