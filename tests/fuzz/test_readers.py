"""Whatever bytes come, every reader reads them or gives them back with a reason, soon and in little memory.

`FUZZ` in the environment says how many inputs each reader gets (300, or 10,000 with `make fuzz`), `FUZZ_SEED` which.
An input is made again from its format, seed and number: `tests.fuzz.mutations.mutated`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.fuzz.__main__ import LONGEST
from tests.fuzz.seeds import SEEDS
from tests.support.repository import ROOT

COUNT = int(os.environ.get("FUZZ", "300"))
SEED = os.environ.get("FUZZ_SEED", "1")
MOST_MEGABYTES = 300


@pytest.mark.parametrize("kind", sorted(SEEDS))
def test_every_input_is_read_or_given_back_with_a_reason(kind: str) -> None:
    asked = [sys.executable, "-m", "tests.fuzz", kind, str(COUNT), SEED]
    answer = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT, check=False, timeout=60 + COUNT)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    seconds, number = found["slowest"]

    assert found["broke"] == []
    assert found["read"] + sum(found["back"].values()) == COUNT
    assert seconds < LONGEST, f"input {number} of {kind}"
    assert found["peak_mb"] < MOST_MEGABYTES
    assert found["read"], "no mutated input was read any more: the mutations are too coarse to test the reader"
