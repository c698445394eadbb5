"""The texts of messages: the ones that people read, and every one that is a template."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec import structs
from promptops.server import wire

__all__ = ["PLACEHOLDER", "Visit", "joined", "spoken", "with_texts"]

PLACEHOLDER: Final = "placeholder"
Visit = Callable[[str, str], str]
"""Takes a text and the path of its field; gives the text that stands in its place."""


def spoken(message: wire.ChatMessage) -> list[str]:
    """What a message says: its text, or its text parts; a placeholder says nothing."""
    if message.role == PLACEHOLDER:
        return []
    if isinstance(message.content, str):
        return [message.content]
    return [part.text for part in message.content if isinstance(part, wire.TextPart)]


def joined(messages: Iterable[wire.ChatMessage]) -> str:
    """The content of a chat prompt: what its messages say, with a blank line between."""
    return "\n\n".join(text for message in messages for text in spoken(message))


def with_texts(messages: Iterable[wire.ChatMessage], field: str, visit: Visit) -> list[wire.ChatMessage]:
    """The messages with every template in them replaced."""
    return [_message(message, f"{field}[{index}].content", visit) for index, message in enumerate(messages)]


def _message(message: wire.ChatMessage, field: str, visit: Visit) -> wire.ChatMessage:
    if isinstance(message.content, str):
        return structs.replace(message, content=visit(message.content, field))
    parts = [_part(part, f"{field}[{index}]", visit) for index, part in enumerate(message.content)]
    return structs.replace(message, content=parts)


def _part(part: wire.ContentPart, field: str, visit: Visit) -> wire.ContentPart:
    match part:
        case wire.TextPart():
            return structs.replace(part, text=visit(part.text, f"{field}.text"))
        case wire.ImagePart():
            return structs.replace(part, url=_optional(part.url, f"{field}.url", visit))
        case wire.FilePart():
            return structs.replace(
                part,
                url=_optional(part.url, f"{field}.url", visit),
                filename=_optional(part.filename, f"{field}.filename", visit),
            )
        case wire.ToolCallPart():
            return structs.replace(part, arguments=_leaves(part.arguments, f"{field}.arguments", visit))
        case wire.ToolResultPart():
            return structs.replace(part, content=visit(part.content, f"{field}.content"))


def _optional(text: str | None, field: str, visit: Visit) -> str | None:
    return None if text is None else visit(text, field)


def _leaves(value: Any, field: str, visit: Visit) -> Any:
    if isinstance(value, str):
        return visit(value, field)
    node: Any = value  # narrowing leaves the checkers with different ideas of its items
    if isinstance(value, dict):
        return {name: _leaves(item, f"{field}.{name}", visit) for name, item in node.items()}
    if isinstance(value, list):
        return [_leaves(item, f"{field}[{index}]", visit) for index, item in enumerate(node)]
    return value
