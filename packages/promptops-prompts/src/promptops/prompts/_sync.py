"""The blocking view of the prompts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, overload

from msgspec import UNSET
from promptops.core.bridge import SyncResource, bridge, bridge_iter, drive
from promptops.models import PromptResponse
from promptops.prompts._cache import PromptCache
from promptops.prompts._resource import AsyncPrompts

__all__ = ["SyncPrompts"]

F = TypeVar("F")


class SyncPrompts(SyncResource[AsyncPrompts]):
    """Blocking view of :class:`AsyncPrompts`."""

    def __init__(self, resource: AsyncPrompts) -> None:
        super().__init__(resource)
        self._project = resource.project
        shelf = resource.cache.shelf
        self._latest, self._clock = shelf.group(resource.project), shelf.clock

    @property
    def project(self) -> str | None:
        """The project of calls that name none; None is the default of the key."""
        return self._project

    @property
    def cache(self) -> PromptCache:
        """What this resource remembers: ``stats()`` and ``clear()``."""
        return self._resource.cache

    def peek(
        self, name: str, *, version: str | None = None, project: str | None = None, label: str | None = None
    ) -> PromptResponse | None:
        """The prompt if it is in memory and may be served, without waiting; else None.

        One that is older than its ttl is served while the background brings it up to date.
        """
        return self._resource.peek(name, version=version, project=project, label=label)

    @overload
    def get(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        label: str | None = None,
    ) -> PromptResponse: ...
    @overload
    def get(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        label: str | None = None,
        fallback: Callable[[Exception], F],
    ) -> PromptResponse | F: ...
    @overload
    def get(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        label: str | None = None,
        fallback: F,
    ) -> PromptResponse | F: ...
    def get(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        label: str | None = None,
        fallback: object = UNSET,
    ) -> object:
        # Written by hand: a prompt that is at hand costs one look-up, no coroutine and no further call.
        if use_cache and version is None and label is None and project is None:
            try:
                entry = self._latest[name]
            except (KeyError, TypeError):
                pass
            else:
                if self._clock() < entry.serve_until:
                    entry.reads += 1
                    return entry.value
        elif (
            use_cache
            and (found := self._resource.peek(name, version=version, project=project, label=label)) is not None
        ):
            return found
        read = self._resource._read  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        return drive(
            read(
                name,
                version=version,
                project=project,
                use_cache=use_cache,
                timeout=timeout,
                label=label,
                fallback=fallback,
            )
        ).prompt

    get.__doc__ = AsyncPrompts.get.__doc__

    read = bridge(AsyncPrompts.read)
    render = bridge(AsyncPrompts.render)
    list = bridge(AsyncPrompts.list)
    get_many = bridge(AsyncPrompts.get_many)
    warm = bridge(AsyncPrompts.warm)
    validate = bridge(AsyncPrompts.validate)
    list_page = bridge(AsyncPrompts.list_page)
    iterate = bridge_iter(AsyncPrompts.iterate)
    versions = bridge(AsyncPrompts.versions)
    create = bridge(AsyncPrompts.create)
    update = bridge(AsyncPrompts.update)
    delete = bridge(AsyncPrompts.delete)
    rollback = bridge(AsyncPrompts.rollback)
    labels = bridge(AsyncPrompts.labels)
    set_label = bridge(AsyncPrompts.set_label)
    remove_label = bridge(AsyncPrompts.remove_label)
    history = bridge(AsyncPrompts.history)
    iterate_history = bridge_iter(AsyncPrompts.iterate_history)
    diff = bridge(AsyncPrompts.diff)
