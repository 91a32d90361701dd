"""How a notice names its lots: 第一标段, 采购包2, 标项三, also before a figure or over a part of the text."""

from __future__ import annotations

import re

LOT = "标段|标包|标项|分标|分包|子包|包件|包组|采购包|合同包|包"
_LAST_OF_LOT = "段包项标件组"
_LOT_LINE = re.compile(
    r"^(?:第?(?P<a>[一二三四五六七八九十\d]+|[A-Z])(?:标段|标包|标项|分标|包)"
    r"|(?:采购包|合同包|标包|标段|标项|分标|子包|包件|包组|包)(?P<b>\d+|[A-Z]|[一二三四五六七八九十]))(?P<rest>[（(:：].*)?$"
)
_BEFORE_FIGURE = re.compile(
    rf"^\s*(?:第?[一二三四五六七八九十\d]{{1,3}}\s*)?(?:{LOT})\s*[一二三四五六七八九十\d]{{0,3}}\s*[\-：:]\s*"
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
    bare = re.sub(rf"^(?:第|{LOT})+|(?:{LOT}|号)+$", "", text)
    return arabic(bare or text)
