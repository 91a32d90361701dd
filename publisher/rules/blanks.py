"""Labels of a text that were left without a value: “成交金额：” and then the next label."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from publisher.errors import Reason
from publisher.notice import Notice
from publisher.rules.row import Finding

_NUMBER = r"(?:[（(]?[一二三四五六七八九十\d]{1,3}[）)]?\s*[、.．]?\s*)?"
_LABELS = (
    r"第[一二三]中标候选人(?:名称)?|(?:中标|成交)(?:人|供应商|单位)(?:名称)?|供应商名称|"
    r"(?:中标|成交)(?:\(成交\))?(?:金额|价格?)|投标报价|项目名称|(?:采购|招标)?项目编号|(?:招标人|采购人|出让人)(?:名称)?|"
    r"竞得人|受让(?:人|方|单位)|预算金额"
)
_BLANK = re.compile(rf"{_NUMBER}({_LABELS})(?:\([^)]{{0,10}}\))?\s*:\s*(?:人民币)?\s*(?:万?元)?")
_MAYBE = re.compile(r"(?:[：:]|元)[ \t\u3000\xa0]*\n")
_NEXT = re.compile(rf"{_NUMBER}([\u4e00-\u9fff]{{2,14}})(?:\([^)]{{0,12}}\))?:")
_BELONGS = re.compile(
    r"名称|单位|公司|企业|投标人|供应商|联合体|成员|大写|小写|标段|包|品目|其中|排名|总价|单价|人民币|地块|宗地"
)
"""Labels that say the value of the one before them in parts."""


def blank_findings(notice: Notice) -> Iterator[Finding]:
    """Every label that matters and stands without a value before the next label."""
    if not _MAYBE.search(notice.text):
        return
    lines = [(at, _flat(line)) for at, line in enumerate(notice.text.split("\n"), 1) if line.strip()]
    for (at, line), (_, following) in pairwise(lines):
        blank = _BLANK.fullmatch(line) if line.endswith((":", "元")) else None
        label = _NEXT.match(following) if blank else None
        if blank and label and not _BELONGS.search(label[1]):
            detail = f"正文第 {at} 行“{blank[1]}”之后没有内容。请补齐后重新放入。"
            yield Finding("text.blank", Reason.EMPTY_FIELD, detail, "body_html", f"正文第 {at} 行")


def _flat(line: str) -> str:
    return re.sub(r"[ \u3000\xa0]", "", unicodedata.normalize("NFKC", line)).strip()
