"""Word files: `.docx` by mammoth, with tables; the package is measured before it is opened."""

from __future__ import annotations

import io
import logging
import re
import zipfile
import zlib
from typing import Any
from xml.parsers.expat import ExpatError

import mammoth

from publisher.errors import Problem, Reason
from publisher.intake.readers.document import Document, returned
from publisher.intake.readers.numbering import with_numbers
from publisher.intake.readers.slimming import slimmed
from publisher.intake.readers.web import from_markup

MAX_PARTS = 4000
MAX_UNPACKED = 300 * 1024 * 1024
"""Largest total size of a package's parts when unpacked, in bytes."""
MAX_RATIO = 200
"""Largest factor by which one part of a package may grow when unpacked."""

MAX_XML = 4 * 1024 * 1024
"""Largest XML part when unpacked, in bytes: a tree in memory is some forty times its text."""

_OUT_OF_SHAPE = (
    LookupError, ValueError, AttributeError, TypeError, OSError, SyntaxError, RecursionError, AssertionError,
    zipfile.BadZipFile, zlib.error, ExpatError,
)  # fmt: skip
"""What mammoth and lxml end in for a part that is missing or out of shape; mammoth has no error class of its own."""
_log = logging.getLogger(__name__)


def check_package(data: bytes) -> None:
    """Raises `NoticeReturned` for an office package that is damaged, unsafe or far too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            _check_parts(package)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError):
        raise returned(Reason.DAMAGED_FILE, "文件已损坏或未复制完整，请重新复制一份放入。") from None


def _check_parts(package: zipfile.ZipFile) -> None:
    parts = package.infolist()
    if any(part.flag_bits & 1 for part in parts):
        raise returned(
            Reason.PASSWORD_PROTECTED,
            "文件已加密，程序打不开。请用 Word（WPS）打开，取消打开密码后另存一份，重新放入。",
        )
    large = [p for p in parts if p.file_size > 1024 * 1024 and p.file_size > MAX_RATIO * max(1, p.compress_size)]
    if large or len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise returned(Reason.UNSAFE_ARCHIVE, "文件解压后异常庞大，请用 Word 打开后另存一份重新放入。")
    if any(part.filename.endswith(".xml") and part.file_size > MAX_XML for part in parts):
        raise returned(Reason.UNSUPPORTED_FORMAT, "文件的文字部分过大，请只放入公告正文，其余作为附件。")
    if package.testzip() is not None:
        raise zipfile.BadZipFile("checksum")
    for part in parts:
        if part.filename.endswith((".xml", ".rels")):
            with package.open(part) as stream:
                head = stream.read(4096)
            if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
                raise returned(Reason.UNSAFE_ARCHIVE, "文件含有不允许的 XML 定义，请用 Word 打开后另存一份重新放入。")


def _has_hidden_boxes(data: bytes) -> bool:
    """Whether text stands in drawn boxes alone: Word and WPS write each once more in the older form, which is read."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        text = package.read("word/document.xml")
    return b":txbxContent" in text and b":Fallback" not in text and b":textbox" not in text


def read_docx(data: bytes) -> Document:
    """A Word file as HTML. Pictures are left out (with a warning). Raises `NoticeReturned`."""
    check_package(data)
    if _has_hidden_boxes(data):
        detail = "文件里有文本框，其中的文字程序读不出。请把文本框里的文字移到正文中，另存后重新放入。"
        raise returned(Reason.UNSUPPORTED_FORMAT, detail)
    pictures: list[str] = []

    def leave_out(image: Any) -> list[Any]:
        pictures.append(str(getattr(image, "content_type", "")))
        return []

    try:
        numbered = slimmed(with_numbers(data))
        result = mammoth.convert_to_html(io.BytesIO(numbered), convert_image=leave_out, include_default_style_map=True)
    except _OUT_OF_SHAPE as error:
        _log.info("a .docx could not be read: %s", type(error).__name__)
        raise returned(Reason.DAMAGED_FILE, "Word 文件内容已损坏，请用 Word 打开后另存一份重新放入。") from None
    markup = re.sub(r"<a id=\"[^\"]*\"></a>", "", result.value)
    document = from_markup(f"<div>{markup}</div>", unwrap_layout=False)
    if not pictures:
        return Document(body_html=document.body_html)
    detail = f"文件中有 {len(pictures)} 张图片；发布内容只含文字和表格，图片未纳入，请核对预览。"
    return Document(document.body_html, warnings=(Problem(Reason.CANNOT_BE_SHOWN, detail, "body_html"),))
