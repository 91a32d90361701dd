"""The adapter's own keys in `channels.toml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from channels.kit.pictures import Colour

_RED, _AMBER, _GREEN, _WHITE = (255, 0, 0), (255, 191, 0), (0, 255, 0), (255, 255, 255)
_SKY = (0, 200, 255)

PALETTES: dict[str, tuple[Colour, Colour, Colour]] = {
    "red": (_RED, _RED, _RED),
    "amber": (_AMBER, _AMBER, _AMBER),
    "green": (_GREEN, _GREEN, _GREEN),
    "two": (_RED, _GREEN, _AMBER),
    "full": (_AMBER, _WHITE, _SKY),
}
"""Colours of title, text and the line that says where the full text is, on black, by kind of screen."""


class Options(BaseModel):
    """What is known of one screen.

    width, height       its dots, multiples of 8
    dots                height of a line: 16, 24 or 32
    colour              red, amber, green (one colour), two (red and green lamps) or full
    dwell               seconds for which a page stays
    max_pages_per_item  pages of one notice at most; what does not fit is shortened, and that is said on the screen
    full_text_at        where the full text is, as the last line of every notice says it
    charset             gb2312: a screen card with its own letters; gb18030: every character that has a glyph
    substitutions       what to show instead of a character that is not known, before the table that comes with us
    font                auto, or a font file (OTF, TTF, PCF) to use first
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    width: Annotated[int, Field(ge=32, le=4096, multiple_of=8, strict=True)] = 128
    height: Annotated[int, Field(ge=16, le=2048, multiple_of=8, strict=True)] = 32
    dots: Literal[16, 24, 32] = 16
    colour: Literal["red", "amber", "green", "two", "full"] = "red"
    dwell: Annotated[float, Field(ge=1, le=600)] = 8
    max_pages_per_item: Annotated[int, Field(ge=1, le=99, strict=True)] = 12
    full_text_at: Annotated[str, Field(min_length=1)] = "本单位网站"
    charset: Literal["gb2312", "gb18030"] = "gb18030"
    substitutions: dict[Annotated[str, Field(min_length=1)], str] = {}
    font: str = "auto"

    @model_validator(mode="after")
    def _a_line_fits(self) -> Self:
        if self.height < self.dots:
            raise ValueError(f"a line of {self.dots} dots does not fit on a screen of {self.height}")
        if self.width < 2 * self.dots:
            raise ValueError(f"not even two characters of {self.dots} dots fit on a screen of {self.width}")
        return self

    @property
    def own_font(self) -> Path | None:
        """The font file to use first, if there is one."""
        return None if self.font == "auto" else Path(self.font)

    @property
    def rows(self) -> int:
        """Lines on one page."""
        return self.height // self.dots
