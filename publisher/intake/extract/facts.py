"""What the extraction found in one notice, before a `Notice` is made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from publisher.errors import Problem
from publisher.intake.extract.amounts import Amount
from publisher.notice import (
    Change,
    Form,
    Lot,
    Money,
    OriginalNotice,
    Party,
    Performance,
    ProjectClass,
    RejectedBid,
    TeamMember,
)


@dataclass(slots=True)
class Bidder:
    """A candidate or winner; the name may be missing where a form names none."""

    name: str | None = None
    rank: int | None = None
    credit_code: str | None = None
    amount: Amount | None = None
    score: Decimal | None = None
    lot: str | None = None
    address: str | None = None
    duration: str | None = None
    quality: str | None = None
    place: str = ""

    @property
    def price(self) -> Money | None:
        """The price, unless the figure cannot be one (0 元)."""
        return believable(self.amount)


def believable(amount: Amount | None) -> Money | None:
    """The money of an amount, None for a figure that stands for "not given"."""
    if amount is None or (amount.money.yuan is not None and amount.money.yuan == 0):
        return None
    return amount.money


@dataclass(slots=True)
class Facts:
    """Every field, with places, problems and warnings; filled step by step."""

    title: str = ""
    form: Form | None = None
    project_class: ProjectClass = ProjectClass.OTHER
    project_no: str | None = None
    project_name: str | None = None
    lots: list[Lot] = field(default_factory=list)
    round: int = 1
    sequence: int = 0
    tenderee: Party | None = None
    agency: Party | None = None
    budget: Amount | None = None
    control_price: Amount | None = None
    reserve_price: Amount | None = None
    printed_on: date | None = None
    documents_from: datetime | date | None = None
    documents_until: datetime | date | None = None
    bid_deadline: datetime | date | None = None
    bid_opening: datetime | date | None = None
    publicity_start: datetime | date | None = None
    publicity_end: datetime | date | None = None
    award_decided_on: date | None = None
    contract_signed_on: date | None = None
    corrected_on: date | None = None
    offer_from: datetime | date | None = None
    bidders: list[Bidder] = field(default_factory=list)
    rejected_bids: list[RejectedBid] = field(default_factory=list)
    team: list[TeamMember] = field(default_factory=list)
    performance: list[Performance] = field(default_factory=list)
    failed: bool = False
    changes: list[Change] = field(default_factory=list)
    original: OriginalNotice | None = None
    attachments_mentioned: int = 0
    places: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
