"""Removes ``gzip`` and ``deflate`` from bodies, within a size limit."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from promptops.core._transport._failures import ProtocolError

if TYPE_CHECKING:
    from zlib import _Decompress as _Decompressor  # pyright: ignore[reportPrivateUsage] - it has no public name

__all__ = ["BodyDecoder"]

_GZIP: Final = 16 + zlib.MAX_WBITS
_PIECE: Final = 1024 * 1024


class BodyDecoder:
    """Decodes one body, whole or piece by piece.

    Args:
        encoding: The value of ``content-encoding``.
        limit: Most decoded bytes, or None for no limit.

    Raises:
        ProtocolError: The encoding is unknown.
    """

    def __init__(self, encoding: str, *, limit: int | None) -> None:
        name = encoding.strip().lower()
        if name not in {"gzip", "x-gzip", "deflate", "identity", ""}:
            raise ProtocolError(f"the answer has the content-encoding {name!r}, which was not asked for")
        self._name = name
        self._limit = limit
        self._size = 0
        self._decoder: _Decompressor | None = None if name == "deflate" else zlib.decompressobj(_GZIP)
        self._start = b""
        self._begun = False
        self._plain = name in {"identity", ""}

    def feed(self, data: bytes) -> bytes:
        """Decode the next piece."""
        if self._plain or not data:
            return data
        self._begun = True
        if self._decoder is None:
            # Some servers mean the bare stream when they say deflate; the first two bytes tell.
            data = self._start = self._start + data
            if len(data) < 2:
                return b""
            wrapped = data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
            self._decoder = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        decoder = self._decoder
        pieces: list[bytes] = []
        while True:
            if decoder.eof:
                if self._name == "deflate":
                    raise ProtocolError("the answer goes on after the end of its deflate stream")
                decoder = self._decoder = zlib.decompressobj(_GZIP)
            try:
                piece = decoder.decompress(data, _PIECE)
            except zlib.error as exc:
                raise ProtocolError(f"the body is not valid {self._name}: {exc}") from exc
            self._size += len(piece)
            if self._limit is not None and self._size > self._limit:
                raise ProtocolError(f"the answer is larger than {self._limit} bytes")
            pieces.append(piece)
            data = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
            if not data and (decoder.eof or len(piece) < _PIECE):
                return b"".join(pieces)

    def finish(self) -> None:
        """Check that the stream has ended.

        Raises:
            ProtocolError: The encoded stream was cut off.
        """
        if self._begun and (self._decoder is None or not self._decoder.eof):
            raise ProtocolError(f"the {self._name} body was cut off")
