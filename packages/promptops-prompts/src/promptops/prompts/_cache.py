"""The prompts that a client remembers: under which keys, for how long, and what a write makes it forget."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress
from weakref import WeakSet

import msgspec
from promptops.cache import CacheConfig, CacheStats
from promptops.cache.policy import BACKGROUND, Flights, Read, ReadThrough, Tier
from promptops.core.config import RuntimeConfig
from promptops.core.messages import PROMPT_READ, Profile
from promptops.core.runtime import Runtime
from promptops.models import PromptResponse
from promptops.prompts._addresses import PromptKey
from promptops.prompts._cache_checks import check_cache
from promptops.prompts._memory import PromptMemory, Traces
from promptops.prompts._origin import PromptOrigin, decode_prompt
from promptops.prompts._shared import Forgotten, SharedTiers
from promptops.prompts._surroundings import Prepared, Surroundings, later, make_shared, of_tiers
from promptops.prompts.stores import PromptStore

__all__ = ["PromptCache", "PromptKey", "PromptReader", "Surroundings", "check_cache"]

PromptReader = ReadThrough[PromptKey, PromptResponse]
_SOON = 0.05


class PromptCache:
    """Decoded prompts in memory, for one client: one server and one key; and the shared caches behind it.

    The latest version, and what a label points to, stay fresh for ``config.ttl`` seconds; a numbered version until a
    write through this client changes it. All callers get the same object, so only frozen prompts belong here.

    Args:
        config: What to keep; the default is memory.
        clock: Seconds that never go back.
        random: Numbers from 0 to 1, for the jitter; ``random.random`` unless given.
        around: The client; without one there are neither shared caches nor a background.
    """

    def __init__(
        self,
        config: CacheConfig | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] | None = None,
        around: Surroundings | None = None,
    ) -> None:
        self.config = check_cache(config if config is not None else CacheConfig())
        self.memory = PromptMemory(self.config, clock=clock)
        self.shelf = self.memory.shelf
        self._around = around
        self._random = random
        self._readers: WeakSet[PromptReader] = WeakSet()
        self._reader: PromptReader | None = None
        self._shared = self._make_shared(self.config)

    def reader(
        self,
        store: PromptStore,
        runtime: Runtime,
        *,
        native: bool,
        make_store: Callable[[Runtime, Profile], PromptStore],
    ) -> PromptReader:
        """The freshness policy over this memory and a store.

        Args:
            store: What callers ask.
            runtime: Where they wait.
            native: Whether it is the server of the client, so that shared caches and the background serve it.
            make_store: Makes the same store on the runtime of the background.
        """
        around = self._around if native else None
        behind = around.behind if around is not None else None
        origin = PromptOrigin(
            store,
            behind=None if behind is None else later(behind, make_store),
            addresses=lambda: None if self._shared is None else self._shared.addresses,
        )
        flights: Flights[Read[PromptResponse]] = Flights(
            runtime.lock, between_threads=around is not None and around.blocking
        )
        reader = ReadThrough(
            origin,
            self.shelf,
            flights,
            tiers=self._front if native else (),
            quiet_tiers=self._behind if native else (),
            freshness=self.memory.freshness,
            background=None if behind is None else BACKGROUND,
            random=self._fraction,
            stale_first=self.config.prefer_disk,
            misses=self.memory.misses,
            doubts=self.memory.doubts,
        )
        self._readers.add(reader)
        if self._reader is None or native:
            self._reader = reader
        return reader

    def patience(self, timeout: float | None) -> float:
        """Seconds that a read may take: what the caller said, else what the client was told, else 3."""
        if timeout is not None:
            return timeout
        configured = None if self._around is None else self._around.config().timeout
        return PROMPT_READ.deadline if configured is None else float(configured)

    def reconfigure(self, config: CacheConfig) -> None:
        """Keep by another configuration from now on; the counters stay.

        What no longer fits goes. With another ``ttl`` what may move goes too: it was kept for the old one.

        Raises:
            ConfigurationError: A value cannot work; nothing was changed.
        """
        self.adopt(self.prepare(config))()

    def prepare(self, config: CacheConfig, *, moved_to: RuntimeConfig | None = None) -> Prepared:
        """Check another configuration and make what it needs; hand it to :meth:`adopt`.

        Args:
            config: What to keep.
            moved_to: The address and the key of the client, when they are others from now on.

        Raises:
            ConfigurationError: A value cannot work; nothing was changed.
        """
        check_cache(config)
        if moved_to is None and of_tiers(self.config) == of_tiers(config):
            return Prepared(config, self._shared)
        return Prepared(config, self._make_shared(config, whose=moved_to))

    def adopt(self, prepared: Prepared) -> Callable[[], None]:
        """Keep by what was prepared, from now on; it cannot fail. Call what comes back to close what is left over."""
        old, new, left = self.config, prepared.config, self._shared
        self.config, self._shared = new, prepared.shared
        self.memory.resize(new)
        for reader in self._readers:
            reader.freshness, reader.stale_first = self.memory.freshness, new.prefer_disk
        if (old.ttl, old.jitter) != (new.ttl, new.jitter):
            self.memory.forget_moving()
        return _nothing if left is None or left is prepared.shared else left.close

    @property
    def epoch(self) -> int:
        """Read it before asking the server, and hand it to :meth:`keep` with the answer."""
        return self.memory.doubts.total

    def peek(self, key: PromptKey) -> PromptResponse | None:
        """The prompt if it is at hand, without waiting; else None."""
        if self._reader is not None:
            return self._reader.peek(key)
        return self.shelf.peek(key)

    def keep(self, key: PromptKey, prompt: PromptResponse, *, epoch: int) -> None:
        """Remember an answer in memory, unless something was forgotten since ``epoch``: it may be older than that."""
        if epoch == self.epoch:
            self.memory.keep(key, prompt, fraction=self._fraction())

    def forget(
        self,
        name: str,
        *,
        project: str | None,
        prompt_id: str | None = None,
        versions: Collection[str] | None = None,
        elsewhere: bool = True,
        label: str | None = None,
        removed: bool = False,
    ) -> Forgotten:
        """Forget a prompt after a write, here and now; hand what comes back to :meth:`drop` or :meth:`drop_behind`.

        One prompt may lie here under its slug and its id, and under each name of its project or none (the default of
        the key), so entries are found by the id of the prompt in them.

        Args:
            name: The slug or id that was named.
            project: The project that was named, or None.
            prompt_id: The id, when it is known.
            versions: Canonical versions that changed, besides the latest and the labels; None means all.
            elsewhere: Whether, when nothing of the named project is here, the same name in any project goes: it may
                be the same project under another name.
            label: A label that was moved.
            removed: Whether the whole prompt was.
        """
        traces = self.memory.forget(
            name,
            project=project,
            prompt_id=prompt_id,
            versions=versions,
            elsewhere=elsewhere,
            label=label,
            removed=removed,
        )
        return self._forgotten(traces)

    def clear(self, name: str | None = None, *, version: str | None = None, project: str | None = None) -> Forgotten:
        """Forget everything, one prompt, or one version of it (``latest`` for the latest), as :meth:`forget` does.

        Raises:
            ValidationError: A version came without a prompt, or is none.
        """
        return self._forgotten(self.memory.clear(name, version=version, project=project))

    async def clear_all(
        self, name: str | None = None, *, version: str | None = None, project: str | None = None
    ) -> Forgotten:
        """:meth:`clear`, after asking the shared caches for the other name (slug or id) of the prompt."""
        if name is None or self._shared is None:
            return self.clear(name, version=version, project=project)
        found = self.clear(name, version=version, project=project)
        key = self._shared.addresses.key((project, name, None))
        others: set[str] = set()
        for tier in self._front():
            known = await tier.read(key)
            with suppress(msgspec.MsgspecError):
                if known is not None:
                    prompt = decode_prompt(known.packed.body)
                    others.update({prompt.id, prompt.slug} - {name, ""})
        for other in others:
            also = self.clear(other, version=version, project=project)
            found = Forgotten(keys=found.keys + also.keys, prefixes=found.prefixes + also.prefixes)
        return found

    async def drop(self, what: Forgotten) -> None:
        """Forget on the shared caches too."""
        if self._shared is not None:
            await self._shared.drop(what)

    def drop_behind(self, what: Forgotten) -> None:
        """The same on the background thread: for callers who were cancelled."""
        if self._shared is not None:
            self._shared.drop_behind(what)

    def changed(self, *, slug: str, prompt_id: str, version: str | None = None) -> None:
        """The server says that a prompt changed: ask for it anew, behind everyone's back.

        Args:
            slug: Its slug.
            prompt_id: Its id.
            version: The version that was written, if it was one.
        """
        found, traces = self.memory.changed(slug=slug, prompt_id=prompt_id, version=version)
        self.drop_behind(self._forgotten(traces))
        for key in found:
            if self._reader is not None:
                # A moment later, and not all processes at once: by then everyone has dropped the old one.
                self._reader.refresh_soon(key, delay=_SOON * (0.2 + 0.8 * self._fraction()))

    def stats(self) -> CacheStats:
        """What was counted so far."""
        stats = self.shelf.stats(level=str(self.config.level))
        return stats if self._shared is None else msgspec.structs.replace(stats, tiers=self._shared.stats())

    async def measure(self) -> dict[str, CacheStats | None]:
        """How much lies in the shared caches, by their names; None for one that is away."""
        return {} if self._shared is None else await self._shared.measure()

    def close(self) -> None:
        """Refresh nothing any more, stop listening, and close the shared caches; safe to call twice."""
        for reader in self._readers:
            reader.close()
        if self._shared is not None:
            self._shared.close()

    def _front(self) -> tuple[Tier, ...]:
        return () if self._shared is None else self._shared.front()

    def _behind(self) -> tuple[Tier, ...]:
        return () if self._shared is None else self._shared.behind

    def _forgotten(self, traces: Traces) -> Forgotten:
        return Forgotten() if self._shared is None else self._shared.forgotten(traces)

    def _make_shared(self, config: CacheConfig, *, whose: RuntimeConfig | None = None) -> SharedTiers | None:
        return make_shared(config, self._around, whose=whose, on_change=self.changed, on_reset=self.memory.reset)

    def _fraction(self) -> float:
        if self._random is None:
            import random

            self._random = random.random
        return self._random()


def _nothing() -> None:
    """Nothing is left over."""
