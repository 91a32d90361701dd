"""An adapter's own keys of `channels.toml`, checked."""

from __future__ import annotations

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
        problems = "; ".join(_in_words(problem["loc"], problem["msg"], model) for problem in error.errors())
        raise SettingsError(problems) from None


def _in_words(place: tuple[int | str, ...], message: str, model: type[BaseModel]) -> str:
    key = ".".join(str(part) for part in place)
    if message == "Extra inputs are not permitted":
        return f"options.{key}: unknown key; this adapter knows {', '.join(sorted(model.model_fields))}"
    return f"options.{key}: {message.removeprefix('Value error, ')}"
