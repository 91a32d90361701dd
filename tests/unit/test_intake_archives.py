"""A folder or ZIP is one notice with attachments; doubt about its main document and unsafe contents stop it."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest

from publisher.errors import NoticeReturned, Reason
from publisher.intake.reading import Draft, NamedBytes, is_whole, read_files
from tests.support import notice_texts as texts
from tests.support.office_files import docx_of, pdf_of, zip_of

MAIN = docx_of(*texts.RESULT.splitlines())
PDF = pdf_of([["采购文件"]])


def dropped(*files: tuple[str, bytes]) -> Draft:
    (draft,) = read_files([NamedBytes(name, data) for name, data in files])
    return draft


def refused(data: bytes) -> list[Reason]:
    with pytest.raises(NoticeReturned) as error:
        read_files([NamedBytes("a.zip", data)])
    return [problem.reason for problem in error.value.problems]


def test_a_zip_with_names_in_gbk_is_a_notice_with_its_attachment() -> None:
    draft = dropped(("包.zip", zip_of({"中标公告.docx": MAIN, "采购文件.pdf": PDF}, encoding="gb18030")))
    assert draft.notice is not None and draft.problems == () and draft.warnings == ()
    (attachment,) = draft.notice.attachments
    assert (attachment.name, attachment.size, attachment.media_type) == ("采购文件.pdf", len(PDF), "application/pdf")
    assert draft.attachments == {hashlib.sha256(PDF).hexdigest(): PDF}


def test_a_folder_with_a_path_and_litter_in_a_zip_are_understood() -> None:
    inner = {"公告/中标公告.docx": MAIN, "公告/采购文件.pdf": PDF, "公告/~$中标公告.docx": b"x", "__MACOSX/._a": b"y"}
    draft = dropped(("包.zip", zip_of(inner)))
    assert draft.notice is not None
    assert [ref.name for ref in draft.notice.attachments] == ["采购文件.pdf"]


def test_a_zip_within_a_zip_stays_a_closed_attachment() -> None:
    nested = zip_of({"内.txt": b"1"})
    draft = dropped(("包.zip", zip_of({"中标公告.docx": MAIN, "采购文件.zip": nested})))
    assert draft.notice is not None
    assert list(draft.attachments.values()) == [nested]
    assert refused(zip_of({"内.zip": nested})) == [Reason.UNSUPPORTED_FORMAT]


@pytest.mark.parametrize(
    ("names", "main"),
    [
        (("正文.docx", "中标公告附件.docx"), "正文.docx"),
        (("某项目中标公告.docx", "评分表.docx"), "某项目中标公告.docx"),
        (("成交.docx", "采购文件.pdf", "清单.xlsx"), "成交.docx"),
        (("招标公告.docx", "招标公告.pdf"), "招标公告.docx"),
        (("一.docx", "二.docx"), None),
        (("招标公告.docx", "更正公告.docx"), None),
    ],
)
def test_the_main_document_is_told_by_its_name_or_asked_for(names: tuple[str, ...], main: str | None) -> None:
    files = [(name, PDF if name.endswith(".pdf") else MAIN if name.endswith(".docx") else b"PK") for name in names]
    draft = dropped(*files)
    if main is None:
        assert draft.notice is None
        assert [problem.reason for problem in draft.problems] == [Reason.MAIN_DOCUMENT_DOUBT]
        assert all(name in draft.problems[0].detail for name in names)
        assert draft.fields["outcome"] == "held"
    else:
        assert draft.notice is not None
        assert [ref.name for ref in draft.notice.attachments] == [name for name in names if name != main]


def test_an_attachment_that_the_text_names_and_nobody_handed_in_is_a_warning_by_name() -> None:
    draft = dropped(("中标公告.docx", MAIN), ("别的.png", b"\x89PNG\r\n"))
    assert [(p.reason, "采购文件.pdf" in p.detail) for p in draft.warnings] == [(Reason.ATTACHMENT_MISSING, True)]
    assert draft.fields["attachments_mentioned"] == 1


def test_names_with_a_guid_before_them_are_the_same_file() -> None:
    guid = "e09822f1-f0aa-46c1-b66f-26a91b12d4d2."
    draft = dropped(("中标公告.docx", MAIN), (f"{guid}采购文件.pdf", PDF))
    assert draft.warnings == ()


@pytest.mark.parametrize("name", ["../x.docx", "/etc/x.docx", "C:\\x.docx", "a/../../x.docx", "..\\x.docx"])
def test_a_path_that_leaves_the_archive_is_refused(name: str) -> None:
    assert refused(zip_of({name: MAIN})) == [Reason.UNSAFE_ARCHIVE]


def test_a_link_in_an_archive_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("公告.docx")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert refused(out.getvalue()) == [Reason.UNSAFE_ARCHIVE]


def test_an_archive_bomb_and_an_archive_of_too_many_files_are_refused() -> None:
    assert refused(zip_of({"公告.txt": b"0" * 30_000_000})) == [Reason.UNSAFE_ARCHIVE]
    assert refused(zip_of({f"{n}.txt": b"x" for n in range(201)})) == [Reason.UNSAFE_ARCHIVE]


def test_a_zip_cut_off_within_a_stored_word_file_is_not_taken_for_that_word_file() -> None:
    half = zip_of({"公告.docx": MAIN, "图.pdf": PDF}, packed=False)[: len(MAIN) + 60]
    assert refused(half) == [Reason.DAMAGED_FILE]
    assert not is_whole("包.zip", half)


def test_a_cut_an_empty_and_a_spoilt_archive_go_back() -> None:
    whole = zip_of({"公告.docx": MAIN})
    assert refused(whole[:-40]) == [Reason.DAMAGED_FILE]
    assert refused(zip_of({})) == [Reason.EMPTY_BODY]
    spoilt = bytearray(whole)
    spoilt[len(whole) // 2 : len(whole) // 2 + 20] = b"\xff" * 20
    assert refused(bytes(spoilt)) == [Reason.DAMAGED_FILE]


def test_a_folder_of_scans_goes_back_for_its_missing_text() -> None:
    with pytest.raises(NoticeReturned) as error:
        read_files([NamedBytes("1.png", b"\x89PNG\r\n"), NamedBytes("2.png", b"\x89PNG\r\n")])
    assert error.value.problems[0].reason is Reason.NO_TEXT_LAYER
    with pytest.raises(NoticeReturned) as nothing:
        read_files([])
    assert nothing.value.problems[0].reason is Reason.EMPTY_BODY
