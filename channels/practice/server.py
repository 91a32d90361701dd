"""What every practice site is: two listeners, switches, pages on disk, and a door for whoever trains with it.

`/practice/state` lists all it holds and `/practice/switches` changes its behaviour; both are served by a
listener of their own as well, which stays reachable while the site is down.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Self

from channels.practice.site_checks import Refused
from channels.practice.site_failures import FailureCount, early_failure, late_failure
from channels.practice.site_switches import CommonSwitches
from channels.practice.wire import Request, Response, WireServer, json_response

_CHINA = timezone(timedelta(hours=8))
HTML = "text/html; charset=utf-8"


def machine_clock() -> datetime:
    """The machine's clock, in the time of China."""
    return datetime.now(_CHINA)


class PracticeServer:
    """A site: `start`, use `base_url`, `stop`. The store in `store` outlives it.

    `clock` gives the present instant; `pages`: every reader's page is also written below `store`. A kind of
    site gives `_serve` (answer a request that is not for `/practice/`), `_front_page`, `state` and `_close`.
    """

    def __init__(
        self,
        store: Path,
        switches: CommonSwitches,
        *,
        name: str,
        port: int = 0,
        admin_port: int = 0,
        clock: Callable[[], datetime] = machine_clock,
        pages: bool = False,
    ) -> None:
        self.name = name
        self.seen: deque[tuple[str, str]] = deque(maxlen=10_000)
        self._shared_switches = switches
        self._clock = clock
        self._pages = store / "pages" if pages else None
        self._failures = FailureCount(switches)
        self._lock = threading.Lock()
        self._site = WireServer(self._answer, port=port)
        self._admin = WireServer(self._answer, port=admin_port)

    @property
    def port(self) -> int:
        """The port of the site."""
        return self._site.port

    @property
    def admin_port(self) -> int:
        """The port that answers `/practice/…` even while the site is down."""
        return self._admin.port

    @property
    def base_url(self) -> str:
        """The address of the site."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Open both listeners."""
        self._name_itself()
        self._site.open()
        self._admin.open()
        return self

    def stop(self) -> None:
        """Close everything; the store stays on disk."""
        self._site.close()
        self._admin.close()
        if self._pages is not None:
            self._write_page("index.html", self._front_page())
        self._close()

    def down(self) -> None:
        """Refuse connections from here on; the admin listener stays."""
        self._site.close()

    def up(self) -> None:
        """Take connections again, at the same address."""
        self._site.open()

    def switch(self, **values: object) -> None:
        """Change switches by name. Raises ValueError."""
        self._shared_switches.change(values)
        self._name_itself()
        if {"fail", "fail_times", "fail_every"} & values.keys():
            self._failures.restart()

    def _name_itself(self) -> None:
        self._site.named = self._admin.named = self._shared_switches.practice_name

    # -- what a kind of site gives -------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything stored and every switch, as `/practice/state` gives it."""
        raise NotImplementedError

    def _serve(self, request: Request) -> Response:
        raise NotImplementedError

    def _front_page(self) -> bytes:
        raise NotImplementedError

    def _close(self) -> None:
        raise NotImplementedError

    def _practise(self, request: Request) -> Response | None:
        """Further doors below `/practice/`; None: there is no such door."""
        return None

    # -- routing -----------------------------------------------------------------------------------

    def _answer(self, request: Request) -> Response:
        try:
            if request.path.startswith("/practice/"):
                return self._practice(request)
            self.seen.append((request.method, request.path))
            return self._serve(request)
        except Refused as refused:
            value = {"result": "refused", "message": refused.message, "errors": refused.fields}
            return json_response(refused.status, value)

    def _practice(self, request: Request) -> Response:
        if request.path == "/practice/state":
            return json_response(200, self.state())
        if request.path == "/practice/switches" and request.method == "POST":
            return self._switch_by_request(request)
        if request.path == "/practice/down" and request.method == "POST":
            threading.Thread(target=self.down, name="practice-down", daemon=True).start()
            return json_response(200, {"result": "ok"})
        if request.path == "/practice/up" and request.method == "POST":
            self.up()
            return json_response(200, {"result": "ok"})
        return self._practise(request) or json_response(404, {"result": "no_such_path"})

    def _switch_by_request(self, request: Request) -> Response:
        try:
            values = request.json()
            if not isinstance(values, dict):
                raise ValueError("a JSON object of switches is wanted")
            self.switch(**values)
        except (ValueError, TypeError) as error:
            return json_response(400, {"result": "refused", "message": str(error)})
        return json_response(200, self._shared_switches.as_dict())

    def _admit(self, request: Request) -> None:
        switches = self._shared_switches
        if switches.fail == "lock_out" or (switches.key and request.headers.get("x-api-key") != switches.key):
            raise Refused(401, "密钥无效")

    # -- failures ----------------------------------------------------------------------------------

    def _changing(self, request: Request, act: Callable[[Request], Response]) -> Response:
        failure = self._failures.next()
        if early := self._early(failure):
            return early
        switches = self._shared_switches
        response = replace(act(request), delay=switches.slow, trickle=switches.trickle)
        return response if response.status >= 400 else late_failure(failure, response)

    def _early(self, failure: str) -> Response | None:
        return early_failure(failure, self._shared_switches.retry_after, self._now())

    def _failing_query(self) -> Response | None:
        """What a query is answered when the switches say that queries fail."""
        failure = self._shared_switches.fail_query
        return (self._early(failure) or late_failure(failure, json_response(200, {}))) if failure else None

    # -- what every site does ------------------------------------------------------------------------

    def _now(self) -> datetime:
        clock = self._shared_switches.clock
        return datetime.fromisoformat(clock) if clock else self._clock()

    def _refuse_file(self, data: bytes) -> bool:
        """Whether an upload is refused as too large."""
        switches = self._shared_switches
        with self._lock:
            refused = switches.fail_files > 0
            if refused:
                switches.fail_files -= 1
        return refused or len(data) > switches.max_file_bytes

    def _write_page(self, path: str, page: bytes) -> None:
        if self._pages is None:
            return
        target = self._pages / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(page)


def file_numbers(files: Any, known: Mapping[str, int]) -> list[int]:
    """The attachments that a notice names. Raises Refused for one that was never brought."""
    try:
        return [known[str(number)] for number in files]
    except (KeyError, TypeError):
        raise Refused(422, "提交的内容有误", {"files": "附件不存在"}) from None
