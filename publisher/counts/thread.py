"""The thread of a project: all its notices by lots, in order, and what is missing between them. Read-only."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from publisher.delivery import STANDS, Operation
from publisher.errors import NotAllowed
from publisher.ledger import intake_rows
from publisher.ledger.contents import read_notice
from publisher.ledger.tables import delivery, notice, version
from publisher.notice import Form, Kind, Notice, ProjectClass, normalise_name

_RESUMES = re.compile(r"恢复|继续|重新开始|复工")
_SUSPENDS = re.compile(r"暂停|中止")
_END = (Form.TERMINATION, Form.FAILED_TENDER)


@dataclass(frozen=True, slots=True)
class Knot:
    """One notice of the thread. `visible`: first visible anywhere, None: not public; `marks`: what it is in the row."""

    notice_id: int
    number: str
    content: Notice
    original_id: int | None
    taken_in: datetime
    visible: datetime | None
    marks: tuple[str, ...] = ()

    @property
    def lots(self) -> tuple[str, ...]:
        """Its lots by number; empty: the whole project."""
        return tuple(lot.no for lot in self.content.lots)

    def concerns(self, lot: str | None) -> bool:
        """Whether it speaks of a lot; a notice without lots speaks of all."""
        return lot is None or not self.lots or lot in self.lots


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that should be there and is not, said of one notice (Chinese)."""

    number: str
    lot: str | None
    said: str


@dataclass(frozen=True, slots=True)
class Thread:
    """A project's notices in the order in which they were taken in, its lots (empty: none named), and the gaps."""

    project: str
    knots: tuple[Knot, ...]
    lots: tuple[str, ...]
    gaps: tuple[Gap, ...]
    rounds: int = field(default=1)


def thread(conn: Connection, wanted: str, now: datetime) -> Thread:
    """The thread of an intake number, project number or project name; raises `NotAllowed` if there is none."""
    projects = _projects(conn, wanted)
    rows = _rows(conn, projects)
    knots = [_knot(conn, row) for row in rows]
    corrected = _corrected(knots)
    knots = [_marked(knot, knots, corrected) for knot in knots]
    lots = tuple(sorted({lot for knot in knots for lot in knot.lots}, key=_by_number))
    gaps = tuple(gap for lot in lots or (None,) for gap in _gaps(knots, lot, now))
    rounds = max((knot.content.round for knot in knots), default=1)
    return Thread("、".join(sorted(_shown(one) for one in projects)), tuple(knots), lots, _once(gaps), rounds)


def standing_results(knots: Iterable[Knot]) -> tuple[Knot, ...]:
    """The results that count: a corrected one is replaced by its correction, a failed lot is none."""
    every = list(knots)
    replaced = set(_corrected(every).values())
    kinds = (Kind.AWARD_RESULT,)
    return tuple(
        knot
        for knot in every
        if (knot.content.kind in kinds or knot.content.form is Form.RESULT_CORRECTION)
        and knot.notice_id not in replaced
        and not knot.content.failed
        and knot.content.form not in (Form.CONTRACT, *_END)
    )


# ---- which notices


def _projects(conn: Connection, wanted: str) -> set[str]:
    row = intake_rows.by_number(conn, wanted)
    if row is not None and row.notice_id is not None:
        return {conn.execute(select(notice.c.project).where(notice.c.id == row.notice_id)).scalar_one()}
    number = "no:" + re.sub(r"\s+", "", unicodedata.normalize("NFKC", wanted)).upper()
    named = f"name:{normalise_name(wanted)}|%"
    query = select(notice.c.project).distinct().where(or_(notice.c.project == number, notice.c.project.like(named)))
    found = set(conn.execute(query).scalars())
    if not found:
        raise NotAllowed(f"没有编号、项目编号或项目名称为 {wanted} 的公告")
    return found


def _shown(project: str) -> str:
    kind, _, rest = project.partition(":")
    return rest if kind == "no" else rest.partition("|")[0]


def _rows(conn: Connection, projects: set[str]) -> Sequence[Row[Any]]:
    """Notices of the projects, and changes of them that print no number of their own; the newest version of each."""
    mine = select(notice.c.id).where(notice.c.project.in_(projects))
    visible = (
        select(delivery.c.notice_id, func.min(delivery.c.visible_since).label("visible"))
        .where(delivery.c.operation == Operation.PUBLISH.value, delivery.c.state.in_([state.value for state in STANDS]))
        .group_by(delivery.c.notice_id)
        .subquery()
    )
    newest = (
        select(version.c.notice_id, func.max(version.c.id).label("version_id")).group_by(version.c.notice_id).subquery()
    )
    joined = (
        notice.join(newest, newest.c.notice_id == notice.c.id)
        .join(version, version.c.id == newest.c.version_id)
        .outerjoin(visible, visible.c.notice_id == notice.c.id)
    )
    shown = (notice.c.id, notice.c.original_id, notice.c.created_at, visible.c.visible)
    query = select(*shown, version.c.id.label("version_id"), version.c.number).select_from(joined)
    query = query.where(or_(notice.c.id.in_(mine), notice.c.original_id.in_(mine)))
    return list(conn.execute(query.order_by(notice.c.id)))


def _knot(conn: Connection, row: Row[Any]) -> Knot:
    content = read_notice(conn, row.version_id)
    return Knot(row.id, row.number, content, row.original_id, row.created_at, row.visible)


def _by_number(lot: str) -> tuple[int, str]:
    return (int(lot), "") if lot.isdigit() else (10**9, lot)


# ---- what each is in the row


def _corrected(knots: Sequence[Knot]) -> dict[int, int]:
    """Correction of a result → the result it replaces: the one it names, else the last before it for its lots."""
    found: dict[int, int] = {}
    for at, knot in enumerate(knots):
        if knot.content.form is not Form.RESULT_CORRECTION:
            continue
        results = [
            one.notice_id
            for one in knots[:at]
            if (one.content.kind is Kind.AWARD_RESULT or one.content.form is Form.RESULT_CORRECTION)
            and _meet(one, knot)
        ]
        named = [one for one in results if one == knot.original_id and one not in found.values()]
        if named or results:
            found[knot.notice_id] = (named or results)[-1]
    return found


def _meet(one: Knot, other: Knot) -> bool:
    return not one.lots or not other.lots or bool(set(one.lots) & set(other.lots))


def _marked(knot: Knot, knots: Sequence[Knot], corrected: dict[int, int]) -> Knot:
    numbers = {one.notice_id: one.number for one in knots}
    marks = []
    if knot.content.round > 1:
        marks.append(f"第 {knot.content.round} 次")
    if knot.content.sequence:
        marks.append(f"更正（{knot.content.sequence}）")
    if knot.content.failed or knot.content.form in _END:
        marks.append("终止或流标")
    if _suspends(knot):
        marks.append("暂停")
    if knot.notice_id in corrected:
        marks.append(f"更正编号 {numbers[corrected[knot.notice_id]]} 的结果，统计以此为准")
    by = [numbers[late] for late, early in corrected.items() if early == knot.notice_id]
    marks += [f"已被编号 {number} 更正" for number in by]
    if knot.visible is None:
        marks.append("尚未公开")
    return Knot(knot.notice_id, knot.number, knot.content, knot.original_id, knot.taken_in, knot.visible, tuple(marks))


def _suspends(knot: Knot) -> bool:
    content = knot.content
    if content.form is Form.SUSPENSION:
        return True
    said = any(_SUSPENDS.search(f"{change.item}{change.after or ''}") for change in content.changes)
    spoken = re.search(r"(?:项目|采购|招标|活动)[^\s。，]{0,8}?(?:因故)?暂停", content.text)
    return content.form is Form.CORRECTION and bool(said or spoken) and not _RESUMES.search(content.title)


# ---- gaps


def _gaps(knots: Sequence[Knot], lot: str | None, now: datetime) -> Iterator[Gap]:
    mine = [knot for knot in knots if knot.concerns(lot)]
    for at, knot in enumerate(mine):
        before, after = mine[:at], mine[at + 1 :]
        yield from _without_what_goes_before(knot, before, lot)
        if _suspends(knot) and not after:
            yield Gap(knot.number, lot, "已暂停，尚未恢复或终止")
        if _without_end(knot, after, now):
            yield Gap(knot.number, lot, "截止时间已过，尚无结果、流标或终止公告")


def _without_what_goes_before(knot: Knot, before: Sequence[Knot], lot: str | None) -> Iterator[Gap]:
    content = knot.content
    same_round = [one for one in before if one.content.round == content.round]
    follows = content.kind in (Kind.WINNING_BID_NOTICE, Kind.AWARD_RESULT)
    announced = any(one.content.kind is Kind.BID_ANNOUNCEMENT for one in same_round)
    if follows and not announced:
        what = "中标候选人公示" if content.kind is Kind.WINNING_BID_NOTICE else "结果公告"
        yield Gap(knot.number, lot, f"有{what}，没有本次的招标（采购、出让）公告")
    elif _lacks_candidates(content, same_round):
        yield Gap(knot.number, lot, "有中标结果公告，没有中标候选人公示")
    if content.kind is Kind.CHANGE_NOTICE and knot.original_id is None:
        yield Gap(knot.number, lot, "变更公告的原公告不在本系统")


def _lacks_candidates(content: Notice, before: Sequence[Knot]) -> bool:
    """A result of works follows the publicity of its candidates (招标投标法实施条例 第五十四条)."""
    works = content.form is Form.WINNING_RESULT and content.project_class is ProjectClass.WORKS
    return works and not content.failed and not any(one.content.kind is Kind.WINNING_BID_NOTICE for one in before)


def _without_end(knot: Knot, after: Sequence[Knot], now: datetime) -> bool:
    if knot.content.kind is not Kind.BID_ANNOUNCEMENT:
        return False
    moved = [one.content.dates.bid_deadline for one in after if one.content.kind is Kind.CHANGE_NOTICE]
    deadlines = [day for day in (knot.content.dates.bid_deadline, *moved) if isinstance(day, datetime)]
    goes_on = any(
        one.content.kind in (Kind.WINNING_BID_NOTICE, Kind.AWARD_RESULT)
        or one.content.form in (Form.SUSPENSION, *_END)
        or one.content.round > knot.content.round
        for one in after
    )
    return bool(deadlines) and deadlines[-1] < now and not goes_on


def _once(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """A gap that concerns every lot alike is said for each only where the notice names lots."""
    return tuple(dict.fromkeys(gaps))
