"""Tells subscribers over Redis which prompts changed, without ever making a write wait or fail."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Sequence
from typing import Any, Final, Protocol, cast
from urllib.parse import urlsplit

import msgspec
from promptops.core.errors import ConfigurationError
from promptops.core.log import log
from promptops.server.changes import Changed
from promptops.server.settings import Settings
from promptops.server.stores.sqlite import SqliteStore

__all__ = ["CHANNEL", "MOST_WAITING", "Publisher", "message_of", "publisher_of"]

CHANNEL: Final = "promptops:changes"
MOST_WAITING: Final = 1000
_FORMAT: Final = 1
_EVERYTHING: Final = msgspec.json.encode({"v": _FORMAT, "everything": True})
_TIMEOUT: Final = 1.0
_MOST_DELAY: Final = 5.0
_CLOSING: Final = 1.0


class _Redis(Protocol):
    """What is used of redis-py, whose own annotations allow an awaitable everywhere."""

    def pipeline(self, *, transaction: bool) -> Any:
        """Commands that are sent together."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


def message_of(changed: Changed) -> bytes:
    """The message that subscribers get."""
    return msgspec.json.encode(
        {
            "v": _FORMAT,
            "project": changed.project_id,
            "prompt_id": changed.prompt_id,
            "slug": changed.slug,
            "version": changed.version,
        }
    )


class Publisher:
    """Publishes on a thread of its own what :meth:`put` leaves behind.

    While Redis is away changes wait, one for each prompt. When more than 1,000 prompts wait they are dropped and
    counted, and one message that says "everything" takes their place, so no subscriber keeps what it should have
    forgotten.

    Args:
        url: Of the Redis server, as redis-py takes it.

    Attributes:
        published: Messages that Redis took.
        dropped: Changes that were merged into "everything".

    Raises:
        ConfigurationError: The URL cannot be used, or redis-py is not installed.
    """

    def __init__(self, url: str) -> None:
        self.published = 0
        self.dropped = 0
        self._shown = _shown(url)
        self._redis = _client(url)
        self._waiting: dict[tuple[str, str], Changed] = {}
        self._everything = False
        self._lock = threading.Lock()
        self._work = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="promptops-push", daemon=True)

    def __repr__(self) -> str:
        return f"Publisher({self._shown!r})"

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    def put(self, changes: Sequence[Changed]) -> None:
        """Publish these soon; it never waits for Redis."""
        with self._lock:
            self._add(changes)
        self._work.set()

    def close(self) -> None:
        """Publish what waits if Redis is there, for at most a second, and stop; safe to call twice."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._work.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSING)
        self._redis.close()

    def _add(self, changes: Iterable[Changed]) -> None:
        for changed in changes:
            key = (changed.project_id, changed.prompt_id)
            earlier = self._waiting.get(key)
            same = earlier is None or earlier.version == changed.version
            self._waiting[key] = changed if same else msgspec.structs.replace(changed, version=None)
        if len(self._waiting) > MOST_WAITING:
            self.dropped += len(self._waiting)
            self._waiting.clear()
            self._everything = True

    def _run(self) -> None:
        failures = 0
        while True:
            self._work.wait()
            self._work.clear()
            failures = 0 if self._publish(failures) else failures + 1
            if self._closed.is_set() and (failures or not self._waiting):
                return
            if failures:
                pause = min(_MOST_DELAY, 0.1 * 2.0 ** min(failures, 10))
                self._closed.wait(pause * (0.5 + 0.5 * random.random()))  # noqa: S311 - spreads servers out
                self._work.set()

    def _publish(self, failures: int) -> bool:
        """Send what waits; False when Redis did not take it, and then it waits on."""
        with self._lock:
            waiting, everything = self._waiting, self._everything
            self._waiting, self._everything = {}, False
        messages = [_EVERYTHING] if everything else []
        messages += [message_of(changed) for changed in waiting.values()]
        try:
            if messages:
                pipeline = self._redis.pipeline(transaction=False)
                for message in messages:
                    pipeline.publish(CHANNEL, message)
                pipeline.execute()
        except Exception as error:  # noqa: BLE001 - whatever it is, the writes stand and the messages can wait
            with self._lock:
                later, self._waiting = self._waiting, waiting
                self._everything = self._everything or everything
                self._add(later.values())
            if not failures:
                log().warning("push_failed", redis=self._shown, error=f"{type(error).__name__}: {error}")
            return False
        self.published += len(messages)
        if failures:
            log().info("push_resumed", redis=self._shown, dropped=self.dropped)
        return True


def publisher_of(settings: Settings, store: SqliteStore) -> Publisher | None:
    """A publisher that hears of every commit of the store, when the settings name a Redis.

    Raises:
        ConfigurationError: As for :class:`Publisher`.
    """
    if settings.redis_url is None:
        return None
    publisher = Publisher(settings.redis_url)
    publisher.start()
    store.listen(publisher.put)
    return publisher


def _client(url: str) -> _Redis:
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        raise ConfigurationError(
            "redis_url: publishing changes needs redis-py; install it with: pip install 'promptops-server[redis]'"
        ) from error
    try:
        client = cast("Any", redis.Redis).from_url(
            url,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            lib_name=None,
            lib_version=None,
        )
        client.connection_pool.connection_class(**client.connection_pool.connection_kwargs)
    except (ValueError, TypeError, redis.RedisError):
        # Their messages may repeat parts of the URL.
        raise ConfigurationError(
            "redis_url: it cannot be read; it looks like redis://user:password@host:6379/0"
        ) from None
    made: _Redis = client
    return made


def _shown(url: str) -> str:
    """For messages and logs: without user, password and options."""
    try:
        parts = urlsplit(url)
        address = parts.path if parts.scheme == "unix" else f"{parts.hostname}:{parts.port or 6379}"
    except ValueError:
        return "?"
    return f"{parts.scheme}://{address}"
