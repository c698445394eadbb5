"""What the cache of prompts gets from a Phoenix client: a runtime for bringing them up to date behind the callers."""

from __future__ import annotations

from _thread import allocate_lock
from typing import TYPE_CHECKING

from promptops.cache import CacheLevel
from promptops.phoenix._runtime import PhoenixRuntime
from promptops.prompts import PromptCache, Surroundings

if TYPE_CHECKING:
    from promptops.cache import CacheConfig
    from promptops.core.config import RuntimeConfig
    from promptops.core.runtime import Runtime

__all__ = ["PromptBackground"]


class PromptBackground:
    """Makes the cache of a client, and owns what refreshes it.

    A blocking client refreshes through its own runtime, an asynchronous one through a second that blocks, with
    connections of its own. With an ``httpx.AsyncClient`` of the caller's there is no background: it cannot be used
    from another thread, so readers refresh for themselves.

    Args:
        runtime: Where callers wait.
        config: The settings of that runtime.
        blocking: Whether it blocks.
    """

    def __init__(self, runtime: Runtime, config: RuntimeConfig, *, blocking: bool) -> None:
        self._runtime = runtime
        self._config = config
        self._blocking = blocking
        self._second: Runtime | None = None
        self._cache: PromptCache | None = None
        self._lock = allocate_lock()

    def cache(self, config: CacheConfig | None) -> PromptCache:
        """The cache, made once.

        Raises:
            ConfigurationError: A shared cache cannot be made.
        """
        with self._lock:
            if self._cache is None:
                refreshes = self._blocking or self._config.http_client is None
                around = Surroundings(
                    runtime=self._runtime,
                    blocking=self._blocking,
                    behind=self._behind if refreshes else None,
                    config=lambda: self._config,
                )
                self._cache = PromptCache(config, around=around)
            return self._cache

    async def aclose(self) -> None:
        """Refresh nothing any more and close the second runtime; safe to call twice."""
        with self._lock:
            cache, second = self._cache, self._second
        if cache is not None:
            if cache.config.level in {CacheLevel.NONE, CacheLevel.MEMORY}:
                cache.close()
            else:
                await self._runtime.run_blocking(cache.close)  # it may take a moment
        if second is not None:
            await second.aclose()

    def _behind(self) -> Runtime:
        if self._blocking:
            return self._runtime
        with self._lock:
            if self._second is None:
                from promptops.core.sync_runtime import SyncRuntime

                self._second = PhoenixRuntime(SyncRuntime(self._config))
            return self._second
