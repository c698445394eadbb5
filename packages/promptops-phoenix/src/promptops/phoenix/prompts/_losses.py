"""What becomes of the part of a prompt that a Phoenix server says otherwise or cannot hold: refused, or told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from promptops.core.errors import ValidationError
from promptops.prompts.formats import Loss

__all__ = ["advice_on", "left_out", "refuse_loss", "tell_losses"]

_LEFT_OUT: Final = frozenset({"unsupported", "unknown"})
_SHOWN: Final = 20
_TAG: Final = (
    "To give the version a tag of Phoenix, leave tags out of the prompt, and use create_prompt(..., tags=[...]),"
    " create_version(..., tags=[...]) or set_label(name, tag, version=...)."
)
_LEAVE: Final = (
    "Leave it out, or send the rest with create_prompt(..., allow_loss=True) or create_version(..., allow_loss=True)."
)


def left_out(losses: Sequence[Loss]) -> list[Loss]:
    """The losses that are: the others say the same in another way, or in another place."""
    return [loss for loss in losses if loss.what in _LEFT_OUT]


def advice_on(losses: Sequence[Loss]) -> str:
    """What to do about losses; who wanted a tag is not told how to lose it."""
    others = _LEAVE if any(loss.field != "tags" for loss in losses) else ""
    tags = _TAG if any(loss.field == "tags" for loss in losses) else ""
    return " ".join(part for part in (tags, others) if part)


def refuse_loss(losses: Sequence[Loss], reason: str, advice: str) -> None:
    """Send nothing when something would be left out.

    Raises:
        ValidationError: With everything that would be.
    """
    if not losses:
        return
    said = "; ".join(f"{loss.field}: {loss.detail}" for loss in losses[:_SHOWN])
    more = f" and {len(losses) - _SHOWN} more" if len(losses) > _SHOWN else ""
    raise ValidationError(
        f"{reason}, and nothing was sent: {said}{more}. {advice}",
        validation_errors=[{"field": loss.field, "message": loss.detail, "code": loss.what} for loss in losses],
    )


def tell_losses(name: str, version: str, losses: Sequence[Loss]) -> None:
    """Log what a version that was stored says otherwise than the prompt that was given: fields and kinds, no texts.

    Args:
        name: The prompt.
        version: The version.
        losses: Those of its conversion.
    """
    if not losses:
        return
    from promptops.core.log import log

    said = [f"{loss.field}: {loss.what}" for loss in losses[:_SHOWN]]
    log().warning("prompt_stored_differently", name=name, version=version, losses=said, count=len(losses))
