"""Locks between processes: files that the system lets go of when their holder dies."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import msgspec
from promptops.models import prepared

__all__ = ["FileLock", "Holder"]

_FIRST_PAUSE = 0.0005
_LONGEST_PAUSE = 0.02


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a lock; written into its file for those who are refused."""

    pid: int
    host: str
    since: str
    command: str


class FileLock:
    """A lock on a file; not re-entrant, and refused to a second holder within one process too.

    Args:
        path: The file; made when absent, private to the user, and never removed.
        signed: Whether the holder writes its :class:`Holder` into the file.
    """

    def __init__(self, path: Path, *, signed: bool = False) -> None:
        self._path = path
        self._signed = signed
        self._descriptor: int | None = None
        self._locked = False

    def acquire(self, *, timeout: float) -> bool:
        """Take the lock, waiting up to ``timeout`` seconds; False when another holder keeps it."""
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        pause = _FIRST_PAUSE
        deadline: float | None = None
        while not _try_lock(self._descriptor):
            now = time.monotonic()
            deadline = now + timeout if deadline is None else deadline
            if now >= deadline:
                return False
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        self._locked = True
        if self._signed:
            self._sign(self._descriptor)
        return True

    def release(self) -> None:
        """Let go and keep the file open for the next time; safe to call twice."""
        if self._locked and self._descriptor is not None:
            self._locked = False
            _unlock(self._descriptor)

    def close(self) -> None:
        """Let go and close the file; in a forked child this takes nothing from the parent. Safe to call twice."""
        descriptor, self._descriptor = self._descriptor, None
        self._locked = False
        if descriptor is not None:
            os.close(descriptor)

    def holder(self) -> Holder | None:
        """Return who signed the file last, or None when that cannot be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes()[1:], type=prepared(Holder))
        except (OSError, msgspec.DecodeError):
            return None

    def _sign(self, descriptor: int) -> None:
        import platform
        from datetime import UTC, datetime

        holder = Holder(
            pid=os.getpid(),
            host=platform.node(),
            since=datetime.now(UTC).isoformat(timespec="seconds"),
            # Arguments may hold secrets; the name of the program does not.
            command=Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python",
        )
        # The first byte is what Windows locks, so that others can read the rest.
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, b"\n" + msgspec.json.encode(holder))


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
