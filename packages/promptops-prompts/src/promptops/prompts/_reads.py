"""Prompts: fetch and list them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from promptops.cache import CacheConfig
from promptops.core.bridge import AsyncResource
from promptops.core.errors import NetworkError, PromptNotFoundError, PromptOpsError, ServerError, TimeoutError  # noqa: A004 - ours
from promptops.core.pagination import OffsetPage, iterate_offset
from promptops.core.runtime import Runtime
from promptops.models import PromptResponse
from promptops.prompts._cache import PromptCache, PromptKey
from promptops.prompts._checks import (
    MAX_PAGE,
    check_choice,
    check_flag,
    check_name,
    check_page,
    check_text,
    refused,
    selector,
    texts,
)
from promptops.prompts._frozen import frozen
from promptops.prompts._native import NativePromptStore
from promptops.prompts.stores import SORT_FIELDS, SORT_ORDERS, PromptQuery, PromptStore, SortBy, SortOrder
from promptops.prompts.versions import normalise_version

if TYPE_CHECKING:
    from promptops.prompts.files.bundle import Bundle

__all__ = ["PromptReads"]

# The class has a method named list, so its annotations cannot say list.
Prompts: TypeAlias = list[PromptResponse]


class PromptReads(AsyncResource):
    """The half of :class:`~promptops.prompts.AsyncPrompts` that reads."""

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
        self._remembered = self._cache.peek
        self._bundle = bundle
        self._store: PromptStore = store if store is not None else NativePromptStore(runtime)

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
        """The prompt if it is at hand and fresh, without waiting; else None."""
        if type(name) is not str:
            name = check_name(name)
        scope = self._project if project is None else check_text("project", project)
        which = normalise_version(version) if label is None else selector(version, label)
        return self._remembered((scope, name, which))

    async def get(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        label: str | None = None,
    ) -> PromptResponse:
        """Fetch one version of a prompt.

        Args:
            name: Slug or id.
            version: Which version; the latest unless given.
            project: In which project.
            use_cache: False asks the server, and every cache on the way to pass the question on.
            timeout: Seconds for the whole call.
            label: The label that points to the version, instead of ``version``.

        Raises:
            PromptNotFoundError: There is no such prompt, version or label; it suggests close names.
            ValidationError: The name is empty, or the version or label is none; nothing was sent.
        """
        if use_cache and type(name) is str:  # peek(), written out: every prompt that is at hand pays for each call here
            scope = self._project if project is None else check_text("project", project)
            # selector(), written out for a version: it is asked for most.
            which = (
                (version if version is None else normalise_version(version))
                if label is None
                else selector(version, label)
            )
            if (prompt := self._remembered((scope, name, which))) is not None:
                return prompt
        return await self._fetch(
            name, version=version, project=project, use_cache=use_cache, timeout=timeout, label=label
        )

    async def _fetch(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
        label: str | None = None,
    ) -> PromptResponse:
        """Ask for a prompt whether or not it is at hand, and remember the answer."""
        check_flag("use_cache", use_cache)
        key = (self._scope(project), check_name(name), selector(version, label))
        epoch = self._cache.epoch
        try:
            prompt = await self._store.get(
                name,
                version=key[2] if label is None else None,
                label=label,
                project=key[0],
                fresh=not use_cache,
                timeout=timeout,
            )
        except PromptNotFoundError:
            self._cache.discard(key)
            raise
        except (NetworkError, TimeoutError, ServerError) as error:
            if not use_cache or (bundled := self._bundled(key, error)) is None:
                raise
            return bundled
        prompt = frozen(prompt)
        self._cache.keep(key, prompt, epoch=epoch)
        return prompt

    async def list(
        self,
        *,
        module_id: str | None = None,
        query: str | None = None,
        tags: Sequence[str] = (),
        skip: int = 0,
        limit: int = 100,
        sort_by: SortBy = "created_at",
        sort_order: SortOrder = "desc",
        use_cache: bool = True,
        project: str | None = None,
        timeout: float | None = None,
    ) -> Prompts:
        """The prompts of one page, the latest version of each; see :meth:`list_page` and :meth:`iterate`.

        Args:
            module_id: Only prompts of this module.
            query: Only prompts with this text in name, description or content.
            tags: Only prompts that have all of these.
            skip: How many to leave out at the start.
            limit: Most prompts, 1 to 1,000.
            sort_by: ``created_at``, ``updated_at``, ``name`` or ``version``.
            sort_order: ``asc`` or ``desc``.
            use_cache: False asks every cache on the way to pass the question on; lists are not kept here.
            project: In which project.
            timeout: Seconds for the whole call.

        Raises:
            ValidationError: An argument is out of range or unknown; nothing was sent.
        """
        page = await self.list_page(
            module_id=module_id,
            query=query,
            tags=tags,
            skip=skip,
            limit=limit,
            sort_by=sort_by,
            sort_order=sort_order,
            use_cache=use_cache,
            project=project,
            timeout=timeout,
        )
        return page.items

    async def list_page(
        self,
        *,
        module_id: str | None = None,
        query: str | None = None,
        tags: Sequence[str] = (),
        skip: int = 0,
        limit: int = 100,
        sort_by: SortBy = "created_at",
        sort_order: SortOrder = "desc",
        use_cache: bool = True,
        project: str | None = None,
        timeout: float | None = None,
    ) -> OffsetPage[PromptResponse]:
        """One page with its total and whether there is more; arguments as for :meth:`list`."""
        check_page(limit, skip)
        check_choice("sort_by", sort_by, SORT_FIELDS)
        check_choice("sort_order", sort_order, SORT_ORDERS)
        check_flag("use_cache", use_cache)
        wanted = PromptQuery(
            project=self._scope(project),
            module_id=None if module_id is None else check_text("module_id", module_id),
            query=None if query is None else check_text("query", query),
            tags=_searchable(tags),
            sort_by=sort_by,
            sort_order=sort_order,
            limit=limit,
            offset=skip,
        )
        return await self._store.list_page(wanted, fresh=not use_cache, timeout=timeout)

    async def iterate(
        self,
        *,
        module_id: str | None = None,
        query: str | None = None,
        tags: Sequence[str] = (),
        page_size: int = 100,
        sort_by: SortBy = "created_at",
        sort_order: SortOrder = "desc",
        use_cache: bool = True,
        project: str | None = None,
        timeout: float | None = None,
    ) -> AsyncIterator[PromptResponse]:
        """Every prompt, fetched page by page as it is consumed; ``timeout`` counts for each page."""
        async for prompt in iterate_offset(
            lambda skip: self.list_page(
                module_id=module_id,
                query=query,
                tags=tags,
                skip=skip,
                limit=page_size,
                sort_by=sort_by,
                sort_order=sort_order,
                use_cache=use_cache,
                project=project,
                timeout=timeout,
            )
        ):
            yield prompt

    async def versions(self, name: str, *, project: str | None = None, timeout: float | None = None) -> Prompts:
        """Every version of a prompt, the highest first; ``timeout`` counts for each page of 1,000.

        Raises:
            PromptNotFoundError: There is no such prompt.
        """
        name = check_name(name)
        scope = self._scope(project)
        pages = iterate_offset(
            lambda skip: self._store.versions_page(name, project=scope, limit=MAX_PAGE, offset=skip, timeout=timeout)
        )
        return [prompt async for prompt in pages]

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

    def _scope(self, project: str | None) -> str | None:
        return self._project if project is None else check_text("project", project)


def _searchable(tags: Sequence[str]) -> tuple[str, ...]:
    wanted = texts("tags", tags)
    if any("," in tag for tag in wanted):
        raise refused("tags", "a tag to search by must not hold a comma")
    return tuple(wanted)
