"""All rules over one notice at once: its fields, its text, and the files it came in."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from publisher.errors import Problem
from publisher.notice import Notice
from publisher.rules.blanks import blank_findings
from publisher.rules.book import RuleBook
from publisher.rules.money import code_findings, money_findings
from publisher.rules.order import date_findings, section_findings
from publisher.rules.papers import paper_findings
from publisher.rules.privacy import passages_of, screen
from publisher.rules.required import lacking
from publisher.rules.row import Finding


@dataclass(frozen=True, slots=True)
class Papers:
    """The files of a notice: the main document by name and bytes, attachments as name → bytes."""

    main: tuple[str, bytes] | None = None
    attachments: Mapping[str, bytes] = dataclasses.field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Checked:
    """Everything that was found: `problems` hold the notice, `warnings` are shown beside it."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def check_content(
    notice: Notice,
    papers: Papers,
    book: RuleBook,
    *,
    day: date | None,
    read: tuple[Sequence[Problem], Sequence[Problem]] = ((), ()),
    let_go: Collection[str] = frozenset(),
) -> Checked:
    """Checks a notice against every rule in force on `day` (None: every rule there is).

    `read` holds the problems and warnings found while reading; they are part of the answer, and nothing
    that they say already is said twice. A problem whose rule a person has let go (`let_go`, by rule id)
    becomes a warning, so that it stays visible.
    """
    problems = [_named(problem) for problem in read[0] if not book.is_off(problem, notice)]
    warnings = [_named(problem) for problem in read[1]]
    said = {(problem.reason, problem.field) for problem in (*problems, *warnings)}
    for finding in findings(notice, papers, book, day):
        strictness = book.strictness(finding, notice, day)
        if strictness == "off":
            continue
        if finding.field and (finding.reason, finding.field) in said:
            problems, warnings = _claimed(problems, warnings, finding, strictness)
            continue
        (problems if strictness == "hold" else warnings).append(_problem(finding))
    kept, gone = _apart(problems, let_go)
    return Checked(tuple(_once(kept)), tuple(_once([*warnings, *gone])))


def _claimed(
    problems: list[Problem], warnings: list[Problem], finding: Finding, strictness: str
) -> tuple[list[Problem], list[Problem]]:
    """What reading said of the same field is the breach of this rule: it is let go, and taken, by the rule."""
    mine = [p for p in problems if _by_reading(p) and (p.reason, p.field) == (finding.reason, finding.field)]
    kept = [p for p in problems if p not in mine]
    named = [dataclasses.replace(p, rule=finding.rule) for p in mine]
    return ([*named, *kept], warnings) if strictness == "hold" else (kept, [*warnings, *named])


def _by_reading(problem: Problem) -> bool:
    return (problem.rule or "").startswith("reading.")


def findings(notice: Notice, papers: Papers, book: RuleBook, day: date | None) -> Iterator[Finding]:
    """What every check finds, however strictly it is taken."""
    yield from lacking(notice, book.requirements, day)
    yield from blank_findings(notice)
    yield from money_findings(notice)
    yield from code_findings(notice)
    yield from date_findings(notice)
    yield from section_findings(notice, book.sections, day)
    yield from screen(passages_of(notice.title, "标题"), notice.kind, book.words)
    yield from screen(passages_of(notice.text), notice.kind, book.words)
    yield from paper_findings(papers.main, papers.attachments, notice.kind, book.words)


def _problem(finding: Finding) -> Problem:
    return Problem(finding.reason, finding.detail, finding.field, rule=finding.rule, place=finding.place)


def _named(problem: Problem) -> Problem:
    """A problem of reading gets a rule id too, so that every problem can be let go by one."""
    return problem if problem.rule else dataclasses.replace(problem, rule=f"reading.{problem.reason.value}")


def _apart(problems: Iterable[Problem], let_go: Collection[str]) -> tuple[list[Problem], list[Problem]]:
    kept: list[Problem] = []
    gone: list[Problem] = []
    for problem in problems:
        (gone if problem.rule in let_go else kept).append(problem)
    return kept, gone


def _once(problems: Iterable[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))
