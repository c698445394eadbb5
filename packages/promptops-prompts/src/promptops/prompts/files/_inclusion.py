"""Prompts of a folder that include others of it: what a server does on publish, with the files as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from promptops.models import ChatMessage, ModelSpecificPrompt, prepared
from promptops.prompts._parts import map_texts, part_dict
from promptops.prompts.files._problem import refused_line
from promptops.prompts.files.documents import PromptDocument

__all__ = ["included", "includes"]

_LEVELS: Final = 16


def includes(document: PromptDocument) -> bool:
    """Whether a text of the prompt includes another."""
    said = [(document.content, document.messages)]
    said += [(variant.content, variant.messages) for variant in document.model_specific_prompts]
    texts = [text for content, messages in said for text in (_texts(messages) if messages else [content or ""])]
    return document.template_format == "mustache" and any("{{>" in text for text in texts)


def included(document: PromptDocument, documents: Mapping[str, PromptDocument]) -> PromptDocument:
    """The prompt with every ``{{> slug@pin }}`` replaced by the file of that slug, whatever the pin.

    Raises:
        ValidationError: A tag names nothing that can be included; the error names the file and the chain.
    """
    variants = [_variant(variant, document, documents) for variant in document.model_specific_prompts]
    document = msgspec.structs.replace(document, model_specific_prompts=variants)
    if document.messages is None:
        text = _resolved(document.content or "", document, (document.slug,), documents)
        return msgspec.structs.replace(document, content=text)
    messages = [_message(message, document, documents) for message in document.messages]
    return msgspec.structs.replace(document, messages=messages)


def _variant(
    variant: ModelSpecificPrompt, document: PromptDocument, documents: Mapping[str, PromptDocument]
) -> ModelSpecificPrompt:
    if not variant.messages:
        text = _resolved(variant.content, document, (document.slug,), documents)
        return msgspec.structs.replace(variant, content=text)
    messages = [_message(message, document, documents) for message in variant.messages]
    return msgspec.structs.replace(variant, messages=messages)


def _message(message: ChatMessage, document: PromptDocument, documents: Mapping[str, PromptDocument]) -> ChatMessage:
    def visit(text: str, _: str) -> str:
        return _resolved(text, document, (document.slug,), documents)

    if isinstance(message.content, str):
        return msgspec.structs.replace(message, content=visit(message.content, ""))
    fields = {
        "role": message.role,
        "name": message.name,
        "content": [map_texts(part_dict(part), "", visit) for part in message.content],
    }
    return msgspec.convert(fields, prepared(ChatMessage))


def _resolved(
    text: str, document: PromptDocument, chain: tuple[str, ...], documents: Mapping[str, PromptDocument]
) -> str:
    pieces: list[str] = []
    done = end = 0
    while (start := text.find("{{", end)) >= 0 and (close := text.find("}}", start + 2)) >= 0:
        end = close + 2
        if text.startswith(">", start + 2):
            name, _, pin = text[start + 3 : close].strip().partition("@")
            pieces += (text[done:start], _text_of(name, pin, document, chain, documents))
            done = end
    return "".join([*pieces, text[done:]])


def _text_of(
    name: str, pin: str, document: PromptDocument, chain: tuple[str, ...], documents: Mapping[str, PromptDocument]
) -> str:
    where, longer = str(document.source_path or document.slug), (*chain, name)
    shown = " -> ".join(longer)
    other = documents.get(name)
    if not pin:
        raise refused_line(where, 1, f"{shown}: {name!r} is included without a version; write '{name}@1.2.0'")
    if name in chain:
        raise refused_line(where, 1, f"{shown}: the prompt would include itself")
    if len(longer) > _LEVELS + 1:
        raise refused_line(where, 1, f"{shown}: more than {_LEVELS} levels")
    if other is None:
        raise refused_line(where, 1, f"{shown}: there is no file for {name!r} in the folder")
    if other.messages is not None or other.template_format != "mustache":
        raise refused_line(where, 1, f"{shown}: only texts of the format mustache can be included")
    return _resolved(other.content or "", document, longer, documents)


def _texts(messages: list[ChatMessage]) -> list[str]:
    found: list[str] = []

    def visit(text: str, _: str) -> str:
        found.append(text)
        return text

    for message in messages:
        if isinstance(message.content, str):
            found.append(message.content)
        else:
            for part in message.content:
                map_texts(part_dict(part), "", visit)
    return found
