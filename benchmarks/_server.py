"""The target of the transport benchmarks: a bare HTTP/1.1 server, far faster than any client, in its own process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

BODY = (
    b'{"success":true,"data":{"id":"6f1c2a54-3b1e-4a0e-9c63-0d8c5f3a7b21","name":"support-reply","version":"1.4.2",'
    b'"content":"You are {{role}}. Answer {{customer}} in {{language}}.","variables":["role","customer","language"],'
    b'"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"},'
    b'"metadata":{"request_id":"req_0123456789","timestamp":"2026-01-01T00:00:00Z"}}'
)
ANSWER = (
    b"HTTP/1.1 200 OK\r\n"
    b"date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    b"server: bench\r\n"
    b"content-type: application/json\r\n"
    b"x-request-id: req_0123456789\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


class _Http(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        # GET only: each blank line ends a request.
        data = self._rest + data
        requests = data.count(b"\r\n\r\n")
        self._rest = data[data.rfind(b"\r\n\r\n") + 4 :] if requests else data
        if requests:
            self._transport.write(ANSWER * requests)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Http, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def bench_server() -> Generator[str, None, None]:
    """The origin of a running server."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).resolve())], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(_serve())
