"""Rendering a prompt: which text applies to the model, and what its messages say once the variables are filled in.

This module is shared with the server; it knows nothing of requests, caches or the classes of the models.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from promptops.core.errors import ValidationError
from promptops.prompts._problems import problem, refusal
from promptops.prompts._values import UnrenderableValue, plain
from promptops.prompts.template import MAX_OUTPUT_BYTES, compile_template

if TYPE_CHECKING:
    from promptops.models.prompts import PromptLike, VariantLike

__all__ = [
    "Rendered",
    "checked_variables",
    "normalise_provider",
    "plain_variables",
    "prompt_variables",
    "render_prompt",
    "select_variant",
]

_PROVIDER_ALIASES: Final = {"claude": "anthropic", "gemini": "google"}


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt with its variables filled in.

    Attributes:
        content: The text; of a chat prompt the texts joined by a blank line.
        messages: ``{"role", "content"}`` each; a plain text is one message.
        variables_used: The names that were filled in, in the order of their first use.
        variant: The model-specific text that was chosen, or None for the prompt's own.
    """

    content: str
    messages: list[dict[str, Any]]
    variables_used: list[str]
    variant: VariantLike | None = None


def render_prompt(
    prompt: PromptLike,
    variables: Mapping[str, Any] | None = None,
    *,
    model_provider: str | None = None,
    model_name: str | None = None,
) -> Rendered:
    """Fill the variables into a prompt.

    Args:
        prompt: A prompt version.
        variables: Values by name; names that the prompt does not use are ignored.
        model_provider: For whom; see :func:`select_variant`.
        model_name: For which model of that provider.

    Raises:
        ValidationError: Variables are missing or cannot be rendered (all named at once, over all messages), the
            text would be too long, or the prompt is not a valid template.
    """
    values = checked_variables(variables)
    variant = select_variant(prompt, model_provider=model_provider, model_name=model_name)
    if variant is None and prompt.messages:
        return _render_chat(prompt, values)
    source = prompt.content if variant is None else variant.content
    text, used = compile_template(source, prompt.template_format).render(values)
    role = "user" if prompt.metadata.get("message_role") == "user" else "system"
    return Rendered(
        content=text, messages=[{"role": role, "content": text}], variables_used=list(used), variant=variant
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


def prompt_variables(prompt: PromptLike) -> list[str]:
    """The variables that a prompt uses anywhere, variants included, in the order of their first use.

    Raises:
        ValidationError: A text is not a valid template; the field says which one.
    """
    texts = [("content", prompt.content)] if not prompt.messages else []
    texts += [(f"messages[{index}].content", message.content) for index, message in enumerate(prompt.messages or ())]
    texts += [
        (f"model_specific_prompts[{index}].content", variant.content)
        for index, variant in enumerate(prompt.model_specific_prompts)
    ]
    names: dict[str, None] = {}
    problems: list[dict[str, Any]] = []
    for field, text in texts:
        try:
            names.update(dict.fromkeys(compile_template(text, prompt.template_format).variables))
        except ValidationError as error:
            problems += [_relocated(item, field) for item in error.validation_errors]
    if problems:
        raise refusal(*problems)
    return list(names)


def plain_variables(variables: Mapping[str, Any] | None) -> dict[str, Any]:
    """The variables as plain JSON values, for rendering elsewhere with the same result.

    Raises:
        ValidationError: Some cannot be rendered; all of them are named.
    """
    values: dict[str, Any] = {}
    problems: list[dict[str, Any]] = []
    for name, value in checked_variables(variables).items():
        try:
            values[name] = plain(value, MAX_OUTPUT_BYTES)
        except UnrenderableValue as error:
            problems.append(problem(f"variables.{name}{error.where}", error.reason, error.code))
    if problems:
        raise refusal(*problems)
    return values


def _render_chat(prompt: PromptLike, values: dict[str, Any]) -> Rendered:
    messages: list[dict[str, Any]] = []
    used: dict[str, None] = {}
    problems: dict[tuple[str, str], dict[str, Any]] = {}
    size = 0
    for index, message in enumerate(prompt.messages or ()):
        try:
            text, names = compile_template(message.content, prompt.template_format).render(values)
        except ValidationError as error:
            for item in error.validation_errors:
                moved = _relocated(item, f"messages[{index}].content")
                problems.setdefault((moved["field"], moved["code"]), moved)
            continue
        size += len(text) if text.isascii() else len(text.encode())
        if size > MAX_OUTPUT_BYTES:
            reason = f"the rendered messages exceed {MAX_OUTPUT_BYTES} bytes; give shorter values"
            raise refusal(problem("variables", reason, "too_large"))
        used.update(dict.fromkeys(names))
        messages.append({"role": message.role, "content": text})
    if problems:
        raise refusal(*problems.values())
    content = "\n\n".join(message["content"] for message in messages)
    return Rendered(content=content, messages=messages, variables_used=list(used))


def _relocated(item: dict[str, Any], field: str) -> dict[str, Any]:
    return {**item, "field": field} if item["field"] == "content" else item


def checked_variables(variables: Mapping[str, Any] | None) -> dict[str, Any]:
    """The variables as a dict; None is none at all.

    Raises:
        ValidationError: It is no mapping.
    """
    if variables is None:
        return {}
    if not isinstance(variables, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        reason = f"expected a mapping of names to values, got {type(variables).__name__!r}"  # type: ignore[unreachable]
        raise refusal(problem("variables", reason, "invalid_value"))
    return dict(variables)
