"""A cleaned copy of a file: revisions accepted; comments, hidden text, embedded files and names of people removed."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Collection, Iterable

from lxml import etree

from publisher.rules.hidden_runs import hidden_styles, is_hidden
from publisher.rules.old_office import MAGIC, OldFileUnreadable, clean_old_file
from publisher.rules.pdf_papers import PdfUnreadable, clean_pdf

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_TEXT_PART = re.compile(r"word/(document|header\d*|footer\d*|footnotes|endnotes)\.xml")
_DROPPED = re.compile(
    r"word/(comments\w*|people)\.xml|docProps/custom\.xml|word/_rels/comments\w*\.xml\.rels|"
    r"xl/(comments\d*|threadedComments/[^/]+|persons/[^/]+)\.xml|xl/drawings/vmlDrawing\d*\.vml"
)
_REMOVED = (
    "del", "moveFrom", "commentRangeStart", "commentRangeEnd", "moveFromRangeStart", "moveFromRangeEnd",
    "moveToRangeStart", "moveToRangeEnd", "rPrChange", "pPrChange", "tblPrChange", "trPrChange", "tcPrChange",
    "sectPrChange", "tblGridChange", "numberingChange", "cellDel", "cellIns", "cellMerge",
)  # fmt: skip
_PEOPLE = ("creator", "lastModifiedBy", "Company", "Manager")


class CannotBeCleaned(Exception):
    """The file is none that the program can clean, or does not open; the message says so in Chinese."""


def cleaned_copy(data: bytes) -> bytes:
    """The cleaned copy of a Word file, workbook or PDF; of an old office file, without names only.

    Raises `CannotBeCleaned`.
    """
    try:
        if data.startswith(b"%PDF"):
            return clean_pdf(data)
        if data.startswith(MAGIC):
            return clean_old_file(data)
    except (PdfUnreadable, OldFileUnreadable) as why:
        raise CannotBeCleaned(str(why)) from None
    return clean_package(data)


def clean_package(data: bytes) -> bytes:
    """The cleaned copy of a .docx or .xlsx; everything else in it stays byte for byte. Raises `CannotBeCleaned`."""
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            if not {"word/document.xml", "xl/workbook.xml"} & set(package.namelist()):
                raise CannotBeCleaned("不是 Word、Excel 或 PDF 文件，程序不能清理，请在原程序中清理")
            styles = _styles(package)
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as copy:
                for entry in package.infolist():
                    if not _DROPPED.fullmatch(entry.filename):
                        content = _cleaned(entry.filename, package.read(entry), styles)
                        copy.writestr(entry, content, zipfile.ZIP_DEFLATED)
    except (zipfile.BadZipFile, zlib.error, etree.XMLSyntaxError, EOFError, OSError, ValueError, RuntimeError) as error:
        raise CannotBeCleaned(f"打不开该文件（{type(error).__name__}），请在 Word 或 Excel 中另存后再清理") from error
    return out.getvalue()


def _styles(package: zipfile.ZipFile) -> frozenset[str]:
    name = "word/styles.xml"
    return hidden_styles(_parse(package.read(name))) if name in package.namelist() else frozenset()


def _cleaned(name: str, content: bytes, styles: Collection[str]) -> bytes:
    if _TEXT_PART.fullmatch(name):
        return _bytes(_clean_text(_parse(content), styles))
    if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name):
        root = _parse(content)
        _drop(root.iter("{*}legacyDrawing"))
        return _bytes(root)
    if name in ("docProps/core.xml", "docProps/app.xml"):
        root = _parse(content)
        for element in root.iter(*(f"{{*}}{tag}" for tag in _PEOPLE)):
            element.text = ""
        return _bytes(root)
    if name == "word/settings.xml":
        root = _parse(content)
        _drop(root.iter(f"{W}trackRevisions"))
        return _bytes(root)
    if name == "[Content_Types].xml" or name.endswith(".rels"):
        root = _parse(content)
        for element in list(root):
            target = (element.get("PartName") or element.get("Target") or "").lstrip("/")
            inside = target.removeprefix("../")
            if any(_DROPPED.fullmatch(one) for one in (target, f"word/{inside}", f"xl/{inside}")):
                root.remove(element)
        return _bytes(root)
    return content


def _parse(content: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(content, parser)


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _clean_text(root: etree._Element, styles: Collection[str]) -> etree._Element:
    _drop(row for row in root.iter(f"{W}tr") if row.find(f"{W}trPr/{W}del") is not None)
    for paragraph in [p for p in root.iter(f"{W}p") if p.find(f"{W}pPr/{W}rPr/{W}del") is not None]:
        _join_with_next(paragraph)
    for mark in list(root.iter(f"{W}ins", f"{W}moveTo")):
        _unwrap(mark)
    _drop(root.iter(*(f"{W}{tag}" for tag in _REMOVED)))
    _drop(run for run in root.iter(f"{W}r") if run.find(f"{W}commentReference") is not None)
    _drop(run for run in root.iter(f"{W}r") if is_hidden(run, styles))
    return root


def _join_with_next(paragraph: etree._Element) -> None:
    """A paragraph whose mark was deleted is one with the next; without a next it is dropped if nothing is left."""
    following = paragraph.getnext()
    if following is None or following.tag != f"{W}p":
        return
    at = 1 if following.find(f"{W}pPr") is not None else 0
    for child in [child for child in paragraph if child.tag != f"{W}pPr"]:
        following.insert(at, child)
        at += 1
    parent = paragraph.getparent()
    if parent is not None:
        parent.remove(paragraph)


def _drop(elements: Iterable[etree._Element]) -> None:
    for element in list(elements):
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)


def _unwrap(mark: etree._Element) -> None:
    parent = mark.getparent()
    if parent is None:
        return
    at = parent.index(mark)
    for child in list(mark):
        parent.insert(at, child)
        at += 1
    parent.remove(mark)
