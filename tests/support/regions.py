"""Notices of other regions kept as files under `tests/data/regions`, each with the fields a clerk reads in it.

A file holds many notices: a line `=== name | container | folder`, one line of JSON with the fields, a line `---`, and
the notice. Within a notice a line `|a|b|` is a row of a table, a line that begins with `<` is markup as it stands, and
any other line is a paragraph. The container says what the clerk drops: txt, gbk (a text in GBK), html, gbk-html
(declared as gb2312), docx or pdf.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.office_files import docx_of, pdf_of

_FOLDER = Path(__file__).parents[1] / "data" / "regions"
_HEAD = re.compile(r"^=== (?P<name>[^|\n]+?)\s*\|\s*(?P<container>[\w-]+)\s*(?:\|\s*(?P<folder>\S+))?\s*$", re.M)


@dataclass(frozen=True)
class Dropped:
    """One notice: its file as dropped, the folder it lies in, and the fields it must give."""

    name: str
    file_name: str
    data: bytes
    folder: str | None
    fields: Mapping[str, Any]


def dropped() -> Iterator[Dropped]:
    """Every notice of every file."""
    for path in sorted(_FOLDER.glob("*.txt")):
        text = path.read_text("utf-8")
        heads = list(_HEAD.finditer(text))
        for at, head in enumerate(heads):
            end = heads[at + 1].start() if at + 1 < len(heads) else len(text)
            fields, body = text[head.end() : end].strip("\n").split("\n---\n", 1)
            ending, data = packed(head["container"], body.strip("\n").split("\n"))
            yield Dropped(head["name"], f"公告.{ending}", data, head["folder"], json.loads(fields))


def packed(container: str, lines: Sequence[str]) -> tuple[str, bytes]:
    """Ending and bytes of the notice in its container."""
    if container == "txt":
        return "txt", "\n".join(lines).encode()
    if container == "gbk":
        return "txt", "\r\n".join(lines).encode("gbk")
    if container == "html":
        return "html", _page(lines, "utf-8").encode()
    if container == "gbk-html":
        return "htm", _page(lines, "gb2312").encode("gb18030")
    if container == "docx":
        return "docx", docx_of(*_blocks(lines))
    if container == "pdf":
        return "pdf", pdf_of([lines[at : at + 34] for at in range(0, len(lines), 34)])
    raise ValueError(container)


def _blocks(lines: Sequence[str]) -> Iterator[str | list[list[str]]]:
    """Paragraphs, and rows that follow each other as one table, short ones filled up."""
    rows: list[list[str]] = []
    for line in [*lines, ""]:
        if line.startswith("|"):
            rows.append(line.strip().strip("|").split("|"))
            continue
        if rows:
            width = max(len(row) for row in rows)
            yield [row + [""] * (width - len(row)) for row in rows]
            rows = []
        if line:
            yield line


def _page(lines: Sequence[str], charset: str) -> str:
    parts = []
    for block in _blocks(lines):
        if isinstance(block, str):
            parts.append(block if block.startswith("<") else f"<p>{block}</p>")
        else:
            rows = ("".join(f"<td>{cell}</td>" for cell in row) for row in block)
            parts.append("<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>")
    body = "\n".join(parts)
    return f'<html><head><meta charset="{charset}"><title>公告</title></head><body>{body}</body></html>'


def as_read(found: Any, wanted: Any) -> Any:
    """`found` cut down to what `wanted` speaks of."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return {key: as_read(found.get(key), value) for key, value in wanted.items()}
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [as_read(one, other) for one, other in zip(found, wanted, strict=True)]
    return found
