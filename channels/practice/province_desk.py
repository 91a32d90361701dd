"""Where persons work on a practice province: they review what came in, and type notices in behind a captcha."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol
from urllib.parse import parse_qsl

from channels.practice import province_pages as pages
from channels.practice.province_store import Filed, ProvinceStore
from channels.practice.server import HTML
from channels.practice.site_checks import Refused
from channels.practice.wire import Request, Response


class Province(Protocol):
    """What the desk needs of the province it belongs to."""

    @property
    def name(self) -> str: ...

    @property
    def base_url(self) -> str: ...

    def approve(self, item: Filed, at: datetime | None = None) -> Filed: ...

    def refuse(self, item: Filed, reason: str) -> Filed: ...

    def type_in(self, typed: Mapping[str, str]) -> Filed: ...


class ProvinceDesk:
    """The pages below `/review`, and `/desk`."""

    def __init__(self, province: Province, store: ProvinceStore) -> None:
        self._province, self._store = province, store
        self._captchas: dict[str, int] = {}
        self._questions = itertools.count(1)
        self._lock = threading.Lock()

    def review(self, request: Request) -> Response:
        """The list, one notice, or the reviewer's decision about it."""
        name, number = self._province.name, request.path.removeprefix("/review").strip("/")
        if not number:
            return Response(200, pages.review_list(name, self._store.items()), HTML)
        item = self._store.by_id(int(number)) if number.isascii() and number.isdigit() else None
        if item is None:
            return Response(404, pages.word_page(name, "没有这条公告"), HTML)
        if request.method != "POST":
            return Response(200, pages.review_page(name, item, self._store.files(item.id)), HTML)
        said = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        reason = said.get("reason", "").strip()
        if said.get("act") == "approve":
            self._province.approve(item)
        elif said.get("act") == "refuse" and reason:
            self._province.refuse(item, reason)
        else:
            page = pages.review_page(name, item, self._store.files(item.id), "不通过时请填写理由")
            return Response(422, page, HTML)
        return Response(303, b"", HTML, headers={"Location": f"/review/{item.id}"})

    def typing(self, request: Request) -> Response:
        """The form; or what was typed in, which is public at once if the captcha is solved."""
        if request.method != "POST":
            return self._form({})
        typed = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        with self._lock:
            right = self._captchas.pop(typed.get("token", ""), None)
        if right is None or typed.get("captcha", "").strip() != str(right):
            return self._form(typed, "验证码不正确，请重新输入")
        try:
            item = self._province.type_in(typed)
        except Refused as refused:
            return self._form(typed, *(refused.fields.values() or [refused.message]))
        return Response(200, pages.typed_page(self._province.name, self._province.base_url, item), HTML)

    def _form(self, typed: Mapping[str, str], *problems: str) -> Response:
        first, second, token = 3 + next(self._questions) % 7, 2 + secrets.randbelow(8), secrets.token_hex(8)
        with self._lock:
            self._captchas[token] = first + second
        page = pages.desk_page(self._province.name, f"{first} + {second}", token, typed, problems)
        return Response(200, page, HTML)
