"""Prompts: list them, and the versions of one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypeAlias

from promptops.core.pagination import OffsetPage, iterate_offset
from promptops.models import PromptResponse
from promptops.prompts._checks import (
    MAX_PAGE,
    check_choice,
    check_flag,
    check_name,
    check_page,
    check_text,
    refused,
    texts,
)
from promptops.prompts._gets import PromptGets
from promptops.prompts.stores import SORT_FIELDS, SORT_ORDERS, PromptQuery, SortBy, SortOrder

__all__ = ["PromptReads"]

# The class has a method named list, so its annotations cannot say list.
Prompts: TypeAlias = list[PromptResponse]


class PromptReads(PromptGets):
    """The half of :class:`~promptops.prompts.AsyncPrompts` that reads."""

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


def _searchable(tags: Sequence[str]) -> tuple[str, ...]:
    wanted = texts("tags", tags)
    if any("," in tag for tag in wanted):
        raise refused("tags", "a tag to search by must not hold a comma")
    return tuple(wanted)
