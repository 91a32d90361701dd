"""The letters of a screen: bitmap letters that come with the program, and an outline font for all the rest.

16 and 24 dots are drawn for their size (the fonts that X has carried since the 1980s, see `fonts/COPYING.txt`) and hold
GB 2312 and ASCII. Everything else, and all of 32 dots, is Noto Sans SC without smoothing. See docs/adr/0006.
"""

from __future__ import annotations

import importlib.resources
from functools import cache
from pathlib import Path

from channels.kit.pictures import Glyph, GlyphSheet, OutlineFont, chinese_font
from channels.led_board.charset import gb2312_cells

_DRAWN = (16, 24)


class Face:
    """The letters at one height. `own`: a font file that goes before the ones that come with the program."""

    def __init__(self, dots: int, own: Path | None = None) -> None:
        """`dots`: height of a line. Raises UnusableFont."""
        self.dots = dots
        self._outlines = [OutlineFont(own, dots)] if own else []
        self._drawn = _drawn(dots) if dots in _DRAWN and own is None else None
        self._outlines.append(OutlineFont(chinese_font(), dots))
        self.glyph = cache(self._find)

    def has(self, char: str) -> bool:
        """Whether there is a glyph for the character."""
        return self.glyph(char) is not None

    def advance(self, char: str) -> int:
        """How many dots the character takes. It must be one that the face has."""
        glyph = self.glyph(char)
        if glyph is None:
            raise ValueError(f"no glyph for {char!r}")
        return glyph.advance

    def _find(self, char: str) -> Glyph | None:
        """The glyph, or None if no font has it."""
        if self._drawn and (glyph := self._drawn.glyph(char)):
            return glyph
        for font in self._outlines:
            if glyph := font.glyph(char):
                return glyph
        return None


class _Drawn:
    """The bitmap letters of one height: Chinese in squares, ASCII in half of one."""

    def __init__(self, dots: int) -> None:
        folder = importlib.resources.files("channels.led_board") / "fonts"
        self._han = GlyphSheet((folder / f"gb2312-{dots}.png").read_bytes(), dots, dots)
        self._ascii = GlyphSheet((folder / f"ascii-{dots}.png").read_bytes(), dots // 2, dots)

    def glyph(self, char: str) -> Glyph | None:
        if " " <= char <= "~":
            return self._ascii.glyph(0, ord(char) - ord(" "))
        cell = gb2312_cells().get(char)
        return self._han.glyph(*cell) if cell else None


@cache
def _drawn(dots: int) -> _Drawn:
    return _Drawn(dots)
