"""Turns what origin and tiers say into entries of the memory, and decides which of them may be served."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

from promptops.cache._doubts import Doubts
from promptops.cache._freshness import FOR_EVER, Freshness
from promptops.cache._misses import Misses
from promptops.cache._shelf import Entry, Shelf
from promptops.cache._source import Answer, Outcome, Read, Source
from promptops.cache._tiers import Found, Tier

__all__ = ["Keeper"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
WARN_EVERY: Final = 300.0
_SAME: Final = 1.0
"""Seconds by which two times of one confirmation may differ."""
_NEVER: Final = float("inf")


class Keeper(Generic[K, V]):
    """The memory of one process under the freshness policy; it asks nobody.

    Args:
        source: What is read.
        shelf: The memory of this process.
        misses: Names that were found missing.
        doubts: What was said to have changed.
        freshness: The numbers.
        random: Numbers from 0 to 1.
    """

    def __init__(
        self,
        source: Source[K, V],
        shelf: Shelf[K, V],
        misses: Misses[K],
        doubts: Doubts,
        *,
        freshness: Freshness,
        random: Callable[[], float],
    ) -> None:
        self.source = source
        self.shelf = shelf
        self.misses = misses
        self.doubts = doubts
        self.freshness = freshness
        self.now = shelf.clock
        self.random = random
        self._warned = -WARN_EVERY

    def mark(self, key: K) -> int:
        """Take it before asking; an answer is kept only if it still holds then."""
        return self.doubts.count(self.source.subject(key))

    async def keep(self, key: K, answer: Answer[V], mark: int, tiers: Sequence[Tier]) -> Entry[V]:
        """Remember an answer of the origin everywhere."""
        entry = self.remember(key, answer, mark)
        if mark == self.mark(key):
            name = self.source.key(key)
            for tier in tiers:
                await tier.write(name, answer.body, answer.etag)
        return entry

    def remember(self, key: K, answer: Answer[V], mark: int) -> Entry[V]:
        """Remember an answer in memory, unless something was said to have changed since it was asked for."""
        now = self.now()
        lifetime = self.freshness.lifetime(self.random(), fixed=self.source.fixed(key))
        entry = Entry(answer.value, size=len(answer.body), confirmed=now, fresh_until=now + lifetime, etag=answer.etag)
        if lifetime < FOR_EVER and self.shelf.find(key) is None:
            entry.serve_until = now + self.freshness.ahead(lifetime, self.random())
        if mark == self.mark(key):
            self.shelf.put(key, entry)
            self.misses.forget(key)
        return entry

    async def confirm(self, key: K, entry: Entry[V], mark: int, tiers: Sequence[Tier]) -> None:
        """The origin said that nothing changed: the entry is as good as new, everywhere."""
        if mark != self.mark(key):
            return
        now = self.now()
        entry.confirmed = now
        entry.failures = 0
        entry.fresh_until = now + self.freshness.lifetime(self.random(), fixed=self.source.fixed(key))
        entry.serve_until = entry.fresh_until
        self.shelf.put(key, entry)
        name = self.source.key(key)
        for tier in tiers:
            found = await tier.read(name)
            if found is not None and (found.packed.etag or None) == entry.etag:
                await tier.write(name, found.packed.body, entry.etag)

    async def gone(self, key: K, error: Exception, tiers: Sequence[Tier]) -> None:
        """The origin said that there is none: forget it everywhere, and remember that for a moment."""
        self.doubts.cast(self.source.subject(key))
        self.shelf.discard(key)
        self.misses.remember(key, error, self.random())
        for tier in tiers:
            await tier.remove((self.source.key(key),))

    def failed(self, key: K, entry: Entry[V], error: Exception) -> None:
        """The origin could not be asked: the entry is served until the next attempt is due."""
        entry.failures += 1
        refused = self.source.outcome(error) == Outcome.REFUSED
        wait = self.freshness.retry_after(entry.failures, self.random(), refused=refused)
        now = self.now()
        entry.serve_until = self.bounded(entry, now + wait)
        if now >= entry.fresh_until and now - self._warned >= WARN_EVERY:
            self._warned = now
            self.source.warn(key, error, None if entry.confirmed is None else now - entry.confirmed)

    def postpone(self, entry: Entry[V], until: float) -> None:
        """The origin is not asked before a moment: the entry is served until then, and a little longer at random."""
        entry.serve_until = self.bounded(entry, until + self.random())

    def fresh(self, key: K, found: Found, tier: Tier) -> Entry[V] | None:
        """The entry of what a tier knows, put into memory, if it is fresh."""
        left = self.freshness.remaining(age=found.age, fraction=self.random(), fixed=self.source.fixed(key))
        since = self.doubts.since(self.source.subject(key))
        if left <= 0.0 or (since != _NEVER and not 0.0 <= found.age < since):
            return None
        value = self.decoded(key, found, tier)
        if value is None:
            return None
        now = self.now()
        # A value that never changes may be dated in the future; how old it is cannot be told then.
        confirmed = now - found.age if found.age >= 0.0 else None
        entry = self._from_tier(found, value, confirmed=confirmed, fresh_until=now + left)
        self.shelf.put(key, entry)
        return entry

    def newer(self, entry: Entry[V], found: Found) -> bool:
        """Whether a tier may know more than an entry: while that is fresh, only what was confirmed later does."""
        now = self.now()
        return now >= entry.fresh_until or entry.confirmed is None or found.age < now - entry.confirmed - _SAME

    def stale(self, key: K, found: Found, value: V) -> Entry[V]:
        """The entry of what a tier knows, put into memory, as it is to be served when nothing better can be had."""
        now = self.now()
        confirmed = now - found.age if found.age >= 0.0 else None
        fresh_until = now if confirmed is None else min(now, confirmed + self.freshness.ttl)
        entry = self._from_tier(found, value, confirmed=confirmed, fresh_until=fresh_until)
        self.shelf.put(key, entry)
        return entry

    def decoded(self, key: K, found: Found, tier: Tier) -> V | None:
        """What a tier keeps as a value, or None when it makes no sense."""
        try:
            return self.source.decode(key, found.packed.body)
        except Exception:  # noqa: BLE001 - written by another version of us, or not by us: it is as good as absent
            tier.damaged()
            return None

    def servable(self, found: Found) -> bool:
        """Whether what a tier knows may be served when nothing better can be had."""
        limit = self.freshness.max_stale
        return limit is None or 0.0 <= found.age < self.freshness.ttl + limit

    def may_serve(self, entry: Entry[V] | None) -> bool:
        """Whether an entry may be served when nothing better can be had."""
        return entry is not None and self.freshness.servable(now=self.now(), fresh_until=entry.fresh_until)

    def bounded(self, entry: Entry[V], until: float) -> float:
        """The moment, or the earlier one at which the entry becomes too old to be served."""
        limit = self.freshness.max_stale
        return until if limit is None else min(until, entry.fresh_until + limit)

    def read(self, entry: Entry[V], source: str) -> Read[V]:
        """What a caller gets of an entry."""
        now = self.now()
        age = None if entry.confirmed is None else max(0.0, now - entry.confirmed)
        return Read(value=entry.value, source=source, age=age, stale=now >= entry.fresh_until)

    def _from_tier(self, found: Found, value: V, *, confirmed: float | None, fresh_until: float) -> Entry[V]:
        return Entry(
            value,
            size=len(found.packed.body),
            confirmed=confirmed,
            fresh_until=fresh_until,
            etag=found.packed.etag or None,
            source=found.tier,
        )
