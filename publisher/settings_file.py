"""Reading one settings file: TOML, tidied, checked against a model, every problem with its line and a remedy."""

from __future__ import annotations

import difflib
import importlib.resources
import re
import tomllib
import typing
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from publisher.toml_lines import line_of

BLANKS = " \t\r\n\f\v\u00a0\u200b\u2060\u3000\ufeff"
"""What is taken off the ends of a text: ordinary, full-width, no-break and zero-width blanks."""

_ADDRESS_KEY = re.compile(r"(^|_)(url|uri|host|address|adapter)$")
_FULL_WIDTH = re.compile(r"[\uff01-\uff5e\u3000\u3001\u3002\uff61]")

_Model = TypeVar("_Model", bound=BaseModel)


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """The nearest known word as advice to append to a message; empty if none is near."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


@dataclass(slots=True)
class SettingsFile:
    """One settings file while it is read: its tables, the problems found, and notes of what was put right."""

    label: str
    text: str = ""
    tables: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    readable: bool = True

    def where(self, place: Sequence[str | int]) -> str:
        """File, line and dotted name of a key."""
        line = line_of(self.text, place)
        name = ".".join(str(part) for part in place)
        return f"{self.label}{f':{line}' if line else ''}{f': {name}' if name else ''}"

    def wrong(self, place: Sequence[str | int], what: str) -> None:
        """Remember a problem of the key at `place`."""
        self.problems.append(f"{self.where(place)}: {what}")

    def check(self, model: type[_Model], data: object, prefix: tuple[str, ...] = ()) -> _Model | None:
        """`data` as `model`; None, and a problem for each error, if it does not fit.

        A file that could not be read has already said so; it gets no list of missing keys on top.
        """
        try:
            return model.model_validate(data)
        except ValidationError as error:
            for one in error.errors(include_url=False, include_input=False) if self.readable else ():
                place = (*prefix, *one["loc"])
                self.wrong(place, _in_words(one["type"], one["loc"], one["msg"], model))
            return None


def read_settings_file(folder: Path, name: str) -> SettingsFile:
    """The file `name` of `folder`, or the shipped one where that is absent. Problems are kept, not raised."""
    own = folder / name
    try:
        if own.exists():
            label, raw = str(own), own.read_bytes()
        else:
            label, raw = f"{name} (shipped)", importlib.resources.files("config").joinpath(name).read_bytes()
        file = SettingsFile(label, raw.decode("utf-8-sig"))
        file.tables = _tidy(file, tomllib.loads(file.text), ())
    except OSError as error:
        return _unreadable(str(own), "", f"cannot be read ({error.strerror}); check that it is a file you may read")
    except UnicodeDecodeError:
        return _unreadable(label, "", "is not UTF-8; save it as UTF-8")
    except tomllib.TOMLDecodeError as error:
        return _unreadable(label, file.text, _toml_advice(str(error)))
    return file


def _unreadable(label: str, text: str, what: str) -> SettingsFile:
    return SettingsFile(label, text, problems=[f"{label}: {what}"], readable=False)


def _toml_advice(message: str) -> str:
    if "twice" in message or "overwrite" in message:
        return f"the same name stands twice ({message}); give one of them another name or take it out"
    return f"is no valid TOML: {message}; texts stand in double quotes, headings in [brackets]"


def _tidy(file: SettingsFile, value: Any, place: tuple[str | int, ...]) -> Any:
    """`value` with blanks taken off the ends of its texts (each with a note) and its addresses checked."""
    if isinstance(value, dict):
        return {key: _tidy(file, inner, (*place, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_tidy(file, inner, (*place, index)) for index, inner in enumerate(value)]
    if not isinstance(value, str):
        return value
    trimmed = value.strip(BLANKS)
    if trimmed != value:
        file.notes.append(f"{file.where(place)}: blanks at the beginning or end were taken off")
    _check_address(file, trimmed, place)
    return trimmed


def _check_address(file: SettingsFile, value: str, place: tuple[str | int, ...]) -> None:
    plain = unicodedata.normalize("NFKC", value)
    names = [part for part in place if isinstance(part, str)]
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", plain) and not _ADDRESS_KEY.search(names[-1]):
        return
    if odd := sorted(set(_FULL_WIDTH.findall(value))):
        file.wrong(place, f"full-width character {' '.join(odd)} in an address; type it in half width")
    elif re.search(r"\s", value):
        file.wrong(place, "a blank inside an address; take it out")


_PATTERN_ADVICE = {
    "name": "a channel's name is made of a-z, 0-9 and _ and begins with a letter; change the section's heading",
    "adapter": 'is no adapter; write "module:Class", such as "channels.municipal_site:MunicipalSite"',
}
_TYPE_ADVICE = {
    "bool_type": "; write true or false, without quotes",
    "int_type": "; write a whole number, without quotes",
    "string_type": "; write it in double quotes",
}


def _in_words(kind: str, loc: Sequence[str | int], message: str, model: type[BaseModel]) -> str:
    if kind == "extra_forbidden":
        known = [name for name in _model_at(model, loc[:-1]).model_fields if name != "name"]
        return f"unknown key{did_you_mean(str(loc[-1]), known) or '; known keys: ' + ', '.join(known)}"
    if kind == "missing":
        return "is missing; add it"
    if kind == "string_pattern_mismatch":
        return _PATTERN_ADVICE.get(str(loc[-1]), "holds a character that is not allowed; take it out")
    return message.removeprefix("Value error, ") + _TYPE_ADVICE.get(kind, "")


def _model_at(model: type[BaseModel], loc: Sequence[str | int]) -> type[BaseModel]:
    """The model of the table at `loc` under `model`."""
    for part in loc:
        known = model.model_fields.get(str(part))
        if known is not None and (inner := _model_in(known.annotation)):
            model = inner
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation such as `RateSettings | None` or `tuple[CarriesRule, ...]` speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _model_in(part))), None)
