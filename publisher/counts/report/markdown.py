"""The report as Markdown; charts are tables there, spanning cells are resolved, numbers are plain."""

from __future__ import annotations

from collections.abc import Sequence

from publisher.counts.report.blocks import Block, Chart, Form, Heading, Notes, Paragraph, Table, plain


def to_markdown(blocks: Sequence[Block]) -> str:
    """The whole report, ending with a line break."""
    return "\n\n".join(_block(block) for block in blocks) + "\n"


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {block.text}"
    if isinstance(block, Paragraph):
        return block.text
    if isinstance(block, Notes):
        return "\n".join(f"{number}. {text}" for number, text in enumerate(block.texts, 1))
    if isinstance(block, Chart):
        return _table(Table(("　", block.title), block.bars))
    if isinstance(block, Form):
        return _form(block)
    return _table(block)


def _table(table: Table) -> str:
    rows = [_row(table.heads), "|" + " --- |" * len(table.heads)]
    return "\n".join([*rows, *(_row([plain(cell) for cell in row]) for row in table.rows)])


def _form(form: Form) -> str:
    """Every line says all that it is under: a cell over several lines is repeated, the lines of the head are joined."""
    grid = [["" for _ in form.widths] for _ in form.lines]
    for line, column, cell in form.placed():
        for below in range(line, line + cell.rows):
            grid[below][column] = plain(cell.part)
        if line + cell.rows < form.heads:  # it stands over other heads
            for beside in range(column + 1, column + cell.columns):
                grid[line][beside] = plain(cell.part)
    heads = max(form.heads, 1)
    joined = ["／".join(dict.fromkeys(text for text in column if text)) for column in zip(*grid[:heads], strict=True)]
    rows = [_row(joined), "|" + " --- |" * len(joined)]
    return "\n".join([*rows, *(_row(row) for row in grid[heads:])])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
