"""Kinds of values in the settings: durations, sizes, paths, windows; each says in words what it wants."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from publisher.hours import Quiet, Window, parse_quiet, parse_window

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_SIZES = {"KB": 1024, "MB": 1024**2, "GB": 1024**3}
_SIZE = re.compile(r"([0-9]+)\s*(KB|MB|GB)")


def parse_duration(value: object) -> timedelta:
    """A duration as written in the settings: a number and ms, s, m, h or d, such as "90s" or "12h".

    Raises ValueError for anything else; a bare number too, because its unit would be a guess.
    """
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and (match := _DURATION.fullmatch(value)):
        return timedelta(seconds=float(match.group(1)) * _UNITS[match.group(2)])
    if isinstance(value, int | float) or (isinstance(value, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?", value)):
        raise ValueError(f'{value} has no unit; write "{value}s", "{value}m", "{value}h" or "{value}d" in quotes')
    raise ValueError('is no duration; write a number and ms, s, m, h or d in quotes, such as "90s" or "12h"')


def _positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError('must be longer than zero; write for example "1s"')
    return value


def _size(value: object) -> object:
    if isinstance(value, str) and (match := _SIZE.fullmatch(value)):
        return int(match.group(1)) * _SIZES[match.group(2)]
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError('is no size; write bytes as a number, or a number and KB, MB or GB in quotes, such as "100MB"')
    return value


def _path_in_words(value: object) -> object:
    if isinstance(value, Path | str):
        return Path(value)
    raise ValueError("is no path; write it in quotes")


Duration = Annotated[timedelta, BeforeValidator(parse_duration), AfterValidator(_positive)]
AnyDuration = Annotated[timedelta, BeforeValidator(parse_duration)]
Size = Annotated[int, BeforeValidator(_size), Field(ge=1)]
PathText = Annotated[Path, BeforeValidator(_path_in_words)]
WindowText = Annotated[Window, BeforeValidator(parse_window)]
QuietText = Annotated[Quiet, BeforeValidator(parse_quiet)]
FolderName = Annotated[str, Field(strict=True, pattern=r"^[^/\\\x00-\x1f]+$")]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
