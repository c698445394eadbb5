"""Values that stay, fresh or stale, until room is needed: what a read of a hot path looks up."""

from __future__ import annotations

import os
import time
from _thread import LockType, allocate_lock
from collections.abc import Callable, Hashable, Mapping
from typing import Generic, TypeVar

from promptops.cache._lru import DEFAULT_MAX_BYTES, DEFAULT_MAX_SIZE
from promptops.cache._stats import CacheStats

__all__ = ["Entry", "Shelf"]

K = TypeVar("K")
V = TypeVar("V")


class Entry(Generic[V]):
    """A value and when it was last known to be so; times are of the monotonic clock.

    Attributes:
        value: What callers get; all of them the same object.
        size: Its bytes.
        etag: What the origin calls this state of the value.
        confirmed: When the origin said that it is so; None when that was before this process, at an unknown time.
        fresh_until: Until when nobody needs to ask again.
        serve_until: Until when it is served without another thought: while it is fresh, and when it is stale, until the
            next refresh is due.
        failures: How many refreshes failed in a row.
        source: Where this process got it from.
        reads: How often it was read from here.
    """

    __slots__ = (
        "confirmed",
        "etag",
        "failures",
        "fresh_until",
        "kept",
        "reads",
        "seen",
        "serve_until",
        "size",
        "source",
        "value",
    )

    def __init__(
        self,
        value: V,
        *,
        size: int,
        confirmed: float | None,
        fresh_until: float,
        etag: str | None = None,
        source: str = "network",
    ) -> None:
        self.value = value
        self.size = size
        self.etag = etag
        self.confirmed = confirmed
        self.fresh_until = fresh_until
        self.serve_until = fresh_until
        self.source = source
        self.failures = 0
        self.reads = 0
        self.seen = 0
        self.kept = False


class Shelf(Generic[K, V]):
    """Entries by key, bounded in number and in bytes.

    A read is one look-up in :attr:`entries` and a comparison with the clock, with no lock and no reordering: it only
    counts in its entry, and whoever makes room takes the longest-kept entries that were not read since room was last
    made. Expiry removes nothing: a stale value is better than none.

    Args:
        max_size: Most entries; 0 keeps nothing.
        max_bytes: Most bytes, as the sizes of the entries add up; a larger value is not kept.
        clock: Seconds that never go back.
        split: Gives the group of a key and its short form within it, or None; see :meth:`group`.
    """

    def __init__(
        self,
        *,
        max_size: int = DEFAULT_MAX_SIZE,
        max_bytes: int = DEFAULT_MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
        split: Callable[[K], tuple[Hashable, Hashable] | None] | None = None,
    ) -> None:
        self.max_size = max_size
        self.max_bytes = max_bytes
        self.clock = clock
        self.entries: dict[K, Entry[V]] = {}
        self.misses = 0
        self._split = split
        self._groups: dict[Hashable, dict[Hashable, Entry[V]]] = {}
        self._gone = 0
        self._bytes = 0
        self._evictions = 0
        self._pid = os.getpid()
        self._write = allocate_lock()

    def group(self, name: Hashable) -> Mapping[Hashable, Entry[V]]:
        """A view of the entries of one group, by the short form of their keys: the cheapest look-up there is."""
        with self._writer():
            return self._groups.setdefault(name, {})

    def peek(self, key: K) -> V | None:
        """The value if it is here and fresh, or None."""
        entry = self.entries.get(key)
        if entry is None or self.clock() >= entry.fresh_until:
            self.misses += 1
            return None
        entry.reads += 1
        return entry.value

    def find(self, key: K) -> Entry[V] | None:
        """The entry, fresh or stale; it counts as no read."""
        return self.entries.get(key)

    def put(self, key: K, entry: Entry[V]) -> None:
        """Keep an entry in the place of an earlier one."""
        with self._writer():
            before = self.entries.get(key)
            self._remove(key)
            # What it was read is counted already; one that takes the place of a used one is not the first to go.
            entry.reads, entry.seen = 0, -1 if before is not None and before.reads != before.seen else 0
            if self.max_size > 0 and entry.size <= self.max_bytes:
                self.entries[key] = entry
                entry.kept = True
                self._bytes += entry.size
                if (short := self._short(key)) is not None:
                    self._groups.setdefault(short[0], {})[short[1]] = entry
                self._make_room()

    def discard(self, key: K) -> None:
        """Remove an entry; a key that is not there is fine."""
        with self._writer():
            self._remove(key)

    def discard_where(self, condition: Callable[[K, V], bool]) -> None:
        """Remove every entry for which the condition holds; it must not use this shelf."""
        with self._writer():
            for key in [key for key, entry in self.entries.items() if condition(key, entry.value)]:
                self._remove(key)

    def select(self, condition: Callable[[K, V], bool]) -> list[tuple[K, V]]:
        """Keys and values for which the condition holds."""
        with self._writer():
            return [(key, entry.value) for key, entry in self.entries.items() if condition(key, entry.value)]

    def resize(self, *, max_size: int, max_bytes: int) -> None:
        """Other limits from now on; what no longer fits goes, and the counters stay."""
        with self._writer():
            self.max_size = max_size
            self.max_bytes = max_bytes
            self._make_room()

    def clear(self) -> None:
        """Remove everything; the counters stay."""
        with self._writer():
            for key in list(self.entries):
                self._remove(key)

    def stats(self, level: str = "memory") -> CacheStats:
        """What was counted so far."""
        with self._writer():
            return CacheStats(
                level=level,
                hits=self._gone + sum(entry.reads for entry in self.entries.values()),
                misses=self.misses,
                evictions=self._evictions,
                size=len(self.entries),
                max_size=self.max_size,
                memory_usage=self._bytes,
            )

    def __len__(self) -> int:
        return len(self.entries)

    def _make_room(self) -> None:
        while len(self.entries) > self.max_size or self._bytes > self.max_bytes:
            key = next(iter(self.entries))
            entry = self.entries[key]
            if entry.reads != entry.seen and len(self.entries) > 1:
                entry.seen = entry.reads  # it was used: to the end of the queue, once
                del self.entries[key]
                self.entries[key] = entry
                continue
            self._remove(key)
            self._evictions += 1

    def _remove(self, key: K) -> None:
        entry = self.entries.pop(key, None)
        if (short := self._short(key)) is not None:
            self._groups.get(short[0], {}).pop(short[1], None)
        if entry is not None and entry.kept:
            entry.kept = False
            self._bytes -= entry.size
            self._gone += entry.reads

    def _short(self, key: K) -> tuple[Hashable, Hashable] | None:
        return None if self._split is None else self._split(key)

    def _writer(self) -> LockType:
        if self._pid != os.getpid():
            # Another thread may have been writing when this process was forked: its lock would never be released, and
            # its sum may be half done.
            self._write = allocate_lock()
            self._bytes = sum(entry.size for entry in self.entries.values())
            self._pid = os.getpid()
        return self._write
