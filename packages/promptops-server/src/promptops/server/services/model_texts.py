"""The text of a prompt for one model."""

from __future__ import annotations

import hashlib
from typing import Any

from promptops.prompts.render import normalise_provider
from promptops.server import wire
from promptops.server.refusals import QueryError
from promptops.server.variants import chosen_variant, settings_with

__all__ = ["check_model", "text_for_model"]

_LONGEST = {"model_provider": 64, "model_name": 128}


def check_model(model: wire.ModelReference) -> None:
    """Refuse names that no model can have.

    Raises:
        QueryError: A part is blank or too long; all of them are named.
    """
    problems: list[dict[str, Any]] = []
    for field, longest in _LONGEST.items():
        value: str = getattr(model, field)
        if not value.strip() or len(value) > longest:
            problems.append(
                {"field": field, "message": f"must have 1 to {longest} characters", "code": "invalid_value"}
            )
    if problems:
        raise QueryError(f"{problems[0]['field']}: {problems[0]['message']}", validation_errors=problems)


def text_for_model(prompt: wire.PromptResponse, model: wire.ModelReference) -> wire.PromptForModel:
    """The entry of exactly that model, then the one for every model of its provider, then the prompt's own text."""
    provider = normalise_provider(model.model_provider)
    variant = chosen_variant(prompt, provider, model.model_name)
    tag = hashlib.sha256(f"{prompt.etag}\n{provider}\n{model.model_name}".encode()).hexdigest()[:32]
    return wire.PromptForModel(
        prompt_id=prompt.id,
        slug=prompt.slug,
        version=prompt.version,
        model_provider=provider,
        model_name=model.model_name,
        is_model_specific=variant is not None,
        matched_model=None if variant is None else variant.model_name,
        content=prompt.content if variant is None else variant.content,
        messages=prompt.messages if variant is None else variant.messages,
        tools=prompt.tools,
        tool_choice=prompt.tool_choice,
        response_format=prompt.response_format,
        model_settings=settings_with(prompt, variant),
        instructions=None if variant is None else variant.instructions,
        expected_output_format=None if variant is None else variant.expected_output_format,
        template_format=prompt.template_format,
        variables=prompt.variables,
        content_hash=prompt.content_hash,
        etag=tag,
    )
