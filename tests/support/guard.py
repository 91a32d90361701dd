"""Keeps every test on this machine: a connection or a name look-up that would leave it is refused and noted."""

from __future__ import annotations

import ipaddress
import sys


class LeftTheMachine(BaseException):
    """A test tried to reach another machine; no `except Exception` of the program may swallow it."""


class Guard:
    """An audit hook of the interpreter; `refused` lists what it has stopped since it was last emptied."""

    def __init__(self) -> None:
        self.refused: list[str] = []

    def install(self) -> None:
        """Watch from now on, to the end of this process."""
        sys.addaudithook(self._watch)

    def _watch(self, event: str, arguments: tuple[object, ...]) -> None:
        if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            address = arguments[1]
            host = address[0] if isinstance(address, tuple) and address else None
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            host = arguments[0]
        else:
            return
        if not _stays_here(host):
            self.refused.append(f"{event} {host!r}")
            raise LeftTheMachine(f"{event}: tests reach this machine only, not {host!r}")


def _stays_here(host: object) -> bool:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if not isinstance(name, str) or name in ("", "localhost") or name.endswith(".invalid"):
        return True  # `.invalid` never resolves (RFC 6761): with it tests show what an unknown name does
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


GUARD = Guard()
