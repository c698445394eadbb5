"""How prompts look on a screen: messages with their parts, and differences in colour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import click
import msgspec

__all__ = ["show_diff", "show_messages", "shown_message"]


def show_messages(messages: Sequence[Any]) -> None:
    """Print messages, each under who speaks."""
    click.echo("\n\n".join(shown_message(message) for message in messages))


def shown_message(message: Any) -> str:
    """One message as text: structs and plain dicts look the same."""
    fields = _fields(message)
    role, name, content = str(fields.get("role")), fields.get("name"), fields.get("content")
    if role == "placeholder":
        return f"(the messages of {name})"
    parts: list[Any] = list(cast("Sequence[Any]", content)) if isinstance(content, list | tuple) else [content]
    lines = [part if isinstance(part, str) else _part(_fields(part)) for part in parts]
    return "\n".join([f"{role} ({name}):" if name else f"{role}:", *lines])


def show_diff(text: str) -> None:
    """Print a unified diff; on a terminal in the usual colours."""
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in text.splitlines():
        heading = line.startswith(("+++", "---"))
        click.secho(line, fg=None if heading else colours.get(line[:1]), bold=heading or None)


def _part(part: Mapping[str, Any]) -> str:
    kind = str(part.get("type"))
    if kind == "text":
        return str(part.get("text"))
    if kind == "tool_call":
        arguments = msgspec.json.encode(part.get("arguments") or {}).decode()
        return f"[tool call {part.get('name')} {arguments}]"
    if kind == "tool_result":
        return f"[result of {part.get('tool_call_id')}]\n{part.get('content')}"
    where = part.get("url") or part.get("file_id") or part.get("filename")
    return f"[{kind} {where or part.get('media_type') or ''}".rstrip() + "]"


def _fields(value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value)
    return cast("Mapping[str, Any]", msgspec.to_builtins(value, enc_hook=_plain))


def _plain(value: Any) -> Any:
    if hasattr(value, "items"):
        return dict(value.items())
    return repr(value)
