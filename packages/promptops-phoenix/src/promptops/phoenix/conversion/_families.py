"""What the model providers of Phoenix are called with us, and how their invocation parameters say our settings."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, get_args

from promptops.phoenix import _generated as wire

__all__ = ["ALIASES", "PROVIDERS", "STRUCTS", "Family", "family_of", "type_of"]


class Family(NamedTuple):
    """How one kind of parameters says our settings.

    Attributes:
        names: Our settings, and what they are called there; a dot leads into an object.
        extra: What else there is; it lies in ``extra`` under the same name.
        efforts: The words for ``reasoning_effort``.
        spare: The other name of ``max_tokens``; one that stands alone is read as such.
    """

    names: dict[str, str]
    extra: tuple[str, ...] = ()
    efforts: tuple[str, ...] = ()
    spare: str = ""


_SAMPLING: Final = {"temperature": "temperature", "top_p": "top_p"}
_PENALTIES: Final = {"frequency_penalty": "frequency_penalty", "presence_penalty": "presence_penalty"}
_OTHERS: Final = Family(
    {
        **_SAMPLING,
        **_PENALTIES,
        "max_tokens": "max_tokens",
        "stop": "stop",
        "seed": "seed",
        "reasoning_effort": "reasoning_effort",
    },
    ("max_completion_tokens", "extra_body"),
    get_args(wire.ReasoningEffortKnown),
    "max_completion_tokens",
)
# As in ``to("openai")``: OpenAI deprecates max_tokens, and its reasoning models refuse it.
_OPENAI: Final = Family(
    {**_OTHERS.names, "max_tokens": "max_completion_tokens"},
    ("max_tokens", "extra_body"),
    _OTHERS.efforts,
    "max_tokens",
)
_ANTHROPIC: Final = Family(
    {
        **_SAMPLING,
        "max_tokens": "max_tokens",
        "stop": "stop_sequences",
        "reasoning_effort": "output_config.effort",
    },
    ("thinking", "output_config", "extra_body"),
    get_args(wire.PromptAnthropicOutputConfigEffortKnown),
)
_GOOGLE: Final = Family(
    {
        **_SAMPLING,
        **_PENALTIES,
        "top_k": "top_k",
        "max_tokens": "max_output_tokens",
        "stop": "stop_sequences",
        "reasoning_effort": "thinking_config.thinking_level",
    },
    ("thinking_config",),
    get_args(wire.PromptGoogleThinkingConfigThinkingLevelKnown),
)
_AWS: Final = Family({**_SAMPLING, "max_tokens": "max_tokens", "stop": "stop_sequences"})

STRUCTS: Final[dict[str, type[Any]]] = {
    "openai": wire.PromptOpenAIInvocationParameters,
    "anthropic": wire.PromptAnthropicInvocationParameters,
    "google": wire.PromptGoogleInvocationParameters,
    "aws": wire.PromptAwsInvocationParameters,
}
"""The invocation parameters that are sent, by their type.

The server knows a type for nearly every provider, and stores all those that are like OpenAI's as ``openai``; the others
are of its earlier versions.
"""
PROVIDERS: Final[tuple[str, ...]] = get_args(wire.ModelProviderKnown)
"""The model providers that Phoenix knows."""
ALIASES: Final = {
    "azure": "AZURE_OPENAI",
    "bedrock": "AWS",
    "claude": "ANTHROPIC",
    "fireworks_ai": "FIREWORKS",
    "gemini": "GOOGLE",
    "together_ai": "TOGETHER",
}
"""What else providers are called, here or in LiteLLM."""


def type_of(provider: str) -> str:
    """The type of the invocation parameters that go with a provider."""
    kind = provider.lower()
    return kind if kind in STRUCTS else "openai"


def family_of(kind: str, provider: str) -> Family:
    """How parameters of a type say our settings."""
    return _FAMILIES.get(kind) or (_OPENAI if provider in _OPENAI_OWN else _OTHERS)


_FAMILIES: Final = {"anthropic": _ANTHROPIC, "google": _GOOGLE, "aws": _AWS}
_OPENAI_OWN: Final = frozenset({"OPENAI", "AZURE_OPENAI"})
