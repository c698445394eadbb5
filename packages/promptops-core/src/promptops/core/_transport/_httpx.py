"""What both transports over httpx need: requests and answers in its terms, and its errors in ours."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
from promptops.core._transport import _failures
from promptops.core._transport._request import parse_origin
from promptops.core._transport._response import MAX_BODY, UNHANDLED
from promptops.core.transport import Attempt, ConnectFailed, ExchangeFailed, PoolTimeout, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Streamed",
    "end_connection",
    "headers_of",
    "origin_of",
    "socket_to_end",
    "timeout_of",
    "too_large",
    "translated",
    "url_of",
]


def origin_of(base_url: str) -> httpx.URL:
    origin = parse_origin(base_url)
    return httpx.URL(scheme="https" if origin.tls else "http", host=origin.host, port=origin.port)


def timeout_of(attempt: Attempt, left: float) -> httpx.Timeout:
    limits = attempt.timeouts
    return httpx.Timeout(
        connect=min(limits.connect, left),
        read=min(limits.read, left),
        write=min(limits.write, left),
        pool=min(limits.pool, left),
    )


def url_of(origin: httpx.URL, attempt: Attempt) -> httpx.URL:
    return origin.copy_with(raw_path=attempt.target.encode("ascii"))


def headers_of(response: httpx.Response) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.headers.multi_items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def translated(error: httpx.HTTPError | httpx.InvalidURL, *, late: bool) -> TransportError:
    text = str(error) or type(error).__name__
    sent = not isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError))
    timed_out = isinstance(error, httpx.TimeoutException)
    if timed_out and late:
        return _failures.deadline_passed(sent=sent)
    if isinstance(error, httpx.PoolTimeout):
        return PoolTimeout("all connections of the given HTTP client stayed busy", timed_out=True)
    if not sent or isinstance(error, (httpx.UnsupportedProtocol, httpx.InvalidURL, httpx.LocalProtocolError)):
        return ConnectFailed(text, timed_out=timed_out)
    return ExchangeFailed(text, sent=True, timed_out=timed_out)


def too_large() -> ExchangeFailed:
    return ExchangeFailed(f"the answer is larger than {MAX_BODY} bytes", sent=True)


def socket_to_end(response: httpx.Response) -> Any:
    """The socket of an answer whose connection must not be used again, or None.

    On HTTP/2 other calls travel on it, too, so there it stays.
    """
    network = response.extensions.get("network_stream")
    if response.status_code != UNHANDLED or response.http_version == "HTTP/2" or network is None:
        return None
    return network.get_extra_info("socket")


def end_connection(ended: Any) -> None:
    """Shut the connection of a socket down, of whatever event loop; the pool sees that, and opens another one."""
    with suppress(OSError), socket.fromfd(ended.fileno(), ended.family, ended.type) as same:
        same.shutdown(socket.SHUT_RDWR)


class Streamed:
    """An answer of httpx, read piece by piece."""

    def __init__(self, response: httpx.Response, pieces: AsyncIterator[bytes]) -> None:
        self.status = response.status_code
        self.headers = headers_of(response)
        self._pieces = pieces

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives."""
        return self._pieces
