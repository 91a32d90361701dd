"""Rules by which a site's answers are understood: which words mean what, and where number and address stand.

Nothing is success unless a rule says so. A rule is a set of conditions, all of which must hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator

from channels.kit.http import Answer

_MISSING = object()


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return value


Pattern = Annotated[str, AfterValidator(_pattern)]


class Options(BaseModel):
    """Options of an adapter: unknown keys are errors, nothing changes afterwards, values are not repeated."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Place(Options):
    """Where a value stands in an answer: `path` in JSON (names and positions with dots between), or the
    first group of `pattern` in the text (of the value at `path`, where both are given)."""

    path: str | None = None
    pattern: Pattern | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Place:
        if self.path is None and self.pattern is None:
            raise ValueError("needs a path or a pattern")
        if self.pattern is not None and re.compile(self.pattern).groups < 1:
            raise ValueError("pattern needs a group in round brackets around the value")
        return self


class Rule(Options):
    """Conditions of an answer: HTTP status, the value at `path` (present, or one of `equals`), and a regular
    expression found in the text (of the value at `path`, where both are given)."""

    status: tuple[int, ...] = ()
    path: str | None = None
    equals: tuple[str | int | bool | None, ...] = ()
    matches: Pattern | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Rule:
        if not self.status and self.path is None and self.matches is None:
            raise ValueError("needs a status, a path or a regular expression (matches)")
        if self.equals and self.path is None:
            raise ValueError("equals needs a path")
        return self


class Words:
    """An answer opened once: its JSON, if it is any, and its text; broken ones have neither."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    @cached_property
    def text(self) -> str:
        """The text; empty where it cannot be decoded."""
        try:
            return self.answer.text
        except ValueError:
            return ""

    @cached_property
    def json(self) -> Any:
        """The JSON; an empty table where it is none."""
        try:
            return json.loads(self.text)
        except ValueError:
            return {}

    def at(self, path: str) -> Any:
        """The value at a path; `_MISSING` where there is none."""
        value = self.json
        for part in path.split("."):
            if isinstance(value, Mapping) and part in value:
                value = value[part]
            elif isinstance(value, Sequence) and not isinstance(value, str) and part.isdigit():
                if int(part) >= len(value):
                    return _MISSING
                value = value[int(part)]
            else:
                return _MISSING
        return value

    def has(self, rule: Rule) -> bool:
        """Whether every condition of the rule holds. Without a status of its own a rule speaks of 2xx only."""
        status = self.answer.status
        if status not in rule.status if rule.status else not 200 <= status < 300:
            return False
        value: Any = self.text if rule.path is None else self.at(rule.path)
        if value is _MISSING or (rule.path is not None and value is None and None not in rule.equals):
            return False
        if rule.equals and not any(type(value) is type(e) and value == e for e in rule.equals):
            return False
        return rule.matches is None or re.search(rule.matches, _plain(value)) is not None

    def has_any(self, rules: Iterable[Rule]) -> bool:
        """Whether one of the rules holds."""
        return any(self.has(rule) for rule in rules)

    def find(self, place: Place | None) -> str | None:
        """The text at a place; None where there is none, or it is empty."""
        if place is None:
            return None
        value: Any = self.text if place.path is None else self.at(place.path)
        if value is _MISSING or value is None or isinstance(value, Mapping | list):
            return None
        text = _plain(value)
        if place.pattern is not None:
            found = re.search(place.pattern, text, re.DOTALL)
            text = (found.group(1) or "") if found else ""
        return text.strip() or None

    def word_at(self, path: str) -> str | None:
        """The word (or number) at a path, `null` where the site says that; None where there is no such place."""
        value = self.at(path)
        return None if value is _MISSING or isinstance(value, Mapping | list) else _plain(value).strip() or "空"

    def list_at(self, path: str) -> list[Any]:
        """The list at a path; empty where there is none."""
        value = self.at(path)
        return value if isinstance(value, list) else []

    def messages(self, places: Iterable[Place]) -> str:
        """What the site says is wrong: texts, and field by field where it names fields."""
        said: list[str] = []
        for place in places:
            value = self.at(place.path) if place.path is not None else _MISSING
            if isinstance(value, Mapping):
                said.extend(f"{name}：{_plain(text)}" for name, text in value.items())
            elif isinstance(value, list):
                said.extend(_plain(text) for text in value)
            elif text := self.find(place):
                said.append(text)
        return "；".join(dict.fromkeys(said))[:1000]

    @property
    def snippet(self) -> str:
        """The beginning of the text on one line, for a log."""
        return " ".join(self.text.split())[:200]


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    return str(value)
