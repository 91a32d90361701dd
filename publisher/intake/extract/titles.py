"""The heading of a notice: told from the first lines; its round (第N次) and sequence (（一）（二）…)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from publisher.intake.extract.blocks import Block, Line
from publisher.intake.extract.lots import arabic
from publisher.notice import normalise

_END = re.compile(
    r"(?:公告|公示|纪要|通知书?|澄清文件|答疑文件|修改文件|补遗书|邀请书|合同|告知书)(?:\s*[（(【\[].{1,20}[）)】\]]|[一二三四五六七八九十\d]{1,2}|第?[一二三四五六七八九十\d]+[次号期])*[）)]?\s*$"
)
_NO_TITLE = re.compile(
    r"^\s*(?:[一二三四五六七八九十]{1,3}\s*[、.．]|\d{1,2}\s*[、.．]|项目概况|【|各(?:投标人|供应商|潜在|有关)|致[：:]|[（(]?\s*公示期)|[。；;]|发布(?:时间|日期)"
)
_ONLY_NUMBER = re.compile(
    r"^\s*[（(【\[]?\s*(?:(?:招标|项目|采购)?编号\s*[：:])?\s*[A-Za-z0-9\-_.〔〕\[\]号]{6,40}\s*[）)】\]]?\s*$"
)
_LONGEST = 160
_MOST_LINES = 4


def title_lines(blocks: Sequence[Block]) -> list[str]:
    """The leading lines that make up the heading: up to the first that ends in a notice word, else the first alone."""
    leading: list[str] = []
    for block in blocks[:_MOST_LINES]:
        if not isinstance(block, Line) or not _may_be_title(block.text):
            break
        leading.append(block.text)
        if _END.search(block.text):
            return leading
    return leading[:1]


def _may_be_title(text: str) -> bool:
    outside = re.sub(r"[（(][^（）()]*[）)]", "", text)
    return len(text) <= _LONGEST and not re.search(r"[：:]", outside) and not _NO_TITLE.search(text)


def choose_title(blocks: Sequence[Block], marked: str | None) -> tuple[str, int]:
    """The title and how many leading lines of the body repeat it; `marked` is what the file itself calls its title."""
    lines = [line for line in title_lines(blocks) if not _ONLY_NUMBER.match(line)]
    found = "".join(lines)
    if marked is None:
        return found, len(lines)
    marked = re.sub(r"\s+", " ", marked).strip()
    for count in range(1, len(lines) + 1):
        if normalise("".join(lines[:count])) == normalise(marked):
            return marked, count
    first = blocks[0].text if blocks and isinstance(blocks[0], Line) else ""
    if first and normalise(first) == normalise(marked):
        return marked, 1
    if found and (_END.search(found) or not _END.search(marked)):
        return found, len(lines)
    return marked, 0


def without_title(body_html: str, count: int) -> str:
    """The body without its first `count` lines, if each is an element of its own."""
    rest = body_html
    for _ in range(count):
        shorter = re.sub(r"^\s*<(p|h[1-6])>(?:(?!</?(?:p|h[1-6]|table|br)\b).)*</\1>", "", rest, count=1, flags=re.S)
        if shorter == rest:
            return body_html
        rest = shorter
    return rest


_ROUND = re.compile(r"第\s*([二三四五六七八九十]|[2-9])\s*次(?!\s*(?:更正|变更|澄清|答疑|补充|补遗|修改))")
_AGAIN = re.compile(r"(?<!暂估价)(?<!暂估价工程)[（(]?([二三四五])次(?:招标|采购|公告|[）)])|重新(?:招标|采购|公告)")


def round_of(*texts: str | None) -> int:
    """第N次 in title or name; 二次招标 of a provisional sum (暂估价) is no second round."""
    for text in texts:
        flat = re.sub(r"\s", "", text or "")
        if found := _ROUND.search(flat):
            return int(arabic(found.group(1)))
        if again := _AGAIN.search(flat):
            return int(arabic(again.group(1))) if again.group(1) else 2
    return 1


_CHANGE_WORD = r"(?:更正|变更|澄清|答疑|修改|补充|补遗|暂停|延期|纪要)"
_N = r"([一二三四五六七八九十]{1,3}|\d{1,2})"
_SEQUENCES = (
    re.compile(rf"第{_N}次{_CHANGE_WORD}"),
    re.compile(rf"{_CHANGE_WORD}.{{0,12}}?[（(]第?{_N}[次号]?[）)]\s*$"),
    re.compile(rf"{_CHANGE_WORD}(?:公告|文件|通知|纪要|书)?第?{_N}[号次]?\s*$"),
)


def sequence_of(*texts: str | None) -> int:
    """The number of a change notice among those of its project: 更正公告（四） → 4; 0 where none is printed."""
    for text in texts:
        flat = re.sub(r"\s", "", text or "")
        for pattern in _SEQUENCES:
            if found := pattern.search(flat):
                return int(arabic(found.group(1)))
    return 0


_FORM_WORDS = re.compile(
    r"(?:的)?(?:(?:公开|邀请)招标|竞争性(?:谈判|磋商)|询价|单一来源(?:采购)?|比选|遴选|谈判|磋商)?(?:采购|招标|(?:网上)?(?:公开)?(?:挂牌|拍卖|招标)?出让|资格预审|评标|定标)?"
    r"(?:中标|成交|（成交）|\(成交\)|交易)*(?:候选人|结果|供应商|人)?(?:的)?(?:更正|变更|澄清|答疑|补遗|暂停|终止|流标|废标|补充|延期|合同)*(?:（[^）]{1,6}）)?"
    r"(?:公告|公示|文件|通知|纪要|合同)(?:[（(].{1,20}[）)]|[一二三四五六七八九十\d]{1,2})*\s*$"
)


_ABOUT_PAPERS = re.compile(
    r"(?:的)?(?:招标|采购|磋商|谈判|询价)文件(?:的)?(?:澄清|答疑|修改|补遗|补充)(?:[与和及、](?:澄清|答疑|修改|补遗))*"
    r"(?:（[^）]{1,8}）|\([^)]{1,8}\)|第?[一二三四五六七八九十\d]{1,2}[次号])*$"
)
_SOLD_BY = re.compile(r"^.{2,20}法院关于(?:公开)?(?:拍卖|变卖)")


def name_in_title(title: str) -> str | None:
    """The project name that a title gives when the notice words at its end are taken off."""
    flat = title.strip()
    while flat.startswith(("（", "(")) and flat.endswith(("）", ")")) and len(flat) > 2:
        flat = flat[1:-1].strip()
    name = _ABOUT_PAPERS.sub("", _FORM_WORDS.sub("", flat)).strip()
    name = _SOLD_BY.sub("", name)
    opened = name.count("（") - name.count("）")
    if opened == 1 and name.startswith("（"):
        name = name[1:]
    elif opened == -1 and name.endswith("）"):
        name = name[:-1]
    return name if len(name) >= 4 else None
