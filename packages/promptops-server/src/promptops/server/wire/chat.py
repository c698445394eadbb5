"""Messages, their parts, and what a chat prompt says beside them: tools, the form of the answer, model settings."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from promptops.server.wire.common import JsonObject

__all__ = [
    "ChatMessage",
    "ContentPart",
    "FilePart",
    "ImagePart",
    "ModelSettings",
    "ResponseFormat",
    "TextPart",
    "ToolCallPart",
    "ToolChoice",
    "ToolDefinition",
    "ToolResultPart",
]

Text = Annotated[str, Meta(max_length=262_144)]
Short = Annotated[str, Meta(max_length=256)]


class TextPart(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="type", tag="text"
):
    """Text; a template."""

    text: Text


class ImagePart(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="type", tag="image"
):
    """An image: its address (``url``, a template), or the image itself (``data``, Base64, with its ``media_type``)."""

    url: Text | None = None
    data: str | None = None
    media_type: Short | None = None
    detail: Literal["auto", "low", "high"] | None = None


class FilePart(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="type", tag="file"
):
    """A document: its address, its Base64 content with its ``media_type``, or the id that the provider gave it."""

    url: Text | None = None
    data: str | None = None
    file_id: Short | None = None
    media_type: Short | None = None
    filename: Short | None = None


class ToolCallPart(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="type", tag="tool_call"
):
    """A call that the assistant made; the texts in ``arguments`` are templates."""

    id: Short
    name: Short
    arguments: JsonObject = {}


class ToolResultPart(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="type",
    tag="tool_result",
):
    """What a tool answered to the call with the id ``tool_call_id``; ``content`` is a template."""

    tool_call_id: Short
    content: Text
    name: Short | None = None
    is_error: bool = False


ContentPart = TextPart | ImagePart | FilePart | ToolCallPart | ToolResultPart


class ChatMessage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One message of a chat prompt: a text, or parts.

    With the role ``placeholder`` it stands for a list of messages, the variable ``name``, and its content is empty.
    """

    role: Annotated[str, Meta(min_length=1, max_length=32)]
    content: Text | Annotated[list[ContentPart], Meta(max_length=100)]
    name: Short | None = None


class ToolDefinition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A tool that the model may call; ``parameters`` is a JSON schema."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    description: str | None = None
    parameters: JsonObject = {}
    strict: bool | None = None


class ToolChoice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whether the model must call a tool: ``tool`` means the one that ``name`` names."""

    type: Literal["auto", "none", "required", "tool"]
    name: Short | None = None
    parallel: bool | None = None


class ResponseFormat(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The form of the answer; ``json_schema`` needs ``schema``."""

    type: Literal["text", "json_object", "json_schema"]
    name: Short | None = None
    description: str | None = None
    schema: JsonObject | None = None
    strict: bool | None = None


class ModelSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """For which model, and how it answers; ``extra`` is handed to the provider as it is."""

    provider: Short | None = None
    model: Short | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    stop: list[str] | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: Short | None = None
    extra: JsonObject = {}
