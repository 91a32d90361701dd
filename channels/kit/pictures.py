"""The door to Pillow: small pictures made of dots, letters as dots, and picture files written and read back.

A picture here is a palette picture whose colour 0 is black; nothing is smoothed, so that each dot is a lamp that is
on or off. The same calls give the same bytes with the same version of Pillow.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError
from pylopdf_fonts_zh_cn import sans_path

Picture = Image.Image
"""A palette picture, as `blank` makes it."""

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255 each."""

_UNMAPPED = "\U0010ffff"
"""A code point that is no character: what a font shows for it is its box for the missing."""

_BASELINE = 0.88
"""Where letters stand, from the top of the cell: the ascent of an em of Chinese fonts."""


class UnreadablePicture(Exception):
    """The bytes are no picture."""


class UnusableFont(Exception):
    """The file is no font, or has no letters of the size asked for."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """One character as dots: a mask of one bit, and how far the next one stands to the right."""

    mask: Image.Image
    advance: int

    @property
    def has_ink(self) -> bool:
        """Whether any dot is on."""
        return self.mask.getbbox() is not None

    @property
    def dots(self) -> bytes:
        """The dots as bytes, for comparing."""
        return self.mask.tobytes()


class GlyphSheet:
    """Glyphs of one size that stand in rows and columns in one picture."""

    def __init__(self, data: bytes, width: int, height: int) -> None:
        """`data`: a picture file of one bit; `width` and `height` of a cell in dots."""
        with Image.open(io.BytesIO(data)) as picture:
            self._sheet = picture.convert("1")
        self._width, self._height = width, height

    def glyph(self, row: int, column: int) -> Glyph:
        """The glyph in this cell, counted from 0."""
        left, top = column * self._width, row * self._height
        return Glyph(self._sheet.crop((left, top, left + self._width, top + self._height)), self._width)


class OutlineFont:
    """A font file of any kind that FreeType reads, drawn without smoothing in cells of `dots` height."""

    def __init__(self, path: Path, dots: int) -> None:
        """Raises UnusableFont."""
        self._dots = dots
        self._path = path
        self._largest = self._open(dots)
        self._missing = _ink(self._largest, _UNMAPPED)

    def glyph(self, char: str) -> Glyph | None:
        """The character, whole within the cell; None if the font does not have it."""
        ink = _ink(self._largest, char)
        if not char.isspace() and (ink == self._missing or not any(ink[1])):
            return None
        for dots in (self._dots, self._dots * 7 // 8, self._dots * 3 // 4):
            try:
                font = self._open(dots)
            except UnusableFont:
                continue  # a bitmap font of one size; the last glyph is cut at the edge of its cell
            glyph, fits = _draw(font, char, self._dots)
            if fits:
                break
        return glyph

    def _open(self, dots: int) -> ImageFont.FreeTypeFont:
        if dots == self._dots and hasattr(self, "_largest"):
            return self._largest
        try:
            # the basic layout: the other one is a library that is there on some machines only
            return ImageFont.truetype(self._path, dots, layout_engine=ImageFont.Layout.BASIC)
        except OSError as error:
            raise UnusableFont(str(error)) from error


def _ink(font: ImageFont.FreeTypeFont, char: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(char, mode="1")
    return mask.size, bytes(mask)


def _draw(font: ImageFont.FreeTypeFont, char: str, dots: int) -> tuple[Glyph, bool]:
    """The glyph in its cell, and whether all of its ink is in there."""
    left, top, right, bottom = (round(edge) for edge in font.getbbox(char, anchor="ls"))
    baseline = round(dots * _BASELINE)
    baseline -= max(0, baseline + bottom - dots)
    baseline += max(0, -(baseline + top))
    shift = max(0, -left)
    advance = max(1, round(font.getlength(char)), right + shift)
    mask = Image.new("1", (advance, dots))
    pen = ImageDraw.Draw(mask)
    pen.fontmode = "1"
    pen.text((shift, baseline), char, fill=1, font=font, anchor="ls")
    return Glyph(mask, advance), bottom - top <= dots


def chinese_font() -> Path:
    """The outline font that is installed with the program: Noto Sans SC (SIL Open Font License 1.1)."""
    return sans_path()


def blank(width: int, height: int, colours: Sequence[Colour]) -> Picture:
    """A black picture that can show `colours`: they are its colours 1, 2 …"""
    picture = Image.new("P", (width, height), 0)
    picture.putpalette([part for colour in ((0, 0, 0), *colours) for part in colour])
    return picture


def put(picture: Picture, glyph: Glyph, left: int, top: int, colour: int) -> None:
    """Draw `glyph` with its upper left corner at this place in the palette's `colour`."""
    picture.paste(colour, (left, top), glyph.mask)


def as_bmp(picture: Picture) -> bytes:
    """A Windows bitmap of 24 bits a dot."""
    return _saved(picture.convert("RGB"), "BMP")


def as_one_bit_bmp(picture: Picture) -> bytes:
    """A Windows bitmap of one bit a dot: every colour but black is on."""
    return _saved(picture.point([0] + [255] * 255, "L").convert("1"), "BMP")


def as_png(picture: Picture) -> bytes:
    """A PNG."""
    return _saved(picture, "PNG", optimize=True)


def as_gif(pictures: Sequence[Picture], seconds: float) -> bytes:
    """An endless GIF, each picture for so many seconds; equal neighbours become one frame that lasts longer."""
    first, *others = pictures
    return _saved(
        first, "GIF", save_all=True, append_images=others, duration=round(seconds * 1000), loop=0, optimize=False
    )


def _saved(picture: Image.Image, form: str, **how: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, form, **how)
    return file.getvalue()


@dataclass(frozen=True, slots=True)
class Looked:
    """What a picture file is: its kind (`BMP`, `PNG`, `GIF`), dots, bits a dot, and how long it plays in seconds."""

    form: str
    width: int
    height: int
    bits: int
    frames: int
    seconds: float


_BITS = {"1": 1, "P": 8, "L": 8, "RGB": 24, "RGBA": 32}


def look(data: bytes) -> Looked:
    """Decode a picture file whole. Raises UnreadablePicture."""
    try:
        with Image.open(io.BytesIO(data)) as picture:
            frames = getattr(picture, "n_frames", 1)
            form, bits = picture.format or "", _BITS.get(picture.mode, 0)
            milliseconds = 0
            for frame in range(frames):
                picture.seek(frame)
                picture.load()
                milliseconds += picture.info.get("duration", 0)
            return Looked(form, picture.width, picture.height, bits, frames, milliseconds / 1000)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        # SyntaxError is what Pillow raises for some broken PNG files
        raise UnreadablePicture(str(error)) from error
