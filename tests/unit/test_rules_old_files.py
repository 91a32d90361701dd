"""The text of old office files and of what lies in archives is screened; what cannot be read is named."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from publisher.rules.old_sheets import Encrypted, rows_of
from publisher.word_binary import read_header, whole_text
from tests.support import notice_texts as texts
from tests.support.office_files import doc_of, docx_of, ole_of, pdf_of, xlsx_of, zip_of
from tests.support.rules import checked_files, held_by, of_rule, warned_by, word_file

OLD = Path(__file__).parent.parent / "data" / "old"
LINES = texts.RESULT.splitlines()
PRIVATE = "评审专家：张三，手机 13900000001"


def told(name: str, data: bytes) -> list[str]:
    """What holds a result that has this attachment, in words."""
    result = checked_files({"公告正文.docx": word_file(*LINES), name: data})
    return [str(problem) for problem in result.problems]


def not_screened(name: str, data: bytes) -> str:
    """What is said of an attachment that holds nothing up."""
    result = checked_files({"公告正文.docx": word_file(*LINES), name: data})
    assert held_by(result) == []
    return str(of_rule(result, "file.not_screened"))


# ---- BIFF records


def record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def opening(version: int = 0x0600, what: int = 0x0010) -> bytes:
    return record(0x0809, struct.pack("<HH", version, what) + bytes(12))


def cell(kind: int, row: int, column: int, rest: bytes) -> bytes:
    return record(kind, struct.pack("<HHH", row, column, 0) + rest)


def wide(text: str) -> bytes:
    return struct.pack("<HB", len(text), 1) + text.encode("utf-16-le")


def seen(*records: bytes) -> list[str]:
    return [row.text for row in rows_of(b"".join(records))]


# ---- real files


def test_an_old_word_file_is_screened_in_table_footnote_and_page_head() -> None:
    found = told("专家.doc", (OLD / "experts.doc").read_bytes())
    assert len(found) == 3
    assert any("第 1 个表格第 2 行有联系方式以外的手机号码" in one for one in found)
    assert any("第 4 段有联系方式以外的手机号码" in one for one in found)
    assert any("写有身份证号码" in one for one in found)


def test_an_old_workbook_is_screened_in_cells_comments_hidden_sheets_and_behind_a_long_text() -> None:
    found = told("专家.et", (OLD / "experts.xls").read_bytes())
    assert len(found) == 4
    assert any("第 1 个工作表第 3 行有联系方式以外的手机号码" in one for one in found)
    assert any("第 1 个工作表第 5 行有联系方式以外的手机号码" in one for one in found)
    assert any("第 1 个工作表的批注、页眉或文本框写有身份证号码" in one for one in found)
    assert any("第 2 个工作表第 1 行有个人住址" in one for one in found)
    assert not any("13900000001" in one for one in found)


def test_an_old_file_of_which_everything_was_read_is_not_said_to_be_unread() -> None:
    data = doc_of("附件：采购需求\r技术参数见下\r")
    warned = warned_by(checked_files({"公告正文.docx": word_file(*LINES), "需求.wps": data}))
    assert not any(rule.startswith("file.") for rule in warned)


@pytest.mark.parametrize("how", [{"deleted": True}, {"numbered": True}])
def test_what_a_reader_would_give_back_is_screened_all_the_same(how: dict[str, bool]) -> None:
    (problem,) = told("名单.doc", doc_of(f"附件\r{PRIVATE}\r", **how))
    assert "附件“名单.doc”第 2 段有联系方式以外的手机号码" in problem


def test_a_blank_value_in_an_old_table_does_not_end_its_row() -> None:
    table = "专家\x07得分\x07手机\x07\x07张三\x07\x0713900000001\x07\x07"
    (problem,) = told("名单.doc", doc_of(f"附件\r{table}"))
    assert "第 1 个表格第 2 行" in problem


@pytest.mark.parametrize(
    ("name", "data", "place"),
    [
        ("名单.doc", doc_of(f"{PRIVATE}\r"), "附件.zip›里面›名单.doc”第 1 段"),
        ("名单.xls", (OLD / "experts.xls").read_bytes(), "附件.zip›里面›名单.xls”第 1 个工作表第 3 行"),
        ("名单.docx", docx_of("见下", PRIVATE), "附件.zip›里面›名单.docx”第 2 段"),
        ("名单.xlsx", xlsx_of([["附件"], [PRIVATE]]), "附件.zip›里面›名单.xlsx”第 1 个工作表第 2 行"),
        ("名单.pdf", pdf_of([["Expert Zhang, private mobile", "13900000001"]]), "附件.zip›里面›名单.pdf”第 1 页"),
    ],
)
def test_files_in_an_archive_are_screened_like_those_beside_it(name: str, data: bytes, place: str) -> None:
    found = told("附件.zip", zip_of({f"里面/{name}": data}))
    assert any(place in one for one in found)


def a_folder_that_holds_itself() -> bytes:
    data = bytearray(ole_of({"WordDocument": b"text"}))
    root, inner = (data.index(name.encode("utf-16-le")) for name in ("Root Entry", "WordDocument"))
    data[root + 66] = 1  # a folder like others
    data[inner + 68 : inner + 72] = struct.pack("<I", 0)  # beside which it stands itself
    return bytes(data)


# ---- texts of which a screen would see only scraps


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("锁.doc", doc_of("附件\r" * 20, encrypted=True), "有打开密码"),
        ("锁.xls", ole_of({"Workbook": opening() + record(0x002F, bytes(6))}), "有打开密码"),
        ("锁.docx", ole_of({"EncryptedPackage": b"x", "EncryptionInfo": b"x"}), "有打开密码"),
        ("坏.doc", ole_of({"WordDocument": b"text"}), "已损坏"),
        ("坏.xls", ole_of({"Workbook": opening() + struct.pack("<HH", 0x0204, 60_000)}), "已损坏"),
        ("坏.wps", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600, "打不开或已损坏"),
        ("环.doc", a_folder_that_holds_itself(), "打不开或已损坏"),
        ("旧.ppt", ole_of({"PowerPoint Document": b"slides"}), "旧版演示文稿"),
        ("富文本.doc", rb"{\rtf1\ansi\'d7\'a8\'bc\'d2 13900000001}", "RTF"),
        ("网页.doc", b"MIME-Version: 1.0\nContent-Type: multipart/related;\n boundary=x\n\n--x\n", "单个文件网页"),
        ("表.xlsb", zip_of({"[Content_Types].xml": b"<Types/>", "xl/workbook.bin": b"x"}), ".xlsb"),
        ("版式.ofd", zip_of({"OFD.xml": b"<OFD/>"}), "OFD"),
        ("里面.zip", zip_of({"锁.doc": doc_of("附件\r" * 20, encrypted=True)}), "附件“里面.zip›锁.doc”有打开密码"),
    ],
)
def test_a_file_that_cannot_be_read_word_by_word_is_named_with_the_reason(name: str, data: bytes, why: str) -> None:
    assert why in not_screened(name, data)


def test_a_file_within_an_old_file_is_named_for_a_person_to_look_into() -> None:
    data = ole_of({"WordDocument": b"text", "ObjectPool/_1234/Package": b"x"})
    result = checked_files({"公告正文.docx": word_file(*LINES), "旧.doc": data})
    assert "嵌有 1 个文件" in str(of_rule(result, "file.embedded_object"))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (
            "名单.html",
            "<html><body><p>评审专家：<b>张三</b>，<i>手机</i> 139<b>0000</b>0001</p></body></html>".encode(),
        ),
        ("名单.txt", f"附件\n{PRIVATE}".encode("utf-16")),
        (
            "名单.pptx",
            zip_of(
                {
                    "[Content_Types].xml": b"<Types/>",
                    "ppt/presentation.xml": b"<p/>",
                    "ppt/slides/slide1.xml": f'<s xmlns:a="a"><a:p><a:r><a:t>{PRIVATE[:-4]}</a:t></a:r><a:r>'
                    f"<a:t>{PRIVATE[-4:]}</a:t></a:r></a:p></s>".encode(),
                }
            ),
        ),
    ],
)
def test_pages_slides_and_texts_of_windows_are_screened_as_they_are_read(name: str, data: bytes) -> None:
    (problem,) = told(name, data)
    assert "有联系方式以外的手机号码" in problem


# ---- old workbooks, record by record


def test_numbers_formulas_and_texts_of_every_form_of_record_are_read() -> None:
    whole = struct.pack("<I", 1234 << 2 | 2)
    hundredths = struct.pack("<I", 1250 << 2 | 3)
    below = struct.pack("<i", -3 << 2 | 2)
    rich = wide("己某") + struct.pack("<HHH", 1, 0, 0)
    text_result = bytes(6) + b"\xff\xff" + bytes(6)
    assert seen(
        opening(),
        cell(0x0204, 0, 0, wide("甲某")),
        cell(0x0203, 0, 1, struct.pack("<d", 13900000001)),
        cell(0x027E, 0, 2, hundredths),
        record(0x00BD, struct.pack("<HH", 1, 0) + b"\0\0" + whole + b"\0\0" + below + struct.pack("<H", 1)),
        cell(0x00D6, 2, 0, rich),
        cell(0x0006, 2, 1, text_result),
        record(0x0207, wide("13900000002")),
        cell(0x0006, 2, 2, struct.pack("<d", 98.5) + bytes(6)),
    ) == ["甲某\t13900000001\t12.5", "1234\t-3", "己某\t13900000002\t98.5"]


def test_shared_texts_go_on_in_the_next_record_with_letters_of_another_width() -> None:
    first = struct.pack("<IIHB", 2, 2, 5, 1) + "评审".encode("utf-16-le")
    then = b"\x00abc" + struct.pack("<HBHI", 2, 0x0C, 1, 3) + b"xy" + bytes(4 + 3)
    shared = record(0x00FC, first) + record(0x003C, then)
    cells = [cell(0x00FD, 0, column, struct.pack("<I", column)) for column in (0, 1)]
    assert seen(opening(what=5), shared, opening(), *cells) == ["评审abc\txy"]


def test_workbooks_of_1995_are_read_in_their_charset() -> None:
    label = "手机".encode("gb18030")
    assert seen(
        record(0x0809, struct.pack("<HHHH", 0x0500, 0x10, 0, 0)),
        record(0x0042, struct.pack("<H", 936)),
        cell(0x0204, 0, 0, struct.pack("<H", len(label)) + label),
        record(0x001C, bytes(6) + "批注".encode("gb18030")),
    ) == ["批注", "手机"]


def test_a_far_column_makes_no_gap_and_a_text_that_goes_beyond_the_file_is_an_error() -> None:
    assert seen(opening(), cell(0x0204, 0, 0, wide("a")), cell(0x0204, 0, 60_000, wide("b"))) == ["a\tb"]
    for broken in (cell(0x0204, 0, 0, struct.pack("<HB", 999, 1)), cell(0x00FD, 0, 0, struct.pack("<I", 7))):
        with pytest.raises((ValueError, IndexError)):
            rows_of(opening() + broken)
    with pytest.raises(Encrypted):
        rows_of(opening() + record(0x002F, b""))


def test_pieces_over_one_another_unpack_to_no_more_than_the_file_holds() -> None:
    main = bytearray(4096)
    struct.pack_into("<H", main, 32, 14)
    struct.pack_into("<H", main, 62, 22)
    struct.pack_into("<H", main, 152, 93)
    count = 1000
    plc = struct.pack(f"<{count + 1}I", *range(0, 4000 * (count + 1), 4000)) + struct.pack("<HIH", 0, 0, 0) * count
    table = b"\x02" + struct.pack("<I", len(plc)) + plc
    struct.pack_into("<II", main, 154 + 33 * 8, 0, len(table))
    with pytest.raises(ValueError, match="piece table"):
        whole_text(bytes(main), table, read_header(bytes(main)))
