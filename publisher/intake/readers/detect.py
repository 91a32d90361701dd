"""Tells the format of a file by its bytes; the name's extension decides nothing."""

from __future__ import annotations

import io
import re
import zipfile
from enum import StrEnum

import olefile

from publisher.intake.readers import exchange, mht


class FileType(StrEnum):
    """The formats that are told apart."""

    DOCX = "docx"
    XLSX = "xlsx"
    ZIP = "zip"
    BROKEN_ZIP = "broken zip"
    PDF = "pdf"
    DOC = "doc"
    XLS = "xls"
    ENCRYPTED = "encrypted"
    JSON = "json"
    HTML = "html"
    MHT = "web archive"
    XML = "xml"
    TEXT = "text"
    EMPTY = "empty"
    IMAGE = "image"
    ARCHIVE = "other archive"
    SHORTCUT = "shortcut"
    MAIL = "mail"
    OFD = "ofd"
    PROGRAM = "program or recording"
    OTHER = "other"


DOCUMENTS = frozenset(
    {
        FileType.DOCX,
        FileType.XLSX,
        FileType.PDF,
        FileType.DOC,
        FileType.XLS,
        FileType.JSON,
        FileType.HTML,
        FileType.MHT,
        FileType.XML,
        FileType.TEXT,
    }
)
"""Formats that can hold the text of a notice."""

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_IMAGES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
_ARCHIVES = (b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
_SHORTCUTS = (b"L\x00\x00\x00\x01\x14\x02\x00", b"[InternetShortcut]")
_PROGRAMS = (b"MZ", b"\x7fELF", b"ID3", b"RIFF", b"OggS", b"fLaC", b"\x1aE\xdf\xa3", b"\x00\x00\x01\xba")
_MAIL = re.compile(rb"(?:Received|Return-Path|From|Date|Subject|Message-ID|X-[\w-]+|MIME-Version): ", re.I)
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_MARKUP = re.compile(rb"<(?:!doctype\s+html|html|head|body|meta|table|div|p|h[1-6]|span|br|title)\b", re.I)


def file_type(data: bytes) -> FileType:
    """The format of `data`, told by signature and content."""
    if not data.strip(b"\x00\r\n\t "):
        return FileType.EMPTY
    if data.startswith(b"PK"):
        return _zip_type(data)
    if data.startswith(_OLE):
        return _ole_type(data)
    if b"%PDF-" in data[:1024]:
        return FileType.PDF
    if data.startswith(_IMAGES):
        return FileType.IMAGE
    if data.startswith(_ARCHIVES):
        return FileType.ARCHIVE
    if data.startswith(_SHORTCUTS):
        return FileType.SHORTCUT
    if (data.startswith(_PROGRAMS) and b"\x00" in data[:1024]) or data[4:8] == b"ftyp":
        return FileType.PROGRAM
    return _text_type(data)


def package_names(data: bytes) -> frozenset[str] | None:
    """The names in a ZIP or office package; None if it does not open whole.

    A ZIP cut off within an inner, uncompressed package still ends in that package's directory; then
    the first entry does not begin where the file does.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return None
    if entries and min(entry.header_offset for entry in entries) != 0:
        return None
    return frozenset(entry.filename for entry in entries)


def _zip_type(data: bytes) -> FileType:
    names = package_names(data)
    if names is None:
        return FileType.BROKEN_ZIP
    if "word/document.xml" in names:
        return FileType.DOCX
    if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
        return FileType.XLSX
    if "OFD.xml" in names:
        return FileType.OFD
    return FileType.OTHER if "[Content_Types].xml" in names else FileType.ZIP


def _ole_type(data: bytes) -> FileType:
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            streams = {"/".join(path) for path in ole.listdir()}
    except (OSError, ValueError, IndexError, RecursionError):
        return FileType.OTHER
    if "EncryptedPackage" in streams or "EncryptionInfo" in streams:
        return FileType.ENCRYPTED
    if "WordDocument" in streams:
        return FileType.DOC
    return FileType.XLS if streams & {"Workbook", "Book"} else FileType.OTHER


def _text_type(data: bytes) -> FileType:
    head = data[:4096]
    if data.startswith(b"{\\rtf") or (b"\x00" in head and not head.startswith(_BOMS)):
        return FileType.OTHER
    bare = head
    for bom in _BOMS:
        bare = bare.removeprefix(bom)
    for wide, mark in (("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff")):
        if head.startswith(mark):  # the bytes of a letter such as U+4E7B look like others
            bare = bare.decode(wide, "replace").encode()
    bare = bare.replace(b"\x00", b"").lstrip()
    if bare.startswith((b"{", b"[{")) or re.match(rb"\[\s*\{", bare):
        return FileType.JSON
    if mht.is_archive(data):
        return FileType.MHT
    if _MAIL.match(bare) and len(_MAIL.findall(bare[:1024])) >= 2:
        return FileType.MAIL
    if exchange.is_exchange(bare):
        return FileType.XML
    if _MARKUP.search(head.replace(b"\x00", b"")) or (bare.startswith(b"<") and _MARKUP.search(data)):
        return FileType.HTML
    return FileType.TEXT
