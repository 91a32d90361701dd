"""One notice prepared for extraction: its lines, tables, pairs and what was said about it from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from publisher.intake.extract.blocks import Block, Line, Table, blocks_of
from publisher.intake.extract.grids import Grid, grids_of
from publisher.intake.extract.pairs import pairs_of
from publisher.intake.extract.pieces import Pair
from publisher.intake.extract.typed_tables import with_typed_tables
from publisher.intake.readers.document import Document

_BLANK = re.compile(
    r"[\s/／\\\-—_＿.。、：:（）()]*(?:(?:盖章|签章|签字|签名|公章|单位盖章|或|盖单位章)[\s）)（(]*)*|无|空|/|待定|不适用|N/?A",
    re.I,
)


def is_blank(text: str | None) -> bool:
    """Whether a value says nothing: empty, a stroke, 无, or only the words beside a seal."""
    return text is None or bool(_BLANK.fullmatch(text.strip()))


@dataclass(frozen=True)
class Source:
    """What the extraction works on. `attached` are the names of the files handed in beside the text."""

    document: Document
    title: str
    declared: str | None = None
    attached: tuple[str, ...] = ()

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """Lines and tables in reading order."""
        return with_typed_tables(blocks_of(self.document.body_html))

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """Every label with its value."""
        return pairs_of(self.blocks, self.document.pairs)

    @cached_property
    def grids(self) -> tuple[Grid, ...]:
        """Every table part with column heads."""
        return grids_of(self.blocks)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The lines outside tables."""
        return tuple(block for block in self.blocks if isinstance(block, Line))

    @cached_property
    def placed(self) -> tuple[tuple[str, str], ...]:
        """Each line and each table cell with its place, in reading order."""
        found: list[tuple[str, str]] = []
        for block in self.blocks:
            if isinstance(block, Line):
                found.append((block.text, block.place))
            elif isinstance(block, Table):
                for number, row in enumerate(block.rows):
                    found.extend((cell.text, block.place(number)) for cell in row if cell.origin)
        return tuple(found)

    @cached_property
    def flat(self) -> str:
        """All text, line by line."""
        return "\n".join(text for text, _ in self.placed)

    def with_key(self, *keys: str) -> Iterator[Pair]:
        """The pairs of these keys that say something, in reading order."""
        return (pair for pair in self.pairs if pair.key in keys and not is_blank(pair.value))

    def search(self, pattern: re.Pattern[str]) -> tuple[re.Match[str], str] | None:
        """The first line or cell in which the pattern is found, with its place."""
        for text, place in self.placed:
            if found := pattern.search(text):
                return found, place
        return None
