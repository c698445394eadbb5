"""From a chat to the arguments of a provider, with what is lost on the way."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from promptops.prompts._problems import problem, refusal
from promptops.prompts.formats._chat import ChatLike
from promptops.prompts.formats._losses import FormatError, Loss, Provider
from promptops.prompts.formats._reading import read_chat
from promptops.prompts.formats._report import Report

__all__ = ["arguments", "convert"]

_HOMES: Final = {"openai": "_openai", "litellm": "_litellm", "anthropic": "_anthropic", "google": "_google"}


def arguments(chat: ChatLike, provider: Provider, *, model: str | None, strict: bool) -> Any:
    """The arguments; losses are refused or logged.

    Raises:
        FormatError: ``strict``, and something would be lost.
        ValidationError: The arguments would be wrong.
    """
    made, losses = convert(chat, provider, model=model)
    if losses and strict:
        raise FormatError.of(losses)
    if losses:
        from promptops.core.log import log

        log().warning("prompt_format_lost", provider=provider, lost=[f"{loss.field}: {loss.what}" for loss in losses])
    return made


def convert(chat: ChatLike, provider: Provider, *, model: str | None) -> tuple[Any, tuple[Loss, ...]]:
    """The arguments and the losses.

    Raises:
        ValidationError: The arguments would be wrong.
    """
    home = _HOMES.get(provider)
    if home is None:
        raise refusal(problem("provider", f"expected one of {', '.join(_HOMES)}", "invalid_value"))
    report = Report(provider)
    read = read_chat(chat, report, model=model)
    report.check()
    made = import_module(f"promptops.prompts.formats.{home}").arguments(read, report)
    return made, report.losses()
