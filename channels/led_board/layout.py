"""Lines of a text as rows of a screen: wrapped by characters, with the rules of Chinese typesetting for line ends."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

_NOT_FIRST = "，。、；：？！）》】」』〉〕”’…—·％%,.;:?!)]}"
_NOT_LAST = "（《【「『〈〔“‘([{￥"
_TOGETHER = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d|\d{4}年\d{1,2}月\d{1,2}日|[\d,.]+ ?(?:万?元|平方米|㎡|米|%)"
    r"|[A-Za-z0-9.,:/%+\-_@&#'()\[\]]+|\s+|.",
    re.DOTALL,
)
"""What stays on one row if it can: a number, an amount, a date, a word."""


_STEP = 8


def wrap(line: str, width: int, advance: Callable[[str], int]) -> list[str]:
    """The rows of one line of text, each at most `width` dots wide; white space at a row's ends is dropped.

    If only a character or two would be left for the last row, the rows are made more even.
    """
    pieces = [(piece, sum(map(advance, piece))) for piece in _pieces(line, width, advance)]
    rows = _filled(pieces, width)
    narrower = width - _STEP
    widest = max((takes for _, takes in pieces), default=0)
    # Rows narrower than the widest piece would be no other rows: then the short last one stays.
    while narrower >= widest and len(rows) > 1 and sum(map(advance, rows[-1])) < width // 4:
        even = _filled(pieces, narrower)
        if len(even) > len(rows):
            break
        rows, narrower = even, narrower - _STEP
    return rows


def _filled(pieces: Sequence[tuple[str, int]], width: int) -> list[str]:
    """Rows of pieces whose widths are given, each row as full as can be; a wider piece has a row of its own."""
    rows, row, used = [], "", 0
    for piece, takes in pieces:
        if used + takes > width and row:
            rows.append(row.rstrip())
            row, used = "", 0
        if row or not piece.isspace():
            row, used = row + piece, used + takes
    return [kept for kept in (*rows, row.rstrip()) if kept]


def _pieces(line: str, width: int, advance: Callable[[str], int]) -> Iterator[str]:
    """What must not be parted: words and figures with the marks that belong to them, cut only where too wide."""
    joined: list[str] = []
    for word in _TOGETHER.findall(line):
        before = joined[-1] if joined else ""
        clings = before and not before.isspace() and (word[0] in _NOT_FIRST or before[-1] in _NOT_LAST)
        if clings:
            joined[-1] += word
        else:
            joined.append(word)
    for piece in joined:
        if sum(map(advance, piece)) <= width:
            yield piece
        else:
            for word in re.findall(r"\s+|[^\s-]+-*|-+", piece):
                yield from _halves(word, width, advance)


def _halves(piece: str, width: int, advance: Callable[[str], int]) -> Iterator[str]:
    """A piece wider than a row, in parts that fit."""
    part, used = "", 0
    for char in piece:
        if used + advance(char) > width and part:
            yield part
            part, used = "", 0
        part, used = part + char, used + advance(char)
    yield part
