"""What a world has published, as the OCDS package that an export writes, and a notice of every form for it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from publisher.counts import ocds, queries
from publisher.notice import Candidate, Dates, Form, Kind, Money
from tests.support.builders import a_change_notice, a_notice
from tests.support.sending import World

WINNER = Candidate(
    name="山东某某建设有限公司",
    rank=1,
    credit_code="91370881MA3C000000",
    price=Money(raw="100万元", yuan=Decimal(1000000), unit="万元"),
    lot="1",
)
SECOND = Candidate(name="济宁某某工程有限公司", rank=2, lot="1", price=Money(raw="101万元", yuan=Decimal(1010000)))


def package_of(world: World) -> dict[str, Any]:
    """Everything, under a prefix of this test's own."""
    with world.ledger.read() as conn:
        return ocds.package(
            conn,
            queries.Span(),
            prefix="ocds-abc123",
            office="演练中心",
            uri="https://example.org/r.json",
            at=world.clock(),
            ledger_id=world.ledger.ledger_id,
        )


def one_of(form: Form, **changes: Any) -> Any:
    """A notice of this form with what its release needs, and with `changes` to its fields."""
    fields: dict[str, Any] = {"form": form, "title": f"某项目{form.value}", "dates": Dates()}
    if form.kind is Kind.WINNING_BID_NOTICE:
        fields["candidates"] = (WINNER, SECOND)
    if (form.kind is Kind.AWARD_RESULT and form is not Form.FAILED_TENDER) or form is Form.RESULT_CORRECTION:
        fields["winners"] = (WINNER,)
        fields["dates"] = Dates(award_decided_on=date(2017, 12, 1), contract_signed_on=date(2017, 12, 20))
    if form is Form.FAILED_TENDER:
        fields["failed"] = True
    make = a_change_notice if form.kind is Kind.CHANGE_NOTICE else a_notice
    return make(**(fields | changes))
