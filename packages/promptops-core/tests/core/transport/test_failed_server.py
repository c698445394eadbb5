"""A server that resets the connection after an unhandled error, without having said so in a header."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import anyio
import httpx
import pytest
from promptops.core import AsyncRuntime, NetworkError, Request, RuntimeConfig, ServerError, SyncRuntime
from promptops.core._transport import _httpx, _response
from promptops.core.bridge import drive
from promptops.core.runtime import Runtime
from promptops.core.transport import Attempt, ExchangeFailed

Make = Callable[..., Attempt]
RESET = struct.pack("ii", 1, 0)
ONE = httpx.Limits(max_connections=1)


class Failing:
    """Answers 500 on ``/fail`` and 200 elsewhere; what comes on a connection after a 500 is reset unread."""

    def __init__(self, *, chunked: bool) -> None:
        self.connections = 0
        self.served: list[str] = []
        self._chunked = chunked
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for peer in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
            peer.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer = self._listener.accept()[0]
                self.connections += 1
                self._open.append(peer)
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := self._request(peer):
                target = data.split(b" ")[1].decode()
                self.served.append(target)
                failed = target == "/fail"
                peer.sendall(self._answer(failed=failed))
                if failed:
                    peer.recv(1)
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    break
            peer.close()

    def _request(self, peer: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data or (b"content-length: 2" in data.lower() and not data.endswith(b"{}")):
            piece = peer.recv(65536)
            if not piece:
                return b""
            data += piece
        return data

    def _answer(self, *, failed: bool) -> bytes:
        head = b"HTTP/1.1 500 Internal Server Error\r\n" if failed else b"HTTP/1.1 200 OK\r\n"
        if self._chunked:
            return head + b"transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
        return head + b"content-length: 4\r\n\r\nbody"


@pytest.fixture(params=["with a length", "chunked"])
def failing(request: pytest.FixtureRequest) -> Iterator[Failing]:
    server = Failing(chunked=request.param == "chunked")
    yield server
    server.close()


async def fail_then_go_on(attempt: Make, transport: Any) -> tuple[int, int]:
    first = await transport.send(attempt("/fail", method="POST", retry_stale=False))
    second = await transport.send(attempt("/next", method="POST", retry_stale=False))
    return first.status, second.status


def test_connection_that_answered_500_is_not_used_again(flavour: Any, attempt: Make, failing: Failing) -> None:
    assert flavour.run(failing.url, partial(fail_then_go_on, attempt)) == (500, 200)
    assert (failing.connections, failing.served) == (2, ["/fail", "/next"])


def test_control_when_it_is_used_again_the_next_write_is_lost(
    flavour: Any, attempt: Make, failing: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_response, "UNHANDLED", 0)
    with pytest.raises(ExchangeFailed):
        flavour.run(failing.url, partial(fail_then_go_on, attempt))
    assert failing.served == ["/fail"]


def test_connection_that_answered_otherwise_is_kept(flavour: Any, attempt: Make, failing: Failing) -> None:
    async def twice(transport: Any) -> None:
        for _ in range(2):
            await transport.send(attempt("/next", method="POST", retry_stale=False))

    flavour.run(failing.url, twice)
    assert failing.connections == 1


async def fail_then_write(runtime: Runtime) -> int:
    with pytest.raises(ServerError):
        await runtime.send(Request(method="POST", path="/fail", body=b"{}"))
    return (await runtime.send(Request(method="POST", path="/next", body=b"{}"))).status


def through_own_client(kind: str, url: str) -> int:
    if kind == "sync":
        with httpx.Client(limits=ONE) as client:
            return drive(fail_then_write(SyncRuntime(RuntimeConfig(base_url=url, http_client=client))))

    async def main() -> int:
        async with httpx.AsyncClient(limits=ONE) as client:
            return await fail_then_write(AsyncRuntime(RuntimeConfig(base_url=url, http_client=client)))

    return anyio.run(main, backend=kind)


@pytest.mark.parametrize("kind", ["sync", "asyncio", "trio"])
def test_client_of_the_caller_does_not_use_that_connection_again_either(kind: str, failing: Failing) -> None:
    assert through_own_client(kind, failing.url) == 200
    assert (failing.connections, failing.served) == (2, ["/fail", "/next"])


@pytest.mark.parametrize("kind", ["sync", "asyncio"])
def test_control_when_it_does_the_next_write_is_lost_there_as_well(
    kind: str, failing: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_httpx, "UNHANDLED", 0)
    with pytest.raises(NetworkError):
        through_own_client(kind, failing.url)
    assert failing.served == ["/fail"]


def test_waiting_calls_of_one_client_all_get_a_connection_after_errors(failing: Failing) -> None:
    async def main() -> list[int]:
        statuses: list[int] = []

        async def one(runtime: AsyncRuntime, path: str) -> None:
            try:
                statuses.append((await runtime.send(Request(method="POST", path=path, body=b"{}"))).status)
            except ServerError as error:
                statuses.append(error.status_code)

        async with httpx.AsyncClient(limits=ONE) as client, anyio.create_task_group() as tasks:
            runtime = AsyncRuntime(RuntimeConfig(base_url=failing.url, http_client=client))
            for number in range(20):
                tasks.start_soon(one, runtime, "/fail" if number % 2 else "/next")
        return statuses

    assert sorted(anyio.run(main)) == [200] * 10 + [500] * 10
