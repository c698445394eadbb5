"""What a cache backend is: bytes under text keys, and what the caller may rely on."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Cache", "CacheMisconfigured", "CacheUnavailable"]


class CacheUnavailable(Exception):  # noqa: N818 - it describes what happened
    """The backend did not answer; the caller decides whether to go on without it."""


class CacheMisconfigured(CacheUnavailable):
    """The backend cannot work with what it was given (a folder, an address, a limit) until someone changes that."""


class Cache(Protocol):
    """A place for bytes that may forget them at any time, but never confuses or changes them.

    Keys are any text; :func:`promptops.cache.cache_key` makes them from parts. A backend keeps to its own key space:
    nothing here ever touches what others keep in the same server or folder. Implementations inherit the test class
    :class:`promptops.cache.testing.CacheConformance`.

    Raises (from every method): CacheUnavailable, when the backend cannot be reached.
    """

    async def get(self, key: str) -> bytes | None:
        """The value, or None when it is absent or expired; an empty value is a value."""
        ...

    async def set(self, key: str, value: bytes, *, ttl: float | None = None) -> None:
        """Keep a value, replacing an earlier one and its expiry.

        Args:
            key: Any text.
            value: Any bytes.
            ttl: Seconds until it expires; None means never; zero or less means that nothing is kept.
        """
        ...

    async def delete(self, key: str) -> None:
        """Remove a value; a key that is not there is fine."""
        ...

    async def clear(self, prefix: str = "") -> None:
        """Remove every value of this cache whose key starts with ``prefix``, taken literally."""
        ...

    async def aclose(self) -> None:
        """Release what the cache holds open; safe to call twice."""
        ...
