"""Attachments that the text names, and which of them were not handed in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from publisher.intake.extract.source import Source, is_blank
from publisher.notice import normalise_name

_FILE = re.compile(
    r"[^\s，。；：:、<>|\"“”]{1,80}?\.(?:pdf|docx?|xlsx?|wps|et|zip|rar|7z|png|jpe?g|ofd|dwg|txt)(?![A-Za-z])", re.I
)
_HEADING = re.compile(
    r"^\s*(?:[一二三四五六七八九十]{1,3}\s*[、.．])?\s*(?:相关|公告)?附\s*件\s*(?:清单|列表)?\s*(?:[（(][^）)]*[)）])?\s*[：:]?\s*(?P<rest>.*)$",
    re.S,
)
_BARE = re.compile(r"(?:详|具体|内容|资料)?(?:情)?见(?:本公告)?(?:后附)?(?:的)?(?:“)?附(?:件|表)(?!格式)|附件下载")
_CONTENT_ELSEWHERE = re.compile(
    r"^(?:具体|详细)?(?:内容)?\s*详?见\s*(?P<what>[^。；，]{2,60}?(?:内容|文件|附件|清单|纪要)(?:[（(][一二三四五六七八九十\d]+[)）])?[》”]?)\s*[。]?$"
)
_OTHER_DOCUMENT = re.compile(r"(?:招标|采购|磋商|询价|谈判|挂牌|拍卖|出让|评标办法|响应)(?:文件|须知|办法)?\s*(?:的)?$")
_NAMED_PARTS = re.compile(r"(?:PDF版|电子版|word版)?(?:招标|采购|磋商|谈判|询价)文件\s*[（(][^（）()]{2,40}[)）]", re.I)
_GUID = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}[._-]?", re.I)


@dataclass(frozen=True, slots=True)
class Mentioned:
    """How many attachments the text names, their file names where it gives them, and where."""

    count: int
    names: tuple[str, ...] = ()
    place: str = ""
    holds_content: bool = False


def mentioned(source: Source) -> Mentioned:
    """The notice's own attachments: a list by name, named parts, else one for a bare 详见附件.

    `holds_content`: what a change notice changes stands in the attachment alone.
    """
    listed = _listed(source)
    elsewhere = _content_elsewhere(source)
    if listed is not None:
        return Mentioned(listed.count, listed.names, listed.place, elsewhere is not None)
    if elsewhere is not None:
        return Mentioned(1, (), elsewhere, True)
    for text, place in source.placed:
        for found in _BARE.finditer(text):
            if not _OTHER_DOCUMENT.search(text[: found.start()][-8:]) and "开票" not in text[: found.start()][-12:]:
                return Mentioned(1, (), place)
    return Mentioned(0)


def _listed(source: Source) -> Mentioned | None:
    """The files named under an 附件 heading, up to the next heading."""
    texts = source.placed
    for index, (text, place) in enumerate(texts):
        heading = _HEADING.match(text)
        if heading is None:
            continue
        if is_blank(heading["rest"]) and not _following(texts, index):
            if items := _items(texts, index):
                return Mentioned(items, (), place)
            continue
        rest = heading["rest"]
        scope = "\n".join([rest, *_following(texts, index)])
        names = tuple(dict.fromkeys(_clean(name) for name in _FILE.findall(scope)))
        if names:
            return Mentioned(len(names), names, place)
        if parts := _NAMED_PARTS.findall(rest):
            return Mentioned(len(parts), (), place)
        if count := _by_title(rest):
            return Mentioned(count, (), place)
    alone = [(text.strip(), place) for text, place in texts if _FILE.fullmatch(text.strip())]
    if alone:
        return Mentioned(len(alone), tuple(_clean(name) for name, _ in alone), alone[0][1])
    return None


_ITEM = re.compile(r"\s*(?:\d{1,2}\s*[.、．：:]|[（(]\d+[)）])\s*[^\s，。；：:]{2,40}\s*[；;。]?\s*")
_TITLED = re.compile(
    r"(?:\d\s*[.、．：:]?)?\s*\S{0,30}(?:招标|采购|磋商|谈判|询价)(?:文件|通知书)(?:[（(][^）)]*[)）])?[。；]?|\S{2,30}(?:声明函|清单|论证意见|合同(?:文本|书)?)[。；]?"
)


def _by_title(rest: str) -> int:
    """How many documents `附件：招标文件` names by a title without a file's ending."""
    return 1 if _TITLED.fullmatch(rest.strip()) else 0


def _following(texts: tuple[tuple[str, str], ...], index: int) -> list[str]:
    """The lines under a heading that go on naming files."""
    found = []
    for text, _ in texts[index + 1 :]:
        if not _FILE.search(text):
            break
        found.append(text)
    return found


def _items(texts: tuple[tuple[str, str], ...], index: int) -> int:
    """How many numbered titles stand in the lines under a heading: `十、附件` over `1.采购文件`."""
    count = 0
    for text, _ in texts[index + 1 :]:
        if not _ITEM.fullmatch(text):
            break
        count += 1
    return count


def _clean(name: str) -> str:
    return re.sub(r"^\s*(?:\d{1,2}[.、．]|[（(]\d+[)）]|附件\d*[：:]?)\s*", "", name)


def _content_elsewhere(source: Source) -> str | None:
    """The place of a 更正内容 that only points at another file of this notice."""
    for pair in source.with_key("change_content"):
        found = _CONTENT_ELSEWHERE.match(pair.value.strip())
        if found and re.search(r"更正|澄清|变更|答疑|附件|修改", found["what"]):
            return pair.place
    return None


def missing(found: Mentioned, attached: tuple[str, ...]) -> list[str]:
    """Names (or a bare count) of attachments that were not handed in."""
    if found.names:
        here = {_key(name) for name in attached}
        return [name for name in found.names if _key(name) not in here]
    lacking = found.count - len(attached)
    return ["附件"] * lacking if lacking > 0 else []


def in_order(found: Mentioned, attached: tuple[str, ...]) -> list[int]:
    """The positions of the attached files in the order in which the text names them; the others after them."""
    places = {_key(name): place for place, name in enumerate(found.names)}
    return sorted(range(len(attached)), key=lambda i: places.get(_key(attached[i]), len(places)))


def _key(name: str) -> str:
    return normalise_name(_GUID.sub("", name))
