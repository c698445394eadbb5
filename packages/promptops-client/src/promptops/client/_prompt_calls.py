"""The flat methods that list and check prompts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from promptops.client._flat import FlatCalls, flat, rename
from promptops.core.errors import ValidationError

if TYPE_CHECKING:
    from promptops.core.pagination import OffsetPage
    from promptops.models import PromptResponse
    from promptops.prompts.stores import SortBy, SortOrder

__all__ = ["PromptCalls"]


class PromptCalls(FlatCalls):
    """Listing prompts, by the names and in the order of the published reference."""

    @flat("prompts_listed")
    async def list_prompts(  # noqa: PLR0917 - the published positional order
        self,
        module_id: str | None = None,
        skip: int = 0,
        limit: int = 100,
        sort_by: SortBy = "created_at",
        sort_order: SortOrder = "desc",
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        query: str | None = None,
        tags: Sequence[str] = (),
        timeout: float | None = None,
    ) -> list[PromptResponse]:
        """The prompts of one page, the latest version of each; also :meth:`list_prompts_page`, :meth:`iterate_prompts`.

        Args:
            module_id: Only prompts of this module.
            skip: How many to leave out at the start.
            limit: Most prompts, 1 to 1,000.
            sort_by: ``created_at``, ``updated_at``, ``name`` or ``version``.
            sort_order: ``asc`` or ``desc``.
            use_cache: False asks every cache on the way to pass the question on; the client itself keeps no lists.
            project_id: In which project; that of the client unless given.
            query: Only prompts with this text in name, description or content.
            tags: Only prompts that have all of these.
            timeout: Seconds for the whole call.

        Raises:
            ValidationError: An argument is out of range or unknown; nothing was sent.
        """
        return await self._state.prompts().list(
            module_id=module_id,
            query=query,
            tags=tags,
            skip=skip,
            limit=limit,
            sort_by=sort_by,
            sort_order=sort_order,
            use_cache=use_cache,
            project=project_id,
            timeout=timeout,
        )

    @flat("prompts_listed")
    async def list_prompts_page(  # noqa: PLR0917 - the published positional order
        self,
        module_id: str | None = None,
        skip: int = 0,
        limit: int = 100,
        sort_by: SortBy = "created_at",
        sort_order: SortOrder = "desc",
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        query: str | None = None,
        tags: Sequence[str] = (),
        timeout: float | None = None,
    ) -> OffsetPage[PromptResponse]:
        """One page with its ``total`` and ``has_more``; arguments as for :meth:`list_prompts`."""
        return await self._state.prompts().list_page(
            module_id=module_id,
            query=query,
            tags=tags,
            skip=skip,
            limit=limit,
            sort_by=sort_by,
            sort_order=sort_order,
            use_cache=use_cache,
            project=project_id,
            timeout=timeout,
        )

    async def iterate_prompts(
        self,
        module_id: str | None = None,
        sort_by: SortBy = "created_at",
        sort_order: SortOrder = "desc",
        project_id: str | None = None,
        *,
        query: str | None = None,
        tags: Sequence[str] = (),
        page_size: int = 100,
        timeout: float | None = None,
    ) -> AsyncIterator[PromptResponse]:
        """Every prompt, fetched page by page as it is consumed; ``timeout`` counts for each page."""
        prompts = self._state.prompts().iterate(
            module_id=module_id,
            query=query,
            tags=tags,
            page_size=page_size,
            sort_by=sort_by,
            sort_order=sort_order,
            project=project_id,
            timeout=timeout,
        )
        try:
            async for prompt in prompts:
                yield prompt
        except ValidationError as error:
            rename(error, {"project": "project_id", "limit": "page_size"})
            raise

    @flat("prompt_validated")
    async def validate_prompt(
        self,
        prompt_id: str,
        version: str | None = None,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
        label: str | None = None,
    ) -> bool:
        """Whether a prompt exists and every text of it is a valid template; the server is asked, not the memory.

        Returns:
            False only when there is no such prompt, version or label, or when one of its texts is no valid template.

        Raises:
            PromptOpsError: The question could not be answered (network, key, rate limit).
            ValidationError: An argument cannot be meant; nothing was sent.
        """
        return await self._state.prompts().validate(
            prompt_id, version=version, project=project_id, timeout=timeout, label=label
        )

    @flat("prompt_versions_listed")
    async def list_versions(
        self, prompt_id: str, project_id: str | None = None, *, timeout: float | None = None
    ) -> list[PromptResponse]:
        """Every version of a prompt, the highest first.

        Raises:
            PromptNotFoundError: There is no such prompt.
        """
        return await self._state.prompts().versions(prompt_id, project=project_id, timeout=timeout)

    async def versions(
        self, prompt_id: str, project_id: str | None = None, *, timeout: float | None = None
    ) -> list[PromptResponse]:
        """Same as :meth:`list_versions`."""
        return await self.list_versions(prompt_id, project_id, timeout=timeout)
