"""Whether a configuration of the cache can work."""

from __future__ import annotations

import os
from typing import Final

from promptops.cache import CacheConfig, CacheMisconfigured
from promptops.cache.policy import needed
from promptops.core.errors import ConfigurationError

__all__ = ["check_cache"]

_NUMBER: Final = ((int, float), "a number")
_WHOLE: Final = ((int,), "a whole number")
_SWITCH: Final = ((bool,), "True or False")
_TYPES: Final[dict[str, tuple[tuple[type, ...], str]]] = {
    "ttl": _NUMBER,
    "jitter": _NUMBER,
    "max_stale": _NUMBER,
    "max_size": _WHOLE,
    "max_bytes": _WHOLE,
    "disk_max_bytes": _WHOLE,
    "disk_max_age": _NUMBER,
    "prefer_disk": _SWITCH,
    "push": _SWITCH,
    "redis_url": ((str,), "text"),
    "redis_prefix": ((str,), "text"),
    "directory": ((str, os.PathLike), "the path of a directory"),
}
_OPTIONAL: Final = frozenset({"max_stale", "redis_url", "directory"})
_LEAST: Final = ("ttl", "max_size", "max_bytes", "max_stale", "disk_max_bytes", "disk_max_age")


def check_cache(config: CacheConfig) -> CacheConfig:
    """The configuration, when it can be built.

    Raises:
        ConfigurationError: A value cannot work, a package is missing or an address is; the message says which.
    """
    for field, (kinds, wanted) in _TYPES.items():
        value = getattr(config, field)
        if value is None and field in _OPTIONAL:
            continue
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            shown = type(value).__name__ if field == "redis_url" else f"{value!r:.80}"
            raise ConfigurationError(f"cache.{field}: must be {wanted}, got {shown}")
    if not 0.0 <= config.jitter < 1.0:
        raise ConfigurationError(f"cache.jitter: must be from 0 to below 1, got {config.jitter!r}")
    for field in _LEAST:
        value = getattr(config, field)
        if value is not None and not value >= 0:
            raise ConfigurationError(f"cache.{field}: must not be negative, got {value!r}")
    try:
        needed(config)
    except CacheMisconfigured as error:
        raise ConfigurationError(str(error)) from error
    return config
