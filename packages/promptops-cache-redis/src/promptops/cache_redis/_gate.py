"""Decides whether a server that did not answer may be asked again."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

__all__ = ["Gate", "probe_delay"]

_RELAPSE: Final = 5.0


def probe_delay(outage: float) -> float:
    """Seconds until the next probe of a server that has been away for ``outage`` seconds.

    A tenth of the outage, so that a server that is back is used again after at most about a tenth more; never more than
    one probe a second, never less than one in 30 s.
    """
    return min(max(outage / 10.0, 1.0), 30.0)


class Gate:
    """Open until one attempt fails; then closed until a probe succeeds.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._round = 0
        self._closed = False
        self._since = 0.0
        self._back = float("-inf")

    def enter(self) -> int | None:
        """A ticket for one attempt, or None while nothing is to be attempted."""
        return None if self._closed else self._round

    def fail(self, ticket: int) -> bool:
        """An attempt failed; True when that closed the gate, so that somebody has to probe."""
        with self._lock:
            if self._closed or ticket != self._round:  # known already, or from before the last recovery
                return False
            self._closed = True
            now = self._clock()
            if now - self._back > _RELAPSE:  # else it was back for a moment only, and the same outage goes on
                self._since = now
            return True

    def reopen(self) -> None:
        """A probe succeeded."""
        with self._lock:
            self._closed = False
            self._round += 1
            self._back = self._clock()

    def pause(self) -> float:
        """Seconds until the next probe."""
        return probe_delay(self._clock() - self._since)
