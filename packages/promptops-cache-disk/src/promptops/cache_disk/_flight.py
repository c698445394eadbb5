"""Single flight between processes: of all who want one key, one goes and the others wait for what it brings."""

from __future__ import annotations

from collections.abc import Callable

from promptops.cache import CacheUnavailable
from promptops.cache_disk._locks import FileLock, keep_trying

__all__ = ["Flight"]


class Flight:
    """One caller's turn at one key. It is taken at most once; release it in any case.

    Args:
        path: The lock file of the key.
        prepare: Makes the folder of the lock files.
    """

    def __init__(self, path: str, prepare: Callable[[], object]) -> None:
        self._lock = FileLock(path)
        self._prepare = prepare
        self.possible = True
        """False when no lock can be had here: the platform has none, or the disk takes no files."""

    def try_acquire(self) -> bool:
        """Take the turn if nobody else has it, without waiting."""
        try:
            try:
                return self._lock.try_acquire()
            except FileNotFoundError:
                self._prepare()
                return self._lock.try_acquire()
        except (OSError, CacheUnavailable):
            self.possible = False
            return False

    def acquire(self, timeout: float) -> bool:
        """Wait for the turn, at most ``timeout`` seconds.

        Returns:
            Whether it is yours. False when the time is up or when no lock can be had: then go for yourself.
        """
        return keep_trying(self.try_acquire, timeout, hopeless=lambda: not self.possible or self._lock.released)

    def release(self) -> None:
        """End the turn; safe to call twice, never waits, and what was not taken yet cannot be taken any more."""
        self._lock.release()
