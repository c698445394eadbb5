"""The texts of a prompt as they were written, and what they become once other prompts are included."""

from __future__ import annotations

from msgspec import Struct, structs
from promptops.server import wire
from promptops.server.message_texts import joined, with_texts
from promptops.server.refusals import invalid
from promptops.server.services.composition import Resolver
from promptops.server.stores.prompt_protocol import Fetch, Inclusion

__all__ = ["Text", "chat_of", "resolved_text", "resolved_variants", "source_of", "variants_of"]


class Text(Struct, frozen=True, kw_only=True):
    """The prompt's own text: its content, and the messages that it is joined of."""

    content: str
    messages: list[wire.ChatMessage] | None


def chat_of(messages: list[wire.ChatMessage], content: str | None) -> Text:
    """The text of a chat.

    Raises:
        ValidationError: There is a content too, and it says something else.
    """
    text = joined(messages)
    if content is not None and content != text:
        raise invalid("content", "give content or messages, not both", "conflicting_fields")
    return Text(content=text, messages=messages)


def variants_of(given: list[wire.ModelSpecificPrompt]) -> list[wire.ModelSpecificPrompt]:
    """The variants, each with the content that its messages say.

    Raises:
        ValidationError: One has messages and another content.
    """
    return [_checked(variant, index) for index, variant in enumerate(given)]


def resolved_text(written: Text, slug: str, fetch: Fetch, form: wire.TemplateFormat) -> tuple[Text, list[Inclusion]]:
    """The text with everything included, and what that was.

    Raises:
        ValidationError: Something cannot be included.
    """
    if form != "mustache":
        return written, []
    resolver = Resolver(slug, fetch)
    if written.messages is None:
        text = Text(content=resolver.text(written.content, "content"), messages=None)
    else:
        messages = with_texts(written.messages, "messages", resolver.text)
        text = Text(content=joined(messages), messages=messages)
    return text, list(resolver.included.values())


def resolved_variants(
    variants: list[wire.ModelSpecificPrompt], slug: str, fetch: Fetch, form: wire.TemplateFormat
) -> tuple[list[wire.ModelSpecificPrompt], list[Inclusion]]:
    """The variants with everything included, and what that was.

    Raises:
        ValidationError: Something cannot be included.
    """
    if form != "mustache":
        return variants, []
    resolver = Resolver(slug, fetch)
    resolved: list[wire.ModelSpecificPrompt] = []
    for index, variant in enumerate(variants):
        field = f"model_specific_prompts[{index}]"
        if variant.messages is None:
            content, messages = resolver.text(variant.content, f"{field}.content"), None
        else:
            messages = with_texts(variant.messages, f"{field}.messages", resolver.text)
            content = joined(messages)
        resolved.append(structs.replace(variant, content=content, messages=messages))
    return resolved, list(resolver.included.values())


def source_of(
    written: Text, variants: list[wire.ModelSpecificPrompt], *included: list[Inclusion]
) -> wire.PromptSource | None:
    """What callers see of the texts as they were written; None when nothing was included."""
    if not any(included):
        return None
    return wire.PromptSource(content=written.content, messages=written.messages, model_specific_prompts=variants)


def _checked(variant: wire.ModelSpecificPrompt, index: int) -> wire.ModelSpecificPrompt:
    if variant.messages is None:
        return variant
    text = joined(variant.messages)
    if variant.content not in {"", text}:
        field = f"model_specific_prompts[{index}].content"
        raise invalid(field, "give content or messages, not both; beside messages it is empty", "conflicting_fields")
    return structs.replace(variant, content=text)
