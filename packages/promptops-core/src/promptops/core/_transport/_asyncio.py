"""One asyncio connection: a protocol that parses as bytes arrive and wakes its task once, when the answer is whole.

Nothing is awaited to clean up: :meth:`AsyncioConnection.abort` is synchronous. One timer serves many requests: it
is left running, and looks at the current limits when it fires.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Final, cast

from promptops.core._transport import _failures, _fork
from promptops.core._transport._failures import ProtocolError
from promptops.core._transport._readiness import readiness
from promptops.core._transport._response import MAX_BODY, ResponseReader
from promptops.core.messages import Response
from promptops.core.transport import Attempt

__all__ = ["AsyncioConnection"]

_PAUSE_AT: Final = 512 * 1024
_NOTHING, _WHOLE, _HEAD, _MORE = range(4)


class AsyncioConnection(asyncio.Protocol):
    """An open connection that one task at a time owns."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.reader = ResponseReader()
        self.idle_since = 0.0
        self.closed = False
        self.pid = os.getpid()
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._sock: socket.socket | None = None
        self._readable: Callable[[], bool] = _never
        self._awaited = _NOTHING
        self._future: asyncio.Future[None] | None = None
        self._failure: Exception | None = None
        self._asked = False
        self._writing = False
        self._unsent = 0
        self._paused = False
        self._touched = 0.0
        self._due = 0.0
        self._read_limit = 0.0
        self._write_limit = 0.0
        self._timer: asyncio.TimerHandle | None = None

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called once by the loop."""
        # Not every loop's transports (uvloop's) inherit from asyncio's.
        self.attach(cast("asyncio.Transport", transport))

    def attach(self, transport: asyncio.Transport) -> None:
        """Use this transport from now on (TLS replaces the first one)."""
        self._transport = transport
        # Zero: pause_writing and resume_writing then tell exactly whether something is unsent.
        transport.set_write_buffer_limits(high=0)

    def hold(self, sock: socket.socket) -> None:
        """Remember the socket below the transport."""
        self._sock = sock
        self._readable = readiness(sock)

    @property
    def attached(self) -> bool:
        """Whether the loop has taken the socket over."""
        return self._transport is not None

    def data_received(self, data: bytes) -> None:
        """Parse at once; wake the task if this is what it waits for."""
        reader = self.reader
        if not self._asked or reader.complete:
            # Bytes that answer nothing: whatever they mean, this connection is of no use any more.
            reader.reusable = False
            self.abort()
            return
        try:
            complete = reader.feed(data)
        except ProtocolError as exc:
            self._fail(_failures.exchange_failed(exc))
            return
        if complete or self._awaited == _MORE or (self._awaited == _HEAD and reader.status):
            self._wake()
        else:
            self._touched = self._loop.time()
        if self._awaited != _WHOLE and not complete and not self._paused and reader.pending > _PAUSE_AT:
            self._paused = True
            assert self._transport is not None
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The peer closed; this may be how the answer ends."""
        self.closed = True
        if self._asked and not self.reader.complete:
            if not self.reader.received:
                self._fail(_failures.Gone("the peer closed the connection without answering"))
            else:
                try:
                    self.reader.feed(b"")
                    self._wake()
                except ProtocolError as exc:
                    self._fail(_failures.exchange_failed(exc))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._asked and not self.reader.complete:
            error = exc or ConnectionResetError("the connection was closed")
            if self.reader.received:
                self._fail(_failures.exchange_failed(error))
            else:
                self._fail(_failures.Gone(str(error)))

    def pause_writing(self) -> None:
        """Something is unsent."""
        self._writing = True
        self._unsent = 0

    def resume_writing(self) -> None:
        """Everything is sent: from now on it is the peer's turn."""
        self._writing = False
        self._touched = self._loop.time()

    # What the owner calls.

    def is_stale(self) -> bool:
        """Whether the peer has closed it, or said something that nobody asked for.

        The kernel is asked too: a loop that was busy has not heard yet what came to an idle connection.
        """
        return self.closed or self._readable()

    def abort(self) -> None:
        """Close at once, without waiting; whoever still waits for an answer is told."""
        self.closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is None:
            return
        try:
            self._transport.abort()
        except RuntimeError:
            # The loop is closed, and its selector with it: only the socket is left.
            _fork.park(self._transport)
            if self._sock is not None:
                self._sock.close()

    async def exchange(self, data: bytes, attempt: Attempt, now: float) -> Response:
        """Send a request and read the whole answer.

        Args:
            data: The request.
            attempt: Its limits.
            now: The time on the clock of ``attempt.deadline``.

        Raises:
            Gone: The peer had closed the connection.
            TransportError: Anything else that went wrong.
        """
        self._begin(data, attempt, now, MAX_BODY)
        if not self.reader.complete:
            await self._wait(_WHOLE)
        self._asked = False
        try:
            # Others run in between, unless what they do takes all the time that is left.
            while self.reader.decode_part() and self._loop.time() < self._due:  # noqa: ASYNC110
                await asyncio.sleep(0)
            return self.reader.response()
        except ProtocolError as exc:
            raise _failures.exchange_failed(exc) from exc

    async def read_head(self, data: bytes, attempt: Attempt, now: float) -> None:
        """Send a request and read until the head of the answer is there; errors as for :meth:`exchange`."""
        self._begin(data, attempt, now, None)
        if not self.reader.status:
            await self._wait(_HEAD)

    async def receive(self, attempt: Attempt) -> None:  # noqa: ARG002 - its limits are known since the request
        """Wait for more of the body."""
        if self._failure is not None:
            raise self._failure
        if self.reader.complete:
            return
        self._touched = now = self._loop.time()
        if self._due <= now:
            raise _failures.deadline_passed(sent=True)
        self._look_at(min(self._due, now + self._read_limit))
        if self._paused:
            self._paused = False
            assert self._transport is not None
            self._transport.resume_reading()
        await self._wait(_MORE)

    def _begin(self, data: bytes, attempt: Attempt, now: float, limit: int | None) -> None:
        left = attempt.deadline - now
        if left <= 0.0:
            raise _failures.deadline_passed(sent=False)
        self.reader.start(attempt.method, limit=limit)
        timeouts = attempt.timeouts
        self._read_limit = timeouts.read
        self._write_limit = timeouts.write
        self._failure = None
        self._asked = True
        self._touched = loop_now = self._loop.time()
        self._due = loop_now + left
        self._look_at(loop_now + min(left, timeouts.read, timeouts.write))
        transport = self._transport
        if transport is None or self.closed:
            raise _failures.Gone("the peer closed the connection")
        transport.write(data)

    def _look_at(self, when: float) -> None:
        """Have :meth:`_check_time` called at ``when`` or before."""
        timer = self._timer
        if timer is None or timer.when() > when:
            if timer is not None:
                timer.cancel()
            self._timer = self._loop.call_at(when, self._check_time)

    async def _wait(self, what: int) -> None:
        if self._failure is not None:
            raise self._failure
        self._awaited = what
        self._future = future = self._loop.create_future()
        try:
            await future
        finally:
            self._future = None
            self._awaited = _NOTHING
        if self._failure is not None:
            raise self._failure

    def _wake(self) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    def _fail(self, error: Exception) -> None:
        self.closed = True
        self._failure = error
        self.reader.reusable = False
        self._wake()

    def _check_time(self) -> None:
        """The timer: fail what took too long, or look again when it could."""
        self._timer = None
        if not self._asked or self.reader.complete:
            return
        now = self._loop.time()
        limit = self._read_limit
        if self._writing:
            limit = self._write_limit
            assert self._transport is not None
            unsent = self._transport.get_write_buffer_size()
            if unsent != self._unsent:
                self._unsent = unsent
                self._touched = now
        if now >= self._due:
            self._fail(_failures.deadline_passed(sent=True))
        elif self._future is None:
            # The caller is busy with what it has; only the deadline counts now.
            self._look_at(self._due)
        elif now >= self._touched + limit:
            late = _failures.write_timed_out if self._writing else _failures.read_timed_out
            self._fail(late(limit))
        else:
            self._look_at(min(self._due, self._touched + limit))


def _never() -> bool:
    return False
