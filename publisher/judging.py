"""What would become of a file, found out without a write: for `check`, `extract` and `preview`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from pathlib import Path
from typing import Any

from publisher.delivery import IntakeState
from publisher.errors import ADVICE, NoticeReturned, Problem, Reason
from publisher.intake.folder import SORTING, files_of, shown_name
from publisher.intake.pairing import pair
from publisher.intake.reading import Draft, NamedBytes, read_files
from publisher.intake.sidecar import ENDINGS, NO_WISHES, Wishes
from publisher.ledger import acceptance, intake_rows
from publisher.ledger.acceptance import Planned
from publisher.ledger.store import Ledger
from publisher.notice import LOCAL, Kind, Notice, identity
from publisher.planning import check_all, plan
from publisher.render import Renderer
from publisher.rules.book import RuleBook
from publisher.rules.required import missing_fields
from publisher.rules.terms import Law, check_terms
from publisher.send.open_channel import OpenChannel
from publisher.settings import IntakeSettings

OPENING_HOUR = time(9)
"""When on the day that it prints a notice is taken to be handed in."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What would become of one notice. `problems` are why it is not accepted; `planned` is empty then."""

    outcome: IntakeState
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    notice: Notice | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    places: Mapping[str, Any] = field(default_factory=dict)
    planned: tuple[Planned, ...] = ()
    attachments: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    wishes: Wishes = NO_WISHES


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file (or a folder that is one notice) as if it were dropped."""

    path: Path
    declared: str | None
    files: tuple[NamedBytes, ...]
    sidecar: bytes | None = None


def dropped(path: Path, settings: IntakeSettings) -> list[Dropped]:
    """What dropping `path` would hand in: a folder that sorts holds several, any other folder is one notice.

    Raises OSError if it cannot be read.
    """
    if path.is_dir() and path.name in SORTING:
        inside = sorted(path.iterdir())
        beside = set(pair([inner.name for inner in inside]).sidecars.values())
        return [one for inner in inside if inner.name not in beside for one in dropped(inner, settings)]
    declared = path.absolute().parent.name
    paths, base = (files_of(path, settings), path) if path.is_dir() else ([path], path.parent)
    files = tuple(NamedBytes(_name(one, base), one.read_bytes()) for one in paths)
    return [Dropped(path, declared if declared in SORTING else None, files, _sidecar_of(path))]


def _sidecar_of(path: Path) -> bytes | None:
    """What is stated beside a file, as the drop folder pairs the two."""
    near = [path.name]
    for stem in (path.name, path.stem):
        near += [name for ending in ENDINGS if path.with_name(name := f"{stem}{ending}").is_file()]
    beside = pair(near).sidecars.get(path.name)
    return path.with_name(beside).read_bytes() if beside else None


def _name(path: Path, base: Path) -> str:
    return "/".join(shown_name(part.encode("utf-8", "surrogateescape")) for part in path.relative_to(base).parts)


def read(one: Dropped, law: Law) -> list[Judged]:
    """What the text says, whether it is complete and keeps the legal terms; one for each row of a workbook.

    What must be compared with the day of publication is compared with the day that the notice prints.
    """
    try:
        drafts = read_files(one.files, one.declared, one.sidecar)
    except NoticeReturned as returned:
        return [Judged(IntakeState.RETURNED, tuple(returned.problems))]
    return [_read(draft, law) for draft in drafts]


def _read(draft: Draft, law: Law) -> Judged:
    found = _understood(draft)
    if draft.notice is None:
        return found
    terms = check_terms(draft.notice, law, published=draft.notice.dates.printed_on)
    missing = () if draft.problems else missing_fields(draft.notice)
    problems = (*draft.problems, *missing, *terms.problems)
    outcome = IntakeState.HELD if problems else IntakeState.ACCEPTED
    return replace(found, outcome=outcome, problems=problems, warnings=(*draft.warnings, *terms.warnings))


def _understood(draft: Draft) -> Judged:
    """What was read, before any rule is asked."""
    return Judged(
        IntakeState.HELD,
        tuple(draft.problems),
        tuple(draft.warnings),
        draft.notice,
        draft.fields,
        draft.places,
        attachments=draft.attachments,
        wishes=draft.wishes,
    )


def judge(
    one: Dropped,
    at: datetime | None,
    channels: Mapping[str, OpenChannel],
    renderer: Renderer,
    ledger: Ledger | None,
    law: Law,
    *,
    book: RuleBook,
    now: datetime,
    let_go: Collection[str] = frozenset(),
) -> list[Judged]:
    """What would become of it `at` an instant, on these channels; with a ledger, duplicates are found too.

    `at` None: on the day that the notice prints, or now where it prints none. `let_go`: ids of rules that a
    person has let go. Every problem is named at once.
    """
    try:
        drafts = read_files(one.files, one.declared, one.sidecar)
    except NoticeReturned as returned:
        return [Judged(IntakeState.RETURNED, tuple(returned.problems))]
    return [
        _judge(draft, at or _printed(draft) or now, channels, renderer, ledger, law, book, let_go) for draft in drafts
    ]


def _printed(draft: Draft) -> datetime | None:
    day = draft.notice.dates.printed_on if draft.notice else None
    return None if day is None else datetime.combine(day, OPENING_HOUR, LOCAL)


def _judge(
    draft: Draft,
    at: datetime,
    channels: Mapping[str, OpenChannel],
    renderer: Renderer,
    ledger: Ledger | None,
    law: Law,
    book: RuleBook,
    let_go: Collection[str],
) -> Judged:
    found, notice = _understood(draft), draft.notice
    if notice is None:
        return found
    checked = check_all(draft, notice, book, law, at=at, let_go=let_go)
    known, told = _known(ledger, notice) if ledger is not None else (None, ())
    found = replace(found, warnings=(*checked.warnings, *told))
    planned, problems = plan(notice, at, channels, renderer, law, found.wishes)
    if checked.problems:
        return _changed(found, IntakeState.HELD, (*checked.problems, *([known] if known else []), *problems))
    if known is not None:
        outcome = IntakeState.DUPLICATE if known.reason is Reason.DUPLICATE else IntakeState.HELD
        return _changed(found, outcome, (known,))
    if problems:
        return _changed(found, IntakeState.HELD, problems)
    return _changed(found, IntakeState.ACCEPTED, (), planned)


def _known(ledger: Ledger, notice: Notice) -> tuple[Problem | None, tuple[Problem, ...]]:
    """What the ledger holds of this notice already, and what it lacks of the notice that is referred to."""
    with ledger.read() as conn:
        number = intake_rows.same_text(conn, notice)
        standing = acceptance.find_notice(conn, identity(notice))
        orphan = notice.original is not None and acceptance.find_original(conn, notice) is None
    refers = orphan and notice.kind is Kind.CHANGE_NOTICE
    told = (Problem(Reason.ORIGINAL_UNKNOWN, ADVICE[Reason.ORIGINAL_UNKNOWN]),) if refers else ()
    if number is not None:
        return Problem(Reason.DUPLICATE, f"已收过：与编号 {number} 相同，不再重复发布"), told
    if standing is not None:
        return Problem(Reason.SAME_IDENTITY_OTHER_TEXT, f"已收过同一公告（{standing.title}），但内容不同"), told
    return None, told


def _changed(
    found: Judged, outcome: IntakeState, problems: Sequence[Problem], planned: Sequence[Planned] = ()
) -> Judged:
    return Judged(
        outcome,
        tuple(problems),
        found.warnings,
        found.notice,
        found.fields,
        found.places,
        tuple(planned),
        found.attachments,
        found.wishes,
    )
