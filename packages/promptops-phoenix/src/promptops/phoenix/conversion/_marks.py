"""What the metadata of a version say of our prompt that a Phoenix version has no field for.

They make a plain text, and a template of a format that Phoenix does not have, come back as what they were. Whoever
does not know them reads a chat of one message, and texts without variables.
"""

from __future__ import annotations

from typing import Any, Final

from promptops.phoenix._generated import PromptMessage
from promptops.phoenix.conversion._report import Report

__all__ = ["FORMAT", "OTHER_FORMATS", "TEXT", "is_plain_text", "role_of_text", "without_marks"]

TEXT: Final = "promptops.text"
"""True: the only message is a plain text."""
FORMAT: Final = "promptops.template_format"
"""The format of the texts, when Phoenix has none like it."""
OTHER_FORMATS: Final = ("jinja2",)


def role_of_text(metadata: dict[str, Any]) -> str:
    """Who speaks a plain text."""
    return "user" if metadata.get("message_role") == "user" else "system"


def is_plain_text(messages: list[PromptMessage], metadata: dict[str, Any]) -> bool:
    """Whether the messages are what a plain text with these metadata becomes."""
    return (
        metadata.get(TEXT) is True
        and len(messages) == 1
        and isinstance(messages[0].content, str)
        and messages[0].role == role_of_text(metadata)
    )


def without_marks(metadata: dict[str, Any], meant: frozenset[str], report: Report) -> dict[str, Any]:
    """The metadata without our marks; those that mean nothing here are told."""
    for key in (TEXT, FORMAT):
        if key in metadata and key not in meant:
            report.lose(f"metadata.{key}", "unsupported", "the name is kept for what conversion notes")
    return {key: value for key, value in metadata.items() if key not in {TEXT, FORMAT}}
