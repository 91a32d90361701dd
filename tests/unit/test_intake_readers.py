"""Each format is read by its content; what cannot be read goes back with a reason that staff can act on."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import Any

import docx
import pytest
from docx.oxml import parse_xml

from publisher.errors import NoticeReturned, Reason
from publisher.intake.readers.detect import FileType, file_type
from publisher.intake.readers.numbering import shown
from publisher.intake.readers.plain import decode
from publisher.intake.readers.web import from_markup, sanitise
from publisher.intake.readers.word import read_docx
from publisher.intake.reading import Draft, NamedBytes, is_whole, read_files
from publisher.notice import Form, html_to_text
from tests.support import notice_texts as texts
from tests.support.builders import a_notice
from tests.support.office_files import doc_of, docx_of, ole_of, pdf_of, xlsx_of, zip_of

LINES = texts.OPEN_TENDER.splitlines()


def read(data: bytes, name: str = "公告") -> Draft:
    (draft,) = read_files([NamedBytes(name, data)])
    return draft


def refused(data: bytes, name: str = "公告.docx") -> list[Reason]:
    with pytest.raises(NoticeReturned) as error:
        read_files([NamedBytes(name, data)])
    assert all(len(str(problem)) > 8 for problem in error.value.problems)
    return [problem.reason for problem in error.value.problems]


def page(charset: str = "") -> str:
    meta = f'<meta charset="{charset}">' if charset else ""
    body = "".join(f"<p>{line}</p>" for line in LINES)
    return f"<html><head>{meta}<title>x</title></head><body>{body}</body></html>"


def test_a_file_is_what_its_bytes_say_whatever_its_name() -> None:
    assert file_type(docx_of("甲")) is FileType.DOCX
    assert file_type(xlsx_of([["甲"]])) is FileType.XLSX
    assert file_type(zip_of({"a.txt": b"1"})) is FileType.ZIP
    assert file_type(doc_of("甲")) is FileType.DOC
    assert file_type(pdf_of([["甲"]])) is FileType.PDF
    assert file_type(page().encode("gb18030")) is FileType.HTML
    assert file_type(b'\xef\xbb\xbf {"title": 1}') is FileType.JSON
    assert file_type("中标公告".encode("utf-16")) is FileType.TEXT
    assert file_type(b"\x89PNG\r\n") is FileType.IMAGE
    assert file_type(b"Rar!\x1a\x07") is FileType.ARCHIVE
    assert file_type(b"{\\rtf1 x}") is FileType.OTHER
    assert file_type(b" \r\n\x00") is FileType.EMPTY


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_a_text_file_is_read_in_every_encoding_that_offices_have(encoding: str) -> None:
    draft = read(texts.OPEN_TENDER.replace("　", " ").encode(encoding))
    assert draft.notice is not None
    assert draft.notice.project_no == "SDGP370881000202511000123"


@pytest.mark.parametrize(
    ("stated", "written"), [("gb2312", "gb18030"), ("gbk", "utf-8"), ("", "gbk"), ("utf-8", "gbk")]
)
def test_a_page_is_read_though_its_charset_is_missing_or_wrong(stated: str, written: str) -> None:
    draft = read(page(stated).replace("¥", "").replace("￥", "").replace("　", " ").encode(written))
    assert draft.notice is not None
    assert draft.notice.tenderee is not None and draft.notice.tenderee.name == "曲阜市第一实验学校"


def test_rare_characters_of_gb18030_survive() -> None:
    assert decode("㙓村、𠮷".encode("gb18030")) == "㙓村、𠮷"


def test_a_body_keeps_text_tables_and_plain_emphasis_and_loses_all_else() -> None:
    document = from_markup(
        "<style>p{color:red}</style><script>alert(1)</script><h2 onclick='x()'>甲</h2>"
        "<p class='MsoNormal' style='mso-x:1'><o:p></o:p><span lang=EN-US>202</span><span>6</span>年<b>3</b>月</p>"
        "<p>M<sup>2</sup><img src='http://a/x.png' onerror='y()'><a href='javascript:z()'>链接</a>"
        "<a href='https://a.example/?b=1'>站</a></p><iframe src='http://a'></iframe>"
        "<table border=1><tr><td colspan=2 width=9>表</td></tr><tr><td>1</td><td>2</td></tr></table>"
        "<div style='display:none'>藏</div><input type=hidden value=v>"
    )
    assert document.body_html == (
        "<h2>甲</h2><p>2026年<b>3</b>月</p>"
        '<p>M<sup>2</sup>链接<a href="https://a.example/?b=1" rel="noopener noreferrer nofollow">站</a></p>'
        '<table><tbody><tr><td colspan="2">表</td></tr><tr><td>1</td><td>2</td></tr></tbody></table>'
    )
    assert [problem.reason for problem in document.warnings] == [Reason.CANNOT_BE_SHOWN]


def test_a_saved_page_loses_its_breadcrumb_buttons_and_leaked_style_sheet() -> None:
    document = from_markup(
        "<div>当前位置：<a href='#'>首页</a> &gt; <a href='#'>政府采购</a> &gt; 更正事项</div>"
        "<div><p>p{margin-top:0pt;}span.X1{font-family:'宋体';font-size:12.0pt;}更正内容如下</p></div>"
        "<div><a href='javascript:window.print()'>打印</a>&nbsp;<a href='javascript:window.close()'>关闭</a></div>"
    )
    assert document.column == "首页 > 政府采购 > 更正事项"
    assert document.body_html == "<p>更正内容如下</p>"


def test_sanitising_by_itself_lets_nothing_dangerous_through() -> None:
    dirty = "<p onmouseover=a>甲<svg onload=b></svg><a href='data:text/html,c'>乙</a><math><x></math></p>"
    clean = sanitise(dirty)
    assert "on" not in clean.replace("noopener", "").replace("nofollow", "")
    assert "data:" not in clean and "svg" not in clean


def test_markup_nested_beyond_reason_is_given_back() -> None:
    assert refused(b"<html><body>" + b"<div>" * 300 + b"<table><tr><td>x</td></tr></table>", "a.html") == [
        Reason.UNSAFE_ARCHIVE
    ]


def test_a_word_file_is_read_with_its_tables_and_says_what_it_leaves_out() -> None:
    picture = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
    )
    document = docx.Document()
    for line in LINES:
        document.add_paragraph(line)
    document.add_picture(io.BytesIO(picture))
    out = io.BytesIO()
    document.save(out)
    draft = read(out.getvalue())
    assert draft.notice is not None and draft.problems == ()
    assert [(p.reason, "1 张图片" in p.detail) for p in draft.warnings] == [(Reason.CANNOT_BE_SHOWN, True)]


def test_an_amount_cut_into_runs_of_a_word_file_is_whole() -> None:
    document = docx.Document()
    for line in LINES:
        paragraph = document.add_paragraph()
        for char in line:
            paragraph.add_run(char)
    out = io.BytesIO()
    document.save(out)
    notice = read(out.getvalue()).notice
    assert notice is not None and notice.control_price is not None
    assert notice.control_price.yuan == 1286000


@pytest.mark.parametrize(
    "data", [docx_of("某工程资格预审公告"), docx_of(""), b"", b"\x00" * 900, "招标公告\n无".encode()]
)
def test_a_title_and_nothing_under_it_is_an_empty_body(data: bytes) -> None:
    assert refused(data) == [Reason.EMPTY_BODY]


def test_a_file_cut_off_in_the_middle_is_damaged_and_not_whole() -> None:
    whole = docx_of(*LINES)
    half = whole[: len(whole) // 2]
    assert refused(half) == [Reason.DAMAGED_FILE]
    assert is_whole("公告.docx", whole) and not is_whole("公告.docx", half)


def test_a_package_with_a_spoilt_part_is_damaged() -> None:
    whole = bytearray(docx_of(*LINES))
    at = whole.index(b"word/document.xml") + 400
    whole[at : at + 8] = b"\xff" * 8
    assert refused(bytes(whole)) == [Reason.DAMAGED_FILE]


@pytest.mark.parametrize(
    ("name", "data", "whole"),
    [
        ("公告.docx", b"", False),
        ("公告.zip", b"\x00" * 4096, False),
        ("公告.docx", ole_of({"EncryptedPackage": b"x"}), True),
        ("公告.txt", b"", True),
        ("公告.docx", "其实是文本".encode(), True),
        ("公告.zip", zip_of({"a": b"1"}), True),
        ("公告.txt", zip_of({"a": b"1"})[:-9], False),
    ],
)
def test_only_containers_can_be_half_copies(name: str, data: bytes, whole: bool) -> None:
    assert is_whole(name, data) is whole


def test_a_password_is_told_for_word_old_word_and_zip() -> None:
    assert refused(ole_of({"EncryptedPackage": b"x", "EncryptionInfo": b"y"})) == [Reason.PASSWORD_PROTECTED]
    assert refused(doc_of("某公告" * 30, encrypted=True)) == [Reason.PASSWORD_PROTECTED]
    locked = bytearray(zip_of({"公告.txt": texts.RESULT.encode()}))
    locked[6] |= 1
    at = locked.index(b"PK\x01\x02")
    locked[at + 8] |= 1
    assert refused(bytes(locked)) == [Reason.PASSWORD_PROTECTED]


def test_an_old_word_file_gives_text_and_tables() -> None:
    text = (
        "".join(f"{line}\r" for line in LINES[:8])
        + "包号\x07预算\x07\x071\x075万元\x07\x07"
        + "".join(f"{line}\r" for line in LINES[8:])
    )
    draft = read(doc_of(text), "公告.wps")
    assert draft.notice is not None and draft.problems == ()
    assert "<tr><td>1</td><td>5万元</td></tr>" in draft.notice.body_html
    assert draft.notice.dates.bid_deadline is not None


def test_an_old_word_file_with_tracked_deletions_is_given_back() -> None:
    assert read(doc_of(texts.RESULT.replace("\n", "\r"))).notice is not None
    assert refused(doc_of(texts.RESULT.replace("\n", "\r"), deleted=True)) == [Reason.UNSUPPORTED_FORMAT]


def test_an_old_word_file_whose_automatic_numbers_would_be_lost_is_given_back() -> None:
    data = doc_of(texts.RESULT.replace("\n", "\r"), numbered=True)
    with pytest.raises(NoticeReturned) as error:
        read_files([NamedBytes("公告.doc", data)])
    assert error.value.problems[0].reason is Reason.UNSUPPORTED_FORMAT
    assert "自动编号" in error.value.problems[0].detail


def test_a_field_in_an_old_word_file_shows_its_result_not_its_code() -> None:
    text = texts.RESULT.replace("\n", "\r") + '\x13 HYPERLINK "http://a.example" \x14网址\x15\r'
    notice = read(doc_of(text)).notice
    assert notice is not None
    assert notice.text.endswith("网址") and "HYPERLINK" not in notice.text


def test_a_pdf_gives_paragraphs_and_ruled_tables() -> None:
    grid = [["排序", "中标候选人名称", "投标报价（元）"], ["第一名", "甲建设有限公司", "1234567.80"]]
    lines = [
        "曲阜市某道路工程中标候选人公示",
        "一、项目名称：曲阜市某道路工程，位于曲阜市陵城镇驻地以东二百米处",
        "，占地三十亩",
        "二、招标人：曲阜市交通运输局",
        "三、公示期：2025年3月3日至2025年3月6日",
    ]
    draft = read(pdf_of([lines], grid=grid))
    assert draft.notice is not None and draft.problems == ()
    assert "陵城镇驻地以东二百米处，占地三十亩" in draft.notice.text
    assert [(c.rank, c.name, str(c.price and c.price.yuan)) for c in draft.notice.candidates] == [
        (1, "甲建设有限公司", "1234567.80")
    ]


def test_a_scan_has_no_text_layer_and_a_broken_pdf_is_damaged() -> None:
    assert refused(pdf_of([[]])) == [Reason.NO_TEXT_LAYER]
    assert refused(pdf_of([["甲" * 40]])[:300]) == [Reason.DAMAGED_FILE]
    assert refused(b"\x89PNG\r\n\x1a\n" + b"\x01" * 99) == [Reason.NO_TEXT_LAYER]


def test_a_pdf_of_more_pages_than_a_notice_has_is_given_back() -> None:
    assert refused(pdf_of([["甲"]] * 201)) == [Reason.UNSUPPORTED_FORMAT]


@pytest.mark.parametrize("data", [b"{\\rtf1 x}", b"Rar!\x1a\x07\x00" + b"x" * 50, b"\x7fELF" + b"\x00" * 64])
def test_other_formats_are_given_back_with_what_to_do(data: bytes) -> None:
    assert refused(data, "招标公告.docx") == [Reason.UNSUPPORTED_FORMAT]


def test_a_workbook_gives_a_notice_per_row_under_its_heads() -> None:
    heads = ["序号", "公告标题", "项目编号", "项目名称", "采购单位", "中标供应商名称", "中标金额（万元）", "评分结果"]
    rows: list[list[str | float]] = [
        ["2025年成交公告汇总表"],
        [*heads],
        [1.0, "甲校围墙工程中标结果公告", "QF-1", "甲校围墙工程", "甲校", "乙建设有限公司", 12.5, 91.25],
        [2.0, "丙校操场工程中标结果公告", "QF-2", "丙校操场工程", "丙校", "丁建设有限公司", "1,023.40", ""],
    ]
    first, second = read_files([NamedBytes("表.xlsx", xlsx_of(rows))])
    assert first.notice is not None and second.notice is not None
    assert first.notice.title == "甲校围墙工程中标结果公告"
    prices = [draft.winners[0].price for draft in (first.notice, second.notice)]
    assert [str(price.yuan) for price in prices if price] == ["125000.0", "10234000.00"]
    assert str(first.notice.winners[0].score) == "91.25"
    assert first.places["notice"] == "工作表“公告”第3行"
    assert "序号" not in first.notice.text


def test_a_workbook_without_known_heads_is_given_back() -> None:
    assert refused(xlsx_of([["甲", "乙"], ["1", "2"]])) == [Reason.UNSUPPORTED_FORMAT]
    assert refused(xlsx_of([])) == [Reason.EMPTY_BODY]


def test_a_notice_by_the_schema_comes_through_as_it_is() -> None:
    notice = a_notice(title="某工程招标公告")
    draft = read(notice.model_dump_json().encode(), "公告.json")
    assert draft.notice is not None
    assert (draft.notice.title, draft.notice.digest) == (notice.title, notice.digest)
    assert draft.fields["kind"] == notice.kind.value


def test_the_body_of_a_notice_by_the_schema_is_sanitised_and_its_text_worked_out_anew() -> None:
    data = json.loads(a_notice().model_dump_json())
    data["body_html"] = "<p onclick='x()'>正文</p><script>y()</script>"
    data["text"], data["digest"] = "别的文字", "n1:" + "0" * 64
    notice = read(json.dumps(data).encode()).notice
    assert notice is not None
    assert (notice.body_html, notice.text) == ("<p>正文</p>", "正文")


def test_data_that_break_the_schema_are_given_back_with_every_fault() -> None:
    data = {
        "schema_version": 1,
        "form": "招标公告",
        "project_class": "works",
        "title": "",
        "round": 0,
        "body_html": "<p>x</p>",
    }
    with pytest.raises(NoticeReturned) as error:
        read_files([NamedBytes("a.json", json.dumps(data).encode())])
    assert {problem.field for problem in error.value.problems} == {"title", "round"}
    assert {problem.reason for problem in error.value.problems} == {Reason.NOT_BY_SCHEMA}
    assert refused(b'{"schema_version": 1, "form": "none"}') == [Reason.NOT_BY_SCHEMA]
    assert refused(b'{"title": "cut') == [Reason.NOT_BY_SCHEMA]
    assert refused('{"名字": "x"}'.encode()) == [Reason.NOT_BY_SCHEMA]
    assert refused(b"[1, 2]") == [Reason.NOT_BY_SCHEMA] if file_type(b"[1, 2]") is FileType.JSON else True


def test_attachments_of_a_notice_by_the_schema_must_be_handed_in_with_their_bytes() -> None:
    plan = b"plan"
    text = json.loads(a_notice().model_dump_json())
    text["attachments"] = [
        {"name": "图纸.pdf", "sha256": "96dd3ea8c52d3cbd1b4e3ad4d8d2bc1ae3e5a6c1e3b4bb3bd6a3cb0c6bb9a0ef", "size": 4}
    ]
    (lacking,) = read_files([NamedBytes("公告.json", json.dumps(text).encode()), NamedBytes("图纸.pdf", plan)])
    assert [problem.reason for problem in lacking.problems] == [Reason.ATTACHMENT_MISSING]
    assert lacking.attachments == {}


def test_a_record_of_another_system_is_read_by_its_chinese_keys() -> None:
    record = {
        "title": "某中心保洁服务采购合同",
        "project_code": "QF-2025-77",
        "business_type": "政府采购",
        "structured_fields": {
            "采购人名称": "某中心",
            "中标（成交）供应商名称": "甲保洁有限公司",
            "合同金额": "12.5万元",
            "合同签署时间": "2025-03-17 10:32:09",
        },
    }
    draft = read(json.dumps(record).encode())
    assert draft.notice is not None and draft.problems == ()
    assert (draft.notice.form, draft.notice.project_no) == (Form.CONTRACT, "QF-2025-77")
    assert draft.notice.winners[0].price is not None and draft.notice.winners[0].price.yuan == 125000
    assert "<td>合同金额</td><td>12.5万元</td>" in draft.notice.body_html


def test_xml_definitions_in_a_word_file_are_refused() -> None:
    evil = {"[Content_Types].xml": b"<Types/>", "word/document.xml": b'<!DOCTYPE x [<!ENTITY a "b">]><w/>'}
    assert refused(zip_of(evil)) == [Reason.UNSAFE_ARCHIVE]


def test_a_word_file_that_unpacks_to_far_more_than_it_is_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/document.xml", b" " * 30_000_000)
    assert refused(out.getvalue()) == [Reason.UNSAFE_ARCHIVE]


W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
LEVELS = (
    '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/><w:suff w:val="nothing"/>'
    '<w:lvlText w:val="%1、"/></w:lvl>'
    '<w:lvl w:ilvl="1"><w:start w:val="3"/><w:numFmt w:val="decimal"/><w:suff w:val="space"/>'
    '<w:lvlText w:val="%2."/></w:lvl>'
    '<w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%1-%3)"/></w:lvl>'
)


def numbered_docx(*paragraphs: tuple[int | None, str]) -> bytes:
    document = docx.Document()
    numbering = document.part.numbering_part.element
    numbering.insert(0, parse_xml(f'<w:abstractNum {W} w:abstractNumId="90">{LEVELS}</w:abstractNum>'))
    numbering.append(parse_xml(f'<w:num {W} w:numId="90"><w:abstractNumId w:val="90"/></w:num>'))
    for level, text in paragraphs:
        paragraph = document.add_paragraph(text)
        if level is not None:
            number = f'<w:numPr {W}><w:ilvl w:val="{level}"/><w:numId w:val="90"/></w:numPr>'
            properties: Any = paragraph._p.get_or_add_pPr()
            properties.append(parse_xml(number))
    document.add_paragraph("按样式编号", style="List Number")
    document.add_paragraph("又一", style="List Number")
    document.add_paragraph("圆点", style="List Bullet")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_automatic_numbers_of_word_are_written_out_in_their_own_form() -> None:
    data = numbered_docx((0, "甲"), (1, "乙"), (1, "丙"), (2, "丁"), (None, "间"), (0, "戊"), (1, "己"), (0, "  "))
    lines = html_to_text(read_docx(data).body_html).split("\n")
    expected = ["一、甲", "3. 乙", "4. 丙", "(一-a)丁", "间", "二、戊", "3. 己", "1.按样式编号", "2.又一", "圆点"]
    assert lines == expected


def test_headings_that_word_numbers_are_headings_for_the_fields() -> None:
    heads = {line: line.split("、", 1)[1] for line in LINES if re.match("[一二三四五六七]、", line)}
    data = numbered_docx(*((0, heads[line]) if line in heads else (None, line) for line in LINES))
    notice = read(data).notice
    assert notice is not None
    assert str(notice.dates.documents_until) == "2025-12-10"
    assert "三、获取招标文件" in notice.text


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (10, "chineseCounting", "十"),
        (11, "japaneseCounting", "十一"),
        (20, "chineseCountingThousand", "二十"),
        (105, "chineseCounting", "一百零五"),
        (3, "decimalEnclosedCircle", "③"),
        (28, "lowerLetter", "bb"),
        (2, "upperLetter", "B"),
        (14, "upperRoman", "XIV"),
        (9, "lowerRoman", "ix"),
        (7, "decimal", "7"),
        (7, "none", ""),
    ],
)
def test_a_count_is_shown_in_the_form_that_word_names(value: int, form: str, text: str) -> None:
    assert shown(value, form) == text


BOXED = (
    '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:v="urn:schemas-microsoft-com:vml">'
    "<w:body><w:p><w:r>{open}<w:txbxContent><w:p><w:r><w:t>文本框里写着：投标截止时间为2027年12月28日9时00分，逾期不予受理。</w:t></w:r></w:p>"
    "</w:txbxContent>{close}</w:r></w:p></w:body></w:document>"
)


def boxed(begin: str, end: str) -> bytes:
    parts = {"word/document.xml": BOXED.format(open=begin, close=end).encode()}
    with zipfile.ZipFile(io.BytesIO(docx_of("x"))) as package:
        return zip_of({name: parts.get(name, package.read(name)) for name in package.namelist()})


def test_text_in_a_box_is_read_or_the_file_comes_back_but_none_is_lost() -> None:
    old = read_docx(boxed("<w:pict><v:shape><v:textbox>", "</v:textbox></v:shape></w:pict>"))
    assert "逾期不予受理" in old.body_html

    with pytest.raises(NoticeReturned) as caught:
        read_docx(boxed("<w:drawing>", "</w:drawing>"))
    assert "文本框" in caught.value.problems[0].detail
