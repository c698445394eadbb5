"""An answer whose body is read piece by piece, over either kind of connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from promptops.core._transport import _failures
from promptops.core._transport._encoding import BodyDecoder
from promptops.core._transport._failures import ProtocolError
from promptops.core._transport._response import ResponseReader
from promptops.core.transport import Attempt

__all__ = ["Readable", "Streamed"]


class Readable(Protocol):
    """A connection whose answer has begun."""

    @property
    def reader(self) -> ResponseReader:
        """What has been read so far."""
        ...

    async def receive(self, attempt: Attempt) -> None:
        """Read more."""
        ...


class Streamed:
    """The answer; see :class:`promptops.core.runtime.StreamedResponse`.

    Attributes:
        status: The HTTP status.
        headers: Lower-case names; values of repeated headers joined by ``, ``.
    """

    def __init__(self, connection: Readable, attempt: Attempt) -> None:
        self.status = connection.reader.status
        self.headers = connection.reader.headers
        self._chunks = _Chunks(connection, attempt)

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives, content encoding removed; a second call goes on where the first stopped."""
        return self._chunks


class _Chunks:
    def __init__(self, connection: Readable, attempt: Attempt) -> None:
        self._connection = connection
        self._attempt = attempt
        self._decoder: BodyDecoder | None = None
        self._encoding = connection.reader.headers.get("content-encoding")
        self._pending: list[bytes] = []

    def __aiter__(self) -> _Chunks:
        return self

    async def __anext__(self) -> bytes:
        reader = self._connection.reader
        try:
            while True:
                while self._pending:
                    piece = self._decode(self._pending.pop(0))
                    if piece:
                        return piece
                self._pending = reader.take()
                if self._pending:
                    continue
                if reader.complete:
                    if self._decoder is not None:
                        self._decoder.finish()
                    raise StopAsyncIteration
                await self._connection.receive(self._attempt)
        except ProtocolError as exc:
            raise _failures.exchange_failed(exc) from exc

    def _decode(self, piece: bytes) -> bytes:
        if self._encoding is None:
            return piece
        if self._decoder is None:
            self._decoder = BodyDecoder(self._encoding, limit=None)
        return self._decoder.feed(piece)
