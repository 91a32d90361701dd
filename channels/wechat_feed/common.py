"""Names, places and small things that all parts of the feed share."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime

import jinja2

from channels.kit import pages
from publisher.errors import NeedsPerson, Reason
from publisher.notice import LOCAL

PRACTICE_MARK = "【演练】"
GENERATOR = "notice-publisher"
INDEX = "index.html"
PAGES = "articles"


def shell(name: str, **values: object) -> bytes:
    """A page made from a template. Raises `NeedsPerson` for a broken one: the channel stops."""
    try:
        return pages.render_shell(f"wechat_feed/{name}", **values).encode("utf-8")
    except jinja2.TemplateError as error:
        raise NeedsPerson(
            Reason.TEMPLATE_FAULT, f"页面模板 {name} 有误：{error}", evidence=type(error).__name__, stops_channel=True
        ) from error


def path_of(notice_key: str) -> str:
    """The page of a notice, below the output folder."""
    return f"{PAGES}/{slug(notice_key)}.html"


def slug(notice_key: str) -> str:
    """A file name for the key: unlike keys give unlike names, also where capitals do not count."""
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", notice_key):
        return notice_key
    plain = re.sub(r"[^a-z0-9]+", "-", notice_key.lower()).strip("-")[:40]
    return f"{plain}.{sha256(notice_key.encode())[:16]}".lstrip(".")


def minute(instant: datetime) -> str:
    """An instant as readers see it: local, to the minute."""
    return instant.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M")


def sha256(content: bytes) -> str:
    """sha256, lower-case hex."""
    return hashlib.sha256(content).hexdigest()
