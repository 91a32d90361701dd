"""A cleaned copy of a Word file: revisions accepted, comments, hidden text and names in its properties removed."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterable

from lxml import etree

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_TEXT_PART = re.compile(r"word/(document|header\d*|footer\d*|footnotes|endnotes)\.xml")
_DROPPED = re.compile(r"word/(comments\w*|people)\.xml|docProps/custom\.xml|word/_rels/comments\w*\.xml\.rels")
_REMOVED = (
    "del", "moveFrom", "commentRangeStart", "commentRangeEnd", "moveFromRangeStart", "moveFromRangeEnd",
    "moveToRangeStart", "moveToRangeEnd", "rPrChange", "pPrChange", "tblPrChange", "trPrChange", "tcPrChange",
    "sectPrChange", "tblGridChange", "numberingChange", "cellDel", "cellIns", "cellMerge",
)  # fmt: skip
_PEOPLE = ("creator", "lastModifiedBy", "Company", "Manager")


class CannotBeCleaned(Exception):
    """The file is no Word file (.docx) that opens; the message says so in Chinese."""


def clean_docx(data: bytes) -> bytes:
    """The cleaned copy; everything else in the file stays byte for byte. Raises `CannotBeCleaned`."""
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            if "word/document.xml" not in package.namelist():
                raise CannotBeCleaned("不是 .docx 文件，请在 Word 中另存为 .docx 后再清理")
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as copy:
                for entry in package.infolist():
                    if not _DROPPED.fullmatch(entry.filename):
                        copy.writestr(entry, _cleaned(entry.filename, package.read(entry)), zipfile.ZIP_DEFLATED)
    except (zipfile.BadZipFile, zlib.error, etree.XMLSyntaxError, EOFError, OSError, ValueError, RuntimeError) as error:
        raise CannotBeCleaned(f"打不开该文件（{type(error).__name__}），请在 Word 中另存后再清理") from error
    return out.getvalue()


def _cleaned(name: str, content: bytes) -> bytes:
    if _TEXT_PART.fullmatch(name):
        return _bytes(_clean_text(_parse(content)))
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
            if _DROPPED.fullmatch(target) or _DROPPED.fullmatch(f"word/{target}"):
                root.remove(element)
        return _bytes(root)
    return content


def _parse(content: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(content, parser)


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _clean_text(root: etree._Element) -> etree._Element:
    _drop(row for row in root.iter(f"{W}tr") if row.find(f"{W}trPr/{W}del") is not None)
    for paragraph in [p for p in root.iter(f"{W}p") if p.find(f"{W}pPr/{W}rPr/{W}del") is not None]:
        _join_with_next(paragraph)
    for mark in list(root.iter(f"{W}ins", f"{W}moveTo")):
        _unwrap(mark)
    _drop(root.iter(*(f"{W}{tag}" for tag in _REMOVED)))
    _drop(run for run in root.iter(f"{W}r") if run.find(f"{W}commentReference") is not None)
    _drop(run for run in root.iter(f"{W}r") if _is_hidden(run))
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


def _is_hidden(run: etree._Element) -> bool:
    mark = run.find(f"{W}rPr/{W}vanish")
    return mark is not None and mark.get(f"{W}val") not in ("0", "false", "off")


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
