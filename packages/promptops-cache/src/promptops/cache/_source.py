"""What a policy reads through to, what that answers, and what its errors mean."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

import msgspec

__all__ = ["Answer", "Outcome", "Read", "Source"]

V = TypeVar("V")
K_contra = TypeVar("K_contra", contravariant=True)


class Answer(msgspec.Struct, Generic[V], frozen=True, kw_only=True):
    """What the origin said.

    Attributes:
        value: The value.
        body: Its bytes, as the shared tiers keep them.
        etag: What the origin calls this state.
    """

    value: V
    body: bytes
    etag: str | None = None


class Read(msgspec.Struct, Generic[V], frozen=True, kw_only=True):
    """A value and where it came from.

    Attributes:
        value: The value.
        source: ``memory``, the name of a tier (``redis``, ``disk``), or ``network``.
        age: Seconds since the origin last said that it is so; None when that is not known.
        stale: Whether it is older than its ttl.
    """

    value: V
    source: str
    age: float | None
    stale: bool


class Outcome:
    """What an error of the origin means for what is kept."""

    GONE = "gone"
    """It does not exist (any more): forget it, and remember that for a moment."""
    REFUSED = "refused"
    """The credentials are not accepted: keep what is there, and ask again much later."""
    FAILED = "failed"
    """The origin cannot be asked at the moment: keep what is there."""
    RAISED = "raised"
    """A fault of the caller: it is raised, whatever is there."""


class Source(Protocol[K_contra, V]):
    """What a policy reads through to."""

    def key(self, key: K_contra) -> str:
        """The key in the shared tiers."""
        ...

    def subject(self, key: K_contra) -> Hashable:
        """What it is about, as doubts name it."""
        ...

    def fixed(self, key: K_contra) -> bool:
        """Whether a value never changes once it is there."""
        ...

    def decode(self, key: K_contra, body: bytes) -> V:
        """The value of bytes that a shared tier kept; any exception means that they are of no use."""
        ...

    async def fetch(
        self, key: K_contra, etag: str | None, *, fresh: bool = False, timeout: float | None = None
    ) -> Answer[V] | None:
        """Ask the origin; None means that the state ``etag`` still holds.

        Args:
            key: Which one.
            etag: The state that is known already.
            fresh: Whether every cache on the way is to be passed by.
            timeout: Seconds that the caller set for it; None leaves it to the origin.
        """
        ...

    async def fetch_behind(self, key: K_contra, etag: str | None) -> Answer[V] | None:
        """The same from the background thread: one attempt, and never suspending."""
        ...

    def outcome(self, error: Exception) -> str:
        """What an error of :meth:`fetch` means, of :class:`Outcome`."""
        ...

    def warn(self, key: K_contra, error: Exception, age: float | None) -> None:
        """A stale value is served because of an error; called at most once in five minutes."""
        ...
