"""The notices of a rehearsed year: for each project those it goes through, and as many more as the year needs.

Which channels a notice goes to is stated here in plain words once more, and not asked of the program.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from publisher.notice import LOCAL
from publisher.rehearse import texts
from publisher.rehearse.projects import Project
from publisher.rehearse.targets import YEAR, Targets

COUNTY, CITY, PROVINCE, NATION, WECHAT, LED = (
    "county_site", "city_site", "province_site", "nation_site", "wechat_feed", "hall_led",
)  # fmt: skip
RESULTS = ("中标结果公告", "成交结果公告", "成交公示", "交易结果公告")
KINDS = {
    **dict.fromkeys(("更正公告", "澄清公告", "终止公告", "结果更正公告"), "change_notice"),
    "中标候选人公示": "winning_bid_notice",
    **dict.fromkeys(("合同公告", "流标公告", *RESULTS), "award_result"),
}
"""Form → kind; every other form is an announcement."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One notice: of which project, in which form, dropped when, on which channels it is to stand.

    `part` tells several of one form apart: 2 is the second round, or the correction with that number.
    """

    project: Project
    form: str
    at: datetime
    part: int = 1
    first: date = date(YEAR, 1, 1)

    @property
    def kind(self) -> str:
        """Its kind, as the log calls it."""
        return KINDS.get(self.form, "bid_announcement")

    @property
    def channels(self) -> tuple[str, ...]:
        """Where it is to stand."""
        found = [COUNTY]
        group, selling = self.project.group, self.project.group in ("land", "property")
        if group == "works" or selling:
            found.append(CITY)
        if group == "procurement" and (self.form in ("公开招标公告", "中标结果公告") or self._follows):
            found.append(PROVINCE)
        if group == "works" and (self.form in ("招标公告", "中标候选人公示") or self._follows):
            found.append(NATION)
        if selling:
            found.append(WECHAT)
        if self.form in RESULTS and group != "procurement":
            found.append(LED)
        return tuple(found)

    @property
    def _follows(self) -> bool:
        """A correction follows its announcement to where that stands."""
        return self.form == "更正公告" and self.project.high

    @property
    def high(self) -> bool:
        """省级以上."""
        return PROVINCE in self.channels or NATION in self.channels

    def text(self) -> tuple[str, list[str]]:
        """Title and lines."""
        project, day = self.project, self.at.date()
        if self.form == project.method:
            return texts.announcement(project, day, self.part == 2)
        if self.form == "更正公告":
            return texts.correction(project, day, self.first, "一二三四五六"[self.part - 1])
        if self.form in ("澄清公告", "结果更正公告"):
            make = texts.clarification if self.form == "澄清公告" else texts.result_correction
            return make(project, day, self.first)
        return _BY_FORM[self.form](project, day)


_BY_FORM = {
    "流标公告": texts.failed,
    "终止公告": texts.termination,
    "中标候选人公示": texts.candidates,
    "合同公告": texts.contract,
    **dict.fromkeys(RESULTS, texts.result),
}

_HOURS = ("08:40", "11:00", "16:10", "22:30")
"""When files are dropped: mostly in office hours, some at night."""


LAST_DROP = datetime(YEAR, 12, 31, 15, 20, tzinfo=LOCAL)
BACK_AGAIN = datetime(YEAR + 1, 1, 2, 8, 0, tzinfo=LOCAL)
"""When the high sites answer again after the turn of the year."""


class TooSmall(ValueError):
    """The year cannot come to its figures with so few projects."""


def notices_of(targets: Targets, projects: Sequence[Project]) -> list[Planned]:
    """All notices in the order in which they are dropped. Raises `TooSmall`."""
    chance = random.Random(f"notices {targets.seed}")
    made: list[Planned] = []
    for project in projects:
        made += _course(project, chance)
    made += _to_the_figures(targets, projects, made, chance)
    return _late(sorted(made, key=lambda n: (n.at, n.project.no, n.form, n.part)), _last_award(projects))


def _moment(day: date, chance: random.Random) -> datetime:
    """An hour of that day; most fall on a working day, some on a weekend or at night."""
    if day.weekday() >= 5 and chance.random() < 0.85:
        day += timedelta(days=7 - day.weekday())
    hour = _HOURS[-1] if chance.random() < 0.04 else chance.choice(_HOURS[:-1])
    return datetime.combine(day, time.fromisoformat(hour), LOCAL)


def _course(project: Project, chance: random.Random) -> list[Planned]:
    """What every project goes through: announced, (candidates,) awarded, and a wrong result put right."""
    latest = date(YEAR, 10, 10) if project.done else date(YEAR, 12, 8)
    day = date(YEAR, 1, 3) + timedelta(days=chance.randint(0, (latest - date(YEAR, 1, 3)).days))
    again = project.done and project.group == "procurement" and chance.random() < 0.22
    made = [Planned(project, project.method, _moment(day, chance))]
    if again:
        made.append(Planned(project, "流标公告", _moment(day + timedelta(days=21), chance)))
        day += timedelta(days=25)
        made.append(Planned(project, project.method, _moment(day, chance), part=2))
    if not project.done:
        if chance.random() < 0.3:
            made.append(Planned(project, "终止公告", _moment(day + timedelta(days=9), chance)))
        return made
    if project.group == "works":
        made.append(Planned(project, "中标候选人公示", _moment(day + timedelta(days=22), chance)))
    awarded = _moment(day + timedelta(days=29), chance)
    made.append(Planned(project, project.result, awarded))
    if project.misprint:
        right = _moment(awarded.date() + timedelta(days=3), chance)
        made.append(Planned(project, "结果更正公告", right, first=awarded.date()))
    return made


def _to_the_figures(
    targets: Targets, projects: Sequence[Project], made: Sequence[Planned], chance: random.Random
) -> Iterable[Planned]:
    """Contracts, clarifications and corrections, so that the year has exactly its notices and its high ones."""
    left = targets.notices - len(made)
    high = targets.high + 1 - sum(n.high for n in made)  # one is public there only in the next year, see `_late`
    if high < 0 or left < high:
        raise TooSmall(f"{len(made)} notices are planned, {left} are left, {high} of them on high sites")
    announced = {n.project.no: n for n in made if n.form == n.project.method}  # of two rounds the second
    corrections = _corrections([p for p in projects if p.high and p.done], high, announced, chance)
    rest = [
        *_contracts(projects, made, chance),
        *_clarifications(projects, announced, chance),
    ]
    chance.shuffle(rest)
    more = rest[: left - high]
    low = [p for p in projects if not p.high and p.group == "procurement"]
    filled = _corrections(low, left - high - len(more), announced, chance)
    return [*corrections, *more, *filled]


def _corrections(
    projects: Sequence[Project], number: int, announced: dict[str, Planned], chance: random.Random
) -> list[Planned]:
    """So many corrections, shared out over the projects; the next of a project comes a day or two later."""
    if number > 6 * len(projects):
        raise TooSmall(f"{number} corrections for {len(projects)} projects")
    made: list[Planned] = []
    parts: Counter[str] = Counter()
    order = list(projects)
    chance.shuffle(order)
    for index in range(number):
        project = order[index % len(order)]
        original = announced[project.no].at.date()
        parts[project.no] += 1
        part = parts[project.no]
        # A weekend moves a correction by two days at most: it comes before the next, and before the bids are due.
        day = original + timedelta(days=3 * part - 1)
        at = datetime.combine(day, time.fromisoformat(chance.choice(_HOURS)), LOCAL)
        made.append(Planned(project, "更正公告", at, part=part, first=original))
    return made


def _contracts(projects: Sequence[Project], made: Sequence[Planned], chance: random.Random) -> list[Planned]:
    awarded = {n.project.no: n.at.date() for n in made if n.form in RESULTS}
    found = []
    last = _last_award(projects)
    for project in projects:
        if project.no == last:
            continue
        if project.done and not project.rate_price and project.group in ("works", "procurement"):
            day = awarded[project.no] + timedelta(days=chance.randint(8, 16))
            found.append(Planned(project, "合同公告", _moment(day, chance)))
    return found


def _clarifications(projects: Sequence[Project], announced: dict[str, Planned], chance: random.Random) -> list[Planned]:
    found = []
    for project in projects:
        if project.group in ("works", "procurement") and chance.random() < 0.25:
            first = announced[project.no].at.date()
            at = _moment(first + timedelta(days=chance.randint(4, 8)), chance)
            found.append(Planned(project, "澄清公告", at, first=first))
    return found


def _last_award(projects: Sequence[Project]) -> str:
    """The number of the project whose award ends the year: nothing may follow it."""
    for one in projects:
        if one.done and one.group == "procurement" and one.high and not one.misprint:
            return one.no
    raise TooSmall("no award can be put on the last day of the year")


def _late(notices: Sequence[Planned], no: str) -> list[Planned]:
    """One award of the year is dropped on its last afternoon, when the high sites are down until the next year."""
    award = next(n for n in notices if n.project.no == no and n.form in RESULTS)
    return [*(n for n in notices if n is not award), replace(award, at=LAST_DROP)]
