"""Read mutated files of one format and say what came of them: `python -m tests.fuzz FORMAT COUNT SEED`.

One line of JSON: how many were read, how many went back by reason, what broke the reader (with the number by which the
input is made again), the longest time in seconds and the peak of memory in MB.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import time
import traceback
from collections import Counter
from types import FrameType
from typing import Any

from publisher.errors import NoticeReturned
from publisher.intake.reading import NamedBytes, read_files
from publisher.notice import Kind
from publisher.rules.papers import paper_findings
from tests.fuzz.mutations import mutated
from tests.fuzz.seeds import SEEDS
from tests.support.memory import peak_mb

LONGEST = 10.0
"""Seconds that one file may take."""


class TooLong(Exception):
    """One input took longer than `LONGEST`."""


def _alarm(number: int, frame: FrameType | None) -> None:
    raise TooLong


def fuzz(kind: str, count: int, seed: int) -> dict[str, Any]:
    """Read `count` mutated files of a format."""
    seeds = SEEDS[kind]()
    read, slowest = 0, (0.0, -1)
    back: Counter[str] = Counter()
    broke: list[dict[str, Any]] = []
    signal.signal(signal.SIGALRM, _alarm)
    for number in range(count):
        data = mutated(seeds, random.Random(f"{kind}-{seed}-{number}"))
        began = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, LONGEST)
        try:
            _look_into(kind, data)
            read += 1
        except NoticeReturned as error:
            back[error.problems[0].reason.value] += 1
        except BaseException:  # noqa: BLE001 - whatever it is, it is the finding
            broke.append({"number": number, "error": traceback.format_exc(limit=-3)})
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        slowest = max(slowest, (time.perf_counter() - began, number))
    return {"read": read, "back": dict(back), "broke": broke, "slowest": slowest, "peak_mb": round(peak_mb())}


def _look_into(kind: str, data: bytes) -> None:
    if kind == "papers":
        list(paper_findings(None, {"附件": data}, Kind.AWARD_RESULT))
    else:
        read_files([NamedBytes("公告", data)])


if __name__ == "__main__":
    print(json.dumps(fuzz(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])), ensure_ascii=False))
