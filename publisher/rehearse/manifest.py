"""What a rehearsed year must come to in every figure of the report, worked out from what is put in.

The rules are stated here a second time, over plans instead of a ledger; nothing that counts knows this file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from publisher.rehearse.forms import summed, typed_cells
from publisher.rehearse.notices import (
    BACK_AGAIN,
    LAST_DROP,
    LED,
    NATION,
    PROVINCE,
    WECHAT,
    Planned,
)
from publisher.rehearse.projects import Project
from publisher.rehearse.targets import YEAR, Targets

TIERS = {
    "county_site": "county", "city_site": "municipal", "province_site": "provincial", "nation_site": "national",
    "wechat_feed": "self_media", "hall_led": "on_site",
}  # fmt: skip
_KINDS = ("bid_announcement", "change_notice", "winning_bid_notice", "award_result")
_GROUPS = {"works": ("works",), "procurement": ("procurement",), "land_property": ("land", "property"), "other": ()}
TYPED = {"application_fees": "0", "fees_charged": "0"}
"""What is typed in for the year beside the press articles and the counts of the official tables."""


def day_on(notice: Planned, channel: str) -> str:
    """The local day on which a notice becomes public on a channel."""
    held_up = notice.at == LAST_DROP and channel in (PROVINCE, NATION)
    return (BACK_AGAIN if held_up else notice.at).date().isoformat()


def manifest_of(targets: Targets, projects: Sequence[Project], notices: Sequence[Planned]) -> dict[str, Any]:
    """Everything that can be counted, ready for JSON. `figures` are named and written as the report names them."""
    posts = [(n, channel, day_on(n, channel)) for n in notices for channel in n.channels]
    inside = [post for post in posts if post[2].startswith(f"{YEAR}-")]
    figures = _notice_figures(notices, inside) | _channel_figures(targets, inside) | _project_figures(targets, projects)
    by_month = Counter(n.at.month for n in notices)
    figures |= {f"month.{YEAR}-{month:02}": str(by_month[month]) for month in range(1, 13)}
    cells = typed_cells(targets)
    figures |= {f"entered.{name}": str(number) for name, number in cells.items()} | summed(cells)
    figures |= {f"entered.{name}": value for name, value in TYPED.items()} | {
        "entered.press_articles": str(targets.press)
    }
    return {
        "seed": targets.seed,
        "year": YEAR,
        "figures": figures,
        "counts": {
            "channel": _tally(inside, lambda n, c, d: c),
            "tier": _tally(inside, lambda n, c, d: TIERS[c]),
            "kind": _tally(inside, lambda n, c, d: n.kind),
            "form": _tally(inside, lambda n, c, d: _form(n)),
            "class": _tally(inside, lambda n, c, d: n.project.group),
            "channel,month": _tally(inside, lambda n, c, d: f"{c} {d[:7]}"),
            "channel,kind,class": _tally(inside, lambda n, c, d: f"{c} {n.kind} {n.project.group}"),
        },
        "titles": {channel: sorted(n.text()[0] for n in notices if channel in n.channels) for channel in TIERS},
        "typed": _typed(targets, projects),
    }


def _form(notice: Planned) -> str:
    return "产权转让公告" if notice.form == "转让公告" else notice.form


def _tally(posts: Iterable[tuple[Planned, str, str]], key: Callable[[Planned, str, str], str]) -> dict[str, int]:
    return dict(sorted(Counter(key(*post) for post in posts).items()))


def _notice_figures(notices: Sequence[Planned], inside: Sequence[tuple[Planned, str, str]]) -> dict[str, str]:
    high = [n for n in notices if n.high and n.at != LAST_DROP]
    figures = {
        "notices": len(notices),
        "corrections": sum(n.form in ("更正公告", "结果更正公告") for n in notices),
        "high.notices": len(high),
        "high.publications": sum(channel in (PROVINCE, NATION) for _, channel, _ in inside),
        "publications": len(inside),
        "websites.notices": len(notices),
        "feeds.notices": sum(WECHAT in n.channels for n in notices),
        "others.notices": sum(LED in n.channels for n in notices),
    }
    for kind in _KINDS:
        figures[f"notices.{kind}"] = sum(n.kind == kind for n in notices)
    for name, groups in _GROUPS.items():
        figures[f"notices.class.{name}"] = sum(n.project.group in groups for n in notices)
    return {name: str(value) for name, value in figures.items()}


def _channel_figures(targets: Targets, inside: Sequence[tuple[Planned, str, str]]) -> dict[str, str]:
    by_channel = Counter(channel for _, channel, _ in inside)
    figures = {f"channel.{name}": number for name, number in by_channel.items()}
    figures |= {f"cumulative.{name}": number for name, number in by_channel.items()}
    figures[f"cumulative.{WECHAT}"] += sum(targets.wechat_before.values())
    figures["feeds.cumulative"] = figures[f"cumulative.{WECHAT}"]
    return {name: str(value) for name, value in figures.items()}


def _project_figures(targets: Targets, projects: Sequence[Project]) -> dict[str, str]:
    done = [p for p in projects if p.done]
    figures: dict[str, str] = {}
    saved = gained = 0
    for name, groups in {"": ("works", "procurement", "land", "property"), **_GROUPS}.items():
        mine = [p for p in done if p.group in groups]
        compared = [p for p in mine if p.planned is not None]
        end = f".{name}" if name else ""
        figures[f"projects{end}"] = str(len(mine))
        figures[f"amount{end}"] = str(sum(p.amount for p in mine))
        if not name:
            continue
        limits = sum(p.planned or 0 for p in compared)
        less = limits - sum(p.amount for p in compared)
        figures[f"planned{end}"] = str(limits)
        selling = name == "land_property"
        saved, gained = (saved, gained - less) if selling else (saved + less, gained)
        figures[f"{'gained' if selling else 'saved'}{end}"] = str(-less if selling else less)
        if limits:
            figures[f"{'gain' if selling else 'saving'}_rate{end}"] = _rate(-less if selling else less, limits)
    total = int(figures["amount"])
    figures["saved"], figures["saved_and_gained"] = str(saved), str(saved + gained)
    figures["amount.before"] = str(targets.last_year)
    figures["growth"] = _rate(total - targets.last_year, targets.last_year)
    return figures


def _rate(part: int, whole: int) -> str:
    percent = Decimal(part) * 100 / Decimal(whole)
    return f"{percent.quantize(Decimal('0.000001'), ROUND_HALF_UP)}%"


def _typed(targets: Targets, projects: Sequence[Project]) -> list[tuple[str, int, str]]:
    """(name, year, value) of everything that staff type in."""
    typed = [(name, YEAR, value) for name, value in TYPED.items()]
    typed += [(name, YEAR, str(number)) for name, number in typed_cells(targets).items()]
    typed += [("press_articles", YEAR, str(targets.press)), ("amount", YEAR - 1, str(Decimal(targets.last_year) / 100))]
    typed += [(f"history.{WECHAT}", year, str(number)) for year, number in targets.wechat_before.items()]
    rated = [p for p in projects if p.rate_price]
    return [*typed, *((f"project_total.{p.no}", YEAR, str(Decimal(p.amount) / 100)) for p in rated)]
