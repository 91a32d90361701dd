"""Legal terms: which rules apply to a notice on a day, and which of them it breaks.

The rules are data (`config/rules/terms.toml`, explained there); this module only computes. A term that touches a year
without a working-day calendar gives CALENDAR_MISSING, never a guess.
"""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from publisher.errors import Problem, Reason, SettingsError
from publisher.notice import LOCAL, Form, Kind, Notice, ProjectClass
from publisher.rules.calendar import Calendar, Unit, UnknownYear, load_calendar
from publisher.rules.files import read_rows, rule_texts
from publisher.rules.lengths import stated_term

Start = Literal[
    "documents_from",
    "documents_until",
    "corrected_on",
    "printed_on",
    "publicity_start",
    "publicity_end",
    "bid_deadline",
    "offer_from",
    "award_decided_on",
    "contract_signed_on",
    "published",
]
Goal = Literal[
    "bid_deadline", "documents_until", "publicity_end", "offer_from", "published", "result_published", "stated_term"
]
_TO_PUBLISH = ("published", "result_published")
_REASONS = (
    Reason.DEADLINE_TOO_SHORT,
    Reason.PUBLICITY_TOO_SHORT,
    Reason.SPAN_TOO_SHORT,
    Reason.LEGAL_TERM_MISSED,
)


class Breach(StrEnum):
    """What a broken rule does: the notice waits, it is said beside the notice, or only on the legal clock."""

    HOLD = "hold"
    WARN = "warn"
    INFO = "info"


class Term(BaseModel):
    """One rule of `terms.toml`; the keys are explained there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    label: str = Field(min_length=1)
    valid_from: date | None = None
    valid_to: date | None = None
    kinds: tuple[Kind, ...] = ()
    forms: tuple[Form, ...] = ()
    classes: tuple[ProjectClass, ...] = ()
    except_forms: tuple[Form, ...] = ()
    title_has: tuple[str, ...] = ()
    title_lacks: tuple[str, ...] = ()
    reserve_at_least: int | None = Field(default=None, ge=1)
    reserve_below: int | None = Field(default=None, ge=1)
    reserve_unknown: bool = False
    starts: tuple[Start, ...] = Field(default=(), alias="from")
    to: Goal
    stated: tuple[str, ...] = ()
    at_least: int | None = Field(default=None, ge=1)
    at_most: int | None = Field(default=None, ge=1)
    unit: Unit
    last_day_working: bool = False
    start_day_counts: bool = False
    breach: Breach
    reason: Reason
    source: str = Field(min_length=1)
    sure: Literal["law", "high", "medium", "practice"]

    @field_validator("reason", mode="before")
    @classmethod
    def _of_terms(cls, reason: object) -> object:
        if reason not in _REASONS:
            raise ValueError(f"write one of {', '.join(_REASONS)}")
        return reason

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give at_least or at_most, one of them")
        if (self.at_most is not None) != (self.to in _TO_PUBLISH):
            raise ValueError('at_most and "published" or "result_published" belong together: by when it must be public')
        if self.to == "result_published" and self.breach is not Breach.INFO:
            raise ValueError(
                'a rule to "result_published" has breach = "info": no notice is there to hold or to warn of'
            )
        if (self.to == "stated_term") == bool(self.starts) or (self.to == "stated_term") != bool(self.stated):
            raise ValueError("a rule has `from`; one about a stated_term has `stated` instead")
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to lies before valid_from")
        self._check_reserve()
        return self

    def _check_reserve(self) -> None:
        low, high = self.reserve_at_least, self.reserve_below
        if low is not None and high is not None and high <= low:
            raise ValueError("reserve_below is not above reserve_at_least: no price lies between them")
        if self.reserve_unknown and low is None and high is None:
            raise ValueError("reserve_unknown needs reserve_at_least or reserve_below beside it")

    @property
    def length(self) -> int:
        """The number of days."""
        return self.at_least or self.at_most or 0

    def in_force(self, day: date | None) -> bool:
        """Whether the rule is law on `day` (None: now and without end)."""
        if day is None:
            return self.valid_to is None
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)

    def speaks_of(self, notice: Notice) -> bool:
        """Whether the rule is about such a notice."""
        return (
            (not self.kinds or notice.kind in self.kinds)
            and (not self.forms or notice.form in self.forms)
            and (not self.classes or notice.project_class in self.classes)
            and notice.form not in self.except_forms
            and (not self.title_has or any(word in notice.title for word in self.title_has))
            and not any(word in notice.title for word in self.title_lacks)
            and self._speaks_of_price(notice)
        )

    def _speaks_of_price(self, notice: Notice) -> bool:
        """Whether the whole price that the seller asks at least lies in the rule's range; a yearly rent is none."""
        if self.reserve_at_least is None and self.reserve_below is None:
            return True
        price = notice.reserve_price
        if price is None or price.yuan is None or not price.addable:
            return self.reserve_unknown
        enough = self.reserve_at_least is None or price.yuan >= self.reserve_at_least
        return enough and (self.reserve_below is None or price.yuan < self.reserve_below)


@dataclass(frozen=True, slots=True)
class Law:
    """The terms with the calendar they are counted by."""

    terms: tuple[Term, ...]
    calendar: Calendar

    def term(self, rule: str) -> Term | None:
        """The rule of that id."""
        return next((term for term in self.terms if term.id == rule), None)

    def applying(self, notice: Notice, day: date | None) -> Iterator[Term]:
        """The rules that are law for this notice on `day`."""
        return (term for term in self.terms if term.in_force(day) and term.speaks_of(notice))


@dataclass(frozen=True, slots=True)
class Findings:
    """What the terms say of a notice: what it must wait for, and what is only said beside it."""

    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()


def check_terms(
    notice: Notice, law: Law, *, published: date | None = None, overridden: Collection[str] = ()
) -> Findings:
    """Every term the notice breaks, all at once.

    `published`: the local day on which it is or will be public; without it, rules that need it are passed over.
    `overridden`: ids of rules a person let pass; their breaches are warnings that say so.
    """
    problems, warnings = [], []
    for term in law.applying(notice, notice.dates.printed_on or published):
        found = _judge(term, notice, law.calendar, published)
        if found is None or term.breach is Breach.INFO:
            continue
        if term.breach is Breach.WARN or found.reason is Reason.CALENDAR_MISSING:
            warnings.append(found)
        elif term.id in overridden:
            warnings.append(_let_pass(found))
        else:
            problems.append(found)
    return Findings(tuple(problems), _without_repeats(problems, warnings))


def _let_pass(found: Problem) -> Problem:
    detail = f"{found.detail.partition('确需')[0]}已由负责人核准。"
    return Problem(found.reason, detail, found.field, rule=found.rule)


def _without_repeats(problems: list[Problem], warnings: list[Problem]) -> tuple[Problem, ...]:
    """A warning about the same field for the same reason says nothing that the problem does not say."""
    said = {(problem.reason, problem.field) for problem in problems}
    kept = []
    for warning in warnings:
        key = (warning.reason, warning.field)
        if key not in said or warning.reason is Reason.CALENDAR_MISSING:
            kept.append(warning)
            said.add(key)
    return tuple(kept)


# ---- one rule


def day_of(value: datetime | date) -> date:
    """The local day of a date or instant."""
    return value.astimezone(LOCAL).date() if isinstance(value, datetime) else value


def start_day(term: Term, notice: Notice, published: date | None) -> date | None:
    """The day that starts the term, as printed or as published; None: not known."""
    for name in term.starts:
        value = published if name == "published" else getattr(notice.dates, name)
        if value is not None:
            return day_of(value)
    return None


def goal_of(term: Term, notice: Notice) -> datetime | date | None:
    """What the term must reach, as printed; None: not printed, or not a printed date."""
    if term.to in (*_TO_PUBLISH, "stated_term"):
        return None
    value: datetime | date | None = getattr(notice.dates, term.to)
    return value


def ends(term: Term, start: date, calendar: Calendar) -> date | UnknownYear:
    """The last day of the term that starts on `start`."""
    length = term.length - 1 if term.start_day_counts else term.length
    last = calendar.nth_day(start, length, term.unit)
    if isinstance(last, UnknownYear) or not term.last_day_working:
        return last
    return calendar.next_working(last)


def _judge(term: Term, notice: Notice, calendar: Calendar, published: date | None) -> Problem | None:
    if term.to == "stated_term":
        return _judge_stated(term, notice)
    start = start_day(term, notice, published)
    goal = published if term.to == "published" else goal_of(term, notice)
    if start is None or goal is None:
        return None
    last = ends(term, start, calendar)
    reached = day_of(goal)
    if isinstance(last, UnknownYear):
        return _unknown(term, last)
    if term.at_most is not None:
        return _too_late(term, start, reached, last) if reached > last else None
    if reached < start or reached >= last:
        return None  # dates in the wrong order are another rule's business
    return _too_short(term, start, reached, last, calendar)


def _unknown(term: Term, unknown: UnknownYear) -> Problem:
    return Problem(Reason.CALENDAR_MISSING, f"{term.label}：{unknown}（规则 {term.id}）。", rule=term.id)


def _too_short(term: Term, start: date, reached: date, last: date, calendar: Calendar) -> Problem:
    counted = "起始日计入" if term.start_day_counts else "起始日不计"
    days: int | UnknownYear = (reached - start).days
    if term.unit is Unit.WORKING_DAYS:
        days = calendar.working_days_after(start, reached)
    if isinstance(days, int):
        days += term.start_day_counts
    enough = isinstance(days, int) and days >= term.length
    why = (
        "最后一日为休息日，应当顺延"
        if enough
        else f"只有 {days} {term.unit.label}，少于 {term.length} {term.unit.label}"
    )
    said = f"{term.label}：自 {start} 至 {reached}（{counted}）{why}，依法至少到 {last}"
    return Problem(term.reason, _sentence(term, said), term.to, rule=term.id)


def _too_late(term: Term, start: date, reached: date, last: date) -> Problem:
    said = f"{term.label}：应当在 {start} 之后 {term.length} {term.unit.label}内（{last} 前）公开，发布日为 {reached}"
    return Problem(term.reason, _sentence(term, said), term.starts[0], rule=term.id)


def _sentence(term: Term, said: str) -> str:
    asked = f"确需发布的，由负责人核准规则 {term.id}。" if term.breach is Breach.HOLD else ""
    return f"{said}（规则 {term.id}，{term.source}）。{asked}"


# ---- a length printed in words


def _judge_stated(term: Term, notice: Notice) -> Problem | None:
    """A printed number of days under the legal one; days hold at most as many working days."""
    found = stated_term(notice.text, term.stated)
    if found is None or found[0] >= term.length:
        return None
    number, unit = found
    said = f"{term.label}：写明 {number} {unit.label}，少于 {term.length} {term.unit.label}"
    return Problem(term.reason, _sentence(term, said), "publicity", rule=term.id)


# ---- dates that cannot be meant


FAR_AHEAD = timedelta(days=366)
_AHEAD = {"bid_deadline": "投标（响应）截止时间", "bid_opening": "开标时间", "publicity_end": "公示截止日期"}


def dates_outside(notice: Notice, now: datetime) -> tuple[Problem, ...]:
    """Warnings for dates that are over already or more than a year ahead when the notice is accepted."""
    found = []
    for name, label in _AHEAD.items():
        value: datetime | date | None = getattr(notice.dates, name)
        if value is None:
            continue
        moment = value if isinstance(value, datetime) else datetime.combine(value + timedelta(days=1), time(), LOCAL)
        if moment <= now:
            found.append(Problem(Reason.DATE_SUSPECT, f"{label}（{value:%Y-%m-%d}）已过，请核对。", name))
        elif moment > now + FAR_AHEAD:
            found.append(Problem(Reason.DATE_SUSPECT, f"{label}（{value:%Y-%m-%d}）在一年以后，请核对。", name))
    return tuple(found)


# ---- the data


def read_terms(text: str, label: str = "rules/terms.toml") -> tuple[Term, ...]:
    """The rules of a TOML text. Raises SettingsError that names `label`."""
    terms = read_rows(text, label, "term", Term)
    ids = [term.id for term in terms]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise SettingsError(f"{label}: two rules have the id {twice[0]}; give each its own")
    return terms


@functools.cache
def shipped_terms() -> tuple[Term, ...]:
    """The rules that travel with the program. Raises SettingsError if the data is wrong."""
    return read_terms(importlib.resources.files("config").joinpath("rules/terms.toml").read_text("utf-8"))


def load_law(folder: Path | None = None) -> Law:
    """Terms and calendar; files under `rules` in the settings folder win over the shipped ones or add to them.

    Raises SettingsError.
    """
    whole, added = rule_texts(folder, "terms.toml")
    own = read_terms(*added) if added is not None else ()
    mine = {term.id for term in own}
    terms = (*(term for term in read_terms(*whole) if term.id not in mine), *own)
    return Law(terms, load_calendar(folder))
