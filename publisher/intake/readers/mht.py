"""Web archives (`.mht`, `.mhtml`): the page that a browser or Word saved with its pictures in one file."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import Message

from publisher.errors import Reason
from publisher.intake.readers.document import MAX_TEXT, Document, returned
from publisher.intake.readers.plain import decode
from publisher.intake.readers.web import from_markup

MAX_PARTS = 500
"""Most parts of an archive: a page with more pictures than this is no notice."""
_HEAD = re.compile(rb"\A\s*(?:[\w-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)+", re.M)
_MARK = re.compile(rb"^content-type\s*:\s*multipart/related", re.I | re.M)


def is_archive(data: bytes) -> bool:
    """Whether the bytes begin with the headings of a web archive."""
    head = _HEAD.match(data[:4096] + b"\n")
    return head is not None and _MARK.search(head.group(0)) is not None


def read_mht(data: bytes) -> Document:
    """The page of a web archive; its other parts stay closed. Raises `NoticeReturned`."""
    try:
        message = email.message_from_bytes(data, policy=email.policy.compat32)
        pages = [part for number, part in enumerate(message.walk()) if number <= MAX_PARTS and _is_page(part)]
        payload = pages[0].get_payload(decode=True) if pages else None
    except (ValueError, LookupError, RecursionError, AttributeError, TypeError):
        raise returned(Reason.DAMAGED_FILE, "网页存档已损坏或未保存完整，请重新另存为 .docx 或 .html。") from None
    if not isinstance(payload, bytes):
        raise returned(Reason.EMPTY_BODY, "网页存档中没有网页正文，请另存为 .docx 后重新放入。")
    if len(payload) > MAX_TEXT:
        detail = f"网页正文超过 {MAX_TEXT // 1024 // 1024} MB，请只放入公告正文，其余作为附件。"
        raise returned(Reason.UNSUPPORTED_FORMAT, detail)
    return from_markup(decode(payload))


def _is_page(part: Message) -> bool:
    return part.get_content_type() == "text/html"
