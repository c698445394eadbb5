"""What the disk cache hands out besides bytes: an entry with its age, and what was counted."""

from __future__ import annotations

import msgspec
from promptops.cache import CacheStats

__all__ = ["DiskEntry", "DiskStats"]


class DiskEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A value with what is known of its time.

    Attributes:
        value: The bytes that were written.
        written: Seconds since 1970, by the wall clock of the process that wrote it.
        age: Seconds since then; None when the entry is dated in the future, so that nobody can tell.
        expired: Whether its ttl has passed, or, when the age is unknown and there is a ttl, may have.
    """

    value: bytes
    written: float
    age: float | None
    expired: bool


class DiskStats(CacheStats, frozen=True, kw_only=True):
    """The counters of one store in this process; ``size`` and ``memory_usage`` are of the folder.

    The folder is shared, so its sums are as old as the last write of this process; ``measure()`` counts anew. Bytes
    are those of the blocks of 4 KiB that the entries take up.

    Attributes:
        corrupt: Reads that found something that was not a whole entry of ours: damaged, of another tenant, a link, of
            another owner or with other permissions.
        refused: Values that were too large to keep.
        skipped: Writes that were left out because the disk had failed shortly before.
        errors: System calls that failed otherwise; none of them reached a caller of a read.
        max_bytes: Most bytes.
    """

    corrupt: int = 0
    refused: int = 0
    skipped: int = 0
    errors: int = 0
    max_bytes: int = 0
