"""The disk cache as the protocol wants it: coroutines over the blocking store, run by whatever the caller brings."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, ParamSpec, Protocol, TypeAlias, TypeVar

from promptops.cache_disk._flight import Flight
from promptops.cache_disk._locks import longer
from promptops.cache_disk._stats import DiskEntry, DiskStats
from promptops.cache_disk._store import DEFAULT_MAX_AGE, DEFAULT_MAX_BYTES, DiskStore

__all__ = ["DiskCache", "RunBlocking", "Sleep"]

P = ParamSpec("P")
T = TypeVar("T")

Sleep: TypeAlias = Callable[[float], Awaitable[object]]
"""Waits so many seconds, as ``runtime.sleep`` does."""


class RunBlocking(Protocol):
    """Runs blocking work, as ``runtime.run_blocking`` does: in a worker thread, so that the event loop goes on."""

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """The result of the function."""
        ...


class DiskCache:
    """A :class:`~promptops.cache.Cache` in files that all processes of a host share, and that outlives them.

    Entries are private files with a keyed digest; whatever else lies in their place counts as absent. Reads never
    raise. Making one looks at the directory and writes nothing.

    Args:
        directory: Where; ``$XDG_CACHE_HOME/promptops`` or ``~/.cache/promptops`` unless given.
        namespace: Whose values: keys of different namespaces (origin and project) never meet.
        max_bytes: Most bytes on the disk, of all namespaces together; a value of more than an eighth is not kept.
        max_age: Seconds after which a value is absent, whatever its ttl.
        clock: Seconds since 1970; the processes of one directory compare them.
        run_blocking: Where the files are worked on. Pass ``runtime.run_blocking`` in a program with an event loop;
            without it every call works in the calling thread and its coroutine never suspends.
        sleep: How :meth:`acquire` and :meth:`single_flight` wait between tries. Pass ``runtime.sleep`` beside
            ``run_blocking``; without it a wait occupies one worker thread.

    Raises:
        CacheMisconfigured: The directory is no directory, belongs to another user or is open to others; a limit makes
            no sense.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        namespace: bytes | str,
        max_bytes: int = DEFAULT_MAX_BYTES,
        max_age: float = DEFAULT_MAX_AGE,
        clock: Callable[[], float] = time.time,
        run_blocking: RunBlocking | None = None,
        sleep: Sleep | None = None,
    ) -> None:
        self.store: Final = DiskStore(directory, namespace=namespace, max_bytes=max_bytes, max_age=max_age, clock=clock)
        """The same cache for blocking code."""
        self._run: RunBlocking = run_blocking if run_blocking is not None else _directly
        self._sleep = sleep

    @classmethod
    def over(
        cls, store: DiskStore, *, run_blocking: RunBlocking | None = None, sleep: Sleep | None = None
    ) -> DiskCache:
        """Another view of a store: a background thread takes one without ``run_blocking``."""
        view = cls.__new__(cls)
        view.__dict__.update(store=store, _run=run_blocking if run_blocking is not None else _directly, _sleep=sleep)
        return view

    async def get(self, key: str) -> bytes | None:
        """The value, or None when it is absent or expired; an empty value is a value."""
        return await self._run(self.store.get, key)

    async def read(self, key: str) -> DiskEntry | None:
        """The value with its age, expired or not: the last known good one."""
        return await self._run(self.store.read, key)

    async def set(self, key: str, value: bytes, *, ttl: float | None = None) -> None:
        """Keep a value for ``ttl`` seconds (None: until ``max_age``), replacing an earlier one and its expiry.

        Raises:
            CacheUnavailable: The disk takes no writes. For 30 s after that, writes do nothing.
        """
        await self._run(self.store.write, key, value, ttl=ttl)

    async def delete(self, key: str) -> None:
        """Remove a value; a key that is not there is fine.

        Raises:
            CacheUnavailable: The disk refused; this object does not serve the value any more.
        """
        await self._run(self.store.remove, key)

    async def clear(self, prefix: str = "") -> None:
        """Remove every value of this namespace whose key starts with ``prefix``, taken literally.

        Raises:
            CacheUnavailable: The disk refused for some; this object does not serve them any more.
        """
        await self._run(self.store.clear, prefix)

    async def acquire(self, key: str, *, timeout: float) -> Callable[[], None] | None:
        """Wait until nobody else, in this process or another, is under way with ``key``.

        Args:
            key: Which one.
            timeout: Seconds to wait at most.

        Returns:
            What to call when the own flight has ended (it never waits; twice is fine), or None when the time is up or
            no lock can be had: then everyone goes for themselves.
        """
        flight = self.store.flight(key)
        won = False
        try:
            won = await self._won(flight, timeout)
        finally:
            if not won:  # cancelled too: the worker thread may have taken it meanwhile
                flight.release()
        return flight.release if won else None

    @asynccontextmanager
    async def single_flight(self, key: str, *, timeout: float) -> AsyncGenerator[bool, None]:
        """:meth:`acquire` as a block; yields whether the turn is yours."""
        release = await self.acquire(key, timeout=timeout)
        try:
            yield release is not None
        finally:
            if release is not None:
                release()

    async def aclose(self) -> None:
        """Nothing is held open; safe to call twice."""

    def stats(self) -> DiskStats:
        """What was counted so far, without looking at the disk."""
        return self.store.stats()

    async def measure(self) -> DiskStats:
        """The same after counting the entries of the directory."""
        return await self._run(self.store.measure)

    async def _won(self, flight: Flight, timeout: float) -> bool:
        if self._sleep is None:
            return await self._run(flight.acquire, timeout)
        deadline = time.monotonic() + timeout
        pause = 0.0
        while not await self._run(flight.try_acquire):
            pause = min(longer(pause), deadline - time.monotonic())
            if pause <= 0.0 or not flight.possible:
                return False
            await self._sleep(pause)
        return True


async def _directly(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    return function(*args, **kwargs)
