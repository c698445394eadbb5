"""The ``deadline()`` blocks that a piece of code has entered; each task and thread has its own."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["Deadlines", "entered"]


class _Scope:
    __slots__ = ("expires", "outer", "owner", "seconds")

    def __init__(self, owner: object, expires: float, seconds: float, outer: _Scope | None) -> None:
        self.owner = owner
        self.expires = expires
        self.seconds = seconds
        self.outer = outer


_SCOPE: ContextVar[_Scope | None] = ContextVar("promptops_deadline", default=None)
entered = _SCOPE.get
"""The innermost block of any runtime, or None: the one look that a call outside of all blocks pays for."""


class Deadlines:
    """The blocks of one runtime.

    Args:
        now: The monotonic clock.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    @contextmanager
    def enter(self, seconds: float) -> Generator[None, None, None]:
        """A block that ends ``seconds`` from now; blocks nest."""
        outer = _SCOPE.get()
        _SCOPE.set(_Scope(self, self._now() + seconds, seconds, outer))
        try:
            yield
        finally:
            _SCOPE.set(outer)

    def limit(self, deadline: float, seconds: float) -> tuple[float, float, bool]:
        """What counts for something that would end at ``deadline``, after ``seconds``.

        Returns:
            The earliest end, the length that belongs to it, and whether it is the given one.
        """
        own = True
        scope = _SCOPE.get()
        while scope is not None:
            if scope.owner is self and scope.expires < deadline:
                deadline, seconds, own = scope.expires, scope.seconds, False
            scope = scope.outer
        return deadline, seconds, own

    def remaining(self) -> float | None:
        """Seconds until the first block ends, at least 0, or None outside of all blocks."""
        expires, _, outside = self.limit(float("inf"), 0.0)
        return None if outside else max(0.0, expires - self._now())
