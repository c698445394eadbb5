"""The transport over an asynchronous httpx client of the caller's: proxies, HTTP/2, test doubles.

httpx limits each read, not the whole call; the deadline is kept by a timeout around the call.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

import anyio
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

__all__ = ["AsyncHttpxTransport"]


class _AsyncLast(httpx.AsyncByteStream):
    """A body after which the connection ends, before the pool could give it to somebody else."""

    def __init__(self, body: httpx.AsyncByteStream, ended: Any) -> None:
        self._body = body
        self._ended = ended

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._body:
            yield piece

    async def aclose(self) -> None:
        end_connection(self._ended)
        await self._body.aclose()


async def _close(response: httpx.Response) -> None:
    """Close, also when cancelled: otherwise the connection would stay in the pool for ever."""
    with anyio.move_on_after(1.0, shield=True):
        await response.aclose()


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
        self._origin = origin_of(base_url)
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
                        raise too_large()
                    body.append(piece)
            except httpx.HTTPError as exc:
                raise self._translated(exc, attempt) from exc
            finally:
                await _close(response)
            return Response(status=response.status_code, headers=headers_of(response), body=b"".join(body))
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
            yield Streamed(response, self._pieces(response, attempt))
        finally:
            await _close(response)

    async def _open(self, attempt: Attempt, left: float) -> httpx.Response:
        try:
            request = self._client.build_request(
                attempt.method,
                url_of(self._origin, attempt),
                headers=list(attempt.headers),
                content=attempt.body or None,
                timeout=timeout_of(attempt, left),
            )
            response = await self._client.send(request, stream=True, follow_redirects=False)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise self._translated(exc, attempt) from exc
        ended = socket_to_end(response)
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
        return translated(error, late=self._clock() >= attempt.deadline)
