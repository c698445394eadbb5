"""A prompt file as the version of a prompt that it stands for."""

from __future__ import annotations

import uuid
from datetime import datetime

import msgspec
from promptops.core.errors import ConfigurationError, ValidationError
from promptops.models import ChatMessage, ModelSpecificPrompt, PromptResponse, PromptSource
from promptops.prompts._parts import part_dict, texts_of
from promptops.prompts.files._problem import refused_line
from promptops.prompts.files.documents import PromptDocument
from promptops.prompts.hashing import content_hash
from promptops.prompts.render import prompt_variables

__all__ = ["content_of", "id_of", "working_copy"]


def working_copy(written: PromptDocument, resolved: PromptDocument, *, changed: datetime) -> PromptResponse:
    """The version that a file is: ``0.0.0+local.`` and the first twelve digits of its content hash.

    Args:
        written: The prompt as the file has it.
        resolved: The same with what it includes; ``written`` itself where it includes nothing.
        changed: When the file was written.

    Raises:
        ValidationError: A text is not a valid template; the error names the file.
    """
    prompt = PromptResponse(
        id=id_of(written.slug),
        slug=written.slug,
        name=written.name,
        description=written.description,
        content=content_of(resolved),
        messages=resolved.messages,
        template_format=written.template_format,
        target_models=written.target_models,
        model_specific_prompts=[_said(variant) for variant in resolved.model_specific_prompts],
        tools=written.tools,
        tool_choice=written.tool_choice,
        response_format=written.response_format,
        model_settings=written.model_settings,
        variables_schema=written.variables_schema,
        source=None if written is resolved else _source(written),
        version="0.0.0",
        status="active",
        etag=written.fingerprint,
        tags=written.tags,
        metadata=written.metadata,
        module_id=written.module_id,
        created_at=changed,
        updated_at=changed,
    )
    digest = content_hash(prompt)
    return msgspec.structs.replace(
        prompt,
        version=f"0.0.0+local.{digest[:12]}",
        content_hash=digest,
        variables=list(dict.fromkeys([*written.variables, *_used(prompt, written)])),
    )


def id_of(slug: str) -> str:
    """The id of the prompt that a file stands for; the same for the same slug."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"promptops-local:{slug}"))


def content_of(document: PromptDocument) -> str:
    """The text; of a chat what its messages say, with a blank line between."""
    return document.content or "" if document.messages is None else _joined(document.messages)


def _source(written: PromptDocument) -> PromptSource:
    variants = [_said(variant) for variant in written.model_specific_prompts]
    return PromptSource(content=content_of(written), messages=written.messages, model_specific_prompts=variants)


def _said(variant: ModelSpecificPrompt) -> ModelSpecificPrompt:
    """The variant with the content that its messages say, as a server gives it."""
    if not variant.messages:
        return variant
    return msgspec.structs.replace(variant, content=_joined(variant.messages))


def _joined(messages: list[ChatMessage]) -> str:
    said = (
        texts_of(message.content if isinstance(message.content, str) else [part_dict(part) for part in message.content])
        for message in messages
        if message.role != "placeholder"
    )
    return "\n\n".join(text for texts in said for text in texts)


def _used(prompt: PromptResponse, document: PromptDocument) -> list[str]:
    try:
        return prompt_variables(prompt)
    except ConfigurationError:  # jinja2 is not installed: only what is declared is known
        return []
    except ValidationError as error:
        raise refused_line(str(document.source_path or document.slug), 1, error.message) from error
