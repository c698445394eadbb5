"""The cache of PromptOps on disk, shared by the processes of a host."""

from promptops.cache_disk._cache import DiskCache, RunBlocking, Sleep
from promptops.cache_disk._flight import Flight
from promptops.cache_disk._stats import DiskEntry, DiskStats
from promptops.cache_disk._store import DEFAULT_MAX_AGE, DEFAULT_MAX_BYTES, DiskStore
from promptops.cache_disk._version import __version__

__all__ = [
    "DEFAULT_MAX_AGE",
    "DEFAULT_MAX_BYTES",
    "DiskCache",
    "DiskEntry",
    "DiskStats",
    "DiskStore",
    "Flight",
    "RunBlocking",
    "Sleep",
    "__version__",
]
