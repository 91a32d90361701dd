"""Files: revisions, comments, hidden content and names are found with their place, and a cleaned copy has none."""

from __future__ import annotations

import io
import re
import zipfile

import docx
import pytest

from publisher.errors import Reason
from publisher.figures import is_identity_number
from publisher.intake.reading import NamedBytes, read_files
from publisher.rules.clean import CannotBeCleaned, clean_docx
from tests.support import notice_texts as texts
from tests.support.office_files import doc_of, docx_of, pdf_of, xlsx_of, zip_of
from tests.support.rules import checked_files, held_by, of_rule, warned_by, word_file

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
        ("旧.doc", doc_of("附件的内容" * 20), "旧版 Word"),
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
    data = xlsx_of([["附件"]])
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            if entry.filename == "xl/workbook.xml":
                content = re.sub(rb"<sheet ", b'<sheet state="hidden" ', content, count=1)
            new.writestr(entry, content)
    assert held_by(checked_files(beside("清单.xlsx", out.getvalue()))) == ["file.hidden"]


def test_a_cleaned_copy_reads_as_accepted_and_is_held_for_nothing() -> None:
    dirty = word_file(
        *LINES, inserted="本项目另有说明。", deleted="删去的话", comment="对吗", hidden="看不见", author="孔某某"
    )
    assert set(held_by(checked_files({"公告.docx": dirty}))) == {"file.changes", "file.comments", "file.hidden"}
    cleaned = clean_docx(dirty)
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
    before, after = (read_files([NamedBytes("公告.docx", one)])[0].notice for one in (data, clean_docx(data)))
    assert before is not None and after is not None and before.digest == after.digest


@pytest.mark.parametrize("data", [b"PK\x03\x04 broken", b"text", xlsx_of([["a"]]), b""])
def test_what_is_no_word_file_cannot_be_cleaned(data: bytes) -> None:
    with pytest.raises(CannotBeCleaned, match=r"Word"):
        clean_docx(data)
