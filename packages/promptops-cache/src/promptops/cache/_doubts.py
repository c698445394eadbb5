"""What was said to have changed, and when: an older answer is not kept, and an older copy is not fresh."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final

__all__ = ["Doubts"]

_MOST: Final = 10_000
_NEVER: Final = -float("inf")


class Doubts:
    """The moments at which things were said to have changed; what is known longer than that has to be asked anew.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._now = clock
        self._serial = 0
        self._all = (0, _NEVER)
        self._some: dict[Hashable, tuple[int, float]] = {}

    @property
    def total(self) -> int:
        """Grows with every doubt."""
        return self._serial

    def cast(self, *subjects: Hashable) -> None:
        """Doubt what is known of these; without any, everything."""
        self._serial += 1
        mark = (self._serial, self._now())
        if not subjects or len(self._some) + len(subjects) > _MOST:
            self._all = mark
            self._some = {}
            return
        for subject in subjects:
            self._some[subject] = mark

    def count(self, subject: Hashable) -> int:
        """Another number after each doubt that concerns this subject: read it before asking, compare it after."""
        return max(self._all, self._some.get(subject, self._all))[0]

    def since(self, subject: Hashable) -> float:
        """Seconds since the last doubt that concerns this subject; infinite when there was none."""
        return self._now() - max(self._all[1], self._some.get(subject, self._all)[1])
