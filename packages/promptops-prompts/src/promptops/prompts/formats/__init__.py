"""A rendered prompt as the arguments of a provider's SDK, and such arguments as a prompt.

``from_x(prompt.to("x"))`` is the prompt again, when nothing of it was lost, but for its form: each result of a tool is
a message of its own (role ``tool``), data in an address is data with its media type, and the settings name the
provider. Where a provider does not tell them apart, the system comes first, one text for each message (Anthropic,
Google), a list of one text is that text, and results name their tool (Google).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptops.prompts.formats._chat import ChatLike
    from promptops.prompts.formats._formattable import Formattable
    from promptops.prompts.formats._import_anthropic import from_anthropic
    from promptops.prompts.formats._import_google import from_google
    from promptops.prompts.formats._import_openai import from_openai
    from promptops.prompts.formats._imported import Imported
    from promptops.prompts.formats._losses import FormatError, Loss, Provider
    from promptops.prompts.formats._types import (
        AnthropicArguments,
        GoogleArguments,
        LiteLLMArguments,
        OpenAIArguments,
    )

__all__ = [
    "AnthropicArguments",
    "ChatLike",
    "FormatError",
    "Formattable",
    "GoogleArguments",
    "Imported",
    "LiteLLMArguments",
    "Loss",
    "OpenAIArguments",
    "Provider",
    "from_anthropic",
    "from_google",
    "from_openai",
]

# Looked up at first use: a render, which the server does too, needs the mixin and no conversion.
_HOMES = {
    "AnthropicArguments": "_types",
    "ChatLike": "_chat",
    "FormatError": "_losses",
    "Formattable": "_formattable",
    "GoogleArguments": "_types",
    "Imported": "_imported",
    "LiteLLMArguments": "_types",
    "Loss": "_losses",
    "OpenAIArguments": "_types",
    "Provider": "_losses",
    "from_anthropic": "_import_anthropic",
    "from_google": "_import_google",
    "from_openai": "_import_openai",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
