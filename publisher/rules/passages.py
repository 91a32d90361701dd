"""The text of an attachment, passage by passage with its place: whatever its format says, or why it cannot be read."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence

import pypdfium2
from lxml import etree

from publisher.notice import html_to_text
from publisher.rules.old_office import MAGIC
from publisher.rules.old_texts import OldTextUnreadable, old_passages
from publisher.rules.pdf_papers import MAX_PAGES
from publisher.rules.privacy import Passage

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
MAX_PART = 64 * 1024 * 1024
"""Largest unpacked part of a package that is looked into, in bytes."""
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, etree.XMLSyntaxError, KeyError, EOFError, OSError, ValueError),
    NotImplementedError,  # zipfile: a way of packing that it does not know
    RuntimeError,  # zipfile: a password
)
"""What a package out of shape ends in; the main document was opened before, an attachment may be anything."""
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
_BESIDE = {"header": "页眉", "footer": "页脚", "footnotes": "脚注", "endnotes": "尾注"}
"""Parts of a Word file in which text stands beside the body."""
_PAGE = re.compile(r"<(?:!doctype\s+html|html|head|body|meta|table|div|p)\b", re.I)
_MESSAGE = re.compile(rb"(?:[\w-]+:[^\n]*\n|[ \t][^\n]*\n){0,40}Content-Type:\s*multipart/", re.I)
"""A mail, or a web page saved as one file: its text is packed."""


class NotScreened(Exception):
    """The file cannot be looked into; the message says why, in Chinese."""


def passages_in(data: bytes, label: str) -> list[Passage]:
    """The text of a file; `label` names it before each place. Raises `NotScreened`."""
    if data.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as package:
                return _package_passages(package, label)
        except BROKEN:
            raise NotScreened("打不开或已损坏") from None
    if data.startswith(b"%PDF"):
        return _pdf_passages(data, label)
    if data.startswith(MAGIC):
        try:
            return old_passages(data, label)
        except OldTextUnreadable as why:
            raise NotScreened(str(why)) from None
    return [Passage(line, f"{label}第 {number} 行") for number, line in enumerate(_lines(data), 1)]


def _lines(data: bytes) -> list[str]:
    text = text_of_bytes(data)
    if text is None:
        raise NotScreened("是图片" if data.startswith(_PICTURES) else "的格式（如图纸、音像）")
    if data.startswith(b"{\\rtf"):
        raise NotScreened("的格式（RTF）")
    if _MESSAGE.match(data):
        raise NotScreened("的格式（邮件或单个文件网页）")
    return (html_to_text(text) if _PAGE.search(text[:4096]) else text).splitlines()


def text_of_bytes(data: bytes) -> str | None:
    """The text of a plain file, None for bytes that are none."""
    if data.startswith(_PICTURES):
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if b"\x00" in data[:4096]:
        return None
    for charset in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(charset)
        except UnicodeDecodeError:
            continue
    return None


# ---- office packages


def xml_part(package: zipfile.ZipFile, part: str) -> etree._Element | None:
    """A part of a package as a tree, None where it is missing. Raises `NotScreened` for one that is too large."""
    if part not in package.namelist():
        return None
    if package.getinfo(part).file_size > MAX_PART:
        raise NotScreened("内容过大")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(package.read(part), parser)


def run_text(element: etree._Element) -> str:
    """The letters of a Word element, those tracked as deleted too."""
    return "".join(e.text or "" for e in element.iter(f"{W}t", f"{W}delText"))


def _package_passages(package: zipfile.ZipFile, label: str) -> list[Passage]:
    names = set(package.namelist())
    if "word/document.xml" in names:
        return [*_word_passages(package, label), *_beside_passages(package, label)]
    if "xl/workbook.xml" in names:
        return list(_sheet_passages(package, label))
    if "ppt/presentation.xml" in names:
        return list(_slide_passages(package, label))
    raise NotScreened("的格式（如 .xlsb 表格、图纸）")


def _word_passages(package: zipfile.ZipFile, label: str) -> Iterator[Passage]:
    root = xml_part(package, "word/document.xml")
    body = root.find(f"{W}body") if root is not None else None
    paragraph = table = 0
    for block in body if body is not None else ():
        if block.tag == f"{W}p":
            paragraph += 1
            yield Passage(run_text(block), f"{label}第 {paragraph} 段")
        elif block.tag == f"{W}tbl":
            table += 1
            for number, row in enumerate(block.iter(f"{W}tr"), 1):
                cells = [run_text(cell) for cell in row.iterchildren(f"{W}tc")]
                yield Passage("\t".join(cells), f"{label}第 {table} 个表格第 {number} 行")
        else:
            yield Passage(run_text(block), f"{label}第 {paragraph} 段之后")


def _parts(package: zipfile.ZipFile, pattern: str) -> Iterator[tuple[str, etree._Element]]:
    """The parts whose names fit, each with what the pattern's group found."""
    for part in sorted(package.namelist()):
        found = re.fullmatch(pattern, part)
        root = xml_part(package, part) if found else None
        if found is not None and root is not None:
            yield found[1], root


def _beside_passages(package: zipfile.ZipFile, label: str) -> Iterator[Passage]:
    for what, root in _parts(package, r"word/(header|footer|footnotes|endnotes)\d*\.xml"):
        for paragraph in root.iter(f"{W}p"):
            yield Passage(run_text(paragraph), f"{label}{_BESIDE[what]}")


def _sheet_passages(package: zipfile.ZipFile, label: str) -> Iterator[Passage]:
    """The rows of every sheet: texts as typed, other cells by their figures."""
    shared = xml_part(package, "xl/sharedStrings.xml")
    texts = (
        ["".join(t.text or "" for t in si.iter("{*}t")) for si in shared.iter("{*}si")] if shared is not None else []
    )
    for number, sheet in _parts(package, r"xl/worksheets/sheet(\d+)\.xml"):
        for row in sheet.iter("{*}row"):
            cells = [_cell_text(cell, texts) for cell in row.iter("{*}c")]
            yield Passage("\t".join(cells), f"{label}第 {number} 个工作表第 {row.get('r')} 行")


def _cell_text(cell: etree._Element, texts: Sequence[str]) -> str:
    value = next((e.text or "" for e in cell.iter("{*}v")), "")
    if cell.get("t") == "s" and value.isdigit() and int(value) < len(texts):
        return texts[int(value)]
    return value or "".join(e.text or "" for e in cell.iter("{*}t"))


def _slide_passages(package: zipfile.ZipFile, label: str) -> Iterator[Passage]:
    for number, root in _parts(package, r"ppt/(?:slides/slide|notesSlides/notesSlide)(\d+)\.xml"):
        for paragraph in root.iter("{*}p"):
            yield Passage("".join(e.text or "" for e in paragraph.iter("{*}t")), f"{label}第 {number} 页")


# ---- PDF


def _pdf_passages(data: bytes, label: str) -> list[Passage]:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        raise NotScreened("打不开或有密码") from None
    passages: list[Passage] = []
    try:
        for number in range(min(len(document), MAX_PAGES)):
            page = document[number]
            text = page.get_textpage()
            lines = text.get_text_bounded().splitlines()
            text.close()
            page.close()
            passages += [Passage(line, f"{label}第 {number + 1} 页") for line in lines]
        pages = len(document)
    except pypdfium2.PdfiumError:
        raise NotScreened("打不开或已损坏") from None
    finally:
        document.close()
    if not any(passage.text.strip() for passage in passages):
        raise NotScreened("是扫描图片")
    if pages > MAX_PAGES:
        raise NotScreened(f"有 {pages} 页，过长")
    return passages
