"""A bounded mapping that forgets what was used longest ago, and what has expired."""

from __future__ import annotations

import os
import time
from _thread import LockType, allocate_lock  # as functools does: a lock needs no import of threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from promptops.cache._stats import CacheStats

__all__ = ["DEFAULT_MAX_BYTES", "DEFAULT_MAX_SIZE", "Lru"]

K = TypeVar("K")
V = TypeVar("V")

DEFAULT_MAX_SIZE = 1000
DEFAULT_MAX_BYTES = 64 * 1024 * 1024


class _Entry(Generic[V]):
    __slots__ = ("expires", "size", "value")

    def __init__(self, value: V, size: int, expires: float | None) -> None:
        self.value = value
        self.size = size
        self.expires = expires


class Lru(Generic[K, V]):
    """Values of any kind, bounded in number and in bytes.

    It never waits, so both facades read it directly. Values are handed out as they are: keep only what nobody changes.
    Reading takes no lock (each step on the dictionary is atomic), writing takes one; a forked child gets a new one.

    Args:
        max_size: Most entries; 0 keeps nothing.
        max_bytes: Most bytes, as the sizes given to :meth:`put` add up; a larger value is not kept.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        *,
        max_size: int = DEFAULT_MAX_SIZE,
        max_bytes: int = DEFAULT_MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_size = max_size
        self.max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._bytes = 0
        self._hits = 0
        self._misses = 0
        self._evictions = 0
        self._pid = os.getpid()
        self._write = allocate_lock()

    def peek(self, key: K) -> V | None:
        """The value, or None when it is absent or expired. It counts as used."""
        entry = self._entries.get(key)
        if entry is None:
            self._misses += 1
            return None
        expires = entry.expires
        if expires is not None and self._clock() >= expires:
            self._misses += 1
            self._drop_expired(key, entry)
            return None
        try:  # noqa: SIM105 - suppress() costs more than the rest of this method
            self._entries.move_to_end(key)
        except KeyError:  # another thread removed it just now; the value was right when it was asked for
            pass
        self._hits += 1
        return entry.value

    def put(self, key: K, value: V, *, size: int, ttl: float | None = None) -> None:
        """Keep a value, replacing an earlier one and its expiry.

        Args:
            key: Any hashable.
            value: Anything but None.
            size: Its bytes, for the limit and the statistics.
            ttl: Seconds until it expires; None means never; zero or less means that nothing is kept.
        """
        keep = self.max_size > 0 and size <= self.max_bytes and (ttl is None or ttl > 0)
        expires = None if ttl is None else self._clock() + ttl
        with self._writer():
            self._remove(key)
            if not keep:
                return
            self._entries[key] = _Entry(value, size, expires)
            self._bytes += size
            self._make_room()

    def resize(self, *, max_size: int, max_bytes: int) -> None:
        """Other limits from now on; what no longer fits goes, the longest unused first, and the counters stay."""
        with self._writer():
            self.max_size = max_size
            self.max_bytes = max_bytes
            self._make_room()

    def discard(self, key: K) -> None:
        """Remove a value; a key that is not there is fine."""
        with self._writer():
            self._remove(key)

    def discard_where(self, condition: Callable[[K, V], bool]) -> None:
        """Remove every value for which the condition holds; the condition must not use this mapping."""
        with self._writer():
            for key in [key for key, entry in self._entries.items() if condition(key, entry.value)]:
                self._remove(key)

    def select(self, condition: Callable[[K, V], bool]) -> list[tuple[K, V]]:
        """Keys and values, expired ones included, for which the condition holds; it does not count as use."""
        with self._writer():
            return [(key, entry.value) for key, entry in self._entries.items() if condition(key, entry.value)]

    def clear(self) -> None:
        """Remove everything; the counters stay."""
        with self._writer():
            self._entries.clear()
            self._bytes = 0

    def stats(self, level: str = "memory") -> CacheStats:
        """What was counted so far."""
        with self._writer():
            return CacheStats(
                level=level,
                hits=self._hits,
                misses=self._misses,
                evictions=self._evictions,
                size=len(self._entries),
                max_size=self.max_size,
                memory_usage=self._bytes,
            )

    def __len__(self) -> int:
        return len(self._entries)

    def _make_room(self) -> None:
        while len(self._entries) > self.max_size or self._bytes > self.max_bytes:
            _, oldest = self._entries.popitem(last=False)
            self._bytes -= oldest.size
            self._evictions += 1

    def _remove(self, key: K) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size

    def _drop_expired(self, key: K, entry: _Entry[V]) -> None:
        with self._writer():
            if self._entries.get(key) is entry:
                self._remove(key)

    def _writer(self) -> LockType:
        if self._pid != os.getpid():
            # Another thread may have been writing when this process was forked: its lock would never be released,
            # and its sum may be half done.
            self._write = allocate_lock()
            self._bytes = sum(entry.size for entry in self._entries.values())
            self._pid = os.getpid()
        return self._write
