"""A server whose every byte a test decides: for what well-behaved servers cannot show."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable

Script = Callable[["Conversation"], None]


class Conversation:
    """One accepted connection: the test's script reads and writes it."""

    def __init__(self, sock: socket.socket, server: RawServer) -> None:
        self.sock = sock
        self.server = server

    def request(self) -> bytes:
        """The whole next request; shorter where the caller hung up."""
        data = b""
        while b"\r\n\r\n" not in data and (more := self.sock.recv(65536)):
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
                while len(body) < length and (more := self.sock.recv(65536)):
                    body += more
        whole = head + b"\r\n\r\n" + body if head else b""
        self.server.requests.append(whole)
        return whole

    def answer(self, body: bytes = b"", *, status: str = "200 OK", headers: str = "") -> None:
        """A whole answer; `headers` are lines that end with CRLF."""
        length = "" if "content-length" in headers.lower() else f"Content-Length: {len(body)}\r\n"
        self.sock.sendall(f"HTTP/1.1 {status}\r\n{length}{headers}\r\n".encode() + body)

    def reset(self) -> None:
        """Hang up with a reset."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def wait_for_end(self) -> None:
        """Hold the connection, saying nothing, until the caller hangs up."""
        while self.sock.recv(65536):
            pass


class RawServer:
    """Listens on a free port of 127.0.0.1 and runs `script` for each connection, in a thread each.

    `requests` are the requests that scripts have read, `connections` counts what was accepted, `hung_up`
    is set when a connection's script has ended and its socket is closed.
    """

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.accepted = threading.Event()
        self.hung_up = threading.Event()
        self._script = script
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> RawServer:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        for sock in list(self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(sock)
            self.accepted.set()
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        talking = sock
        try:
            with contextlib.suppress(OSError):
                talking = self._dressed(sock)
                self._script(Conversation(talking, self))
        finally:
            self._open -= {sock, talking}
            sock.close()
            talking.close()
            self.hung_up.set()

    def _dressed(self, sock: socket.socket) -> socket.socket:
        if self._tls is None:
            return sock
        dressed = self._tls.wrap_socket(sock, server_side=True)
        self._open.discard(sock)
        self._open.add(dressed)
        return dressed
