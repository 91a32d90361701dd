"""A practice site: stands in for a municipal web site, keeps what it is given, and fails when told to.

It takes notices as JSON (`/api/notices`) and as a form (`/form/notices`, UTF-8 or GBK), is asked by key,
takes and serves attachments, updates and withdraws, and shows readers a list and a page per notice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from channels.practice.server import HTML, PracticeServer, file_numbers, machine_clock
from channels.practice.site_checks import Refused, checked, json_object, uploaded
from channels.practice.site_pages import article_page, list_page, word_page
from channels.practice.site_store import Item, SiteStore, StoredFile
from channels.practice.site_switches import Switches
from channels.practice.wire import Request, Response, json_response


class PracticeSite(PracticeServer):
    """The site: `start`, use `base_url`, `stop`. The store in `store` outlives it.

    `on_stored` is called with the item (a dict) between storing and answering; `clock` gives the present
    instant; `pages`: every reader's page is also written below `store`.
    """

    def __init__(
        self,
        store: Path,
        *,
        name: str = "某市公共资源交易网",
        port: int = 0,
        admin_port: int = 0,
        switches: Mapping[str, object] | None = None,
        on_stored: Callable[[dict[str, Any]], None] | None = None,
        clock: Callable[[], datetime] = machine_clock,
        pages: bool = False,
    ) -> None:
        self.switches = Switches()
        self.switches.change(switches or {})
        super().__init__(store, self.switches, name=name, port=port, admin_port=admin_port, clock=clock, pages=pages)
        self.on_stored = on_stored
        self._folder = store
        self._store = SiteStore(store)

    def _close(self) -> None:
        self._store.close()

    def _front_page(self) -> bytes:
        return list_page(self.name, self._public_items())

    def items(self) -> list[dict[str, Any]]:
        """All that is stored, oldest first, each with its number and the names of its attachments."""
        files = self._store.files()
        return [
            {
                **asdict(item),
                "number": item.number,
                "files": [{"name": f.name, "sha256": f.sha256, "size": f.size} for f in files if f.item == item.id],
            }
            for item in self._store.items()
        ]

    def raw(self, number: int) -> bytes:
        """The bytes of the request body that brought the item with this id."""
        return self._store.raw(number)

    def delete(self, number: int) -> None:
        """Remove an item, as an operator of the site would."""
        self._store.delete(number)

    def state(self) -> dict[str, Any]:
        """Everything stored and every switch, as `/practice/state` gives it."""
        files = [asdict(file) for file in self._store.files()]
        return {"name": self.name, "items": self.items(), "files": files, "switches": self.switches.as_dict()}

    # -- routing -----------------------------------------------------------------------------------

    def _serve(self, request: Request) -> Response:
        if request.path.startswith("/api/"):
            return self._api(request)
        if request.path.startswith("/form/"):
            return self._form(request)
        return self._read(request)

    def _api(self, request: Request) -> Response:
        self._admit(request)
        tail = request.path.removeprefix("/api/")
        if tail == "files" and request.method == "POST":
            return self._upload(request)
        if tail == "notices" and request.method == "POST":
            return self._changing(request, self._create)
        if not tail.startswith("notices/"):
            return json_response(404, {"result": "no_such_path"})
        tail = tail.removeprefix("notices/")
        if request.method == "GET":
            item = self._by_number(tail) if tail.startswith("number/") else self._store.by_key(tail)
            return self._query(item)
        if request.method == "PUT":
            return self._changing(request, self._update)
        if request.method == "POST" and tail.endswith("/withdraw"):
            return self._changing(request, self._withdraw)
        return json_response(405, {"result": "no_such_method"})

    def _by_number(self, tail: str) -> Item | None:
        return self._store.by_number(tail.removeprefix("number/").removesuffix("/withdraw"))

    # -- what it does ------------------------------------------------------------------------------

    def _create(self, request: Request) -> Response:
        fields = json_object(request)
        files = fields.pop("files", [])
        return self._created(*self._keep(request, fields, files))

    def _keep(self, request: Request, fields: Any, files: Any) -> tuple[Item, bool]:
        notice = checked(fields, self.switches)
        numbers = self._file_numbers(files)
        item, new = self._store.add(
            notice,
            files=numbers,
            stored_at=machine_clock().timestamp(),
            published_at=self._now().isoformat(timespec="seconds"),
            raw=request.body,
            once=self.switches.idempotent,
        )
        if new:
            self._show(item)
            if self.on_stored is not None:
                self.on_stored({**asdict(item), "number": item.number})
        return item, new

    def _file_numbers(self, files: Any) -> list[int]:
        return file_numbers(files, {str(file.id): file.id for file in self._store.files()}) if files else []

    def _created(self, item: Item, new: bool) -> Response:
        if not new:
            return json_response(200, {"result": "duplicate", **self._told(item)})
        if self.switches.public_after:
            return json_response(202, {"result": "accepted", **self._told(item)})
        return json_response(201, {"result": "ok", **self._told(item)})

    def _told(self, item: Item) -> dict[str, str]:
        told = {"number": item.number, "url": item.path}
        if self.switches.tells_time:
            told["published_at"] = item.published_at
        return told

    def _age(self, item: Item) -> float:
        return machine_clock().timestamp() - item.stored_at

    def _is_told_of(self, item: Item | None) -> bool:
        after = self.switches.query_after
        return item is not None and after >= 0 and self._age(item) >= after

    def _status(self, item: Item) -> str:
        if item.state == "withdrawn":
            return "withdrawn"
        if self._age(item) < self.switches.public_after:
            return "reviewing"
        return "rejected" if self.switches.reject else "published"

    def _query(self, item: Item | None) -> Response:
        if failing := self._failing_query():
            return failing
        how = {"delay": self.switches.slow_query}
        if item is None or not self._is_told_of(item):
            return json_response(404, {"result": "absent"}, **how)
        status = self._status(item)
        if status == "withdrawn":
            return json_response(404, {"result": "absent", "status": status}, **how)
        value = {
            "result": "found",
            "status": status,
            "key": item.key,
            "title": item.title,
            "content": self._shown(item).body,
            "files": [{"name": f.name, "url": f.path, "sha256": f.sha256} for f in self._shown_files(item)],
            **self._told(item),
        }
        if status == "rejected":
            value["message"] = "审核不通过"
        return json_response(200, value, **how)

    def _shown(self, item: Item) -> Item:
        return replace(item, body=f"{item.body}<p>本站提示</p>") if self.switches.garble else item

    def _shown_files(self, item: Item) -> list[StoredFile]:
        return [] if self.switches.lose_files else self._store.files(item.id)

    def _update(self, request: Request) -> Response:
        item = self._by_number(request.path.removeprefix("/api/notices/"))
        if item is None or item.state == "withdrawn":
            return json_response(404, {"result": "absent", "message": "没有这条公告"})
        fields = json_object(request)
        files = self._file_numbers(fields.pop("files")) if "files" in fields else None
        item = self._store.change(item, checked({"key": item.key, **fields}, self.switches), files)
        self._show(item)
        return json_response(200, {"result": "ok", **self._told(item)})

    def _withdraw(self, request: Request) -> Response:
        item = self._by_number(request.path.removeprefix("/api/notices/"))
        if item is None or item.state == "withdrawn" or self.switches.withdraw_404:
            return json_response(404, {"result": "absent", "message": "没有这条公告"})
        reason = json_object(request).get("reason", "") if request.body else ""
        self._store.withdraw(item, str(reason))
        return json_response(200, {"result": "ok", "number": item.number})

    def _upload(self, request: Request) -> Response:
        name, data, key = uploaded(request)
        if self._refuse_file(data):
            raise Refused(413, f"附件过大：{name}")
        file = self._store.add_file(key, name, data)
        return json_response(201, {"result": "ok", "id": str(file.id), "url": file.path, "sha256": file.sha256})

    # -- the form ----------------------------------------------------------------------------------

    def _form(self, request: Request) -> Response:
        charset = "gbk" if "gbk" in request.headers.get("content-type", "").lower() else "utf-8"
        if request.path == "/form/query":
            return self._form_query(request, charset)
        if request.path != "/form/notices" or request.method != "POST":
            return self._words(404, "页面不存在", charset)
        return self._changing(request, lambda r: self._form_create(r, charset))

    def _words(self, status: int, words: str, charset: str = "gbk", **how: Any) -> Response:
        page = word_page(self.name, words).encode(charset, "xmlcharrefreplace")
        return Response(status, page, f"text/html; charset={charset}", **how)

    def _form_create(self, request: Request, charset: str) -> Response:
        try:
            text = request.body.decode("ascii")
            fields = dict(parse_qsl(text, keep_blank_values=True, encoding=charset, errors="strict"))
        except UnicodeDecodeError:
            return self._words(200, "提交失败：编码错误", charset)
        password = fields.pop("password", "")
        if self.switches.fail == "lock_out" or (self.switches.key and password != self.switches.key):
            return self._words(200, "登录失败：用户名或密码错误", charset)
        files = [number for number in fields.pop("files", "").split(",") if number]  # a form has no lists
        try:
            item, new = self._keep(request, fields, files)
        except Refused as refused:
            reasons = "；".join([refused.message, *refused.fields.values()])
            return self._words(200, f"提交失败：{reasons}", charset)
        word = "发布成功" if new else "请勿重复提交"
        return self._words(200, f"{word}，编号：{item.number}，地址：{item.path}", charset)

    def _form_query(self, request: Request, charset: str) -> Response:
        if self.switches.fail_query:
            early = self._early(self.switches.fail_query)
            return early or self._words(200, "查询服务异常", charset)
        item = self._store.by_key(request.query.get("key", ""))
        how = {"delay": self.switches.slow_query}
        if item is None or not self._is_told_of(item) or item.state == "withdrawn":
            return self._words(200, "查无此公告", "gbk", **how)
        return self._words(200, f"查询结果：已发布，编号：{item.number}，地址：{item.path}", "gbk", **how)

    # -- readers -----------------------------------------------------------------------------------

    def _public_items(self) -> list[Item]:
        return [item for item in self._store.items() if self._status(item) == "published"]

    def _read(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            return self._words(405, "不支持的方法", "utf-8")
        if request.path in {"/", "/index.html"}:
            return Response(200, list_page(self.name, self._public_items()), HTML)
        folder, _, tail = request.path.strip("/").partition("/")
        number = tail.removesuffix(".html")
        if number.isdigit() and folder == "notices":
            item = self._store.by_id(int(number))
            if item is not None and self._status(item) == "published":
                return Response(200, article_page(self.name, self._shown(item), self._shown_files(item)), HTML)
        if number.isdigit() and folder == "files" and not self.switches.lose_files:
            found = self._store.file_data(int(number))
            if found is not None:
                return Response(200, found[1], "application/octet-stream")
        return self._words(404, "页面不存在", "utf-8")

    def _show(self, item: Item) -> None:
        self._write_page(item.path, article_page(self.name, item, self._store.files(item.id)))
