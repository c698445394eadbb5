"""The least that a chat has to be handed to a provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from promptops.models.prompts import ModelSettingsLike, ResponseFormatLike, ToolChoiceLike, ToolLike

__all__ = ["ChatLike"]


class ChatLike(Protocol):
    """A rendered chat: plain message dicts and what is said beside them."""

    @property
    def messages(self) -> Sequence[Mapping[str, Any]]:
        """``{"role", "content"}`` each, with ``name`` when set; the content is a text or a list of part dicts."""
        ...

    @property
    def tools(self) -> Sequence[ToolLike]:
        """The tools that the model may call."""
        ...

    @property
    def tool_choice(self) -> ToolChoiceLike | None:
        """Whether it must call one."""
        ...

    @property
    def response_format(self) -> ResponseFormatLike | None:
        """The form of the answer."""
        ...

    @property
    def model_settings(self) -> ModelSettingsLike | None:
        """For which model, and how it answers."""
        ...
