"""Locks between processes: the system lets go of them when their holder dies, and forked children never keep them."""

from __future__ import annotations

import os
import sys
import time
from _thread import allocate_lock
from collections.abc import Callable
from typing import Final

__all__ = ["LOCKS_WORK", "FileLock", "keep_trying", "longer"]

_LONGEST_PAUSE: Final = 0.02
_OPEN: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)

_opened: dict[int, object] = {}
"""Descriptors of locks and the lock that opened each."""


def longer(pause: float) -> float:
    """Seconds until the next try, after one of ``pause``; start with 0."""
    return min(_LONGEST_PAUSE, pause * 2.0) or 0.001


def keep_trying(attempt: Callable[[], bool], timeout: float, *, hopeless: Callable[[], bool]) -> bool:
    """Try until it succeeds, ``timeout`` seconds have passed, or it is hopeless; whether it succeeded.

    The system's locks wait for ever or not at all, so a wait with an end is tries with pauses between them.
    """
    deadline = time.monotonic() + timeout
    pause = 0.0
    while not attempt():
        pause = min(longer(pause), deadline - time.monotonic())
        if pause <= 0.0 or hopeless():
            return False
        time.sleep(pause)
    return True


class FileLock:
    """One turn at a lock file; it is taken at most once, and a released one stays released.

    Whoever holds the lock may end its turn by unlinking the file: those who had it open notice and open a new one.

    Args:
        path: The file; it is made when it is missing, its folder is not.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._guard = allocate_lock()
        self._pid = os.getpid()
        self.released = False
        """Whether it was let go."""
        self.descriptor: int | None = None
        """The open file while the lock is held."""

    def try_acquire(self) -> bool:
        """Take the lock if it is free, without waiting.

        Raises:
            OSError: The file cannot be opened or locked here.
        """
        with self._guard:
            while self.descriptor is None and not self.released:
                descriptor = os.open(self._path, _OPEN, 0o600)
                _opened[descriptor] = self
                try:
                    taken = _lock(descriptor)
                    if taken and os.fstat(descriptor).st_nlink > 0:
                        self.descriptor = descriptor
                    elif not taken:
                        return False
                finally:
                    if self.descriptor is None:
                        self._close(descriptor)
            return self.descriptor is not None

    def acquire(self, *, timeout: float) -> bool:
        """Take the lock, waiting up to ``timeout`` seconds; False when the time is up. It raises as ``try_acquire``."""
        return keep_trying(self.try_acquire, timeout, hopeless=lambda: self.released)

    def release(self) -> None:
        """Let go without waiting; safe to call twice, and in a forked child, where the parent's lock stays."""
        with self._guard:
            self.released = True
            descriptor, self.descriptor = self.descriptor, None
            if descriptor is not None and _opened.get(descriptor) is self:
                if self._pid == os.getpid():
                    _unlock(descriptor)  # closing is not enough: a forked child may have the same open file
                self._close(descriptor)

    @staticmethod
    def _close(descriptor: int) -> None:
        _opened.pop(descriptor, None)
        os.close(descriptor)


def _close_inherited() -> None:
    """In a forked child: without this, the parent's locks would stay taken for as long as the child lives."""
    for descriptor in list(_opened):
        os.close(descriptor)
    _opened.clear()


if sys.platform == "win32":
    LOCKS_WORK: Final = False
    """Whether this platform has locks that end with their holder."""

    def _lock(descriptor: int) -> bool:
        raise OSError(f"descriptor {descriptor}: this platform has no flock")

    def _unlock(descriptor: int) -> None:
        raise OSError(f"descriptor {descriptor}: this platform has no flock")

else:
    import fcntl

    LOCKS_WORK: Final = True
    """Whether this platform has locks that end with their holder."""

    def _lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)

    os.register_at_fork(after_in_child=_close_inherited)
