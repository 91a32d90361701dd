"""What a screen can show of a text: its characters, their dots, the substitutes, the rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont

from channels.kit.pictures import Glyph, OutlineFont, chinese_font
from channels.led_board.charset import SUBSTITUTES, Charset, gb2312_cells, screen_knows
from channels.led_board.fonts import Face
from channels.led_board.layout import wrap
from publisher.notice import normalise

HEIGHTS = (16, 24, 32)
HAN = re.compile(r"[\u4e00-\u9fff]")


@cache
def face(dots: int) -> Face:
    return Face(dots)


def charset(name: str = "gb2312", **extra: str) -> Charset:
    return Charset(screen_knows(name, face(16).has), extra)


def half_or_whole(char: str) -> int:
    return 8 if char.isascii() else 16


# ---- characters


def test_gb2312_has_6763_chinese_characters_and_682_signs() -> None:
    chars = gb2312_cells()
    assert sum(1 for char in chars if HAN.match(char)) == 6763
    assert len(chars) == 6763 + 682
    assert {"·", "—", "曲", "①", "Ⅻ", "㈠", "¤"} <= chars.keys()
    assert not {"镕", "㎡", "〇", "\u30fb", "\u2015"} & chars.keys()


@pytest.mark.parametrize("dots", HEIGHTS)
def test_every_character_of_gb2312_has_dots_of_its_own_in_a_cell_of_its_height(dots: int) -> None:
    missing_box = _box(dots)
    seen: dict[bytes, str] = {}
    for char in gb2312_cells():
        glyph = face(dots).glyph(char)
        assert glyph is not None, char
        assert glyph.has_ink or char == "\u3000", char
        assert glyph.mask.height == dots and glyph.advance >= dots // 4
        assert glyph.dots != missing_box
        if HAN.match(char):
            assert glyph.advance == dots, char
            other = seen.setdefault(glyph.dots, char)
            assert other == char, f"{other} and {char} look alike"


@pytest.mark.parametrize("dots", HEIGHTS)
def test_ascii_is_there_and_a_private_character_is_not(dots: int) -> None:
    for code in range(0x21, 0x7F):
        glyph = face(dots).glyph(chr(code))
        assert glyph is not None and glyph.has_ink and glyph.mask.height == dots
    assert face(dots).has(" ") and face(dots).has("镕") and face(dots).has("㎡")
    assert not face(dots).has("\ue000") and not face(dots).has("\U0010ffff") and not face(dots).has("😀")


@pytest.mark.parametrize("char", "gjpqy,;Q()|ÀÅ，")
def test_no_letter_is_cut_at_the_edge_of_its_cell(char: str) -> None:
    glyph = OutlineFont(chinese_font(), 32).glyph(char)
    assert glyph is not None
    uncut = {
        _ink(ImageFont.truetype(chinese_font(), dots, layout_engine=ImageFont.Layout.BASIC), char)
        for dots in (32, 28, 24)
    }
    assert sum(glyph.mask.convert("L").histogram()[255:]) in uncut


def _ink(font: ImageFont.FreeTypeFont, char: str) -> int:
    sheet = Image.new("1", (200, 200))
    pen = ImageDraw.Draw(sheet)
    pen.fontmode = "1"
    pen.text((80, 100), char, fill=1, font=font, anchor="ls")
    return sum(sheet.convert("L").histogram()[255:])


@pytest.mark.parametrize("dots", (16, 24))
def test_the_drawn_letters_are_the_ones_their_place_says(dots: int) -> None:
    """Compared with another font: of two hundred characters that of the same name is often the most alike.

    By chance it would be so once.
    """
    others = OutlineFont(chinese_font(), dots)
    chars = [char for char in gb2312_cells() if HAN.match(char)][::34]
    shapes = {char: _shape(others.glyph(char)) for char in chars}
    alike = sum(_nearest(_shape(face(dots).glyph(char)), shapes) == char for char in chars)
    assert len(chars) > 190 and alike > 80


def _nearest(shape: list[int], shapes: dict[str, list[int]]) -> str:
    return min(shapes, key=lambda char: _difference(shape, shapes[char]))


def _box(dots: int) -> bytes:
    font = OutlineFont(chinese_font(), dots)
    font._missing = ((0, 0), b"")  # so that the box itself is taken for a letter
    glyph = font.glyph("\U0010ffff")
    assert glyph is not None and glyph.has_ink
    return glyph.dots


def _shape(glyph: Glyph | None) -> list[int]:
    """Where the ink is, whatever the size: grey values of eight by eight fields of the inked part."""
    assert glyph is not None
    return list(glyph.mask.crop(glyph.mask.getbbox()).convert("L").resize((8, 8), Image.Resampling.BOX).tobytes())


def _difference(one: list[int], other: list[int]) -> int:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


# ---- substitutes


def test_what_a_card_lacks_is_replaced_as_declared_and_counted() -> None:
    shown = charset().fit("面积3000㎡，绿地200m²、3km²，⑪号楼二〇一七年，⼯期90天，①标段")
    assert shown.text == "面积3000平方米，绿地200平方米、3平方公里，(11)号楼二零一七年，工期90天，①标段"
    assert shown.replaced == {"km²→平方公里": 1, "m²→平方米": 1, "⑪→(11)": 1, "〇→零": 1, "㎡→平方米": 1, "⼯→工": 1}
    assert shown.missing == () and shown.unseen == 0


def test_what_can_be_shown_is_never_replaced() -> None:
    shown = charset("gb18030").fit("镕 ㎡ ① m² 〇")
    assert (shown.text, shown.replaced) == ("镕 ㎡ ① m² 〇", {})


def test_what_has_neither_dots_nor_a_substitute_is_named() -> None:
    assert charset().fit("朱镕、㎡、镕、喆").missing == ("镕", "喆")
    assert charset("gb18030").fit("镕\ue000").missing == ("\ue000",)


def test_the_office_may_add_substitutes_and_they_go_before_ours() -> None:
    shown = charset(镕="熔", **{"㎡": "平米"}).fit("镕1㎡")
    assert (shown.text, shown.missing) == ("熔1平米", ())


def test_invisible_characters_are_left_out_and_counted() -> None:
    shown = charset().fit("曲\u200b阜\ufeff市\u00ad")
    assert (shown.text, shown.unseen) == ("曲阜市", 3)


@pytest.mark.parametrize("char", ["—", "·", "“", "…", "￥", "～", "‖", "℃", "№", "§"])
def test_signs_that_codecs_disagree_about_are_shown_as_they_are(char: str) -> None:
    assert charset().fit(char).text == char


@given(st.text())
def test_no_text_becomes_a_question_mark_and_nothing_is_dropped_unnamed(text: str) -> None:
    shown = charset().fit(text)
    assert shown.text.count("?") == text.count("?")
    for char in shown.text.replace("\n", ""):
        assert charset().can_show(char) or char in shown.missing


def test_every_shipped_substitute_is_within_gb2312_and_needed_somewhere() -> None:
    for key, text in SUBSTITUTES.items():
        assert key != text
    unusable = {key: text for key, text in SUBSTITUTES.items() if not charset().can_show(text)}
    # radicals of old characters that are themselves not in GB 2312
    assert all(ord(key) in range(0x2F00, 0x2FD6) for key in unusable)


# ---- rows


def test_a_row_does_not_begin_with_a_closing_mark_nor_end_with_an_opening_one() -> None:
    assert wrap("一二三四五六七八，九十", 128, half_or_whole) == ["一二三四五六七", "八，九十"]
    assert wrap("一二三四五六七（八）九十", 128, half_or_whole) == ["一二三四五六七", "（八）九十"]


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("中标价格为人民币：12,345,678.90 元整", "12,345,678.90 元"),
        ("投标截止时间定为：2017-12-28 09:00前", "2017-12-28 09:00"),
        ("投标截止时间：2017年12月28日上午", "2017年12月28日"),
        ("项目的编号：QFZB-2017-0412号", "QFZB-2017-0412"),
        ("塑胶跑道的面积：8000㎡左右", "8000㎡"),
    ],
)
def test_an_amount_a_time_and_a_number_are_not_parted(line: str, kept: str) -> None:
    assert [row for row in wrap(line, 128, half_or_whole) if kept in row]


def test_a_number_wider_than_the_screen_is_parted_after_a_hyphen() -> None:
    assert wrap("JSZC-320000-JCEC-G2026-0014", 136, half_or_whole) == ["JSZC-320000-JCEC-", "G2026-0014"]


def test_no_single_character_is_left_for_the_last_row() -> None:
    assert wrap("曲阜市陵城镇崇文社", 128, half_or_whole) == ["曲阜市陵城镇崇", "文社"]


@example("）：。）%", 64)  # two pieces, the first as wide as the screen: no narrower row makes them more even
@given(
    st.text(alphabet="曲阜市工程（）“”，。：、0123456789.-: QFZB元年月日㎡%", max_size=60),
    st.sampled_from([32, 64, 128, 192]),
)
def test_rows_hold_the_whole_text_in_order_and_fit(line: str, width: int) -> None:
    rows = wrap(line, width, half_or_whole)
    assert normalise("".join(rows)) == normalise(line)
    assert all(sum(map(half_or_whole, row)) <= width for row in rows)
    assert "" not in rows


def test_wrapping_a_long_line_takes_no_longer_than_its_length_asks_for() -> None:
    calls = 0

    def counted(char: str) -> int:
        nonlocal calls
        calls += 1
        return half_or_whole(char)

    measure: Callable[[str], int] = counted
    wrap("曲" * 2000, 128, measure)
    once = calls
    wrap("曲" * 4000, 128, measure)
    assert calls - once < 3 * once
