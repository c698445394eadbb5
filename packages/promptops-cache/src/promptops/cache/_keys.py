"""Keys made of parts, such that different parts never make the same key."""

from __future__ import annotations

__all__ = ["cache_key", "cache_key_prefix"]


def cache_key(first: str, *rest: str) -> str:
    """One key for these parts; ``("a:b", "c")`` and ``("a", "b:c")`` give different keys."""
    return ":".join(part.replace("%", "%25").replace(":", "%3A") for part in (first, *rest))


def cache_key_prefix(first: str, *rest: str) -> str:
    """What every key starts with whose first parts are these, and that has more parts; no other key does."""
    return cache_key(first, *rest) + ":"
