"""The rule book: all rule data of an installation, read once and checked. A file absent there is the shipped one."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from pydantic import field_validator

from publisher.errors import Problem, Reason
from publisher.notice import Notice
from publisher.rules.files import read_rows, rule_texts
from publisher.rules.required import Requirement
from publisher.rules.row import Finding, Row, Strictness

T = TypeVar("T", bound=Row)


class Rule(Row):
    """How strictly a check of the program is taken; `title` says in Chinese what it looks for."""

    title: str


class Word(Row):
    """A pattern that must not be public; `what` names it to staff."""

    like: str
    what: str

    @field_validator("like")
    @classmethod
    def _pattern(cls, like: str) -> str:
        return _compiles(like)


class Sections(Row):
    """The headings of a form in official order, as patterns."""

    headings: tuple[str, ...]

    @field_validator("headings")
    @classmethod
    def _patterns(cls, headings: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_compiles(heading) for heading in headings)


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern} is no pattern: {error}") from error
    return pattern


@dataclass(frozen=True)
class RuleBook:
    """Every rule over a notice's content."""

    requirements: tuple[Requirement, ...]
    rules: tuple[Rule, ...]
    words: tuple[Word, ...]
    sections: tuple[Sections, ...]

    def strictness(self, finding: Finding, notice: Notice, day: date | None) -> Strictness:
        """What a finding does to this notice on `day`; a rule that the data do not know holds."""
        rows: Sequence[Row] = self._by_id.get(finding.rule, ())
        if not rows:
            return "hold"
        asked = [row for row in rows if row.in_force(day) and row.asked_of(notice)]
        return asked[0].on_breach if asked else "off"

    def is_off(self, problem: Problem, notice: Notice) -> bool:
        """Whether the data ask for the field that reading found missing, and have switched that off."""
        if problem.reason is not Reason.EMPTY_FIELD or problem.field is None:
            return False
        asks = [one for one in self.requirements if problem.field in one.any_of and one.asked_of(notice)]
        return bool(asks) and all(one.on_breach == "off" for one in asks)

    @functools.cached_property
    def _by_id(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in (*self.requirements, *self.rules, *self.words):
            found.setdefault(row.id, []).append(row)
        return found


def read_book(folder: Path | None = None) -> RuleBook:
    """The rule book of an installation whose settings lie in `folder`; None or no `rules` there: as shipped.

    Raises SettingsError that names the file.
    """
    return RuleBook(
        _rows(folder, "required.toml", "requirement", Requirement),
        _rows(folder, "content.toml", "rule", Rule),
        _rows(folder, "words.toml", "word", Word),
        _rows(folder, "sections.toml", "sections", Sections),
    )


@functools.cache
def rule_book(folder: Path | None = None) -> RuleBook:
    """`read_book`, once for each folder and program run."""
    return read_book(folder)


def _rows(folder: Path | None, name: str, table: str, model: type[T]) -> tuple[T, ...]:
    """The rows of a file, the installation's own ones first; an own row takes the place of all of its id."""
    whole, added = rule_texts(folder, name)
    own = read_rows(*added, table, model) if added is not None else ()
    mine = {row.id for row in own}
    return (*own, *(row for row in read_rows(*whole, table, model) if row.id not in mine))
