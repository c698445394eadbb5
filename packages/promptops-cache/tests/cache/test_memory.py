"""The in-memory backend: the promises that every backend makes, and its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from promptops.cache import Cache, MemoryCache
from promptops.cache.testing import CacheConformance


class TestMemoryCache(CacheConformance):
    @pytest.fixture
    async def cache(self, clock: Any) -> AsyncIterator[Cache]:
        self.clock = clock
        cache = MemoryCache(clock=clock)
        yield cache
        await cache.aclose()

    async def advance(self, cache: Cache, seconds: float) -> None:
        self.clock.advance(seconds)


class TestMemoryCacheOnTheRealClock(CacheConformance):
    @pytest.fixture
    async def cache(self) -> MemoryCache:
        return MemoryCache()


pytestmark = pytest.mark.anyio


async def test_peek_reads_without_waiting() -> None:
    cache = MemoryCache()
    await cache.set("key", b"value")
    assert cache.peek("key") == b"value"
    assert cache.peek("other") is None


async def test_the_least_recently_used_value_goes_first() -> None:
    cache = MemoryCache(max_size=2)
    await cache.set("a", b"1")
    await cache.set("b", b"2")
    await cache.get("a")
    await cache.set("c", b"3")
    assert [await cache.get(key) for key in "abc"] == [b"1", None, b"3"]


async def test_values_go_when_the_bytes_are_used_up() -> None:
    cache = MemoryCache(max_bytes=10)
    await cache.set("a", b"x" * 6)
    await cache.set("b", b"x" * 6)
    assert await cache.get("a") is None
    assert cache.stats().memory_usage == 6


async def test_a_value_larger_than_the_cache_is_not_kept_and_pushes_nothing_out() -> None:
    cache = MemoryCache(max_bytes=10)
    await cache.set("small", b"x")
    await cache.set("large", b"x" * 11)
    assert await cache.get("large") is None
    assert await cache.get("small") == b"x"


async def test_a_size_of_zero_keeps_nothing() -> None:
    cache = MemoryCache(max_size=0)
    await cache.set("key", b"value")
    assert await cache.get("key") is None
    assert cache.stats().size == 0


async def test_statistics_count_what_happened() -> None:
    cache = MemoryCache(max_size=2)
    for key in "abc":
        await cache.set(key, b"xyz")
    await cache.get("a")
    await cache.get("b")
    await cache.get("c")
    stats = cache.stats()
    assert (stats.hits, stats.misses, stats.evictions) == (2, 1, 1)
    assert (stats.size, stats.max_size, stats.memory_usage) == (2, 2, 6)
    assert stats.hit_rate == pytest.approx(2 / 3)
    assert stats["hit_rate"] == stats.hit_rate
    assert stats["hits"] == 2
    with pytest.raises(KeyError):
        stats["nothing"]
