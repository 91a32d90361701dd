"""Files of rules: shipped, replaced whole by the installation or added to; read row by row."""

from __future__ import annotations

import importlib.resources
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from publisher.errors import SettingsError

T = TypeVar("T", bound=BaseModel)

Labelled = tuple[str, str]
"""A text, and the name of its file for messages."""


def read_rows(text: str, label: str, table: str, model: type[T]) -> tuple[T, ...]:
    """The rows `[[table]]` of a TOML text. Raises SettingsError that names file and row, and what is wrong with it."""
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{label}: {error}") from error
    if strange := sorted(set(data) - {table}):
        raise SettingsError(f"{label}: [[{strange[0]}]] is not known here; write [[{table}]]")
    rows = data.get(table, [])
    if not isinstance(rows, list):
        raise SettingsError(f"{label}: [{table}] must be [[{table}]], once for each row")
    return tuple(_row(row, f"{label}: [[{table}]] number {number}", model) for number, row in enumerate(rows, 1))


def _row(row: Any, label: str, model: type[T]) -> T:
    named = f"{label} ({row['id']})" if isinstance(row, dict) and isinstance(row.get("id"), str) else label
    try:
        return model.model_validate(row)
    except ValidationError as error:
        raise SettingsError(f"{named}: " + "; ".join(_said(dict(one)) for one in error.errors())) from error


def _said(error: dict[str, Any]) -> str:
    key, why = ".".join(map(str, error["loc"])), str(error["msg"]).removeprefix("Value error, ")
    given = f", not {error['input']!r}" if isinstance(error["input"], str | int) else ""
    return f"{key}: {why}{given}" if key else why


def rule_texts(folder: Path | None, name: str) -> tuple[Labelled, Labelled | None]:
    """The file `name` (such as terms.toml) and what is added to it, from the settings in `folder`.

    `rules/terms.toml` there replaces the shipped file whole; the rows of `rules/terms.own.toml` are added to it.
    Raises SettingsError that names the file.
    """
    own = _own(folder, name)
    added = _own(folder, name.replace(".toml", ".own.toml"))
    if own is None:
        own = importlib.resources.files("config").joinpath("rules", name).read_text("utf-8"), f"rules/{name}"
    return own, added


def _own(folder: Path | None, name: str) -> Labelled | None:
    path = folder / "rules" / name if folder is not None else None
    if path is None or not path.exists():
        return None
    try:
        return path.read_text("utf-8-sig"), str(path)  # editors on the staff's machines begin with a mark
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read as UTF-8 ({error})") from error
