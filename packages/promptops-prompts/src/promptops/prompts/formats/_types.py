"""The keyword arguments of the providers' chat calls, as typed dicts of our own: no SDK is imported.

They can be given to the SDK as they are (``create(**arguments)``) and pass its types. What lies deeper is typed ``Any``
here, since one typed dict never passes for another one that has keys it does not know, and the SDKs add keys with every
version; the docstrings say what it is.
"""

from __future__ import annotations

from typing import Any, Literal, Required, TypeAlias, TypedDict

__all__ = ["AnthropicArguments", "GoogleArguments", "GoogleConfig", "LiteLLMArguments", "OpenAIArguments"]

Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class OpenAIArguments(TypedDict, total=False):
    """What ``openai.OpenAI().chat.completions.create`` takes.

    Attributes:
        messages: ``{"role", "content"}``, ``name`` when set; ``tool_calls`` of the assistant (arguments are JSON text),
            ``tool_call_id`` of a tool.
        tools: ``{"type": "function", "function": {"name", "description", "parameters", "strict"}}``.
        tool_choice: ``auto``, ``none``, ``required`` or ``{"type": "function", "function": {"name"}}``.
        response_format: ``{"type"}``, and ``json_schema`` with that type.
        max_tokens: In the place of ``max_completion_tokens`` for servers that only speak the language of OpenAI.
    """

    model: Required[str]
    messages: Required[list[Any]]
    tools: list[Any]
    tool_choice: Any
    parallel_tool_calls: bool
    response_format: Any
    temperature: float
    top_p: float
    max_completion_tokens: int
    max_tokens: int
    stop: list[str]
    seed: int
    frequency_penalty: float
    presence_penalty: float
    reasoning_effort: Effort


class LiteLLMArguments(TypedDict, total=False):
    """What ``litellm.completion`` takes: the shape of OpenAI, and the model with the prefix of its provider."""

    model: Required[str]
    messages: Required[list[Any]]
    tools: list[Any]
    tool_choice: Any
    parallel_tool_calls: bool
    response_format: Any
    temperature: float
    top_p: float
    top_k: int
    max_tokens: int
    stop: list[str]
    seed: int
    frequency_penalty: float
    presence_penalty: float
    reasoning_effort: Effort


class AnthropicArguments(TypedDict, total=False):
    """What ``anthropic.Anthropic().messages.create`` takes.

    Attributes:
        messages: ``{"role", "content"}``; the content is a text or a list of blocks.
        system: A text, or blocks ``{"type": "text", "text"}``.
        tools: ``{"name", "description", "input_schema", "strict"}``.
        tool_choice: ``{"type": "auto" | "any" | "tool" | "none"}``, with ``name`` and ``disable_parallel_tool_use``.
        output_config: ``format`` (``{"type": "json_schema", "schema"}``) and ``effort``.
    """

    model: Required[str]
    max_tokens: Required[int]
    messages: Required[list[Any]]
    system: str | list[Any]
    tools: list[Any]
    tool_choice: Any
    output_config: Any
    stop_sequences: list[str]


class GoogleConfig(TypedDict, total=False):
    """The ``config`` of ``generate_content``; ``extra`` of the prompt's settings may add others.

    Attributes:
        system_instruction: A text, or ``{"parts": [{"text"}]}``.
        tools: One ``{"function_declarations": [{"name", "description", "parameters_json_schema"}]}``.
        tool_config: ``{"function_calling_config": {"mode": "AUTO" | "ANY" | "NONE", "allowed_function_names"}}``.
        thinking_config: ``{"thinking_level"}``.
    """

    system_instruction: str | dict[str, Any]
    temperature: float
    top_p: float
    top_k: float
    max_output_tokens: int
    stop_sequences: list[str]
    seed: int
    frequency_penalty: float
    presence_penalty: float
    response_mime_type: str
    response_json_schema: Any
    tools: list[dict[str, Any]]
    tool_config: dict[str, Any]
    thinking_config: dict[str, Any]


class GoogleArguments(TypedDict, total=False):
    """What ``google.genai.Client().models.generate_content`` takes.

    Attributes:
        contents: ``{"role": "user" | "model", "parts"}``; images and files are real bytes or addresses.
        config: A :class:`GoogleConfig`, when anything is set.
    """

    model: Required[str]
    contents: Required[list[Any]]
    config: Any
