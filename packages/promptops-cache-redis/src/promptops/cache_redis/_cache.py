"""The cache backend that keeps its values in Redis or Valkey."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from types import TracebackType
from typing import ParamSpec, Protocol, Self, TypeVar

from promptops.cache import CacheStats
from promptops.cache_redis._changes import Change
from promptops.cache_redis._store import DEFAULT_PREFIX, RedisStore
from promptops.cache_redis._subscription import RedisSubscription

__all__ = ["RedisCache", "RunBlocking", "in_worker_thread"]

P = ParamSpec("P")
T = TypeVar("T")


class RunBlocking(Protocol):
    """Runs blocking work, as ``runtime.run_blocking`` does: in a worker thread, so that the event loop goes on."""

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """The result of the function."""
        ...


class RedisCache:
    """A :class:`~promptops.cache.Cache` in Redis or Valkey, for all processes that use the same server.

    A server that does not answer costs one attempt of at most ``timeout`` seconds; from then on calls raise at once,
    while a thread looks in the background whether it is back (once a second at first, more rarely the longer it is
    away). One object serves all threads, and every process that a fork makes.

    Args:
        url: ``redis://user:password@host:6379/0``, ``rediss://`` for TLS, ``unix:///path`` for a socket.
        prefix: What the keys of this cache start with; caches with different prefixes never meet.
        timeout: Seconds for one operation, connecting included.
        connect_timeout: Seconds for connecting.
        max_value_bytes: Larger values are not kept.
        max_connections: Most operations at once; more wait within their time.
        clear_timeout: Seconds for clearing, which takes many operations.
        run_blocking: Where the calls wait. Pass ``runtime.run_blocking`` (or :func:`in_worker_thread`) in a program
            with an event loop; without it every call waits in the calling thread and its coroutine never suspends.

    Raises:
        CacheMisconfigured: The URL cannot be used, or a number is not positive; nothing was connected.
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
        run_blocking: RunBlocking | None = None,
    ) -> None:
        self.store = RedisStore(
            url,
            prefix=prefix,
            timeout=timeout,
            connect_timeout=connect_timeout,
            max_value_bytes=max_value_bytes,
            max_connections=max_connections,
            clear_timeout=clear_timeout,
        )
        """The same cache for blocking code."""
        self._run: RunBlocking = run_blocking if run_blocking is not None else _directly

    @classmethod
    def over(cls, store: RedisStore, *, run_blocking: RunBlocking | None = None) -> Self:
        """Another view of a store; a background thread takes one without ``run_blocking``. Closing one closes all."""
        view = cls.__new__(cls)
        view.__dict__.update(store=store, _run=run_blocking if run_blocking is not None else _directly)
        return view

    @staticmethod
    def subscription(
        url: str, *, on_change: Callable[[Change], None], on_reset: Callable[[], None]
    ) -> RedisSubscription:
        """What hears of changed prompts through the same server; see :class:`RedisSubscription`."""
        return RedisSubscription(url, on_change=on_change, on_reset=on_reset)

    def __repr__(self) -> str:
        return repr(self.store).replace("RedisStore", "RedisCache", 1)

    @property
    def available(self) -> bool:
        """Whether the next call would be attempted; False while the server is down, and after the close."""
        return self.store.available

    async def get(self, key: str) -> bytes | None:
        """The value, or None when it is absent or expired; an empty value is a value.

        Raises:
            CacheUnavailable: The server did not answer, or did not a moment ago.
        """
        return await self._run(self.store.read, key)

    async def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Those of the values that are there, by key; one round trip. Errors as for :meth:`get`."""
        return await self._run(self.store.read_many, keys)

    async def set(self, key: str, value: bytes, *, ttl: float | None = None) -> None:
        """Keep a value for ``ttl`` seconds (None: for ever), replacing an earlier one and its expiry.

        Time counts in milliseconds. A value beyond ``max_value_bytes`` is not kept, nor is an earlier one. Errors as
        for :meth:`get`.
        """
        await self._run(self.store.write, key, value, ttl=ttl)

    async def set_many(self, values: Mapping[str, bytes], *, ttl: float | None = None) -> None:
        """Keep values as :meth:`set` does; one round trip."""
        await self._run(self.store.write_many, values, ttl=ttl)

    async def delete(self, key: str) -> None:
        """Remove a value; a key that is not there is fine. Errors as for :meth:`get`."""
        await self._run(self.store.remove, key)

    async def clear(self, prefix: str = "") -> None:
        """Remove every value of this cache whose key starts with ``prefix``, taken literally; nothing else is touched.

        Raises:
            CacheUnavailable: The server did not answer, or ``clear_timeout`` was not enough.
        """
        await self._run(self.store.wipe, prefix)

    async def measure(self) -> CacheStats:
        """How many values lie here; Redis does not tell how large they are. Errors as for :meth:`get`."""
        return CacheStats(level="redis", size=await self._run(self.store.count))

    async def aclose(self) -> None:
        """Close every connection; safe to call twice."""
        self.store.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


async def in_worker_thread(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run blocking work in a worker thread of anyio; for asyncio and trio."""
    import anyio.to_thread

    return await anyio.to_thread.run_sync(partial(function, *args, **kwargs))


async def _directly(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    return function(*args, **kwargs)
