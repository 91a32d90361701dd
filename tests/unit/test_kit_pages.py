"""A text made fit for the phone keeps every character and loses what WeChat forbids."""

from __future__ import annotations

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.kit.pages import NotShowable, phone_html, render_shell, text_as_html
from channels.kit.text import one_line
from publisher.notice import html_to_text, text_digest

WORD_TABLE = (
    '<p class="MsoNormal" style="font-family:宋体;text-align:center;width:900px !important">标题</p>'
    '<table width="1200" style="width:1200px"><colgroup><col width="600"></colgroup>'
    '<tr height="40"><td width="600" nowrap style="position:absolute">甲</td><td>乙</td></tr></table>'
)


def _same_text(html: str, shown: str) -> bool:
    return text_digest(html_to_text(html)) == text_digest(html_to_text(shown))


def test_fonts_fixed_widths_classes_and_positions_go_and_the_text_stays() -> None:
    shown = phone_html(WORD_TABLE)
    for forbidden in ("font-family", "px !important", "1200", "600", "900", "class=", "position", "height=", "nowrap"):
        assert forbidden not in shown
    assert _same_text(WORD_TABLE, shown)
    assert "text-align:center" in shown


@pytest.mark.parametrize(
    "html",
    [
        "<p>甲</p><script>alert(1)</script>",
        "<p onclick='alert(1)'>甲</p>",
        "<style>p{color:red}</style><p>甲</p>",
        '<p><a href="javascript:alert(1)">甲</a></p>',
        '<form><input value="x">甲</form>',
    ],
)
def test_nothing_that_runs_is_left(html: str) -> None:
    shown = phone_html(html)
    for forbidden in ("script", "onclick", "<style", "javascript", "<form", "<input"):
        assert forbidden not in shown
    assert html_to_text(shown) == "甲"


def test_a_narrow_table_fills_the_column_and_a_wide_one_can_be_moved_sideways() -> None:
    narrow = phone_html("<table><tr><td>1</td><td>2</td></tr></table>")
    wide = phone_html("<table><tr><td colspan='3'>1</td><td>2</td><td>3</td></tr></table>")
    assert "width:100%;border" in narrow
    assert "width:120%;border" in wide
    assert wide.startswith('<section style="overflow-x:auto;max-width:100%;"><table')


def test_a_table_that_holds_a_wide_one_is_framed_once_with_room_for_it() -> None:
    inner = "<table>" + "<tr>" + "<td>1</td>" * 8 + "</tr></table>"
    shown = phone_html(f"<table><tr><td>{inner}</td></tr></table>")
    assert shown.count("<section") == 1
    assert shown.index("width:192%;border") < shown.index("width:100%;border")


def test_text_around_a_table_stays_in_its_place() -> None:
    html = "前文<table><tr><td>表</td></tr></table>后文"
    assert html_to_text(phone_html(html)).split() == ["前文", "表", "后文"]


def test_links_and_pictures_with_complete_addresses_stay() -> None:
    shown = phone_html('<a href="https://a.example/1">甲</a><img src="https://a.example/1.png" width="2000">')
    assert 'href="https://a.example/1"' in shown
    assert 'src="https://a.example/1.png"' in shown and "2000" not in shown


def test_a_link_that_leads_nowhere_outside_its_site_is_only_text() -> None:
    assert phone_html('<a href="/local">甲</a>') == "<a>甲</a>"


def test_a_picture_that_would_be_missing_is_refused_and_not_dropped() -> None:
    for src in ("image001.png", "file:///c:/a.png", "javascript:1"):
        with pytest.raises(NotShowable):
            phone_html(f'<p>甲</p><img src="{src}">')


def test_markup_that_loses_text_is_refused() -> None:
    with pytest.raises(NotShowable):
        phone_html("<p>甲</p><select><option>乙</option></select><template>丙</template><textarea><p>丁</textarea>")


def test_control_characters_do_not_stop_a_text() -> None:
    assert phone_html("<p>甲\x0b乙</p>") == "<p>甲乙</p>"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_plain_text_of_any_kind_is_shown_as_it_is(text: str) -> None:
    shown = phone_html(text_as_html(text))
    kept = "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))
    assert text_digest(html_to_text(shown)) == text_digest(kept)


def test_a_title_is_one_line() -> None:
    assert one_line(" 招标\n\t公告\x07　（二） ") == "招标 公告 （二）"


def test_a_missing_value_in_a_shell_is_an_error_and_never_a_blank() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render_shell("wechat_feed/index.html.j2", title="甲")


def test_values_in_a_shell_are_escaped() -> None:
    page = render_shell("wechat_feed/index.html.j2", title="<b>", generator="g", practice=False, author="&", rows=[])
    assert "&lt;b&gt;" in page and "<b>" not in page
