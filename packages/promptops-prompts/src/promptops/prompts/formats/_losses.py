"""What a provider cannot express: one typed fact for each, and the error that lists them."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import msgspec
from promptops.core.errors import ValidationError

__all__ = ["FormatError", "Loss", "Party", "Provider", "Reason"]

Provider: TypeAlias = Literal["openai", "anthropic", "google", "litellm"]
Party: TypeAlias = Provider | Literal["phoenix"]
"""Whom a prompt is said to: the SDK of a provider, or another store of prompts."""
Reason: TypeAlias = Literal["unsupported", "changed", "moved", "assumed", "unknown"]

_SHOWN: Final = 20


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not said to the provider as the prompt says it.

    Attributes:
        provider: To whom the arguments or the prompt go, or from whom they came.
        field: Where in the prompt (``messages[2].name``), or, when arguments are read, where in these.
        what: ``unsupported``: left out; ``changed``: said in another way; ``moved``: said in another place;
            ``assumed``: said though the prompt does not, because the provider demands it; ``unknown``: an argument
            that was read and has no place in a prompt.
        detail: One sentence for people; it never quotes the text of a prompt.
    """

    provider: Party
    field: str
    what: Reason
    detail: str


class FormatError(ValidationError):
    """The provider cannot express the prompt, and ``strict=True`` was asked for.

    Attributes:
        losses: Everything that would have been lost.
    """

    default_code = "FORMAT_ERROR"

    def __init__(self, message: str, *, losses: tuple[Loss, ...] = (), **facts: Any) -> None:
        super().__init__(message, **facts)
        self.losses = losses

    @classmethod
    def of(cls, losses: tuple[Loss, ...]) -> FormatError:
        """The error that lists these losses."""
        provider = losses[0].provider
        lines = [f"{loss.field}: {loss.detail}" for loss in losses[:_SHOWN]]
        more = f" and {len(losses) - _SHOWN} more" if len(losses) > _SHOWN else ""
        return cls(
            f"this prompt cannot be said to {provider} as it is: {'; '.join(lines)}{more}",
            losses=losses,
            validation_errors=[{"field": loss.field, "message": loss.detail, "code": loss.what} for loss in losses],
        )
