"""The blocking runtime: its coroutines never suspend, so they run without an event loop and in any thread."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import ParamSpec, TypeVar

from promptops.core.caller import BaseRuntime
from promptops.core.clients import blocking_transport
from promptops.core.errors import TimeoutError  # noqa: A004
from promptops.core.transport import Transport

__all__ = ["SyncRuntime"]

P = ParamSpec("P")
T = TypeVar("T")


class SyncRuntime(BaseRuntime):
    """Blocks the calling thread; one instance may serve many threads."""

    def _make_transport(self) -> Transport:
        return blocking_transport(self._config, self._origin)

    async def _pause(self, seconds: float) -> None:
        self._clock.sleep(seconds)

    def lock(self) -> _ThreadLock:
        """A new lock between threads; waiting for it respects ``deadline()``."""
        return _ThreadLock(self._deadlines.remaining)

    async def gather(self, *thunks: Callable[[], Awaitable[T]], limit: int | None = None) -> Sequence[T]:
        """Run the thunks, on threads of their own where a ``limit`` above 1 says how many at once; else in turn.

        The first error ends it. A runtime on a transport or a clock of its own keeps to the order given.
        """
        if limit is None or min(limit, len(thunks)) < 2 or self._isolated:
            return [await thunk() for thunk in thunks]
        from promptops.core.threads import run_at_once

        return run_at_once(thunks, limit)

    async def run_blocking(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the function, here and now."""
        return function(*args, **kwargs)


class _ThreadLock:
    def __init__(self, remaining: Callable[[], float | None]) -> None:
        self._lock = threading.Lock()
        self._remaining = remaining

    async def __aenter__(self) -> None:
        left = self._remaining()
        if not self._lock.acquire(timeout=-1 if left is None else left):
            raise TimeoutError(
                "Another thread held a lock of this client for longer than the deadline allows.",
                timeout_duration=left or 0.0,
            )

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()
