"""Time as the runtimes see it, so that tests can bring their own."""

from __future__ import annotations

import time
from typing import Final, Protocol

__all__ = ["SYSTEM_CLOCK", "Clock", "SystemClock"]


class Clock(Protocol):
    """A source of time; all values in seconds."""

    def monotonic(self) -> float:
        """A point in time that never goes back, for deadlines and waits."""
        ...

    def time(self) -> float:
        """Seconds since 1970 in UTC, for dates on the wire."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The clock of this machine."""

    def monotonic(self) -> float:
        """Read the monotonic clock."""
        return time.monotonic()

    def time(self) -> float:
        """Read the wall clock."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Block the calling thread."""
        time.sleep(seconds)


SYSTEM_CLOCK: Final = SystemClock()
