"""The legal clock: by when a notice must be public, and until when it must stand once it is.

A span that the law counts from publication starts with the first visibility on the designated medium
(财政部令第87号 第十六条); until it is visible, the latest day from which the span still fits is the deadline.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from publisher.notice import Notice
from publisher.rules.calendar import UnknownYear, end_of
from publisher.rules.terms import Law, Term, day_of, ends, goal_of, start_day

_DISPLAYED = ("publicity_end", "stated_term")
"""What a display reaches: such a rule says how long a notice must stand."""


@dataclass(frozen=True, slots=True)
class LegalDeadline:
    """One date of the law for one notice: `at` is its last instant (24:00 of a local day), aware."""

    rule: str
    what: str
    at: datetime
    source: str
    sure: str


@dataclass(frozen=True, slots=True)
class Clock:
    """The deadlines in order of time, and what could not be computed for want of a calendar."""

    deadlines: tuple[LegalDeadline, ...]
    unknown: tuple[UnknownYear, ...] = ()

    def after(self, now: datetime) -> datetime | None:
        """The next one that is not over at `now`; None: no rule says one, or all are over."""
        return min((one.at for one in self.deadlines if one.at > now), default=None)


def publish_by(notice: Notice, law: Law, day: date) -> Clock:
    """By when the notice must be public: results after their event, announcements before what they announce.

    `day` chooses the rules where the notice prints no date of its own.
    """
    found = []
    for term in law.applying(notice, notice.dates.printed_on or day):
        last = _last_day_to_publish(term, notice, law)
        if last is not None:
            found.append((term, last))
    return _clock(found)


def stand_until(notice: Notice, law: Law, visible: date) -> Clock:
    """Until when the notice must stand, first visible on the designated medium on the local day `visible`.

    The law's length, or the printed end of the publicity where that is later.
    """
    found: list[tuple[Term, date | UnknownYear]] = []
    for term in law.applying(notice, notice.dates.printed_on or visible):
        if term.at_least is None or term.to not in _DISPLAYED or "published" in term.starts:
            continue
        last = ends(term, visible, law.calendar)
        printed = notice.dates.publicity_end
        found.append((term, max(last, printed) if printed and not isinstance(last, UnknownYear) else last))
    return _clock(found)


def result_by(notice: Notice, law: Law, day: date) -> Clock:
    """By when the result of what this notice announces must be public, by the rules to `result_published`.

    `day` chooses the rules where the notice prints no date of its own.
    """
    found = []
    for term in law.applying(notice, notice.dates.printed_on or day):
        start = start_day(term, notice, None) if term.to == "result_published" else None
        if start is not None:
            found.append((term, ends(term, start, law.calendar)))
    return _clock(found)


@dataclass(frozen=True, slots=True)
class Shortened:
    """A display that becomes too short by publishing on `visible`: it should last to `until`, and ends at `ends_on`."""

    term: Term
    visible: date
    ends_on: date
    until: date


def shortened(notice: Notice, law: Law, visible: date) -> tuple[Shortened, ...]:
    """The printed spans that are too short when the notice becomes visible on the local day `visible`."""
    found = []
    for term in law.applying(notice, notice.dates.printed_on or visible):
        goal = goal_of(term, notice)
        if not _runs_from_publication(term) or goal is None:
            continue
        last = ends(term, visible, law.calendar)
        if not isinstance(last, UnknownYear) and last > day_of(goal):
            found.append(Shortened(term, visible, day_of(goal), last))
    return tuple(found)


def _runs_from_publication(term: Term) -> bool:
    return term.at_least is not None and term.starts == ("published",)


def _last_day_to_publish(term: Term, notice: Notice, law: Law) -> date | UnknownYear | None:
    if term.to == "result_published":
        return None  # speaks of another notice
    if term.at_most is not None:
        start = start_day(term, notice, None)
        return None if start is None else ends(term, start, law.calendar)
    goal = goal_of(term, notice)
    if not _runs_from_publication(term) or goal is None:
        return None
    reached = day_of(goal)
    length = term.length - 1 if term.start_day_counts else term.length
    day = law.calendar.latest_start(reached, length, term.unit)
    while isinstance(day, date):
        last = ends(term, day, law.calendar)
        if isinstance(last, UnknownYear):
            return last
        if last <= reached:
            break
        day -= timedelta(days=1)  # the last day rolled over a rest day
    return day


def _clock(found: list[tuple[Term, date | UnknownYear]]) -> Clock:
    known = [
        LegalDeadline(term.id, term.label, end_of(last), term.source, term.sure)
        for term, last in found
        if not isinstance(last, UnknownYear)
    ]
    unknown = [last for _, last in found if isinstance(last, UnknownYear)]
    return Clock(tuple(sorted(known, key=lambda one: (one.at, one.rule))), tuple(dict.fromkeys(unknown)))
