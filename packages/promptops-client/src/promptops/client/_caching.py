"""What the cache of a client needs: a configuration that can work, and a runtime for refreshing behind the callers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from promptops.cache import CacheConfig, CacheLevel
from promptops.client._locks import ForkLock
from promptops.client._runtime import ClientRuntime

if TYPE_CHECKING:
    from promptops.client.stats import CallCounter
    from promptops.core.config import RuntimeConfig
    from promptops.core.runtime import Runtime
    from promptops.prompts import PromptCache

__all__ = ["Behind", "check", "is_shared"]


class Behind:
    """What refreshes prompts on the background thread: the client's own runtime if that blocks, else a second one.

    Args:
        runtime: That of the callers.
        counter: Counts the calls of both.
        blocking: Whether ``runtime`` blocks.
        refreshes: Whether there is a background at all: not with an asynchronous client of the caller's own, which
            cannot be used from another thread.
        config: The address and the key, as they are now.
    """

    def __init__(
        self,
        runtime: ClientRuntime,
        counter: CallCounter,
        *,
        blocking: bool,
        refreshes: bool,
        config: Callable[[], RuntimeConfig],
    ) -> None:
        self._front = runtime
        self._counter = counter
        self._blocking = blocking
        self._refreshes = refreshes
        self._config = config
        self._second: ClientRuntime | None = None
        self._lock = ForkLock()

    def make_cache(self, config: CacheConfig | None) -> PromptCache:
        """The cache of prompts of the client.

        Raises:
            ConfigurationError: A shared cache cannot be made.
        """
        from promptops.prompts import PromptCache, Surroundings

        around = Surroundings(
            runtime=self._front,
            blocking=self._blocking,
            behind=self.runtime if self._refreshes else None,
            config=self._config,
        )
        return PromptCache(config, around=around)

    def runtime(self) -> Runtime:
        """A runtime that blocks; a second one is made at first use, with connections of its own."""
        if self._blocking:
            return self._front
        with self._lock.here():
            if self._second is None:
                self._second = ClientRuntime(self._front.config, _blocking_runtime, self._counter)
            return self._second

    def follow(self, config: RuntimeConfig) -> None:
        """Go on with other settings."""
        if self._second is not None:
            self._second.replace(config, swap=lambda: None)

    async def aclose(self) -> None:
        """Close the connections of the second one; safe to call twice."""
        if self._second is not None:
            await self._second.aclose()


def is_shared(config: CacheConfig | None) -> bool:
    """Whether other processes share the cache."""
    return config is not None and config.level not in {CacheLevel.NONE, CacheLevel.MEMORY}


def check(config: CacheConfig | None) -> None:
    """Refuse a configuration that cannot work.

    Raises:
        ConfigurationError: A value cannot work, or a package or an address is missing.
    """
    if config is not None:
        from promptops.prompts import check_cache

        check_cache(config)


def _blocking_runtime(config: RuntimeConfig) -> Runtime:
    from promptops.core.sync_runtime import SyncRuntime

    return SyncRuntime(config)
