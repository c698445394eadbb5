"""What a cache of prompts gets from the client around it, and what it makes of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec
from promptops.cache import CacheConfig, CacheLevel
from promptops.core.config import RuntimeConfig
from promptops.core.errors import ConfigurationError
from promptops.core.messages import PROMPT_REFRESH, Profile
from promptops.core.runtime import Runtime
from promptops.prompts._addresses import Addresses
from promptops.prompts._shared import SharedTiers
from promptops.prompts.stores import PromptStore

__all__ = ["Prepared", "Surroundings", "later", "make_shared", "of_tiers"]


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a cache needs of the client around it.

    Attributes:
        runtime: Where callers wait.
        blocking: Whether callers are blocking code, in any thread.
        behind: Gives a runtime that blocks, for refreshing on the background thread; None when there is none, and then
            callers refresh for themselves.
        config: The address and the key; asked when the cache is made or moves.
    """

    runtime: Runtime
    blocking: bool
    behind: Callable[[], Runtime] | None
    config: Callable[[], RuntimeConfig]


class Prepared(NamedTuple):
    """A configuration that was checked, and the shared caches that it needs."""

    config: CacheConfig
    shared: SharedTiers | None


class OnChange(Protocol):
    """Told of a prompt that changed."""

    def __call__(self, *, slug: str, prompt_id: str, version: str | None) -> None:
        """Its slug and id, and the version that was written, if it was one."""
        ...


def make_shared(
    config: CacheConfig,
    around: Surroundings | None,
    *,
    whose: RuntimeConfig | None,
    on_change: OnChange,
    on_reset: Callable[[], None],
) -> SharedTiers | None:
    """The shared caches of a configuration; None when it has none.

    Args:
        config: Which ones.
        around: The client.
        whose: Its address and key from now on, when they are others than those of now.
        on_change: Told of each prompt that the server says has changed.
        on_reset: Told when anything may have changed.

    Raises:
        ConfigurationError: They cannot be made.
    """
    if config.level in {CacheLevel.NONE, CacheLevel.MEMORY}:
        return None
    if around is None:
        level = str(config.level)
        raise ConfigurationError(f"cache.level: {level!r} needs a client, which knows whose prompts they are")
    return SharedTiers(
        config,
        Addresses(around.config() if whose is None else whose),
        around.runtime,
        blocking=around.blocking,
        on_change=lambda change: on_change(slug=change.slug, prompt_id=change.prompt_id, version=change.version),
        on_reset=on_reset,
    )


def of_tiers(config: CacheConfig) -> tuple[object, ...]:
    """What the shared caches are made from."""
    return (
        str(config.level),
        config.redis_url,
        config.redis_prefix,
        config.push,
        config.directory,
        config.disk_max_bytes,
        config.disk_max_age,
    )


def later(
    behind: Callable[[], Runtime], make_store: Callable[[Runtime, Profile], PromptStore]
) -> Callable[[], PromptStore]:
    """The store for the background, made when it is first needed.

    Args:
        behind: Gives the runtime of the background.
        make_store: Makes a store on a runtime, as patient as the profile says when one prompt is asked for.
    """
    made: list[PromptStore] = []

    def store() -> PromptStore:
        if not made:
            made.append(make_store(behind(), PROMPT_REFRESH))
        return made[0]

    return store
