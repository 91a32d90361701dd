"""What staff state beside a file: `<name>.yaml`, or the lines between two `---` at the head of a text.

The lines are the plain part of YAML and nothing else: `key: value`, lists as `[a, b]`, `a、b` or lines that begin with
`- `, comments after `#`, a Chinese colon as well. No anchors, no tags, no nesting: nothing in it can be run, and every
value stays the text that was typed until its field reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from publisher.errors import NoticeReturned, Problem, Reason
from publisher.intake.extract.amounts import Amount, parse_amount
from publisher.intake.extract.dates import first_moment
from publisher.intake.extract.lots import lot_no
from publisher.intake.readers.plain import decode
from publisher.notice import Form, Kind, Lot, ProjectClass

ENDINGS = (".yaml", ".yml")
MAX_BYTES = 64 * 1024
"""Largest sidecar that is read, in bytes."""

CLASSES = {
    "工程": ProjectClass.WORKS,
    "工程建设": ProjectClass.WORKS,
    "政府采购": ProjectClass.PROCUREMENT,
    "土地": ProjectClass.LAND,
    "土地使用权": ProjectClass.LAND,
    "产权": ProjectClass.PROPERTY,
    "国有产权": ProjectClass.PROPERTY,
    "其他": ProjectClass.OTHER,
} | {one.value: one for one in ProjectClass}

KEYS = {
    "标题": "title",
    "公告类型": "form",
    "公告类别": "form",
    "项目类别": "project_class",
    "项目编号": "project_no",
    "项目名称": "project_name",
    "标段": "lots",
    "包号": "lots",
    "招标次数": "round",
    "更正次数": "sequence",
    "招标人": "tenderee",
    "采购人": "tenderee",
    "出让人": "tenderee",
    "代理机构": "agency",
    "预算金额": "budget",
    "最高限价": "control_price",
    "投标截止时间": "bid_deadline",
    "开标时间": "bid_opening",
    "公示开始日期": "publicity_start",
    "公示结束日期": "publicity_end",
    "首次公告日期": "first_published",
    "发布时间": "publish_at",
    "渠道": "channels",
    "不发渠道": "not_channels",
    "加急": "urgent",
}
"""The keys staff may write; the English words behind them are keys as well."""
_FIELDS = frozenset(KEYS.values())
WHOLE_FILE = frozenset({"form", "project_class", "publish_at", "channels", "not_channels", "urgent"})
"""What may be stated for a file of several notices; anything else would be said of each of them."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What staff ask of the sending: optional channels by name or title to take or leave out, and urgency."""

    chosen: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Stated:
    """What was stated: values by field (None: the field is to be empty), where each stands, and what is wrong.

    Values are `str`, `int`, `bool`, `datetime`, `date`, `Form`, `Kind`, `ProjectClass`, `Amount`, or a tuple of `Lot`
    or `str`.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    @property
    def wishes(self) -> Wishes:
        """What is asked of the sending."""
        return Wishes(
            self.values.get("channels") or (),
            self.values.get("not_channels") or (),
            bool(self.values.get("urgent")),
        )

    @property
    def publish_at(self) -> datetime | None:
        """The instant before which the notice is not to go out."""
        value: datetime | None = self.values.get("publish_at")
        return value

    def over(self, other: Stated) -> Stated:
        """Both together; where both speak of a field, this one counts."""
        return Stated(
            {**other.values, **self.values},
            {**other.places, **self.places},
            (*self.problems, *other.problems),
        )


NOTHING = Stated()
NO_WISHES = Wishes()


def is_sidecar(name: str) -> bool:
    """Whether a file of this name states something of another, and is no notice itself."""
    return name.lower().endswith(ENDINGS)


def read_sidecar(data: bytes) -> Stated:
    """What a `.yaml` beside a file states. Never raises: what is wrong stands in `problems`."""
    if len(data) > MAX_BYTES:
        return Stated(problems=(_problem(f"超过 {MAX_BYTES // 1024} KB，不像说明文件"),))
    try:
        text = decode(data)
    except NoticeReturned as error:
        return Stated(problems=(_problem(str(error.problems[0])),))
    return read_lines(text, "说明文件")


def read_lines(text: str, whose: str) -> Stated:
    """What the lines state; `whose` names them for staff (说明文件, 文首说明)."""
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    problems: list[Problem] = []
    for number, key, value in _entries(text, whose, problems):
        name = KEYS.get(key, key)
        place = f"{whose}第{number}行"
        if name not in _FIELDS:
            known = "、".join(KEYS)
            problems.append(_problem(f"第{number}行的“{key}”不是可填的项目（可填：{known}）", whose))
        elif name in values:
            problems.append(_problem(f"第{number}行的“{key}”写了两次", whose))
        else:
            try:
                values[name] = _value(name, value)
                places[name] = place
            except ValueError as error:
                problems.append(_problem(f"第{number}行“{key}”：{error}", whose))
    return Stated(values, places, tuple(problems))


def _problem(detail: str, whose: str = "说明文件") -> Problem:
    return Problem(Reason.SIDECAR_INVALID, f"{whose}：{detail}。请改正后保存。")


_ENTRY = re.compile(r"([^\s:：#\-][^:：]{0,40}?)\s*(?::(?=\s|$)|：)\s*(.*)")
_ITEM = re.compile(r"\s*-\s+(.*)")


def _entries(text: str, whose: str, problems: list[Problem]) -> Iterator[tuple[int, str, str | list[str]]]:
    """Number, key and value of every entry; lines that are none go to `problems`."""
    opened: tuple[int, str, list[str]] | None = None
    for number, raw in enumerate(text.splitlines(), 1):
        line = _bare(raw)
        if not line.strip() or line.strip() in ("---", "..."):
            continue
        if opened and (item := _ITEM.fullmatch(line)):
            opened[2].append(_unquoted(item[1]))
            continue
        if opened:
            yield _listed(opened)
            opened = None
        entry = _ENTRY.fullmatch(line.strip()) if not line[0].isspace() else None
        if entry is None:
            problems.append(_problem(f"第{number}行看不懂（每行写“项目: 内容”）：{line.strip()[:40]}", whose))
        elif entry[2]:
            yield number, entry[1].strip(), _scalar(entry[2])
        else:
            opened = (number, entry[1].strip(), [])
    if opened:
        yield _listed(opened)


def _listed(opened: tuple[int, str, list[str]]) -> tuple[int, str, str | list[str]]:
    number, key, items = opened
    return number, key, items or ""


def _bare(line: str) -> str:
    """The line without its comment; a # within a word is no comment."""
    return re.sub(r"(?:^|\s)#.*$", "", line.replace("\ufeff", "")).rstrip()


def _scalar(text: str) -> str | list[str]:
    listed = re.fullmatch(r"\[(.*)\]", text.strip())
    if listed and not re.search(r"\]|\[", listed[1]):
        return [_unquoted(part) for part in re.split(r"[,，、]", listed[1]) if part.strip()]
    return _unquoted(text)


def _unquoted(text: str) -> str:
    text = text.strip()
    quoted = re.fullmatch(r"\"([^\"]*)\"|'([^']*)'|“([^”]*)”", text)
    return next(part for part in quoted.groups() if part is not None) if quoted else text


def _value(name: str, value: str | list[str]) -> Any:
    """The value of a field. Raises ValueError (Chinese) where it is none."""
    if name in ("channels", "not_channels"):
        return tuple(_items(value))
    if name == "lots":
        return tuple(Lot(no=lot_no(item)) for item in _items(value))
    if isinstance(value, list):
        raise ValueError("只能写一个内容")
    if value in ("", "无", "~", "null"):
        if name in ("title", "form", "project_class", "round", "sequence"):
            raise ValueError("不能为空")
        return None
    return _READERS.get(name, _text)(value)


def _items(value: str | list[str]) -> list[str]:
    parts = value if isinstance(value, list) else re.split(r"[,，、;；]", value)
    found = [part.strip() for part in parts if part.strip()]
    if not found:
        raise ValueError("没有写内容")
    return found


def _text(value: str) -> str:
    if len(value) > 300:
        raise ValueError("内容过长（超过 300 字）")
    return value


def _form(value: str) -> Form | Kind:
    form = next((one for one in Form if value in (one.value, one.name.lower())), None)
    kind = next((one for one in Kind if value in (one.value, one.label)), None)
    found = form or kind
    if found is None:
        words = "、".join([kind.label for kind in Kind] + [one.value for one in Form])
        raise ValueError(f"“{value}”不是公告类型（可写：{words}）")
    return found


def _class(value: str) -> ProjectClass:
    if value not in CLASSES:
        raise ValueError(f"“{value}”不是项目类别（可写：工程、政府采购、土地、产权、其他）")
    return CLASSES[value]


def _count(value: str) -> int:
    if not re.fullmatch(r"\d{1,2}", value):
        raise ValueError("应为不大于 99 的整数")
    return int(value)


def _amount(value: str) -> Amount:
    amount = parse_amount(value)
    if amount is None or amount.suspect or amount.money.yuan is None:
        why = f"（{amount.suspect}）" if amount and amount.suspect else ""
        raise ValueError(f"“{value}”看不出金额{why}；请写成“1234567.89元”或“123.45万元”")
    return amount


def _instant(value: str) -> datetime:
    moment = first_moment(value)
    if moment is None or not isinstance(moment.value, datetime) or moment.start > 0:
        raise ValueError(f"“{value}”看不出日期和时刻；请写成“2017-12-04 09:00”")
    return moment.value


def _day(value: str) -> Any:
    moment = first_moment(value)
    if moment is None or moment.start > 0:
        raise ValueError(f"“{value}”看不出日期；请写成“2017-12-04”")
    return moment.day


def _yes(value: str) -> bool:
    if value.lower() in ("是", "true", "yes"):
        return True
    if value.lower() in ("否", "false", "no"):
        return False
    raise ValueError("应写“是”或“否”")


_READERS: dict[str, Callable[[str], Any]] = {
    "form": _form,
    "project_class": _class,
    "round": _count,
    "sequence": _count,
    "budget": _amount,
    "control_price": _amount,
    "bid_deadline": _instant,
    "bid_opening": _instant,
    "publicity_start": _day,
    "publicity_end": _day,
    "first_published": _day,
    "publish_at": _instant,
    "urgent": _yes,
}
