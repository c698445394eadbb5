"""How much of its room a folder uses, as far as this process knows, and when to make room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from promptops.cache_disk._folder import Folder
from promptops.cache_disk._locks import LOCKS_WORK, FileLock
from promptops.cache_disk._sweep import measure, sweep
from promptops.cache_disk._usage import Usage, UsageFile

__all__ = ["Room"]

_UNCOUNTED_SHARE: Final = 4
_COUNT_EVERY: Final = 3600.0


class Room:
    """The bounds of a folder. Writers note what they add; few of them have to count the entries.

    Args:
        folder: Which folder.
        max_bytes: Most bytes.
        max_age: Seconds that an entry may stay.
        clock: Seconds since 1970.
    """

    def __init__(self, folder: Folder, *, max_bytes: int, max_age: float, clock: Callable[[], float]) -> None:
        self.max_bytes = max_bytes
        self.max_age = max_age
        self.usage = Usage(0, 0, 0.0)
        """What the folder holds, as last heard."""
        self.evictions = 0
        self.errors = 0
        self._folder = folder
        self._clock = clock
        self._shared = UsageFile(folder.usage)
        self._uncounted = 0

    def added(self, size: int, entries: int) -> None:
        """Note a write, and make room when it is due; a failure of that is counted, the next write tries again."""
        usage = self._note(size, entries)
        self._uncounted += max(0, size)
        full = self.usage.size > self.max_bytes or self._uncounted > self.max_bytes // _UNCOUNTED_SHARE
        if full or not -_COUNT_EVERY <= self._clock() - self.usage.counted <= _COUNT_EVERY:
            try:
                self._sweep(usage)
            except OSError:
                self.errors += 1

    def removed(self, size: int, entries: int) -> None:
        """Note a removal."""
        self._note(-size, -entries)

    def sweep(self) -> bool:
        """Make room now; False when another process is at it.

        Raises:
            OSError: The folder cannot be read or changed.
        """
        return self._sweep(self._shared.add(0, 0))

    def measure(self) -> None:
        """Count the entries; errors as for :meth:`sweep`."""
        self.usage = measure(self._folder, self._clock())

    def _note(self, size: int, entries: int) -> Usage | None:
        usage = self._shared.add(size, entries)
        if usage is not None:
            self.usage = usage
        return usage

    def _sweep(self, before: Usage | None) -> bool:
        lock = FileLock(self._folder.sweeping)
        try:
            if LOCKS_WORK and not lock.try_acquire():
                return False
            counted, evicted = sweep(self._folder, max_bytes=self.max_bytes, max_age=self.max_age, now=self._clock())
            self.evictions += evicted
            self._uncounted = 0
            self.usage = self._shared.correct(before, counted) or counted
        except FileNotFoundError:  # nothing was ever written here
            return True
        finally:
            lock.release()
        return True
