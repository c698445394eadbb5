"""The promises that every backend makes, with files worked on in this thread and in worker threads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import anyio
import anyio.to_thread
import pytest
from promptops.cache import Cache
from promptops.cache.testing import CacheConformance
from promptops.cache_disk import DiskCache

P = ParamSpec("P")
T = TypeVar("T")


async def in_a_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    return await anyio.to_thread.run_sync(partial(function, *args, **kwargs))


class TestDiskCache(CacheConformance):
    @pytest.fixture
    async def cache(self, directory: Path, clock: Any) -> DiskCache:
        self.clock = clock
        return DiskCache(directory, namespace="tenant", clock=clock)

    async def advance(self, cache: Cache, seconds: float) -> None:
        self.clock.advance(seconds)


class TestDiskCacheInWorkerThreads(TestDiskCache):
    @pytest.fixture
    async def cache(self, directory: Path, clock: Any) -> DiskCache:
        self.clock = clock
        return DiskCache(directory, namespace="tenant", clock=clock, run_blocking=in_a_thread, sleep=anyio.sleep)


class TestDiskCacheBesideAnotherTenant(TestDiskCache):
    """The same, in a directory in which another tenant uses the same keys."""

    @pytest.fixture
    async def cache(self, directory: Path, clock: Any) -> DiskCache:
        self.clock = clock
        other = DiskCache(directory, namespace="other", clock=clock)
        for key in ("key", "absent", "plain", ""):
            await other.set(key, b"of the other")
        return DiskCache(directory, namespace="tenant", clock=clock)


class TestDiskCacheOnTheRealClock(CacheConformance):
    @pytest.fixture
    async def cache(self, directory: Path) -> DiskCache:
        return DiskCache(directory, namespace=b"tenant")
