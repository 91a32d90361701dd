"""What one notice becomes on a screen: pages of rows, and what had to be replaced or left out on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from channels.kit.pictures import Picture, UnusableFont, blank, put
from channels.kit.text import legal, one_line
from channels.led_board.charset import Charset, Shown, screen_knows
from channels.led_board.fonts import Face
from channels.led_board.layout import wrap
from channels.led_board.options import PALETTES, Options
from publisher.channel import Rendition
from publisher.errors import PermanentFailure, Reason, SettingsError
from publisher.notice import html_to_text, normalise, text_digest

_LISTED = 20
"""Characters named in one message; more are counted."""


class Part(IntEnum):
    """What a row belongs to; the number is the colour in the palette."""

    TITLE = 1
    TEXT = 2
    WHERE = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a page."""

    text: str
    part: Part


@dataclass(frozen=True, slots=True)
class Cut:
    """How many characters (white space apart) the text had, and how many of them are shown."""

    whole: int
    shown: int


@dataclass(frozen=True, slots=True)
class Composed:
    """One notice as it is shown."""

    pages: tuple[tuple[Row, ...], ...]
    replaced: Mapping[str, int]
    unseen: int
    cut: Cut | None

    @property
    def digest(self) -> str:
        """Text digest of all pages in order."""
        return text_digest("\n".join(row.text for page in self.pages for row in page))

    def note(self, full_text_at: str) -> str:
        """What a reader of the receipt must know: nothing is replaced or shortened without a word."""
        return "；".join(self._notes(full_text_at))

    def _notes(self, full_text_at: str) -> Iterator[str]:
        if self.replaced:
            yield "屏幕字符替换：" + "、".join(f"{what} {times} 处" for what, times in self.replaced.items())
        if self.unseen:
            yield f"略去不可见字符 {self.unseen} 个"
        if self.cut:
            yield f"内容 {self.cut.whole} 字，屏幕显示 {self.cut.shown} 字，已注明“全文见{full_text_at}”"


class Composer:
    """Makes pages for one screen. Raises SettingsError for options that cannot work together."""

    def __init__(self, options: Options, *, practice: bool) -> None:
        self._options = options
        try:
            self._face = Face(options.dots, options.own_font)
        except UnusableFont as error:
            raise SettingsError(f"options.font: cannot be used at {options.dots} dots: {error}") from None
        knows = screen_knows(options.charset, self._face.has)
        self._charset = Charset(knows, options.substitutions)
        for key, text in options.substitutions.items():
            if not self._charset.can_show(text):
                raise SettingsError(f"options.substitutions: the screen cannot show {text!r} (for {key!r}) either")
        self._mark = "【演练】" if practice else ""
        self._where = self._rows_of(self._fixed(f"全文见{options.full_text_at}"), Part.WHERE)
        self._where_cut = self._rows_of(self._fixed(f"……全文见{options.full_text_at}"), Part.WHERE)
        if len(self._where_cut) >= self._capacity:
            raise SettingsError(
                f"options.max_pages_per_item: the line about the full text alone takes {len(self._where_cut)} of "
                f"{self._capacity} rows; allow more pages or shorten full_text_at"
            )

    @property
    def _capacity(self) -> int:
        return self._options.max_pages_per_item * self._options.rows

    def _fixed(self, text: str) -> str:
        shown = self._charset.fit(self._mark + text)
        if shown.missing:
            raise SettingsError(f"options.full_text_at: the screen cannot show {'、'.join(shown.missing)}")
        return shown.text.removeprefix(self._mark)

    def compose(self, rendition: Rendition) -> Composed:
        """The pages of a notice. Raises PermanentFailure (CANNOT_BE_SHOWN, NOT_SUPPORTED, TOO_LARGE)."""
        composed, refusals = self._composed(rendition)
        if composed is None or refusals:
            raise refusals[0]
        return composed

    def refusals(self, rendition: Rendition) -> list[PermanentFailure]:
        """Everything for which `compose` would refuse this text."""
        return self._composed(rendition)[1]

    def _composed(self, rendition: Rendition) -> tuple[Composed | None, list[PermanentFailure]]:
        """The pages, where the text can be read, and everything that keeps them from the screen."""
        try:
            text = self._charset.fit(_visible(rendition))
        except PermanentFailure as error:
            return None, [error]
        title = self._charset.fit(one_line(rendition.title))
        refusals = [*_missing(title, text)]
        if not title.text:
            return None, [*refusals, PermanentFailure(Reason.CANNOT_BE_SHOWN, "标题为空")]
        lines = [self._rows_of(self._mark + _measurable(title), Part.TITLE)]
        lines += [self._rows_of(line, Part.TEXT) for line in _measurable(text).split("\n")]
        pages, cut = self._pages(lines)
        if sum(row.part is Part.TITLE for page in pages for row in page) < len(lines[0]):
            refusals.append(self._title_too_long(title.text, len(lines[0])))
        replaced = {key: title.replaced.get(key, 0) + text.replaced.get(key, 0) for key in _keys(title, text)}
        return Composed(pages, replaced, title.unseen + text.unseen, cut), refusals

    def _title_too_long(self, title: str, rows: int) -> PermanentFailure:
        """A text may be shortened; a notice whose title does not stand there whole is not to be known by it."""
        options = self._options
        return PermanentFailure(
            Reason.TOO_LARGE,
            f"标题有 {len(title)} 个字，排成 {rows} 行；一份公告最多 {options.max_pages_per_item} 页、每页 "
            f"{options.rows} 行（含“全文见……”{len(self._where_cut)} 行），标题放不下；"
            f"请缩短标题，或调大 max_pages_per_item",
        )

    def _rows_of(self, line: str, part: Part) -> list[Row]:
        return [Row(row, part) for row in wrap(line, self._options.width, self._face.advance)]

    def _pages(self, lines: list[list[Row]]) -> tuple[tuple[tuple[Row, ...], ...], Cut | None]:
        """The pages, and what was cut so that they are not more than allowed."""
        limit, per_page = self._options.max_pages_per_item, self._options.rows
        pages = paginate([*lines, self._where], per_page)
        if len(pages) <= limit:
            return pages, None
        kept = self._capacity - len(self._where_cut)
        while len(pages := paginate([*_first_rows(lines, kept), self._where_cut], per_page)) > limit:
            kept -= 1
        whole, shown = (sum(map(_length, some)) - len(self._mark) for some in (lines, _first_rows(lines, kept)))
        return pages, Cut(whole, shown)

    def picture(self, page: Sequence[Row]) -> Picture:
        """The page as dots, exactly as large as the screen."""
        options = self._options
        picture = blank(options.width, options.height, PALETTES[options.colour])
        spare = options.height - options.rows * options.dots
        for number, row in enumerate(page):
            left, top = 0, options.dots * number + spare * (2 * number + 1) // (2 * options.rows)
            for char in row.text:
                glyph = self._face.glyph(char)
                if glyph is not None:  # compose() let no other through
                    put(picture, glyph, left, top, row.part)
                    left += glyph.advance
        return picture


def paginate(lines: Sequence[Sequence[Row]], per_page: int) -> tuple[tuple[Row, ...], ...]:
    """Rows on pages: a line that fits on one page is not parted between two."""
    pages: list[list[Row]] = [[]]
    for line in lines:
        if len(line) <= per_page < len(pages[-1]) + len(line):
            pages.append([])
        for row in line:
            if len(pages[-1]) == per_page:
                pages.append([])
            pages[-1].append(row)
    return tuple(tuple(page) for page in pages)


def _first_rows(lines: Sequence[Sequence[Row]], rows: int) -> list[Sequence[Row]]:
    kept = []
    for line in lines:
        kept.append(line[:rows])
        rows -= len(kept[-1])
    return kept


def _visible(rendition: Rendition) -> str:
    media_type = rendition.media_type.partition(";")[0].strip().lower()
    if media_type not in ("text/html", "text/plain"):
        raise PermanentFailure(Reason.NOT_SUPPORTED, f"不能展示类型为 {rendition.media_type} 的正文")
    try:
        text = legal(rendition.text)
    except UnicodeDecodeError as error:
        raise PermanentFailure(Reason.CANNOT_BE_SHOWN, "正文不是 UTF-8 编码") from error
    lines = (html_to_text(text) if media_type == "text/html" else text).splitlines()
    return "\n".join(one_line(line) for line in lines)


def _keys(*shown: Shown) -> list[str]:
    return sorted({key for one in shown for key in one.replaced})


def _measurable(shown: Shown) -> str:
    """The text as long as it will be once the characters that the screen lacks are written in others."""
    return shown.text.translate({ord(char): "口" for char in shown.missing})


def _missing(*shown: Shown) -> Iterator[PermanentFailure]:
    missing = list(dict.fromkeys(char for one in shown for char in one.missing))
    if missing:
        listed = "、".join(f"“{char}”（U+{ord(char):04X}）" for char in missing[:_LISTED])
        more = f" 等 {len(missing)} 个字符" if len(missing) > _LISTED else ""
        yield PermanentFailure(
            Reason.CANNOT_BE_SHOWN,
            f"屏幕无法显示 {listed}{more}，替换表中也没有；请修改，或在 substitutions 中加入替换",
        )


def _length(rows: Sequence[Row]) -> int:
    return len(normalise("".join(row.text for row in rows)))
