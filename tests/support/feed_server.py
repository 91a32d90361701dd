"""An agency's feed on loopback that answers what its test puts there, with ETag and Last-Modified."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FeedServer:
    """`body`, `status` and `kind` are the next answer; `asked` are the validators that came, `full` answers sent."""

    body: bytes = b""
    status: int = 200
    kind: str = "application/atom+xml; charset=utf-8"
    validators: bool = True
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)
    full: int = 0
    _server: ThreadingHTTPServer | None = None

    def start(self) -> FeedServer:
        """Open a port."""
        feed = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                feed._answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    @property
    def url(self) -> str:
        """The feed's address."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_port}/feed"

    def stop(self) -> None:
        """Close the port."""
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        given = handler.headers.get("If-None-Match")
        self.asked.append((given, handler.headers.get("If-Modified-Since")))
        etag = f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'
        if self.validators and self.status == 200 and given == etag:
            handler.send_response(304)
            handler.end_headers()
            return
        self.full += 1
        handler.send_response(self.status)
        if self.validators and self.status == 200:
            handler.send_header("ETag", etag)
            handler.send_header("Last-Modified", "Mon, 04 Dec 2017 00:00:00 GMT")
        handler.send_header("Content-Type", self.kind)
        handler.send_header("Content-Length", str(len(self.body)))
        handler.end_headers()
        handler.wfile.write(self.body)
