"""The Redis and Valkey cache of PromptOps, and the subscription to pushed changes."""

from promptops.cache_redis._cache import RedisCache, RunBlocking, in_worker_thread
from promptops.cache_redis._changes import CHANNEL, Change
from promptops.cache_redis._store import DEFAULT_PREFIX, RedisStore
from promptops.cache_redis._subscription import RedisSubscription
from promptops.cache_redis._version import __version__

__all__ = [
    "CHANNEL",
    "DEFAULT_PREFIX",
    "Change",
    "RedisCache",
    "RedisStore",
    "RedisSubscription",
    "RunBlocking",
    "__version__",
    "in_worker_thread",
]
