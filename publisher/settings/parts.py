"""The sections of publisher.toml: ledger, folders, intake and its feeds, sending."""

from __future__ import annotations

import fnmatch
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, StrictBool, StrictInt, StrictStr, field_validator, model_validator

from publisher.settings.values import AnyDuration, Duration, FolderName, PathText, Section, Size


class LedgerSettings(Section):
    """The ledger: where it is, and whether it is real. `url` None: the SQLite file `ledger.sqlite3` under data.

    `signing_key`: the private key that signs the heads, relative to the settings' folder and not under data.
    `reconcile_monthly`: whether the daemon compares each past month with what the channels hold.
    `keep_details`: how long the details of calls and questions are kept; identity, log and counts are kept for good.
    """

    url: StrictStr | None = Field(default=None, repr=False)
    real: StrictBool = False
    heads: PathText | None = None
    signing_key: PathText | None = None
    keep_details: Duration = timedelta(days=365)
    reconcile_monthly: StrictBool = True

    @field_validator("url")
    @classmethod
    def _known_database(cls, url: str | None) -> str | None:
        if url is not None and not re.match(r"(sqlite:///|postgresql(\+\w+)?://)", url):
            raise ValueError("is no ledger address; it begins with sqlite:/// or postgresql://")
        return url


class FolderSettings(Section):
    """The staff folders: a root (relative: under data) and the names of the seven folders in it."""

    root: PathText = Path("folders")
    drop: FolderName = "待发布"
    working: FolderName = "处理中"
    held: FolderName = "待处理"
    published: FolderName = "已发布"
    returned: FolderName = "退回"
    receipts: FolderName = "回执"
    reconciled: FolderName = "对账"

    @model_validator(mode="after")
    def _all_different(self) -> Self:
        names = [self.drop, self.working, self.held, self.published, self.returned, self.receipts, self.reconciled]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two folders have the name {', '.join(twice)}; give each folder a name of its own")
        if dots := [name for name in names if name in {".", ".."}]:
            raise ValueError(f"{dots[0]} is no folder name; give the folder a name of its own")
        return self


OUR_TEXTS = ("*.答复.txt", "*.待处理说明.txt", "*.退回原因.txt", "*.回执.txt")
"""Names of answers of staff and of our own texts to them: no setting makes notices of these."""

LITTER = (
    "~$*",
    ".~lock*",
    "~WRL*",
    "*.tmp",
    "*.TMP",
    "*.part",
    "*.crdownload",
    "*.download",
    "*.swp",
    "Thumbs.db",
    "thumbs.db",
    "desktop.ini",
    "Desktop.ini",
    ".DS_Store",
    "._*",
    "__MACOSX",
    ".syncthing.*",
    "~syncthing~*",
    ".~*",
    ".nfs*",
    *OUR_TEXTS,
)
"""File names that programs leave behind, the staff's answers and our own texts to staff: never taken in as notices."""

_ORDINARY_NAMES = tuple(
    f"招标公告.{ending}"
    for ending in ("docx", "doc", "wps", "pdf", "html", "htm", "txt", "xlsx", "xls", "csv", "json", "zip", "rtf")
)


class FeedSettings(Section):
    """`[[intake.feed]]`: a feed whose entries are taken in like files.

    `name` stands in alarms and the log; `every`: time between two questions; `declared`: the kind or form of all its
    entries, as a folder's name would say it; `max_answer` in bytes; `adapter` serves it.
    """

    name: StrictStr = Field(min_length=1, max_length=60)
    url: StrictStr = Field(pattern=r"^https?://[^\s/]+")
    every: Duration = timedelta(minutes=10)
    declared: StrictStr | None = None
    max_answer: Size = 4 * 1024**2
    adapter: StrictStr = Field(default="channels.kit.source:FeedSource", pattern=r"^[\w.]+:\w+$")


class IntakeSettings(Section):
    """How the drop folder is watched.

    `poll` between two looks; `quiet`: how long a file must have rested; `old_after`: a file last written longer ago
    is asked about, not published; `note_after`: how long a file may
    stay unready before a note says so; `max_bytes` of one file; `ignore`: glob patterns (not regular
    expressions) of file names that are never taken; `feed`: sources beside the folder.
    """

    poll: Duration = timedelta(seconds=2)
    quiet: AnyDuration = timedelta(seconds=5)
    old_after: Duration = timedelta(days=30)
    note_after: Duration = timedelta(minutes=10)
    max_bytes: Size = 100 * 1024**2
    ignore: tuple[StrictStr, ...] = LITTER
    feed: tuple[FeedSettings, ...] = ()

    @field_validator("feed")
    @classmethod
    def _different_names(cls, feeds: tuple[FeedSettings, ...]) -> tuple[FeedSettings, ...]:
        names = [feed.name for feed in feeds]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"two feeds are named {twice!r}; give each a name of its own")
        return feeds

    @field_validator("ignore")
    @classmethod
    def _not_everything(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            if re.search(r"\\|^\^|\.\*.*\$$|\(.*\)|\.\+", pattern):
                raise ValueError(
                    f"pattern {pattern!r} looks like a regular expression; patterns are globs (* any characters, "
                    '? one), such as "*.tmp" or "~$*"'
                )
            hit = [name for name in _ORDINARY_NAMES if fnmatch.fnmatchcase(name, pattern)]
            if hit or not pattern:
                example = hit[0] if hit else "nothing"
                raise ValueError(
                    f"pattern {pattern!r} would ignore ordinary files such as {example}; patterns are globs "
                    "(* any characters, ? one), not regular expressions: make it narrower"
                )
        return patterns

    def is_litter(self, name: str) -> bool:
        """Whether a file of this name is never taken in."""
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in (*self.ignore, *OUR_TEXTS))


class SendingSettings(Section):
    """How deliveries are sent and retried.

    `threads` send at once; `tick` between two looks for due work; `attempt`: total time of one call;
    `quick_wait`: sum of the waits between quick retries; `retry_first`, `retry_cap`, `jitter` (share of the
    wait): the slow retries; `give_up` after the first attempt; `breaker_*`: failures in a row that open a
    channel's breaker, and how long; `lease` of a delivery; `answers_waiting`: answers not yet recorded;
    `submitted_alarm`: how long taken-but-not-public may last.
    """

    threads: StrictInt = Field(default=16, ge=1, le=256)
    tick: Duration = timedelta(seconds=1)
    attempt: Duration = timedelta(seconds=90)
    quick_wait: AnyDuration = timedelta(seconds=2)
    retry_first: Duration = timedelta(seconds=2)
    retry_cap: Duration = timedelta(minutes=30)
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.2
    give_up: Duration = timedelta(hours=72)
    breaker_failures: StrictInt = Field(default=10, ge=1)
    breaker_first: Duration = timedelta(seconds=30)
    breaker_cap: Duration = timedelta(minutes=10)
    lease: Duration = timedelta(seconds=60)
    answers_waiting: StrictInt = Field(default=32, ge=1)
    submitted_alarm: Duration = timedelta(hours=24)

    @field_validator("jitter", mode="before")
    @classmethod
    def _a_number(cls, value: object) -> object:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError("is no number; write a share between 0 and 1 without quotes, such as 0.2")
        return value

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.retry_first > self.retry_cap:
            raise ValueError("retry_first is longer than retry_cap; make it shorter")
        if self.breaker_first > self.breaker_cap:
            raise ValueError("breaker_first is longer than breaker_cap; make it shorter")
        return self
