"""Text as documents can hold it."""

from __future__ import annotations

import re

_ILLEGAL = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


def legal(text: str) -> str:
    """The text without the characters that XML 1.0 forbids, such as the control characters that Word leaves behind."""
    return _ILLEGAL.sub("", text)


def one_line(text: str) -> str:
    """The legal text with every run of white space as one blank: for titles."""
    return " ".join(legal(text).split())
