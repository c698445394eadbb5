"""What a conversion gives: the value, what was lost on the way, and the part of a prompt that both sides know."""

from __future__ import annotations

from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
from promptops.models import (
    ChatMessage,
    ModelSettings,
    PromptCreate,
    PromptResponse,
    ResponseFormat,
    ToolChoice,
    ToolDefinition,
)
from promptops.prompts.formats import Loss

__all__ = ["Converted", "PromptFields", "PromptSource"]

T = TypeVar("T")


class Converted(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A converted value, and what of the original it does not hold.

    Attributes:
        value: The converted value.
        losses: What the other side cannot say, or says in another way; empty when converting back gives the original.
    """

    value: T
    losses: tuple[Loss, ...] = ()


class PromptFields(msgspec.Struct, frozen=True, kw_only=True):
    """What a Phoenix prompt version says, by the names that our prompts have for it.

    Attributes:
        content: The template of a string prompt; of a chat the texts of its messages, joined by a blank line.
        messages: The messages of a chat, or None.
        variables: The names that a caller must give, in the order of their first use.
    """

    content: str
    messages: list[ChatMessage] | None = None
    template_format: str = "mustache"
    description: str = ""
    variables: list[str] = []
    tools: list[ToolDefinition] = []
    tool_choice: ToolChoice | None = None
    response_format: ResponseFormat | None = None
    model_settings: ModelSettings | None = None
    metadata: dict[str, Any] = {}

    def fields(self) -> dict[str, Any]:
        """All of it by name, ready for ``PromptResponse(**fields, ...)``."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


PromptSource: TypeAlias = PromptResponse | PromptCreate | PromptFields
"""What can become a Phoenix prompt version."""
