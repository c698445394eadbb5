"""The asynchronous runtime, on asyncio or trio; anyio is imported at the first wait."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from promptops.core.caller import BaseRuntime
from promptops.core.clients import async_transport
from promptops.core.clock import SYSTEM_CLOCK
from promptops.core.errors import TimeoutError  # noqa: A004
from promptops.core.transport import Transport

if TYPE_CHECKING:
    import anyio

__all__ = ["AsyncRuntime"]

P = ParamSpec("P")
T = TypeVar("T")


class AsyncRuntime(BaseRuntime):
    """Waits on the running event loop; one instance may serve several loops."""

    def _make_transport(self) -> Transport:
        return async_transport(self._config, self._origin)

    async def _pause(self, seconds: float) -> None:
        import anyio

        if self._clock is SYSTEM_CLOCK:
            await anyio.sleep(seconds)
        else:
            self._clock.sleep(seconds)  # virtual time: moves on at once
            await anyio.lowlevel.checkpoint()

    def lock(self) -> _TaskLock:
        """A new lock between tasks of one event loop; waiting for it respects ``deadline()``."""
        return _TaskLock(self._deadlines.remaining)

    async def gather(self, *thunks: Callable[[], Awaitable[T]], limit: int | None = None) -> Sequence[T]:
        """Run the thunks, at most ``limit`` at once; the first error cancels the others and is raised."""
        import anyio

        results: list[Any] = [None] * len(thunks)
        failed: list[Exception] = []
        pending = iter(enumerate(thunks))

        async def work(source: Iterator[tuple[int, Callable[[], Awaitable[T]]]]) -> None:
            for index, thunk in source:
                try:
                    results[index] = await thunk()
                except Exception as exc:  # noqa: BLE001 - raised below, without the group around it
                    failed.append(exc)
                    group.cancel_scope.cancel()
                    return

        async with anyio.create_task_group() as group:
            for _ in range(min(len(thunks), limit or len(thunks))):
                group.start_soon(work, pending)
        if failed:
            raise failed[0]
        return cast("list[T]", results)

    async def run_blocking(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the function in a worker thread."""
        import anyio.to_thread

        return await anyio.to_thread.run_sync(functools.partial(function, *args, **kwargs))


class _TaskLock:
    def __init__(self, remaining: Callable[[], float | None]) -> None:
        self._lock: anyio.Lock | None = None
        self._remaining = remaining

    async def __aenter__(self) -> None:
        import anyio

        if self._lock is None:
            self._lock = anyio.Lock()
        left = self._remaining()
        if left is None:
            await self._lock.acquire()
            return
        with anyio.move_on_after(left):
            await self._lock.acquire()
            return
        raise TimeoutError(
            "Another task held a lock of this client for longer than the deadline allows.", timeout_duration=left
        )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._lock is not None:
            self._lock.release()
