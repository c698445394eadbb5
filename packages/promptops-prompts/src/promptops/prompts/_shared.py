"""The caches that a client shares with other processes, and the news that it hears from the server through them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
from promptops.cache import CacheConfig, CacheLevel, CacheMisconfigured, CacheStats, CacheUnavailable, TierStats
from promptops.cache.policy import BACKGROUND, Tier, make_subscription, make_tiers
from promptops.core.bridge import drive
from promptops.core.errors import ConfigurationError
from promptops.core.runtime import Runtime
from promptops.prompts._addresses import Addresses
from promptops.prompts._memory import Traces

__all__ = ["Forgotten", "SharedTiers"]

_NOTE_EVERY: Final = 300.0


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """What has to go from shared caches: single keys, and all that start with something."""

    keys: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


class SharedTiers:
    """The tiers of one client behind its memory, for its callers and for the background.

    Args:
        config: Which ones.
        addresses: Their keys.
        runtime: Where callers wait.
        blocking: Whether callers are blocking code.
        on_change: Told of each prompt that the server says has changed.
        on_reset: Told when anything may have changed.

    Raises:
        ConfigurationError: A package or an address is missing, or a tier cannot work with what it was given.
    """

    def __init__(
        self,
        config: CacheConfig,
        addresses: Addresses,
        runtime: Runtime,
        *,
        blocking: bool,
        on_change: Callable[[Any], None],
        on_reset: Callable[[], None],
    ) -> None:
        self.addresses = addresses
        self._noted: dict[str, float] = {}
        try:
            tiers = make_tiers(
                config,
                namespace=addresses.origin,
                run_blocking=None if blocking else runtime.run_blocking,
                sleep=None if blocking else runtime.sleep,
                on_unavailable=self._note,
            )
            listens = config.push and config.level in {CacheLevel.REDIS, CacheLevel.HYBRID}
            self._subscription = make_subscription(config, on_change, on_reset) if listens else None
        except CacheMisconfigured as error:
            raise ConfigurationError(f"cache: {error}") from error
        self._front = tiers.front
        self.behind = tiers.behind
        self._listening = False
        self._closed = False

    def front(self) -> tuple[Tier, ...]:
        """The tiers for callers; the first time, and in each forked process, it begins to listen for changes."""
        subscription = self._subscription
        if subscription is not None and not self._closed:
            if self._listening:
                subscription.ensure()
            else:
                self._listening = True
                subscription.start()
        return self._front

    def forgotten(self, traces: Traces) -> Forgotten:
        """The keys of a prompt, or of everything of the projects that this client read from."""
        addresses = self.addresses
        if traces.names is None:
            scopes = addresses.seen | {addresses.scope(project) for project in traces.projects}
            return Forgotten(prefixes=tuple(addresses.everything(scope) for scope in sorted(scopes)))
        pairs = [(project, name) for project in traces.projects for name in traces.names]
        if traces.which is None:
            return Forgotten(prefixes=tuple(addresses.versions(*pair) for pair in pairs))
        return Forgotten(keys=tuple(addresses.key((*pair, one)) for one in traces.which for pair in pairs))

    async def drop(self, what: Forgotten) -> None:
        """Forget on every tier; one that is away keeps it, and this process does not take that for fresh."""
        await _drop(self._front, what)

    def drop_behind(self, what: Forgotten) -> None:
        """The same on the background thread, from where nothing may wait."""
        if what.keys or what.prefixes:
            BACKGROUND.submit((id(self), what), lambda: drive(_drop(self.behind, what)))

    async def measure(self) -> dict[str, CacheStats | None]:
        """How much lies at each tier, by its name; None for one that is away."""
        return {tier.name: await tier.measure() for tier in self._front}

    def stats(self) -> tuple[TierStats, ...]:
        """What was counted at each, by callers and by the background."""
        return tuple(
            _sum(front.stats(), behind.stats()) for front, behind in zip(self._front, self.behind, strict=True)
        )

    def close(self) -> None:
        """Stop listening and close every connection; never waits long, and twice is fine."""
        self._closed = True
        if self._subscription is not None:
            self._subscription.close()
        for tier in self.behind:
            drive(_close(tier))

    def _note(self, name: str, error: CacheUnavailable) -> None:
        now = time.monotonic()
        if now - self._noted.get(name, -_NOTE_EVERY) < _NOTE_EVERY:
            return
        self._noted[name] = now
        from promptops.core.log import log

        log().warning("cache_unavailable", tier=name, reason=str(error))


async def _drop(tiers: Iterable[Tier], what: Forgotten) -> None:
    for tier in tiers:
        await tier.remove(what.keys)
        for prefix in what.prefixes:
            await tier.clear(prefix)


async def _close(tier: Tier) -> None:
    await tier.cache.aclose()


def _sum(one: TierStats, other: TierStats) -> TierStats:
    counted = {
        name: getattr(one, name) + getattr(other, name) for name in TierStats.__struct_fields__ if name != "tier"
    }
    return TierStats(tier=one.tier, **counted)
