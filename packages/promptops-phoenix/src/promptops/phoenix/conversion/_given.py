"""Prompts as callers write them: what should be a struct may be a dict, and what has a wrong type is named."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from promptops.core.narrow import is_array
from promptops.models import ChatMessage, ModelSettings, PromptCreate, ResponseFormat, ToolChoice, ToolDefinition
from promptops.phoenix.conversion._types import PromptSource
from promptops.prompts._checks import converted, converted_one, well_typed

__all__ = ["as_structs"]

_ONE: Final[dict[str, type[Any]]] = {
    "tool_choice": ToolChoice,
    "response_format": ResponseFormat,
    "model_settings": ModelSettings,
}
_MANY: Final[dict[str, type[Any]]] = {"messages": ChatMessage, "tools": ToolDefinition}


def as_structs(prompt: PromptSource) -> PromptSource:
    """The prompt with structs where dicts were given, as in ``PromptCreate(messages=[{"role": ...}])``.

    Raises:
        ValidationError: A value has the wrong type; the error names its field.
    """
    made: dict[str, Any] = {}
    for name, kind in _ONE.items():
        value = getattr(prompt, name)
        if value is not None and not isinstance(value, kind):
            made[name] = converted_one(name, value, kind)
    for name, kind in _MANY.items():
        values = getattr(prompt, name)
        if values is not None and not _is_list_of(values, kind):
            made[name] = converted(name, values, kind)
    if made:
        prompt = msgspec.structs.replace(prompt, **made)
    return well_typed(prompt) if isinstance(prompt, PromptCreate) else prompt


def _is_list_of(values: object, kind: type[Any]) -> bool:
    return is_array(values) and all(isinstance(value, kind) for value in values)
