"""Rendering a prompt: which text applies to the model, and what its messages say once the variables are filled in.

This module is shared with the server; it knows nothing of requests, caches or the classes of the models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from promptops.core.errors import ValidationError
from promptops.prompts._messages import fill_messages
from promptops.prompts._problems import MISSING_VARIABLE, problem, refusal
from promptops.prompts._variables import (
    checked_variables,
    misplaced,
    names_of,
    plain_values,
    schema_problems,
    together,
    unused,
    unused_problems,
)
from promptops.prompts.formats._formattable import Formattable
from promptops.prompts.template import compile_template

if TYPE_CHECKING:
    from promptops.models.prompts import (
        ModelSettingsLike,
        PromptLike,
        ResponseFormatLike,
        ToolChoiceLike,
        ToolLike,
        VariantLike,
    )

__all__ = [
    "Rendered",
    "checked_variables",
    "merged_settings",
    "normalise_provider",
    "plain_variables",
    "prompt_variables",
    "render_prompt",
    "select_variant",
]

_PROVIDER_ALIASES: Final = {"claude": "anthropic", "gemini": "google"}
_SETTINGS: Final = (
    "provider",
    "model",
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "stop",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "reasoning_effort",
    "extra",
)


class Rendered(msgspec.Struct, Formattable, frozen=True, kw_only=True):
    """A prompt with its variables filled in.

    Attributes:
        content: The text; of a chat prompt the texts joined by a blank line.
        messages: ``{"role", "content"}`` each, and ``"name"`` when set; a plain text is one message. The content is a
            text, or a list of parts with their ``"type"``.
        variables_used: The names that were filled in, in the order of their first use.
        variables_unused: The names that were given and that the prompt uses nowhere.
        tools: The tools that the model may call.
        tool_choice: Whether it must call one.
        response_format: The form of the answer.
        model_settings: The prompt's settings, with those of the variant in their place.
        variant: The model-specific text that was chosen, or None for the prompt's own.
    """

    content: str
    messages: list[dict[str, Any]]
    variables_used: list[str]
    variables_unused: list[str] = []
    tools: Sequence[ToolLike] = ()
    tool_choice: ToolChoiceLike | None = None
    response_format: ResponseFormatLike | None = None
    model_settings: ModelSettingsLike | None = None
    variant: VariantLike | None = None


def render_prompt(
    prompt: PromptLike,
    variables: Mapping[str, Any] | None = None,
    *,
    model_provider: str | None = None,
    model_name: str | None = None,
    strict: bool = False,
) -> Rendered:
    """Fill the variables into a prompt.

    Args:
        prompt: A prompt version.
        variables: Values by name. The variable of a placeholder is a list of messages, as dicts or structs; they are
            inserted as they are.
        model_provider: For whom; see :func:`select_variant`.
        model_name: For which model of that provider.
        strict: Whether a name that the prompt neither uses nor declares is refused too.

    Raises:
        ValidationError: Variables are missing, are not what the prompt's schema says or cannot be rendered (all named
            at once, over all messages, with the names that the prompt does not use beside missing ones); the messages
            would be too long; or the prompt is not a valid template.
    """
    values = variables if variables.__class__ is dict and variables is not None else checked_variables(variables)
    variant = None
    messages, settings = prompt.messages, prompt.model_settings
    if model_provider or model_name:
        variant = select_variant(prompt, model_provider=model_provider, model_name=model_name)
        if variant is not None:
            messages, settings = variant.messages, merged_settings(settings, variant.model_settings)
    schema = prompt.variables_schema
    wrong = None if schema is None else schema_problems(schema, values)
    try:
        if messages:
            content, filled, used = fill_messages(messages, prompt.template_format, values)
        else:
            source = prompt.content if variant is None else variant.content
            content, used = compile_template(source, prompt.template_format).render(values)
            role = "user" if prompt.metadata.get("message_role") == "user" else "system"
            filled = [{"role": role, "content": content}]
    except ValidationError as error:
        whole = together(prompt, values, wrong or [], error, strict=strict)
        if whole is error:
            raise
        raise whole from error
    left = [] if _set_of(used).issuperset(values) else unused(prompt, values)
    refused = misplaced(prompt, left) if strict and left else []
    if wrong or refused:
        named = any(item["code"] == MISSING_VARIABLE for item in wrong or [])
        raise refusal(*(wrong or []), *unused_problems(left if named else refused))
    return Rendered(
        content=content,
        messages=filled,
        variables_used=list(used),
        variables_unused=left,
        tools=prompt.tools,
        tool_choice=prompt.tool_choice,
        response_format=prompt.response_format,
        model_settings=settings,
        variant=variant,
    )


def select_variant(
    prompt: PromptLike, *, model_provider: str | None = None, model_name: str | None = None
) -> VariantLike | None:
    """The model-specific text to use, or None for the prompt's own.

    Nothing asked: the prompt's own. Otherwise the entry of exactly that model, then the entry for every model of the
    provider (empty name or ``*``), then the prompt's own. ``claude`` means ``anthropic`` and ``gemini`` ``google``.

    Raises:
        ValidationError: A model name came without a provider.
    """
    if not model_provider:
        if model_name:
            message = "a model name needs its provider, for example model_provider='openai'"
            raise refusal(problem("model_provider", message, "missing_provider"))
        return None
    provider = normalise_provider(model_provider)
    provider_wide: VariantLike | None = None
    for variant in prompt.model_specific_prompts:
        if normalise_provider(variant.model_provider) != provider:
            continue
        if variant.model_name in {"", "*"}:
            provider_wide = provider_wide or variant
        elif variant.model_name == model_name:
            return variant
    return provider_wide


def normalise_provider(provider: str) -> str:
    """The provider's name as it is compared: lower case, aliases resolved."""
    name = str(provider).strip().lower()
    return _PROVIDER_ALIASES.get(name, name)


def merged_settings(own: ModelSettingsLike | None, other: ModelSettingsLike | None) -> ModelSettingsLike | None:
    """The settings of a variant over those of its prompt: what the variant says counts, field by field."""
    if own is None or other is None:
        return own if other is None else other
    said: dict[str, Any] = {
        name: value
        for name in _SETTINGS
        if (value := getattr(other, name)) is not None and not (name == "extra" and not value)
    }
    kept = cast("Any", own)  # a struct of the server or of the client; the result is of the same class
    return cast("ModelSettingsLike", msgspec.structs.replace(kept, **said))


def prompt_variables(prompt: PromptLike) -> list[str]:
    """The variables that a prompt uses anywhere, variants and placeholders included, in the order of their first use.

    Raises:
        ValidationError: A text is not a valid template; the field says which one.
    """
    names, problems = names_of(prompt)
    if problems:
        raise refusal(*problems)
    return list(names)


def plain_variables(variables: Mapping[str, Any] | None) -> dict[str, Any]:
    """The variables as plain JSON values, for rendering elsewhere with the same result.

    Raises:
        ValidationError: Some cannot be rendered; all of them are named.
    """
    values, problems = plain_values(checked_variables(variables))
    if problems:
        raise refusal(*problems)
    return values


@lru_cache(maxsize=512)
def _set_of(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(names)
