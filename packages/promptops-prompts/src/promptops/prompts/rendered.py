"""What a render gives to callers: the answer of the server's render route, made here or there."""

from __future__ import annotations

from msgspec import field
from promptops.models import RenderResponse
from promptops.prompts.formats import Formattable
from promptops.prompts.reading import PromptSourceName

__all__ = ["RenderedPrompt"]


class RenderedPrompt(RenderResponse, Formattable, frozen=True, kw_only=True):
    """A prompt with its variables filled in, ready for a model.

    Attributes:
        variables_unused: The names that were given and that the prompt uses nowhere.
        source: Where the prompt came from, as :class:`~promptops.prompts.reading.PromptRead` says it.
        age: Seconds since the server last said that the prompt is so; None when that is not known.
        stale: Whether the prompt may be out of date.
    """

    variables_unused: list[str] = field(default_factory=list[str])
    source: PromptSourceName = "network"
    age: float | None = None
    stale: bool = False
