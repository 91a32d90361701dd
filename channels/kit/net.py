"""Connections that cannot hang: name look-up, connect and the whole call have an end.

`urllib3` bounds the gap between two bytes, not a call. Here a watchdog shuts the connection down at the
call's deadline even while bytes trickle, a name look-up runs in a thread that can be left behind, and
the moment before the first byte leaves is known, so that every failure is either "nothing was sent" or
"something was sent".
"""

from __future__ import annotations

import contextlib
import ipaddress
import math
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import HTTPResponse

from publisher.errors import Reason, TransientFailure

Address = tuple[Any, ...]
LookUp = Callable[..., list[Any]]
"""A function like `socket.getaddrinfo`."""


class _Search:
    """One name look-up under way in a thread of its own."""

    def __init__(self, look_up: LookUp, host: str, port: int) -> None:
        self.done = threading.Event()
        self.addresses: list[Address] = []
        self.failed = ""
        self._arguments = (look_up, host, port)
        threading.Thread(target=self._run, name=f"name look-up {host}", daemon=True).start()

    def _run(self) -> None:
        look_up, host, port = self._arguments
        try:
            self.addresses = list(look_up(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            self.failed = type(error).__name__
        finally:
            self.done.set()


class Resolver:
    """Names → addresses within a limit. A look-up that hangs is joined, not repeated, by later callers."""

    def __init__(self, look_up: LookUp = socket.getaddrinfo) -> None:
        self._look_up = look_up
        self._searches: dict[tuple[str, int], _Search] = {}
        self._lock = threading.Lock()

    def __call__(self, host: str, port: int, limit: float) -> list[Address]:
        """The addresses of a host. Raises TransientFailure (NAME_LOOKUP); `limit` in seconds."""
        with contextlib.suppress(ValueError):
            ipaddress.ip_address(host)
            return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        with self._lock:
            search = self._searches.get((host, port)) or _Search(self._look_up, host, port)
            self._searches[host, port] = search
        ended = search.done.wait(max(0.0, limit))
        if ended:
            with self._lock:
                self._searches.pop((host, port), None)
        if not search.addresses:
            why = search.failed if ended else "time limit"
            raise TransientFailure(Reason.NAME_LOOKUP, f"域名 {host} 解析失败", evidence=why)
        return search.addresses


class Watchdog:
    """Cuts calls at their deadline. One thread serves all; it sleeps until the earliest deadline it knows."""

    def __init__(self) -> None:
        self._calls: dict[int, Call] = {}
        self._changed = threading.Condition()
        self._wakes_at = -math.inf
        self._thread: threading.Thread | None = None

    def add(self, call: Call) -> None:
        """Watch over a call until `remove`."""
        self._calls[id(call)] = call
        if call.until < self._wakes_at or self._thread is None:
            with self._changed:
                if self._thread is None:
                    self._wakes_at = math.inf
                    self._thread = threading.Thread(target=self._run, name="call deadlines", daemon=True)
                    self._thread.start()
                self._changed.notify()

    def remove(self, call: Call) -> None:
        """The call is over."""
        self._calls.pop(id(call), None)

    def _run(self) -> None:
        with self._changed:
            while True:
                # announced before the calls are looked at, so that a call added meanwhile wakes this thread
                self._wakes_at = math.inf
                calls = list(self._calls.copy().values())
                self._wakes_at = min((call.until for call in calls), default=math.inf)
                now = time.monotonic()
                for call in calls:
                    if call.until <= now:
                        call.cut()
                        self.remove(call)
                if self._wakes_at > now:
                    self._changed.wait(None if math.isinf(self._wakes_at) else self._wakes_at - now)


class Call:
    """One call: until when it may last (monotonic seconds), and how far it has come.

    `before_first_byte` is run once, when the connection stands and nothing has been sent.
    """

    __slots__ = (
        "_handle",
        "_lock",
        "_over",
        "before_first_byte",
        "connect_limit",
        "connection",
        "idle_limit",
        "resolver",
        "sent",
        "until",
        "was_cut",
    )

    def __init__(
        self,
        *,
        until: float,
        connect_limit: float,
        idle_limit: float,
        resolver: Resolver,
        before_first_byte: Callable[[], None],
    ) -> None:
        self.until = until
        self.connect_limit = connect_limit
        self.idle_limit = idle_limit
        self.resolver = resolver
        self.before_first_byte = before_first_byte
        self.connection: GuardedHTTP | None = None
        self.sent = False
        self.was_cut = False
        self._handle: socket.socket | None = None
        self._over = False
        self._lock = threading.Lock()

    @property
    def remaining(self) -> float:
        """Seconds until the deadline."""
        return self.until - time.monotonic()

    def connect(self, host: str, port: int, options: Any) -> socket.socket:
        """A connected socket to the first address of `host` that answers. Raises TransientFailure."""
        addresses = self.resolver(host, port, min(self.connect_limit, self.remaining))
        ends = min(self.until, time.monotonic() + self.connect_limit)
        why = "time limit"
        for family, kind, protocol, _, address in addresses:
            left = ends - time.monotonic()
            if left <= 0:
                break
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(left)
                for option in options or ():
                    sock.setsockopt(*option)
                sock.connect(address)
                return sock
            except OSError as error:
                sock.close()
                why = "time limit" if isinstance(error, TimeoutError) else type(error).__name__
        raise TransientFailure(Reason.UNREACHABLE, f"连接不上 {host}:{port}", evidence=why)

    def watch(self, connection: GuardedHTTP, handle: socket.socket | None) -> None:
        """From now on `handle` is what is shut down at the deadline."""
        self.connection = connection
        with self._lock:
            self._handle = handle

    def cut(self) -> None:
        """Shut the connection down, whatever it is doing; called by the watchdog."""
        with self._lock:
            if self._over:
                return
            self.was_cut = True
            if self._handle is not None:
                with contextlib.suppress(OSError):
                    self._handle.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """The call is over; its connection may be used by the next."""
        with self._lock:
            self._over = True
            handle, self._handle = self._handle, None
        if self.connection is not None:
            self.connection.call_over(handle)


class _Current(threading.local):
    call: Call | None = None


CURRENT = _Current()
"""The call that the present thread is making."""


def _current() -> Call:
    if CURRENT.call is None:
        raise RuntimeError("connections of this kind are used through channels.kit.http only")
    return CURRENT.call


class GuardedHTTP(HTTPConnection):
    """A connection of the current call: connects within its limits, asks before the first byte, can be cut.

    The watchdog holds a duplicate of the socket, because the original is replaced in a TLS handshake and
    closed under an answer that ends the connection.
    """

    _handle: socket.socket | None = None
    _idle_since = 0.0

    def _new_conn(self) -> socket.socket:
        # its time limit is what is left of the connect limit, and bounds a TLS handshake as a whole
        sock = _current().connect(self._dns_host, self.port, self.socket_options)
        self._handle = sock.dup()
        return sock

    @property
    def is_connected(self) -> bool:
        """Whether it may be used again: the other side has not hung up, and has answered just now."""
        if time.monotonic() - self._idle_since > _current().idle_limit:
            return False
        return super().is_connected

    def send(self, data: Any) -> None:
        """Send; before the first byte of a call, ask whether it may be sent at all."""
        if self.sock is None:
            self.connect()
        call = _current()
        if not call.sent:
            call.watch(self, self._handle)
            call.before_first_byte()
            if call.was_cut:
                raise TransientFailure(Reason.UNREACHABLE, "时限已到，未发出任何内容", evidence="time limit")
            call.sent = True
        super().send(data)

    def call_over(self, handle: socket.socket | None) -> None:
        """The call is over: count the idle time, and let go of the duplicate if the connection is closed."""
        self._idle_since = time.monotonic()
        if self.sock is None and handle is not None:
            handle.close()
            self._handle = None

    def close(self) -> None:
        """Close; while a call is under way its watchdog keeps the duplicate until the call is over."""
        super().close()
        handle = self._handle
        if handle is not None and (CURRENT.call is None or CURRENT.call.connection is not self):
            self._handle = None
            handle.close()


class GuardedHTTPS(GuardedHTTP, HTTPSConnection):
    """The same over TLS; name check and SNI use the host's name, whatever address was connected."""


class GuardedHTTPPool(HTTPConnectionPool):
    """A pool of guarded connections."""

    ConnectionCls = GuardedHTTP


class GuardedHTTPSPool(HTTPSConnectionPool):
    """A pool of guarded connections over TLS."""

    ConnectionCls = GuardedHTTPS


def read_body(raw: HTTPResponse, most: int) -> bytes | None:
    """The body of an answer; None if it is longer than `most` bytes (the connection is then closed)."""
    if most == 0:
        raw.close()
        return None
    body: bytes = raw.read(most + 1, decode_content=True)
    if len(body) > most:
        raw.close()
        return None
    return body
