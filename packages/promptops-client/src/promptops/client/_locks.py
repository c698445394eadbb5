"""A lock that a forked child finds free, whoever held it in the parent."""

from __future__ import annotations

import os
from _thread import LockType, allocate_lock

__all__ = ["ForkLock"]


class ForkLock:
    """One lock for each process; a child has neither the thread that held the parent's nor a way to release it."""

    __slots__ = ("_lock", "_pid")

    def __init__(self) -> None:
        self._lock = allocate_lock()
        self._pid = os.getpid()

    def here(self) -> LockType:
        """The lock of this process."""
        if self._pid != os.getpid():
            self._lock = allocate_lock()
            self._pid = os.getpid()
        return self._lock
