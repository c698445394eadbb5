"""From a configuration to the shared tiers: backends are looked up by name, and only when they are wanted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, ParamSpec, Protocol, TypeVar

import msgspec
from promptops.cache._config import CacheConfig, CacheLevel
from promptops.cache._protocol import CacheMisconfigured, CacheUnavailable
from promptops.cache._tiers import Tier

__all__ = ["Subscription", "Tiers", "make_subscription", "make_tiers", "needed"]

P = ParamSpec("P")
T = TypeVar("T")
_GROUP: Final = "promptops.cache"
_TIERS: Final = {CacheLevel.REDIS: ("redis",), CacheLevel.DISK: ("disk",), CacheLevel.HYBRID: ("redis", "disk")}
_FAR_PAST: Final = 30 * 86_400.0


class RunBlocking(Protocol):
    """Runs blocking work, as ``runtime.run_blocking`` does."""

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[T]:
        """Await it for the result of the function."""
        ...


class Subscription(Protocol):
    """Hears of changes on a thread of its own, in every process that a fork makes."""

    def start(self) -> object:
        """Begin to listen; nothing when it listens already."""
        ...

    def ensure(self) -> None:
        """Listen in this process too, if it was started before a fork."""
        ...

    def close(self) -> None:
        """Stop listening; safe to call twice."""
        ...


class Tiers(msgspec.Struct, frozen=True, kw_only=True):
    """The shared caches of one client.

    Attributes:
        front: For callers; they wait on the runtime.
        behind: The same ones for the background thread; they never suspend.
    """

    front: tuple[Tier, ...] = ()
    behind: tuple[Tier, ...] = ()


def needed(config: CacheConfig) -> tuple[str, ...]:
    """The names of the backends that a level needs.

    Raises:
        CacheMisconfigured: The level is unknown, its package is not installed, or its address is missing.
    """
    level = str(config.level)
    if level in {CacheLevel.NONE, CacheLevel.MEMORY}:
        return ()
    names = next((names for known, names in _TIERS.items() if known == level), None)
    if names is None:
        known = ", ".join(repr(str(item)) for item in CacheLevel)
        raise CacheMisconfigured(f"cache.level: {level!r} is unknown; use one of {known}")
    for name in names:
        _backend(name)
    if "redis" in names and not config.redis_url:
        raise CacheMisconfigured(
            f"cache.redis_url: the level {level!r} needs the address of Redis, for example 'redis://localhost:6379/0'"
        )
    return names


def make_tiers(
    config: CacheConfig,
    *,
    namespace: str,
    run_blocking: RunBlocking | None = None,
    sleep: Callable[[float], Awaitable[object]] | None = None,
    on_unavailable: Callable[[str, CacheUnavailable], None] | None = None,
) -> Tiers:
    """The tiers of a configuration.

    Args:
        config: Which ones.
        namespace: Whose values they are (server and key space); others never meet them.
        run_blocking: Where a caller's program does blocking work; None where it blocks itself.
        sleep: How that program waits.
        on_unavailable: Told of every call of a tier that got no answer.

    Raises:
        CacheMisconfigured: A package or an address is missing, or a backend cannot work with what it was given.
    """
    front: list[Tier] = []
    behind: list[Tier] = []
    for name in needed(config):
        backend = _backend(name)
        if name == "redis":
            caller = backend(config.redis_url, prefix=config.redis_prefix, run_blocking=run_blocking or _here)
            quiet = backend.over(caller.store, run_blocking=_here)
            keep: float | None = _FAR_PAST
            flights = None
        else:
            caller = backend(
                config.directory,
                namespace=namespace,
                max_bytes=config.disk_max_bytes,
                max_age=config.disk_max_age,
                run_blocking=run_blocking,
                sleep=sleep,
            )
            quiet = backend.over(caller.store)
            keep = None
            flights = caller
        front.append(Tier(name, caller, keep=keep, flights=flights, on_unavailable=on_unavailable))
        behind.append(Tier(name, quiet, keep=keep, on_unavailable=on_unavailable))
    return Tiers(front=tuple(front), behind=tuple(behind))


def make_subscription(
    config: CacheConfig, on_change: Callable[[Any], None], on_reset: Callable[[], None]
) -> Subscription:
    """What hears of changed prompts through Redis; it does nothing until it is started.

    Args:
        config: Which Redis.
        on_change: Called with what changed: ``project``, ``prompt_id``, ``slug`` and ``version``.
        on_reset: Called when anything may have changed.

    Raises:
        CacheMisconfigured: The package is missing, or the address cannot be used.
    """
    subscription: Subscription = _backend("redis").subscription(
        config.redis_url, on_change=on_change, on_reset=on_reset
    )
    return subscription


def _backend(name: str) -> Any:
    from importlib.metadata import entry_points

    for entry in entry_points(group=_GROUP, name=name):
        return entry.load()
    raise CacheMisconfigured(f"cache.level: the {name} cache is not installed; run: pip install promptops-cache-{name}")


async def _here(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    return function(*args, **kwargs)
