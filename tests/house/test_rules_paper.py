"""What docs/rules.md shows as rules works as it stands."""

from __future__ import annotations

import re
import tomllib
from datetime import date

from publisher.notice import Dates, Form, ProjectClass
from publisher.rules.calendar import Calendar
from publisher.rules.terms import Law, check_terms, read_terms
from publisher.settings import CarriesRule
from tests.support.builders import a_notice
from tests.support.repository import ROOT

BLOCKS = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "rules.md").read_text("utf-8"), re.DOTALL)


def test_the_example_of_a_term_holds_a_ninth_day_from_its_first_day_on() -> None:
    (term,) = read_terms(BLOCKS[0])
    law = Law((term.model_copy(update={"last_day_working": False}),), Calendar({}))

    def held(printed: str, end: str) -> bool:
        start = date.fromisoformat(printed)
        dates = Dates(printed_on=start, publicity_start=start, publicity_end=date.fromisoformat(end))
        notice = a_notice(form=Form.CANDIDATES, project_class=ProjectClass.PROPERTY, dates=dates)
        return bool(check_terms(notice, law).problems)

    assert held("2027-05-03", "2027-05-12")
    assert not held("2027-05-03", "2027-05-13")
    assert not held("2027-04-30", "2027-05-01")


def test_the_example_of_routing_rules_is_read() -> None:
    rules = [CarriesRule.model_validate(rule) for rule in tomllib.loads(BLOCKS[1])["carries"]]
    assert [rule.carry for rule in rules] == ["mandatory", "mandatory", "optional"]
    assert rules[0].when is not None and rules[0].when.amount_over == 4_000_000
