"""How an application says which cache it wants."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from promptops.cache._lru import DEFAULT_MAX_BYTES, DEFAULT_MAX_SIZE

__all__ = ["CacheConfig", "CacheLevel"]


class CacheLevel(StrEnum):
    """Where values are kept."""

    NONE = "none"
    MEMORY = "memory"
    REDIS = "redis"
    HYBRID = "hybrid"


class CacheConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The cache of a client.

    Attributes:
        level: ``none`` or ``memory``.
        ttl: Seconds for which what may change (the latest version) counts as fresh; a numbered version never expires.
        jitter: Share by which each ttl is made longer or shorter at random, so that entries do not expire together.
        max_size: Most entries; 0 keeps nothing.
        max_bytes: Most bytes.
    """

    level: str = CacheLevel.MEMORY
    ttl: float = 60.0
    jitter: float = 0.1
    max_size: int = DEFAULT_MAX_SIZE
    max_bytes: int = DEFAULT_MAX_BYTES
