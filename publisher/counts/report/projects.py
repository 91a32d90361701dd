"""Completed projects of a period: their number, amounts, savings and added income, by class.

A project is completed in the period in which its first result stands. Of one lot the newest notice holds: a
corrected result replaces, a failed or terminated lot takes the result back. Savings are Σ/Σ: a project without
budget or ceiling is left out of both sums, and named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from sqlalchemy import Connection

from publisher.counts.report.contents import Content, contents_of
from publisher.counts.report.notices import Counted
from publisher.notice import FORM_KIND, Form, Kind, ProjectClass

RESULTS = frozenset({Form.WINNING_RESULT, Form.DEAL_RESULT, Form.LAND_RESULT, Form.PROPERTY_RESULT})
"""Forms that say who won for how much. A contract repeats the amount and does not count again."""
SELLING = frozenset({ProjectClass.LAND.value, ProjectClass.PROPERTY.value})
"""Classes in which the office sells: more than the reserve price is added income."""

_VOID = frozenset({Form.TERMINATION.value, Form.FAILED_TENDER.value})


@dataclass(frozen=True, slots=True)
class Project:
    """A completed project. Amounts in 分; `amount` None: no total is known; `planned` None: nothing to compare with.

    `planned` is the ceiling or budget of what was awarded, of land and property the reserve price.
    """

    name: str
    project_class: str
    day: str
    amount: int | None
    planned: int | None
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """The projects of one class, or several, added up. Amounts in 分."""

    projects: tuple[Project, ...]

    @property
    def amount(self) -> int:
        """What was awarded."""
        return sum(p.amount or 0 for p in self.projects)

    @property
    def compared(self) -> tuple[Project, ...]:
        """Those that have both an amount and something to compare with."""
        return tuple(p for p in self.projects if p.amount is not None and p.planned is not None)

    @property
    def planned(self) -> int:
        """Budget, ceiling or reserve of those that are compared."""
        return sum(p.planned or 0 for p in self.compared)

    @property
    def difference(self) -> int:
        """Planned less awarded, of those that are compared."""
        return self.planned - sum(p.amount or 0 for p in self.compared)

    @property
    def rate(self) -> Fraction | None:
        """The saving rate Σ/Σ; None where nothing can be compared."""
        return Fraction(self.difference, self.planned) if self.planned else None


@dataclass(slots=True)
class _Lots:
    """Lot → its amount, as the notices that were read so far say."""

    amounts: dict[str, int | None] = field(default_factory=dict)

    def take(self, content: Content) -> None:
        """Let a further notice hold for the lots it speaks of."""
        if content.form in _VOID or (content.form in RESULTS and content.failed and not content.winners):
            self._void(content.lots)
        elif (content.form in RESULTS or content.form == Form.RESULT_CORRECTION) and content.winners:
            self._replace(content)

    def _void(self, lots: Sequence[str]) -> None:
        if not lots:
            self.amounts.clear()
        for lot in lots:
            self.amounts.pop(lot, None)

    def _replace(self, content: Content) -> None:
        alone = content.lots[0] if len(content.lots) == 1 else ""
        fresh: dict[str, int | None] = {}
        for winner in content.winners:
            lot = winner.lot or alone
            before = fresh.get(lot, 0)
            fresh[lot] = None if before is None or winner.fen is None else before + winner.fen
        if "" in fresh:
            self.amounts.clear()  # it speaks of the whole
        self.amounts.update(fresh)

    @property
    def total(self) -> int | None:
        """The sum; None where a lot has no amount that may be added."""
        values = [fen for fen in self.amounts.values() if fen is not None]
        return sum(values) if len(values) == len(self.amounts) else None


def completed(
    conn: Connection,
    counted: Iterable[Counted],
    totals: Mapping[str, int],
    as_of: datetime | None,
    visible: Mapping[str, set[int]],
) -> list[Project]:
    """The projects whose first result is among the `counted` notices of a period.

    `totals`: project → a total typed in, in 分. `visible`: project → its notices that ever became public; others
    say nothing.
    """
    first: dict[str, Counted] = {}
    numbers: dict[str, list[str]] = {}
    for one in counted:
        if one.form in RESULTS or one.form == Form.RESULT_CORRECTION:
            numbers.setdefault(one.project, []).append(one.number)
        if one.form in RESULTS:
            first.setdefault(one.project, one)
    made = []
    for name, contents in contents_of(conn, first, as_of).items():
        public = [c for c in contents if c.notice_id in visible.get(name, set())]
        before = [c for c in public if c.form in RESULTS and c.notice_id < first[name].id]
        if any(c.winners for c in before):
            continue  # completed in an earlier period
        project = _project(first[name], public, totals.get(name), tuple(numbers[name]))
        if project is not None:
            made.append(project)
    return sorted(made, key=lambda p: (p.day, p.name))


def _project(first: Counted, public: Sequence[Content], total: int | None, numbers: tuple[str, ...]) -> Project | None:
    lots = _Lots()
    for content in public:
        lots.take(content)
    if not lots.amounts:
        return None
    amount = total if total is not None else lots.total
    planned = _planned(first.project_class, public, lots.amounts)
    return Project(first.project, first.project_class, first.day, amount, planned, numbers)


def _planned(project_class: str, public: Sequence[Content], awarded: Mapping[str, int | None]) -> int | None:
    """What the announcements of the last round gave as limit for the lots that were awarded."""
    announcements = [c for c in public if FORM_KIND[Form(c.form)] is Kind.BID_ANNOUNCEMENT]
    if not announcements:
        return None
    last = max(c.round for c in announcements)
    by_lot: dict[str, int] = {}
    every: set[str] = set()
    for one in (c for c in announcements if c.round == last):
        limits = _limits(one, project_class)
        every |= set(one.lots)
        alone = one.lots[0] if len(one.lots) == 1 else ""
        if "" in limits and alone:
            limits = {alone: limits.get(alone, limits[""])}
        by_lot.update(limits)
    if "" not in awarded and awarded.keys() <= by_lot.keys():
        return sum(by_lot[lot] for lot in awarded)
    whole = "" in awarded or awarded.keys() >= every
    if not whole:
        return None  # a lot failed, and its share of the limit is not printed
    return by_lot.get("") or (sum(by_lot.values()) if by_lot.keys() == every and every else None)


def _limits(content: Content, project_class: str) -> Mapping[str, int]:
    """Works go by the ceiling, buying by the budget, each by the other where it has none; selling by the reserve."""
    if project_class in SELLING:
        return content.reserve
    ordered = (content.ceiling, content.budget)
    if project_class == ProjectClass.PROCUREMENT:
        ordered = (content.budget, content.ceiling)
    return ordered[0] or ordered[1]
