"""The blocking transport: coroutine methods that never suspend, over blocking connections."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from promptops.core._transport import _failures, _fork
from promptops.core._transport._blocking import BlockingConnection, connect
from promptops.core._transport._pool import FreeList, Stats
from promptops.core._transport._request import RequestEncoder, parse_origin
from promptops.core._transport._stream import Streamed
from promptops.core.messages import Response
from promptops.core.transport import Attempt

if TYPE_CHECKING:
    import ssl

__all__ = ["SyncTransport"]

T = TypeVar("T")


class _Waiter:
    """A thread that waits for a slot, at a gate that opens once."""

    __slots__ = ("gate", "granted")

    def __init__(self) -> None:
        self.granted = False
        self.gate = threading.Lock()
        self.gate.acquire()

    def wake(self) -> bool:
        self.gate.release()
        return True


class _Pool(FreeList[BlockingConnection]):
    """The free list with its lock; both are replaced together in a forked child."""

    def __init__(self, capacity: int, idle_expiry: float) -> None:
        super().__init__(capacity, idle_expiry)
        self.lock = threading.Lock()


class SyncTransport:
    """Sends attempts to one origin from any thread, blocking the caller.

    Args:
        origin: ``http://host:port`` or ``https://host``.
        max_connections: Most connections at once; they are kept for reuse.
        idle_expiry: Seconds after which an unused connection is not used again.
        ssl_context: For ``https``; made at first use when None.
        clock: The clock of ``Attempt.deadline``, in seconds.
    """

    def __init__(
        self,
        origin: str,
        *,
        max_connections: int = 20,
        idle_expiry: float = 15.0,
        ssl_context: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._origin = parse_origin(origin)
        self._encoder = RequestEncoder(self._origin.authority)
        self._context = ssl_context if self._origin.tls else None
        self._clock = clock
        self._pool = _Pool(max_connections, idle_expiry)
        _fork.forget_after_fork(self)

    async def send(self, attempt: Attempt) -> Response:
        """Send one attempt and read the whole answer; blocks, never suspends."""
        return self._run(attempt, BlockingConnection.exchange, keep=False)[2]

    def stream(self, attempt: Attempt) -> _StreamScope:
        """Send one attempt and read the body in pieces; leaving the block early closes the connection."""
        return _StreamScope(self, attempt)

    async def aclose(self) -> None:
        """Close the idle connections; those in use are closed when their answers end. Safe to call twice."""
        pool = self._current()
        with pool.lock:
            pool.closed = True
            idle = pool.drain()
        for connection in idle:
            connection.abort()

    def stats(self) -> Stats:
        """What the transport holds right now."""
        pool = self._current()
        with pool.lock:
            idle = len(pool.idle)
            return Stats(open=idle + pool.busy, idle=idle, busy=pool.busy, waiting=len(pool.waiters))

    def after_fork(self) -> None:
        """In a forked child: leave the inherited sockets and locks alone, and start anew."""
        inherited = self._pool
        _fork.park(inherited)
        self._pool = _Pool(inherited.capacity, inherited.idle_expiry)
        self._pool.closed = inherited.closed

    def open_stream(self, attempt: Attempt) -> tuple[_Pool, BlockingConnection]:
        """For :meth:`stream`: send the request and read the head of the answer."""
        pool, connection, _ = self._run(attempt, BlockingConnection.read_head, keep=True)
        return pool, connection

    def close_stream(self, pool: _Pool, connection: BlockingConnection) -> None:
        """For :meth:`stream`: keep the connection if its answer was read to the end, else close it."""
        self._give_back(pool, connection)

    def _run(
        self, attempt: Attempt, step: Callable[[BlockingConnection, bytes, Attempt], T], *, keep: bool
    ) -> tuple[_Pool, BlockingConnection, T]:
        data = self._encoder.encode(attempt.method, attempt.target, attempt.headers, attempt.body)
        if self._origin.tls and self._context is None:
            attempt = self._make_context(attempt)
        pool = self._take_slot(attempt)
        connection: BlockingConnection | None = None
        try:
            connection = self._pop_idle(pool)
            if connection is not None:
                try:
                    return pool, connection, step(connection, data, attempt)
                except _failures.Gone as exc:
                    connection.abort()
                    if not attempt.retry_stale:
                        raise _failures.exchange_failed(exc) from exc
            connection = connect(self._origin, self._context, attempt, self._clock)
            try:
                return pool, connection, step(connection, data, attempt)
            except _failures.Gone as exc:
                raise _failures.exchange_failed(exc) from exc
        except BaseException:
            if connection is not None:
                connection.abort()
            if keep:
                self._give_back(pool, connection)
            raise
        finally:
            if not keep:
                self._give_back(pool, connection)

    def _current(self) -> _Pool:
        pool = self._pool
        if pool.pid != os.getpid():
            # Forked without Python's hooks (uWSGI does that).
            self.after_fork()
            pool = self._pool
        return pool

    def _make_context(self, attempt: Attempt) -> Attempt:
        """Make the TLS context; what that takes does not count against the attempt."""
        import msgspec
        from promptops.core._transport._tls import default_context

        began = self._clock()
        self._context = default_context()
        return msgspec.structs.replace(attempt, deadline=attempt.deadline + self._clock() - began)

    def _take_slot(self, attempt: Attempt) -> _Pool:
        pool = self._current()
        with pool.lock:
            if pool.closed:
                raise _failures.closed_transport()
            if pool.take_slot():
                return pool
            waiter = _Waiter()
            pool.wait(waiter)
        limit = attempt.timeouts.pool
        try:
            left = attempt.deadline - self._clock()
            if waiter.gate.acquire(timeout=min(max(0.0, min(limit, left)), threading.TIMEOUT_MAX)):
                return pool
        except BaseException:
            with pool.lock:
                pool.leave(waiter)
            raise
        with pool.lock:
            if waiter.granted:
                return pool
            pool.leave(waiter)
        raise _failures.deadline_passed(sent=False) if left <= limit else _failures.pool_timed_out(limit, pool.capacity)

    def _pop_idle(self, pool: _Pool) -> BlockingConnection | None:
        if not pool.idle:
            return None
        dead: list[BlockingConnection] = []
        with pool.lock:
            connection = pool.pop_idle(self._clock(), dead)
        for found in dead:
            found.abort()
        return connection

    def _give_back(self, pool: _Pool, connection: BlockingConnection | None) -> None:
        """Free the slot; keep the connection if it can carry another request."""
        if pool.pid != os.getpid():
            # Taken before a fork: neither its socket nor its lock is ours.
            _fork.park(connection)
            return
        dead: list[BlockingConnection] = []
        with pool.lock:
            if connection is not None and not connection.closed:
                if connection.reader.reusable and connection.reader.complete:
                    pool.push_idle(connection, self._clock(), dead)
                else:
                    dead.append(connection)
            pool.free_slot()
        for found in dead:
            found.abort()


class _StreamScope:
    def __init__(self, transport: SyncTransport, attempt: Attempt) -> None:
        self._transport = transport
        self._attempt = attempt
        self._lease: tuple[_Pool, BlockingConnection] | None = None

    async def __aenter__(self) -> Streamed:
        self._lease = self._transport.open_stream(self._attempt)
        return Streamed(self._lease[1], self._attempt)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            self._transport.close_stream(*lease)
