"""An adapter's options are checked key by key."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict, Field

from channels.kit.options import read_options
from publisher.errors import SettingsError


class Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    base_url: str
    size: int = Field(default=3, ge=1)


def test_good_options_come_back_typed() -> None:
    assert read_options(Options, {"base_url": "x", "size": 5}) == Options(base_url="x", size=5)


def test_every_wrong_key_is_named_at_once_and_no_value_is_repeated() -> None:
    with pytest.raises(SettingsError) as error:
        read_options(Options, {"sizes": "hunter2", "size": 0})
    told = str(error.value)
    assert "options.sizes: unknown key; did you mean size?" in told
    assert "options.size: " in told and "options.base_url: " in told
    assert "hunter2" not in told
