"""How an application says which cache it wants."""

from __future__ import annotations

from enum import StrEnum

import msgspec
from promptops.cache._lru import DEFAULT_MAX_BYTES, DEFAULT_MAX_SIZE

__all__ = ["CacheConfig", "CacheLevel"]


class CacheLevel(StrEnum):
    """Where values are kept besides the memory of the process, which comes first at every level but ``none``."""

    NONE = "none"
    MEMORY = "memory"
    REDIS = "redis"
    DISK = "disk"
    HYBRID = "hybrid"
    """Redis, then disk."""


class CacheConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The cache of a client.

    Attributes:
        level: ``none``, ``memory``, ``redis`` (needs promptops-cache-redis), ``disk`` (needs promptops-cache-disk) or
            ``hybrid`` (needs both).
        ttl: Seconds for which what may change (the latest version, a label) counts as fresh; a numbered version never
            expires.
        jitter: Share by which each ttl is made longer or shorter at random, so that entries do not expire together.
        max_size: Most entries in memory; 0 keeps nothing there.
        max_bytes: Most bytes in memory.
        max_stale: Seconds after the ttl for which a value may still be served while the server cannot be asked; None
            means without limit.
        prefer_disk: Whether what is stale on a shared tier is served at once and refreshed behind the caller's back;
            for processes that live for a few calls only.
        redis_url: Where Redis or Valkey is, for example ``redis://localhost:6379/0``; it may hold a password, which is
            never shown.
        redis_prefix: What the keys in Redis start with.
        push: Whether changes that the server publishes on Redis are listened for.
        directory: Where the disk cache is; ``$XDG_CACHE_HOME/promptops`` or ``~/.cache/promptops`` unless given.
        disk_max_bytes: Most bytes on disk.
        disk_max_age: Seconds after which an entry on disk that nobody confirmed is gone.
    """

    level: str = CacheLevel.MEMORY
    ttl: float = 60.0
    jitter: float = 0.1
    max_size: int = DEFAULT_MAX_SIZE
    max_bytes: int = DEFAULT_MAX_BYTES
    max_stale: float | None = None
    prefer_disk: bool = False
    redis_url: str | None = None
    redis_prefix: str = "promptops:"
    push: bool = True
    directory: str | None = None
    disk_max_bytes: int = 64 * 1024 * 1024
    disk_max_age: float = 30 * 86_400.0

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in msgspec.structs.asdict(self.masked()).items())
        return f"CacheConfig({shown})"

    def masked(self) -> CacheConfig:
        """The same without the password of Redis."""
        if self.redis_url is None:
            return self
        return msgspec.structs.replace(self, redis_url=_without_secrets(self.redis_url))


def _without_secrets(url: str) -> str:
    """Scheme, host and path: credentials may also lie in the query."""
    scheme, separator, rest = url.partition("://")
    rest, _, query = rest.partition("?")
    # A password may hold an @ itself, so the last one of all ends it.
    credentials, at, place = rest.rpartition("@")
    return f"{scheme}{separator}{'***@' if credentials or at else ''}{place}{'?***' if query else ''}"
