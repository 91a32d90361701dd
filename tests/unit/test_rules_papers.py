"""Files: revisions, comments, hidden content and names are found with their place, and a cleaned copy has none."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from typing import Any

import docx
import pypdfium2
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor

from publisher.errors import Reason
from publisher.figures import is_identity_number
from publisher.intake.reading import NamedBytes, read_files
from publisher.rules.clean import CannotBeCleaned, cleaned_copy
from tests.support import notice_texts as texts
from tests.support.office_files import docx_of, ole_of, pdf_of, xlsx_of, zip_of
from tests.support.rules import checked_files, held_by, hidden_sheet, of_rule, warned_by, word_file

LINES = texts.RESULT.splitlines()
PRIVATE = "评审专家：张三，手机 13900000001"
LATIN = "See the drawing for details of the works and for all quantities of the lot."


def beside(name: str, data: bytes) -> dict[str, bytes]:
    """A result with one attachment."""
    return {"公告正文.docx": word_file(*LINES), name: data}


def pdf_with(data: bytes, *, author: str = "", note: bool = False) -> bytes:
    """The PDF with a name in its properties or a note on its first page, appended as editors do."""
    added, trailer = b"", b"/Root 1 0 R"
    if author:
        added += b"90 0 obj\n<</Author <FEFF%s>>>\nendobj\n" % author.encode("utf-16-be").hex().encode()
        trailer += b"/Info 90 0 R"
    if note:
        added += b"91 0 obj\n<</Type/Annot/Subtype/Text/Rect[10 10 30 30]/Contents(is this right?)>>\nendobj\n"
        data = data.replace(b"/Type/Page/", b"/Type/Page/Annots[91 0 R]/", 1)
    body = data[: data.rindex(b"xref\n0 ")] + added
    places = {int(m[1]): m.start() for m in re.finditer(rb"^(\d+) 0 obj", body, re.MULTILINE)}
    table = b"".join(b"%d 1\n%010d 00000 n \n" % one for one in sorted(places.items()))
    start = len(body)
    return body + b"xref\n%strailer<</Size 92%s>>\nstartxref\n%d\n%%%%EOF" % (table, trailer, start)


def test_a_clean_word_file_has_nothing_to_say() -> None:
    result = checked_files({"公告.docx": word_file(*LINES)})
    assert held_by(result) == [] and not [w for w in warned_by(result) if w.startswith("file.")]


@pytest.mark.parametrize(
    ("hidden", "rule"),
    [
        ({"inserted": "另加一条"}, "file.changes"),
        ({"deleted": "删去的话"}, "file.changes"),
        ({"comment": "这个金额对吗"}, "file.comments"),
        ({"hidden": "看不见的话"}, "file.hidden"),
    ],
)
@pytest.mark.parametrize("where", ["notice", "attachment"])
def test_what_one_does_not_see_in_a_word_file_is_held(hidden: dict[str, str], rule: str, where: str) -> None:
    data = word_file(*LINES, **hidden)
    files = {"公告.docx": data} if where == "notice" else beside("附件1.docx", data)
    result = checked_files(files)
    assert held_by(result) == [rule]
    problem = of_rule(result, rule)
    assert problem.reason is Reason.HIDDEN_CONTENT and ("附件“附件1.docx”" in str(problem)) is (where == "attachment")


def test_a_revision_is_named_with_its_paragraph() -> None:
    problem = of_rule(checked_files({"公告.docx": word_file(*LINES, inserted="另加一条")}), "file.changes")
    assert f"首处在第 {len(LINES)} 段：“另加一条”" in str(problem)


def test_a_person_in_the_properties_holds_an_attachment_and_is_only_shown_of_the_notice_itself() -> None:
    data = word_file(*LINES, author="孔某某")
    alone = checked_files({"公告.docx": data})
    assert held_by(alone) == [] and "file.author" in warned_by(alone)
    attached = checked_files(beside("附件1.docx", data))
    assert held_by(attached) == ["file.author_attachment"]
    assert "孔某某" not in str(of_rule(attached, "file.author_attachment"))


@pytest.mark.parametrize("author", ["Administrator", "微软用户", "曲阜市公共资源交易中心", "python-docx", "lenovo", ""])
def test_a_machine_or_an_office_in_the_properties_is_no_person(author: str) -> None:
    assert held_by(checked_files(beside("附件1.docx", word_file(*LINES, author=author)))) == []


@pytest.mark.parametrize(
    ("name", "data", "place"),
    [
        ("名单.docx", docx_of("见下", PRIVATE), "第 2 段"),
        ("名单.docx", docx_of("见下", [["专家", "电话"], ["张三", "13900000001"]]), "第 1 个表格第 2 行"),
        ("名单.xlsx", xlsx_of([["附件"], [PRIVATE]]), "第 1 个工作表第 2 行"),
        ("名单.txt", f"附件\n{PRIVATE}".encode("gb18030"), "第 2 行"),
        ("附件.zip", zip_of({"里面/名单.docx": docx_of(PRIVATE)}, encoding="gb18030"), "名单.docx”第 1 段"),
    ],
)
def test_the_text_of_an_attachment_is_screened_and_the_place_named(name: str, data: bytes, place: str) -> None:
    problem = of_rule(checked_files(beside(name, data)), "privacy.mobile")
    assert place in str(problem) and "13900000001" not in str(problem)


def test_a_pdf_is_screened_page_by_page() -> None:
    number = next(
        f"37000019001231001{last}" for last in "0123456789X" if is_identity_number(f"37000019001231001{last}")
    )
    result = checked_files(beside("图纸说明.pdf", pdf_of([[LATIN], ["nothing here", f"ID {number}"]])))
    assert "file.not_screened" not in warned_by(result)
    problem = of_rule(result, "privacy.id_number")
    assert "附件“图纸说明.pdf”第 2 页" in str(problem) and number not in str(problem)


def test_a_note_on_a_pdf_is_held_with_its_page_and_links_are_no_notes() -> None:
    plain = pdf_of([[LATIN], [LATIN]])
    assert held_by(checked_files(beside("图纸.pdf", plain))) == []
    problem = of_rule(checked_files(beside("图纸.pdf", pdf_with(plain, note=True))), "file.comments")
    assert "附件“图纸.pdf”第 1 页有批注" in str(problem)
    link = pdf_with(plain, note=True).replace(b"/Subtype/Text", b"/Subtype/Link")
    assert held_by(checked_files(beside("图纸.pdf", link))) == []


def test_a_person_in_the_properties_of_a_pdf_holds_it_as_an_attachment() -> None:
    plain = pdf_of([[LATIN]])
    assert held_by(checked_files(beside("图纸.pdf", pdf_with(plain, author="孔某某")))) == ["file.author_attachment"]
    assert held_by(checked_files(beside("图纸.pdf", pdf_with(plain, author="WPS 文字")))) == []


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("照片.png", b"\x89PNG\r\n\x1a\n" + b"0" * 50, "图片"),
        ("坏.pdf", b"%PDF-1.4 broken", "打不开"),
        ("扫描.pdf", pdf_of([[]]), "扫描图片"),
    ],
)
def test_an_attachment_that_cannot_be_read_is_named_for_a_person_to_look_into(name: str, data: bytes, why: str) -> None:
    result = checked_files(beside(name, data))
    assert held_by(result) == []
    assert why in str(of_rule(result, "file.not_screened"))


def test_hidden_sheets_of_a_workbook_are_held() -> None:
    assert held_by(checked_files(beside("清单.xlsx", hidden_sheet(xlsx_of([["附件"]]))))) == ["file.hidden"]


def test_a_cleaned_copy_reads_as_accepted_and_is_held_for_nothing() -> None:
    dirty = word_file(
        *LINES, inserted="本项目另有说明。", deleted="删去的话", comment="对吗", hidden="看不见", author="孔某某"
    )
    assert set(held_by(checked_files({"公告.docx": dirty}))) == {"file.changes", "file.comments", "file.hidden"}
    cleaned = cleaned_copy(dirty)
    result = checked_files({"公告.docx": cleaned})
    assert held_by(result) == [] and "file.author" not in warned_by(result)
    (draft,) = read_files([NamedBytes("公告.docx", cleaned)])
    assert draft.notice is not None
    assert draft.notice.text.rstrip().endswith("本项目另有说明。")
    assert "删去的话" not in draft.notice.text and "看不见" not in draft.notice.text
    with zipfile.ZipFile(io.BytesIO(cleaned)) as package:
        everything = b"".join(package.read(name) for name in package.namelist())
    assert "孔某某".encode() not in everything and "对吗".encode() not in everything
    assert [p.text for p in docx.Document(io.BytesIO(cleaned)).paragraphs][:3] == LINES[:3]


def test_a_clean_file_is_cleaned_into_the_same_text() -> None:
    data = word_file(*LINES)
    before, after = (read_files([NamedBytes("公告.docx", one)])[0].notice for one in (data, cleaned_copy(data)))
    assert before is not None and after is not None and before.digest == after.digest


@pytest.mark.parametrize("data", [b"PK\x03\x04 broken", b"text", zip_of({"a.txt": b"a"}), b"", b"%PDF-1.4 broken"])
def test_what_is_no_office_file_cannot_be_cleaned(data: bytes) -> None:
    with pytest.raises(CannotBeCleaned, match=r"Word|打不开"):
        cleaned_copy(data)


# ---- what one does not see in a PDF


def drawn_with(data: bytes, how: bytes) -> bytes:
    """The PDF whose second line of text is drawn with these operators before it."""
    return re.sub(rb"BT (/F1 12 Tf 60 760)", rb"BT " + how + rb" \1", data, count=1)


def with_object(data: bytes, catalog: bytes, *objects: bytes) -> bytes:
    """The PDF with further objects from number 92 on and an entry in its catalogue."""
    body = data[: data.rindex(b"xref\n0 ")].replace(b"/Type/Catalog", b"/Type/Catalog" + catalog, 1)
    for number, one in enumerate(objects, 92):
        body += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    places = {int(m[1]): m.start() for m in re.finditer(rb"^(\d+) 0 obj", body, re.MULTILINE)}
    table = b"".join(b"%d 1\n%010d 00000 n \n" % one for one in sorted(places.items()))
    tail = b"xref\n%strailer<</Size 99/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (table, len(body))
    return body + tail


WITH_FILE = (
    b"/Names<</EmbeddedFiles<</Names[(a.txt) 92 0 R]>>>>",
    b"<</Type/Filespec/F(a.txt)/EF<</F 93 0 R>>>>",
    b"<</Type/EmbeddedFile/Length 5>>stream\nhello\nendstream",
)
WITH_SCRIPT = (b"/OpenAction 92 0 R", b"<</Type/Action/S/JavaScript/JS(app.alert\\(1\\))>>")
XMP = "<x:xmpmeta><dc:creator><rdf:Seq><rdf:li>孔某某</rdf:li></rdf:Seq></dc:creator></x:xmpmeta>".encode()
WITH_XMP = (
    b"/Metadata 92 0 R",
    b"<</Type/Metadata/Subtype/XML/Length %d>>stream\n%s\nendstream" % (len(XMP), XMP),
)
TWO_LINES = pdf_of([[LATIN, "the bids of the others"], [LATIN]])
DIRTY = [
    (drawn_with(TWO_LINES, b"3 Tr"), "file.hidden", "第 1 页有看不见的文字（开头为“the bids of"),
    (drawn_with(TWO_LINES, b"1 1 1 rg"), "file.hidden", "第 1 页有看不见的文字"),
    (TWO_LINES.replace(b" 60 760 Td", b" 60 960 Td"), "file.hidden", "第 1 页有看不见的文字"),
    (with_object(TWO_LINES, *WITH_FILE), "file.embedded", "嵌有 1 个文件（a.txt）"),
    (with_object(TWO_LINES, *WITH_SCRIPT), "file.script", "脚本"),
    (with_object(TWO_LINES, *WITH_XMP), "file.author_attachment", "“孔**”"),
    (pdf_with(TWO_LINES, note=True), "file.comments", "第 1 页有批注"),
    (pdf_with(TWO_LINES, author="孔某某"), "file.author_attachment", "“孔**”"),
]


@pytest.mark.parametrize(("data", "rule", "said"), DIRTY)
def test_what_one_does_not_see_in_a_pdf_is_held_with_its_page_and_gone_in_the_cleaned_copy(
    data: bytes, rule: str, said: str
) -> None:
    result = checked_files(beside("图纸.pdf", data))
    assert held_by(result) == [rule]
    assert said in str(of_rule(result, rule))
    copy = cleaned_copy(data)
    assert held_by(checked_files(beside("图纸.pdf", copy))) == []
    assert copy == cleaned_copy(data), "an untouched copy must be known again"
    shown = pypdfium2.PdfDocument(copy)
    assert LATIN[:20] in shown[0].get_textpage().get_text_bounded() and len(shown) == 2
    shown.close()


def test_white_text_on_a_filled_area_and_the_reading_under_a_scanned_page_are_seen_or_belong_to_the_picture() -> None:
    band = b"0 0 1 rg 50 750 500 30 re f BT 1 1 1 rg /F1 12 Tf 60 760"
    on_blue = re.sub(rb"BT /F1 12 Tf 60 760", band, TWO_LINES, count=1)
    assert held_by(checked_files(beside("图纸.pdf", on_blue))) == []
    scan = b"q 595 0 0 842 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID x EI Q BT 3 Tr /F1 12 Tf 60 780"
    scanned = re.sub(rb"BT /F1 12 Tf 60 780", scan, TWO_LINES, count=1)
    assert held_by(checked_files(beside("扫描.pdf", scanned))) == []


def test_the_marks_that_a_drawing_program_makes_of_its_letters_are_no_notes() -> None:
    drawing = pdf_with(TWO_LINES, note=True).replace(b"/Subtype/Text", b"/Subtype/Square/T(AutoCAD SHX Text)")
    assert held_by(checked_files(beside("图纸.pdf", drawing))) == []
    assert held_by(checked_files(beside("图纸.pdf", drawing.replace(b"SHX", b"xyz")))) == ["file.comments"]


def test_a_signed_pdf_is_not_cleaned_because_its_signature_would_be_gone() -> None:
    form = (
        b"/AcroForm<</Fields[92 0 R]/SigFlags 3>>",
        b"<</FT/Sig/T(seal)/V 93 0 R/Type/Annot/Subtype/Widget/Rect[0 0 0 0]>>",
        b"<</Type/Sig/Filter/Adobe.PPKLite/Contents<00>/ByteRange[0 1 2 3]>>",
    )
    signed = with_object(TWO_LINES, *form)
    assert held_by(checked_files(beside("图纸.pdf", signed))) == []
    with pytest.raises(CannotBeCleaned, match="签章"):
        cleaned_copy(signed)


# ---- white, tiny and style-hidden text in Word


def styled(*, color: str = "", size: float = 0, shade: str = "", style: bool = False, table: str = "") -> bytes:
    """A result whose last line is drawn in one of the ways that nobody sees."""
    document = docx.Document(io.BytesIO(word_file(*LINES)))
    if table:
        cells = document.add_table(1, 1, style=table if table != "plain" else None)
        run = cells.cell(0, 0).paragraphs[0].add_run("谁也看不见的一行")
    else:
        run = document.add_paragraph().add_run("谁也看不见的一行")
    if color:
        run.font.color.rgb = RGBColor.from_string(color)
    if size:
        run.font.size = Pt(size)
    if shade:
        mark = OxmlElement("w:shd")
        mark.set(qn("w:fill"), shade)
        run._r.get_or_add_rPr().append(mark)
    if style:
        made = document.styles.add_style("Unseen", WD_STYLE_TYPE.CHARACTER)
        made.font.hidden = True
        run.style = document.styles.add_style("BasedOnUnseen", WD_STYLE_TYPE.CHARACTER)
        run.style.base_style = made
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    "how", [{"color": "FFFFFF"}, {"size": 1}, {"style": True}, {"color": "FFFFFF", "table": "plain"}]
)
def test_text_that_nobody_sees_on_paper_is_hidden_text(how: dict[str, Any]) -> None:
    data = styled(**how)
    assert held_by(checked_files({"公告.docx": data})) == ["file.hidden"]
    assert held_by(checked_files({"公告.docx": cleaned_copy(data)})) == []
    assert "谁也看不见" not in "".join(p.text for p in docx.Document(io.BytesIO(cleaned_copy(data))).paragraphs)


@pytest.mark.parametrize(
    "how",
    [
        {"color": "FF0000"},
        {"color": "FFFFFF", "shade": "1F4E79"},
        {"color": "FFFFFF", "table": "Table Grid"},
        {"size": 6},
    ],
)
def test_coloured_small_or_white_text_on_a_shade_is_seen(how: dict[str, Any]) -> None:
    assert held_by(checked_files({"公告.docx": styled(**how)})) == []


# ---- macros, inserted files, workbooks, old files


def with_part(data: bytes, name: str, content: bytes = b"x") -> bytes:
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as package:
        package.writestr(name, content)
    return out.getvalue()


def test_macros_hold_a_file_and_an_inserted_workbook_is_named_for_a_person_to_look_into() -> None:
    assert held_by(checked_files(beside("清单.docx", with_part(word_file("附件"), "word/vbaProject.bin")))) == [
        "file.script"
    ]
    result = checked_files(beside("清单.docx", with_part(word_file("附件"), "word/embeddings/表1.xlsx")))
    assert held_by(result) == [] and "表1.xlsx" in str(of_rule(result, "file.embedded_object"))


def test_comments_and_names_in_a_workbook_are_gone_in_the_cleaned_copy() -> None:
    core = '<cp:coreProperties xmlns:cp="c" xmlns:dc="d"><dc:creator>孔某某</dc:creator></cp:coreProperties>'
    data = with_part(xlsx_of([["附件"]]), "docProps/core.xml", core.encode())
    data = with_part(data, "xl/comments1.xml", b"<comments><commentList><comment/></commentList></comments>")
    assert set(held_by(checked_files(beside("清单.xlsx", data)))) == {"file.comments", "file.author_attachment"}
    copy = cleaned_copy(data)
    assert held_by(checked_files(beside("清单.xlsx", copy))) == []
    assert "孔某某".encode() not in copy


def summary_of(author: str, charset: str = "gb18030", page: int = 936) -> bytes:
    """A property stream with charset and author."""
    text = author.encode(charset) + b"\0"
    head = struct.pack("<HHI16sI", 0xFFFE, 0, 0, bytes(16), 1) + bytes(16) + struct.pack("<I", 48)
    first, second = 8 + 16, 8 + 16 + 8
    value = struct.pack("<II", 30, len(text)) + text
    section = struct.pack("<IIIIII", second + len(value), 2, 1, first, 4, second) + struct.pack("<IHH", 2, page, 0)
    return head + section + value


@pytest.mark.parametrize(("charset", "page"), [("gb18030", 936), ("utf-8", 65001)])
def test_a_name_in_an_old_word_file_is_found_and_blanked_and_every_other_byte_stays(charset: str, page: int) -> None:
    data = ole_of({"\x05SummaryInformation": summary_of("孔某某", charset, page)})
    result = checked_files(beside("附件.wps", data))
    assert held_by(result) == ["file.author_attachment"] and "孔**" in str(of_rule(result, "file.author_attachment"))
    copy = cleaned_copy(data)
    name = "孔某某".encode(charset)
    assert copy == data.replace(name, bytes(len(name)))
    assert held_by(checked_files(beside("附件.wps", copy))) == []
