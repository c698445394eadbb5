"""The tests that every cache backend inherits; needs pytest with the anyio plugin."""

from __future__ import annotations

import time

import pytest
from promptops.cache._keys import cache_key, cache_key_prefix
from promptops.cache._protocol import Cache

__all__ = ["CacheConformance"]

_AWKWARD = ["plain", "", " ", "a:b", "a%3Ab", "*", "[a]?", "snow ☃ man", "new\nline", "nul\0", "x" * 2000, "../../etc"]


class CacheConformance:
    """Inherit it as ``class TestMine(CacheConformance)`` and give it an async fixture ``cache``, empty for each test.

    A backend whose clock a test can move overrides :meth:`advance`; for others it waits.
    """

    pytestmark = pytest.mark.anyio

    async def advance(self, cache: Cache, seconds: float) -> None:  # noqa: ARG002 - for those that override it
        """Let time pass for the cache."""
        import anyio

        await anyio.sleep(seconds)

    async def test_absent_key_gives_none(self, cache: Cache) -> None:
        """What was never set is not there."""
        assert await cache.get("absent") is None

    @pytest.mark.parametrize("value", [b"", b"\0", b"\xff\xfe", b"x" * 1_000_000, '{"a": "é"}'.encode()])
    async def test_value_comes_back_unchanged(self, cache: Cache, value: bytes) -> None:
        """Any bytes are kept as they are, none at all included."""
        await cache.set("key", value)
        assert await cache.get("key") == value

    async def test_awkward_keys_are_all_different(self, cache: Cache) -> None:
        """Separators, wildcards and control characters in keys mean nothing."""
        for number, key in enumerate(_AWKWARD):
            await cache.set(key, str(number).encode())
        assert [await cache.get(key) for key in _AWKWARD] == [str(number).encode() for number in range(len(_AWKWARD))]

    async def test_later_value_replaces_earlier(self, cache: Cache) -> None:
        """The last writer wins."""
        await cache.set("key", b"first")
        await cache.set("key", b"second")
        assert await cache.get("key") == b"second"

    async def test_expired_value_is_not_returned(self, cache: Cache) -> None:
        """After its time a value is absent; before it, present."""
        await cache.set("short", b"1", ttl=0.2)
        await cache.set("long", b"2", ttl=60.0)
        await self.advance(cache, 0.3)
        assert await cache.get("short") is None
        assert await cache.get("long") == b"2"

    async def test_value_without_ttl_does_not_expire(self, cache: Cache) -> None:
        """None means never, also when it replaces a value that would have expired."""
        await cache.set("key", b"1", ttl=0.1)
        await cache.set("key", b"2")
        await self.advance(cache, 0.3)
        assert await cache.get("key") == b"2"

    @pytest.mark.parametrize("ttl", [0.0, -1.0])
    async def test_ttl_of_zero_keeps_nothing(self, cache: Cache, ttl: float) -> None:
        """Not even what was there before."""
        await cache.set("key", b"old")
        await cache.set("key", b"new", ttl=ttl)
        assert await cache.get("key") is None

    async def test_deleted_value_is_gone(self, cache: Cache) -> None:
        """Deleting twice is fine."""
        await cache.set("key", b"1")
        await cache.set("other", b"2")
        await cache.delete("key")
        await cache.delete("key")
        assert await cache.get("key") is None
        assert await cache.get("other") == b"2"

    async def test_clear_removes_everything(self, cache: Cache) -> None:
        """Whatever the keys look like."""
        for key in _AWKWARD:
            await cache.set(key, b"1")
        await cache.clear()
        assert [await cache.get(key) for key in _AWKWARD] == [None] * len(_AWKWARD)

    async def test_clear_takes_its_prefix_literally(self, cache: Cache) -> None:
        """Wildcards in a prefix match themselves alone, and a part that only begins alike stays."""
        gone = [cache_key("p*", "a"), cache_key("p*", "b", "c")]
        kept = [cache_key("p*q", "a"), cache_key("pq", "a"), cache_key("p", "*"), "p"]
        for key in (*gone, *kept):
            await cache.set(key, b"1")
        await cache.clear(cache_key_prefix("p*"))
        assert [await cache.get(key) for key in gone] == [None] * len(gone)
        assert [await cache.get(key) for key in kept] == [b"1"] * len(kept)

    async def test_concurrent_writers_leave_one_whole_value(self, cache: Cache) -> None:
        """A reader never sees a mixture."""
        import anyio

        values = [bytes([number]) * 50_000 for number in range(8)]
        async with anyio.create_task_group() as group:
            for value in values:
                group.start_soon(cache.set, "key", value)
        assert await cache.get("key") in values

    async def test_closing_twice_is_safe(self, cache: Cache) -> None:
        """And it does not take long."""
        started = time.monotonic()
        await cache.aclose()
        await cache.aclose()
        assert time.monotonic() - started < 5.0
