"""Values in Redis or Valkey, for all processes that use the same server: the blocking core of the cache."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from time import monotonic
from typing import Final

from promptops.cache import CacheMisconfigured, CacheUnavailable
from promptops.cache_redis._keyspace import Keyspace
from promptops.cache_redis._link import Commands, Link
from promptops.cache_redis._url import parse

__all__ = ["DEFAULT_PREFIX", "RedisStore"]

DEFAULT_PREFIX: Final = "promptops:"
_SCAN: Final = 1000
_FOREVER: Final = 10 * 366 * 86_400.0


class RedisStore:
    """The cache for blocking code; arguments and behaviour as for :class:`~promptops.cache_redis.RedisCache`.

    One object serves all threads, and every process that a fork makes.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str = DEFAULT_PREFIX,
        timeout: float = 0.3,
        connect_timeout: float = 0.25,
        max_value_bytes: int = 4 * 1024 * 1024,
        max_connections: int = 20,
        clear_timeout: float = 30.0,
    ) -> None:
        numbers = {
            "timeout": timeout,
            "connect_timeout": connect_timeout,
            "max_value_bytes": max_value_bytes,
            "max_connections": max_connections,
            "clear_timeout": clear_timeout,
        }
        for name, number in numbers.items():
            if not number > 0:
                raise CacheMisconfigured(f"{name}: must be more than 0, got {number!r}")
        self._link = Link(parse(url), timeout=timeout, connect_timeout=connect_timeout, max_connections=max_connections)
        self._prefix = prefix
        self._keys = Keyspace(prefix)
        self._max_value_bytes = max_value_bytes
        self._clear_timeout = clear_timeout

    def __repr__(self) -> str:
        return f"RedisStore({self._link.shown!r}, prefix={self._prefix!r})"

    @property
    def available(self) -> bool:
        """Whether the next call would be attempted; False while the server is down, and after the close."""
        return self._link.available

    def read(self, key: str) -> bytes | None:
        """The value, or None when it is absent or expired; an empty value is a value.

        Raises:
            CacheUnavailable: The server did not answer, or did not a moment ago.
        """
        name = self._keys.key(key)
        return self._link.call(lambda redis: redis.get(name))

    def read_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Those of the values that are there, by key; one round trip. Errors as for :meth:`read`."""
        wanted = list(dict.fromkeys(keys))
        if not wanted:
            return {}
        names = [self._keys.key(key) for key in wanted]
        found = self._link.call(lambda redis: redis.mget(names))
        return {key: value for key, value in zip(wanted, found, strict=True) if value is not None}

    def write(self, key: str, value: bytes, *, ttl: float | None = None) -> None:
        """Keep a value for ``ttl`` seconds (None: for ever), replacing an earlier one and its expiry.

        Time counts in milliseconds. A value beyond ``max_value_bytes`` is not kept, nor is an earlier one. Errors as
        for :meth:`read`.
        """
        self.write_many({key: value}, ttl=ttl)

    def write_many(self, values: Mapping[str, bytes], *, ttl: float | None = None) -> None:
        """Keep values as :meth:`write` does; one round trip."""
        if not values:
            return
        keep = ttl is None or ttl > 0
        px = None if ttl is None or not keep or ttl > _FOREVER else max(1, round(ttl * 1000))
        kept = {self._keys.key(key): value for key, value in values.items() if keep and self._fits(value)}
        gone = [self._keys.key(key) for key, value in values.items() if not (keep and self._fits(value))]

        def send(redis: Commands) -> None:
            if len(kept) == 1 and not gone:
                for name, value in kept.items():
                    redis.set(name, value, px=px)
                return
            pipeline = redis.pipeline(transaction=False)
            for name, value in kept.items():
                pipeline.set(name, value, px=px)
            if gone:
                pipeline.unlink(*gone)
            pipeline.execute()

        self._link.call(send)

    def remove(self, key: str) -> None:
        """Remove a value; a key that is not there is fine. Errors as for :meth:`read`."""
        name = self._keys.key(key)
        self._link.call(lambda redis: redis.unlink(name))

    def wipe(self, prefix: str = "") -> None:
        """Remove every value of this cache whose key starts with ``prefix``, taken literally; nothing else is touched.

        Raises:
            CacheUnavailable: The server did not answer, or ``clear_timeout`` was not enough.
        """
        start, pattern = self._keys.key(prefix), self._keys.pattern(prefix)
        until = monotonic() + self._clear_timeout
        cursor = 0
        while True:
            cursor = self._link.call(partial(_wipe_some, cursor=cursor, start=start, pattern=pattern))
            if not cursor:
                return
            if monotonic() >= until:
                raise CacheUnavailable(
                    f"Redis at {self._link.shown} holds too many keys to clear within {self._clear_timeout:g} s; what"
                    " was found so far is gone. Use a server or database of its own, or raise clear_timeout."
                )

    def count(self) -> int:
        """How many values this cache holds, by a look at all keys of the database. Errors as for :meth:`read`."""
        start, pattern = self._keys.key(""), self._keys.pattern("")
        cursor, counted = 0, 0
        while True:
            cursor, found = self._link.call(partial(_look, cursor=cursor, pattern=pattern))
            counted += sum(name.startswith(start) for name in found)
            if not cursor:
                return counted

    def close(self) -> None:
        """Close every connection, without waiting for anything; safe to call twice."""
        self._link.close()

    def _fits(self, value: bytes) -> bool:
        return len(value) <= self._max_value_bytes


def _look(redis: Commands, *, cursor: int, pattern: bytes) -> tuple[int, list[bytes]]:
    return redis.scan(cursor, match=pattern, count=_SCAN)


def _wipe_some(redis: Commands, *, cursor: int, start: bytes, pattern: bytes) -> int:
    following, found = redis.scan(cursor, match=pattern, count=_SCAN)
    names = [name for name in found if name.startswith(start)]
    if names:
        redis.unlink(*names)
    return following
