"""Names that were found missing just now: asking for them again costs nothing for a moment."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from copy import copy
from typing import Generic, TypeVar

from promptops.cache._freshness import Freshness

__all__ = ["Misses"]

K = TypeVar("K", bound=Hashable)


class Misses(Generic[K]):
    """The errors that said "there is none", each for about five seconds; the oldest go when there are too many."""

    def __init__(self, freshness: Freshness, *, clock: Callable[[], float]) -> None:
        self.freshness = freshness
        """Replaced as a whole when the configuration changes."""
        self._now = clock
        self._known: dict[K, tuple[float, Exception]] = {}

    def check(self, key: K) -> None:
        """Raise the error again, if it is of just now."""
        known = self._known.get(key)
        if known is None:
            return
        until, error = known
        if self._now() < until:
            raise copy(error).with_traceback(None)  # a copy: many threads may be raising it at once
        self._known.pop(key, None)

    def remember(self, key: K, error: Exception, fraction: float) -> None:
        """Keep an error for about five seconds; ``fraction`` is random in 0..1."""
        self._known.pop(key, None)
        if self.freshness.most_negative <= 0:
            return
        while len(self._known) >= self.freshness.most_negative:
            try:
                del self._known[next(iter(self._known))]
            except (KeyError, StopIteration, RuntimeError):  # another thread makes room at the same time
                break
        self._known[key] = (self._now() + self.freshness.negative_lifetime(fraction), error)

    def forget(self, key: K) -> None:
        """It exists now."""
        self._known.pop(key, None)

    def forget_where(self, condition: Callable[[K], bool]) -> None:
        """Those for which the condition holds may exist now."""
        for key in [key for key in tuple(self._known) if condition(key)]:
            self._known.pop(key, None)

    def clear(self) -> None:
        """Forget all of them."""
        self._known.clear()

    def __len__(self) -> int:
        return len(self._known)
