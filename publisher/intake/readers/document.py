"""What every reader yields: the clean text of one notice and what the file says beside it."""

from __future__ import annotations

from dataclasses import dataclass

from publisher.errors import NoticeReturned, Problem, Reason

MAX_BYTES = 60 * 1024 * 1024
"""Largest single document that is read, in bytes."""


MAX_TEXT = 5 * 1024 * 1024
"""Largest text, page or data file that is read, in bytes: reading takes over a second and 20 MB for each million."""


@dataclass(frozen=True, slots=True)
class Document:
    """One notice as read, before its fields are known.

    `body_html` is sanitised; `title` is a heading that the format itself marks as such; `column`
    is where the file says it was filed (a breadcrumb, a record's type); `pairs` are label and value
    of a record; `place` names the row of a workbook; `head` are the lines of a text that state fields.
    """

    body_html: str
    title: str | None = None
    column: str | None = None
    pairs: tuple[tuple[str, str], ...] = ()
    place: str | None = None
    warnings: tuple[Problem, ...] = ()
    head: str = ""


def returned(reason: Reason, detail: str, field: str | None = None) -> NoticeReturned:
    """The error that gives a file back with one reason."""
    return NoticeReturned([Problem(reason, detail, field)])
