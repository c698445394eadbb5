"""The flat methods that get and render prompts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar, overload

from msgspec import UNSET
from promptops.client._flat import FlatCalls, flat, rename
from promptops.core.errors import ValidationError

if TYPE_CHECKING:
    from promptops.models import ModelProvider, PromptResponse, PromptVariables
    from promptops.prompts import PromptRead, Prompts
    from promptops.prompts._fallbacks import Template
    from promptops.prompts.rendered import RenderedPrompt

__all__ = ["ReadCalls"]

F = TypeVar("F")


class ReadCalls(FlatCalls):
    """Getting prompts, by the names and in the order of the published reference."""

    @overload
    async def get_prompt(
        self,
        prompt_id: str,
        version: str | None = None,
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
        label: str | None = None,
    ) -> PromptResponse: ...
    @overload
    async def get_prompt(
        self,
        prompt_id: str,
        version: str | None = None,
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
        label: str | None = None,
        fallback: Callable[[Exception], F],
    ) -> PromptResponse | F: ...
    @overload
    async def get_prompt(
        self,
        prompt_id: str,
        version: str | None = None,
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
        label: str | None = None,
        fallback: F,
    ) -> PromptResponse | F: ...
    async def get_prompt(
        self,
        prompt_id: str,
        version: str | None = None,
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
        label: str | None = None,
        fallback: object = UNSET,
    ) -> object:
        """Fetch one version of a prompt.

        Args:
            prompt_id: Slug or id.
            version: Which version (``1.2.0``, ``v1.2``); the latest unless given.
            use_cache: False asks the server, and every cache on the way to pass the question on.
            project_id: In which project; that of the client unless given.
            timeout: Seconds for the whole call.
            label: The label that points to the version, instead of ``version``.
            fallback: What to return instead of raising when the prompt cannot be had, whatever the reason (it does not
                exist, the key is refused, nothing answers in time); None and empty values too. What can be called is
                called with the error, and what it returns is returned.

        Raises:
            PromptNotFoundError: There is no such prompt, version or label; it suggests close names.
            ValidationError: An argument cannot be meant; nothing was sent. Raised with a fallback too.
        """
        if use_cache:
            found = self._at_hand(prompt_id, version, project_id, label)
            if found is not None:
                return found
        read = await self._read_prompt(prompt_id, version, use_cache, project_id, timeout, label, fallback)
        return read.prompt

    @overload
    async def read_prompt(
        self,
        prompt_id: str,
        version: str | None = None,
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
        label: str | None = None,
    ) -> PromptRead[PromptResponse]: ...
    @overload
    async def read_prompt(
        self,
        prompt_id: str,
        version: str | None = None,
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
        label: str | None = None,
        fallback: Callable[[Exception], F],
    ) -> PromptRead[PromptResponse | F]: ...
    @overload
    async def read_prompt(
        self,
        prompt_id: str,
        version: str | None = None,
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
        label: str | None = None,
        fallback: F,
    ) -> PromptRead[PromptResponse | F]: ...
    async def read_prompt(
        self,
        prompt_id: str,
        version: str | None = None,
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
        label: str | None = None,
        fallback: object = UNSET,
    ) -> PromptRead[Any]:
        """Fetch one version of a prompt as :meth:`get_prompt` does, and say where it came from.

        Returns:
            The prompt with ``source`` (memory, redis, disk, network, bundle or fallback), ``age`` (seconds since the
            server confirmed it), ``stale`` and ``cache_hit``.
        """
        return await self._read_prompt(prompt_id, version, use_cache, project_id, timeout, label, fallback)

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
    async def _read_prompt(  # noqa: PLR0917 - called from a few places of ours
        self,
        prompt_id: str,
        version: str | None,
        use_cache: bool,
        project_id: str | None,
        timeout: float | None,
        label: str | None,
        fallback: object,
    ) -> PromptRead[Any]:
        read = self._state.prompts()._read  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        return await read(
            prompt_id,
            version=version,
            project=project_id,
            use_cache=use_cache,
            timeout=timeout,
            label=label,
            fallback=fallback,
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

    @flat("prompts_warmed")
    async def cache_warm(
        self,
        prompt_ids: Sequence[str],
        project_id: str | None = None,
        *,
        versions: Mapping[str, str] | None = None,
        timeout: float | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Prompts:
        """Fetch prompts that will be needed into memory and the shared caches; what is fresh there is not asked for.

        Arguments and errors as for :meth:`get_prompts`.
        """
        return await self._state.prompts().warm(
            prompt_ids, versions=versions, project=project_id, timeout=timeout, labels=labels
        )

    @overload
    async def render_prompt(
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
        fallback: Template | Callable[[Exception], Template] = ...,
    ) -> RenderedPrompt: ...
    @overload
    async def render_prompt(
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
        fallback: Template | Callable[[Exception], Template | None] | None,
    ) -> RenderedPrompt | None: ...
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
        fallback: object = UNSET,
    ) -> RenderedPrompt | None:
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
            fallback: What to render when the prompt cannot be had, whatever the reason: a mustache text, messages, a
                prompt; None gives None. What can be called is called with the error, and what it returns is rendered.

        Returns:
            The text and messages; ``.to("openai")`` makes them the arguments of an SDK. ``source``, ``age`` and
            ``stale`` say where the prompt came from.

        Raises:
            PromptNotFoundError: There is no such prompt, version or label.
            ValidationError: Variables are missing, of the wrong type or cannot be rendered; all of them are named.
        """
        options: dict[str, Any] = {
            "version": version,
            "model_provider": model_provider,
            "model_name": model_name,
            "use_cache": use_cache,
            "project": project_id,
            "on_server": on_server,
            "timeout": timeout,
            "label": label,
            "strict": strict,
            "fallback": fallback,
        }
        return await self._render_prompt(prompt_id, variables, options)

    @flat("prompt_rendered")
    async def _render_prompt(
        self, prompt_id: str, variables: Mapping[str, Any] | PromptVariables, options: dict[str, Any]
    ) -> RenderedPrompt | None:
        rendered: RenderedPrompt | None = await self._state.prompts().render(prompt_id, variables, **options)
        return rendered
