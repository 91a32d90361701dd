"""Durations in options, written as everywhere in the settings: a number and ms, s, m, h or d."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_WRITTEN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str) and (match := _WRITTEN.fullmatch(value)):
        return timedelta(seconds=float(match.group(1)) * _UNITS[match.group(2)])
    raise ValueError('is no duration; write a number and ms, s, m, h or d in quotes, such as "90s" or "12h"')


Duration = Annotated[timedelta, BeforeValidator(_duration)]
"""A field of an options model that holds a duration."""
