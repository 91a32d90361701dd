"""Reads the tables of a Markdown text."""

from __future__ import annotations


def tables_of(text: str) -> list[list[str]]:
    """The rows of all tables, heads and rules between them included, as lists of trimmed cells."""
    return [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in text.splitlines()
        if line.lstrip().startswith("|")
    ]
