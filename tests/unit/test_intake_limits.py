"""Files that would take all memory or all time are given back before they do."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib

import pytest

from publisher.errors import NoticeReturned, Reason
from publisher.intake.readers.document import MAX_TEXT
from publisher.intake.readers.measure import MAX_CONTENT, check_streams, unpacked
from publisher.intake.reading import NamedBytes, read_files
from tests.support.line import notice_text
from tests.support.office_files import docx_of, ole_of, pdf_of, xlsx_of, zip_of


def refused(data: bytes) -> Reason:
    with pytest.raises(NoticeReturned) as error:
        read_files([NamedBytes("公告", data)])
    return error.value.problems[0].reason


def stream(head: bytes, content: bytes) -> bytes:
    return b"%PDF-1.4\n1 0 obj\n<<" + head + b">>\nstream\n" + content + b"\nendstream\nendobj\n"


def test_a_page_that_unpacks_without_end_is_given_back_at_once() -> None:
    assert refused(stream(b"/Filter/FlateDecode", zlib.compress(b"0 0 m " * MAX_CONTENT))) is Reason.UNSAFE_ARCHIVE


@pytest.mark.parametrize("text", [b"(" + b"a" * 50_000 + b") Tj", b"<" + b"4e2d" * 30_000 + b"> Tj"])
def test_a_page_that_prints_more_than_a_page_holds_is_given_back(text: bytes) -> None:
    assert refused(stream(b"", text)) is Reason.UNSAFE_ARCHIVE


def test_pictures_and_fonts_may_be_large_and_pages_may_not() -> None:
    large = zlib.compress(b"0" * 9_000_000)
    for head in (b"/Subtype/Image/Filter/FlateDecode", b"/Length1 9000000/Filter/FlateDecode"):
        check_streams(stream(head, large))

    with pytest.raises(NoticeReturned):
        check_streams(stream(b"/Filter/FlateDecode", large))


def test_what_is_packed_and_damaged_counts_as_far_as_it_unpacks() -> None:
    packed = zlib.compress(b"0 0 m 1 1 l S " * 900)

    assert unpacked(b"no zlib at all", 0, 100) == b""
    assert unpacked(packed, 0, MAX_CONTENT) == b"0 0 m 1 1 l S " * 900
    assert b"0 0 m" in unpacked(packed[:-20], 0, MAX_CONTENT)


@pytest.mark.parametrize("head", [b"", b"<html><body>", b'{"title": "', b"<?xml version='1.0'?><Data>"])
def test_a_text_of_many_megabytes_is_given_back_before_it_is_parsed(head: bytes) -> None:
    assert refused(head + "公告正文。".encode() * (MAX_TEXT // 12)) is Reason.UNSUPPORTED_FORMAT


def test_a_word_file_whose_text_is_a_book_is_given_back() -> None:
    long = "".join(chr(0x4E00 + (at * 7919) % 20000) for at in range(20_000))
    assert refused(docx_of("公告", *[long] * 80)) is Reason.UNSUPPORTED_FORMAT


@pytest.mark.parametrize(("side", "tables"), [(4, True), (80, False)])
def test_a_page_ruled_like_a_drawing_is_read_without_looking_for_tables(side: int, tables: bool) -> None:
    lines = ["某工程招标公告", "本项目已具备招标条件，现公开招标，", "欢迎具备条件的投标人参加投标，特此公告。"]
    (draft,) = read_files([NamedBytes("公告", pdf_of([lines], grid=[["甲" if side == 4 else ""] * side] * side))])

    assert draft.notice is not None and "特此公告" in draft.notice.text
    assert ("<table>" in draft.notice.body_html) is tables


def test_a_zip_of_a_zip_bomb_stays_closed() -> None:
    bomb = zip_of({"0": b"0" * 30_000_000})
    (draft,) = read_files([NamedBytes("x.zip", zip_of({"招标公告.txt": notice_text().encode(), "a.zip": bomb}))])

    assert draft.notice is not None and [ref.name for ref in draft.notice.attachments] == ["a.zip"]


def sheet_with(reference: str) -> bytes:
    """A workbook whose last cell stands at `reference`."""
    whole = xlsx_of([["公告标题", "项目编号", "项目名称"], ["某公告", "1", "某路"]])
    with zipfile.ZipFile(io.BytesIO(whole)) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    name = next(name for name in parts if "/worksheets/" in name)
    far = f'<row r="{re.sub("[A-Z]", "", reference)}"><c r="{reference}"><v>1</v></c></row></sheetData>'.encode()
    parts[name] = parts[name].replace(b"</sheetData>", far)
    return zip_of(parts)


@pytest.mark.parametrize("reference", ["XFD1048576", "XFD999"])
def test_a_cell_at_the_far_end_of_a_sheet_does_not_end_the_program(reference: str) -> None:
    assert refused(sheet_with(reference)) is Reason.UNSUPPORTED_FORMAT


@pytest.mark.parametrize("reference", ["ZZZZZZZ1", "A99999999", "F2999999999999999999999"])
def test_a_cell_whose_place_no_program_writes_is_damage(reference: str) -> None:
    assert refused(sheet_with(reference)) is Reason.DAMAGED_FILE


def test_a_far_cell_of_an_old_workbook_is_found_too() -> None:
    far = struct.pack("<HHHHHd", 0x0203, 14, 65_000, 60_000, 0, 1.0)

    assert refused(ole_of({"Workbook": far * 40})) is Reason.UNSUPPORTED_FORMAT


def test_formats_far_out_without_a_value_are_no_reach() -> None:
    whole = sheet_with("C3")
    with zipfile.ZipFile(io.BytesIO(whole)) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    name = next(name for name in parts if "/worksheets/" in name)
    parts[name] = parts[name].replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>')

    assert refused(zip_of(parts)) is Reason.EMPTY_BODY  # it was opened: its row is too short for a notice
