"""Hears of changed prompts from the server, through Redis, in every process that a fork makes."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, cast

from promptops.cache_redis._changes import CHANNEL, Change
from promptops.cache_redis._dial import CONNECTIONS
from promptops.cache_redis._link import connection_options
from promptops.cache_redis._listener import Connection, Listener
from promptops.cache_redis._url import parse

__all__ = ["RedisSubscription"]

_CLOSING: Final = 0.5
_alive: Final[weakref.WeakSet[RedisSubscription]] = weakref.WeakSet()


class RedisSubscription:
    """Calls back when a prompt changed, within milliseconds of the write.

    One daemon thread for each process: it reconnects by itself, keeps no process alive, and a forked child has one of
    its own. Call :meth:`start` once; :meth:`ensure` starts it again where a fork left it behind (only needed where fork
    hooks do not run, as in uWSGI). Close it: the thread holds on to the callbacks.

    Args:
        url: As for :class:`~promptops.cache_redis.RedisCache`.
        on_change: Called on the thread with what changed; must be quick.
        on_reset: Called on the thread when anything may have changed: after a reconnection (messages sent meanwhile are
            lost), in a forked child once it listens, and when the server says so. Not at the first connection.
        channel: Of the server.
        ping_seconds: Silence after which the server is asked whether it is there.
        timeout: Seconds for connecting, and for the answer to that question.

    Raises:
        CacheMisconfigured: The URL cannot be used; nothing was connected.
    """

    def __init__(
        self,
        url: str,
        *,
        on_change: Callable[[Change], None],
        on_reset: Callable[[], None],
        channel: str = CHANNEL,
        ping_seconds: float = 5.0,
        timeout: float = 2.0,
    ) -> None:
        self._address = parse(url)
        self._options = connection_options(self._address, timeout=timeout, connect_timeout=timeout)
        self._on_change = on_change
        self._on_reset = on_reset
        self._channel = channel
        self._ping_seconds = ping_seconds
        self._timeout = timeout
        self._started = False
        self._closed = False
        self._listener = self._fresh(resumed=False)
        _alive.add(self)

    def __repr__(self) -> str:
        return f"RedisSubscription({self._address.shown!r}, connected={self.connected})"

    @property
    def connected(self) -> bool:
        """Whether changes are heard of at the moment, as far as is known."""
        return self._listener.pid == os.getpid() and self._listener.connected.is_set()

    def start(self) -> Self:
        """Begin to listen, in the background; nothing when it listens or is closed."""
        self._started = True
        self.ensure()
        return self

    def ensure(self) -> None:
        """Listen in this process too, if it was started before a fork; otherwise a few comparisons."""
        if self._listener.pid != os.getpid():
            self._listener.abandon()
            self._listener = self._fresh(resumed=self._started)
        if self._started and not self._closed:
            self._listener.start()

    def wait_connected(self, timeout: float) -> bool:
        """Wait until changes are heard of, at most ``timeout`` seconds; whether they are."""
        return self._listener.connected.wait(timeout)

    def close(self) -> None:
        """Stop listening, within half a second; no callback begins after it. Safe to call twice."""
        self._closed = True
        if self._listener.pid == os.getpid():
            self._listener.stop(_CLOSING)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _fresh(self, *, resumed: bool) -> Listener:
        return Listener(
            cast("Connection", CONNECTIONS[self._address.scheme](**self._options)),
            channel=self._channel,
            on_change=self._on_change,
            on_reset=self._on_reset,
            resumed=resumed,
            ping_seconds=self._ping_seconds,
            timeout=self._timeout,
            shown=self._address.shown,
        )


def _in_child() -> None:
    for subscription in list(_alive):
        subscription.ensure()


os.register_at_fork(after_in_child=_in_child)
