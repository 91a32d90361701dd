"""The guard of the tests really stops a test that would leave the machine."""

from __future__ import annotations

import socket

import pytest

from tests.support.guard import GUARD, LeftTheMachine


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.com"])
def test_another_machine_cannot_be_reached_from_a_test(host: str) -> None:
    with pytest.raises(LeftTheMachine, match=host):
        socket.create_connection((host, 9), timeout=0.2).close()
    assert [line for line in GUARD.refused if host in line]
    GUARD.refused.clear()


def test_this_machine_can_be_reached_from_a_test() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
