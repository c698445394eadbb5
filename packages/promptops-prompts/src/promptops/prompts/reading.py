"""What a read gives to callers who want to know where the prompt came from."""

from __future__ import annotations

from typing import Generic, Literal, TypeAlias, TypeVar

import msgspec

__all__ = ["PromptRead", "PromptSourceName"]

P = TypeVar("P")

PromptSourceName: TypeAlias = Literal["memory", "redis", "disk", "network", "bundle", "fallback"]


class PromptRead(msgspec.Struct, Generic[P], frozen=True, kw_only=True):
    """A prompt, and how it was come by.

    Attributes:
        prompt: The prompt; with ``source="fallback"`` what the caller gave instead.
        source: ``memory``, ``redis``, ``disk``, ``network`` (the server was asked, and may have said that nothing
            changed), ``bundle`` or ``fallback``.
        age: Seconds since the server last said that it is so; None when that is not known.
        stale: Whether it may be out of date: older than its ttl, out of the bundle, or the caller's own.
        cache_hit: Whether it came from a cache: memory, Redis or disk, fresh or stale.
    """

    prompt: P
    source: PromptSourceName
    age: float | None
    stale: bool
    cache_hit: bool
