"""The port below the runtimes: one attempt of one request, no policy."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import msgspec
from promptops.core.messages import Response, Timeouts
from promptops.core.runtime import StreamedResponse

__all__ = [
    "Attempt",
    "ConnectFailed",
    "DeadlineExceeded",
    "ExchangeFailed",
    "PoolTimeout",
    "Transport",
    "TransportError",
]


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt, ready for the wire.

    Attributes:
        method: Upper-case HTTP method.
        target: Path and query as sent, percent-encoded, the base URL's own path prefix included.
        headers: All headers except ``host``, ``content-length`` and ``connection``; names in lower case.
        body: The raw body; empty when there is none.
        timeouts: Limits of this attempt, in seconds.
        deadline: A point on the transport's monotonic clock (``time.monotonic`` unless injected) by which the whole
            attempt must have ended, whatever the other limits say.
        retry_stale: Whether a reused connection that gave no byte may be replaced by a fresh one once.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeouts: Timeouts
    deadline: float
    retry_stale: bool

    def __repr__(self) -> str:
        names = ", ".join(name for name, _ in self.headers)
        return f"Attempt({self.method} {self.target}, headers: {names or 'none'}, {len(self.body)} bytes)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # The values of headers and the body stay out of logs and tracebacks.
        return [("method", self.method), ("target", self.target), ("headers", [name for name, _ in self.headers])]


class Transport(Protocol):
    """Sends one attempt to the origin that it was made for.

    A blocking transport has the same coroutine methods; they never suspend.

    Raises (from ``send`` and ``stream``):
        ConnectFailed: Nothing was sent (refused, unreachable, name not found, TLS refused, connect timeout).
        PoolTimeout: No connection became free within ``timeouts.pool``.
        ExchangeFailed: Something may have been sent and no complete answer came (reset, early close, read timeout).
        DeadlineExceeded: ``deadline`` passed; ``sent`` says whether anything had been sent.
    """

    async def send(self, attempt: Attempt) -> Response:
        """Send one attempt and read the whole answer."""
        ...

    def stream(self, attempt: Attempt) -> AbstractAsyncContextManager[StreamedResponse]:
        """Send one attempt and read the body in pieces; leaving the block early closes the connection."""
        ...

    async def aclose(self) -> None:
        """Close every connection; safe to call twice."""
        ...


class TransportError(Exception):
    """Base of what a transport raises; the runtime turns it into the public errors."""

    def __init__(self, message: str, *, sent: bool = False, timed_out: bool = False) -> None:
        super().__init__(message)
        self.sent = sent
        self.timed_out = timed_out


class ConnectFailed(TransportError):  # noqa: N818
    """Nothing was sent: there was no connection."""


class PoolTimeout(TransportError):  # noqa: N818
    """Every connection stayed busy."""


class ExchangeFailed(TransportError):  # noqa: N818
    """Something may have been sent, and no complete answer came."""


class DeadlineExceeded(TransportError):  # noqa: N818
    """The deadline of the call passed."""
