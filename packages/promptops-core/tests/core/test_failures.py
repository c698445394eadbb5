"""Attempts without an answer, as people read about them; certificates over real sockets."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme
from promptops.core import NetworkError, PromptOpsError, Request, Runtime, RuntimeConfig
from promptops.core import TimeoutError as PromptOpsTimeoutError
from promptops.core.config import ServerNames, parse_base_url
from promptops.core.failures import classify, error_from_failure
from promptops.core.messages import READ
from promptops.core.retry import Failure
from promptops.core.transport import ConnectFailed, DeadlineExceeded, ExchangeFailed, PoolTimeout, TransportError


def caused(error: TransportError, cause: BaseException) -> TransportError:
    error.__cause__ = cause
    return error


def public(error: TransportError, url: str = "https://api.test/v1") -> Any:
    return error_from_failure(error, origin=parse_base_url(url), seconds=30.0, timeouts=READ.timeouts, attempts=2)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectFailed("x"), Failure.NEVER_SENT),
        (ConnectFailed("x", timed_out=True), Failure.NEVER_SENT),
        (caused(ConnectFailed("x"), ssl.SSLCertVerificationError("bad")), Failure.REFUSED_TLS),
        (caused(ConnectFailed("x"), ExceptionGroup("all", [ssl.SSLCertVerificationError("bad")])), Failure.REFUSED_TLS),
        (caused(ConnectFailed("x"), ssl.SSLEOFError("cut")), Failure.NEVER_SENT),
        (PoolTimeout("x"), Failure.POOL_BUSY),
        (ExchangeFailed("x"), Failure.NO_ANSWER),
        (DeadlineExceeded("x"), Failure.OUT_OF_TIME),
    ],
)
def test_every_failure_has_its_row_in_the_table(error: TransportError, kind: Failure) -> None:
    assert classify(error) is kind


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (caused(ConnectFailed("x"), ConnectionRefusedError()), NetworkError, "Nothing listens at https://api.test."),
        (caused(ConnectFailed("x"), socket.gaierror(-2, "unknown")), NetworkError, "'api.test' cannot be resolved"),
        (ConnectFailed("no route to host"), NetworkError, "no route to host"),
        (ConnectFailed("slow", timed_out=True), PromptOpsTimeoutError, "did not accept a connection within 3 s"),
        (PoolTimeout("all busy; raise max_connections"), PromptOpsTimeoutError, "max_connections"),
        (ExchangeFailed("reset by peer", sent=True), NetworkError, "reset by peer"),
        (ExchangeFailed("quiet", sent=True, timed_out=True), PromptOpsTimeoutError, "stopped answering"),
        (DeadlineExceeded("late", sent=True), PromptOpsTimeoutError, "within 30 s"),
    ],
)
def test_message_says_what_happened_and_what_to_do(
    error: TransportError, kind: type[PromptOpsError], says: str
) -> None:
    found = public(error)
    assert type(found) is kind
    assert says in found.message
    assert found.details["attempts"] == 2
    assert found.retryable is True


def test_server_without_tls_is_not_taken_for_one_that_is_down() -> None:
    """The reason is what OpenSSL says when a server answers in plain HTTP."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLError) as said:
        client.do_handshake()
    found = public(caused(ConnectFailed(f"no TLS connection: {said.value}"), said.value), "https://localhost:8765")
    assert "answers, but without TLS: write http://" in found.message
    assert "running" not in found.message


def test_advice_depends_on_where_the_server_should_be() -> None:
    refused = caused(ConnectFailed("x"), ConnectionRefusedError())
    assert "promptops serve" in public(refused, "http://localhost:8765").message
    assert "promptops serve" not in public(refused, "https://api.test").message


def test_advice_names_the_server_and_the_settings_of_the_client() -> None:
    names = ServerNames(start="other serve", address="OTHER_URL")
    refused = caused(ConnectFailed("x"), ConnectionRefusedError())
    for url in ("http://localhost:8765", "https://api.test"):
        origin = RuntimeConfig(base_url=url, names=names).origin
        message = error_from_failure(refused, origin=origin, seconds=3.0, timeouts=READ.timeouts, attempts=1).message
        assert "OTHER_URL" in message
        assert "promptops" not in message.lower()


THROUGH = "Cannot connect to https://api.test through the proxy http://proxy.test:3128: "


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (caused(ConnectFailed("x"), ConnectionRefusedError()), f"{THROUGH}nothing listens at the proxy."),
        (caused(ConnectFailed("x"), socket.gaierror(-2, "unknown")), f"{THROUGH}the name of the proxy cannot be"),
        (ConnectFailed("407 Proxy Authentication Required"), f"{THROUGH}407 Proxy Authentication Required."),
        (
            ConnectFailed("slow", timed_out=True),
            "No connection to https://api.test through the proxy http://proxy.test",
        ),
        (caused(ConnectFailed("x"), ssl.SSLCertVerificationError("bad")), "certificate on the way to https://api.test"),
        (ExchangeFailed("reset by peer", sent=True), "https://api.test through the proxy http://proxy.test:3128 ended"),
        (DeadlineExceeded("late", sent=True), "No answer from https://api.test through the proxy http://proxy.test"),
    ],
)
def test_what_goes_through_a_proxy_says_so(error: TransportError, says: str) -> None:
    origin = parse_base_url("https://api.test/v1")
    proxy = "http://proxy.test:3128"
    found = error_from_failure(error, origin=origin, seconds=3.0, timeouts=READ.timeouts, attempts=1, proxy=proxy)
    assert says in found.message
    assert found.details["proxy"] == proxy


def test_long_and_many_lined_reasons_become_one_short_line() -> None:
    message = public(ExchangeFailed("line\n" * 500)).message
    assert "\n" not in message
    assert len(message) < 350


def test_causes_that_refer_to_each_other_end() -> None:
    first, second = ConnectFailed("a"), OSError("b")
    first.__cause__, second.__cause__ = second, first
    assert classify(first) is Failure.NEVER_SENT


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_server(authority: trustme.CA) -> Iterator[tuple[str, list[str]]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]  # names pyOpenSSL
    listener = socket.create_server(("127.0.0.1", 0))
    accepted: list[str] = []

    def serve() -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            accepted.append("connection")
            try:
                with raw, context.wrap_socket(raw, server_side=True) as connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
            except OSError:
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"https://localhost:{listener.getsockname()[1]}", accepted
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(30)


def test_unknown_certificate_is_refused_once_with_advice(
    play: Callable[..., Any], tls_server: tuple[str, list[str]]
) -> None:
    url, accepted = tls_server

    async def scenario(runtime: Runtime) -> None:
        await runtime.send(Request(method="GET", path="/x"))

    with pytest.raises(NetworkError) as caught:
        play(scenario, RuntimeConfig(base_url=url))
    assert "certificate" in caught.value.message.lower()
    assert "verify=" in caught.value.message
    assert caught.value.retryable is False
    assert caught.value.details["attempts"] == 1
    assert len(accepted) <= 2  # a name may have two addresses; no retry beyond that


def test_certificate_of_an_own_authority_is_trusted_through_verify(
    play: Callable[..., Any], tls_server: tuple[str, list[str]], authority: trustme.CA
) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]  # names pyOpenSSL

    async def scenario(runtime: Runtime) -> bytes:
        return (await runtime.send(Request(method="GET", path="/x"))).body

    assert play(scenario, RuntimeConfig(base_url=tls_server[0], verify=context)) == b"{}"
