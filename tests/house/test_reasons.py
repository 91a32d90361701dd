"""Every reason, state and alarm is explained to whoever runs the program, and every reason to staff."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from publisher.delivery import State
from publisher.errors import ADVICE, Reason
from tests.support.reading import tables_of

ROOT = Path(__file__).parents[2]
OPERATING = (ROOT / "docs" / "operating.md").read_text("utf-8")
GUIDE = (ROOT / "docs" / "操作指南.md").read_text("utf-8")


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_row_that_says_what_it_means_and_what_to_do(reason: Reason) -> None:
    rows = [row for row in tables_of(OPERATING) if row[0] == f"`{reason.value}`" and len(row) == 3]
    assert any(len(meaning) > 5 and what_to_do for _, meaning, what_to_do in rows), f"{reason.value} is not explained"


def test_the_tables_of_reasons_hold_no_reason_that_does_not_exist() -> None:
    part = OPERATING[OPERATING.index("## Reasons") : OPERATING.index("## Alarms")]
    named = [row[0].strip("`") for row in tables_of(part) if row[0].startswith("`")]
    assert sorted(named) == sorted(reason.value for reason in Reason)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_advice_that_staff_can_act_on(reason: Reason) -> None:
    assert reason in ADVICE, f"{reason.value} has no advice"
    assert re.search(r"[\u4e00-\u9fff]{6}", ADVICE[reason])
    assert ADVICE[reason].endswith("。")


@pytest.mark.parametrize("reason", list(Reason))
def test_the_staff_guide_has_the_first_words_of_every_advice(reason: Reason) -> None:
    first = re.split(r"[，。；：]", ADVICE[reason])[0]
    assert _plain(first) in _plain(GUIDE), f"the guide does not speak of {reason.value}: {first}"


def _plain(text: str) -> str:
    return re.sub(r"[^\w]", "", text)


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_explained_to_both_readers(state: State) -> None:
    assert any(row[:2] == [state.value, state.label] for row in tables_of(OPERATING))
    assert any(row[0] == state.label for row in tables_of(GUIDE))


def test_every_alarm_that_the_program_raises_is_explained() -> None:
    part = OPERATING[OPERATING.index("## Alarms") : OPERATING.index("## Practice")]
    explained = {row[0].strip("`") for row in tables_of(part)}
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "publisher").rglob("*.py"))
    raised = set(re.findall(r"raise_alarm\(\s*tx,\s*f?\"(\w+)", source))
    assert raised
    assert raised <= explained, f"not explained: {sorted(raised - explained)}"
