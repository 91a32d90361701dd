"""Puts one notice together: runs the extraction step by step and makes a `Notice` of what it found."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from pydantic import ValidationError

from publisher.errors import NoticeReturned, Problem, Reason
from publisher.intake.extract import (
    about_bidders,
    attachments,
    bidders,
    changes,
    checks,
    kinds,
    parties,
    project,
    schedule,
)
from publisher.intake.extract.blocks import blocks_of
from publisher.intake.extract.dates import day_of
from publisher.intake.extract.facts import Bidder, Facts, believable
from publisher.intake.extract.fields import fields_of
from publisher.intake.extract.source import Source
from publisher.intake.extract.titles import choose_title, round_of, sequence_of, without_title
from publisher.intake.readers.document import Document
from publisher.notice import AttachmentRef, Candidate, Dates, Form, Kind, Notice, html_to_text, normalise

SHORTEST_BODY = 30
"""Characters (white space not counted) below which a file's text, its title left out, is no notice."""


@dataclass(frozen=True, slots=True)
class Attached:
    """A file handed in beside the text."""

    name: str
    data: bytes

    @property
    def ref(self) -> AttachmentRef:
        """The attachment as the notice names it."""
        media = mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        return AttachmentRef(
            name=self.name, sha256=hashlib.sha256(self.data).hexdigest(), size=len(self.data), media_type=media
        )


@dataclass(frozen=True, slots=True)
class Extracted:
    """One notice, or why there is none, with everything that was found."""

    notice: Notice | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    places: Mapping[str, str]
    fields: Mapping[str, object]


def extract(
    document: Document,
    declared: str | None,
    attached: Sequence[Attached] = (),
    choose_form: Callable[[Form | None], Form | None] = lambda form: None,
    correct: Callable[[Facts], None] = lambda facts: None,
) -> Extracted:
    """The notice in `document`. Raises `NoticeReturned` (EMPTY_BODY) where there is a title at most.

    What staff state comes in as two functions: `choose_form` gives the form instead of the one that was read (None:
    that one stands), `correct` sets further fields before the checks.
    """
    source = prepare(document, declared, tuple(file.name for file in attached))
    facts = find(source, choose_form)
    correct(facts)
    facts.warnings.extend(document.warnings)
    mentioned = attachments.mentioned(source)
    facts.attachments_mentioned = mentioned.count
    if mentioned.count:
        facts.places["attachments_mentioned"] = mentioned.place
    checks.check(source, facts, mentioned)
    order = attachments.in_order(mentioned, tuple(file.name for file in attached))
    notice = build(source, facts, [attached[position] for position in order])
    if document.place:
        facts.places["notice"] = document.place
    return Extracted(
        notice,
        tuple(facts.problems),
        tuple(facts.warnings),
        {field: place for field, place in facts.places.items() if place},
        fields_of(facts),
    )


def prepare(document: Document, declared: str | None, attached: tuple[str, ...]) -> Source:
    """The source with its title told from the body. Raises `NoticeReturned` for an empty body."""
    title, count = choose_title(blocks_of(document.body_html), document.title)
    body = without_title(document.body_html, count)
    length = len(normalise(html_to_text(body)))
    if not (body == document.body_html and count) and length < SHORTEST_BODY:
        detail = f"正文为空或过短：标题之外只有 {length} 个字（图片和文本框里的字不算）。请把正文写成文字后重新放入。"
        raise NoticeReturned([Problem(Reason.EMPTY_BODY, detail, "body_html")])
    return Source(replace(document, body_html=body), title.strip() or "", declared, attached)


def find(source: Source, choose_form: Callable[[Form | None], Form | None] = lambda form: None) -> Facts:
    """Runs every finder in the order in which they build on each other."""
    facts = Facts(title=source.title)
    facts.places["title"] = "标题"
    facts.project_class = kinds.class_of(source)
    decided = kinds.decide(source, facts.project_class)
    facts.form = decided.form
    facts.places["form"] = decided.place
    if chosen := choose_form(decided.form):
        facts.form = chosen  # a person said so: what the text and the folder claim is no question any more
    else:
        facts.problems.extend(decided.problems)
    project.find_number(source, facts)
    project.find_name(source, facts)
    parties.find_parties(source, facts)
    parties.find_printed_on(source, facts)
    project.find_lots(source, facts)
    project.find_budgets(source, facts)
    schedule.find_deadline(source, facts)
    schedule.find_opening(source, facts)
    schedule.deadline_from_opening(facts)
    schedule.find_documents(source, facts)
    schedule.find_publicity(source, facts)
    schedule.find_award_dates(source, facts)
    schedule.find_offer(source, facts)
    schedule.find_correction_date(source, facts)
    bidders.find_bidders(source, facts)
    about_bidders.find_rejected(source, facts)
    about_bidders.find_team(source, facts)
    about_bidders.find_performance(source, facts)
    changes.find_changes(source, facts)
    project.find_original(source, facts)
    facts.round = round_of(source.title, facts.project_name)
    if facts.form and facts.form.kind is Kind.CHANGE_NOTICE:
        first = source.lines[0].text if source.lines else ""
        facts.sequence = sequence_of(source.title) or sequence_of(first[:80])
    return facts


def build(source: Source, facts: Facts, attached: Sequence[Attached]) -> Notice | None:
    """The notice, or None (with a problem) where form or title are not known."""
    if facts.form is None:
        return None
    if not facts.title:
        facts.problems.append(Problem(Reason.EMPTY_FIELD, "未写明：标题。请补齐后重新放入。", "title"))
        return None
    try:
        return _notice(source, facts, attached)
    except ValidationError as error:
        for item in error.errors():
            field = ".".join(str(part) for part in item["loc"])
            facts.problems.append(Problem(Reason.EMPTY_FIELD, f"字段 {field} 的内容无法识别，请核对。", field))
        return None


def _notice(source: Source, facts: Facts, attached: Sequence[Attached]) -> Notice:
    assert facts.form is not None
    people = tuple(c for bidder in facts.bidders if (c := _candidate(bidder)))
    candidates = facts.form.kind is Kind.WINNING_BID_NOTICE
    return Notice(
        form=facts.form,
        kind=facts.form.kind,
        project_class=facts.project_class,
        title=facts.title,
        project_no=facts.project_no,
        project_name=facts.project_name,
        lots=tuple(facts.lots),
        round=facts.round,
        sequence=facts.sequence,
        body_html=source.document.body_html,
        tenderee=facts.tenderee,
        agency=facts.agency,
        budget=believable(facts.budget),
        control_price=believable(facts.control_price),
        reserve_price=believable(facts.reserve_price),
        dates=_dates(facts),
        candidates=people if candidates else (),
        winners=() if candidates else people,
        rejected_bids=tuple(facts.rejected_bids),
        team=tuple(facts.team),
        performance=tuple(facts.performance),
        failed=facts.failed,
        changes=tuple(facts.changes),
        original=facts.original,
        attachments=tuple(file.ref for file in attached),
        attachments_mentioned=facts.attachments_mentioned,
    )


def _candidate(bidder: Bidder) -> Candidate | None:
    if not bidder.name:
        return None
    return Candidate(
        name=bidder.name,
        rank=bidder.rank,
        credit_code=bidder.credit_code,
        price=bidder.price,
        score=bidder.score,
        lot=bidder.lot,
        address=bidder.address,
        duration=bidder.duration,
        quality=bidder.quality,
    )


def _day(value: datetime | date | None) -> date | None:
    return None if value is None else day_of(value)


def _dates(facts: Facts) -> Dates:
    return Dates(
        printed_on=facts.printed_on,
        documents_from=facts.documents_from,
        documents_until=facts.documents_until,
        bid_deadline=facts.bid_deadline,
        bid_opening=facts.bid_opening,
        publicity_start=_day(facts.publicity_start),
        publicity_end=_day(facts.publicity_end),
        award_decided_on=facts.award_decided_on,
        contract_signed_on=facts.contract_signed_on,
        corrected_on=facts.corrected_on,
        offer_from=facts.offer_from,
    )
