"""A shared tier (Redis, disk) as the policy uses it: packed values, and a tier that is away costs a note."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

import msgspec
from promptops.cache._packing import Packed, pack, unpack
from promptops.cache._protocol import Cache, CacheUnavailable
from promptops.cache._stats import CacheStats, TierStats

__all__ = ["CrossProcessFlights", "Found", "Tier"]


class CrossProcessFlights(Protocol):
    """What a tier may offer besides: one flight for all processes that share it."""

    async def acquire(self, key: str, *, timeout: float) -> Callable[[], None] | None:
        """Wait until nobody else is under way with ``key``, at most ``timeout`` seconds.

        Returns:
            What to call when the own flight has ended; None when the time is up, and then everyone goes for themselves.
        """
        ...


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a tier knows.

    Attributes:
        packed: The value.
        age: Seconds since it was confirmed; negative when one of the clocks is wrong.
        tier: Where it lay.
    """

    packed: Packed
    age: float
    tier: str


class Tier:
    """One shared cache behind the memory.

    Args:
        name: ``redis`` or ``disk``; results say it.
        cache: The backend.
        keep: Seconds that it keeps what nobody confirms; None means as long as it has room.
        flights: Its single flight for all processes, where it has one.
        wall: Seconds since 1970; processes of one tier compare these.
        on_unavailable: Told of every call that got no answer.
    """

    def __init__(
        self,
        name: str,
        cache: Cache,
        *,
        keep: float | None = None,
        flights: CrossProcessFlights | None = None,
        wall: Callable[[], float] = time.time,
        on_unavailable: Callable[[str, CacheUnavailable], None] | None = None,
    ) -> None:
        self.name = name
        self.cache = cache
        self.flights = flights
        self._keep = keep
        self._wall = wall
        self._on_unavailable = on_unavailable
        self._hits = self._misses = self._writes = self._unusable = self._unavailable = 0

    async def read(self, key: str) -> Found | None:
        """What it knows of a key, or None: absent, damaged, or the tier is away."""
        try:
            data = await self.cache.get(key)
        except CacheUnavailable as error:
            self._away(error)
            return None
        return self._found(key, data)

    async def read_many(self, keys: Iterable[str]) -> dict[str, Found]:
        """What it knows of several keys, in one round trip where the backend has a ``get_many``."""
        many = getattr(self.cache, "get_many", None)
        wanted = tuple(keys)
        if many is None:
            found = {key: await self.read(key) for key in wanted}
        else:
            try:
                values: dict[str, bytes] = await many(wanted)
            except CacheUnavailable as error:
                self._away(error)
                return {}
            found = {key: self._found(key, values.get(key)) for key in wanted}
        return {key: known for key, known in found.items() if known is not None}

    def _found(self, key: str, data: bytes | None) -> Found | None:
        if data is None:
            self._misses += 1
            return None
        packed = unpack(key, data)
        if packed is None:
            self._unusable += 1
            return None
        self._hits += 1
        return Found(packed=packed, age=self._wall() - packed.confirmed_at, tier=self.name)

    async def write(self, key: str, body: bytes, etag: str | None) -> None:
        """Keep a value that was confirmed just now."""
        packed = Packed(body=body, etag=etag or "", confirmed_at=self._wall())
        await self.copy(key, packed)

    async def copy(self, key: str, packed: Packed) -> None:
        """Keep what another tier knows, with the time when that was confirmed."""
        try:
            await self.cache.set(key, pack(key, packed), ttl=self._keep)
            self._writes += 1
        except CacheUnavailable as error:
            self._away(error)

    async def remove(self, keys: Iterable[str]) -> None:
        """Forget values."""
        try:
            for key in keys:
                await self.cache.delete(key)
        except CacheUnavailable as error:
            self._away(error)

    async def clear(self, prefix: str) -> None:
        """Forget everything whose key starts with ``prefix``."""
        try:
            await self.cache.clear(prefix)
        except CacheUnavailable as error:
            self._away(error)

    async def measure(self) -> CacheStats | None:
        """How much lies there, where the backend can tell; None when it cannot, or is away."""
        measure: Callable[[], Awaitable[CacheStats]] | None = getattr(self.cache, "measure", None)
        if measure is None:
            return None
        try:
            return await measure()
        except CacheUnavailable as error:
            self._away(error)
            return None

    def damaged(self) -> None:
        """Count a value whose content made no sense after all."""
        self._hits -= 1
        self._unusable += 1

    def stats(self) -> TierStats:
        """What was counted so far."""
        return TierStats(
            tier=self.name,
            hits=self._hits,
            misses=self._misses,
            writes=self._writes,
            unusable=self._unusable,
            unavailable=self._unavailable,
        )

    def _away(self, error: CacheUnavailable) -> None:
        self._unavailable += 1
        if self._on_unavailable is not None:
            self._on_unavailable(self.name, error)
