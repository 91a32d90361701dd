"""What is typed into the official tables of a rehearsed year, and what their totals must come to.

The form is stated here a second time; nothing that prints it knows this file.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from publisher.rehearse.targets import Targets

_WHO = ("natural", "business", "research", "public_benefit", "legal_service", "other")
_ANSWERS = (
    "granted", "partly_granted",
    "refused_state_secret", "refused_forbidden_by_law", "refused_security_and_stability", "refused_third_party",
    "refused_internal_affairs", "refused_process", "refused_enforcement_file", "refused_inquiry",
    "unavailable_not_held", "unavailable_to_be_made", "unavailable_unclear",
    "declined_complaint", "declined_repeated", "declined_publication", "declined_excessive", "declined_confirmation",
    "other_not_completed", "other_fee_not_paid", "other_rest",
)  # fmt: skip
_DISPUTES = ("reviews", "lawsuits_direct", "lawsuits_after_review")
_OUTCOMES = ("upheld", "corrected", "other", "pending")
_OWN = (
    "regulations_made", "regulations_repealed", "regulations_in_force", "rules_made", "rules_repealed",
    "rules_in_force", "licences", "penalties", "coercions",
)  # fmt: skip
_OFFICE_SEED = 2017


def typed_cells(targets: Targets) -> dict[str, int]:
    """Name → number of every cell: of the office's own year nothing happened, of any other seed something did."""
    chance = random.Random(f"forms {targets.seed}")

    def some() -> int:
        return 0 if targets.seed == _OFFICE_SEED else chance.choice((0, 0, 1, 2, 5, 40))

    cells = {name: some() for name in _OWN}
    cells |= {f"{what}.{how}": some() for what in _DISPUTES for how in _OUTCOMES}
    for who in _WHO:
        answers = {f"applications.{answer}.{who}": some() for answer in _ANSWERS}
        forward, all_of_them = some(), sum(answers.values())
        over = min(some(), all_of_them + forward)
        cells |= answers
        cells[f"applications.carried_forward.{who}"] = forward
        cells[f"applications.carried_over.{who}"] = over
        cells[f"applications.received.{who}"] = all_of_them + forward - over
    return cells


def summed(cells: Mapping[str, int]) -> dict[str, str]:
    """The totals of the form by the names of the report."""
    sums = {f"{what}.total": sum(cells[f"{what}.{how}"] for how in _OUTCOMES) for what in _DISPUTES}
    for row in ("received", "carried_over", *_ANSWERS, "carried_forward"):
        sums[f"applications.{row}.total"] = sum(cells[f"applications.{row}.{who}"] for who in _WHO)
    for who in _WHO:
        sums[f"applications.answered.{who}"] = sum(cells[f"applications.{answer}.{who}"] for answer in _ANSWERS)
    sums["applications.answered.total"] = sum(sums[f"applications.{answer}.total"] for answer in _ANSWERS)
    return {f"computed.{name}": str(number) for name, number in sums.items()}
