"""What the LED board promises beside the contract of sets: sizes, order, characters, shortening, files."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from channels.kit.files import Fault, no_fault
from channels.kit.pictures import UnreadablePicture, chinese_font, look
from channels.led_board import LedBoard
from channels.led_board.fonts import Face
from channels.led_board.options import PALETTES
from publisher.channel import Item, Receipt, Tier
from publisher.errors import ChannelError, PermanentFailure, Reason, SettingsError, TransientFailure
from publisher.notice import LOCAL, Dates, Form, Money, Notice, Party, ProjectClass, html_to_text, text_digest
from publisher.render import Renderer
from publisher.settings import ChannelSettings
from tests.support.builders import START, a_change_notice, a_config, a_notice, an_item
from tests.support.sets import a_set, context

SHIPPED = ChannelSettings(name="hall_led", title="大厅LED屏", adapter="channels.led_board:LedBoard", tier=Tier.ON_SITE)


def _board(folder: Path, *, practice: bool = False, fault: Fault = no_fault, **options: Any) -> LedBoard:
    config = a_config(
        "hall_led", title="大厅LED屏", practice=practice, folder=folder, options={"full_text_at": "本站", **options}
    )
    return LedBoard(config, fault=fault)


def _manifest(folder: Path) -> Any:
    return json.loads((folder / "current" / "manifest.json").read_text(encoding="utf-8"))


def _texts(folder: Path) -> list[str]:
    return [path.read_bytes().decode("utf-8-sig") for path in sorted((folder / "current").glob("*.utf8.txt"))]


def _item(title: str, html: str = "<p>正文</p>", *, key: str = "1", **more: Any) -> Item:
    return an_item(a_notice(title=title, body_html=html, **more), key=f"d-{key}", notice_key=f"k-{key}")


def _rendered(notice: Notice) -> Item:
    return replace(an_item(notice), rendition=Renderer().render(notice, SHIPPED, whole_text=False))


def _answer(board: LedBoard, item: Item) -> Receipt | ChannelError:
    return board.show([item], context())[item.delivery_key]


def _lit(picture: Image.Image) -> set[tuple[int, int]]:
    lamps = picture.convert("L")
    return {(x, y) for x in range(lamps.width) for y in range(lamps.height) if lamps.getpixel((x, y))}


# ---- pictures


@pytest.mark.parametrize(("width", "height", "dots"), [(128, 32, 16), (192, 32, 32), (320, 96, 24)])
def test_every_picture_is_exactly_as_large_as_the_screen(tmp_path: Path, width: int, height: int, dots: int) -> None:
    _board(tmp_path, width=width, height=height, dots=dots, dwell=5).show(a_set("甲", "乙"), context())
    current = tmp_path / "current"
    pages = len(_manifest(tmp_path)["pages"])
    for end, form, mode in ((".bmp", "BMP", "RGB"), (".1bit.bmp", "BMP", "1"), (".png", "PNG", "P")):
        for number in range(1, pages + 1):
            with Image.open(current / f"{number:03d}{end}") as picture:
                assert (picture.format, picture.mode, picture.size) == (form, mode, (width, height))
    with Image.open(current / "all.gif") as moving:
        assert (moving.format, moving.size, moving.info["loop"]) == ("GIF", (width, height), 0)
    played = look((current / "all.gif").read_bytes())
    assert played.frames == pages >= 2 and played.seconds == 5 * pages


def test_the_files_of_a_page_show_the_same_lamps_and_they_are_the_letters_of_its_text(tmp_path: Path) -> None:
    _board(tmp_path, width=128, height=32, dots=16, colour="amber").show([_item("曲阜A镕")], context())
    current = tmp_path / "current"
    with Image.open(current / "001.png") as png, Image.open(current / "001.bmp") as bmp:
        lit, colours = _lit(png), {colour for _, colour in bmp.getcolors() or []}
        assert _lit(bmp) == lit and colours == {(0, 0, 0), (255, 191, 0)}
    with Image.open(current / "001.1bit.bmp") as mono:
        assert _lit(mono) == lit
    with Image.open(current / "all.gif") as gif:
        assert _lit(gif.convert("RGB")) == lit
    face, expected, left = Face(16), set(), 0
    for top, row in enumerate(_texts(tmp_path)[0].splitlines()):
        left = 0
        for char in row:
            glyph = face.glyph(char)
            assert glyph is not None
            expected |= {(left + x, 16 * top + y) for x, y in _lit(glyph.mask)}
            left += glyph.advance
    assert lit == expected


def test_title_text_and_the_last_line_have_their_colours(tmp_path: Path) -> None:
    _board(tmp_path, width=320, height=96, dots=32, colour="full").show([_item("甲")], context())
    with Image.open(tmp_path / "current" / "001.bmp") as page:
        rows = [page.crop((0, top, 320, top + 32)).getcolors() or [] for top in (0, 32, 64)]
    assert [{colour for _, colour in row} - {(0, 0, 0)} for row in rows] == [{colour} for colour in PALETTES["full"]]


def test_equal_pages_that_follow_each_other_stay_as_long_as_both(tmp_path: Path) -> None:
    twins = [_item("同一标题", key="1"), _item("同一标题", key="2")]
    answers = _board(tmp_path, width=320, height=96, dots=32, dwell=4).show(twins, context())
    assert all(isinstance(answer, Receipt) for answer in answers.values())
    assert look((tmp_path / "current" / "all.gif").read_bytes()).seconds == 8


def test_a_screen_without_notices_is_black_and_its_player_waits(tmp_path: Path) -> None:
    _board(tmp_path).show([], context())
    assert {path.name for path in (tmp_path / "current").iterdir()} == {"all.gif", "manifest.json", "player.html"}
    with Image.open(tmp_path / "current" / "all.gif") as black:
        assert black.size == (128, 32) and _lit(black) == set()


def test_what_is_no_picture_is_told(tmp_path: Path) -> None:
    _board(tmp_path).show([_item("甲")], context())
    png = (tmp_path / "current" / "001.png").read_bytes()
    for broken in (b"", b"GIF89a", png[: len(png) // 2], b"BM" + png):
        with pytest.raises(UnreadablePicture):
            look(broken)
    with Image.open(io.BytesIO(png)) as whole:
        assert look(png).width == whole.width


# ---- texts and manifest


def test_texts_are_gb18030_and_utf8_with_a_mark_and_lines_end_as_on_windows(tmp_path: Path) -> None:
    _board(tmp_path).show([_item("朱镕路①标㎡")], context())
    gb, utf8 = ((tmp_path / "current" / f"001.{end}").read_bytes() for end in ("txt", "utf8.txt"))
    assert utf8.startswith(b"\xef\xbb\xbf") and utf8.endswith(b"\r\n") and utf8.count(b"\n") == utf8.count(b"\r\n")
    assert gb.decode("gb18030") == utf8.decode("utf-8-sig") == "朱镕路①标㎡\r\n正文\r\n"


def test_the_manifest_states_digests_times_and_order_of_every_file_there(tmp_path: Path) -> None:
    until = START + timedelta(days=3)
    item = replace(_item("甲"), visible_since=START, until=until)
    _board(tmp_path, dwell=6).show([item], context())
    manifest = _manifest(tmp_path)
    assert (manifest["schema_version"], manifest["practice"]) == (1, False)
    assert (manifest["screen"]["width"], manifest["screen"]["height"]) == (128, 32)
    stated = dict(manifest["files"])
    for order, page in enumerate(manifest["pages"], 1):
        assert (page["order"], page["number"], page["dwell_seconds"]) == (order, "N1", 6)
        assert datetime.fromisoformat(page["valid_from"]) == START
        assert datetime.fromisoformat(page["valid_until"]) == until
        assert datetime.fromisoformat(page["deadline"]) == datetime(2017, 12, 28, 9, tzinfo=LOCAL)
        stated |= page["files"]
    current = tmp_path / "current"
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in current.iterdir()}
    del there["manifest.json"]
    assert stated == there


def test_the_player_page_shows_the_pages_in_order_and_knows_when_each_ends(tmp_path: Path) -> None:
    until = START + timedelta(days=3)
    _board(tmp_path, dwell=6).show([replace(_item("甲</script>"), until=until)], context())
    page = (tmp_path / "current" / "player.html").read_text(encoding="utf-8")
    found = re.search(r"const pages = (\[.*\]);", page)
    assert found
    playlist = json.loads(found[1])
    assert [entry["file"] for entry in playlist] == ["001.png", "002.png"]
    assert {(entry["seconds"], entry["until"]) for entry in playlist} == {(6, until.isoformat(timespec="seconds"))}


def test_the_nearest_deadline_comes_first_and_what_is_over_last(tmp_path: Path) -> None:
    def due(key: str, dates: Dates) -> Item:
        return _item(f"{key}", key=key, dates=dates)

    items = [
        due("over", Dates(bid_deadline=START - timedelta(hours=1))),
        due("none", Dates()),
        due("far", Dates(bid_deadline=START + timedelta(days=20))),
        due("publicity", Dates(publicity_start=date(2017, 12, 4), publicity_end=date(2017, 12, 6))),
        due("today", Dates(bid_deadline=date(2017, 12, 4))),
        due("near", Dates(bid_deadline=START + timedelta(hours=1))),
    ]
    _board(tmp_path).show(items, context())
    titles = [page["title"] for page in _manifest(tmp_path)["pages"] if page["page"] == 1]
    assert titles == ["near", "today", "publicity", "far", "none", "over"]


# ---- characters


def test_signs_that_a_card_lacks_are_replaced_and_the_receipt_says_which(tmp_path: Path) -> None:
    item = _item("塑胶跑道8000㎡①标段", "<p>绿地 200㎡、〇号楼</p>")
    answer = _answer(_board(tmp_path, charset="gb2312"), item)
    assert isinstance(answer, Receipt)
    assert answer.note == "屏幕字符替换：〇→零 1 处、㎡→平方米 2 处"
    shown = "".join("".join(_texts(tmp_path)).split())
    assert "8000平方米①标段绿地200平方米、零号楼" in shown and "?" not in shown
    assert _manifest(tmp_path)["pages"][0]["substitutions"] == {"〇→零": 1, "㎡→平方米": 2}


def test_a_screen_that_gets_pictures_shows_rare_characters_and_has_nothing_to_report(tmp_path: Path) -> None:
    answer = _answer(_board(tmp_path), _item("朱镕路8000㎡①标段"))
    assert isinstance(answer, Receipt) and answer.note == ""
    assert "朱镕路8000㎡①标段" in "".join(_texts(tmp_path)[0].split())


def test_a_name_that_a_card_lacks_keeps_this_notice_out_alone_and_is_named(tmp_path: Path) -> None:
    rare, plain = _item("朱镕路", "<p>喆</p>", key="1"), _item("曲阜路", key="2")
    answers = _board(tmp_path, charset="gb2312").show([rare, plain], context())
    refused = answers[rare.delivery_key]
    assert isinstance(refused, PermanentFailure) and refused.reason is Reason.CANNOT_BE_SHOWN
    assert "“镕”（U+9555）" in refused.detail and "“喆”（U+5586）" in refused.detail
    assert isinstance(answers[plain.delivery_key], Receipt)
    assert {page["title"] for page in _manifest(tmp_path)["pages"]} == {"曲阜路"}


def test_the_office_may_declare_a_substitute_for_a_name(tmp_path: Path) -> None:
    answer = _answer(_board(tmp_path, charset="gb2312", substitutions={"镕": "容"}), _item("朱镕路"))
    assert isinstance(answer, Receipt) and answer.note == "屏幕字符替换：镕→容 1 处"


def test_more_than_twenty_unknown_characters_are_counted_not_listed(tmp_path: Path) -> None:
    answer = _answer(_board(tmp_path), _item("甲", "<p>" + "".join(map(chr, range(0xE000, 0xE000 + 33))) + "</p>"))
    assert isinstance(answer, PermanentFailure)
    assert answer.detail.count("U+") == 20 and "等 33 个字符" in answer.detail


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"title": " "}, Reason.CANNOT_BE_SHOWN),
        ({"media_type": "application/pdf"}, Reason.NOT_SUPPORTED),
        ({"content": b"\xff\xfe"}, Reason.CANNOT_BE_SHOWN),
    ],
)
def test_what_is_no_text_cannot_be_shown(tmp_path: Path, change: dict[str, Any], reason: Reason) -> None:
    item = _item("甲")
    answer = _answer(_board(tmp_path), replace(item, rendition=replace(item.rendition, **change)))
    assert isinstance(answer, PermanentFailure) and answer.reason is reason


# ---- length


def test_what_fits_is_whole_and_says_where_the_full_text_is(tmp_path: Path) -> None:
    item = _item("曲阜市陵城镇道路工程招标公告", "<p>项目编号：QF-1</p><p>招标人：陵城镇</p>")
    answer = _answer(_board(tmp_path), item)
    assert isinstance(answer, Receipt) and answer.note == ""
    shown = "".join(_texts(tmp_path)).replace("\r\n", "")
    assert shown == "曲阜市陵城镇道路工程招标公告项目编号：QF-1招标人：陵城镇全文见本站"
    assert answer.digest == text_digest(shown)


@pytest.mark.parametrize("practice", [True, False])
def test_what_does_not_fit_is_shortened_with_a_word_on_the_screen_and_lengths_in_the_receipt(
    tmp_path: Path, practice: bool
) -> None:
    item = _item("曲阜市陵城镇道路工程招标公告", "<p>" + "正文" * 500 + "</p>")
    answer = _answer(_board(tmp_path, practice=practice, max_pages_per_item=4), item)
    texts = _texts(tmp_path)
    assert len(texts) == 4
    assert texts[-1].splitlines()[-1] == "……全文见本站"
    shown = "".join("".join(texts).split()).removesuffix("……全文见本站").removeprefix("【演练】")
    assert isinstance(answer, Receipt)
    assert answer.note == f"内容 1014 字，屏幕显示 {len(shown)} 字，已注明“全文见本站”"
    assert _manifest(tmp_path)["pages"][0]["shortened"] == {"characters": 1014, "shown": len(shown)}


@pytest.mark.parametrize("title", ["曲阜路", "曲阜市陵城镇道路工程"])
@pytest.mark.parametrize("lines", range(1, 12))
@pytest.mark.parametrize(("height", "limit"), [(16, 3), (32, 2), (48, 1), (64, 5)])
def test_no_notice_takes_more_pages_than_allowed(
    tmp_path: Path, title: str, lines: int, height: int, limit: int
) -> None:
    item = _item(title, "<p>" + "</p><p>".join(["一二三四五六七八九十一二"] * lines) + "</p>")
    assert isinstance(_answer(_board(tmp_path, height=height, max_pages_per_item=limit), item), Receipt)
    texts = _texts(tmp_path)
    assert len(texts) <= limit and texts[-1].endswith("全文见本站\r\n")
    assert all(1 <= len(text.splitlines()) <= height // 16 for text in texts)


def test_a_title_that_does_not_fit_whole_on_the_pages_of_a_notice_is_refused_with_figures(tmp_path: Path) -> None:
    board, longest = _board(tmp_path, max_pages_per_item=2), "曲" * 24
    assert isinstance(_answer(board, _item(longest)), Receipt)  # three rows of eight, and one that says where
    assert list(board.refusals(_item(longest).rendition)) == []
    (told,) = board.refusals(_item(longest + "阜").rendition)
    assert told.reason is Reason.TOO_LARGE and told.detail.startswith("标题有 25 个字，排成 4 行；一份公告最多 2 页")
    refused = _answer(board, _item(longest + "阜"))
    assert isinstance(refused, PermanentFailure) and refused.detail == told.detail


def test_a_title_is_not_cut_for_the_sake_of_a_longer_text(tmp_path: Path) -> None:
    title = "曲" * 24
    answer = _answer(_board(tmp_path, max_pages_per_item=2), _item(title, "<p>" + "正文" * 500 + "</p>"))
    assert isinstance(answer, Receipt) and "内容 1024 字，屏幕显示 24 字" in answer.note
    assert "".join("".join(_texts(tmp_path)).split()) == f"{title}……全文见本站"


def test_a_line_that_fits_on_a_page_is_not_parted_between_two(tmp_path: Path) -> None:
    _board(tmp_path).show([_item("标题", "<p>招标人：曲阜市陵城镇人民政府</p>")], context())
    assert _texts(tmp_path) == ["标题\r\n", "招标人：曲阜市陵\r\n城镇人民政府\r\n", "全文见本站\r\n"]


def test_on_practice_every_notice_says_so(tmp_path: Path) -> None:
    _board(tmp_path, practice=True).show([_item("甲")], context())
    assert _texts(tmp_path)[0].startswith("【演练】甲") and _manifest(tmp_path)["practice"] is True
    assert "<title>【演练】" in (tmp_path / "current" / "player.html").read_text(encoding="utf-8")


# ---- the folder


def test_a_page_that_is_damaged_under_our_hands_is_found_and_the_others_stand(tmp_path: Path) -> None:
    one, two = _item("甲", key="1"), _item("乙", key="2")

    def scribble(point: str) -> None:
        if point == "all renamed":
            (tmp_path / "current" / "001.png").write_bytes(b"scribble")

    answers = _board(tmp_path, fault=scribble).show([one, two], context())
    damaged = answers[one.delivery_key]
    assert isinstance(damaged, TransientFailure) and damaged.reason is Reason.FOLDER_UNWRITABLE
    assert "001.png" in damaged.detail
    assert isinstance(answers[two.delivery_key], Receipt)


def test_a_manifest_that_is_damaged_under_our_hands_fails_the_whole_set(tmp_path: Path) -> None:
    def scribble(point: str) -> None:
        if point == "all renamed":
            (tmp_path / "current" / "manifest.json").unlink()

    with pytest.raises(TransientFailure) as failed:
        _board(tmp_path, fault=scribble).show([_item("甲")], context())
    assert "manifest.json" in failed.value.detail


def test_two_programs_make_the_same_bytes_of_the_same_set(tmp_path: Path) -> None:
    items = a_set("甲", "乙", visible_since=START)
    for name in ("one", "two"):
        _board(tmp_path / name, width=320, height=96, dots=24).show(items, context(after=timedelta(hours=5)))
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / n / "current").iterdir()} for n in ("one", "two"))
    assert one == two and len(one) > 8


def test_files_of_others_beside_the_set_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "屏幕参数.xml").write_text("of the screen's maker", encoding="utf-8")
    _board(tmp_path).show([_item("甲")], context())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["current", "屏幕参数.xml"]


def test_a_preview_is_what_would_be_shown_of_this_notice(tmp_path: Path) -> None:
    item = _item("甲", "<p>" + "正文" * 30 + "</p>")
    board = _board(tmp_path)
    seen = board.preview(item.version, item.rendition)
    assert not (tmp_path / "current").exists()
    board.show([item], context())
    there = {path.name: path.read_bytes() for path in (tmp_path / "current").iterdir()}
    assert seen.keys() == there.keys()
    apart = {"manifest.json", "player.html"}  # these hold the times of the showing
    assert {name: seen[name] for name in seen.keys() - apart} == {name: there[name] for name in there.keys() - apart}


# ---- settings


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"colour": "blue"}, "options.colour"),
        ({"widht": 128}, "options.widht: unknown key"),
        ({"dots": 20}, "options.dots"),
        ({"width": 100}, "options.width"),
        ({"height": 16, "dots": 24}, "a line of 24 dots does not fit on a screen of 16"),
        ({"width": 40, "dots": 24}, "not even two characters"),
        ({"full_text_at": " "}, "options.full_text_at"),
        ({"full_text_at": "镕城网", "charset": "gb2312"}, "cannot show 镕"),
        ({"full_text_at": "曲阜市公共资源交易网站首页公告栏", "max_pages_per_item": 1}, "options.max_pages_per_item"),
        ({"substitutions": {"喆": "\ue000"}}, "options.substitutions"),
        ({"substitutions": {"": "x"}}, "options.substitutions"),
        ({"font": "/no/such/font.otf"}, "options.font"),
    ],
)
def test_wrong_options_are_named(tmp_path: Path, options: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as wrong:
        _board(tmp_path, **options)
    assert told in str(wrong.value)


def test_a_board_without_a_folder_is_refused() -> None:
    with pytest.raises(SettingsError, match="folder"):
        _board(Path())


def test_a_font_of_the_office_goes_before_ours(tmp_path: Path) -> None:
    _board(tmp_path / "ours").show([_item("曲阜")], context())
    _board(tmp_path / "own", font=str(chinese_font())).show([_item("曲阜")], context())
    ours, own = ((tmp_path / name / "current" / "001.png").read_bytes() for name in ("ours", "own"))
    assert ours != own


# ---- what the template says


def _lines(notice: Notice) -> list[str]:
    return html_to_text(_rendered(notice).rendition.text).splitlines()


def test_an_announcement_says_deadline_number_and_tenderee() -> None:
    assert _lines(a_notice()) == [
        "截止时间：2017-12-28 09:00",
        "项目编号：QFZB-2017-0412",
        "招标人：曲阜市陵城镇人民政府",
    ]
    assert _lines(a_notice(title="道路工程", dates=Dates(bid_deadline=date(2017, 12, 28))))[:2] == [
        "招标公告",
        "截止时间：2017-12-28",
    ]


def test_a_change_says_the_new_deadline_and_what_changes() -> None:
    lines = _lines(a_change_notice(changes=[{"item": "投标截止时间"}]))
    assert lines[:2] == ["新的截止时间：2018-01-05 09:00", "变更：投标截止时间"]


def test_candidates_are_named_with_prices_and_the_publicity_span() -> None:
    notice = a_notice(
        form=Form.CANDIDATES,
        title="道路工程中标候选人公示",
        candidates=[
            {"name": "甲公司", "rank": 1, "price": Money(raw="", yuan="3456789.1")},
            {"name": "乙公司", "rank": 11, "lot": "2"},
            {"name": "丙公司", "price": Money(raw="见附件")},
        ],
        dates=Dates(publicity_start=date(2017, 12, 5), publicity_end=date(2017, 12, 7)),
    )
    assert _lines(notice)[:4] == [
        "第一中标候选人：甲公司，3,456,789.10 元",
        "标段2：第11中标候选人：乙公司",
        "丙公司，见附件",
        "公示期2017-12-05至2017-12-07",
    ]


def test_a_result_names_winner_and_price_or_that_there_is_none() -> None:
    won = a_notice(
        form=Form.DEAL_RESULT,
        project_class=ProjectClass.PROCUREMENT,
        title="空调采购成交结果公告",
        winners=[{"name": "甲公司", "price": Money(raw="", yuan="98000")}],
        tenderee=Party(name="图书馆"),
    )
    assert _lines(won) == ["成交人：甲公司，98,000.00 元", "项目编号：QFZB-2017-0412", "采购人：图书馆"]
    assert _lines(a_notice(form=Form.FAILED_TENDER, title="流标公告", failed=True))[0] == "结果：流标（废标），无中标人"


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("project_class", ProjectClass)
def test_a_notice_of_any_form_with_the_fewest_fields_is_shown(
    tmp_path: Path, form: Form, project_class: ProjectClass
) -> None:
    bare: Sequence[str] = ("tenderee", "agency", "control_price", "project_no", "project_name")
    notice = a_notice(form=form, project_class=project_class, dates=Dates(), **dict.fromkeys(bare))
    item = _rendered(notice)
    assert isinstance(_answer(_board(tmp_path), item), Receipt)
    if form.value not in notice.title:
        assert _lines(notice)[0] == form.value
