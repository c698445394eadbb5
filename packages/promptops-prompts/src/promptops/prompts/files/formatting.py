"""From a prompt to the text of its `.prompt.md` file: one text for each prompt, that reads back as it was."""

from __future__ import annotations

from typing import Any

from promptops.models import ChatMessage
from promptops.prompts.files._body import fits_body, format_messages, format_text
from promptops.prompts.files._plain import plain
from promptops.prompts.files._yaml import dump_yaml
from promptops.prompts.files.documents import PromptDocument
from promptops.prompts.files.parsing import KEYS

__all__ = ["format_document"]


def format_document(document: PromptDocument, *, implied_slug: str | None = None) -> str:
    """The file of a prompt; :func:`~promptops.prompts.files.parse_document` gives an equal one.

    A text that the body cannot carry exactly (carriage returns, control characters), and messages with other parts
    than text, are written in the front matter.

    Args:
        document: The prompt.
        implied_slug: The slug that the file's place implies; one that is equal is not written.

    Raises:
        ConfigurationError: PyYAML is not installed.
    """
    fields: dict[str, Any] = plain(document)
    fields["name"] = document.name
    if document.slug == implied_slug:
        del fields["slug"]
    body = ""
    if document.messages is None:
        content = fields.pop("content", "")
        if fits_body(content):
            body = format_text(content)
        else:
            fields["content"] = content
    elif all(_is_plain(message) for message in document.messages):
        del fields["messages"]
        body = format_messages(document.messages)
    for variant in fields.get("model_specific_prompts", ()):
        if variant.get("messages") and not variant["content"]:
            del variant["content"]
    matter = {key: fields[field] for key, field in KEYS.items() if field in fields}
    return f"---\n{dump_yaml(matter)}---\n{body}"


def _is_plain(message: ChatMessage) -> bool:
    return (
        isinstance(message.content, str)
        and all(map(fits_body, (message.content, message.role, message.name or "")))
        and message.role != ""
        and not (message.role == "placeholder" and not message.name)
    )
