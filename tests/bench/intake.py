"""How fast dropped files are taken in: `python -m tests.bench.intake [COUNT]`.

Mixed files of the text formats (half `.txt`, the rest `.html`, `.json`, `.docx`) are dropped at once and go through the
whole line up to accept on SQLite with one channel; nothing is sent. Prints, for a quarter of the files and for all,
files per second by the clock and by the processor's time (which other work on the machine does not disturb), and the
peak of memory: flat if both are alike. Making the files is not counted.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.support import notice_texts as texts
from tests.support.builders import a_notice
from tests.support.line import Desk
from tests.support.office_files import docx_of

KINDS = (texts.OPEN_TENDER, texts.WORKS_TENDER, texts.CANDIDATES, texts.RESULT, texts.CONTRACT, texts.NEGOTIATION)


def _text(number: int) -> str:
    """A notice of a project of its own: the figures of its number are changed."""
    lines = KINDS[number % len(KINDS)].splitlines()
    return "\n".join([lines[0].replace("公告", f"（{number}）公告"), f"项目编号：BENCH-{number}", *lines[1:]])


def _html(number: int) -> bytes:
    return (
        "<html><body>" + "".join(f"<p>{line}</p>" for line in _text(number).splitlines()) + "</body></html>"
    ).encode()


def _json(number: int) -> bytes:
    notice = a_notice(project_no=f"BENCH-{number}", title=f"某路工程（{number}）招标公告")
    return notice.model_dump_json(exclude_none=True, exclude={"text", "digest"}).encode()


FORMS: tuple[tuple[str, Callable[[int], bytes]], ...] = (
    ("txt", lambda n: _text(n).encode("gb18030")),
    ("txt", lambda n: _text(n).encode()),
    ("txt", lambda n: _text(n).encode("utf-8-sig")),
    ("txt", lambda n: _text(n).encode("utf-16")),
    ("html", _html),
    ("html", lambda n: _html(n).decode().encode("gb18030")),
    ("json", _json),
    ("docx", lambda n: docx_of(*_text(n).splitlines())),
)


def measure(count: int, folder: Path) -> dict[str, float]:
    """Drop `count` files and take them in; files per second, and the peak of memory in MB."""
    desk = Desk(folder)
    for number in range(count):
        ending, make = FORMS[number % len(FORMS)]
        desk.drop(f"{number}.{ending}", make(number))
    line = desk.worker.line
    line.tick(desk.clock())
    desk.clock.sleep(6)
    began, worked = time.perf_counter(), time.process_time()
    decided = 0
    while portion := line.tick(desk.clock()):
        decided += portion
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    states = desk.states()
    desk.worker.close()
    return {
        "files": decided,
        "accepted": states.count("accepted"),
        "held": states.count("held"),
        "seconds": round(seconds, 1),
        "files_per_second": round(decided / seconds, 1),
        "files_per_cpu_second": round(decided / cpu, 1),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as work:
        for size in (wanted // 4, wanted):
            place = Path(work, str(size))
            place.mkdir()
            print(json.dumps(measure(size, place)), flush=True)
