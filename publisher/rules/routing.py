"""Which channels a notice goes to, from the `carries` rules of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from publisher.notice import FORM_KIND, Form, Kind, Notice, ProjectClass
from publisher.settings import CarriesRule, ChannelSettings, Condition


@dataclass(frozen=True, slots=True)
class Route:
    """One channel that gets the notice; an optional one may be missing without a gap."""

    channel: ChannelSettings
    mandatory: bool


@dataclass(frozen=True, slots=True)
class RoutingRow:
    """One row of the routing table: what each channel does with such a notice, by channel name.

    A cell is "mandatory", "optional", "optional, off" or "none"; where forms of the kind differ, the
    forms stand after each word. A rule with a condition stands before what holds otherwise:
    "mandatory (金额超过 4,000,000 元) / optional".
    """

    kind: Kind
    project_class: ProjectClass
    cells: Mapping[str, str]


def route(
    notice: Notice,
    channels: Iterable[ChannelSettings],
    day: date,
    *,
    chosen: Collection[str] = (),
    refused: Collection[str] = (),
) -> tuple[Route, ...]:
    """The enabled channels that get the notice, in the order given, by the rules that hold on the local `day`.

    An optional channel gets it if it is on by default or named in `chosen`, and not if named in `refused`: that is a
    person's choice. A mandatory channel cannot be refused, and one that does not carry it cannot be chosen.
    """
    routes = []
    for channel in channels:
        word = _word_for(channel, notice, day) if channel.enabled else "none"
        wished = channel.name in chosen or (word == "optional" and channel.name not in refused)
        if word == "mandatory" or (word.startswith("optional") and wished):
            routes.append(Route(channel, mandatory=word == "mandatory"))
    return tuple(routes)


def describe_routing(channels: Iterable[ChannelSettings], day: date) -> tuple[RoutingRow, ...]:
    """The whole routing on `day` as a table, kinds by classes, of the enabled channels."""
    shown = [channel for channel in channels if channel.enabled]
    return tuple(
        RoutingRow(kind, project_class, {channel.name: _cell(channel, kind, project_class, day) for channel in shown})
        for kind in Kind
        for project_class in ProjectClass
    )


def _word(rule: CarriesRule) -> str:
    return "optional, off" if rule.carry == "optional" and not rule.default else rule.carry


def _word_for(channel: ChannelSettings, notice: Notice, day: date) -> str:
    """What the first matching rule says; no rule, no carriage."""
    for rule in channel.carries:
        speaks = rule.holds_on(day) and rule.matches(notice.kind, notice.form, notice.project_class)
        if speaks and (rule.when is None or _met(rule.when, notice, unknown=rule.carry != "none")):
            return _word(rule)
    return "none"


def _met(condition: Condition, notice: Notice, *, unknown: bool) -> bool:
    """Whether the notice meets the condition; where it prints no amount, `unknown`.

    A channel that carries may rather get one notice too many than miss one.
    """
    if condition.lots_over is not None and len(notice.lots) <= condition.lots_over:
        return False
    if condition.amount_over is None and condition.amount_up_to is None:
        return True
    amount = _amount(notice)
    if amount is None:
        return unknown
    over = condition.amount_over is None or amount > condition.amount_over
    return over and (condition.amount_up_to is None or amount <= condition.amount_up_to)


def _amount(notice: Notice) -> Decimal | None:
    """The amount of the project in 元: its budget, else its ceiling, else the sum of its lots or winners."""
    for money in (notice.budget, notice.control_price):
        if money is not None and money.yuan:
            return money.yuan
    for prices in ([lot.budget for lot in notice.lots], [winner.price for winner in notice.winners]):
        known = [price.yuan for price in prices if price is not None and price.yuan and price.addable]
        if known and len(known) == len(prices):
            return sum(known, Decimal(0))
    return None


def _cell(channel: ChannelSettings, kind: Kind, project_class: ProjectClass, day: date) -> str:
    by_word: dict[str, list[str]] = {}
    for form in (form for form in Form if FORM_KIND[form] is kind):
        by_word.setdefault(_described(channel, form, project_class, day), []).append(form.value)
    if len(by_word) == 1:
        return next(iter(by_word))
    return "; ".join(f"{word}: {'、'.join(forms)}" for word, forms in by_word.items())


def _described(channel: ChannelSettings, form: Form, project_class: ProjectClass, day: date) -> str:
    said = []
    for rule in channel.carries:
        if rule.holds_on(day) and rule.matches(FORM_KIND[form], form, project_class):
            said.append(_word(rule) if rule.when is None else f"{_word(rule)} ({rule.when.label})")
            if rule.when is None:
                return " / ".join(said)
    return " / ".join([*said, "none"])


def excerpts_alone(channels: Iterable[ChannelSettings], excerpts: Collection[str], day: date) -> list[str]:
    """Where no mandatory channel carries the full text on `day`, a sentence for each class (Chinese).

    `excerpts`: names of the channels that show an excerpt only. The text of a notice is never shortened on every
    medium that must have it; a rule with a condition counts as one that holds.
    """
    enabled = [channel for channel in channels if channel.enabled]
    said = []
    for project_class in ProjectClass:
        alone: dict[tuple[str, ...], list[str]] = {}
        for form in Form:
            musts = [c for c in enabled if "mandatory" in _described(c, form, project_class, day)]
            if musts and all(channel.name in excerpts for channel in musts):
                alone.setdefault(tuple(channel.title for channel in musts), []).append(form.value)
        for titles, forms in alone.items():
            said.append(
                f"{project_class.label}的{'、'.join(forms)}：必发的只有{'、'.join(titles)}，而那里只显示摘要，不刊登全文；"
                "请让刊登全文的渠道（指定媒介）也必发，或改为选发"
            )
    return said


# ---- the routing as it is written down, to see what changed


def routing_of(channels: Iterable[ChannelSettings]) -> dict[str, dict[str, Any]]:
    """What decides the routing, by channel name, JSON-ready: title, designation and rules; enabled channels only."""
    return {
        channel.name: {
            "title": channel.title,
            "designated_for": [one.value for one in channel.designated_for],
            "carries": [rule.model_dump(mode="json", exclude_defaults=True) for rule in channel.carries],
        }
        for channel in channels
        if channel.enabled
    }


def routing_diff(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What changed between two routings, a sentence for each channel (Chinese)."""
    said = []
    for name in [*before, *(name for name in after if name not in before)]:
        old, new = before.get(name), after.get(name)
        if old is None and new is not None:
            said.append(f"新增渠道 {name}（{new['title']}）：{_rules(new)}")
        elif new is None and old is not None:
            said.append(f"停用渠道 {name}（{old['title']}）")
        elif old is not None and new is not None and old["carries"] != new["carries"]:
            said.append(f"{name}（{new['title']}）的承接规则由 {_rules(old)} 改为 {_rules(new)}")
        elif old is not None and new is not None and old["designated_for"] != new["designated_for"]:
            designated = [f"{'、'.join(one['designated_for']) or '无'}" for one in (old, new)]
            said.append(f"{name}（{new['title']}）的指定媒介类别由 {designated[0]} 改为 {designated[1]}")
    return said


def _rules(channel: Mapping[str, Any]) -> str:
    rules: Sequence[Mapping[str, Any]] = channel["carries"]
    return "；".join("，".join(f"{key}={value}" for key, value in rule.items()) for rule in rules) or "不承接"
