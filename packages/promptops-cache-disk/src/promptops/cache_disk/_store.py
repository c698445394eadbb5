"""The disk cache as blocking code: every method works on files in the calling thread."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from promptops.cache import CacheMisconfigured, CacheUnavailable
from promptops.cache_disk._files import Foreign, open_ours, read_ours, replace
from promptops.cache_disk._flight import Flight
from promptops.cache_disk._folder import Folder, default_directory
from promptops.cache_disk._format import HEAD_SIZE, decode, encode, entry_name, folder_mark, stored_key
from promptops.cache_disk._room import Room
from promptops.cache_disk._stats import DiskEntry, DiskStats
from promptops.cache_disk._sweep import is_entry
from promptops.cache_disk._usage import BLOCK, footprint

__all__ = ["DEFAULT_MAX_AGE", "DEFAULT_MAX_BYTES", "DiskStore"]

DEFAULT_MAX_BYTES: Final = 64 * 1024 * 1024
DEFAULT_MAX_AGE: Final = 30 * 86400.0
_LARGEST_SHARE: Final = 8
_REST: Final = 30.0
_NEVER: Final = float("inf")


class DiskStore:
    """Bytes under text keys in a folder that several processes share; see :class:`~promptops.cache_disk.DiskCache`.

    It keeps nothing open and holds no lock between calls, so threads and forked children use one object as they like.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        namespace: bytes | str,
        max_bytes: int = DEFAULT_MAX_BYTES,
        max_age: float = DEFAULT_MAX_AGE,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if not max_bytes >= 0:
            raise CacheMisconfigured(f"max_bytes: must not be negative, got {max_bytes!r}")
        if not max_age > 0:
            raise CacheMisconfigured(f"max_age: must be a number of seconds above 0, got {max_age!r}")
        self.max_bytes = max_bytes
        self.max_age = max_age
        self._namespace = _encoded(namespace) if isinstance(namespace, str) else namespace
        self._folder = Folder(Path(directory).absolute() if directory is not None else default_directory())
        self._folder.check()
        self._room = Room(self._folder, max_bytes=max_bytes, max_age=max_age, clock=clock)
        self._clock = clock
        self._monotonic = monotonic
        self._limit = max(max_bytes, BLOCK) * 2  # of what is read: more than is ever written, with keys of any size
        self._resting_until = -_NEVER
        self._gone: dict[str, None] = {}
        self._hits = self._misses = 0
        self._corrupt = self._refused = self._skipped = self._errors = 0

    @property
    def directory(self) -> Path:
        """Where it keeps its files."""
        return self._folder.path

    def get(self, key: str) -> bytes | None:
        """The value, or None when it is absent or expired. It never raises."""
        entry = self._find(key)
        if entry is None or entry.expired:
            self._misses += 1
            return None
        self._hits += 1
        return entry.value

    def read(self, key: str) -> DiskEntry | None:
        """The value with its age, expired or not; None when it is absent or older than ``max_age``. It never raises."""
        entry = self._find(key)
        if entry is None:
            self._misses += 1
        else:
            self._hits += 1
        return entry

    def write(self, key: str, value: bytes, *, ttl: float | None = None) -> bool:
        """Keep a value, replacing an earlier one; it is on the disk when this returns.

        Args:
            key: Any text.
            value: Any bytes; more than an eighth of ``max_bytes`` are refused, and an earlier value goes.
            ttl: Seconds until it expires; None means never; zero or less means that nothing is kept.

        Returns:
            Whether it was kept. After a failure nothing is written for 30 s, and earlier values stay.

        Raises:
            CacheUnavailable: The disk takes no writes; raised once, then again by the first try after the rest.
        """
        if ttl is not None and not ttl > 0:
            self.remove(key)
            return False
        if len(value) > self.max_bytes // _LARGEST_SHARE:
            self._refused += 1
            self.remove(key)
            return False
        if self._monotonic() < self._resting_until:
            self._skipped += 1
            return False
        try:
            self._put(_encoded(key), value, _NEVER if ttl is None else ttl)
        except CacheMisconfigured:
            self._rest()
            raise
        except IsADirectoryError:  # somebody put a folder in the place of this one entry
            self._refused += 1
            return False
        except OSError as error:
            self._rest()
            raise CacheUnavailable(
                f"The disk cache cannot write to {self.directory} ({_reason(error)}). "
                f"Make room or grant access; reads go on, and writes are tried again in {_REST:.0f} s."
            ) from error
        return True

    def remove(self, key: str) -> None:
        """Remove a value; a key that is not there is fine.

        Raises:
            CacheUnavailable: The disk refused; this object does not serve the value any more, other processes may.
        """
        self._drop([entry_name(self._namespace, _encoded(key))])

    def clear(self, prefix: str = "") -> None:
        """Remove every value of this namespace whose key starts with ``prefix``; reads the head of each of its entries.

        Raises:
            CacheUnavailable: As :meth:`remove`, after everything else was removed.
        """
        mark = folder_mark(self._namespace)
        try:
            with os.scandir(self._folder.entries) as found:
                names = [item.name for item in found if item.name.startswith(mark) and is_entry(item.name)]
        except FileNotFoundError:
            return
        except OSError as error:
            raise CacheUnavailable(f"The disk cache cannot list {self.directory} ({_reason(error)}).") from error
        start = _encoded(prefix)
        self._drop([name for name in names if not start or self._starts(name, start)])

    def flight(self, key: str) -> Flight:
        """A turn at a key among all processes; acquire it, and release it in any case."""
        name = entry_name(self._namespace, _encoded(key))
        return Flight(f"{self._folder.locks}/{name}", self._folder.prepare)

    @contextmanager
    def single_flight(self, key: str, *, timeout: float) -> Generator[bool, None, None]:
        """Wait until nobody else, in this process or another, is within such a block for ``key``.

        Read again inside: whoever was there first has probably written the value. A process that dies gives its turn
        up at once; one that hangs costs the others ``timeout`` seconds, and then they go for themselves.

        Yields:
            Whether the turn is yours; False when the time is up, or when no lock can be had (a platform without
            ``flock``, a disk that takes no files).
        """
        flight = self.flight(key)
        try:
            yield flight.acquire(timeout)
        finally:
            flight.release()

    def sweep(self) -> bool:
        """Remove what is beyond the bounds now; False when another process is at it.

        Raises:
            CacheUnavailable: The folder cannot be read or changed.
        """
        try:
            return self._room.sweep()
        except OSError as error:
            raise CacheUnavailable(f"The disk cache cannot tidy {self.directory} ({_reason(error)}).") from error

    def stats(self) -> DiskStats:
        """What was counted so far, without looking at the disk."""
        return DiskStats(
            level="disk",
            hits=self._hits,
            misses=self._misses,
            evictions=self._room.evictions,
            size=self._room.usage.entries,
            max_size=self.max_bytes // BLOCK,
            memory_usage=self._room.usage.size,
            corrupt=self._corrupt,
            refused=self._refused,
            skipped=self._skipped,
            errors=self._errors + self._room.errors,
            max_bytes=self.max_bytes,
        )

    def measure(self) -> DiskStats:
        """The same after counting the entries of the folder, which takes as long as there are many.

        Raises:
            CacheUnavailable: The folder cannot be read.
        """
        try:
            self._room.measure()
        except OSError as error:
            raise CacheUnavailable(f"The disk cache cannot list {self.directory} ({_reason(error)}).") from error
        return self.stats()

    def _find(self, key: str) -> DiskEntry | None:
        stored = _encoded(key)
        name = entry_name(self._namespace, stored)
        if name in self._gone:
            return None
        now = self._clock()
        try:
            data = read_ours(self._folder.entry(name), limit=self._limit + len(stored), now=now)
        except FileNotFoundError:
            return None
        except Foreign:
            self._corrupt += 1
            return None
        except OSError:
            self._errors += 1
            return None
        secret = self._folder.secret_to_read()
        decoded = None if secret is None else decode(secret, self._namespace, stored, data)
        if decoded is None and (newer := self._folder.secret_now()) is not None and newer != secret:
            decoded = decode(newer, self._namespace, stored, data)
        if decoded is None:
            self._corrupt += 1
            return None
        value, written, ttl = decoded
        age = now - written if now >= written else None
        if age is not None and age > self.max_age:
            return None
        expired = ttl != _NEVER and (age is None or age >= ttl)
        return DiskEntry(value=value, written=written, age=age, expired=expired)

    def _put(self, key: bytes, value: bytes, ttl: float) -> None:
        name = entry_name(self._namespace, key)
        path = self._folder.entry(name)
        for again in (True, False):
            now = self._clock()
            data = encode(self._folder.secret_to_write(), self._namespace, key, value, written=now, ttl=ttl)
            before = _footprint_of(path)
            try:
                replace(path, data, temporary=self._folder.scratch(), when=now)
                break
            except FileNotFoundError:
                if not again:
                    raise
                self._folder.prepare()  # somebody removed the folder, or a part of it, since it was made
        self._gone.pop(name, None)
        self._room.added(footprint(len(data)) - before, 0 if before else 1)

    def _drop(self, names: list[str]) -> None:
        freed = removed = 0
        failure: OSError | None = None
        for name in names:
            path = self._folder.entry(name)
            size = _footprint_of(path)
            try:
                Path(path).unlink()
            except FileNotFoundError:
                self._gone.pop(name, None)
            except OSError as error:
                failure = error
                self._gone[name] = None
            else:
                self._gone.pop(name, None)
                freed += size
                removed += 1
        if removed:
            self._room.removed(freed, removed)
        if failure is not None:
            raise CacheUnavailable(
                f"The disk cache cannot remove a value from {self.directory} ({_reason(failure)}). Grant access to it; "
                "until then other processes may serve that value."
            ) from failure

    def _starts(self, name: str, prefix: bytes) -> bool:
        try:
            descriptor, _ = open_ours(self._folder.entry(name), limit=self._limit * 2)
        except (OSError, Foreign):
            return False
        try:
            size = stored_key(self._namespace, os.read(descriptor, HEAD_SIZE))
            return size is not None and size >= len(prefix) and os.read(descriptor, len(prefix)) == prefix
        except OSError:
            return False
        finally:
            os.close(descriptor)

    def _rest(self) -> None:
        self._resting_until = self._monotonic() + _REST


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _footprint_of(path: str) -> int:
    try:
        return footprint(os.lstat(path).st_size)
    except OSError:
        return 0


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
