"""Candidates of a candidates' notice, winners of a result, with the scores printed elsewhere."""

from __future__ import annotations

from publisher.intake.extract.bidder_rows import (
    last_score,
    name_in,
    number_in,
)
from publisher.intake.extract.facts import Bidder, Facts
from publisher.intake.extract.kinds import says_failed
from publisher.intake.extract.ranking import ranked, ranked_in_text
from publisher.intake.extract.source import Source
from publisher.intake.extract.winning import winner_pairs, winners
from publisher.notice import Form, Kind, Lot, normalise_name


def find_bidders(source: Source, facts: Facts) -> None:
    """Candidates of a candidates' notice, winners of a result, and of its correction where it prints their prices."""
    kind = facts.form.kind if facts.form else None
    facts.failed = facts.form in (Form.FAILED_TENDER, Form.TERMINATION)
    if facts.form is Form.RESULT_CORRECTION:
        # Who won for how much after the correction; one that prints neither has nothing to replace with.
        facts.bidders = [bidder for bidder in winner_pairs(source) if bidder.name and bidder.price is not None]
        return
    if kind is Kind.WINNING_BID_NOTICE:
        bidders = ranked(source) or ranked_in_text(source) or winner_pairs(source)
    elif kind is Kind.AWARD_RESULT:
        bidders = [] if facts.form is Form.FAILED_TENDER else winners(source)
    else:
        return
    _add_scores(source, bidders)
    facts.bidders = bidders
    _lots_of_bidders(facts)
    if bidders:
        facts.places["candidates" if kind is Kind.WINNING_BID_NOTICE else "winners"] = bidders[0].place
    facts.failed = facts.failed or (not bidders and says_failed(source.flat))


def _lots_of_bidders(facts: Facts) -> None:
    """Where nothing else lists the lots, those that candidates or winners stand under are the lots."""
    numbers = list(dict.fromkeys(bidder.lot for bidder in facts.bidders if bidder.lot))
    if not facts.lots and len(numbers) > 1:
        facts.lots = [Lot(no=number) for number in numbers]
        facts.places["lots"] = facts.bidders[0].place


def _add_scores(source: Source, bidders: list[Bidder]) -> None:
    """Scores that stand in a table of their own, matched by name."""
    missing = [bidder for bidder in bidders if bidder.score is None and bidder.name]
    for grid in source.grids if missing else ():
        for record in grid.records:
            name, score = name_in(record), last_score(record)
            for bidder in missing:
                if name and score and normalise_name(name[1]) == normalise_name(bidder.name or ""):
                    bidder.score = bidder.score or number_in(score)
