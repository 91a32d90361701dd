"""Real notices: what a clerk would be asked about is found, and nothing that may go on is held."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from publisher.intake.reading import NamedBytes, read_files
from publisher.judging import OPENING_HOUR
from publisher.notice import LOCAL
from publisher.planning import check_all
from publisher.rules.book import rule_book
from publisher.rules.terms import load_law

DATA = Path(__file__).parents[1] / "data" / "notices"
TERMS = {"deadline_too_short", "publicity_too_short"}
"""Shown by the reader; whether they hold is decided by the legal terms, not by the rules over content."""
NOTICES = {
    "01-jinan-two-lots.docx": ("accepted", {"attachment_missing"}),
    "02-shandong-lot-a.html": ("accepted", {"attachment_missing"}),
    "03-rizhao-split-unit.docx": ("accepted", {"attachment_missing"}),
    "05-aohan-supervision.docx": ("accepted", set()),
    "06-luntai-web-page.html": ("held", {"attachment_missing", "empty_field"}),
    "11-shandong-thirteen-lots.docx": ("accepted", {"attachment_missing", "date_suspect"}),
    "13-jingmen-wrong-attachment.docx": ("accepted", set()),
    "14-jiangsu-suspended.docx": ("accepted", {"suspension"}),
    "15-xuzhou-content-in-attachment.html": ("held", {"attachment_missing"}),
    "17-xiamen-body-is-clarification.html": ("held", {"kind_conflict", "empty_field"}),
    "18-tianjin-blank-form.docx": ("held", {"empty_field", "amount_unit_suspect"}),
    "19-dianjiang-candidates.docx": ("held", {"publicity_too_short"}),
    "20-huaying-percent-price.txt": ("accepted", set()),
    "22-qingdao-item-table.docx": ("accepted", set()),
    "23-shanghai-one-line.txt": ("held", {"empty_field"}),
    "24-beijing-lot-one.docx": ("accepted", set()),
    "25-dangtu-price-per-year.docx": ("accepted", {"attachment_missing"}),
    "26-nanping-failed-bid.docx": ("accepted", set()),
    "29-jinan-university-four-lots.html": ("accepted", {"attachment_missing"}),
    "31-zhangzhou-broken-lines.txt": ("accepted", set()),
    "32-deqing-contract.json": ("held", {"amount_unit_suspect", "empty_field"}),
}


@pytest.mark.parametrize("name", NOTICES)
def test_a_real_notice_is_held_only_where_a_clerk_would_hold_it_and_every_known_warning_is_found(name: str) -> None:
    outcome, expected = NOTICES[name]
    (draft,) = read_files([NamedBytes(name, (DATA / name).read_bytes())])
    assert draft.notice is not None
    printed = draft.notice.dates.printed_on
    at = datetime.combine(printed, OPENING_HOUR, LOCAL) if printed else datetime.now(LOCAL)
    result = check_all(draft, draft.notice, rule_book(), load_law(), at=at)
    codes = {problem.reason.value for problem in (*result.problems, *result.warnings)}
    assert ("held" if result.problems else "accepted") == outcome, [str(p) for p in result.problems]
    assert expected <= codes
    assert all(problem.rule and str(problem) for problem in (*result.problems, *result.warnings))
