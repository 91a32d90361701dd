"""Which characters a screen knows, and what is shown for the others: declared beforehand, counted, never a "?"."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

_FIRST = 0xA1
_ROWS = _CELLS = 94
_LATER_MAPPING = {"\u30fb": "·", "\u2015": "—"}
"""Two characters that Python's codec reads by an older table than every Chinese system does."""


@cache
def gb2312_cells() -> Mapping[str, tuple[int, int]]:
    """Every character of GB 2312-80, with its row and cell, both counted from 0."""
    found = {}
    for row in range(_ROWS):
        for cell in range(_CELLS):
            try:
                char = bytes([_FIRST + row, _FIRST + cell]).decode("gb2312")
            except UnicodeDecodeError:
                continue
            found[_LATER_MAPPING.get(char, char)] = (row, cell)
    return found


def _shipped() -> dict[str, str]:
    units = {
        "㎡": "平方米",
        "m²": "平方米",
        "M²": "平方米",
        "㎥": "立方米",
        "m³": "立方米",
        "M³": "立方米",
        "㎢": "平方公里",
        "km²": "平方公里",
        "hm²": "公顷",
        "㎞": "公里",
        "㎝": "厘米",
        "cm²": "平方厘米",
        "cm³": "立方厘米",
        "㎜": "毫米",
        "mm²": "平方毫米",
        "㎎": "毫克",
        "㎏": "千克",
        "㏄": "毫升",
        "㎖": "毫升",
        "㎾": "千瓦",
        "㎸": "千伏",
        "㏑": "ln",
        "㏒": "lg",
    }
    signs = {
        "〇": "零",
        "\u30fb": "·",
        "•": "·",
        "‧": "·",
        "⋅": "·",
        "･": "·",
        "\u2010": "-",
        "\u2011": "-",
        "\u2012": "-",
        "–": "-",
        "\u2015": "—",
        "−": "-",
        "﹣": "-",
        "˜": "～",
        "＂": "”",
        "¥": "￥",
        "€": "欧元",
        "£": "￡",
        "☑": "√",
        "✓": "√",
        "✔": "√",
        "✕": "×",
        "✖": "×",
        "☐": "□",
        "▢": "□",
        "◾": "■",
        "➢": "→",
        "▶": "→",
        "►": "→",
        "∕": "/",
        "⁄": "/",
        "½": "1/2",
        "¼": "1/4",
        "¾": "3/4",
        "⅓": "1/3",
        "⅔": "2/3",
        "℡": "电话",
        "®": "(R)",
        "©": "(C)",
        "™": "(TM)",
        "ø": "Φ",
        "Ø": "Φ",
        "∅": "Φ",
        "µ": "μ",
        "\u00a0": " ",
        "\u2002": " ",
        "\u2003": "　",
        "\u2009": " ",
        "\u202f": " ",
    }
    in_circles = [*range(0x2460, 0x2474), *range(0x3251, 0x3260), *range(0x32B1, 0x32C0)]  # ①⑪ ㉑ ㊱
    in_brackets = [*range(0x2474, 0x249C)]  # ⑴ ⒈
    # of simplified documents in PDF files; Unicode does not fold these
    simplified = dict(
        zip("⺟⺠⻁⻄⻅⻆⻉⻋⻓⻔⻘⻚⻛⻝⻢⻥⻦⻩⻬⻮⻰", "母民虎西见角贝车长门青页风食马鱼鸟黄齐齿龙", strict=True)
    )
    roman = [*range(0x2160, 0x2180)]  # Ⅰ ⅰ
    company = [0x3231, 0x3232, 0x3220, *range(0x3221, 0x322A)]  # ㈱ ㈲ ㈠
    radicals = [*range(0x2F00, 0x2FD6)]  # ⼯, which PDF files have for 工
    wide = [*range(0xFF01, 0xFF5F), *range(0xFE33, 0xFE45)]  # ： and the upright ︰
    folded = [*in_brackets, *roman, *company, *radicals, *wide]
    alike = {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in folded}
    # with brackets: a figure in front of the circle would else become another number
    circles = {chr(code): f"({unicodedata.normalize('NFKC', chr(code))})" for code in in_circles}
    return {char: text for char, text in {**alike, **circles, **simplified, **units, **signs}.items() if char != text}


SUBSTITUTES: Mapping[str, str] = _shipped()
"""What is shown where a screen lacks the characters on the left. More in the option `substitutions`."""

_UNSEEN = re.compile("[\u00ad\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff\x00-\x08\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Shown:
    """A text as the screen can show it.

    `replaced` counts what was replaced, such as `㎡→平方米`: 2; `unseen` the invisible characters left out;
    `missing` names the characters for which there is neither a glyph nor a substitute, each once.
    """

    text: str
    replaced: Mapping[str, int]
    unseen: int
    missing: tuple[str, ...]


class Charset:
    """The characters of one screen.

    `knows` tells whether the screen can show a character (no line breaks). `extra` goes before the shipped table.
    """

    def __init__(self, knows: Callable[[str], bool], extra: Mapping[str, str]) -> None:
        self._knows = cache(knows)
        self._table = {key: text for key, text in {**SUBSTITUTES, **extra}.items() if self.can_show(text)}
        # the longest first: m² before ²
        keys = sorted(self._table, key=lambda key: (-len(key), key))
        self._keys = re.compile("|".join(map(re.escape, keys)))

    def can_show(self, text: str) -> bool:
        """Whether every character of `text` is known."""
        return all(map(self._knows, text))

    def fit(self, text: str) -> Shown:
        """`text` in the characters of the screen."""
        seen, unseen = _UNSEEN.subn("", unicodedata.normalize("NFC", text))
        replaced: Counter[str] = Counter()

        def substitute(found: re.Match[str]) -> str:
            char = found[0]
            if self.can_show(char):
                return char
            replaced[f"{char}→{self._table[char]}"] += 1
            return self._table[char]

        fitting = self._keys.sub(substitute, seen)
        missing = dict.fromkeys(char for char in fitting if char != "\n" and not self._knows(char))
        return Shown(fitting, dict(sorted(replaced.items())), unseen, tuple(missing))


def screen_knows(charset: str, has_glyph: Callable[[str], bool]) -> Callable[[str], bool]:
    """Whether a character is in `charset` ("gb2312": that standard and ASCII; "gb18030": all) and has a glyph."""

    def knows(char: str) -> bool:
        if charset == "gb2312" and not (" " <= char <= "~" or char in gb2312_cells()):
            return False
        return has_glyph(char)

    return knows
