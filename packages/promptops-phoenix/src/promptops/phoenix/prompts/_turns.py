"""Writes to one prompt, one after another: the server adds a version for each, also when it was asked to create."""

from __future__ import annotations

from _thread import get_ident
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from promptops.core.runtime import Runtime

__all__ = ["Turns"]


class _Queue:
    __slots__ = ("lock", "waiting")

    def __init__(self, lock: AbstractAsyncContextManager[Any]) -> None:
        self.lock = lock
        self.waiting = 0


class Turns:
    """Lets the tasks of one event loop write to a prompt in turn.

    Locks of a runtime belong to one loop, so threads do not wait for each other; nor do processes.

    Args:
        runtime: Makes the locks.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._queues: dict[tuple[int, str], _Queue] = {}

    @asynccontextmanager
    async def of(self, name: str) -> AsyncGenerator[None]:
        """Wait until nobody else writes to this prompt."""
        key = (get_ident(), name)
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = _Queue(self._runtime.lock())
        queue.waiting += 1
        try:
            async with queue.lock:
                yield
        finally:
            queue.waiting -= 1
            if not queue.waiting:
                self._queues.pop(key, None)
