"""Where in a TOML file a key stands, so that an error can name the line."""

from __future__ import annotations

import re
from collections.abc import Sequence

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")

Place = tuple[str | int, ...]


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in dotted.split(".")]


def line_of(text: str, place: Sequence[str | int]) -> int | None:
    """The 1-based line of the key at `place` (names, and indices of arrays of tables), else of its nearest table.

    Reads headers and keys line by line; a place inside an inline table or array gives the line on
    which that begins. None where not even the first part stands in the file.
    """
    wanted = tuple(place)
    best: tuple[int, int] | None = None  # (how many parts match, line)
    table: Place = ()
    seen: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        here: Place | None = None
        if header := _HEADER.match(line):
            table = here = _table(header.group(1), _parts(header.group(2)), seen)
        elif key := _KEY.match(line):
            here = (*table, *_parts(key.group(1)))
        if here and here == wanted[: len(here)] and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None


def _table(opening: str, names: list[str], seen: dict[tuple[str, ...], int]) -> Place:
    """The place a header opens: each array of tables on the way gets the index of its latest element."""
    whole = tuple(names)
    if opening == "[[":
        seen[whole] = seen.get(whole, -1) + 1
    place: list[str | int] = []
    for count, name in enumerate(names, start=1):
        place.append(name)
        if (index := seen.get(whole[:count])) is not None:
            place.append(index)
    return tuple(place)
