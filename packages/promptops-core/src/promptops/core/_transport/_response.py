"""Reads one response from bytes, without any input or output of its own.

The usual head (``HTTP/1.1``, CRLF line ends, one ``content-length``) is parsed here, strictly. Everything else is
h11's: chunked bodies, interim responses, HTTP/1.0, odd white space. A connection whose answer was in any way odd
is never used again, so a lenient reading cannot leave bytes behind for the next request.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from promptops.core._transport._failures import ProtocolError
from promptops.core.messages import Response

if TYPE_CHECKING:
    import h11
    from promptops.core._transport._encoding import BodyDecoder

__all__ = ["MAX_BODY", "MAX_HEAD", "UNHANDLED", "ResponseReader"]

MAX_BODY: Final = 64 * 1024 * 1024
MAX_HEAD: Final = 64 * 1024
_MAX_INTERIM: Final = 16
_PART: Final = 16 * 1024
UNHANDLED: Final = 500
"""Servers reset the connection after an unhandled error, and say so with no header: uvicorn does."""

_STRICT_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-9][0-9][0-9])(?: [\t -~\x80-\xff]*)?\r\n"
    rb"((?:[-!#$%&'*+.^_`|~0-9A-Za-z]+: ?[!-~\x80-\xff][\t -~\x80-\xff]*\r\n|[-!#$%&'*+.^_`|~0-9A-Za-z]+: ?\r\n)*)\r\n"
)
_BLANK_LINE = re.compile(rb"\n\r?\n")
_PREFIX = b"HTTP/1."
_EMPTY: Final = bytearray()  # never changed: a head in pieces gets a buffer of its own
_HEAD, _FIXED, _H11, _DONE = range(4)


class ResponseReader:
    """Collects one response at a time; :meth:`start` makes it ready for the next.

    Attributes:
        status: The HTTP status, 0 until the head is complete.
        headers: Lower-case names; values of repeated headers joined by ``, ``.
        received: Whether any byte of this response has arrived.
        complete: Whether the response has ended.
        reusable: Whether the connection may carry another request; meaningful once complete.
    """

    __slots__ = (
        "_buffer",
        "_chunks",
        "_decoded",
        "_decoder",
        "_h11",
        "_interim",
        "_limit",
        "_method",
        "_remaining",
        "_size",
        "_state",
        "_strict",
        "complete",
        "headers",
        "received",
        "reusable",
        "status",
    )

    def __init__(self) -> None:
        self._h11: h11.Connection | None = None
        self._chunks: list[bytes] = []
        self._decoder: BodyDecoder | None = None
        self._decoded: list[bytes] = []
        self.headers: dict[str, str] = {}
        self.start("GET")

    def start(self, method: str, *, limit: int | None = MAX_BODY) -> None:
        """Forget the last response and expect the answer to a request of this method.

        Args:
            method: Upper-case HTTP method of the request.
            limit: Most bytes of body, or None for no limit.
        """
        self._method = method
        self._limit = limit
        self._state = _HEAD
        self._buffer = _EMPTY
        self._h11 = None
        self._chunks = []
        self._decoder = None
        self._decoded = []
        self._remaining = 0
        self._size = 0
        self._interim = 0
        self._strict = False
        self.status = 0
        self.headers = {}
        self.received = False
        self.complete = False
        self.reusable = False

    def feed(self, data: bytes) -> bool:
        """Take what the peer sent (``b""`` when it closed); True once the response is complete.

        Raises:
            ProtocolError: The answer is not HTTP, was cut off or is too large.
        """
        state = self._state
        if not data:
            return self._feed_eof()
        self.received = True
        if state == _HEAD:
            buffer = self._buffer
            if not buffer:
                return self._feed_head(data, 0)
            # A head in pieces: look for its end only in what is new.
            start = max(0, len(buffer) - 3)
            buffer += data
            if _BLANK_LINE.search(buffer, start) is None and len(buffer) <= MAX_HEAD and buffer.startswith(_PREFIX):
                return False
            return self._feed_head(bytes(buffer), start)
        if state == _FIXED:
            return self._feed_fixed(data)
        if state == _H11:
            return self._feed_h11(data)
        # Bytes after the end: they answer nothing that was asked.
        self.reusable = False
        return True

    @property
    def pending(self) -> int:
        """Bytes of the body that wait to be taken."""
        return sum(map(len, self._chunks))

    def take(self) -> list[bytes]:
        """The pieces of the raw body that arrived since the last call."""
        chunks, self._chunks = self._chunks, []
        return chunks

    def decode_part(self) -> bool:
        """Decode a part of a large encoded body, for callers who let others run meanwhile; False when little is left.

        Raises:
            ProtocolError: The body cannot be decoded.
        """
        encoding = self.headers.get("content-encoding")
        chunks = self._chunks
        if encoding is None or not chunks:
            return False
        if self._decoder is None:
            data = b"".join(chunks)
            chunks[:] = [data[start : start + _PART] for start in range(0, len(data), _PART)][::-1]
            self._decoder = _decoder_of(encoding, self._limit)
        if len(chunks) <= 1:
            return False
        self._decoded.append(self._decoder.feed(chunks.pop()))
        return True

    def response(self) -> Response:
        """The complete response, content encoding removed.

        Raises:
            ProtocolError: The body cannot be decoded.
        """
        chunks, self._chunks = self._chunks, []
        encoding = self.headers.get("content-encoding")
        if encoding is not None and chunks:
            decoder = self._decoder
            if decoder is None:
                decoder, chunks = _decoder_of(encoding, self._limit), [b"".join(chunks)]
            chunks = [*self._decoded, *map(decoder.feed, reversed(chunks))]
            self._decoded = []
            decoder.finish()
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return Response(status=self.status, headers=self.headers, body=body)

    def _feed_head(self, buffer: bytes, start: int) -> bool:
        if not buffer.startswith(_PREFIX) and not _PREFIX.startswith(buffer[:7]):
            raise ProtocolError("the peer answered something that is not HTTP/1.1")
        match = _STRICT_HEAD.match(buffer)
        if match is None:
            if _BLANK_LINE.search(buffer, start) is not None:
                return self._hand_over(buffer, strict=False)
            if len(buffer) > MAX_HEAD:
                raise ProtocolError(f"the head of the answer is larger than {MAX_HEAD} bytes")
            self._buffer = bytearray(buffer)
            return False
        end = match.end()
        if end > MAX_HEAD:
            raise ProtocolError(f"the head of the answer is larger than {MAX_HEAD} bytes")
        headers: dict[str, str] = {}
        for line in match[2].decode("latin-1").split("\r\n"):
            if not line:
                continue
            name, _, value = line.partition(":")
            name = name.lower()
            value = value.strip(" \t")
            if name in headers:
                if name in {"content-length", "transfer-encoding"}:
                    return self._hand_over(buffer, strict=False)
                headers[name] = f"{headers[name]}, {value}"
            else:
                headers[name] = value
        status = int(match[1])
        length = headers.get("content-length")
        if "transfer-encoding" in headers:
            if length is not None:
                raise ProtocolError("the answer has both a content-length and a transfer-encoding")
            return self._hand_over(buffer, strict=True)
        if length is not None and (not length.isdecimal() or len(length) > 18):
            raise ProtocolError("the content-length of the answer is not a number")
        if self._method == "HEAD" or status in {204, 304}:
            remaining = 0
        elif length is None:
            return self._hand_over(buffer, strict=True)
        else:
            remaining = int(length)
        if self._limit is not None and remaining > self._limit:
            raise ProtocolError(f"the answer is larger than {self._limit} bytes")
        self.status = status
        self.headers = headers
        connection = headers.get("connection")
        self.reusable = status != UNHANDLED and (connection is None or "close" not in connection.lower())
        self._buffer = _EMPTY
        self._state = _FIXED
        self._remaining = remaining
        return self._feed_fixed(buffer[end:])

    def _feed_fixed(self, data: bytes) -> bool:
        size = len(data)
        remaining = self._remaining
        if size > remaining:
            # More than was announced: what follows belongs to nothing that was asked.
            data = data[:remaining]
            size = remaining
            self.reusable = False
        if size:
            self._chunks.append(data)
        self._remaining = remaining = remaining - size
        if remaining == 0:
            self._state = _DONE
            self.complete = True
            return True
        return False

    def _feed_eof(self) -> bool:
        self.reusable = False
        if self._state == _H11:
            return self._feed_h11(b"")
        if self._state == _FIXED:
            raise ProtocolError(f"the peer closed the connection {self._remaining} bytes before the end of its answer")
        if self._state == _HEAD:
            raise ProtocolError(
                "the peer closed the connection within the head of its answer"
                if self.received
                else "the peer closed the connection without answering"
            )
        return True

    def _hand_over(self, buffer: bytes, *, strict: bool) -> bool:
        """Let h11 read the answer from its first byte."""
        import h11

        connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        # The request went out without h11; telling it the method is enough for it to frame the answer.
        connection.send(h11.Request(method=self._method, target="/", headers=[("host", "-")]))
        connection.send(h11.EndOfMessage())
        self._h11 = connection
        self._strict = strict
        self._buffer = _EMPTY
        self._state = _H11
        return self._feed_h11(buffer)

    def _feed_h11(self, data: bytes) -> bool:
        import h11

        connection = self._h11
        assert connection is not None
        try:
            connection.receive_data(data)
            while True:
                event = connection.next_event()
                if event is h11.NEED_DATA:
                    return False
                if isinstance(event, h11.Data):
                    self._size += len(event.data)
                    if self._limit is not None and self._size > self._limit:
                        raise ProtocolError(f"the answer is larger than {self._limit} bytes")
                    self._chunks.append(bytes(event.data))
                elif isinstance(event, h11.Response):
                    self._take_head(event)
                elif isinstance(event, h11.InformationalResponse):
                    self._interim += 1
                    if self._interim > _MAX_INTERIM:
                        raise ProtocolError(f"the peer sent more than {_MAX_INTERIM} interim responses")
                elif isinstance(event, h11.EndOfMessage):
                    return self._end(connection)
                else:
                    raise ProtocolError("the peer closed the connection without answering")
        except h11.RemoteProtocolError as exc:
            raise ProtocolError(f"the answer is not valid HTTP/1.1: {exc}") from exc

    def _take_head(self, event: h11.Response) -> None:
        headers: dict[str, str] = {}
        for raw_name, raw_value in event.headers:
            name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        if "transfer-encoding" in headers and "content-length" in headers:
            raise ProtocolError("the answer has both a content-length and a transfer-encoding")
        length = headers.get("content-length")
        if length is not None and self._limit is not None and int(length) > self._limit and self._method != "HEAD":
            raise ProtocolError(f"the answer is larger than {self._limit} bytes")
        self.status = event.status_code
        self.headers = headers

    def _end(self, connection: h11.Connection) -> bool:
        import h11

        trailing, closed = connection.trailing_data
        self.reusable = (
            self._strict
            and self.status != UNHANDLED
            and not trailing
            and not closed
            and connection.their_state is h11.DONE
            and connection.our_state is h11.DONE
        )
        self._state = _DONE
        self._h11 = None
        self.complete = True
        return True


def _decoder_of(encoding: str, limit: int | None) -> BodyDecoder:
    from promptops.core._transport._encoding import BodyDecoder

    return BodyDecoder(encoding, limit=limit)
