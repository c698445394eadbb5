"""Brings stale entries up to date on the background thread, where no caller waits for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

from promptops.cache._background import Background
from promptops.cache._keeper import Keeper
from promptops.cache._shelf import Entry
from promptops.cache._source import Outcome
from promptops.cache._tiers import Tier

__all__ = ["Refresher"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
_HANG: Final = 1.0
"""Seconds after which an attempt that fails was one too long."""


class Refresher(Generic[K, V]):
    """Refreshes entries of one policy, each at most once at a time.

    Args:
        keeper: Whose entries.
        background: Where it happens.
        tiers: Gives the shared caches, which must not suspend; asked on the background thread alone.
    """

    def __init__(self, keeper: Keeper[K, V], background: Background, *, tiers: Callable[[], tuple[Tier, ...]]) -> None:
        self.closed = False
        self._keeper = keeper
        self._background = background
        self._tiers = tiers
        self._hangs = 0
        self._ask_again = 0.0

    def submit(self, key: K, entry: Entry[V], *, shared: bool = True, delay: float = 0.0) -> None:
        """See to it that an entry is refreshed soon; until then it is served without another thought."""
        if self.closed:
            return
        keeper = self._keeper
        # The job sets the time anew when it ends; should it be lost, in a fork for example, the next one comes then.
        entry.serve_until = keeper.bounded(entry, keeper.now() + keeper.freshness.last_retry)
        self._background.submit((id(self), key), lambda: _drive(self.refresh(key, shared=shared)), delay=delay)

    async def refresh(self, key: K, *, shared: bool = True) -> None:
        """Bring an entry up to date, from a shared tier where another process was first.

        Args:
            key: Which one.
            shared: Whether the tiers may answer.
        """
        keeper = self._keeper
        entry = keeper.shelf.find(key)
        if entry is None or self.closed:
            return
        tiers = self._tiers()
        mark = keeper.mark(key)
        if shared:
            name = keeper.source.key(key)
            for tier in tiers:
                found = await tier.read(name)
                if found is not None and keeper.newer(entry, found) and keeper.fresh(key, found, tier) is not None:
                    return
        began = keeper.now()
        if self._hangs and began < self._ask_again:
            keeper.postpone(entry, self._ask_again)
            return
        try:
            answer = await keeper.source.fetch_behind(key, entry.etag)
        except Exception as error:  # noqa: BLE001 - kept for the next reader: the value itself is served
            self._note_hang(keeper.now() - began)
            if keeper.source.outcome(error) == Outcome.GONE:
                await keeper.gone(key, error, tiers)
            elif not self.closed:
                keeper.failed(key, entry, error)
            return
        self._hangs = 0
        if answer is None:
            await keeper.confirm(key, entry, mark, tiers)
        else:
            await keeper.keep(key, answer, mark, tiers)

    def _note_hang(self, seconds: float) -> None:
        """An origin that lets its callers wait is asked for one thing at a time: others need this thread too."""
        keeper = self._keeper
        self._hangs = self._hangs + 1 if seconds >= _HANG else 0
        if self._hangs:
            wait = keeper.freshness.retry_after(self._hangs, keeper.random(), refused=False)
            self._ask_again = keeper.now() + wait


def _drive(coroutine: Awaitable[None]) -> None:
    """Run a coroutine that never suspends."""
    steps = coroutine.__await__()
    try:
        next(steps)
    except StopIteration:
        return
    raise RuntimeError("background work must not wait on an event loop; give the policy tiers that never suspend")
