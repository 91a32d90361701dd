"""The report as Markdown; charts are tables of their own there, numbers are plain."""

from __future__ import annotations

from collections.abc import Sequence

from publisher.counts.report.layout import Block, Chart, Heading, Notes, Paragraph, Part, Table


def to_markdown(blocks: Sequence[Block]) -> str:
    """The whole report, ending with a line break."""
    return "\n\n".join(_block(block) for block in blocks) + "\n"


def plain(part: Part) -> str:
    """A part as text."""
    return part if isinstance(part, str) else part.text


def text_of(paragraph: Paragraph) -> str:
    """A paragraph as text."""
    return "".join(plain(part) for part in paragraph.parts)


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {block.text}"
    if isinstance(block, Paragraph):
        return text_of(block)
    if isinstance(block, Notes):
        return "\n".join(f"{number}. {text}" for number, text in enumerate(block.texts, 1))
    if isinstance(block, Chart):
        return _table(Table(("　", block.title), block.bars))
    return _table(block)


def _table(table: Table) -> str:
    rows = [_row(table.heads), "|" + " --- |" * len(table.heads)]
    return "\n".join([*rows, *(_row([plain(cell) for cell in row]) for row in table.rows)])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
