"""How results are printed: JSON for programs, tables and lines for people."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from publisher.errors import SettingsError
from publisher.ledger.chain import iso
from publisher.notice import LOCAL

_WIDE = 200
"""Columns where the output is no terminal: nothing is cut or broken over lines."""


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: instants as local ISO text, rows and dataclasses as objects."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date | Path):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if hasattr(value, "_mapping"):
        return {str(key): plain(inner) for key, inner in value._mapping.items()}
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    return value


def say_json(value: Any) -> None:
    """One JSON object on one line, in real characters."""
    typer.echo(json.dumps(plain(value), ensure_ascii=False))


def say(text: str = "") -> None:
    """One line for people."""
    typer.echo(text)


def say_table(heads: Sequence[str], rows: Iterable[Sequence[object]], empty: str = "（无）") -> None:
    """A table for people; `empty` where there are no rows."""
    table = Table(box=None, pad_edge=False, show_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        # Text, not markup: titles may hold brackets.
        table.add_row(*(Text(shown(cell)) for cell in row))
    if not table.row_count:
        say(empty)
        return
    width = None if sys.stdout.isatty() else _WIDE
    Console(file=sys.stdout, width=width, highlight=False).print(table)


def shown(value: object) -> str:
    """A cell: instants to the minute in local time, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(LOCAL):%Y-%m-%d %H:%M}"
    if isinstance(value, bool):
        return "是" if value else "否"
    return str(value)


def moving_line() -> Callable[[int, int, str], None]:
    """For long work: on a terminal one line on stderr that moves (done, of how many, what); elsewhere nothing."""
    if not sys.stderr.isatty():
        return lambda done, total, what: None

    def show(done: int, total: int, what: str) -> None:
        sys.stderr.write(f"\r{what}　{done * 100 // total}%（{done}/{total}）" + ("\n" if done == total else ""))
        sys.stderr.flush()

    return show


def refuse_existing(path: Path, option: str = "--out") -> None:
    """Raises SettingsError if there is something at `path`: nothing is overwritten."""
    if path.exists():
        raise SettingsError(f"{path} exists already; name another file with {option}")


def write_new_file(path: Path, data: bytes, option: str = "--out") -> None:
    """Write a new file. Raises SettingsError if it exists (`option` names another) or cannot be written."""
    try:
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise SettingsError(f"{path} exists already; name another file with {option}") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}") from error
