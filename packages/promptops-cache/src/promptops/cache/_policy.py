"""Reading through a cache: fresh wherever it lies, then the origin, then stale wherever it lies, then the error."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

from promptops.cache._background import Background
from promptops.cache._doubts import Doubts
from promptops.cache._flights import Flights
from promptops.cache._freshness import Freshness
from promptops.cache._keeper import Keeper
from promptops.cache._misses import Misses
from promptops.cache._refresher import Refresher
from promptops.cache._search import TierSearch
from promptops.cache._shelf import Entry, Shelf
from promptops.cache._source import Answer, Outcome, Read, Source
from promptops.cache._tiers import Found, Tier

__all__ = ["ReadThrough"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class ReadThrough(Generic[K, V]):
    """The freshness policy, independent of what is read and of where it is kept.

    Args:
        source: What is read.
        shelf: The memory of this process.
        flights: Single flight of this process.
        tiers: Shared caches behind the memory, the nearest first; they may wait on the runtime.
        quiet_tiers: The same caches for the background thread; they never suspend.
        freshness: The numbers.
        background: Where stale values are refreshed; None refreshes them in front of the caller.
        random: Numbers from 0 to 1.
        stale_first: Serve what is stale on a shared tier at once too, and refresh it behind the caller's back.
        misses: Names that were found missing, when several policies share them.
        doubts: What was said to have changed, when several policies share that.
    """

    def __init__(
        self,
        source: Source[K, V],
        shelf: Shelf[K, V],
        flights: Flights[Read[V]],
        *,
        tiers: Sequence[Tier] | Callable[[], tuple[Tier, ...]] = (),
        quiet_tiers: Sequence[Tier] | Callable[[], tuple[Tier, ...]] = (),
        freshness: Freshness,
        background: Background | None,
        random: Callable[[], float],
        stale_first: bool = False,
        misses: Misses[K] | None = None,
        doubts: Doubts | None = None,
    ) -> None:
        self.misses: Misses[K] = misses if misses is not None else Misses(freshness, clock=shelf.clock)
        self.doubts = doubts if doubts is not None else Doubts(clock=shelf.clock)
        self.flights = flights
        self.stale_first = stale_first
        self._keeper: Keeper[K, V] = Keeper(source, shelf, self.misses, self.doubts, freshness=freshness, random=random)
        self._source = source
        self._shelf = shelf
        self._entries = shelf.entries
        self._now = shelf.clock
        self._tiers = _given(tiers)
        self._search: TierSearch[K, V] = TierSearch(self._keeper, self._tiers)
        self._refresher = None if background is None else Refresher(self._keeper, background, tiers=_given(quiet_tiers))

    @property
    def freshness(self) -> Freshness:
        """The numbers; another set holds from the next read on."""
        return self._keeper.freshness

    @freshness.setter
    def freshness(self, numbers: Freshness) -> None:
        self._keeper.freshness = numbers

    def peek(self, key: K) -> V | None:
        """What the memory can serve without waiting, fresh or stale; a stale value gets its refresh on the way."""
        entry = self._entries.get(key)
        if entry is None or (self._now() >= entry.serve_until and not self._serve_stale(key, entry)):
            return None
        entry.reads += 1
        return entry.value

    def at_hand(self, key: K) -> Read[V] | None:
        """The same with where it came from."""
        entry = self._entries.get(key)
        if entry is None or (self._now() >= entry.serve_until and not self._serve_stale(key, entry)):
            return None
        entry.reads += 1
        return self._keeper.read(entry, "memory")

    async def read(self, key: K, *, wait: float, timeout: float | None = None) -> Read[V]:
        """The value, by the order of the policy.

        Args:
            key: Which one.
            wait: Seconds for all of it, of which a part may go into waiting for another process.
            timeout: What the caller said of it, for the origin; callers with different limits go separately.

        Raises:
            Exception: What the origin raised, when there is nothing else to serve.
        """
        here = self.at_hand(key)
        if here is not None:
            return here
        self._shelf.misses += 1
        self.misses.check(key)
        until = self._now() + wait
        went = False

        def go() -> Awaitable[Read[V]]:
            nonlocal went
            went = True
            return self._load(key, until, timeout)

        try:
            return await self.flights.join((key, timeout), go)
        except Exception as error:
            # The time of this caller may have ended while another one was under way.
            served = None if went else await self.last_resort(key, error)
            if served is None:
                raise
            return served

    async def renew(self, key: K, *, timeout: float | None = None) -> Read[V]:
        """Ask the origin, past every cache, and keep what it says; arguments as for :meth:`read`."""
        mark = self._keeper.mark(key)
        try:
            answer = await self._source.fetch(key, None, fresh=True, timeout=timeout)
        except Exception as error:
            if self._source.outcome(error) == Outcome.GONE:
                await self._keeper.gone(key, error, self._tiers())
            raise
        assert answer is not None  # no etag was sent
        return self._keeper.read(await self._keeper.keep(key, answer, mark, self._tiers()), "network")

    async def nearby(self, keys: Iterable[K]) -> dict[K, Read[V]]:
        """Those of many that memory can serve or that are fresh on a shared tier."""
        found: dict[K, Read[V]] = {}
        missing: list[K] = []
        for key in keys:
            here = self.at_hand(key)
            if here is None:
                self._shelf.misses += 1
                missing.append(key)
            else:
                found[key] = here
        return found if not missing else {**found, **await self._search.fresh_of(missing)}

    def mark(self, key: K) -> int:
        """Take it before asking for several at once, and hand it to :meth:`keep` with each answer."""
        return self._keeper.mark(key)

    async def keep(self, key: K, answer: Answer[V], mark: int) -> None:
        """Remember what the origin answered, everywhere, unless something changed since the mark was taken."""
        await self._keeper.keep(key, answer, mark, self._tiers())

    async def gone(self, key: K, error: Exception) -> None:
        """The origin said that there is none."""
        await self._keeper.gone(key, error, self._tiers())

    async def last_resort(self, key: K, error: Exception, *, seen: tuple[Found, V] | None = None) -> Read[V] | None:
        """What may be served although it is stale, because the origin cannot be asked; None when there is nothing.

        Args:
            key: Which one.
            error: Why it is needed.
            seen: What a tier was found to know.
        """
        if self._source.outcome(error) not in {Outcome.FAILED, Outcome.REFUSED}:
            return None
        entry, source = self._shelf.find(key), "memory"
        if entry is None or not self._keeper.may_serve(entry):
            stale = seen if seen is not None else await self._search.seek(key)
            if isinstance(stale, Read):
                return stale
            if stale is None:
                return None
            entry, source = self._keeper.stale(key, *stale), stale[0].tier
        self._keeper.failed(key, entry, error)
        return self._keeper.read(entry, source)

    def refresh_soon(self, key: K, *, delay: float = 0.0) -> None:
        """Ask for a value anew although it counts as fresh: something said that it changed."""
        entry = self._shelf.find(key)
        if entry is None:
            return
        now = self._now()
        entry.fresh_until = min(entry.fresh_until, now)
        entry.serve_until = min(entry.serve_until, now)
        if self._refresher is not None:
            self._refresher.submit(key, entry, shared=False, delay=delay)

    async def refresh(self, key: K) -> None:
        """Bring an entry up to date now, as the background does."""
        if self._refresher is not None:
            await self._refresher.refresh(key)

    def close(self) -> None:
        """No refresh begins after this."""
        if self._refresher is not None:
            self._refresher.closed = True

    async def _load(self, key: K, until: float, timeout: float | None) -> Read[V]:
        here = self.at_hand(key)  # it may have come while this flight was waiting for its turn
        if here is not None:
            return here
        self.misses.check(key)
        stale = await self._search.seek(key)
        if isinstance(stale, Read):
            return stale
        if stale is not None and self.stale_first and self._refresher is not None:
            entry = self._keeper.stale(key, *stale)
            if entry.kept:
                self._refresher.submit(key, entry)
                return self._keeper.read(entry, stale[0].tier)
        release = await self._search.take_off(key, until)
        try:
            if release is not None:
                again = await self._search.seek(key)  # another process may have been there first
                if isinstance(again, Read):
                    return again
            return await self._ask(key, stale, timeout)
        finally:
            if release is not None:
                release()

    async def _ask(self, key: K, stale: tuple[Found, V] | None, timeout: float | None) -> Read[V]:
        """Ask the origin; when it cannot be asked, serve what is stale."""
        keeper = self._keeper
        last = self._shelf.find(key)
        mark = keeper.mark(key)
        etag = last.etag if last is not None else stale[0].packed.etag or None if stale is not None else None
        try:
            answer = await self._source.fetch(key, etag, timeout=timeout)
        except Exception as error:
            if self._source.outcome(error) == Outcome.GONE:
                await keeper.gone(key, error, self._tiers())
            served = await self.last_resort(key, error, seen=stale)
            if served is None:
                raise
            return served
        if answer is not None:
            return keeper.read(await keeper.keep(key, answer, mark, self._tiers()), "network")
        entry = last if last is not None else keeper.stale(key, *stale) if stale is not None else None
        assert entry is not None  # an etag was sent, so there was an entry
        await keeper.confirm(key, entry, mark, self._tiers())
        return keeper.read(entry, "network")

    def _serve_stale(self, key: K, entry: Entry[V]) -> bool:
        """Whether an entry may be served while the background sees to its refresh."""
        if self._refresher is None or self.freshness.ttl <= 0.0:  # who wants no ttl wants to wait for the origin
            return self._now() < entry.fresh_until
        if not self._keeper.may_serve(entry):
            return False
        self._refresher.submit(key, entry)
        return True


def _given(tiers: Sequence[Tier] | Callable[[], tuple[Tier, ...]]) -> Callable[[], tuple[Tier, ...]]:
    if callable(tiers):
        return tiers
    given = tuple(tiers)
    return lambda: given
