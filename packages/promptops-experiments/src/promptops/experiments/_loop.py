"""What a run needs of the event loop that it runs in: asyncio's or trio's."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from promptops.experiments._threads import CallSoon

if TYPE_CHECKING:
    import anyio

__all__ = ["Signal", "call_soon", "run_in_thread"]

P = ParamSpec("P")
T = TypeVar("T")


def call_soon() -> CallSoon:
    """Return how other threads reach the running event loop."""
    trio: Any = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        run_soon: CallSoon = trio.lowlevel.current_trio_token().run_sync_soon
        return run_soon
    import asyncio

    return asyncio.get_running_loop().call_soon_threadsafe


async def run_in_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call the function in a worker thread of the running event loop."""
    import anyio.to_thread

    return await anyio.to_thread.run_sync(partial(function, *args, **kwargs))


class Signal:
    """An event that can be waited for again and again, by any number of tasks of one loop."""

    def __init__(self, event: Callable[[], anyio.Event]) -> None:
        self._make = event
        self._event = event()
        self._waiting = 0

    def set(self) -> None:
        """Wake those who wait."""
        if self._waiting:
            self._event.set()
            self._event = self._make()

    async def wait(self) -> None:
        """Wait for the next :meth:`set`."""
        self._waiting += 1
        try:
            await self._event.wait()
        finally:
            self._waiting -= 1
