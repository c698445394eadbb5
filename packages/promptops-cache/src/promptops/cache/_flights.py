"""Single flight: of many who want the same at once, one goes and all get what it brings."""

from __future__ import annotations

import os
from _thread import allocate_lock, get_ident
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

__all__ = ["Flights"]

T = TypeVar("T")


class _Flight(Generic[T]):
    __slots__ = ("failure", "landed", "lock", "people", "result")

    def __init__(self, lock: AbstractAsyncContextManager[Any]) -> None:
        self.lock = lock
        self.people = 0
        self.landed = False
        self.result: T | None = None
        self.failure: Exception | None = None


class Flights(Generic[T]):
    """Flights by key. The leader holds the lock of its flight; one that is cancelled passes it to the next in line.

    Args:
        make_lock: Makes a lock of the runtime; waiting for it keeps the runtime's deadlines.
        between_threads: Whether those locks work between threads (blocking code); else each thread, which is each
            event loop, has flights of its own.
    """

    def __init__(
        self, make_lock: Callable[[], AbstractAsyncContextManager[Any]], *, between_threads: bool = True
    ) -> None:
        self._make_lock = make_lock
        self._between_threads = between_threads
        self._flights: dict[Hashable, _Flight[T]] = {}
        self._guard = allocate_lock()
        self._pid = os.getpid()

    async def join(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """What ``work`` gives, done once for everyone who asks while it is under way; errors are shared too."""
        name = key if self._between_threads else (get_ident(), key)
        if self._pid != os.getpid():
            self._guard, self._flights, self._pid = allocate_lock(), {}, os.getpid()
        with self._guard:
            flight = self._flights.get(name)
            if flight is None:
                flight = self._flights[name] = _Flight(self._make_lock())
            flight.people += 1
        try:
            async with flight.lock:
                if not flight.landed:
                    await self._fly(name, flight, work)
                if flight.failure is not None:
                    raise flight.failure
                return flight.result  # type: ignore[return-value] # it landed without a failure
        finally:
            with self._guard:
                flight.people -= 1
                if flight.people == 0 and self._flights.get(name) is flight:
                    del self._flights[name]

    async def _fly(self, name: Hashable, flight: _Flight[T], work: Callable[[], Awaitable[T]]) -> None:
        # Whatever is not an Exception (a cancellation) leaves the flight in the air, and the next in line leads.
        try:
            flight.result = await work()
        except Exception as error:  # noqa: BLE001 - raised by everyone who waits for it
            flight.failure = error
        flight.landed = True
        with self._guard:
            if self._flights.get(name) is flight:
                del self._flights[name]  # who comes from now on wants news
