"""What a `.prompt.md` file says: everything about a prompt that a person writes and a push sends."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec
from promptops.core.errors import ConfigurationError, UnsupportedOperation, ValidationError
from promptops.models import (
    ChatMessage,
    ModelSettings,
    ModelSpecificPrompt,
    PromptResponse,
    ResponseFormat,
    ToolChoice,
    ToolDefinition,
    Unknown,
)
from promptops.prompts.files._plain import plain

__all__ = ["PromptDocument", "document_of", "remote_fingerprint", "same_prompt"]

_canonical = msgspec.json.Encoder(order="sorted").encode


class PromptDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt as a file holds it.

    Attributes:
        slug: How it is asked for; the file's path within its folder, unless the file names another.
        name: For people.
        description: What it is for.
        template_format: ``mustache``, ``f-string``, ``none`` or ``jinja2``.
        content: The text of a plain prompt; None for a chat.
        messages: The messages of a chat; None for a plain text.
        tags: Words to find it by.
        metadata: Free facts.
        module_id: The module that it belongs to.
        target_models: Providers that it is written for.
        variables: Declared names beside those that the text uses.
        variables_schema: JSON schema of the variables.
        model_settings: For which model, and how it answers.
        tools: Tools that the model may call.
        tool_choice: Whether it must.
        response_format: The form of the answer.
        model_specific_prompts: Texts for particular models.
        source_path: The file that it was read from; no part of what it says.
    """

    slug: str
    name: str
    description: str = ""
    template_format: str = "mustache"
    content: str | None = None
    messages: list[ChatMessage] | None = None
    tags: list[str] = []
    metadata: dict[str, Any] = {}
    module_id: str | None = None
    target_models: list[str] = []
    variables: list[str] = []
    variables_schema: dict[str, Any] | None = None
    model_settings: ModelSettings | None = None
    tools: list[ToolDefinition] = []
    tool_choice: ToolChoice | None = None
    response_format: ResponseFormat | None = None
    model_specific_prompts: list[ModelSpecificPrompt] = []
    source_path: Path | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 over everything that a push would send, in hexadecimal."""
        return _fingerprint(self)

    def create_arguments(self) -> dict[str, Any]:
        """Keyword arguments for :meth:`promptops.prompts.AsyncPrompts.create`."""
        return {"name": self.name, "slug": self.slug, **self._text(), **self._rest()}

    def update_arguments(self) -> dict[str, Any]:
        """Keyword arguments for :meth:`promptops.prompts.AsyncPrompts.update`: every field, so that what the file
        leaves out is taken away on the server too.
        """
        return {"new_name": self.name, **self._text(), **self._rest()}

    def _text(self) -> dict[str, Any]:
        return {"content": self.content or ""} if self.messages is None else {"messages": self.messages}

    def _rest(self) -> dict[str, Any]:
        return {
            field: getattr(self, field)
            for field in (
                "description",
                "template_format",
                "variables",
                "target_models",
                "model_specific_prompts",
                "tools",
                "tool_choice",
                "response_format",
                "model_settings",
                "variables_schema",
                "module_id",
                "tags",
                "metadata",
            )
        }


def document_of(prompt: PromptResponse) -> PromptDocument:
    """What a file would say to make this prompt: the text as it was written, without what was included into it.

    Variables that the text uses are not declared again. What belongs to a version (its number, labels, dates) is left
    out.

    Raises:
        UnsupportedOperation: The prompt holds parts of a kind that this version does not know.
    """
    return _document(prompt, variables=_declared(prompt))


def remote_fingerprint(prompt: PromptResponse) -> str:
    """SHA-256 over everything of a server's version that a push could change."""
    return _fingerprint(_document(prompt, variables=list(prompt.variables)))


def same_prompt(local: PromptDocument, prompt: PromptResponse) -> bool:
    """Whether a file says what a server's version says; variables that the text uses may be declared or not."""
    remote = document_of(prompt)
    if not set(remote.variables) <= set(local.variables) <= set(prompt.variables):
        return False
    changed = msgspec.structs.replace(local, variables=[], slug=remote.slug)
    return changed.fingerprint == msgspec.structs.replace(remote, variables=[]).fingerprint


def _fingerprint(document: PromptDocument) -> str:
    fields = plain(msgspec.structs.replace(document, source_path=None))
    return hashlib.sha256(_canonical(fields)).hexdigest()


def _document(prompt: PromptResponse, *, variables: list[str]) -> PromptDocument:
    written = prompt.source if prompt.source is not None else prompt
    messages = written.messages or None
    # Beside messages the content is no more than their texts joined; with both in a file an edit of one would clash.
    variants = [
        msgspec.structs.replace(variant, content="") if variant.messages else variant
        for variant in written.model_specific_prompts
    ]
    chats = [messages or [], *(variant.messages or [] for variant in variants)]
    if any(isinstance(part, Unknown) for chat in chats for message in chat for part in message.content):
        raise UnsupportedOperation(
            f"The prompt {prompt.slug!r} holds parts of a kind that this version does not know; upgrade promptops."
        )
    return PromptDocument(
        slug=prompt.slug or prompt.id,
        name=prompt.name,
        description=prompt.description,
        template_format=prompt.template_format,
        content=written.content if messages is None else None,
        messages=None if messages is None else list(messages),
        tags=list(prompt.tags),
        metadata=dict(prompt.metadata),
        module_id=prompt.module_id,
        target_models=list(prompt.target_models),
        variables=variables,
        variables_schema=prompt.variables_schema,
        model_settings=prompt.model_settings,
        tools=list(prompt.tools),
        tool_choice=prompt.tool_choice,
        response_format=prompt.response_format,
        model_specific_prompts=variants,
    )


def _declared(prompt: PromptResponse) -> list[str]:
    if prompt.template_format == "jinja2":  # which names it uses depends on what is installed
        return list(prompt.variables)
    from promptops.prompts.render import prompt_variables

    try:
        used = set(prompt_variables(prompt))
    except (ConfigurationError, ValidationError):  # of a form that this engine does not read; they are the server's
        return list(prompt.variables)
    return [name for name in prompt.variables if name not in used]
