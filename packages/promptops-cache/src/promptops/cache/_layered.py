"""Several caches as one: the nearest that knows the answer gives it, and the nearer ones learn it."""

from __future__ import annotations

from collections.abc import Sequence

from promptops.cache._protocol import Cache, CacheUnavailable

__all__ = ["LayeredCache"]


class LayeredCache:
    """A :class:`~promptops.cache.Cache` over others, the nearest first.

    A layer that is unavailable is passed over; only when all of them are does a call raise. A value that was found in a
    farther layer is copied to the nearer ones for ``promotion`` seconds at most, because a cache does not tell when its
    values expire. Writes and removals go to every layer.

    Args:
        layers: The caches, the nearest first.
        promotion: Seconds for which a nearer layer keeps what it learned from a farther one.
    """

    def __init__(self, layers: Sequence[Cache], *, promotion: float = 60.0) -> None:
        if not layers:
            raise ValueError("a layered cache needs at least one layer")
        self._layers = tuple(layers)
        self._promotion = promotion

    @property
    def layers(self) -> tuple[Cache, ...]:
        """The caches, the nearest first."""
        return self._layers

    async def get(self, key: str) -> bytes | None:
        """The value of the nearest layer that has one, or None."""
        down: CacheUnavailable | None = None
        answered = False
        for index, layer in enumerate(self._layers):
            try:
                value = await layer.get(key)
            except CacheUnavailable as error:
                down = error
                continue
            answered = True
            if value is not None:
                await self._promote(key, value, self._layers[:index])
                return value
        if down is not None and not answered:
            raise down
        return None

    async def set(self, key: str, value: bytes, *, ttl: float | None = None) -> None:
        """Keep a value in every layer, the farthest first, so that no layer is newer than the one behind it."""
        down: CacheUnavailable | None = None
        kept = False
        for layer in reversed(self._layers):
            try:
                await layer.set(key, value, ttl=ttl)
                kept = True
            except CacheUnavailable as error:
                down = error
        if down is not None and not kept:
            raise down

    async def delete(self, key: str) -> None:
        """Remove a value from every layer, the farthest first."""
        down: CacheUnavailable | None = None
        for layer in reversed(self._layers):
            try:
                await layer.delete(key)
            except CacheUnavailable as error:
                down = error
        if down is not None:
            raise down  # it may still be there, so the caller must know

    async def clear(self, prefix: str = "") -> None:
        """Remove every value whose key starts with ``prefix`` from every layer, the farthest first."""
        down: CacheUnavailable | None = None
        for layer in reversed(self._layers):
            try:
                await layer.clear(prefix)
            except CacheUnavailable as error:
                down = error
        if down is not None:
            raise down

    async def aclose(self) -> None:
        """Close every layer; safe to call twice."""
        for layer in self._layers:
            await layer.aclose()

    async def _promote(self, key: str, value: bytes, nearer: Sequence[Cache]) -> None:
        for layer in nearer:
            try:
                await layer.set(key, value, ttl=self._promotion)
            except CacheUnavailable:
                continue
