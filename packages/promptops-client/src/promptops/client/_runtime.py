"""The runtime that the resources of a client hold: it counts calls, and the one below can be replaced meanwhile."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from promptops.client._locks import ForkLock
from promptops.core.errors import ConfigurationError, ValidationError

if TYPE_CHECKING:
    from promptops.client.stats import CallCounter
    from promptops.core.config import RuntimeConfig
    from promptops.core.messages import Request, Response
    from promptops.core.runtime import Runtime, StreamedResponse

__all__ = ["ClientRuntime", "client_closed"]

P = ParamSpec("P")
T = TypeVar("T")


def client_closed() -> ConfigurationError:
    """The error of every call after the shutdown."""
    return ConfigurationError(
        "This client was shut down. Make a new one, or keep it open as long as it is needed.",
        error_code="CLIENT_CLOSED",
    )


class _Lease:
    """A runtime, and how many calls are on it."""

    __slots__ = ("calls", "retired", "runtime", "suspends")

    def __init__(self, runtime: Runtime, *, suspends: bool) -> None:
        self.runtime = runtime
        self.calls = 0
        self.retired = False
        self.suspends = suspends


class ClientRuntime:
    """A :class:`~promptops.core.runtime.Runtime` over one that may be replaced while calls are on it.

    A call stays on the runtime that it began on; a runtime that was replaced is closed when its last call has ended.

    Args:
        config: Settings of the first runtime, which is made at first use.
        make: Makes a runtime.
        counter: Counts the calls.
    """

    def __init__(self, config: RuntimeConfig, make: Callable[[RuntimeConfig], Runtime], counter: CallCounter) -> None:
        self.config = config
        self._make = make
        self._counter = counter
        self._current: _Lease | None = None
        self._left: list[_Lease] = []
        self._closed = False
        self._lock = ForkLock()

    @property
    def closed(self) -> bool:
        """Whether :meth:`aclose` was called."""
        return self._closed

    def open(self) -> Runtime:
        """The runtime of now, made by whoever comes first.

        Raises:
            ConfigurationError: The client was shut down, or its transport cannot be made.
        """
        with self._lock.here():
            return self._opened().runtime

    def replace(self, config: RuntimeConfig, *, swap: Callable[[], None]) -> None:
        """Go on with other settings: new calls on a new runtime, earlier ones where they began.

        Args:
            config: The settings.
            swap: Called at the moment of the change, when nothing can fail any more; it must not wait.

        Raises:
            ConfigurationError: The client was shut down, or the runtime cannot be made; nothing was changed.
        """
        with self._lock.here():
            if self._closed:
                raise client_closed()
            if config == self.config or self._current is None:
                swap()
                self.config = config
                return
            made = self._lease(config)
            swap()
            lease, self._current, self.config = self._current, made, config
            lease.retired = True
            idle = lease.calls == 0
        if idle:
            self._let_go(lease)

    async def send(self, request: Request) -> Response:
        """Send one logical call, and count it unless it was refused before anything could be sent."""
        if self._left:
            await self._close_left()
        lease = self._enter()
        started = perf_counter()
        succeeded, counts = False, True
        try:
            response = await lease.runtime.send(request)
            succeeded = True
            return response
        except (ConfigurationError, ValidationError) as error:
            counts = error.request_id is not None  # else it never left this process
            raise
        finally:
            if counts:
                self._counter.add(perf_counter() - started, succeeded=succeeded)
            self._leave(lease)

    def stream(self, request: Request) -> AbstractAsyncContextManager[StreamedResponse]:
        """Send one attempt of a call and read its body in pieces; it counts as one call."""
        return self._stream(request)

    @asynccontextmanager
    async def _stream(self, request: Request) -> AsyncGenerator[StreamedResponse, None]:
        lease = self._enter()
        started = perf_counter()
        succeeded = False
        try:
            async with lease.runtime.stream(request) as answer:
                yield answer
            succeeded = True
        finally:
            self._counter.add(perf_counter() - started, succeeded=succeeded)
            self._leave(lease)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self.open().sleep(seconds)

    def lock(self) -> AbstractAsyncContextManager[Any]:
        """A new lock, usable by everything that runs on this runtime."""
        return self.open().lock()

    def deadline(self, seconds: float) -> AbstractContextManager[Any]:
        """A scope in which every ``send`` and ``sleep`` together may take ``seconds``; then ``TimeoutError``."""
        return self.open().deadline(seconds)

    async def gather(self, *thunks: Callable[[], Awaitable[T]], limit: int | None = None) -> Sequence[T]:
        """Run the thunks, at most ``limit`` at once; results in the order given."""
        return await self.open().gather(*thunks, limit=limit)

    async def run_blocking(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work: in a worker thread in async code, directly in blocking code."""
        return await self.open().run_blocking(function, *args, **kwargs)

    async def aclose(self) -> None:
        """Close every connection, those of replaced runtimes too; safe to call twice."""
        with self._lock.here():
            self._closed = True
            leases = [lease for lease in (*self._left, self._current) if lease is not None]
            self._left.clear()
            self._current = None
        for lease in leases:
            await lease.runtime.aclose()

    def _opened(self) -> _Lease:
        if self._closed:
            raise client_closed()
        if self._current is None:
            self._current = self._lease(self.config)
        return self._current

    def _lease(self, config: RuntimeConfig) -> _Lease:
        # Our own transports close without waiting; a client of httpx that belongs to us may have to.
        return _Lease(self._make(config), suspends=config.needs_httpx and config.http_client is None)

    def _enter(self) -> _Lease:
        with self._lock.here():
            lease = self._opened()
            lease.calls += 1
            return lease

    def _leave(self, lease: _Lease) -> None:
        with self._lock.here():
            lease.calls -= 1
            over = lease.retired and lease.calls == 0
        if over:
            self._let_go(lease)

    def _let_go(self, lease: _Lease) -> None:
        """Close a replaced runtime that no call is on; one that has to wait for that is closed by the next call."""
        if lease.suspends:
            with self._lock.here():
                self._left.append(lease)
            return
        from promptops.core.bridge import drive

        drive(lease.runtime.aclose())

    async def _close_left(self) -> None:
        with self._lock.here():
            left = self._left.copy()
            self._left.clear()
        for lease in left:
            await lease.runtime.aclose()
