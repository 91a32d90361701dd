"""A site that takes everything after a fixed delay and keeps nothing but a count: the far side of the benchmarks.

`python -m tests.bench.sink DELAY_MS` prints its port and answers until it is ended.
"""

from __future__ import annotations

import asyncio
import sys

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Practice: notice-publisher\r\nContent-Length: "


class Sink(asyncio.Protocol):
    """One connection: requests one after the other, kept alive."""

    count = 0
    delay = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._out = transport
        self._data = b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = self._data[:end].lower()
            size = 0
            at = head.find(b"content-length:")
            if at >= 0:
                size = int(head[at + 15 :].split(b"\r\n", 1)[0])
            if len(self._data) < end + 4 + size:
                return
            self._data = self._data[end + 4 + size :]
            if Sink.delay:
                asyncio.get_running_loop().call_later(Sink.delay, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        Sink.count += 1
        body = b'{"result":"ok","number":"S-%d","url":"http://127.0.0.1/%d"}' % (Sink.count, Sink.count)
        self._out.write(_HEAD + str(len(body)).encode() + b"\r\n\r\n" + body)


async def _serve(delay: float) -> None:
    Sink.delay = delay
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1]) / 1000))
