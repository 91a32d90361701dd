"""What a rehearsed year comes to: of the seed 2017 the office's own figures, of any other seed others.

Amounts are whole 分, rates parts of ten thousand.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

YEAR = 2017
_YI = 10**10


@dataclass(frozen=True, slots=True)
class Group:
    """One group of completed projects: how many, what they came to, and the saving (selling: nothing, see `gained`)."""

    projects: int
    amount: int
    rate: int = 0


@dataclass(frozen=True, slots=True)
class Targets:
    """The figures that a year is made to come to.

    `gained`: what land and property brought over their reserve prices. `wechat_before`: year → articles of the
    account before this ledger. `open_projects` were announced and are not completed.
    """

    seed: int
    works: Group
    procurement: Group
    land_property: Group
    gained: int
    last_year: int
    notices: int
    high: int
    open_projects: int
    press: int
    wechat_before: dict[int, int]


_OFFICE = Targets(
    seed=2017,
    works=Group(104, 2106 * _YI // 100, 377),
    procurement=Group(503, 218 * _YI // 100, 826),
    land_property=Group(30, 129 * _YI // 10),
    gained=8 * _YI // 100,
    last_year=2970 * _YI // 100,
    notices=2893,
    high=867,
    open_projects=40,
    press=23,
    wechat_before={2015: 21, 2016: 55},
)


def targets_of(seed: int, scale: float = 1.0) -> Targets:
    """The figures of a seed; `scale` makes the year smaller in every count and amount.

    Raises ValueError for a scale that is not above 0 and up to 1.
    """
    if not 0 < scale <= 1:
        raise ValueError("scale is above 0 and at most 1")
    return _scaled(_OFFICE if seed == _OFFICE.seed else _varied(seed), scale)


def _varied(seed: int) -> Targets:
    chance = random.Random(f"targets {seed}")

    def near(value: int) -> int:
        return round(value * chance.uniform(0.85, 1.0))

    def group(of: Group) -> Group:
        rate = round(of.rate * chance.uniform(0.6, 1.4))
        return Group(near(of.projects), near(of.amount // 100) * 100, rate)

    base = _OFFICE
    works, procurement = group(base.works), group(base.procurement)
    share = procurement.projects / base.procurement.projects
    return Targets(
        seed=seed,
        works=works,
        procurement=procurement,
        land_property=group(base.land_property),
        gained=near(base.gained // 100) * 100,
        last_year=near(base.last_year // 100) * 100,
        notices=round(base.notices * share * chance.uniform(0.97, 1.03)),
        high=round(base.high * share * chance.uniform(0.97, 1.03)),
        open_projects=near(base.open_projects),
        press=near(base.press),
        wechat_before={year: near(number) for year, number in base.wechat_before.items()},
    )


def _scaled(full: Targets, scale: float) -> Targets:
    if scale == 1.0:
        return full

    def group(of: Group) -> Group:
        return Group(max(2, round(of.projects * scale)), round(of.amount // 100 * scale) * 100, of.rate)

    return Targets(
        seed=full.seed,
        works=group(full.works),
        procurement=group(full.procurement),
        land_property=group(full.land_property),
        gained=round(full.gained // 100 * scale) * 100,
        last_year=round(full.last_year // 100 * scale) * 100,
        notices=max(40, round(full.notices * scale)),
        high=max(12, round(full.high * scale)),
        open_projects=max(1, round(full.open_projects * scale)),
        press=full.press,
        wechat_before=full.wechat_before,
    )
