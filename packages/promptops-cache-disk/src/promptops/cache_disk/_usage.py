"""How full the folder is, as its processes add it up: one small file, so that no write has to count the entries."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Callable
from typing import Final, NamedTuple

from promptops.cache_disk._locks import FileLock

__all__ = ["BLOCK", "Usage", "UsageFile", "footprint"]

BLOCK: Final = 4096
_RECORD: Final = struct.Struct(">8sqqd")
_FORMAT: Final = b"POUSAGE\x01"
_WAIT: Final = 0.05


class Usage(NamedTuple):
    """What the folder holds: bytes, entries, and when (seconds since 1970) the entries were last counted."""

    size: int
    entries: int
    counted: float


def footprint(size: int) -> int:
    """The bytes of the blocks that a file of this size takes up."""
    return -(-size // BLOCK) * BLOCK


class UsageFile:
    """The shared sums. They may drift (a process that is killed between a write and its note); a sweep corrects them.

    Args:
        path: The file.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def add(self, size: int, entries: int) -> Usage | None:
        """Note that so much was added; the sums after that, or None when the file cannot be had."""
        return self._update(lambda usage: usage._replace(size=usage.size + size, entries=usage.entries + entries))

    def correct(self, before: Usage | None, counted: Usage) -> Usage | None:
        """Note what was counted, and what others have added since ``before``."""

        def corrected(usage: Usage) -> Usage:
            if before is None or before.counted != usage.counted:
                return counted
            return Usage(
                counted.size + usage.size - before.size,
                counted.entries + usage.entries - before.entries,
                counted.counted,
            )

        return self._update(corrected)

    def _update(self, change: Callable[[Usage], Usage]) -> Usage | None:
        if sys.platform == "win32":
            return None
        lock = FileLock(self._path)
        try:
            if not lock.acquire(timeout=_WAIT) or lock.descriptor is None:
                return None
            usage = change(_parse(os.pread(lock.descriptor, _RECORD.size, 0)))
            os.pwrite(lock.descriptor, _RECORD.pack(_FORMAT, *usage), 0)
        except (OSError, struct.error):
            return None
        else:
            return usage
        finally:
            lock.release()


def _parse(data: bytes) -> Usage:
    if len(data) == _RECORD.size:
        found, size, entries, counted = _RECORD.unpack(data)
        if found == _FORMAT and size >= 0 and entries >= 0:
            return Usage(size, entries, counted)
    return Usage(0, 0, 0.0)  # as if it was never counted
