"""Label and value within one line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from publisher.intake.extract.amounts import unit_in
from publisher.intake.extract.labels import BRACKETED, LONGEST_LABEL, compact, key_of, known_suffix

_DELIMITER = re.compile(r"[。；;！？!?，,]")
_COLON = re.compile(r"[：:]")
_MOST_COLONS = 400
"""Colons of one line that are looked at; a line of more is no form."""


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
class Piece:
    raw_label: str
    label: str
    key: str
    value: str


def split_line(text: str) -> list[Piece]:
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
        pieces.append(Piece(raw, label, key, tidy_value(text[after:end])))
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
    if first and begin == 0 and 2 <= len(label) <= LONGEST_LABEL:
        return begin, raw, label, ""
    return None


def _without_brackets(text: str) -> str:
    """The text with what stands in brackets blanked, each character by one: a comma there ends no label."""
    return BRACKETED.sub(lambda found: " " * len(found.group(0)), text)


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
