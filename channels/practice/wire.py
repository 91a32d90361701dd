"""A small threaded HTTP/1.1 server for practice channels: keep-alive, no Nagle delay, and rude on request.

It exists because the servers of the standard library spend more time on one request than the program
that is trained on them, and because a practice channel must be able to reset, trickle and hang up.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BufferedReader
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

PRACTICE_HEADER = "X-Practice"
PRACTICE_NAME = "notice-publisher"
"""Header and value by which a practice server names itself in every answer."""

_MOST_HEADERS = 100
_LONGEST_LINE = 65536
_MOST_BYTES = 256 * 1024**2


class NotHttp(Exception):
    """What came in is no request; the connection is closed."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are in lower case; `path` is decoded, `query` holds the last of equal names."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json.loads(self.body.decode("utf-8"))


@dataclass(frozen=True, slots=True)
class Response:
    """One answer and how it is given.

    `reset`: hang up with a reset instead of answering; `delay` seconds before it; `trickle` seconds
    between its bytes; `close`: hang up afterwards.
    """

    status: int = 200
    body: bytes = b""
    media_type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False
    delay: float = 0.0
    trickle: float = 0.0
    close: bool = False


def json_response(status: int, value: object, **how: Any) -> Response:
    """An answer in JSON with real characters."""
    return Response(status, json.dumps(value, ensure_ascii=False).encode(), **how)


Handler = Callable[[Request], Response]


def _line(reader: BufferedReader) -> bytes:
    line = reader.readline(_LONGEST_LINE)
    if len(line) == _LONGEST_LINE:
        raise NotHttp("line too long")
    return line.rstrip(b"\r\n")


def _headers(reader: BufferedReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(_MOST_HEADERS):
        line = _line(reader)
        if not line:
            return headers
        name, colon, value = line.partition(b":")
        if not colon:
            raise NotHttp("no header line")
        headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
    raise NotHttp("too many headers")


def read_request(reader: BufferedReader) -> Request | None:
    """The next request of a connection; None at its end. Raises NotHttp."""
    line = _line(reader)
    if not line:
        return None
    parts = line.decode("latin-1").split(" ")
    if len(parts) != 3:
        raise NotHttp("no request line")
    headers = _headers(reader)
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > _MOST_BYTES:
        raise NotHttp("no usable length")
    body = reader.read(int(length)) if length != "0" else b""
    if len(body) != int(length):
        return None  # the caller hung up in the middle
    target = urlsplit(parts[1])
    return Request(parts[0], unquote(target.path), dict(parse_qsl(target.query)), headers, body)


def _head(response: Response, *, named: bool, keep: bool) -> bytes:
    phrase = HTTPStatus(response.status).phrase
    lines = [
        f"HTTP/1.1 {response.status} {phrase}",
        f"Content-Type: {response.media_type}",
        f"Content-Length: {len(response.body)}",
        f"Connection: {'keep-alive' if keep else 'close'}",
        *(f"{name}: {value}" for name, value in response.headers.items()),
    ]
    if named:
        lines.append(f"{PRACTICE_HEADER}: {PRACTICE_NAME}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def hang_up(connection: socket.socket, *, reset: bool = False) -> None:
    """Close a connection; with `reset` so that the other side sees a reset, not an end."""
    with contextlib.suppress(OSError):
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        else:
            connection.shutdown(socket.SHUT_RDWR)
    connection.close()


class WireServer:
    """Listens on `host`:`port` (0: a free one, kept over `close` and `open`) and answers through `handler`.

    `named` False: it does not name itself as a practice server.
    """

    def __init__(self, handler: Handler, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.host = host
        self.port = port
        self.named = True
        self._handler = handler
        self._listener: socket.socket | None = None
        self._accepting: threading.Thread | None = None
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._changing = threading.Lock()  # held while it opens or closes
        self._closing = threading.Event()

    def open(self) -> None:
        """Listen, unless it does already. Raises OSError where the port is taken."""
        with self._changing:
            if self._listener is not None:
                return
            listener = socket.create_server((self.host, self.port), backlog=256)
            self.port = listener.getsockname()[1]
            self._closing = threading.Event()
            self._listener = listener
            self._accepting = threading.Thread(
                target=self._accept, args=(listener, self._closing), name=f"practice-{self.port}", daemon=True
            )
            self._accepting.start()

    def close(self) -> None:
        """Listen no more and cut every connection; callers are refused from here on."""
        with self._changing:
            listener, self._listener = self._listener, None
            if listener is None:
                return
            self._closing.set()
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            with self._lock:
                connections = list(self._connections)
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            if self._accepting is not None:
                self._accepting.join()

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than the server is open."""
        self._closing.wait(seconds)

    def _accept(self, listener: socket.socket, closing: threading.Event) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed
            with self._lock:
                if closing.is_set():
                    hang_up(connection, reset=True)
                    return
                self._connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,), name="practice-call", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        reset = False
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection.makefile("rb") as reader:
                reset = self._conversation(connection, reader)
        except (OSError, NotHttp, ValueError):
            pass  # the other side went away or does not speak HTTP: nothing to answer
        finally:
            with self._lock:
                self._connections.discard(connection)
            hang_up(connection, reset=reset)

    def _conversation(self, connection: socket.socket, reader: BufferedReader) -> bool:
        while (request := read_request(reader)) is not None:
            response = self._handler(request)
            if response.delay:
                self.wait(response.delay)
            if response.reset or (response.delay and self._closing.is_set()):
                return True
            keep = not response.close and request.headers.get("connection", "").lower() != "close"
            self._answer(connection, response, keep=keep)
            if not keep:
                break
        return False

    def _answer(self, connection: socket.socket, response: Response, *, keep: bool) -> None:
        head = _head(response, named=self.named, keep=keep)
        if not response.trickle:
            connection.sendall(head + response.body)
            return
        for byte in head + response.body:
            connection.sendall(bytes([byte]))
            self.wait(response.trickle)
            if self._closing.is_set():
                return
