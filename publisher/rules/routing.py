"""Which channels a notice goes to, from the `carries` rules of each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from publisher.notice import FORM_KIND, Form, Kind, Notice, ProjectClass
from publisher.settings import ChannelSettings


@dataclass(frozen=True, slots=True)
class Route:
    """One channel that gets the notice; an optional one may be missing without a gap."""

    channel: ChannelSettings
    mandatory: bool


@dataclass(frozen=True, slots=True)
class RoutingRow:
    """One row of the routing table: what each channel does with such a notice, by channel name.

    A cell is "mandatory", "optional", "optional, off" or "none"; where forms of the kind differ, the
    forms stand after each word.
    """

    kind: Kind
    project_class: ProjectClass
    cells: Mapping[str, str]


def route(
    notice: Notice, channels: Iterable[ChannelSettings], chosen: Collection[str] = (), refused: Collection[str] = ()
) -> tuple[Route, ...]:
    """The enabled channels that get the notice, in the order given; an optional one only if it is on by default.

    `chosen` are names of optional channels that are wanted although off by default, `refused` of those that are not.
    """
    routes = []
    for channel in channels:
        word = _word(channel, notice.form, notice.project_class) if channel.enabled else "none"
        if word == "optional, off" and channel.name in chosen:
            word = "optional"
        if word == "optional" and channel.name in refused:
            continue
        if word in {"mandatory", "optional"}:
            routes.append(Route(channel, mandatory=word == "mandatory"))
    return tuple(routes)


def describe_routing(channels: Iterable[ChannelSettings]) -> tuple[RoutingRow, ...]:
    """The whole routing as a table, kinds by classes, of the enabled channels."""
    shown = [channel for channel in channels if channel.enabled]
    return tuple(
        RoutingRow(kind, project_class, {channel.name: _cell(channel, kind, project_class) for channel in shown})
        for kind in Kind
        for project_class in ProjectClass
    )


def _word(channel: ChannelSettings, form: Form, project_class: ProjectClass) -> str:
    """What the first matching rule says; no rule, no carriage."""
    for rule in channel.carries:
        if rule.matches(FORM_KIND[form], form, project_class):
            return "optional, off" if rule.carry == "optional" and not rule.default else rule.carry
    return "none"


def _cell(channel: ChannelSettings, kind: Kind, project_class: ProjectClass) -> str:
    by_word: dict[str, list[str]] = {}
    for form in (form for form in Form if FORM_KIND[form] is kind):
        by_word.setdefault(_word(channel, form, project_class), []).append(form.value)
    if len(by_word) == 1:
        return next(iter(by_word))
    return "; ".join(f"{word}: {'、'.join(forms)}" for word, forms in by_word.items())
