"""How long all rules, over content and over legal terms, take for many notices on one core.

`python -m tests.bench.rules`; `BENCH_RULES` is the number of notices (50,000), from the texts of the test notices with
other numbers in them, read once each and then checked against every rule in force. The limit is 60 s.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import date, datetime

from publisher.intake.reading import NamedBytes, read_files
from publisher.notice import LOCAL, Notice
from publisher.rules.book import read_book
from publisher.rules.clock import publish_by
from publisher.rules.content import Papers, check_content
from publisher.rules.terms import check_terms, dates_outside, load_law
from tests.support import notice_texts

COUNT = int(os.environ.get("BENCH_RULES", "50000"))
LIMIT = 60.0
"""Seconds that 50,000 notices may take."""
DAY = date(2026, 3, 16)
NOW = datetime(2026, 3, 16, 9, 0, tzinfo=LOCAL)


def base() -> list[Notice]:
    """Every text of the test notices as a notice."""
    texts = [value for name, value in vars(notice_texts).items() if name.isupper() and isinstance(value, str)]
    drafts = [draft for text in texts for draft in read_files([NamedBytes("公告.txt", text.encode())])]
    return [draft.notice for draft in drafts if draft.notice is not None]


def notices(count: int) -> Iterator[Notice]:
    """`count` notices; no two have the same text, so that nothing can be remembered between them."""
    kinds = base()
    for number in range(count):
        one = kinds[number % len(kinds)]
        line = f"<p>流水号：{number:06d}</p>"
        yield one.model_copy(update={"body_html": one.body_html + line, "text": f"{one.text}\n流水号：{number:06d}"})


def main() -> int:
    """Check `COUNT` notices; prints the figures as one JSON object, exit code 1 beyond the limit."""
    book, papers, law = read_book(), Papers(), load_law()
    problems = warnings = 0
    spent = 0.0
    for notice in notices(COUNT):
        began = time.process_time()
        terms = check_terms(notice, law, published=DAY)
        read = (terms.problems, (*terms.warnings, *dates_outside(notice, NOW)))
        publish_by(notice, law, DAY)
        checked = check_content(notice, papers, book, day=DAY, read=read)
        spent += time.process_time() - began
        problems += len(checked.problems)
        warnings += len(checked.warnings)
    facts = {"notices": COUNT, "seconds": round(spent, 2), "problems": problems, "warnings": warnings}
    print(json.dumps(facts))
    return int(spent > LIMIT * COUNT / 50_000)


if __name__ == "__main__":
    raise SystemExit(main())
