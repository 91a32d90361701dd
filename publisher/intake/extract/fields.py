"""The facts of a notice as plain values, for `publisher extract --json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

from publisher.errors import Problem
from publisher.intake.extract.facts import Bidder, Facts, believable
from publisher.notice import Kind, Lot, Money, Notice, PriceBasis


def codes_of(problems: Iterable[Problem]) -> list[str]:
    """Each reason once, in order."""
    return list(dict.fromkeys(problem.reason.value for problem in problems))


def fields_of(facts: Facts) -> dict[str, object]:
    """Field names and values, JSON-ready: amounts as text in 元 with two decimals, times as ISO with +08:00."""
    kind = facts.form.kind if facts.form else None
    return {
        "outcome": "held" if facts.problems else "accepted",
        "kind": kind.value if kind else None,
        "form": facts.form.value if facts.form else None,
        "project_class": facts.project_class.value,
        "title": facts.title or None,
        "project_no": facts.project_no,
        "project_name": facts.project_name,
        "lots": [_lot(lot) for lot in facts.lots],
        "round": facts.round,
        "sequence": facts.sequence,
        "tenderee": facts.tenderee.name if facts.tenderee else None,
        "agency": facts.agency.name if facts.agency else None,
        "budget_yuan": yuan(believable(facts.budget)),
        "control_price_yuan": yuan(believable(facts.control_price)),
        "bid_deadline": when(facts.bid_deadline),
        "publicity_start": when(facts.publicity_start),
        "publicity_end": when(facts.publicity_end),
        "winners": [_bidder(bidder) for bidder in facts.bidders],
        "failed": facts.failed,
        "original_notice": _original(facts) if kind is Kind.CHANGE_NOTICE else None,
        "changes": [{"item": c.item, "before": c.before, "after": c.after} for c in facts.changes],
        "attachments_mentioned": facts.attachments_mentioned,
        "warnings": codes_of([*facts.problems, *facts.warnings]),
    }


def fields_of_notice(notice: Notice, problems: Iterable[Problem], warnings: Iterable[Problem]) -> dict[str, object]:
    """The same fields of a notice that came as data by the schema."""
    facts = Facts(
        title=notice.title,
        form=notice.form,
        project_class=notice.project_class,
        project_no=notice.project_no,
        project_name=notice.project_name,
        lots=list(notice.lots),
        round=notice.round,
        sequence=notice.sequence,
        tenderee=notice.tenderee,
        agency=notice.agency,
        bid_deadline=notice.dates.bid_deadline,
        publicity_start=notice.dates.publicity_start,
        publicity_end=notice.dates.publicity_end,
        failed=notice.failed,
        changes=list(notice.changes),
        original=notice.original,
        attachments_mentioned=notice.attachments_mentioned,
        problems=list(problems),
        warnings=list(warnings),
    )
    fields = fields_of(facts)
    fields["budget_yuan"] = yuan(notice.budget)
    fields["control_price_yuan"] = yuan(notice.control_price)
    fields["winners"] = [
        _person(c.name, c.rank, c.credit_code, c.price, c.score, c.lot) for c in (*notice.candidates, *notice.winners)
    ]
    return fields


def _original(facts: Facts) -> Mapping[str, object]:
    original = facts.original
    return {
        "project_no": original.project_no if original else None,
        "first_published": when(original.first_published) if original else None,
    }


def _lot(lot: Lot) -> dict[str, object]:
    found: dict[str, object] = {"no": lot.no, "name": lot.name}
    if lot.budget is not None:
        found["budget_yuan"] = yuan(lot.budget)
    return found


def _bidder(bidder: Bidder) -> dict[str, object]:
    return _person(bidder.name, bidder.rank, bidder.credit_code, bidder.price, bidder.score, bidder.lot)


def _person(
    name: str | None, rank: int | None, code: str | None, price: Money | None, score: Decimal | None, lot: str | None
) -> dict[str, object]:
    found: dict[str, object] = {
        "rank": rank,
        "name": name,
        "credit_code": code,
        "price_yuan": yuan(price),
        "price_basis": price.basis.value if price else None,
        "score": None if score is None else str(score),
    }
    if price is not None and price.basis is PriceBasis.RATE:
        found["rate_percent"] = str(price.rate_percent)
    if lot is not None:
        found["lot"] = lot
    return found


def yuan(money: Money | None) -> str | None:
    """元 with two decimals, as text."""
    return None if money is None or money.yuan is None else f"{money.yuan:.2f}"


def when(value: datetime | date | None) -> str | None:
    """ISO, with the zone where there is a time."""
    return None if value is None else value.isoformat()
