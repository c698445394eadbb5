"""Prompts: ask for one, in the order in which it may be had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import UNSET, UnsetType
from promptops.cache import CacheConfig
from promptops.cache.policy import Read
from promptops.core.bridge import AsyncResource
from promptops.core.errors import NetworkError, PromptOpsError, ServerError, TimeoutError  # noqa: A004 - ours
from promptops.core.messages import PROMPT_READ, Profile
from promptops.core.runtime import Runtime
from promptops.models import PromptResponse
from promptops.prompts._cache import PromptCache, PromptKey
from promptops.prompts._checks import check_flag, check_name, check_text, check_timeout, selector
from promptops.prompts._fallbacks import chosen, is_mistake
from promptops.prompts._native import NativePromptStore
from promptops.prompts.reading import PromptRead, PromptSourceName
from promptops.prompts.stores import PromptStore
from promptops.prompts.versions import normalise_version

if TYPE_CHECKING:
    from promptops.prompts.files.bundle import Bundle

__all__ = ["PromptAsks"]

_GRACE: Final = 0.05
"""Seconds by which all of a read may be longer than the request alone, so that a request that spends its whole time is
known to have done so."""


class PromptAsks(AsyncResource):
    """The part of :class:`~promptops.prompts.AsyncPrompts` that asks: memory, shared caches, server, bundle."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        project: str | None = None,
        cache: CacheConfig | PromptCache | None = None,
        store: PromptStore | None = None,
        bundle: Bundle | None = None,
    ) -> None:
        super().__init__(runtime, project=project)
        self._cache = cache if isinstance(cache, PromptCache) else PromptCache(cache)
        self._bundle = bundle
        self._store: PromptStore = store if store is not None else self._make_store(runtime, PROMPT_READ)
        self._reads = self._cache.reader(self._store, runtime, native=store is None, make_store=self._make_store)
        # What the hot path looks at; see get().
        self._latest = self._cache.shelf.group(project)
        self._clock = self._cache.shelf.clock
        self._at_hand = self._reads.peek

    @staticmethod
    def _make_store(runtime: Runtime, profile: Profile) -> PromptStore:
        """The store of the server behind a runtime; as patient as the profile says when one prompt is asked for."""
        return NativePromptStore(runtime, profile=profile)

    @property
    def cache(self) -> PromptCache:
        """What this resource remembers: ``stats()`` and ``clear()``."""
        return self._cache

    @property
    def project(self) -> str | None:
        """The project of calls that name none; None is the default of the key."""
        return self._project

    def peek(
        self, name: str, *, version: str | None = None, project: str | None = None, label: str | None = None
    ) -> PromptResponse | None:
        """The prompt if it is in memory and may be served, without waiting; else None.

        One that is older than its ttl is served while the background brings it up to date.
        """
        if version is None and label is None and project is None and type(name) is str:
            entry = self._latest.get(name)
            if entry is not None and self._clock() < entry.serve_until:
                entry.reads += 1
                return entry.value
        return self._at_hand(
            (
                self._project if project is None else check_text("project", project),
                name if type(name) is str else check_name(name),
                normalise_version(version) if label is None else selector(version, label),
            )
        )

    async def _read(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        label: str | None = None,
        fallback: object = UNSET,
    ) -> PromptRead[Any]:
        check_flag("use_cache", use_cache)
        key = self._key(name, version, project, label)
        if use_cache and (here := self._reads.at_hand(key)) is not None:
            return _prompt_read(here)
        try:
            return await self._ask(key, use_cache=use_cache, timeout=timeout)
        except Exception as error:
            if isinstance(fallback, UnsetType) or is_mistake(error):
                raise
            return PromptRead(prompt=chosen(fallback, error), source="fallback", age=None, stale=True, cache_hit=False)

    async def _ask(self, key: PromptKey, *, use_cache: bool, timeout: float | None) -> PromptRead[Any]:
        """What is not in memory, within one deadline."""
        seconds = self._cache.patience(check_timeout(timeout))
        try:
            with self._runtime.deadline(seconds + _GRACE):
                if use_cache:
                    return _prompt_read(await self._reads.read(key, wait=seconds, timeout=timeout))
                return _prompt_read(await self._reads.renew(key, timeout=timeout))
        except (NetworkError, TimeoutError, ServerError) as error:
            bundled = self._bundled(key, error) if use_cache else None
            if bundled is None:
                raise
            return PromptRead(prompt=bundled, source="bundle", age=None, stale=True, cache_hit=False)

    async def _fetch(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        timeout: float | None = None,
        label: str | None = None,
    ) -> PromptResponse:
        """Ask the server, whatever is at hand, and remember the answer."""
        read = await self._read(name, version=version, project=project, use_cache=False, timeout=timeout, label=label)
        prompt: PromptResponse = read.prompt  # there is no fallback
        return prompt

    def _bundled(self, key: PromptKey, error: PromptOpsError) -> PromptResponse | None:
        """The prompt of the bundle, when the server cannot be asked; it is not kept, so the next call asks again."""
        if self._bundle is None:
            return None
        project, name, which = key
        label = which[1:] if which is not None and which.startswith("@") else None
        prompt = self._bundle.get(name, version=which if label is None else None, label=label, project=project)
        if prompt is not None:
            from promptops.core.log import log

            log().warning("prompt_served_from_bundle", name=name, version=prompt.version, reason=error.error_code)
        return prompt

    def _key(self, name: str, version: str | None, project: str | None, label: str | None) -> PromptKey:
        return (self._scope(project), check_name(name), selector(version, label))

    def _scope(self, project: str | None) -> str | None:
        return self._project if project is None else check_text("project", project)


def _prompt_read(read: Read[PromptResponse]) -> PromptRead[Any]:
    return PromptRead(
        prompt=read.value,
        source=cast("PromptSourceName", read.source),  # the policy's own names, and those of the tiers
        age=read.age,
        stale=read.stale,
        cache_hit=read.source != "network",
    )
