"""The asynchronous transport: one free list for each event loop that uses it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Hashable
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TypeVar

from promptops.core._transport import _failures, _fork
from promptops.core._transport._pool import FreeList, Poolable, Stats
from promptops.core._transport._pool import Waiter as PoolWaiter
from promptops.core._transport._request import RequestEncoder, parse_origin
from promptops.core._transport._stream import Readable, Streamed
from promptops.core.messages import Response
from promptops.core.transport import Attempt

if TYPE_CHECKING:
    import ssl

    from promptops.core._transport._request import Origin

__all__ = ["AsyncTransport"]

T = TypeVar("T")


class _Connection(Poolable, Readable, Protocol):
    closed: bool

    async def exchange(self, data: bytes, attempt: Attempt, now: float) -> Response: ...

    async def read_head(self, data: bytes, attempt: Attempt, now: float) -> None: ...


class _Waiter(PoolWaiter, Protocol):
    async def wait(self, seconds: float) -> bool: ...


class _Backend(Protocol):
    def waiter(self) -> _Waiter: ...

    async def connect(
        self, origin: Origin, context: ssl.SSLContext | None, attempt: Attempt, now: float
    ) -> _Connection: ...

    async def run_in_thread(self, function: Callable[[], T]) -> T: ...


class _Pool(FreeList[_Connection]):
    """The free list of one loop."""

    def __init__(self, capacity: int, idle_expiry: float, backend: _Backend) -> None:
        super().__init__(capacity, idle_expiry)
        self.backend = backend
        self.over = False
        self._watch: AsyncGenerator[None, None] | None = None

    def watch(self) -> None:
        """Have the running loop call :meth:`shut` when it ends, as it does with every suspended generator."""
        kept: list[AsyncGenerator[None, None]] = []
        self._watch = watch = _until_loop_ends(weakref.ref(self), kept)
        kept.append(watch)
        _watches.add(watch)
        with contextlib.suppress(StopIteration):
            watch.__anext__().send(None)

    def shut(self) -> None:
        """Close the idle connections and keep none from now on; on the loop's own thread."""
        watch, self._watch = self._watch, None
        self._empty()
        if watch is not None:
            with contextlib.suppress(StopIteration, RuntimeError):
                watch.aclose().send(None)

    def loop_ended(self) -> None:
        """The loop is shutting down."""
        self.over = True
        self._watch = None
        self._empty()

    def _empty(self) -> None:
        self.closed = True
        if self.pid == os.getpid():
            for connection in self.drain():
                connection.abort()


async def _until_loop_ends(
    reference: weakref.ref[_Pool], kept: list[AsyncGenerator[None, None]]
) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        _watches.difference_update(kept)
        kept.clear()
        pool = reference()
        if pool is not None:
            pool.loop_ended()


# A suspended generator must not be collected while its loop runs: trio would complain.
_watches: set[AsyncGenerator[None, None]] = set()


class AsyncTransport:
    """Sends attempts to one origin from any task of any loop; each loop has connections of its own.

    Args:
        origin: ``http://host:port`` or ``https://host``.
        max_connections: Most connections at once, for each loop; they are kept for reuse.
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
        self._max_connections = max_connections
        self._idle_expiry = idle_expiry
        self._pools: dict[Hashable, _Pool] = {}
        self._closed = False
        _fork.forget_after_fork(self)

    async def send(self, attempt: Attempt) -> Response:
        """Send one attempt and read the whole answer."""
        pool, connection, response = await self._run(attempt, keep=False)
        del pool, connection
        assert response is not None
        return response

    def stream(self, attempt: Attempt) -> _StreamScope:
        """Send one attempt and read the body in pieces; leaving the block early closes the connection."""
        return _StreamScope(self, attempt)

    async def aclose(self) -> None:
        """Close the idle connections; those in use are closed when their answers end. Safe to call twice."""
        self._closed = True
        here = self._key()
        for key, pool in list(self._pools.items()):
            if key is here or not isinstance(key, asyncio.AbstractEventLoop):
                pool.shut()
            elif not key.is_closed():
                with contextlib.suppress(RuntimeError):
                    key.call_soon_threadsafe(pool.shut)

    def stats(self) -> Stats:
        """What the transport holds right now, on all loops."""
        pools = [pool for pool in self._pools.values() if pool.pid == os.getpid()]
        idle = sum(not connection.is_stale() for pool in pools for connection in pool.idle)
        busy = sum(pool.busy for pool in pools)
        return Stats(open=idle + busy, idle=idle, busy=busy, waiting=sum(len(pool.waiters) for pool in pools))

    def after_fork(self) -> None:
        """In a forked child: leave the inherited connections and their loops alone, and start anew."""
        _fork.park(self._pools)
        self._pools = {}

    async def open_stream(self, attempt: Attempt) -> tuple[_Pool, _Connection]:
        """For :meth:`stream`: send the request and read the head of the answer."""
        pool, connection, _ = await self._run(attempt, keep=True)
        return pool, connection

    def close_stream(self, pool: _Pool, connection: _Connection) -> None:
        """For :meth:`stream`: keep the connection if its answer was read to the end, else close it."""
        self._give_back(pool, connection)

    async def _run(self, attempt: Attempt, *, keep: bool) -> tuple[_Pool, _Connection, Response | None]:
        data = self._encoder.encode(attempt.method, attempt.target, attempt.headers, attempt.body)
        pool = self._pool()
        if self._origin.tls and self._context is None:
            attempt = await self._make_context(pool, attempt)
        if self._closed:
            raise _failures.closed_transport()
        if not pool.take_slot():
            await self._wait_for_slot(pool, attempt)
        connection: _Connection | None = None
        try:
            now = self._clock()
            connection = _pop_idle(pool, now)
            if connection is not None:
                try:
                    step = connection.read_head if keep else connection.exchange
                    return pool, connection, await step(data, attempt, now)
                except _failures.Gone as exc:
                    connection.abort()
                    if not attempt.retry_stale:
                        raise _failures.exchange_failed(exc) from exc
                    now = self._clock()
            connection = await pool.backend.connect(self._origin, self._context, attempt, now)
            try:
                step = connection.read_head if keep else connection.exchange
                return pool, connection, await step(data, attempt, self._clock())
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

    async def _wait_for_slot(self, pool: _Pool, attempt: Attempt) -> None:
        waiter = pool.backend.waiter()
        pool.wait(waiter)
        limit = attempt.timeouts.pool
        left = attempt.deadline - self._clock()
        try:
            if await waiter.wait(min(limit, left)) or waiter.granted:
                return
        except BaseException:
            pool.leave(waiter)
            raise
        pool.leave(waiter)
        raise _failures.deadline_passed(sent=False) if left <= limit else _failures.pool_timed_out(limit, pool.capacity)

    async def _make_context(self, pool: _Pool, attempt: Attempt) -> Attempt:
        """Make the TLS context; what that takes does not count against the attempt."""
        import msgspec
        from promptops.core._transport._tls import default_context

        began = self._clock()
        self._context = await pool.backend.run_in_thread(default_context)
        return msgspec.structs.replace(attempt, deadline=attempt.deadline + self._clock() - began)

    def _give_back(self, pool: _Pool, connection: _Connection | None) -> None:
        """Free the slot; keep the connection if it can carry another request. Never waits."""
        if pool.pid != os.getpid():
            # Taken before a fork: the connection is not ours.
            _fork.park(connection)
            return
        if connection is not None:
            if connection.closed or not (connection.reader.reusable and connection.reader.complete):
                connection.abort()
            else:
                dead: list[_Connection] = []
                pool.push_idle(connection, self._clock(), dead)
                for found in dead:
                    found.abort()
        pool.free_slot()

    def _pool(self) -> _Pool:
        key = self._key()
        pool = self._pools.get(key)
        if pool is not None and pool.pid == os.getpid():
            return pool
        return self._new_pool(key)

    @staticmethod
    def _key() -> Hashable:
        """What runs this task: an asyncio loop, or the token of a trio run."""
        trio = sys.modules.get("trio")
        if trio is not None and trio.lowlevel.in_trio_run():
            token: Hashable = trio.lowlevel.current_trio_token()
            return token
        return asyncio.get_running_loop()

    def _new_pool(self, key: Hashable) -> _Pool:
        if any(pool.pid != os.getpid() for pool in self._pools.values()):
            # Forked without Python's hooks (uWSGI does that).
            self.after_fork()
        for known, pool in list(self._pools.items()):
            if pool.over or (isinstance(known, asyncio.AbstractEventLoop) and known.is_closed()):
                del self._pools[known]
                pool.shut()
        backend: _Backend
        if isinstance(key, asyncio.AbstractEventLoop):
            from promptops.core._transport._asyncio_backend import AsyncioBackend

            backend = AsyncioBackend(key)
        else:
            from promptops.core._transport._anyio import AnyioBackend

            backend = AnyioBackend(self._clock)
        self._pools[key] = pool = _Pool(self._max_connections, self._idle_expiry, backend)
        pool.watch()
        return pool


def _pop_idle(pool: _Pool, now: float) -> _Connection | None:
    if not pool.idle:
        return None
    dead: list[_Connection] = []
    connection = pool.pop_idle(now, dead)
    for found in dead:
        found.abort()
    return connection


class _StreamScope:
    def __init__(self, transport: AsyncTransport, attempt: Attempt) -> None:
        self._transport = transport
        self._attempt = attempt
        self._lease: tuple[_Pool, _Connection] | None = None

    async def __aenter__(self) -> Streamed:
        self._lease = await self._transport.open_stream(self._attempt)
        return Streamed(self._lease[1], self._attempt)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            self._transport.close_stream(*lease)
