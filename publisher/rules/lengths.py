"""A length of time that a notice prints in words: 自发布之日起5个工作日, 公示期三日."""

from __future__ import annotations

import re

from publisher.rules.calendar import Unit

_NUMERALS = {char: number for number, char in enumerate("零一二三四五六七八九十")} | {"两": 2}
_LENGTH = (
    r"(?P<n>[0-9０-９]{1,3}|[一二两三四五六七八九十]{1,3})\s*"
    r"(?P<unit>个?工作日|个?(?:自然|日历)?[日天])(?![0-9０-９时])"
)


def stated_term(text: str, words: tuple[str, ...]) -> tuple[int, Unit] | None:
    """The length printed after one of the words (公告期限：自发布之日起5个工作日), or None. Dates are no length."""
    labels = "|".join(re.escape(word) for word in words)
    found = re.search(rf"(?:{labels})(?P<between>[^。；;]{{0,30}}?)(?<![0-9０-９月./年-]){_LENGTH}", text)
    if found is None or re.search(r"[0-9０-９]\s*[年月]", found["between"]):
        return None
    unit = Unit.WORKING_DAYS if "工作" in found["unit"] else Unit.DAYS
    return _number(found["n"]), unit


def _number(text: str) -> int:
    if text[0].isdigit():
        return int(text)
    tens, mark, ones = text.rpartition("十")
    if not mark:
        return _NUMERALS[text]
    return (_NUMERALS[tens] if tens else 1) * 10 + (_NUMERALS[ones] if ones else 0)
