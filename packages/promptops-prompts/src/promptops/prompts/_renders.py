"""Prompts: fetch one and fill its variables in, here or on the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Final, cast, overload

from msgspec import UNSET, UnsetType
from promptops.models import ModelSettings, PromptResponse, RenderRequest, RenderResponse
from promptops.prompts._checks import check_flag, check_name, check_provider, check_text, refused, selector
from promptops.prompts._fallbacks import Template, chosen, is_mistake, render_fallback
from promptops.prompts._problems import refusal
from promptops.prompts._reads import PromptReads
from promptops.prompts._variables import misplaced, unused, unused_problems
from promptops.prompts.render import checked_variables, plain_variables, render_prompt
from promptops.prompts.rendered import RenderedPrompt

__all__ = ["PromptRenders"]

_SHORTEST: Final = 0.001  # seconds: nothing left is no timeout that could be asked for


class PromptRenders(PromptReads):
    """The part of :class:`~promptops.prompts.AsyncPrompts` that renders."""

    @overload
    async def render(
        self,
        name: str,
        variables: Mapping[str, Any] | None = None,
        *,
        version: str | None = None,
        model_provider: str | None = None,
        model_name: str | None = None,
        use_cache: bool = True,
        project: str | None = None,
        timeout: float | None = None,
        on_server: bool = False,
        label: str | None = None,
        strict: bool = False,
        fallback: Template | Callable[[Exception], Template] = ...,
    ) -> RenderedPrompt: ...
    @overload
    async def render(
        self,
        name: str,
        variables: Mapping[str, Any] | None = None,
        *,
        version: str | None = None,
        model_provider: str | None = None,
        model_name: str | None = None,
        use_cache: bool = True,
        project: str | None = None,
        timeout: float | None = None,
        on_server: bool = False,
        label: str | None = None,
        strict: bool = False,
        fallback: Template | Callable[[Exception], Template | None] | None,
    ) -> RenderedPrompt | None: ...
    async def render(
        self,
        name: str,
        variables: Mapping[str, Any] | None = None,
        *,
        version: str | None = None,
        model_provider: str | None = None,
        model_name: str | None = None,
        use_cache: bool = True,
        project: str | None = None,
        timeout: float | None = None,
        on_server: bool = False,
        label: str | None = None,
        strict: bool = False,
        fallback: object = UNSET,
    ) -> RenderedPrompt | None:
        """Fill variables into a prompt.

        The prompt is fetched (or at hand) and rendered here, by the engine that the server uses too.

        Args:
            name: Slug or id.
            variables: Values by name; a dict or :class:`~promptops.models.PromptVariables`.
            version: Which version; the latest unless given.
            model_provider: For which provider's model; chooses a model-specific text where there is one.
            model_name: For which model of that provider.
            use_cache: Whether a prompt that is at hand may be used.
            project: In which project.
            timeout: Seconds for the whole call.
            on_server: Render on the server instead.
            label: The label that points to the version, instead of ``version``.
            strict: Whether a variable that the prompt neither uses nor declares is refused.
            fallback: What to render when the prompt cannot be had, whatever the reason: a mustache text, messages, a
                prompt; None gives None. What can be called is called with the error, and what it returns is rendered.

        Returns:
            The text and messages, ``cache_hit`` (the prompt came from a cache), its ``source``, ``age`` and ``stale``,
            and ``processing_time_ms`` (the whole call).

        Raises:
            PromptNotFoundError: There is no such prompt, version or label.
            ValidationError: Variables are missing, of the wrong type or cannot be rendered; all of them are named.
        """
        started = perf_counter()
        name = check_name(name)
        values = checked_variables(variables)
        if model_provider is not None:
            model_provider = check_provider("model_provider", model_provider)
        if model_name is not None:
            model_name = check_text("model_name", model_name)
            if model_provider is None:
                raise refused("model_provider", "a model name needs its provider, for example 'openai'", "required")
        check_flag("strict", strict)
        try:
            if on_server:
                return await self._render_there(
                    name,
                    values,
                    which=selector(version, label),
                    model_provider=model_provider,
                    model_name=model_name,
                    project=self._scope(project),
                    timeout=timeout,
                    strict=strict,
                )
            read = await self._read(
                name, version=version, project=project, use_cache=use_cache, timeout=timeout, label=label
            )
        except Exception as error:
            if isinstance(fallback, UnsetType) or is_mistake(error):
                raise
            given = chosen(fallback, error)
            if given is None:
                return None
            return render_fallback(
                given,
                name,
                values,
                model_provider=model_provider,
                model_name=model_name,
                strict=strict,
                started=started,
            )
        prompt: PromptResponse = read.prompt
        rendered = render_prompt(prompt, values, model_provider=model_provider, model_name=model_name, strict=strict)
        return RenderedPrompt(
            prompt_id=prompt.id,
            version=prompt.version,
            rendered_content=rendered.content,
            messages=rendered.messages,
            tools=prompt.tools,
            tool_choice=prompt.tool_choice,
            response_format=prompt.response_format,
            # The settings of a prompt of the client, or of one of its variants: the client's own struct.
            model_settings=cast("ModelSettings | None", rendered.model_settings),
            variables_used=rendered.variables_used,
            variables_unused=rendered.variables_unused,
            processing_time_ms=(perf_counter() - started) * 1000.0,
            cache_hit=read.cache_hit,
            source=read.source,
            age=read.age,
            stale=read.stale,
        )

    async def _render_there(
        self,
        name: str,
        values: Mapping[str, Any],
        *,
        which: str | None,
        model_provider: str | None,
        model_name: str | None,
        project: str | None,
        timeout: float | None,
        strict: bool,
    ) -> RenderedPrompt:
        label = which[1:] if which is not None and which.startswith("@") else None
        request = RenderRequest(
            variables=plain_variables(values),
            version=which if label is None else None,
            label=label,
            model_provider=model_provider,
            model_name=model_name,
            project_id=project,
        )
        started = perf_counter()
        answer = await self._store.render(name, request, timeout=timeout)
        left = [name for name in values if name not in answer.variables_used]
        if strict and left:
            # Only the version itself says whether another text of it uses them, or it declares them.
            rest = None if timeout is None else max(timeout - (perf_counter() - started), _SHORTEST)
            read = await self._read(name, version=answer.version, project=project, use_cache=True, timeout=rest)
            if refused := misplaced(read.prompt, unused(read.prompt, dict.fromkeys(left))):
                raise refusal(*unused_problems(refused))
        return _finished(answer, left)


def _finished(answer: RenderResponse, left: list[str]) -> RenderedPrompt:
    """The server's answer, with the names that were given in vain."""
    fields = {name: getattr(answer, name) for name in answer.__struct_fields__}
    return RenderedPrompt(**fields, variables_unused=left)
