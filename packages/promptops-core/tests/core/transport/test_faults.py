"""The fault proxy does what its modes say, can be switched while in use, and counts."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator

import pytest
from promptops.core.testing.faults import (
    BlackHole,
    Canned,
    Cut,
    Delay,
    Drip,
    FaultProxy,
    Garbage,
    Html,
    IdleClose,
    Mode,
    Pass,
    Refuse,
    Reset,
    TruncatedJson,
    Unreachable,
    WrongLength,
    http_answer,
)

BODY = b'{"hello": "world"}'


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with FaultProxy(respond=lambda method, target: http_answer(200, (), BODY)) as proxy:
        yield proxy


def _connect(proxy: FaultProxy, timeout: float = 20.0) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=timeout)


def _ask(proxy: FaultProxy, until: bytes = BODY, seconds: float = 20.0) -> bytes:
    """What one request brings, until that is the end of it, the proxy closes, or says nothing more for a while."""
    data = b""
    with _connect(proxy) as sock:
        sock.sendall(b"GET /x HTTP/1.1\r\nhost: x\r\n\r\n")
        sock.settimeout(seconds)
        try:
            while not data.endswith(until) and (piece := sock.recv(65536)):
                data += piece
        except TimeoutError:
            pass
    return data


def test_healthy_answers_are_passed_on_and_counted(proxy: FaultProxy) -> None:
    with _connect(proxy) as sock:
        for _ in range(3):
            sock.sendall(b"POST /x HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc")
            assert sock.recv(65536).endswith(BODY)
    assert (proxy.connections, proxy.requests) == (1, 3)


def test_upstream_is_asked(proxy: FaultProxy) -> None:
    with FaultProxy(proxy.url) as front:
        for _ in range(2):
            assert _ask(front).endswith(BODY)
        assert (front.requests, proxy.requests) == (2, 2)


def test_own_answer_echoes_the_request() -> None:
    with FaultProxy() as proxy:
        assert json.loads(_ask(proxy, b"}").partition(b"\r\n\r\n")[2]) == {"method": "GET", "target": "/x"}


def test_port_stays_while_modes_change(proxy: FaultProxy) -> None:
    port = proxy.port
    proxy.set(Refuse())
    with pytest.raises(ConnectionRefusedError):
        _connect(proxy)
    proxy.set(Unreachable())
    with pytest.raises(TimeoutError):
        _connect(proxy, 0.2)
    proxy.set(Pass())
    assert _ask(proxy).endswith(BODY)
    assert proxy.port == port


def test_switching_reaches_open_connections(proxy: FaultProxy) -> None:
    with _connect(proxy) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert sock.recv(65536).endswith(BODY)
        proxy.set(Canned(503))
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 503 ")
        proxy.set(Refuse())
        with pytest.raises(ConnectionResetError):
            sock.recv(1)


def test_reset_resets(proxy: FaultProxy) -> None:
    proxy.set(Reset())
    with pytest.raises(ConnectionResetError):
        _ask(proxy)


def test_black_hole_says_nothing(proxy: FaultProxy) -> None:
    proxy.set(BlackHole())
    assert _ask(proxy, seconds=0.2) == b""
    assert proxy.requests == 1


@pytest.mark.parametrize(
    ("mode", "start", "end"),
    [
        (Garbage(), b"\x16\x03", b"\r\n\r\n"),
        (Html(), b"HTTP/1.1 200 OK\r\ncontent-type: text/html", b"</html>"),
        (Cut(20), b"HTTP/1.1 200 OK\r\ncon", b"con"),
        (TruncatedJson(), b"HTTP/1.1 200 OK\r\n", b"content-length: 9\r\n\r\n" + BODY[:9]),
        (WrongLength(5), b"HTTP/1.1 200 OK\r\n", b"content-length: 23\r\n\r\n" + BODY),
        (WrongLength(-5), b"HTTP/1.1 200 OK\r\n", b"content-length: 13\r\n\r\n" + BODY),
        (
            Canned(429, (("retry-after", "3"),), b"{}"),
            b"HTTP/1.1 429 ",
            b"retry-after: 3\r\ncontent-length: 2\r\n\r\n{}",
        ),
        (Canned(304, (("etag", "x"),), b""), b"HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n", b"\r\n\r\n"),
    ],
)
def test_answers_are_those_of_the_mode(proxy: FaultProxy, mode: Mode, start: bytes, end: bytes) -> None:
    proxy.set(mode)
    data = _ask(proxy, end)
    assert data.startswith(start)
    assert data.endswith(end)


def test_drip_takes_its_time(proxy: FaultProxy) -> None:
    proxy.set(Drip(100.0, head=30))
    began = time.monotonic()
    assert _ask(proxy).endswith(BODY)
    assert time.monotonic() - began > 0.25


def test_delay_comes_first(proxy: FaultProxy) -> None:
    proxy.set(Delay(0.2))
    began = time.monotonic()
    assert _ask(proxy).endswith(BODY)
    assert time.monotonic() - began >= 0.2


def test_idle_connections_are_closed_after_a_random_time(proxy: FaultProxy) -> None:
    proxy.set(IdleClose(0.05, 0.2))
    with _connect(proxy) as sock:
        began = time.monotonic()
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert sock.recv(65536).endswith(BODY)
        assert sock.recv(1) == b""
        assert 0.03 < time.monotonic() - began < 10.0


def test_tls_can_be_swapped(proxy: FaultProxy, server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    proxy.set_tls(server_tls)
    assert proxy.url.startswith("https://")
    with client_tls.wrap_socket(_connect(proxy), server_hostname="127.0.0.1") as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert sock.recv(65536).endswith(BODY)
    other = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    proxy.set_tls(other)
    with _connect(proxy) as plain, pytest.raises(ssl.SSLError):
        client_tls.wrap_socket(plain, server_hostname="127.0.0.1")
    proxy.set_tls(None)
    assert _ask(proxy).endswith(BODY)


def test_own_modes_can_be_written(proxy: FaultProxy) -> None:
    class Teapot(Canned):
        pass

    proxy.set(Teapot(418))
    assert _ask(proxy, b"\r\n\r\n").startswith(b"HTTP/1.1 418 ")


def test_connections_can_be_dropped(proxy: FaultProxy) -> None:
    with _connect(proxy) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        sock.recv(65536)
        assert proxy.open_connections == 1
        proxy.drop_connections()
        assert proxy.open_connections == 0
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
