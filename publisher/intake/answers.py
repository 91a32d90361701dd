"""Staff's answers in 待处理: a text file beside the held file, or the held file replaced by a better one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from publisher.intake.folder import shown_name

ENDING = ".答复.txt"
WORDS = {
    "新版本": "version",
    "更正": "change",
    "重复": "duplicate",
    "发布": "publish",
    "办结": "settled",
    "清理": "cleaned",
}
"""What staff may write in the first line, and the word in the ledger."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: to which placed file, which word (None: not understood), by whom, and the text itself."""

    path: Path
    placed_name: str
    word: str | None
    by: str
    text: str


def answers(held: Path, now: datetime, quiet: timedelta) -> Iterator[Answer]:
    """Every answer in the folder that has rested."""
    for path in sorted(held.glob(f"*{ENDING}")):
        status = path.stat()
        if status.st_size and has_rested(status.st_mtime, now, quiet):
            yield _read(path)


def has_rested(changed: float, now: datetime, quiet: timedelta) -> bool:
    """Whether a file whose time of change is `changed` (seconds) has been still for `quiet`."""
    return now.timestamp() - changed >= quiet.total_seconds()


def _read(path: Path) -> Answer:
    text = _decoded(path.read_bytes())
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    word = WORDS.get(lines[0].strip("“”\"'。 ")) if lines else None
    by = lines[1].removeprefix("姓名").lstrip("：: ") if len(lines) > 1 else ""
    name = shown_name(path.name.encode("utf-8", "surrogateescape")).removesuffix(ENDING)
    return Answer(path, name, word if by else None, by, text[:500])


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8", "replace")
