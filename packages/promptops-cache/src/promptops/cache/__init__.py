"""Cache protocol and the in-memory cache of PromptOps."""

from promptops.cache._config import CacheConfig, CacheLevel
from promptops.cache._keys import cache_key, cache_key_prefix
from promptops.cache._layered import LayeredCache
from promptops.cache._lru import Lru
from promptops.cache._memory import MemoryCache
from promptops.cache._protocol import Cache, CacheMisconfigured, CacheUnavailable
from promptops.cache._stats import CacheStats, TierStats
from promptops.cache._version import __version__

__all__ = [
    "Cache",
    "CacheConfig",
    "CacheLevel",
    "CacheMisconfigured",
    "CacheStats",
    "CacheUnavailable",
    "LayeredCache",
    "Lru",
    "MemoryCache",
    "TierStats",
    "__version__",
    "cache_key",
    "cache_key_prefix",
]
