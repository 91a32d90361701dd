"""A practice province: takes notices for review, and publishes or refuses them later.

`/api/notices` takes a notice and gives a ticket (202); `/api/tickets/<ticket>`, `/api/notices?key=` and
`/api/notices/<number>` tell what became of it. A person reviews at `/review`, or it lets everything through after
a while; what is public does not change any more, and is forwarded to a higher practice site if there is one. A
person can also type a notice in at `/desk`, behind a captcha. Readers find a list and a page for every notice.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any, Self

from channels.practice import province_pages as pages
from channels.practice.province_checks import FIELDS, check_original, checked, checked_change
from channels.practice.province_desk import ProvinceDesk
from channels.practice.province_store import PUBLISHED, REFUSED, WAITING, WITHDRAWN, Filed, ProvinceStore
from channels.practice.province_switches import ProvinceSwitches
from channels.practice.server import HTML, PracticeServer, file_numbers, machine_clock
from channels.practice.site_checks import Refused, json_object, uploaded
from channels.practice.site_store import StoredFile
from channels.practice.wire import Request, Response, json_response

_EVERY = 0.2
"""Seconds between two looks at what the review lets through by itself, and what is to be forwarded."""

_WORDS = {WAITING: "审核中", PUBLISHED: "已发布", REFUSED: "审核不通过", WITHDRAWN: "已撤销"}


class PracticeProvince(PracticeServer):
    """The platform: `start`, use `base_url`, `stop`. The store in `store` outlives it.

    `prefix` begins its numbers; `clock` gives the present instant; `pages`: every reader's page is also written
    below `store`.
    """

    def __init__(
        self,
        store: Path,
        *,
        name: str = "某省公共资源交易平台",
        prefix: str = "SD",
        port: int = 0,
        admin_port: int = 0,
        switches: Mapping[str, object] | None = None,
        clock: Callable[[], datetime] = machine_clock,
        pages: bool = False,
    ) -> None:
        self.switches = ProvinceSwitches()
        self.switches.change(switches or {})
        super().__init__(store, self.switches, name=name, port=port, admin_port=admin_port, clock=clock, pages=pages)
        self._store = ProvinceStore(store, prefix)
        self._desk = ProvinceDesk(self, self._store)
        self._ended = threading.Event()
        self._reviewing = threading.Lock()
        self._reviewer: threading.Thread | None = None

    def start(self) -> Self:
        """Open both listeners, and begin to review."""
        super().start()
        self._reviewer = threading.Thread(target=self._review_on, name="practice-review", daemon=True)
        self._reviewer.start()
        return self

    def _close(self) -> None:
        self._ended.set()
        if self._reviewer is not None:
            self._reviewer.join()
        self._write_page("review.html", pages.review_list(self.name, self._store.items()))
        self._store.close()

    def _front_page(self) -> bytes:
        return pages.front_page(self.name, self._public_items())

    def items(self) -> list[dict[str, Any]]:
        """All that is stored, oldest first, each with its ticket and the names of its attachments."""
        files = self._store.files()
        return [
            {
                **asdict(item),
                "ticket": item.ticket,
                "files": [{"name": f.name, "sha256": f.sha256, "size": f.size} for f in files if f.item == item.id],
            }
            for item in self._store.items()
        ]

    def delete(self, number: int) -> None:
        """Remove a notice, as an operator of the site would."""
        self._store.delete(number)

    def state(self) -> dict[str, Any]:
        """Everything stored and every switch, as `/practice/state` gives it."""
        return {"name": self.name, "items": self.items(), "switches": self.switches.as_dict()}

    # -- review ------------------------------------------------------------------------------------

    def approve(self, item: Filed, at: datetime | None = None) -> Filed:
        """Make a notice public."""
        when = at or self._now()
        done = self._store.publish(item, when.isoformat(timespec="seconds"), when.timestamp())
        self._write_page(done.path, self._notice_page(done))
        return done

    def refuse(self, item: Filed, reason: str) -> Filed:
        """Refuse a notice."""
        return self._store.refuse(item, reason)

    def filed(self, number: int) -> Filed:
        """The notice with this id. Raises LookupError."""
        item = self._store.by_id(number)
        if item is None:
            raise LookupError(f"no notice {number}")
        return item

    def review(self) -> None:
        """Let through or refuse what the switches say is due, and forward what is public."""
        with self._reviewing:
            for item in self._store.items():
                if item.state == WAITING:
                    item = self._review(item)
                if item.state == PUBLISHED and not item.forwarded and self.switches.forward_to:
                    self._forward(item)

    def _review_on(self) -> None:
        while not self._ended.wait(_EVERY):
            self.review()

    def _review(self, item: Filed) -> Filed:
        switches = self.switches
        if switches.reject:
            return self.refuse(item, switches.reject)
        if switches.auto_publish_after >= 0:
            due = datetime.fromisoformat(item.received_at) + timedelta(seconds=switches.auto_publish_after)
            if due <= self._now():
                return self.approve(item, due)
        return item

    def _forward(self, item: Filed) -> None:
        """Bring it to the higher site; where that cannot be reached, the next look tries again."""
        if self._now().timestamp() < item.public_at + self.switches.forward_after:
            return
        value = {"source": self.name, "source_number": item.number, "fields": dict(item.fields)}
        address = f"{self.switches.forward_to}/practice/forwarded"
        request = urllib.request.Request(
            address, json.dumps(value, ensure_ascii=False).encode(), {"Content-Type": "application/json"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with contextlib.suppress(OSError):
            opener.open(request, timeout=5).close()
            self._store.forwarded(item)

    # -- routing -----------------------------------------------------------------------------------

    def _serve(self, request: Request) -> Response:
        if request.path.startswith("/api/"):
            return self._api(request)
        if request.path == "/review" or request.path.startswith("/review/"):
            return self._desk.review(request)
        if request.path == "/desk":
            return self._desk.typing(request)
        return self._read(request)

    def _api(self, request: Request) -> Response:
        self._admit(request)
        tail, method = request.path.removeprefix("/api/"), request.method
        if tail == "files" and method == "POST":
            return self._upload(request)
        if tail == "notices" and method == "POST":
            return self._changing(request, self._create)
        if tail == "notices" and method == "GET":
            return self._list(request)
        if tail.startswith("tickets/") and method == "GET":
            return self._query(self._store.by_ticket(tail.removeprefix("tickets/")))
        if not tail.startswith("notices/"):
            return json_response(404, {"result": "no_such_path"})
        number = tail.removeprefix("notices/").removesuffix("/withdraw")
        if method == "GET":
            return self._query(self._store.by_number(number))
        act = {"PUT": self._update, "POST": self._withdraw}.get(method)
        if act is None:
            return json_response(405, {"result": "no_such_method"})
        return self._changing(request, lambda asked: self._of_public(number, act, asked))

    def _practise(self, request: Request) -> Response | None:
        if request.method == "POST" and request.path == "/practice/forwarded":
            return self._forwarded(request)
        if request.method == "POST" and request.path == "/practice/typed":
            return self._typed(request)
        return None

    # -- taking ------------------------------------------------------------------------------------

    def _create(self, request: Request) -> Response:
        fields = json_object(request)
        files = self._file_numbers(fields.pop("attachments", []))
        notice = checked(fields, self.switches)
        item, new = self._keep(notice, files)
        self.review()
        item = self.filed(item.id)
        value = {"result": "accepted" if new else "duplicate", "ticket": item.ticket, **self._told(item, "已接收")}
        return json_response(202 if new else 200, value)

    def _keep(self, notice: Mapping[str, str], files: list[int], *, once: bool | None = None) -> tuple[Filed, bool]:
        quoted = notice["relateNoticeId"]
        check_original(notice, bool(quoted) and self._store.by_number(quoted) is not None, self.switches)
        return self._store.add(
            notice,
            files=files,
            stored_at=machine_clock().timestamp(),
            received_at=self._now().isoformat(timespec="seconds"),
            once=self.switches.idempotent if once is None else once,
        )

    def _file_numbers(self, files: Any) -> list[int]:
        return file_numbers(files, {str(file.id): file.id for file in self._store.files()}) if files else []

    def _upload(self, request: Request) -> Response:
        name, data, key = uploaded(request)
        if self._refuse_file(data):
            raise Refused(413, f"附件过大：{name}")
        file = self._store.add_file(key, name, data)
        return json_response(201, {"result": "ok", "id": str(file.id), "url": file.path, "sha256": file.sha256})

    def _of_public(self, number: str, act: Callable[[Filed, Request], Response], request: Request) -> Response:
        item = self._store.by_number(number)
        if item is None or item.state != PUBLISHED:
            return json_response(404, {"result": "absent", "message": "没有这条公告"})
        if not self.switches.mutable:
            said = f"已发布不可修改：如需更正，请另发更正公告并引用原公告编号 {number}"
            return json_response(409, {"result": "immutable", "message": said})
        return act(item, request)

    def _update(self, item: Filed, request: Request) -> Response:
        fields = json_object(request)
        files = self._file_numbers(fields.pop("attachments", []))
        changed = self._store.change(item, checked_change(fields, item.fields, self.switches), files)
        self._write_page(changed.path, self._notice_page(changed))
        return json_response(200, {"result": "ok", **self._told(changed, "已发布")})

    def _withdraw(self, item: Filed, request: Request) -> Response:
        self._store.withdraw(item, str(json_object(request).get("reason", "")))
        return json_response(200, {"result": "ok", "status": "已撤销", "number": item.number})

    # -- telling -----------------------------------------------------------------------------------

    def _told(self, item: Filed, waiting: str) -> dict[str, Any]:
        if item.state == WAITING:
            return {"status": waiting}
        told: dict[str, Any] = {"status": _WORDS[item.state]}
        if item.state == PUBLISHED:
            told |= {"number": item.number, "url": item.path, "publishedAt": item.published_at}
        elif item.reason:
            told["reason"] = item.reason
        return told

    def _is_told_of(self, item: Filed | None) -> bool:
        after = self.switches.query_after
        return item is not None and after >= 0 and machine_clock().timestamp() - item.stored_at >= after

    def _unanswered(self) -> Response | None:
        """What a question is answered while questions fail."""
        if self.switches.captcha:
            return Response(200, pages.captcha_page(self.name), HTML)
        return self._failing_query()

    def _query(self, item: Filed | None) -> Response:
        if failing := self._unanswered():
            return failing
        how = {"delay": self.switches.slow_query}
        if item is None or not self._is_told_of(item):
            return json_response(404, {"result": "absent"}, **how)
        self.review()
        item = self.filed(item.id)
        value: dict[str, Any] = {"result": "found", "ticket": item.ticket, "noticeName": item.fields["noticeName"]}
        if item.state == WAITING and self.switches.script:
            item, word = self._by_script(item)
            if item.state == WAITING:
                return json_response(200, value | {"status": word}, **how)
        value |= self._told(item, _WORDS[WAITING])
        if item.state == PUBLISHED:
            files = [{"name": f.name, "url": f.path, "sha256": f.sha256} for f in self._shown_files(item)]
            value |= {"content": self._content(item), "files": files}
        return json_response(200, value, **how)

    def _by_script(self, item: Filed) -> tuple[Filed, str | None]:
        """The next word of the script; those that decide take effect."""
        words = self.switches.script
        word = words[min(self._store.count_question(item), len(words) - 1)]
        if word == _WORDS[PUBLISHED]:
            item = self.approve(item)
        elif word == _WORDS[REFUSED]:
            item = self.refuse(item, self.switches.reject or "内容不符合发布要求")
        return item, word

    def _list(self, request: Request) -> Response:
        if key := request.query.get("key"):
            return self._query(self._store.by_key(key))
        if failing := self._unanswered():
            return failing
        wanted = {
            name: request.query[asked]
            for name, asked in (("sourceNumber", "source_number"), ("projectCode", "project_no"))
            if request.query.get(asked)
        }
        if not wanted:
            return json_response(400, {"result": "refused", "message": "请给出查询条件"})
        self.review()
        found = [i for i in self._public_items() if all(i.fields.get(n) == value for n, value in wanted.items())]
        items = [
            {
                "source_number": item.fields.get("sourceNumber", ""),
                "title": item.fields["noticeName"],
                "number": item.number,
                "url": item.path,
                "published_at": item.published_at,
            }
            for item in found
            if self._is_told_of(item)
        ]
        return json_response(200, {"result": "ok", "items": items}, delay=self.switches.slow_query)

    def _content(self, item: Filed) -> str:
        return item.fields["noticeContent"] + ("<p>本站提示</p>" if self.switches.garble else "")

    def _shown_files(self, item: Filed) -> list[StoredFile]:
        return [] if self.switches.lose_files else self._store.files(item.id)

    # -- from other practice sites, and from persons -----------------------------------------------

    def _forwarded(self, request: Request) -> Response:
        """A lower practice site brings what is public there; once for each of its numbers."""
        value = json_object(request)
        brought, number = value.get("fields"), str(value.get("source_number", ""))
        if not isinstance(brought, dict) or not number or not brought.get("noticeName"):
            raise Refused(422, "提交的内容有误")
        notice = {name: str(brought.get(name, "")) for name in FIELDS}
        notice |= {"sourceDataKey": f"{value.get('source', '')} {number}", "relateNoticeId": "", "sourceNumber": number}
        item, new = self._keep(notice, [], once=True)
        self.review()
        return json_response(201 if new else 200, {"result": "ok" if new else "duplicate", "ticket": item.ticket})

    def _typed(self, request: Request) -> Response:
        """As if a person had typed it in at `/desk` and solved the captcha: for demonstrations."""
        item = self.type_in({name: str(value) for name, value in json_object(request).items()})
        return json_response(201, {"result": "ok", "number": item.number, "url": f"{self.base_url}{item.path}"})

    def type_in(self, typed: Mapping[str, str]) -> Filed:
        """Store what a person typed in; it is public at once. Raises Refused."""
        text = typed.get("noticeContent", "")
        lines = "".join(f"<p>{escape(line)}</p>" for line in text.splitlines() if line.strip())
        fields = {name: typed.get(name, "").strip() for name in pages.TYPED}
        fields |= {"sourceDataKey": f"desk-{secrets.token_hex(8)}", "noticeContent": lines}
        item, _ = self._keep(checked(fields, self.switches), [])
        return self.approve(item)

    # -- readers -----------------------------------------------------------------------------------

    def _public_items(self) -> list[Filed]:
        return [item for item in self._store.items() if item.state == PUBLISHED]

    def _notice_page(self, item: Filed) -> bytes:
        return pages.notice_page(self.name, item, self._content(item), self._shown_files(item))

    def _read(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"}:
            return Response(405, pages.word_page(self.name, "不支持的方法"), HTML)
        self.review()
        if request.path in {"/", "/index.html"}:
            return Response(200, self._front_page(), HTML)
        folder, _, tail = request.path.strip("/").partition("/")
        number = tail.removesuffix(".html")
        if number.isascii() and number.isdigit():
            if folder == "notices" and (item := self._store.by_id(int(number))) and item.state == PUBLISHED:
                return Response(200, self._notice_page(item), HTML)
            if folder == "files" and not self.switches.lose_files and (found := self._store.file_data(int(number))):
                return Response(200, found[1], "application/octet-stream")
        return Response(404, pages.word_page(self.name, "页面不存在"), HTML)
