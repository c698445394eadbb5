"""The cache backend that keeps its values in this process."""

from __future__ import annotations

import time
from collections.abc import Callable

from promptops.cache._lru import DEFAULT_MAX_BYTES, DEFAULT_MAX_SIZE, Lru
from promptops.cache._stats import CacheStats

__all__ = ["MemoryCache"]


class MemoryCache:
    """A :class:`~promptops.cache.Cache` in memory: least recently used values go first.

    Args:
        max_size: Most entries; 0 keeps nothing.
        max_bytes: Most bytes of values; a larger value is not kept.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        *,
        max_size: int = DEFAULT_MAX_SIZE,
        max_bytes: int = DEFAULT_MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._values: Lru[str, bytes] = Lru(max_size=max_size, max_bytes=max_bytes, clock=clock)

    def peek(self, key: str) -> bytes | None:
        """The value, or None when it is absent or expired; for callers that cannot wait."""
        return self._values.peek(key)

    async def get(self, key: str) -> bytes | None:
        """The value, or None when it is absent or expired; an empty value is a value."""
        return self._values.peek(key)

    async def set(self, key: str, value: bytes, *, ttl: float | None = None) -> None:
        """Keep a value for ``ttl`` seconds (None: for ever), replacing an earlier one and its expiry."""
        self._values.put(key, value, size=len(value), ttl=ttl)

    async def delete(self, key: str) -> None:
        """Remove a value; a key that is not there is fine."""
        self._values.discard(key)

    async def clear(self, prefix: str = "") -> None:
        """Remove every value whose key starts with ``prefix``, taken literally."""
        self._values.discard_where(lambda key, _: key.startswith(prefix))

    async def aclose(self) -> None:
        """Forget everything; safe to call twice."""
        self._values.clear()

    def stats(self) -> CacheStats:
        """What was counted so far."""
        return self._values.stats()
