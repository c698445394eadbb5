"""The blocking view of the prompts."""

from __future__ import annotations

from promptops.core.bridge import SyncResource, bridge, bridge_iter, drive
from promptops.models import PromptResponse
from promptops.prompts._cache import PromptCache
from promptops.prompts._checks import check_text, selector
from promptops.prompts._resource import AsyncPrompts
from promptops.prompts.versions import normalise_version

__all__ = ["SyncPrompts"]


class SyncPrompts(SyncResource[AsyncPrompts]):
    """Blocking view of :class:`AsyncPrompts`."""

    def __init__(self, resource: AsyncPrompts) -> None:
        super().__init__(resource)
        self._project = resource.project
        self._remembered = resource.cache.peek

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
        """The prompt if it is at hand and fresh, without waiting; else None."""
        return self._resource.peek(name, version=version, project=project, label=label)

    def get(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        label: str | None = None,
    ) -> PromptResponse:
        # Written by hand: a prompt that is at hand costs one look-up, no coroutine and no further call.
        if use_cache and type(name) is str:
            scope = self._project if project is None else check_text("project", project)
            # selector(), written out for a version: it is asked for most.
            which = (
                (version if version is None else normalise_version(version))
                if label is None
                else selector(version, label)
            )
            if (prompt := self._remembered((scope, name, which))) is not None:
                return prompt
        # The resource's other half: the look-up is not repeated, and a miss is counted once.
        fetch = self._resource._fetch  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        return drive(fetch(name, version=version, project=project, use_cache=use_cache, timeout=timeout, label=label))

    get.__doc__ = AsyncPrompts.get.__doc__

    render = bridge(AsyncPrompts.render)
    list = bridge(AsyncPrompts.list)
    get_many = bridge(AsyncPrompts.get_many)
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
