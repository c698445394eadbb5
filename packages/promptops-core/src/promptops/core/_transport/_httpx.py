"""Transports over an httpx client of the caller's: proxies, HTTP/2, test doubles.

httpx limits each read, not the whole call; the deadline is kept by looking at the clock between reads (blocking)
or by a timeout around the call (asynchronous).
"""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
import httpx
from promptops.core._transport import _failures
from promptops.core._transport._request import parse_origin
from promptops.core._transport._response import MAX_BODY
from promptops.core.messages import Response
from promptops.core.runtime import StreamedResponse
from promptops.core.transport import Attempt, ConnectFailed, ExchangeFailed, PoolTimeout, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["AsyncHttpxTransport", "HttpxTransport"]

_UNHANDLED: Final = 500


def _origin_of(base_url: str) -> httpx.URL:
    origin = parse_origin(base_url)
    return httpx.URL(scheme="https" if origin.tls else "http", host=origin.host, port=origin.port)


def _timeout(attempt: Attempt, left: float) -> httpx.Timeout:
    limits = attempt.timeouts
    return httpx.Timeout(
        connect=min(limits.connect, left),
        read=min(limits.read, left),
        write=min(limits.write, left),
        pool=min(limits.pool, left),
    )


def _url(origin: httpx.URL, attempt: Attempt) -> httpx.URL:
    return origin.copy_with(raw_path=attempt.target.encode("ascii"))


def _headers(response: httpx.Response) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.headers.multi_items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _translated(error: httpx.HTTPError | httpx.InvalidURL, *, late: bool) -> TransportError:
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


def _too_large() -> ExchangeFailed:
    return ExchangeFailed(f"the answer is larger than {MAX_BODY} bytes", sent=True)


async def _close(response: httpx.Response) -> None:
    """Close, also when cancelled: otherwise the connection would stay in the pool for ever."""
    with anyio.move_on_after(1.0, shield=True):
        await response.aclose()


def _socket_to_end(response: httpx.Response) -> Any:
    """The socket of an answer whose connection must not be used again, or None.

    Servers reset the connection after an unhandled error, and say so with no header: uvicorn does. On HTTP/2 other
    calls travel on it, too.
    """
    network = response.extensions.get("network_stream")
    if response.status_code != _UNHANDLED or response.http_version == "HTTP/2" or network is None:
        return None
    return network.get_extra_info("socket")


def _end(ended: Any) -> None:
    """Shut the connection of a socket down, of whatever event loop; the pool sees that, and opens another one."""
    with suppress(OSError), socket.fromfd(ended.fileno(), ended.family, ended.type) as same:
        same.shutdown(socket.SHUT_RDWR)


class _Last(httpx.SyncByteStream):
    """A body after which the connection ends, before the pool could give it to somebody else."""

    def __init__(self, body: httpx.SyncByteStream, ended: Any) -> None:
        self._body = body
        self._ended = ended

    def __iter__(self) -> Iterator[bytes]:
        yield from self._body

    def close(self) -> None:
        _end(self._ended)
        self._body.close()


class _AsyncLast(httpx.AsyncByteStream):
    """The same for asynchronous code."""

    def __init__(self, body: httpx.AsyncByteStream, ended: Any) -> None:
        self._body = body
        self._ended = ended

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._body:
            yield piece

    async def aclose(self) -> None:
        _end(self._ended)
        await self._body.aclose()


class _Streamed:
    """An answer of httpx, read piece by piece."""

    def __init__(self, response: httpx.Response, pieces: AsyncIterator[bytes]) -> None:
        self.status = response.status_code
        self.headers = _headers(response)
        self._pieces = pieces

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives."""
        return self._pieces


class _Ready:
    """An iterator as an asynchronous one that never suspends."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def __aiter__(self) -> _Ready:
        return self

    async def __anext__(self) -> bytes:
        for piece in self._pieces:
            return piece
        raise StopAsyncIteration


class HttpxTransport:
    """Sends attempts through an ``httpx.Client``; its coroutine methods never suspend.

    Args:
        client: The client; it stays the caller's unless ``owned``.
        base_url: The origin; a path is ignored.
        owned: Whether :meth:`aclose` closes the client.
        clock: The clock of ``Attempt.deadline``, in seconds.
    """

    def __init__(
        self,
        client: httpx.Client,
        base_url: str,
        *,
        owned: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._origin = _origin_of(base_url)
        self._owned = owned
        self._clock = clock

    async def send(self, attempt: Attempt) -> Response:
        """Send one attempt and read the whole answer; blocks, never suspends."""
        with self._open(attempt) as (response, pieces):
            body: list[bytes] = []
            size = 0
            for piece in pieces:
                size += len(piece)
                if size > MAX_BODY:
                    raise _too_large()
                body.append(piece)
            return Response(status=response.status_code, headers=_headers(response), body=b"".join(body))

    def stream(self, attempt: Attempt) -> AbstractAsyncContextManager[StreamedResponse]:
        """Send one attempt and read the body in pieces; leaving the block early closes the connection."""
        return self._stream(attempt)

    async def aclose(self) -> None:
        """Close the client if it belongs to this transport."""
        if self._owned:
            self._client.close()

    @asynccontextmanager
    async def _stream(self, attempt: Attempt) -> AsyncGenerator[StreamedResponse, None]:
        with self._open(attempt) as (response, pieces):
            yield _Streamed(response, _Ready(pieces))

    @contextmanager
    def _open(self, attempt: Attempt) -> Generator[tuple[httpx.Response, Iterator[bytes]], None, None]:
        left = attempt.deadline - self._clock()
        if left <= 0.0:
            raise _failures.deadline_passed(sent=False)
        try:
            request = self._client.build_request(
                attempt.method,
                _url(self._origin, attempt),
                headers=list(attempt.headers),
                content=attempt.body or None,
                timeout=_timeout(attempt, left),
            )
            response = self._client.send(request, stream=True, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise self._translated(exc, attempt) from exc
        ended = _socket_to_end(response)
        if ended is not None:
            response.stream = _Last(cast("httpx.SyncByteStream", response.stream), ended)
        try:
            yield response, self._pieces(response, attempt)
        finally:
            response.close()

    def _pieces(self, response: httpx.Response, attempt: Attempt) -> Iterator[bytes]:
        try:
            for piece in response.iter_bytes():
                if self._clock() >= attempt.deadline:
                    raise _failures.deadline_passed(sent=True)
                yield piece
        except httpx.HTTPError as exc:
            raise self._translated(exc, attempt) from exc

    def _translated(self, error: httpx.HTTPError | httpx.InvalidURL, attempt: Attempt) -> TransportError:
        return _translated(error, late=self._clock() >= attempt.deadline)


class AsyncHttpxTransport:
    """Sends attempts through an ``httpx.AsyncClient``.

    Args:
        client: The client; it stays the caller's unless ``owned``.
        base_url: The origin; a path is ignored.
        owned: Whether :meth:`aclose` closes the client.
        clock: The clock of ``Attempt.deadline``, in seconds.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str,
        *,
        owned: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._origin = _origin_of(base_url)
        self._owned = owned
        self._clock = clock

    async def send(self, attempt: Attempt) -> Response:
        """Send one attempt and read the whole answer."""
        left = self._left(attempt)
        with anyio.move_on_after(left):
            response = await self._open(attempt, left)
            try:
                body: list[bytes] = []
                size = 0
                async for piece in response.aiter_bytes():
                    size += len(piece)
                    if size > MAX_BODY:
                        raise _too_large()
                    body.append(piece)
            except httpx.HTTPError as exc:
                raise self._translated(exc, attempt) from exc
            finally:
                await _close(response)
            return Response(status=response.status_code, headers=_headers(response), body=b"".join(body))
        raise _failures.deadline_passed(sent=True)

    def stream(self, attempt: Attempt) -> AbstractAsyncContextManager[StreamedResponse]:
        """Send one attempt and read the body in pieces; leaving the block early closes the connection."""
        return self._stream(attempt)

    async def aclose(self) -> None:
        """Close the client if it belongs to this transport."""
        if self._owned:
            await self._client.aclose()

    @asynccontextmanager
    async def _stream(self, attempt: Attempt) -> AsyncGenerator[StreamedResponse, None]:
        left = self._left(attempt)
        response: httpx.Response | None = None
        with anyio.move_on_after(left):
            response = await self._open(attempt, left)
        if response is None:
            raise _failures.deadline_passed(sent=True)
        try:
            yield _Streamed(response, self._pieces(response, attempt))
        finally:
            await _close(response)

    async def _open(self, attempt: Attempt, left: float) -> httpx.Response:
        try:
            request = self._client.build_request(
                attempt.method,
                _url(self._origin, attempt),
                headers=list(attempt.headers),
                content=attempt.body or None,
                timeout=_timeout(attempt, left),
            )
            response = await self._client.send(request, stream=True, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise self._translated(exc, attempt) from exc
        ended = _socket_to_end(response)
        if ended is not None:
            response.stream = _AsyncLast(cast("httpx.AsyncByteStream", response.stream), ended)
        return response

    async def _pieces(self, response: httpx.Response, attempt: Attempt) -> AsyncIterator[bytes]:
        pieces = response.aiter_bytes()
        try:
            while True:
                piece: bytes | None = None
                with anyio.move_on_after(attempt.deadline - self._clock()) as scope:
                    piece = await anext(pieces, None)
                if scope.cancelled_caught:
                    raise _failures.deadline_passed(sent=True)
                if piece is None:
                    return
                yield piece
        except httpx.HTTPError as exc:
            raise self._translated(exc, attempt) from exc

    def _left(self, attempt: Attempt) -> float:
        left = attempt.deadline - self._clock()
        if left <= 0.0:
            raise _failures.deadline_passed(sent=False)
        return left

    def _translated(self, error: httpx.HTTPError | httpx.InvalidURL, attempt: Attempt) -> TransportError:
        return _translated(error, late=self._clock() >= attempt.deadline)
