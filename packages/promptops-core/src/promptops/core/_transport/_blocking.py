"""One blocking connection: connect, send and receive, each within its own limit and the deadline."""

from __future__ import annotations

import errno
import math
import os
import select
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from promptops.core._transport import _dns, _failures
from promptops.core._transport._failures import ProtocolError
from promptops.core._transport._response import MAX_BODY, ResponseReader
from promptops.core._transport._threads import run_within
from promptops.core.messages import Response
from promptops.core.transport import Attempt, TransportError

if TYPE_CHECKING:
    import ssl

    from promptops.core._transport._request import Origin

__all__ = ["BlockingConnection", "connect"]

_RECV: Final = 65536
_LONGEST_WAIT: Final = 86400.0
_IN_PROGRESS: Final = frozenset(
    {errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN, getattr(errno, "WSAEWOULDBLOCK", 0)}
)
_HAS_POLL: Final = hasattr(select, "poll")


def _ready(sock: socket.socket, seconds: float, *, writing: bool) -> bool:
    """Wait until a socket can be read or written; False when it took too long."""
    seconds = min(max(seconds, 0.0), _LONGEST_WAIT)
    if _HAS_POLL:
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLOUT if writing else select.POLLIN)
        return bool(poll.poll(math.ceil(seconds * 1000.0)))
    readable: list[socket.socket] = [] if writing else [sock]
    writable: list[socket.socket] = [sock] if writing else []
    return any(select.select(readable, writable, writable, seconds))


class BlockingConnection:
    """An open connection that one thread at a time owns.

    The socket itself never blocks; every wait happens in :func:`_ready`, which knows how long.
    """

    __slots__ = ("_clock", "_poll", "_sock", "_tls", "closed", "idle_since", "pid", "reader")

    def __init__(self, sock: socket.socket, *, tls: bool, clock: Callable[[], float]) -> None:
        self._sock = sock
        self._tls = tls
        self._clock = clock
        self._poll: Callable[[float], list[tuple[int, int]]] | None = None
        if _HAS_POLL:
            poll = select.poll()
            poll.register(sock.fileno(), select.POLLIN)
            self._poll = poll.poll
        self.reader = ResponseReader()
        self.idle_since = 0.0
        self.closed = False
        self.pid = os.getpid()

    def is_stale(self) -> bool:
        """Whether there is something to read although nothing was asked: the peer's goodbye, usually."""
        return self._wait_readable(0.0)

    def abort(self) -> None:
        """Close the socket at once; TLS says no goodbye."""
        if not self.closed:
            self.closed = True
            self._sock.close()

    def exchange(self, data: bytes, attempt: Attempt) -> Response:
        """Send a request and read the whole answer.

        Raises:
            Gone: The peer had closed the connection.
            TransportError: Anything else that went wrong.
        """
        self.begin(data, attempt)
        reader = self.reader
        try:
            while not reader.complete:
                self._receive(attempt)
            return reader.response()
        except ProtocolError as exc:
            raise _failures.exchange_failed(exc) from exc

    def read_head(self, data: bytes, attempt: Attempt) -> None:
        """Send a request and read until the head of the answer is there; errors as for :meth:`exchange`."""
        self.begin(data, attempt, limit=None)
        try:
            while not self.reader.status:
                self._receive(attempt)
        except ProtocolError as exc:
            raise _failures.exchange_failed(exc) from exc

    def begin(self, data: bytes, attempt: Attempt, *, limit: int | None = MAX_BODY) -> None:
        """Send a request."""
        self.reader.start(attempt.method, limit=limit)
        try:
            try:
                sent = self._sock.send(data)
            except OSError as exc:
                if not self._would_block(exc):
                    raise
                sent = 0
            if sent != len(data):
                self._send_rest(memoryview(data)[sent:], attempt)
        except OSError as exc:
            # A server may answer (413, say) and close before it has read everything: look for its answer.
            self._salvage(attempt, exc)

    def _salvage(self, attempt: Attempt, error: OSError) -> None:
        reader = self.reader
        try:
            while not reader.complete:
                self._receive(attempt)
        except (ProtocolError, OSError) as exc:
            raise _failures.exchange_failed(error) from exc
        reader.reusable = False

    async def receive(self, attempt: Attempt) -> None:
        """Read once, for a caller that takes the body in pieces; never suspends."""
        try:
            self._receive(attempt)
        except ProtocolError as exc:
            raise _failures.exchange_failed(exc) from exc

    def _receive(self, attempt: Attempt) -> None:
        reader = self.reader
        try:
            data = self._recv(attempt)
        except OSError as exc:
            if not reader.received:
                raise _failures.Gone(str(exc)) from exc
            raise _failures.exchange_failed(exc) from exc
        if not data and not reader.received:
            raise _failures.Gone("the peer closed the connection without answering")
        reader.feed(data)

    def _recv(self, attempt: Attempt) -> bytes:
        sock = self._sock
        # What TLS has already decrypted does not make the socket readable: ask it first.
        wait_first = not self._tls
        waiting_to_write = False
        while True:
            if wait_first:
                left = attempt.deadline - self._clock()
                if left <= 0.0:
                    raise _failures.deadline_passed(sent=True)
                limit = attempt.timeouts.read
                seconds = min(left, limit)
                ready = _ready(sock, seconds, writing=True) if waiting_to_write else self._wait_readable(seconds)
                if not ready:
                    raise _failures.deadline_passed(sent=True) if left <= limit else _failures.read_timed_out(limit)
            try:
                return sock.recv(_RECV)
            except OSError as exc:
                if not self._would_block(exc):
                    raise
                waiting_to_write = self._tls and _wants_write(exc)
                wait_first = True

    def _send_rest(self, rest: memoryview, attempt: Attempt) -> None:
        limit = attempt.timeouts.write
        writing = True
        while rest:
            left = attempt.deadline - self._clock()
            if left <= 0.0:
                raise _failures.deadline_passed(sent=True)
            if not _ready(self._sock, min(limit, left), writing=writing):
                raise _failures.deadline_passed(sent=True) if left <= limit else _failures.write_timed_out(limit)
            try:
                rest = rest[self._sock.send(rest) :]
                writing = True
            except OSError as exc:
                if not self._would_block(exc):
                    raise
                writing = not (self._tls and _wants_read(exc))

    def _wait_readable(self, seconds: float) -> bool:
        if self._poll is not None:
            return bool(self._poll(math.ceil(min(seconds, _LONGEST_WAIT) * 1000.0)))
        return _ready(self._sock, seconds, writing=False)

    def _would_block(self, error: OSError) -> bool:
        if isinstance(error, BlockingIOError):
            return True
        return self._tls and (_wants_read(error) or _wants_write(error))


def _wants_read(error: OSError) -> bool:
    import ssl

    return isinstance(error, ssl.SSLWantReadError)


def _wants_write(error: OSError) -> bool:
    import ssl

    return isinstance(error, ssl.SSLWantWriteError)


def connect(
    origin: Origin, context: ssl.SSLContext | None, attempt: Attempt, clock: Callable[[], float]
) -> BlockingConnection:
    """Open a connection within the connect limit and the deadline, TLS handshake included.

    Raises:
        TransportError: ``ConnectFailed``, or ``DeadlineExceeded`` with nothing sent.
    """
    limit = attempt.timeouts.connect
    until = min(attempt.deadline, clock() + limit)
    where = origin.authority

    def late() -> TransportError:
        if attempt.deadline <= until:
            return _failures.deadline_passed(sent=False)
        return _failures.connect_timed_out(where, limit)

    addresses = _dns.literal(origin.host, origin.port)
    if addresses is None:
        try:
            addresses = run_within(lambda: _dns.look_up(origin.host, origin.port), until - clock())
        except OSError as exc:
            raise _failures.connect_failed(where, exc) from exc
        if addresses is None:
            raise late()
    error: Exception = OSError("the name has no address")
    for index, address in enumerate(addresses):
        left = until - clock()
        if left <= 0.0:
            raise late()
        try:
            sock = _connect_one(address, _dns.share_of_time(left, len(addresses) - index))
        except OSError as exc:
            error = exc
            continue
        try:
            if context is not None:
                sock = _handshake(sock, context, origin.host, until, clock)
            return BlockingConnection(sock, tls=context is not None, clock=clock)
        except TimeoutError:
            sock.close()
            raise late() from None
        except OSError as exc:
            sock.close()
            raise _failures.tls_failed(where, exc) from exc
        except BaseException:
            sock.close()
            raise
    if isinstance(error, TimeoutError):
        raise late() from error
    raise _failures.connect_failed(where, error) from error


def _connect_one(address: _dns.Address, seconds: float) -> socket.socket:
    sock = socket.socket(address.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(address.sockaddr)
        if code in _IN_PROGRESS:
            if not _ready(sock, seconds, writing=True):
                raise TimeoutError("the address did not answer")
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock


def _handshake(
    sock: socket.socket, context: ssl.SSLContext, host: str, until: float, clock: Callable[[], float]
) -> socket.socket:
    import ssl

    secure = context.wrap_socket(
        # An end without TLS's goodbye may be an attacker's: it must not look like the end of an answer.
        sock,
        server_hostname=host,
        do_handshake_on_connect=False,
        suppress_ragged_eofs=False,
    )
    try:
        while True:
            try:
                secure.do_handshake()
                return secure
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as exc:
                left = until - clock()
                if left <= 0.0 or not _ready(secure, left, writing=_wants_write(exc)):
                    raise TimeoutError("the TLS handshake did not end") from None
    except BaseException:
        secure.close()
        raise
