"""The prompts that one process remembers: which of them a write, a clearing or news from the server is about."""

from __future__ import annotations

from collections.abc import Callable, Collection

import msgspec
from promptops.cache import CacheConfig, CacheLevel
from promptops.cache.policy import Doubts, Entry, Freshness, Misses, Shelf
from promptops.models import PromptResponse
from promptops.prompts._addresses import PromptKey
from promptops.prompts._checks import refused
from promptops.prompts._origin import answer_of, moves
from promptops.prompts.versions import normalise_version

__all__ = ["PromptMemory", "Traces"]


class Traces(msgspec.Struct, frozen=True, kw_only=True):
    """Where a prompt may lie besides: every combination of these.

    Attributes:
        projects: As they were named.
        names: Slugs and ids; None stands for everything that there is.
        which: Versions and labels as in a key; None stands for all.
    """

    projects: frozenset[str | None]
    names: frozenset[str] | None
    which: frozenset[str | None] | None


class PromptMemory:
    """Decoded prompts in memory, with what was found missing and what was said to have changed.

    One prompt may lie here under its slug and its id, and under each name of its project or none (the default of the
    key), so entries are found by the id of the prompt in them.

    Args:
        config: How much to keep, and for how long.
        clock: Seconds that never go back.
    """

    def __init__(self, config: CacheConfig, *, clock: Callable[[], float]) -> None:
        self.shelf: Shelf[PromptKey, PromptResponse] = Shelf(
            max_size=_room(config), max_bytes=config.max_bytes, clock=clock, split=_by_name
        )
        self.freshness = _freshness(config)
        self.doubts = Doubts(clock=clock)
        self.misses: Misses[PromptKey] = Misses(self.freshness, clock=clock)

    def resize(self, config: CacheConfig) -> None:
        """Keep by another configuration from now on; what no longer fits goes."""
        self.shelf.resize(max_size=_room(config), max_bytes=config.max_bytes)
        self.freshness = self.misses.freshness = _freshness(config)

    def keep(self, key: PromptKey, prompt: PromptResponse, *, fraction: float) -> None:
        """Remember what the server said just now; ``fraction`` is random in 0..1."""
        answer, now = answer_of(prompt), self.shelf.clock()
        lifetime = self.freshness.lifetime(fraction, fixed=not moves(key[2]))
        entry = Entry(answer.value, size=len(answer.body), confirmed=now, fresh_until=now + lifetime, etag=answer.etag)
        self.shelf.put(key, entry)

    def forget_moving(self) -> None:
        """Forget what may be another version tomorrow."""
        self.doubts.cast()
        self.shelf.discard_where(lambda key, _: moves(key[2]))

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
    ) -> Traces:
        """Forget a prompt after a write; see :meth:`~promptops.prompts.PromptCache.forget`."""
        if prompt_id is not None:
            ids = {prompt_id}
        else:
            named = self.shelf.select(lambda key, prompt: name in {key[1], prompt.slug, prompt.id})
            ids = {prompt.id for key, prompt in named if key[0] == project}
            if not ids and elsewhere:
                ids = {prompt.id for _, prompt in named}
        found = self.shelf.select(lambda _, prompt: prompt.id in ids)
        names = self._doubt({name, *ids}, found)
        gone = [key for key, _ in found if versions is None or moves(key[2]) or key[2] in versions]
        for key in gone:
            self.shelf.discard(key)
        labels = () if label is None else (f"@{label}",)
        which = frozenset({None, *(versions or ()), *labels, *(key[2] for key in gone)})
        projects = frozenset({project, *(key[0] for key in gone)})
        return Traces(projects=projects, names=names, which=None if removed else which)

    def clear(self, name: str | None, *, version: str | None, project: str | None) -> Traces:
        """Forget everything, one prompt, or one version of it.

        Raises:
            ValidationError: A version came without a prompt, or is none.
        """
        if name is None and version is not None:
            raise refused("prompt_id", "a version alone says nothing; name its prompt too", "required")
        if name is None:
            self.doubts.cast()
            self.misses.clear()
            self.shelf.clear()
            return Traces(projects=frozenset({project}), names=None, which=None)
        wanted = normalise_version(version)
        found = self.shelf.select(lambda key, prompt: name in {key[1], prompt.id, prompt.slug})
        names = self._doubt({name, *(prompt.id for _, prompt in found)}, found)
        for key, _ in found:
            if version is None or key[2] == wanted:
                self.shelf.discard(key)
        projects = frozenset({project, *(key[0] for key, _ in found)})
        return Traces(projects=projects, names=names, which=None if version is None else frozenset({wanted}))

    def changed(self, *, slug: str, prompt_id: str, version: str | None) -> tuple[list[PromptKey], Traces]:
        """What is here of a prompt that changed; it stays, to be served until there is news."""
        named = {slug, prompt_id}
        found = self.shelf.select(lambda key, prompt: key[1] in named or prompt.id == prompt_id)
        names = self._doubt(named, found)
        # Others may have kept it under any name of its project: under those that are known here.
        projects = frozenset({None, *(key[0] for key in tuple(self.shelf.entries))})
        which = frozenset({None, version, *(key[2] for key, _ in found)})
        return [key for key, _ in found], Traces(projects=projects, names=names, which=which)

    def reset(self) -> None:
        """Anything may have changed: everything counts as stale, and nothing goes."""
        self.doubts.cast()
        self.misses.clear()
        now = self.shelf.clock()
        for entry in tuple(self.shelf.entries.values()):
            entry.fresh_until = min(entry.fresh_until, now)
            entry.serve_until = min(entry.serve_until, now)

    def _doubt(self, names: set[str], found: list[tuple[PromptKey, PromptResponse]]) -> frozenset[str]:
        """All names of a prompt, of which nothing older than now counts as fresh."""
        everything = frozenset(
            {*names, *(key[1] for key, _ in found), *(prompt.slug for _, prompt in found if prompt.slug)}
        )
        self.doubts.cast(*everything)
        self.misses.forget_where(lambda key: key[1] in everything)
        return everything


def _freshness(config: CacheConfig) -> Freshness:
    return Freshness(
        ttl=config.ttl,
        jitter=config.jitter,
        max_stale=config.max_stale,
        most_negative=0 if config.level == CacheLevel.NONE else 1000,
    )


def _room(config: CacheConfig) -> int:
    return 0 if config.level == CacheLevel.NONE else config.max_size


def _by_name(key: PromptKey) -> tuple[str | None, str] | None:
    """The latest versions, which are asked for most, lie by project and name."""
    return key[:2] if key[2] is None else None
