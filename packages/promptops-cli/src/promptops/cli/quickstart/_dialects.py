"""How the two kinds of model APIs are spoken: OpenAI's chat completions and Anthropic's messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from promptops.models import prepared

__all__ = ["ANTHROPIC", "OPENAI", "Dialect"]

ANTHROPIC_VERSION: Final = "2023-06-01"
MAX_TOKENS: Final = 64


class _Choice(msgspec.Struct):
    class Message(msgspec.Struct):
        content: str | None = None

    message: Message


class _ChatCompletion(msgspec.Struct):
    choices: list[_Choice]


class _Part(msgspec.Struct):
    type: str
    text: str = ""


class _AnthropicMessage(msgspec.Struct):
    content: list[_Part]


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of API is spoken.

    Attributes:
        provider: Its name, for people.
        path: Where chats go, below the base URL.
        headers: Makes the headers from the key.
        body: Makes the request from the model's name and the messages.
        text: Reads the answer out of a response.
        variables: The environment variables that set it up: key, model.
    """

    provider: str
    path: str
    headers: Callable[[str], dict[str, str]]
    body: Callable[[str, Sequence[Mapping[str, Any]]], dict[str, Any]]
    text: Callable[[bytes], str]
    variables: tuple[str, str]


def _openai_headers(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"} if key else {}


def _openai_body(model: str, messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"model": model, "messages": list(messages)}


def _openai_text(body: bytes) -> str:
    choices = msgspec.json.decode(body, type=prepared(_ChatCompletion)).choices
    return (choices[0].message.content or "") if choices else ""


def _anthropic_headers(key: str) -> dict[str, str]:
    return {"x-api-key": key, "anthropic-version": ANTHROPIC_VERSION}


def _anthropic_body(model: str, messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    system = "\n\n".join(str(message["content"]) for message in messages if message["role"] == "system")
    chat = [dict(message) for message in messages if message["role"] != "system"]
    return {"model": model, "max_tokens": MAX_TOKENS, "system": system, "messages": chat}


def _anthropic_text(body: bytes) -> str:
    parts = msgspec.json.decode(body, type=prepared(_AnthropicMessage)).content
    return "".join(part.text for part in parts if part.type == "text")


OPENAI: Final = Dialect(
    provider="OpenAI",
    path="/chat/completions",
    headers=_openai_headers,
    body=_openai_body,
    text=_openai_text,
    variables=("OPENAI_API_KEY", "OPENAI_MODEL"),
)
ANTHROPIC: Final = Dialect(
    provider="Anthropic",
    path="/v1/messages",
    headers=_anthropic_headers,
    body=_anthropic_body,
    text=_anthropic_text,
    variables=("ANTHROPIC_API_KEY", "ANTHROPIC_MODEL"),
)
