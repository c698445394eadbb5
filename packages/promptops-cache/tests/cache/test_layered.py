"""Several caches as one."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from promptops.cache import Cache, CacheUnavailable, LayeredCache, MemoryCache
from promptops.cache.testing import CacheConformance


class Away:
    """A backend that does not answer."""

    async def get(self, key: str) -> bytes | None:
        raise CacheUnavailable("away")

    async def set(self, key: str, value: bytes, *, ttl: float | None = None) -> None:
        raise CacheUnavailable("away")

    async def delete(self, key: str) -> None:
        raise CacheUnavailable("away")

    async def clear(self, prefix: str = "") -> None:
        raise CacheUnavailable("away")

    async def aclose(self) -> None:
        return


class TestLayered(CacheConformance):
    @pytest.fixture
    async def cache(self) -> Cache:
        return LayeredCache([MemoryCache(), MemoryCache()])


class TestLayeredOverOneThatIsAway(CacheConformance):
    @pytest.fixture
    async def cache(self) -> Cache:
        return LayeredCache([QuietAway(), MemoryCache()])


class QuietAway(Away):
    """Away for reads and writes; removals find nothing to remove."""

    async def delete(self, key: str) -> None:
        return

    async def clear(self, prefix: str = "") -> None:
        return


@pytest.mark.anyio
async def test_nearer_layer_learns_from_the_farther(clock: Any) -> None:
    near, far = MemoryCache(clock=clock), MemoryCache(clock=clock)
    cache = LayeredCache([near, far], promotion=60.0)
    await far.set("key", b"value")
    assert await cache.get("key") == b"value"
    assert near.peek("key") == b"value"
    clock.advance(61.0)
    assert near.peek("key") is None


@pytest.mark.anyio
async def test_layer_that_is_away_is_passed_over() -> None:
    far = MemoryCache()
    cache = LayeredCache([Away(), far])
    await cache.set("key", b"value")
    assert far.peek("key") == b"value"
    assert await cache.get("key") == b"value"
    assert await cache.get("other") is None


@pytest.mark.anyio
async def test_caller_knows_when_nothing_answered_or_a_removal_is_uncertain() -> None:
    nothing = LayeredCache([Away(), Away()])
    for call in (nothing.get("key"), nothing.set("key", b"")):
        with pytest.raises(CacheUnavailable):
            await call
    half = LayeredCache([MemoryCache(), Away()])
    for call in (half.delete("key"), half.clear()):
        with pytest.raises(CacheUnavailable):
            await call


def test_layers_are_needed() -> None:
    with pytest.raises(ValueError, match="at least one layer"):
        LayeredCache([])


def test_it_works_without_an_event_loop_of_its_own() -> None:
    async def use() -> bytes | None:
        cache = LayeredCache([MemoryCache()])
        await cache.set("key", b"value")
        return await cache.get("key")

    assert anyio.run(use) == b"value"
