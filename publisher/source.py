"""The contract with a source: where notices come from beside the drop folder, such as an agency's feed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from publisher.channel import Context


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """What a source is told of itself: its name, its address, and the longest answer that is read, in bytes."""

    name: str
    url: str
    max_answer: int


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """One notice as the source shows it. `content_html` is not cleaned. `published` is an aware instant or a day."""

    id: str
    title: str
    content_html: str
    published: datetime | date | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the source holds now. `etag` and `modified` are given back with the next question, as they came."""

    entries: Sequence[SourceEntry]
    etag: str | None = None
    modified: str | None = None


class Source(Protocol):
    """A feed or a like list."""

    def fetch(self, etag: str | None, modified: str | None, context: Context) -> Fetched | None:
        """The entries, or None where nothing changed since `etag` and `modified`.

        Raises `ChannelError` where the source cannot be read: unreachable, an error page, an empty answer, damage.
        """
        ...
