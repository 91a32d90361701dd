"""The channels and the routing matrix as `check` prints them, for a terminal of 100 columns."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby

from publisher.channel import Tier
from publisher.cli.output import say, say_table
from publisher.notice import Kind, ProjectClass
from publisher.rules.routing import RoutingRow, describe_routing
from publisher.settings import ChannelSettings, Settings, enabled

_ACROSS = 8
"""Channels side by side; further ones follow in a table of their own."""
_CARRY = {"optional, off": "默认不发", "mandatory": "必发", "optional": "选发", "none": "不发"}


def say_channels(settings: Settings, usable: Collection[str], since: Mapping[str, datetime]) -> None:
    """The enabled channels by number; `usable`: names of those that opened, `since`: from when each carries."""
    rows = [
        (
            number,
            c.title,
            c.name,
            Tier(c.tier).label,
            "演练" if c.practice else "正式",
            "可用" if c.name in usable else "有误",
            since.get(c.name),
        )
        for number, c in enumerate(enabled(settings), 1)
    ]
    say_table(["序号", "渠道", "设置名", "层级", "环境", "情况", "承接自"], rows)


def say_routing(settings: Settings, day: date) -> None:
    """What each channel does with each kind and class on `day`: channels by number, what is not one word in a note."""
    channels = list(enabled(settings))
    rows = describe_routing(settings.channels, day)
    notes: dict[str, int] = {}
    say("承接表（渠道按上表序号；默认不发：经人指定才发）")
    for first in range(0, len(channels), _ACROSS):
        part = channels[first : first + _ACROSS]
        heads = ["公告类别", "项目类别", *(f"渠道{first + at}" for at in range(1, len(part) + 1))]
        say_table(heads, list(_lines(rows, part, notes)))
    for text, number in notes.items():
        say(f"  注{number}：{text}")
    for project_class in ProjectClass:
        named = "、".join(channel.title for channel in channels if project_class in channel.designated_for)
        say(f"  {project_class.label}的指定媒介：{named or '未设定（法定期限自任一必发渠道公开起算）'}")
    for channel in channels:
        for number, rule in enumerate(channel.carries, 1):
            if rule.valid_from or rule.valid_to:
                begin, end = rule.valid_from or "以前", rule.valid_to or "以后"
                say(f"  {channel.title}：第 {number} 条承接规则有效期 {begin} 至 {end}")


def _lines(
    rows: Sequence[RoutingRow], channels: Sequence[ChannelSettings], notes: dict[str, int]
) -> Iterator[tuple[str, ...]]:
    """One line for all classes of a kind that go the same ways."""
    before: Kind | None = None
    for (kind, cells), same in groupby(rows, key=lambda row: (row.kind, [row.cells[c.name] for c in channels])):
        classes = "、".join(row.project_class.label for row in same)
        yield ("" if kind is before else kind.label, classes, *(_cell(cell, notes) for cell in cells))
        before = kind


def _cell(cell: str, notes: dict[str, int]) -> str:
    if cell in _CARRY:
        return _CARRY[cell]
    for word, chinese in _CARRY.items():
        cell = cell.replace(word, chinese)
    text = cell.replace("; ", "；").replace(": ", "：").replace(" / ", "，其余").replace(" (", "（").replace(")", "）")
    return f"见注{notes.setdefault(text, len(notes) + 1)}"
