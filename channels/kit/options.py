"""An adapter's own keys of `channels.toml`, checked."""

from __future__ import annotations

import difflib
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from publisher.errors import SettingsError

Model = TypeVar("Model", bound=BaseModel)


def read_options(model: type[Model], options: Mapping[str, Any]) -> Model:
    """The options as `model`. Raises SettingsError that names each wrong key and what is wrong with it.

    The values themselves are not repeated: somebody may have put a secret there.
    """
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        problems = "\n".join(_in_words(problem["loc"], problem["msg"], model) for problem in error.errors())
        raise SettingsError(problems) from None


def _in_words(place: tuple[int | str, ...], message: str, model: type[BaseModel]) -> str:
    key = ".".join(str(part) for part in place)
    if message == "Extra inputs are not permitted":
        known = sorted(_model_at(model, place[:-1]).model_fields)
        near = difflib.get_close_matches(str(place[-1]), known, n=1)
        advice = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        return f"options.{key}: unknown key; {advice}"
    return f"options.{key}: {message.removeprefix('Value error, ')}"


def _model_at(model: type[BaseModel], place: tuple[int | str, ...]) -> type[BaseModel]:
    """The model of the table at `place`; the last one that is known, where that is none."""
    for part in place:
        known = model.model_fields.get(str(part))
        inner = _model_in(known.annotation) if known is not None else None
        model = inner or model
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := _model_in(part))), None)
