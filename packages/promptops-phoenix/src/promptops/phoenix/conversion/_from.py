"""A Phoenix prompt version as the fields of our prompt."""

from __future__ import annotations

from msgspec import UNSET, UnsetType
from promptops.models import ChatMessage, TextPart, Unknown
from promptops.phoenix._generated import PromptMessage, PromptStringTemplate, PromptVersion, PromptVersionData
from promptops.phoenix.conversion._dialects import FORMATS
from promptops.phoenix.conversion._marks import FORMAT, OTHER_FORMATS, TEXT, is_plain_text, without_marks
from promptops.phoenix.conversion._messages import messages_from_phoenix
from promptops.phoenix.conversion._report import Report
from promptops.phoenix.conversion._settings import settings_from_phoenix
from promptops.phoenix.conversion._texts import Text, noted, replaced, texts_from_phoenix, variables_of
from promptops.phoenix.conversion._tools import format_from_phoenix, tools_from_phoenix
from promptops.phoenix.conversion._types import Converted, PromptFields

__all__ = ["from_phoenix"]


def from_phoenix(version: PromptVersion | PromptVersionData) -> Converted[PromptFields]:
    """A Phoenix prompt version as the fields of our prompt; its id is not one of them.

    Whatever the version says is converted: this never refuses one. A text that our engine would read otherwise is
    written so that it renders the same. Sections and dotted paths are read as such, as on the pages of Phoenix, though
    its client leaves them as they are; that is a loss.

    Returns:
        The fields, and what they do not say. The losses name fields of the version
        (``template.messages[0].content[1]``).
    """
    report = Report()
    metadata = {} if isinstance(version.metadata, UnsetType) else version.metadata
    given = _messages(version, report)
    plain = is_plain_text(given, metadata)
    marked = version.template_format == "NONE" and metadata.get(FORMAT) in OTHER_FORMATS
    meant = frozenset(([TEXT] if plain else []) + ([FORMAT] if marked else []))
    texts: list[Text] = []
    messages_from_phoenix(given, noted(texts), Report())
    if marked:
        template_format, translated = str(metadata[FORMAT]), [text.text for text in texts]
    else:
        template_format, translated = texts_from_phoenix(texts, _format(version.template_format, report), report)
    messages = messages_from_phoenix(given, replaced(translated), report)
    tools, choice = tools_from_phoenix(version.tools, report)
    fields = PromptFields(
        content="\n\n".join(_texts_of(messages)),
        messages=None if plain else messages,
        template_format=template_format,
        description="" if version.description in (None, UNSET) else str(version.description),
        variables=variables_of(translated, template_format),
        tools=tools,
        tool_choice=choice,
        response_format=format_from_phoenix(version.response_format, report),
        model_settings=settings_from_phoenix(version, report),
        metadata=without_marks(metadata, meant, report),
    )
    return Converted(value=fields, losses=report.losses())


def _messages(version: PromptVersion | PromptVersionData, report: Report) -> list[PromptMessage]:
    template = version.template
    if isinstance(template, Unknown):
        report.lose("template", "unknown", f"this version does not know templates of the type {template.tag!r}")
        return []
    if isinstance(template, PromptStringTemplate):
        report.lose("template", "changed", "a text is a message of the user")
        return [PromptMessage(role="user", content=template.template)]
    if version.template_type != "CHAT":
        report.lose("template_type", "changed", "the template is a chat")
    if not template.messages:
        report.lose("template.messages", "changed", "a chat without messages is an empty text")
    return template.messages


def _format(template_format: str, report: Report) -> str:
    ours = FORMATS.get(template_format)
    if ours is None:
        reason = f"this version does not know the template format {template_format!r}, and fills nothing in"
        report.lose("template_format", "unknown", reason)
        return "none"
    return ours


def _texts_of(messages: list[ChatMessage]) -> list[str]:
    found: list[str] = []
    for message in messages:
        if isinstance(message.content, str):
            found.append(message.content)
        else:
            found += [part.text for part in message.content if isinstance(part, TextPart)]
    return found
