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
_CHANGED = r"(?:更正|变更|修改|调整|改)"
_WAS = re.compile(rf"原\S{{0,16}}?{_QUOTED}\s*(?:内容)?\s*[为是]?\s*[：:]\s*(?P<value>.+)", re.S)
_NOW = re.compile(rf"现\s*(?:将)?{_CHANGED}\S{{0,12}}?{_QUOTED}\s*(?:内容)?\s*[为是]?\s*[：:]\s*(?P<value>.+)", re.S)
_ITEM = r"(?P<item>[^，。；;：:“”\"\d]{2,40}?)"
_THEN = rf"\s*[，,；;。]?\s*(?:现|今)?(?:将其|统一)?\s*{_CHANGED}\s*(?:为|至|到|成)\s*[：:]?\s*(?P<after>[^。；;]+)"
_LABEL_QUOTED = r"[“\"](?P<item>[^“”\"：:]{2,30})[：:](?P<before>[^“”\"]+)[”\"]"
_SENTENCES = (
    re.compile(
        rf"{_LABEL_QUOTED}\s*[，,；;。]?\s*(?:现|今)?\s*{_CHANGED}\s*为\s*[：:]?\s*[“\"](?:(?P=item)[：:])?(?P<after>[^”\"]+)[”\"]"
    ),
    re.compile(rf"原\s*{_ITEM}\s*[为是：:]\s*(?P<before>[^。；;]+?){_THEN}"),
    re.compile(rf"原\s*{_ITEM}\s*(?P<before>[“\"]?[¥￥]?\d[^。；;，]*?){_THEN}"),
    re.compile(rf"(?:将)?{_ITEM}\s*[由从]\s*(?:原来?的?)?\s*(?P<before>[^。；;]+?){_THEN}"),
    re.compile(
        rf"(?:将)?{_ITEM}\s*[由从]\s*(?:原来?的?)?\s*(?P<before>20\d\d[^。；;]+?)\s*[，,]?\s*(?:延期|推迟|顺延|延长|提前|延后)"
        r"(?:至|到|为)\s*(?P<after>20\d\d[^。；;，,]+)"
    ),
    re.compile(rf"(?:将)?{_ITEM}\s*(?:由|从)?\s*(?P<before>“[^”]+”|\"[^\"]+\"){_THEN}"),
)
_MOVED = re.compile(
    r"(?P<item>[\u4e00-\u9fff]{2,20}?(?:时间|日期|期限))\s*(?:延期|推迟|顺延|延长|变更|调整|更正|提前)\s*(?:至|到|为)\s*(?P<after>20\d\d[^。；;，]{4,30})"
)
_VOID = re.compile(rf"{_QUOTED}\s*作废\s*[，,]\s*(?:以|由).{{0,16}}?{_QUOTED}\s*为\s*准")
_FORMER = re.compile(
    rf"^\s*(?:\d+[.、．]\s*)?(?:原\s*(?P<a>[^：:]{{0,30}}?)(?:内容)?|{_CHANGED}前(?:内容|为)?(?P<b>[^：:]{{0,20}}?))\s*[：:]\s*(?P<value>.+)$",
    re.S,
)
_LATTER = re.compile(
    rf"^\s*(?:\d+[.、．]\s*)?(?:现\s*(?:将)?{_CHANGED}?[^：:]{{0,30}}?(?:为|内容)?|{_CHANGED}后(?:内容|为)?|{_CHANGED}为)\s*[：:]\s*(?P<value>.+)$",
    re.S,
)
_QUESTION = re.compile(
    r"^\s*(?P<item>(?:问题?|疑问)\s*[一二三四五六七八九十\d]{0,3})\s*[：:、.．]\s*(?P<value>.+)$", re.S
)
_ANSWER = re.compile(r"^\s*(?:答复?|回复|澄清|解答)\s*[一二三四五六七八九十\d]{0,3}\s*[：:]\s*(?P<value>.+)$", re.S)
_ITEM_COLUMN = r"(?:更正|变更|修改|澄清)?(?:项目?|事项|内容|条款|名称)|更正项"
_BEFORE_COLUMN = r".{0,6}(?:更正|变更|修改|澄清)前.{0,4}|原.{0,8}内容|原内容"
_AFTER_COLUMN = r".{0,6}(?:更正|变更|修改|澄清)后.{0,4}|现.{0,8}内容"
_NO_ITEMS = re.compile(r"首次公告|原公告(?!中?(?:的?内容|为))|项目编号|项目名称|更正日期|变更日期")
_DEADLINE_ITEM = re.compile(r"(?:投标|响应|提交|递交|报价|申请).{0,10}截止|^截止时间")
_LONGEST = 2000


def find_changes(source: Source, facts: Facts) -> None:
    """All changed items, in the order of the text; a new deadline becomes the notice's deadline."""
    if facts.form is None or facts.form.kind is not Kind.CHANGE_NOTICE:
        return
    found = list(_from_tables(source)) or list(_from_paragraphs(source))
    facts.changes = found
    if found:
        facts.places.setdefault("changes", "正文")
    for change in found:
        if "保证金" in change.item or not _DEADLINE_ITEM.search(change.item):
            continue
        moment = first_moment(change.after or "")
        if moment and isinstance(moment.value, datetime):
            facts.bid_deadline, facts.places["bid_deadline"] = moment.value, "更正内容"
            return


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
    texts = [text for text, _ in source.placed if not _NO_ITEMS.search(text[:12])]
    waiting: dict[str, str] = {}
    index = 0
    while index < len(texts):
        text, after = texts[index], texts[index + 1] if index + 1 < len(texts) else ""
        index += 1
        if _opens(text):
            was = _WAS.search(text)
            if was:
                waiting[was[1]] = was["value"]
                continue
        if now := _NOW.search(text):
            yield _change(now[1], waiting.pop(now[1], None), now["value"])
            continue
        if (question := _QUESTION.match(text)) and (answer := _ANSWER.match(after)):
            yield Change(item=question["item"], before=_trim(question["value"]), after=_trim(answer["value"]))
            index += 1
            continue
        sentences = list(_from_sentences(text))
        if sentences:
            yield from sentences
        elif pair := _two_lines(text, after):
            yield pair
            index += 1


def _opens(text: str) -> bool:
    """The old wording alone; the new one follows in a line of its own."""
    was = _WAS.search(text)
    return was is not None and not re.search(rf"现(?:将)?{_CHANGED}", was["value"])


_WHOLE_PAPER = re.compile(r"^(?:(?:招标|采购|磋商|谈判|询价)?(?:公告|文件)(?:中)?的?)$")


def _two_lines(text: str, after: str) -> Change | None:
    """`原…：A` over `现更正为：B`, `更正前：A` over `更正后：B`."""
    former, latter = _FORMER.match(text), _LATTER.match(after)
    if former is None or latter is None:
        return None
    item = _WHOLE_PAPER.sub("", (former["a"] or former["b"] or "").strip())
    old, new = former["value"], latter["value"]
    label = re.match(r"([\u4e00-\u9fff、]{2,24})[：:](?=.)", new)
    if not item and label and old.startswith(label.group(0)):
        item, old, new = label[1], old[label.end() :], new[label.end() :]
    return _change(item or "更正内容", old, new)


def _from_sentences(text: str) -> Iterator[Change]:
    """Every change that a line states in one sentence."""
    if void := _VOID.search(text):
        item = re.sub(r"^.*?项目", "", void[1]) or void[1]
        yield Change(item=item, before=void[1], after=void[2].split("“")[-1])
        return
    for sentence in re.split(r"[。；;]", text):
        if found := next((m for pattern in _SENTENCES if (m := pattern.search(sentence))), None):
            yield _change(_bare_item(found["item"]), found["before"], found["after"])
        elif (moved := _MOVED.search(sentence)) and (moment := first_moment(moved["after"])):
            yield Change(item=_bare_item(moved["item"]), before=None, after=moment.raw)


def _change(item: str, before: str | None, after: str) -> Change:
    """Where both sides state a time for an item of time, the times are the change; else the texts."""
    if re.search(r"时间|日期", item):
        new = first_moment(after)
        old = first_moment(before or "")
        if new and (old or before is None):
            return Change(item=_short_item(item), before=old.raw if old else None, after=new.raw)
    return Change(item=_short_item(item), before=_trim(before), after=_trim(after))


def _short_item(item: str) -> str:
    item = re.sub(r"^\s*[一二三四五六七八九十]{1,3}\s*、", "", item)
    return re.sub(r"(?<=时间)[及和与、]\s*地点$", "", item).strip()


def _bare_item(text: str) -> str:
    bare = re.sub(r"^[\s.、．)）(（]+", "", text)
    bare = re.sub(r"^(?:由于|因|本项目|本次|将|原|现|该项目)+", "", bare)
    inner = re.sub(r"^(?:招标|采购|磋商|谈判|询价)?(?:文件|公告)(?:中|第.{1,12}?)的?", "", bare).strip()
    return inner or bare.strip("中的 ") or "更正内容"


def _trim(text: str | None) -> str | None:
    if text is None:
        return None
    trimmed = text.strip(" 　。；;，,：:")
    if re.fullmatch(r"[“\"][^“”\"]*[”\"]", trimmed):
        trimmed = trimmed[1:-1]
    return trimmed[:_LONGEST] or None
