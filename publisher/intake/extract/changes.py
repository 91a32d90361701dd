"""What a change notice changes: item, before, after, where the text gives values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from publisher.intake.extract.dates import first_moment
from publisher.intake.extract.facts import Facts
from publisher.intake.extract.source import Source, is_blank
from publisher.notice import Change, Kind

_QUOTED = r"[“\"「]([^”\"」]{2,40})[”\"」]"
_WAS = re.compile(rf"原\S{{0,16}}?{_QUOTED}\s*(?:内容)?\s*[为是]?\s*[：:]\s*(?P<value>.+)", re.S)
_NOW = re.compile(
    rf"现\s*(?:将)?(?:更正|变更|修改|调整|改)\S{{0,12}}?{_QUOTED}\s*(?:内容)?\s*[为是]?\s*[：:]\s*(?P<value>.+)", re.S
)
_ONE_SENTENCE = re.compile(
    r"(?:原|将)?(?P<item>[\u4e00-\u9fff、（）()]{2,24}?)\s*(?:由|从|原为|为)?\s*[：:]?\s*[“\"]?(?P<before>[^“”\"，。；]{1,60}?)[”\"]?\s*[，,；;]?\s*"
    r"(?:现)?(?:更正|变更|修改|调整|改)\s*(?:为|至|到)\s*[：:]?\s*[“\"]?(?P<after>[^“”\"。；;]{1,80})[”\"]?"
)
_MOVED = re.compile(
    r"(?P<item>[\u4e00-\u9fff]{2,20}?(?:时间|日期|期限))\s*(?:延期|推迟|顺延|延长|变更|调整|提前)\s*(?:至|到|为)\s*(?P<after>20\d\d[^。；;，]{4,30})"
)
_VOID = re.compile(rf"{_QUOTED}\s*作废\s*[，,]\s*(?:以|由).{{0,16}}?{_QUOTED}\s*为\s*准")
_ITEM_COLUMN = r"(?:更正|变更|修改|澄清)?(?:项目?|事项|内容|条款|名称)|更正项"
_BEFORE_COLUMN = r".{0,6}(?:更正|变更|修改|澄清)前.{0,4}|原.{0,8}内容|原内容"
_AFTER_COLUMN = r".{0,6}(?:更正|变更|修改|澄清)后.{0,4}|现.{0,8}内容"


def find_changes(source: Source, facts: Facts) -> None:
    """All changed items, in the order of the text; a new deadline becomes the notice's deadline."""
    if facts.form is None or facts.form.kind is not Kind.CHANGE_NOTICE:
        return
    found = list(_from_tables(source)) or [*_from_paragraphs(source)]
    facts.changes = found
    if found:
        facts.places.setdefault("changes", "正文")
    for change in found:
        if (
            re.search(r"(?:投标|响应|提交|递交|报价|申请).{0,10}截止|^截止时间", change.item)
            and "保证金" not in change.item
        ):
            moment = first_moment(change.after or "")
            if moment and isinstance(moment.value, datetime):
                facts.bid_deadline, facts.places["bid_deadline"] = moment.value, "更正内容"
                break


def _from_tables(source: Source) -> Iterator[Change]:
    for grid in source.grids:
        for record in grid.records:
            before, after = record.get(_BEFORE_COLUMN), record.get(_AFTER_COLUMN)
            if before is None or after is None:
                continue
            item = record.get(_ITEM_COLUMN)
            yield Change(
                item=(item[1] if item and not is_blank(item[1]) else "更正内容").replace("\n", ""),
                before=None if is_blank(before[1]) else before[1].replace("\n", ""),
                after=None if is_blank(after[1]) else after[1].replace("\n", ""),
            )


def _from_paragraphs(source: Source) -> Iterator[Change]:
    waiting: dict[str, str] = {}
    for text, _ in source.placed:
        if was := _WAS.search(text):
            if not re.search(r"现(?:将)?(?:更正|变更|修改|调整|改)", was["value"]):
                waiting[was[1]] = was["value"]
                continue
        if now := _NOW.search(text):
            yield _paired(now[1], waiting.pop(now[1], None), now["value"])
            continue
        yield from _from_sentence(text)


def _paired(item: str, before: str | None, after: str) -> Change:
    """Where both sides state a time for an item of time, the times are the change; else the texts."""
    if re.search(r"时间|日期", item):
        new = first_moment(after)
        old = first_moment(before or "")
        if new and (old or before is None):
            return Change(item=_short_item(item), before=old.raw if old else None, after=new.raw)
    return Change(item=item, before=_trim(before), after=_trim(after))


def _short_item(item: str) -> str:
    return re.sub(r"(?<=时间)[及和与、]\s*地点$", "", item)


def _from_sentence(text: str) -> Iterator[Change]:
    if void := _VOID.search(text):
        yield Change(item=re.sub(r"^.*?项目", "", void[1]) or void[1], before=void[1], after=_inner(void[2]))
        return
    if moved := _MOVED.search(text):
        moment = first_moment(moved["after"])
        if moment:
            yield Change(item=_bare_item(moved["item"]), before=None, after=moment.raw)
            return
    one = _ONE_SENTENCE.search(text)
    if one and re.search(r"\d|[“\"]", one.group(0)):
        yield Change(item=_bare_item(one["item"]), before=_trim(one["before"]), after=_trim(one["after"]))


def _inner(text: str) -> str:
    return text.split("“")[-1]


def _bare_item(text: str) -> str:
    return re.sub(r"^(?:由于|因|本项目|本次|将|原|现|该项目)+", "", text)


def _trim(text: str | None) -> str | None:
    if text is None:
        return None
    trimmed = text.strip(" 　。；;，,：:")
    return trimmed[:2000] or None
