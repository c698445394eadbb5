"""What a cache counted."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["CacheStats", "TierStats"]


class TierStats(msgspec.Struct, frozen=True, kw_only=True):
    """What was counted at one tier: ``unusable`` values were damaged, ``unavailable`` calls got no answer."""

    tier: str
    hits: int
    misses: int
    writes: int
    unusable: int
    unavailable: int


class CacheStats(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a cache at one moment; fields are also read as ``stats["hits"]``.

    Attributes:
        level: Which kind of cache it is.
        hits: Reads that found a value.
        misses: Reads that found none, or an expired one.
        evictions: Values removed to make room.
        size: Entries now.
        max_size: Most entries.
        memory_usage: Bytes now.
        tiers: The shared caches behind it, the nearest first.
    """

    level: str = "none"
    hits: int = 0
    misses: int = 0
    evictions: int = 0
    size: int = 0
    max_size: int = 0
    memory_usage: int = 0
    tiers: tuple[TierStats, ...] = ()

    @property
    def hit_rate(self) -> float:
        """Share of the reads that found a value, 0.0 when nothing was read."""
        reads = self.hits + self.misses
        return self.hits / reads if reads else 0.0

    def __getitem__(self, name: str) -> Any:
        if name == "hit_rate" or name in self.__struct_fields__:
            return getattr(self, name)
        raise KeyError(name)
