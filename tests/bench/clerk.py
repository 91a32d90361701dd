"""What the rules say of labelled notices: `python -m tests.bench.clerk FOLDER`.

Below FOLDER each notice has a folder with `source.<ext>` and `gold.json` (`outcome`, `warnings`; a workbook
has `notices`). Printed, as one JSON object: how many labelled warnings were found, who was held that may go
on, who goes on that should be held. A notice is judged as published on the day that it prints.
"""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

from publisher.errors import NoticeReturned
from publisher.intake.reading import NamedBytes, read_files
from publisher.judging import OPENING_HOUR
from publisher.notice import LOCAL
from publisher.planning import check_all
from publisher.rules.book import rule_book
from publisher.rules.terms import load_law

LATE = date(2026, 3, 16)
"""For notices that print no day."""


def judge(source: Path) -> list[tuple[str, set[str]]]:
    """Outcome and codes of each notice of a file, by the rules of the day that it prints."""
    try:
        drafts = read_files([NamedBytes(source.name, source.read_bytes())])
    except NoticeReturned as returned:
        return [("returned", {problem.reason.value for problem in returned.problems})]
    found = []
    for draft in drafts:
        assert draft.notice is not None
        day = draft.notice.dates.printed_on or LATE
        at = datetime.combine(day, OPENING_HOUR, LOCAL)
        checked = check_all(draft, draft.notice, rule_book(), load_law(), at=at)
        codes = {problem.reason.value for problem in (*checked.problems, *checked.warnings)}
        found.append(("held" if checked.problems else "accepted", codes))
    return found


def main(folder: Path) -> int:
    """Judge every labelled notice below `folder`; exit code 1 for a false hold, a missed hold or a missed warning."""
    figures: dict[str, Any] = {
        "notices": 0,
        "warnings": 0,
        "missed": [],
        "false_holds": [],
        "not_held": [],
    }
    for path in sorted(folder.glob("*/gold.json")):
        gold = json.loads(path.read_text("utf-8"))
        (source,) = path.parent.glob("source.*")
        for (outcome, codes), label in zip(judge(source), gold.get("notices", [gold]), strict=True):
            wanted, right = set(label.get("warnings") or []), label.get("outcome", gold["outcome"])
            figures["notices"] += 1
            figures["warnings"] += len(wanted)
            figures["missed"] += [f"{path.parent.name}: {code}" for code in sorted(wanted - codes)]
            if outcome == "held" and right == "accepted":
                figures["false_holds"].append(path.parent.name)
            elif outcome != right:
                figures["not_held"].append(path.parent.name)
    print(json.dumps(figures, ensure_ascii=False))
    return int(any(figures[name] for name in ("missed", "false_holds", "not_held")))


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
