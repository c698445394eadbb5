"""Every transport, over our own connections or over httpx, behaves as the port says."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import pytest
from promptops.core.testing.faults import (
    BlackHole,
    Canned,
    Cut,
    Drip,
    Exchange,
    FaultProxy,
    Garbage,
    Mode,
    Refuse,
    Reset,
    Unreachable,
    WrongLength,
    http_answer,
)
from promptops.core.transport import Attempt, ConnectFailed, DeadlineExceeded, ExchangeFailed, PoolTimeout, Transport

Make = Callable[..., Attempt]


class HangInBody(Mode):
    """Half an answer, and then nothing."""

    async def answer(self, exchange: Exchange) -> None:
        data = await exchange.fetch()
        await exchange.write(data[: len(data) - 4])
        await BlackHole().answer(exchange)


async def _read_stream(transport: Transport, attempt: Attempt) -> bytes:
    async with transport.stream(attempt) as response:
        return b"".join([chunk async for chunk in response.chunks()])


def test_answer_has_status_headers_and_body(any_flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Transport) -> None:
        response = await transport.send(attempt("/a%2Fb?q=%C3%BC&x=1+2"))
        assert response.status == 200
        assert response.headers["content-type"] == "application/json"
        assert json.loads(response.body) == {"method": "GET", "target": "/a%2Fb?q=%C3%BC&x=1+2"}

    with FaultProxy() as server:
        any_flavour.run(server.url, scenario)


def test_bodies_and_methods_reach_the_server(any_flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Transport) -> None:
        for method, body in [("POST", b"{}"), ("PUT", b"x" * 3_000_000), ("DELETE", b""), ("POST", b"")]:
            response = await transport.send(attempt("/w", method=method, body=body))
            assert json.loads(response.body)["method"] == method
        assert (await transport.send(attempt("/h", method="HEAD"))).body == b""
        assert json.loads((await transport.send(attempt("/g"))).body)["method"] == "GET"

    with FaultProxy() as server:
        any_flavour.run(server.url, scenario)
        assert server.connections == 1


@pytest.mark.parametrize("status", [204, 304, 404, 503])
def test_every_status_is_an_answer(any_flavour: Any, attempt: Make, status: int) -> None:
    async def scenario(transport: Transport) -> int:
        return (await transport.send(attempt())).status

    body = b"" if status in {204, 304} else b"{}"
    with FaultProxy(mode=Canned(status, (("retry-after", "1"),), body)) as server:
        assert any_flavour.run(server.url, scenario) == status


def test_encoded_body_is_decoded(any_flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Transport) -> None:
        assert (await transport.send(attempt())).body == b"hello" * 1000
        async with transport.stream(attempt()) as response:
            assert b"".join([chunk async for chunk in response.chunks()]) == b"hello" * 1000

    answer = Canned(200, (("content-encoding", "gzip"),), gzip.compress(b"hello" * 1000))
    with FaultProxy(mode=answer) as server:
        any_flavour.run(server.url, scenario)


def test_chunked_and_unframed_bodies_are_read(any_flavour: Any, attempt: Make) -> None:
    class Unframed(Mode):
        async def answer(self, exchange: Exchange) -> None:
            await exchange.write(b"HTTP/1.1 200 OK\r\n\r\nhello")
            exchange.close()

    async def scenario(transport: Transport) -> None:
        assert (await transport.send(attempt())).body == b"hello"
        server.set(Unframed())
        assert (await transport.send(attempt())).body == b"hello"

    chunked = Canned(200, (("transfer-encoding", "chunked"),), b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")
    with FaultProxy(mode=chunked) as server:
        any_flavour.run(server.url, scenario)


def test_large_body_streams_in_pieces(any_flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Transport) -> None:
        async with transport.stream(attempt()) as response:
            assert response.status == 200
            sizes = [len(chunk) async for chunk in response.chunks()]
        assert sum(sizes) == 5_000_000
        assert len(sizes) > 1

    with FaultProxy(mode=Canned(200, (), b"x" * 5_000_000)) as server:
        any_flavour.run(server.url, scenario)


def test_refused_connection_was_not_sent(any_flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Transport) -> None:
        with pytest.raises(ConnectFailed) as caught:
            await transport.send(attempt(method="POST", body=b"{}"))
        assert not caught.value.sent

    with FaultProxy(mode=Refuse()) as server:
        any_flavour.run(server.url, scenario)


def test_silent_address_is_a_connect_timeout(any_flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Transport) -> None:
        began = time.monotonic()
        with pytest.raises(ConnectFailed) as caught:
            await transport.send(attempt(connect=0.1))
        assert caught.value.timed_out
        assert time.monotonic() - began < 4.0

    with FaultProxy(mode=Unreachable()) as server:
        any_flavour.run(server.url, scenario)


def test_unknown_name_is_a_connect_failure(any_flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Transport) -> None:
        with pytest.raises(ConnectFailed):
            await transport.send(attempt(connect=2.0))

    any_flavour.run("http://no-such-host.invalid:1", scenario)


def test_name_is_resolved(any_flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Transport) -> int:
        return (await transport.send(attempt())).status

    with FaultProxy() as server:
        assert any_flavour.run(f"http://localhost:{server.port}", scenario) == 200


@pytest.mark.parametrize("mode", [BlackHole(), HangInBody()], ids=["head", "body"])
def test_silent_server_is_a_read_timeout(any_flavour: Any, attempt: Make, mode: Mode) -> None:
    async def scenario(transport: Transport) -> None:
        with pytest.raises(ExchangeFailed) as caught:
            await transport.send(attempt(read=0.1))
        assert (caught.value.sent, caught.value.timed_out) == (True, True)

    with FaultProxy(mode=mode) as server:
        any_flavour.run(server.url, scenario)


def test_deadline_beats_the_other_limits(any_flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Transport) -> None:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded) as caught:
            await transport.send(attempt(deadline=0.5))
        assert caught.value.sent
        assert 0.45 < time.monotonic() - began < 4.0

    with FaultProxy(mode=BlackHole()) as server:
        any_flavour.run(server.url, scenario)


def test_passed_deadline_sends_nothing(any_flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Transport) -> None:
        with pytest.raises(DeadlineExceeded) as caught:
            await transport.send(attempt(deadline=-1.0))
        assert not caught.value.sent

    with FaultProxy() as server:
        any_flavour.run(server.url, scenario)
        assert server.requests == 0


def test_dripping_stream_ends_at_the_deadline(any_flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Transport) -> None:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            await _read_stream(transport, attempt(deadline=0.4))
        assert time.monotonic() - began < 4.0

    with FaultProxy(
        mode=Drip(50.0, head=60), respond=lambda method, target: http_answer(200, (), b"x" * 500)
    ) as server:
        any_flavour.run(server.url, scenario)


def test_peer_that_stops_reading_is_a_write_timeout(any_flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Transport) -> None:
        with pytest.raises(ExchangeFailed) as caught:
            await transport.send(attempt(method="PUT", body=b"x" * 30_000_000, write=0.2))
        assert (caught.value.sent, caught.value.timed_out) == (True, True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        any_flavour.run(f"http://127.0.0.1:{listener.getsockname()[1]}", scenario)


@pytest.mark.parametrize(
    "mode",
    [Reset(), Cut(0), Cut(10), Cut(90), Cut(90, reset=True), Garbage(), WrongLength(10)],
    ids=["reset", "closed", "cut in head", "cut in body", "reset in body", "garbage", "length"],
)
def test_broken_exchange_is_said_to_be_sent(any_flavour: Any, attempt: Make, mode: Mode) -> None:
    async def scenario(transport: Transport) -> None:
        for _ in range(2):
            with pytest.raises(ExchangeFailed) as caught:
                await transport.send(attempt())
            assert caught.value.sent

    with FaultProxy(mode=mode) as server:
        any_flavour.run(server.url, scenario)


@pytest.mark.parametrize("mode", [Cut(90), HangInBody(), WrongLength(10)], ids=["cut", "hang", "length"])
def test_broken_stream_is_an_error(any_flavour: Any, attempt: Make, mode: Mode) -> None:
    async def scenario(transport: Transport) -> None:
        with pytest.raises(ExchangeFailed):
            await _read_stream(transport, attempt(read=0.2))

    with FaultProxy(mode=mode) as server:
        any_flavour.run(server.url, scenario)


def test_tls_is_spoken_and_checked(
    any_flavour: Any, attempt: Make, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async def scenario(transport: Transport) -> None:
        for _ in range(2):
            assert (await transport.send(attempt(method="PUT", body=b"x" * 1_000_000))).status == 200
        async with transport.stream(attempt()) as response:
            assert [chunk async for chunk in response.chunks()]

    async def refused(transport: Transport) -> None:
        with pytest.raises(ConnectFailed) as caught:
            await transport.send(attempt(method="POST", body=b"{}"))
        assert not caught.value.sent

    with FaultProxy(tls=server_tls) as server:
        any_flavour.run(server.url, scenario, ssl_context=client_tls)
        any_flavour.run(server.url, refused, ssl_context=ssl.create_default_context())
        any_flavour.run(server.url.replace("127.0.0.1", "127.0.0.2"), refused, ssl_context=client_tls)
        server.set_tls(None)
        any_flavour.run(f"https://127.0.0.1:{server.port}", refused, ssl_context=client_tls)


def test_silent_tls_handshake_is_a_connect_timeout(any_flavour: Any, attempt: Make, client_tls: ssl.SSLContext) -> None:
    async def scenario(transport: Transport) -> None:
        with pytest.raises(ConnectFailed) as caught:
            await transport.send(attempt(connect=0.2))
        assert caught.value.timed_out
        with pytest.raises(DeadlineExceeded) as late:
            await transport.send(attempt(deadline=0.2))
        assert late.value.timed_out

    with FaultProxy(mode=BlackHole()) as server:
        any_flavour.run(f"https://127.0.0.1:{server.port}", scenario, ssl_context=client_tls)


def test_busy_connections_are_a_pool_timeout(any_flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Transport) -> None:
        async with transport.stream(attempt()):
            with pytest.raises(PoolTimeout) as caught:
                await transport.send(attempt(pool=0.1))
            assert not caught.value.sent
        assert (await transport.send(attempt(pool=1.0))).status == 200

    with FaultProxy() as server:
        any_flavour.run(server.url, scenario, max_connections=1)


def test_closing_twice_is_safe(any_flavour: Any, attempt: Make) -> None:
    async def scenario(transport: Transport) -> None:
        await transport.send(attempt())
        await transport.aclose()
        await transport.aclose()

    with FaultProxy() as server:
        any_flavour.run(server.url, scenario)
