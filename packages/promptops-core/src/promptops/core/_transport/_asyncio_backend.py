"""What an asyncio loop offers to the pool: waiters, connections within a limit, blocking calls in threads."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from promptops.core._transport import _dns, _failures, _threads
from promptops.core._transport._asyncio import AsyncioConnection
from promptops.core.transport import Attempt, TransportError

if TYPE_CHECKING:
    import ssl

    from promptops.core._transport._request import Origin

__all__ = ["AsyncioBackend"]

T = TypeVar("T")


class _Waiter:
    """A task that waits for a slot."""

    __slots__ = ("_future", "granted")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.granted = False
        self._future: asyncio.Future[None] = loop.create_future()

    def wake(self) -> bool:
        if self._future.done():
            return False
        self._future.set_result(None)
        return True

    async def wait(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._future
        except TimeoutError:
            return False
        return True


class AsyncioBackend:
    """Waiters and connections for one running asyncio loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def waiter(self) -> _Waiter:
        """A new waiter for a slot."""
        return _Waiter(self._loop)

    async def run_in_thread(self, function: Callable[[], T]) -> T:
        """Make a blocking call without blocking the loop or using its executor."""
        loop = self._loop
        future: asyncio.Future[None] = loop.create_future()

        def settle() -> None:
            if not future.done():
                future.set_result(None)

        def done() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle)

        job = _threads.start(function, done)
        try:
            await future
        finally:
            job.abandoned = True
        return job.outcome()

    async def connect(
        self, origin: Origin, context: ssl.SSLContext | None, attempt: Attempt, now: float
    ) -> AsyncioConnection:
        """Open a connection within the connect limit and the deadline, TLS handshake included.

        Raises:
            TransportError: ``ConnectFailed``, or ``DeadlineExceeded`` with nothing sent.
        """
        limit = attempt.timeouts.connect
        left = attempt.deadline - now
        where = origin.authority
        try:
            async with asyncio.timeout(min(limit, left)) as scope:
                until = scope.when()
                assert until is not None
                addresses = _dns.literal(origin.host, origin.port)
                if addresses is None:
                    addresses = await self.run_in_thread(lambda: _dns.look_up(origin.host, origin.port))
                sock = await self._connect_any(addresses, until)
                try:
                    return await self._attach(sock, context, origin.host, until)
                except TimeoutError:
                    raise
                except OSError as exc:
                    raise _failures.tls_failed(where, exc) from exc
        except TimeoutError as exc:
            late: TransportError = _failures.connect_timed_out(where, limit)
            if left <= limit:
                late = _failures.deadline_passed(sent=False)
            raise late from exc
        except OSError as exc:
            raise _failures.connect_failed(where, exc) from exc

    async def _connect_any(self, addresses: list[_dns.Address], until: float) -> socket.socket:
        loop = self._loop
        error = OSError("the name has no address")
        for index, address in enumerate(addresses):
            share = _dns.share_of_time(until - loop.time(), len(addresses) - index)
            sock = socket.socket(address.family, socket.SOCK_STREAM)
            try:
                sock.setblocking(False)
                async with asyncio.timeout(share):
                    await loop.sock_connect(sock, address.sockaddr)
                return sock
            except OSError as exc:
                sock.close()
                error = exc
            except BaseException:
                sock.close()
                raise
        raise error

    async def _attach(
        self, sock: socket.socket, context: ssl.SSLContext | None, host: str, until: float
    ) -> AsyncioConnection:
        loop = self._loop
        connection = AsyncioConnection(loop)
        connection.hold(sock)
        try:
            transport, _ = await loop.create_connection(lambda: connection, sock=sock)
            if context is not None:
                secure = await loop.start_tls(
                    transport,
                    connection,
                    context,
                    server_hostname=host,
                    # A little more than the limit around this call, which then gives the better error.
                    ssl_handshake_timeout=max(until - loop.time(), 0.0) + 1.0,
                )
                assert secure is not None
                connection.attach(secure)
        except BaseException:
            connection.abort()
            if not connection.attached:
                sock.close()
            raise
        return connection
