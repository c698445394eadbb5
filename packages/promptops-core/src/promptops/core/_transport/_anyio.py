"""One connection on trio (or any loop that anyio knows): a socket that never blocks, and waits that can be cancelled.

Nothing is awaited to clean up: closing the socket is enough.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

import anyio
import anyio.lowlevel
import anyio.to_thread
from promptops.core._transport import _dns, _failures
from promptops.core._transport._failures import ProtocolError
from promptops.core._transport._response import MAX_BODY, ResponseReader
from promptops.core.messages import Response
from promptops.core.transport import Attempt, TransportError

if TYPE_CHECKING:
    import ssl

    from promptops.core._transport._request import Origin

__all__ = ["AnyioBackend", "AnyioConnection"]

T = TypeVar("T")
_RECV: Final = 65536
_IN_PROGRESS: Final = frozenset(
    {errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN, getattr(errno, "WSAEWOULDBLOCK", 0)}
)


async def _ready(sock: socket.socket, seconds: float, *, writing: bool) -> bool:
    """Wait until a socket can be read or written; False when it took too long."""
    with anyio.move_on_after(max(seconds, 0.0)):
        await (anyio.wait_writable(sock) if writing else anyio.wait_readable(sock))
        return True
    return False


class AnyioConnection:
    """An open connection that one task at a time owns."""

    def __init__(self, sock: socket.socket, *, tls: bool, clock: Callable[[], float]) -> None:
        self.reader = ResponseReader()
        self.idle_since = 0.0
        self.closed = False
        self.pid = os.getpid()
        self._sock = sock
        self._tls = tls
        self._clock = clock

    def is_stale(self) -> bool:
        """Whether there is something to read although nothing was asked: the peer's goodbye, usually."""
        if self.closed:
            return True
        try:
            self._sock.recv(1)
        except OSError as exc:
            return not self._would_block(exc)
        return True

    def abort(self) -> None:
        """Close the socket at once; TLS says no goodbye."""
        if not self.closed:
            self.closed = True
            self._sock.close()

    async def exchange(self, data: bytes, attempt: Attempt, now: float) -> Response:
        """Send a request and read the whole answer.

        Raises:
            Gone: The peer had closed the connection.
            TransportError: Anything else that went wrong.
        """
        await self._begin(data, attempt, now, MAX_BODY)
        reader = self.reader
        while not reader.complete:
            await self.receive(attempt)
        try:
            # Others run in between, unless what they do takes all the time that is left.
            while reader.decode_part() and self._clock() < attempt.deadline:
                await anyio.lowlevel.checkpoint()
            return reader.response()
        except ProtocolError as exc:
            raise _failures.exchange_failed(exc) from exc

    async def read_head(self, data: bytes, attempt: Attempt, now: float) -> None:
        """Send a request and read until the head of the answer is there; errors as for :meth:`exchange`."""
        await self._begin(data, attempt, now, None)
        while not self.reader.status:
            await self.receive(attempt)

    async def receive(self, attempt: Attempt) -> None:
        """Read once."""
        reader = self.reader
        try:
            data = await self._recv(attempt)
        except OSError as exc:
            if not reader.received:
                raise _failures.Gone(str(exc)) from exc
            raise _failures.exchange_failed(exc) from exc
        if not data and not reader.received:
            raise _failures.Gone("the peer closed the connection without answering")
        try:
            reader.feed(data)
        except ProtocolError as exc:
            raise _failures.exchange_failed(exc) from exc

    async def _begin(self, data: bytes, attempt: Attempt, now: float, limit: int | None) -> None:
        if attempt.deadline <= now:
            raise _failures.deadline_passed(sent=False)
        self.reader.start(attempt.method, limit=limit)
        # A checkpoint before the first byte: a task that is cancelled already sends nothing.
        await anyio.lowlevel.checkpoint_if_cancelled()
        try:
            await self._send(memoryview(data), attempt)
        except OSError as exc:
            # A server may answer (413, say) and close before it has read everything: look for its answer.
            reader = self.reader
            try:
                while not reader.complete:
                    await self.receive(attempt)
            except _failures.Gone:
                raise _failures.Gone(str(exc)) from exc
            reader.reusable = False

    async def _send(self, rest: memoryview, attempt: Attempt) -> None:
        limit = attempt.timeouts.write
        while True:
            writing = True
            try:
                rest = rest[self._sock.send(rest) :]
            except OSError as exc:
                if not self._would_block(exc):
                    raise
                writing = not (self._tls and _wants_read(exc))
            if not rest:
                return
            left = attempt.deadline - self._clock()
            if not await _ready(self._sock, min(limit, left), writing=writing):
                raise _failures.deadline_passed(sent=True) if left <= limit else _failures.write_timed_out(limit)

    async def _recv(self, attempt: Attempt) -> bytes:
        limit = attempt.timeouts.read
        while True:
            left = attempt.deadline - self._clock()
            if left <= 0.0:
                raise _failures.deadline_passed(sent=True)
            try:
                return self._sock.recv(_RECV)
            except OSError as exc:
                if not self._would_block(exc):
                    raise
                writing = self._tls and not _wants_read(exc)
            if not await _ready(self._sock, min(limit, left), writing=writing):
                raise _failures.deadline_passed(sent=True) if left <= limit else _failures.read_timed_out(limit)

    def _would_block(self, error: OSError) -> bool:
        return isinstance(error, BlockingIOError) or (self._tls and _wants(error))


def _wants(error: OSError) -> bool:
    import ssl

    return isinstance(error, (ssl.SSLWantReadError, ssl.SSLWantWriteError))


def _wants_read(error: OSError) -> bool:
    import ssl

    return isinstance(error, ssl.SSLWantReadError)


class _Waiter:
    """A task that waits for a slot."""

    __slots__ = ("_event", "granted")

    def __init__(self) -> None:
        self.granted = False
        self._event = anyio.Event()

    def wake(self) -> bool:
        self._event.set()
        return True

    async def wait(self, seconds: float) -> bool:
        with anyio.move_on_after(max(seconds, 0.0)):
            await self._event.wait()
            return True
        return False


class AnyioBackend:
    """Waiters and connections for one running loop."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._limiter = anyio.CapacityLimiter(8)

    def waiter(self) -> _Waiter:
        """A new waiter for a slot."""
        return _Waiter()

    async def run_in_thread(self, function: Callable[[], T]) -> T:
        """Make a blocking call without blocking the loop; a caller that is cancelled leaves the thread behind."""
        return await anyio.to_thread.run_sync(function, abandon_on_cancel=True, limiter=self._limiter)

    async def connect(
        self, origin: Origin, context: ssl.SSLContext | None, attempt: Attempt, now: float
    ) -> AnyioConnection:
        """Open a connection within the connect limit and the deadline, TLS handshake included.

        Raises:
            TransportError: ``ConnectFailed``, or ``DeadlineExceeded`` with nothing sent.
        """
        limit = attempt.timeouts.connect
        left = attempt.deadline - now
        until = now + min(limit, left)
        where = origin.authority
        try:
            with anyio.fail_after(max(min(limit, left), 0.0)):
                addresses = _dns.literal(origin.host, origin.port)
                if addresses is None:
                    addresses = await self.run_in_thread(lambda: _dns.look_up(origin.host, origin.port))
                sock = await self._connect_any(addresses, until)
            if context is not None:
                sock = await self._handshake(sock, context, origin, until)
        except TimeoutError as exc:
            late: TransportError = _failures.connect_timed_out(where, limit)
            if left <= limit:
                late = _failures.deadline_passed(sent=False)
            raise late from exc
        except OSError as exc:
            raise _failures.connect_failed(where, exc) from exc
        return AnyioConnection(sock, tls=context is not None, clock=self._clock)

    async def _connect_any(self, addresses: list[_dns.Address], until: float) -> socket.socket:
        error = OSError("the name has no address")
        for index, address in enumerate(addresses):
            share = _dns.share_of_time(until - self._clock(), len(addresses) - index)
            try:
                return await _connect_one(address, share)
            except OSError as exc:
                error = exc
        raise error

    async def _handshake(
        self, sock: socket.socket, context: ssl.SSLContext, origin: Origin, until: float
    ) -> socket.socket:
        import ssl

        try:
            sock = secure = context.wrap_socket(
                # An end without TLS's goodbye may be an attacker's: it must not look like the end of an answer.
                sock,
                server_hostname=origin.host,
                do_handshake_on_connect=False,
                suppress_ragged_eofs=False,
            )
            while True:
                try:
                    secure.do_handshake()
                    return secure
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as exc:
                    if not await _ready(secure, until - self._clock(), writing=not _wants_read(exc)):
                        raise TimeoutError("the TLS handshake did not end") from None
        except TimeoutError:
            sock.close()
            raise
        except OSError as exc:
            sock.close()
            raise _failures.tls_failed(origin.authority, exc) from exc
        except BaseException:
            sock.close()
            raise


async def _connect_one(address: _dns.Address, seconds: float) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(address.sockaddr)
        if code in _IN_PROGRESS:
            if not await _ready(sock, seconds, writing=True):
                raise TimeoutError("the address did not answer")
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock
