"""A chat as the arguments of ``litellm.completion``: the shape of OpenAI, which it translates for every provider."""

from __future__ import annotations

from typing import Any, Final

from promptops.prompts.formats._openai import shape
from promptops.prompts.formats._reading import Chat, merged
from promptops.prompts.formats._report import Report

__all__ = ["arguments"]

# Where LiteLLM calls a provider by another name than we do; anyone else's name is the prefix itself.
_PREFIXES: Final = {"google": "gemini", "vertex": "vertex_ai", "azure_openai": "azure", "local": ""}
_SETTINGS: Final = ("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "max_tokens")


def arguments(chat: Chat, report: Report) -> dict[str, Any]:
    """The arguments; what is lost goes to the report.

    The model of the settings gets the prefix of their provider; a model that the caller names is taken as it is.
    """
    made = shape(chat, report)
    made["model"] = _prefixed(chat)
    for name in _SETTINGS:
        if (value := chat.setting(name)) is not None:
            made[name] = value
    if stops := chat.setting("stop"):
        made["stop"] = list(stops)
    return merged(made, chat.extra, report, reserved="model messages")


def _prefixed(chat: Chat) -> str:
    if chat.explicit or chat.provider is None:
        return chat.model
    prefix = _PREFIXES.get(chat.provider, chat.provider)
    return f"{prefix}/{chat.model}" if prefix and not chat.model.startswith(f"{prefix}/") else chat.model
