"""Connections are reused when that is safe, replaced when they have gone stale, and otherwise closed."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any, Self

import pytest
from promptops.core._transport._pool import Stats
from promptops.core.errors import ConfigurationError, ValidationError
from promptops.core.testing.faults import Canned, Cut, Exchange, FaultProxy, Garbage, Mode, Pass, http_answer
from promptops.core.transport import Attempt, ExchangeFailed

Make = Callable[..., Attempt]
Soon = Callable[[Callable[[], bool]], bool]
IDLE = Stats(open=1, idle=1, busy=0, waiting=0)
EMPTY = Stats(open=0, idle=0, busy=0, waiting=0)


def _settle(seconds: float = 0.1) -> None:
    """Let time pass, for blocking and for busy callers alike."""
    time.sleep(seconds)


def test_connection_is_kept_and_used_again(flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Any) -> None:
        for _ in range(5):
            await transport.send(attempt())
            assert transport.stats() == IDLE
        async with transport.stream(attempt()) as response:
            assert transport.stats() == Stats(open=1, idle=0, busy=1, waiting=0)
            assert [chunk async for chunk in response.chunks()]
        assert transport.stats() == IDLE
        await transport.send(attempt())

    with FaultProxy() as server:
        flavour.run(server.url, scenario)
        assert server.connections == 1


def test_leaving_a_stream_early_closes_its_connection(flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Any) -> None:
        for _ in range(3):
            async with transport.stream(attempt()):
                pass
            assert transport.stats() == EMPTY
            async with transport.stream(attempt()) as response:
                async for _ in response.chunks():
                    break
            assert transport.stats() == EMPTY

    with FaultProxy(mode=Canned(200, (), b"x" * 3_000_000)) as server:
        flavour.run(server.url, scenario)
        assert server.connections == 6


class TwoAnswers(Mode):
    """The smuggler: a second answer that nobody asked for follows the first."""

    async def answer(self, exchange: Exchange) -> None:
        healthy = await exchange.fetch()
        await exchange.write(healthy + http_answer(200, (), b"forged"))


@pytest.mark.parametrize(
    "mode",
    [
        TwoAnswers(),
        Canned(200, (("connection", "close"),), b"ok"),
        Canned(200, (("content-length", "2"), ("content-length", "2")), b"ok"),
    ],
    ids=["leftover bytes", "connection: close", "repeated length"],
)
def test_unsafe_connection_is_not_used_again(flavour: Any, attempt: Make, mode: Mode) -> None:
    async def scenario(transport: Any) -> None:
        for _ in range(3):
            assert b"forged" not in (await transport.send(attempt())).body
            assert transport.stats() == EMPTY

    with FaultProxy(mode=mode) as server:
        flavour.run(server.url, scenario)
        assert server.connections == 3


class LateForgery(Mode):
    """The second answer comes when the connection is idle."""

    def __init__(self) -> None:
        self.forged = threading.Semaphore(0)

    async def answer(self, exchange: Exchange) -> None:
        await exchange.write(await exchange.fetch())
        await asyncio.sleep(0.05)
        await exchange.write(http_answer(200, (), b"forged"))
        self.forged.release()


def test_answer_that_comes_to_an_idle_connection_is_never_read(flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Any) -> None:
        for _ in range(4):
            assert b"forged" not in (await transport.send(attempt())).body
            assert mode.forged.acquire(timeout=20.0)

    mode = LateForgery()
    with FaultProxy(mode=mode) as server:
        flavour.run(server.url, scenario)
        assert server.connections == 4


def test_connection_closed_while_idle_is_replaced(flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Any) -> None:
        for _ in range(3):
            await transport.send(attempt())
            server.drop_connections()
            _settle()

    with FaultProxy() as server:
        flavour.run(server.url, scenario)
        assert server.connections == 3


class CloseOnReuse(Mode):
    """Healthy for the first request of a connection; closes without a byte at the second."""

    def __init__(self, part: int = 0) -> None:
        self.part = part
        self.seen: list[object] = []

    async def answer(self, exchange: Exchange) -> None:
        known: object = exchange.close.__self__  # type: ignore[attr-defined] # the writer tells connections apart
        data = await exchange.fetch()
        if known in self.seen:
            if self.part:
                await exchange.write(data[: self.part])
            exchange.close()
        else:
            self.seen.append(known)
            await exchange.write(data)


def test_reused_connection_that_gives_nothing_is_replaced_once(flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Any) -> None:
        for _ in range(4):
            assert (await transport.send(attempt())).status == 200
        async with transport.stream(attempt()) as response:
            assert [chunk async for chunk in response.chunks()]

    with FaultProxy(mode=CloseOnReuse()) as server:
        flavour.run(server.url, scenario)
        assert server.requests > 5


@pytest.mark.parametrize(("part", "retry_stale"), [(0, False), (20, True)], ids=["not wanted", "a byte had come"])
def test_reused_connection_is_not_replaced_unless_safe(
    flavour: Any, attempt: Make, part: int, retry_stale: bool
) -> None:
    async def scenario(transport: Any) -> None:
        await transport.send(attempt())
        with pytest.raises(ExchangeFailed) as caught:
            await transport.send(attempt(retry_stale=retry_stale))
        assert caught.value.sent
        assert transport.stats() == EMPTY
        assert (await transport.send(attempt())).status == 200

    with FaultProxy(mode=CloseOnReuse(part)) as server:
        flavour.run(server.url, scenario)
        assert server.requests == 3


def test_fresh_connection_that_gives_nothing_is_an_error(flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Any) -> None:
        with pytest.raises(ExchangeFailed):
            await transport.send(attempt())

    with FaultProxy(mode=Cut(0)) as server:
        flavour.run(server.url, scenario)
        assert server.requests == 1


def test_idle_connection_expires(flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Any) -> None:
        await transport.send(attempt())
        _settle(0.2)
        await transport.send(attempt())

    with FaultProxy() as server:
        flavour.run(server.url, scenario, idle_expiry=0.1)
        assert server.connections == 2


def test_failures_return_their_slots(flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Any) -> None:
        for mode in (Garbage(), Cut(5), Pass()):
            server.set(mode)
            for _ in range(3):
                try:
                    await transport.send(attempt())
                except ExchangeFailed:
                    assert mode != Pass()
                assert transport.stats().busy == 0

    with FaultProxy() as server:
        flavour.run(server.url, scenario, max_connections=1)


def test_unsendable_request_is_refused_before_a_slot_is_taken(flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Any) -> None:
        with pytest.raises(ValidationError):
            await transport.send(attempt(headers=(("a", "b\r\nc: d"),)))
        assert transport.stats() == EMPTY

    flavour.run("http://127.0.0.1:9", scenario)


def test_closed_transport_says_so(flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Any) -> None:
        await transport.send(attempt())
        async with transport.stream(attempt()) as response:
            await transport.aclose()
            assert [chunk async for chunk in response.chunks()]
        assert transport.stats() == EMPTY
        with pytest.raises(ConfigurationError, match="closed"):
            await transport.send(attempt())

    with FaultProxy() as server:
        flavour.run(server.url, scenario)


class EarlyRefusal:
    """A server that answers 413 from the head alone, and closes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(30)
        self._listener.close()

    def _serve(self) -> None:
        sock, _ = self._listener.accept()
        with sock:
            sock.recv(1000)
            sock.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
            sock.shutdown(socket.SHUT_WR)
            # Read on for a while, so that the answer is not lost to a reset.
            while sock.recv(1_000_000):
                pass


def test_early_answer_to_a_large_upload_is_read(flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Any) -> None:
        response = await transport.send(attempt(method="PUT", body=b"x" * 10_000_000))
        assert (response.status, response.body) == (413, b"no")

    with EarlyRefusal() as server:
        flavour.run(server.url, scenario)


def test_tls_connection_is_reused(
    flavour: Any, attempt: Make, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async def scenario(transport: Any) -> None:
        for _ in range(5):
            assert (await transport.send(attempt())).status == 200

    with FaultProxy(tls=server_tls) as server:
        flavour.run(server.url, scenario, ssl_context=client_tls)
        # Session tickets may cost the first connection; no more than that.
        assert server.connections <= 2


def test_nothing_is_left_open(flavour: Any, attempt: Make, soon: Soon) -> None:
    async def scenario(transport: Any) -> None:
        await transport.send(attempt())
        async with transport.stream(attempt()):
            pass

    with FaultProxy() as server:
        flavour.run(server.url, scenario)
        assert soon(lambda: server.open_connections == 0)
    # An unclosed socket would warn here, and warnings are errors.
    gc.collect()


def test_tls_context_is_not_used_for_plain_http(flavour: Any, attempt: Make, client_tls: ssl.SSLContext) -> None:
    async def scenario(transport: Any) -> int:
        return int((await transport.send(attempt())).status)

    with FaultProxy() as server:
        assert flavour.run(server.url, scenario, ssl_context=client_tls) == 200
