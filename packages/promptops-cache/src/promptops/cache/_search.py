"""Looking through the shared tiers: what is fresh there, what is stale, and whose turn it is to ask the origin."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

from promptops.cache._keeper import Keeper
from promptops.cache._source import Read
from promptops.cache._tiers import Found, Tier

__all__ = ["TierSearch"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_FOR_OTHERS: Final = 2.0 / 3.0
"""Share of the time left that may go into waiting for another process; the rest is for asking ourselves."""


class TierSearch(Generic[K, V]):
    """The shared tiers of one policy, for its callers.

    Args:
        keeper: Judges what is found, and puts it into memory.
        tiers: Gives the tiers, the nearest first.
    """

    def __init__(self, keeper: Keeper[K, V], tiers: Callable[[], tuple[Tier, ...]]) -> None:
        self._keeper = keeper
        self._tiers = tiers

    async def seek(self, key: K) -> Read[V] | tuple[Found, V] | None:
        """Look through the tiers: what is fresh there, else the least old of what is stale."""
        stale: tuple[Found, V] | None = None
        tiers = self._tiers()
        name = self._keeper.source.key(key) if tiers else ""
        for index, tier in enumerate(tiers):
            found = await tier.read(name)
            if found is None:
                continue
            entry = self._keeper.fresh(key, found, tier)
            if entry is not None:
                for nearer in tiers[:index]:
                    await nearer.copy(name, found.packed)
                return self._keeper.read(entry, tier.name)
            if self._keeper.servable(found) and (stale is None or abs(found.age) < abs(stale[0].age)):
                value = self._keeper.decoded(key, found, tier)
                stale = stale if value is None else (found, value)
        return stale

    async def fresh_of(self, keys: Sequence[K]) -> dict[K, Read[V]]:
        """Those of many that are fresh on a tier."""
        found: dict[K, Read[V]] = {}
        missing = list(keys)
        for tier in self._tiers():
            names = {key: self._keeper.source.key(key) for key in missing}
            answers = await tier.read_many(names.values())
            for key, name in names.items():
                known = answers.get(name)
                entry = self._keeper.fresh(key, known, tier) if known is not None else None
                if entry is not None:
                    found[key] = self._keeper.read(entry, tier.name)
            missing = [key for key in missing if key not in found]
        return found

    async def take_off(self, key: K, until: float) -> Callable[[], None] | None:
        """Wait for other processes that are under way; returns what ends the own turn, None when there are no turns."""
        for tier in self._tiers():
            if tier.flights is not None:
                left = (until - self._keeper.now()) * _FOR_OTHERS
                return await tier.flights.acquire(self._keeper.source.key(key), timeout=left) if left > 0.0 else None
        return None
