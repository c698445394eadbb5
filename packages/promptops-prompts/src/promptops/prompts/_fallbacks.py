"""What a caller wants instead of an error, and which errors are for that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, Final, TypeAlias, cast

from promptops.core.errors import ConfigurationError, SuspendedInSync, UnsupportedOperation, ValidationError
from promptops.models import ChatMessage, ModelSettings, PromptResponse
from promptops.prompts._checks import converted, refused
from promptops.prompts.render import render_prompt
from promptops.prompts.rendered import RenderedPrompt

__all__ = ["Template", "chosen", "is_mistake", "render_fallback"]

Template: TypeAlias = str | PromptResponse | RenderedPrompt | Sequence[ChatMessage | Mapping[str, Any]]
"""What can be rendered instead of a prompt: a mustache text, messages, a prompt; a finished render stays as it is."""

_MISTAKES: Final = (ValidationError, ConfigurationError, UnsupportedOperation, SuspendedInSync)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def is_mistake(error: Exception) -> bool:
    """Whether an error is the caller's own, so that no fallback must hide it."""
    return isinstance(error, _MISTAKES)


def chosen(fallback: object, error: Exception) -> object:
    """The fallback itself, or what it returns when it can be called."""
    if callable(fallback):
        call = cast("Callable[[Exception], object]", fallback)
        return call(error)
    return fallback


def render_fallback(
    given: object,
    name: str,
    values: Mapping[str, Any],
    *,
    model_provider: str | None,
    model_name: str | None,
    strict: bool,
    started: float,
) -> RenderedPrompt:
    """A template of the caller's own with the variables filled in.

    Raises:
        ValidationError: It cannot be rendered: it is no template, or variables are missing.
    """
    if isinstance(given, RenderedPrompt):
        return given
    prompt = _prompt_of(given, name)
    rendered = render_prompt(prompt, values, model_provider=model_provider, model_name=model_name, strict=strict)
    return RenderedPrompt(
        prompt_id=prompt.id,
        version=prompt.version,
        rendered_content=rendered.content,
        messages=rendered.messages,
        tools=prompt.tools,
        tool_choice=prompt.tool_choice,
        response_format=prompt.response_format,
        model_settings=cast("ModelSettings | None", rendered.model_settings),
        variables_used=rendered.variables_used,
        variables_unused=rendered.variables_unused,
        processing_time_ms=(perf_counter() - started) * 1000.0,
        cache_hit=False,
        source="fallback",
        age=None,
        stale=True,
    )


def _prompt_of(given: object, name: str) -> PromptResponse:
    if isinstance(given, PromptResponse):
        return given
    content, messages = "", None
    if isinstance(given, str):
        content = given
    elif isinstance(given, Sequence) and not isinstance(given, (bytes, bytearray)):
        messages = converted("fallback", cast("Sequence[ChatMessage | Mapping[str, Any]]", given), ChatMessage)
    else:
        message = f"a render needs a text, messages or a prompt to fall back to, not {type(given).__name__!r}"
        raise refused("fallback", message)
    # Neither an id nor a version: no server knows it.
    return PromptResponse(
        id=name,
        name=name,
        content=content,
        messages=messages,
        version="",
        created_at=_EPOCH,
        updated_at=_EPOCH,
    )
