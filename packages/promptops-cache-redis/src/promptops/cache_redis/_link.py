"""The way to one Redis server: bounded attempts, none while it is down, and a look now and then whether it is back."""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeVar, cast

import redis
from promptops.cache import CacheMisconfigured, CacheUnavailable
from promptops.cache_redis._dial import CONNECTIONS, deadline
from promptops.cache_redis._gate import Gate
from promptops.cache_redis._url import Address
from redis.backoff import NoBackoff
from redis.retry import Retry

__all__ = ["Commands", "Link", "Pipeline", "connection_options"]

T = TypeVar("T")
_JITTER: Final = 0.2


class Pipeline(Protocol):
    """What is used of a pipeline of redis-py."""

    def set(self, name: bytes, value: bytes, *, px: int | None = None) -> object:
        """Queue a ``SET``."""
        ...

    def unlink(self, *names: bytes) -> object:
        """Queue an ``UNLINK``."""
        ...

    def execute(self) -> list[Any]:
        """Send all, read all."""
        ...


class Commands(Protocol):
    """What is used of a client of redis-py, whose own annotations allow an awaitable everywhere."""

    def ping(self) -> object:
        """``PING``."""
        ...

    def get(self, name: bytes) -> bytes | None:
        """``GET``."""
        ...

    def mget(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """``MGET``."""
        ...

    def set(self, name: bytes, value: bytes, *, px: int | None = None) -> object:
        """``SET``, with milliseconds to live."""
        ...

    def unlink(self, *names: bytes) -> int:
        """``UNLINK``."""
        ...

    def scan(self, cursor: int, *, match: bytes, count: int) -> tuple[int, list[bytes]]:
        """``SCAN``: the next cursor and some keys."""
        ...

    def pipeline(self, *, transaction: bool) -> Pipeline:
        """Commands that are sent together."""
        ...


def connection_options(address: Address, *, timeout: float, connect_timeout: float) -> dict[str, Any]:
    """Arguments of a connection: ours win over those of the URL."""
    return {
        **address.options,
        "socket_timeout": timeout,
        "socket_connect_timeout": connect_timeout,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_timeout": False,
        "decode_responses": False,
        "protocol": 2,
        "health_check_interval": 0,
        "lib_name": None,  # two round trips for each connection, which fail on older servers
        "lib_version": None,
    }


class _Process:
    """What belongs to one process: sockets, locks and threads do not survive a fork."""

    def __init__(self, address: Address, options: dict[str, Any], timeout: float, slots: int) -> None:
        self.pid = os.getpid()
        # redis-py's annotation leaves its own class for Unix sockets out.
        kind = cast("type[redis.Connection]", CONNECTIONS[address.scheme])
        self.pool = redis.ConnectionPool(connection_class=kind, **options)
        self.commands = cast("Commands", redis.Redis(connection_pool=self.pool))
        self.gate = Gate()
        self.slots = threading.BoundedSemaphore(slots)
        self.stop = threading.Event()
        self._timeout = timeout

    def watch(self) -> None:
        """Look now and then whether the server is back, until it is."""
        threading.Thread(
            target=_watch, args=(weakref.ref(self), self.stop), name="promptops-redis-probe", daemon=True
        ).start()

    def probe(self) -> bool:
        """Whether the server answers."""
        with contextlib.suppress(Exception), deadline(self._timeout):
            self.commands.ping()
            return True
        return False


def _watch(found: weakref.ref[_Process], stop: threading.Event) -> None:
    while (process := found()) is not None:
        pause = process.gate.pause() * (1.0 + _JITTER * random.random())  # noqa: S311 - spreads processes out
        del process  # who forgets the cache without closing it ends this thread too
        if stop.wait(pause):
            return
        process = found()
        if process is None:
            return
        if process.probe():
            process.gate.reopen()
            return
        del process


class Link:
    """Runs commands on the server, from any thread and in every process that a fork makes.

    Args:
        address: Where the server is.
        timeout: Seconds for one operation, connecting included.
        connect_timeout: Seconds for connecting.
        max_connections: Most operations at once, each on a connection; more wait within their time.

    Raises:
        CacheMisconfigured: The URL has an option that connections do not know.
    """

    def __init__(self, address: Address, *, timeout: float, connect_timeout: float, max_connections: int) -> None:
        self.shown = address.shown
        self.timeout = timeout
        self._address = address
        self._options = connection_options(address, timeout=timeout, connect_timeout=connect_timeout)
        self._slots = max_connections
        self._closed = False
        try:
            CONNECTIONS[address.scheme](**self._options)
        except (TypeError, redis.RedisError) as error:
            raise CacheMisconfigured(f"the Redis URL has an option that cannot be used: {error}") from None
        self._process = self._fresh()

    @property
    def available(self) -> bool:
        """Whether the next call would be attempted."""
        return not self._closed and self._mine().gate.enter() is not None

    def call(self, work: Callable[[Commands], T]) -> T:
        """Run commands within the time of one operation.

        Raises:
            CacheUnavailable: The server did not answer, or did not a moment ago; or the link is closed.
        """
        process = self._mine()
        ticket = process.gate.enter()
        if self._closed or ticket is None:
            raise CacheUnavailable(self._explain())
        until = time.monotonic() + self.timeout
        if not process.slots.acquire(timeout=self.timeout):
            raise CacheUnavailable(
                f"Redis at {self.shown}: all {self._slots} connections were busy for {self.timeout:g} s; allow more"
                " with max_connections."
            )
        try:
            with deadline(until - time.monotonic()):
                return work(process.commands)
        except redis.ResponseError as error:
            raise CacheUnavailable(f"Redis at {self.shown} refused a command: {error}") from error
        except Exception as error:
            # Whatever a server that is away, overloaded or no Redis at all makes the library raise.
            if process.gate.fail(ticket) and not self._closed:
                process.watch()
            kind = CacheMisconfigured if isinstance(error, redis.AuthenticationError) else CacheUnavailable
            raise kind(
                f"Redis at {self.shown} did not answer ({type(error).__name__}: {error}); it is left alone until it"
                " does."
            ) from error
        finally:
            process.slots.release()

    def close(self) -> None:
        """Close every connection and stop looking; what is under way in other threads fails. Safe to call twice."""
        self._closed = True
        process = self._process
        if process.pid == os.getpid():
            process.stop.set()
            process.pool.disconnect()

    def _mine(self) -> _Process:
        process = self._process
        if process.pid != os.getpid():
            # Sockets of the parent are only closed here, never used or shut down.
            process = self._process = self._fresh()
        return process

    def _fresh(self) -> _Process:
        return _Process(self._address, self._options, self.timeout, self._slots)

    def _explain(self) -> str:
        if self._closed:
            return f"The cache on Redis at {self.shown} is closed."
        return f"Redis at {self.shown} did not answer a moment ago; it is left alone until it does."
