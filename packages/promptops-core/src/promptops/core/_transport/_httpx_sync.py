"""The transport over a blocking httpx client of the caller's: proxies, HTTP/2, test doubles.

httpx limits each read, not the whole call; the deadline is kept by looking at the clock between reads.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, cast

import httpx
from promptops.core._transport import _failures
from promptops.core._transport._httpx import (
    Streamed,
    end_connection,
    headers_of,
    origin_of,
    socket_to_end,
    timeout_of,
    too_large,
    translated,
    url_of,
)
from promptops.core._transport._response import MAX_BODY
from promptops.core.messages import Response
from promptops.core.runtime import StreamedResponse
from promptops.core.transport import Attempt, TransportError

__all__ = ["HttpxTransport"]


class _Last(httpx.SyncByteStream):
    """A body after which the connection ends, before the pool could give it to somebody else."""

    def __init__(self, body: httpx.SyncByteStream, ended: Any) -> None:
        self._body = body
        self._ended = ended

    def __iter__(self) -> Iterator[bytes]:
        yield from self._body

    def close(self) -> None:
        end_connection(self._ended)
        self._body.close()


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
        self._origin = origin_of(base_url)
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
                    raise too_large()
                body.append(piece)
            return Response(status=response.status_code, headers=headers_of(response), body=b"".join(body))

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
            yield Streamed(response, _Ready(pieces))

    @contextmanager
    def _open(self, attempt: Attempt) -> Generator[tuple[httpx.Response, Iterator[bytes]], None, None]:
        left = attempt.deadline - self._clock()
        if left <= 0.0:
            raise _failures.deadline_passed(sent=False)
        try:
            request = self._client.build_request(
                attempt.method,
                url_of(self._origin, attempt),
                headers=list(attempt.headers),
                content=attempt.body or None,
                timeout=timeout_of(attempt, left),
            )
            response = self._client.send(request, stream=True, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise self._translated(exc, attempt) from exc
        ended = socket_to_end(response)
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
        return translated(error, late=self._clock() >= attempt.deadline)
