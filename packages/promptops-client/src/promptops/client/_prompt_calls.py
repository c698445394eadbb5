"""The flat methods that read prompts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

from promptops.client._flat import FlatCalls, flat, rename
from promptops.core.errors import ValidationError

if TYPE_CHECKING:
    from promptops.core.pagination import OffsetPage
    from promptops.models import ModelProvider, PromptResponse, PromptVariables
    from promptops.prompts import Prompts
    from promptops.prompts.rendered import RenderedPrompt
    from promptops.prompts.stores import SortBy, SortOrder

__all__ = ["PromptCalls"]


class PromptCalls(FlatCalls):
    """Reading prompts, by the names and in the order of the published reference."""

    async def get_prompt(
        self,
        prompt_id: str,
        version: str | None = None,
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
        label: str | None = None,
    ) -> PromptResponse:
        """Fetch one version of a prompt.

        Args:
            prompt_id: Slug or id.
            version: Which version (``1.2.0``, ``v1.2``); the latest unless given.
            use_cache: False asks the server, and every cache on the way to pass the question on.
            project_id: In which project; that of the client unless given.
            timeout: Seconds for the whole call.
            label: The label that points to the version, instead of ``version``.

        Raises:
            PromptNotFoundError: There is no such prompt, version or label; it suggests close names.
            ValidationError: An argument cannot be meant; nothing was sent.
        """
        if use_cache:
            found = self._at_hand(prompt_id, version, project_id, label)
            if found is not None:
                return found
        return await self._fetch_prompt(prompt_id, version, use_cache, project_id, timeout, label)

    def _at_hand(
        self, prompt_id: str, version: str | None, project_id: str | None, label: str | None
    ) -> PromptResponse | None:
        # Every prompt that is at hand pays for what is done here.
        started = perf_counter()
        state = self._state
        try:
            found = state.prompts().peek(prompt_id, version=version, project=project_id, label=label)
        except ValidationError as error:
            rename(error)
            raise
        if found is not None:
            state.reports.record("prompt_fetched", started, "ok", version=found.version, cache_hit=True)
        return found

    @flat("prompt_fetched")
    async def _fetch_prompt(  # noqa: PLR0917 - called from two places of ours
        self,
        prompt_id: str,
        version: str | None,
        use_cache: bool,
        project_id: str | None,
        timeout: float | None,
        label: str | None,
    ) -> PromptResponse:
        # The resource's other half: the look-up is not repeated, and a miss is counted once.
        fetch = self._state.prompts()._fetch  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        return await fetch(
            prompt_id, version=version, project=project_id, use_cache=use_cache, timeout=timeout, label=label
        )

    @flat("prompts_fetched")
    async def get_prompts(
        self,
        prompt_ids: Sequence[str],
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        versions: Mapping[str, str] | None = None,
        timeout: float | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Prompts:
        """Fetch any number of prompts: those at hand from memory, the others in requests of 100.

        Args:
            prompt_ids: Slugs or ids.
            use_cache: False asks the server for every one.
            project_id: In which project; that of the client unless given.
            versions: Which version of which of them; the latest of the others.
            timeout: Seconds for each request.
            labels: The label that points to the version, of which of them, instead of ``versions``.

        Returns:
            ``prompts`` by the name asked for, and ``errors``: the typed error of each that could not be had.

        Raises:
            ValidationError: An argument cannot be meant; nothing was sent.
        """
        return await self._state.prompts().get_many(
            prompt_ids, versions=versions, project=project_id, use_cache=use_cache, timeout=timeout, labels=labels
        )

    @flat("prompt_rendered")
    async def render_prompt(  # noqa: PLR0917 - the published positional order
        self,
        prompt_id: str,
        variables: Mapping[str, Any] | PromptVariables,
        version: str | None = None,
        model_provider: ModelProvider | str | None = None,
        model_name: str | None = None,
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        on_server: bool = False,
        timeout: float | None = None,
        label: str | None = None,
        strict: bool = False,
    ) -> RenderedPrompt:
        """Fill variables into a prompt, here or on the server; both give the same bytes.

        Args:
            prompt_id: Slug or id.
            variables: Values by name.
            version: Which version; the latest unless given.
            model_provider: For whose model; chooses a model-specific text where there is one.
            model_name: For which model of that provider.
            use_cache: Whether a prompt that is at hand may be used.
            project_id: In which project; that of the client unless given.
            on_server: Render on the server instead.
            timeout: Seconds for the whole call.
            label: The label that points to the version, instead of ``version``.
            strict: Whether a variable that the prompt uses nowhere is refused; with ``on_server``, one that this
                render did not use.

        Returns:
            The text and messages; ``.to("openai")`` makes them the arguments of an SDK.

        Raises:
            PromptNotFoundError: There is no such prompt, version or label.
            ValidationError: Variables are missing, of the wrong type or cannot be rendered; all of them are named.
        """
        return await self._state.prompts().render(
            prompt_id,
            variables,
            version=version,
            model_provider=model_provider,
            model_name=model_name,
            use_cache=use_cache,
            project=project_id,
            on_server=on_server,
            timeout=timeout,
            label=label,
            strict=strict,
        )

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
