"""What a prompt must be beyond its shape: sources of parts, placeholders, tools, forms of answers, schemas."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any, Final

from promptops.core.errors import ValidationError
from promptops.core.json_schema import compile_object_schema
from promptops.prompts.render import normalise_provider
from promptops.server import wire
from promptops.server.message_texts import PLACEHOLDER
from promptops.server.stores.prompt_protocol import PromptDocument

__all__ = ["CHECKED", "problems_of", "refuse"]

Problem = dict[str, Any]
CHECKED: Final = frozenset(
    {"messages", "model_specific_prompts", "tools", "tool_choice", "response_format", "variables_schema"}
)
"""The fields that have rules here."""


def problems_of(document: PromptDocument, sent: Container[str]) -> list[Problem]:
    """Why no model could be sent a version: what is wrong with the fields that were sent, and with what follows.

    The others stay as they are stored, also when they were stored under fewer rules.
    """
    found: list[Problem] = []
    if "messages" in sent:
        found += _messages(document.messages, "messages")
    if "model_specific_prompts" in sent:
        found += _variants(document.model_specific_prompts)
    if "tools" in sent:
        found += _tools(document.tools)
    if "tools" in sent or "tool_choice" in sent:
        found += _tool_choice(document.tool_choice, document.tools)
    if "response_format" in sent:
        found += _response_format(document.response_format)
    if "variables_schema" in sent:
        found += _variables_schema(document.variables_schema)
    return found


def refuse(problems: list[Problem]) -> None:
    """Refuse a version that has problems.

    Raises:
        ValidationError: There are some; every field is named.
    """
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ValidationError(f"{problems[0]['field']}: {problems[0]['message']}{more}", validation_errors=problems)


def _problem(field: str, message: str, code: str) -> Problem:
    return {"field": field, "message": message, "code": code}


def _messages(messages: Sequence[wire.ChatMessage] | None, field: str) -> Iterator[Problem]:
    for index, message in enumerate(messages or ()):
        at = f"{field}[{index}]"
        if not message.role.strip():
            yield _problem(f"{at}.role", "must not be blank", "invalid_value")
        if message.role == PLACEHOLDER:
            if not (message.name or "").strip():
                yield _problem(
                    f"{at}.name",
                    "a placeholder needs the name of the variable that holds its messages",
                    "missing_field",
                )
            if message.content:
                yield _problem(
                    f"{at}.content", "a placeholder has no content of its own; send an empty text", "conflicting_fields"
                )
        elif not isinstance(message.content, str):
            if not message.content:
                yield _problem(f"{at}.content", "has no parts; give at least one, or a text", "empty")
            for number, part in enumerate(message.content):
                yield from _part(part, f"{at}.content[{number}]")


def _part(part: wire.ContentPart, field: str) -> Iterator[Problem]:
    match part:
        case wire.ImagePart():
            yield from _one_source(part, field, ("url", "data"))
            yield from _inline(part.data, part.media_type, field)
        case wire.FilePart():
            yield from _one_source(part, field, ("url", "data", "file_id"))
            yield from _inline(part.data, part.media_type, field)
        case wire.ToolCallPart():
            yield from _not_blank(part, field, ("id", "name"))
        case wire.ToolResultPart():
            yield from _not_blank(part, field, ("tool_call_id",))
        case wire.TextPart():
            pass


def _one_source(part: wire.ImagePart | wire.FilePart, field: str, names: tuple[str, ...]) -> Iterator[Problem]:
    given = [name for name in names if getattr(part, name)]
    choice = f"{', '.join(names[:-1])} or {names[-1]}"
    if not given:
        yield _problem(field, f"give its source: {choice}", "missing_field")
    elif len(given) > 1:
        yield _problem(f"{field}.{given[1]}", f"give one source, {choice}", "conflicting_fields")


def _inline(data: str | None, media_type: str | None, field: str) -> Iterator[Problem]:
    if not data:
        return
    if not media_type:
        yield _problem(f"{field}.media_type", "data needs its media type, for example image/png", "missing_field")
    try:
        base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        yield _problem(f"{field}.data", "not valid Base64 (standard alphabet, with padding)", "invalid_base64")


def _not_blank(part: wire.ContentPart, field: str, names: Iterable[str]) -> Iterator[Problem]:
    for name in names:
        if not getattr(part, name).strip():
            yield _problem(f"{field}.{name}", "must not be blank", "invalid_value")


def _variants(variants: Sequence[wire.ModelSpecificPrompt]) -> Iterator[Problem]:
    seen: dict[tuple[str, str], int] = {}
    for index, variant in enumerate(variants):
        # An empty name and ``*`` both mean every model of the provider.
        model = (normalise_provider(variant.model_provider), variant.model_name if variant.model_name != "*" else "")
        if not variant.model_provider.strip():
            yield _problem(f"model_specific_prompts[{index}].model_provider", "must not be blank", "invalid_value")
        if (first := seen.setdefault(model, index)) != index:
            named = f"'{model[0]}/{model[1]}'" if model[1] else f"every model of '{model[0]}'"
            message = f"model_specific_prompts[{first}] is for {named} too; keep one of the two"
            yield _problem(f"model_specific_prompts[{index}].model_name", message, "duplicate_model")
        yield from _messages(variant.messages, f"model_specific_prompts[{index}].messages")


def _tools(tools: Sequence[wire.ToolDefinition]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, tool in enumerate(tools):
        field = f"tools[{index}].name"
        if not tool.name.strip():
            yield _problem(field, "must not be blank", "invalid_value")
        if tool.name in seen:
            yield _problem(field, f"two tools are named '{tool.name}'; give each a name of its own", "duplicate_name")
        seen.add(tool.name)


def _tool_choice(choice: wire.ToolChoice | None, tools: Sequence[wire.ToolDefinition]) -> Iterator[Problem]:
    if choice is None:
        return
    seen = {tool.name for tool in tools}
    if choice.type == "tool":
        if not choice.name:
            yield _problem("tool_choice.name", "the type 'tool' needs the name of a tool", "missing_field")
        elif choice.name not in seen:
            known = f"; there are {', '.join(sorted(seen)[:20])}" if seen else "; the prompt has none"
            yield _problem("tool_choice.name", f"there is no tool '{choice.name}'{known}", "unknown_tool")
    elif choice.name is not None:
        yield _problem(
            "tool_choice.name", f"only the type 'tool' names one; this is '{choice.type}'", "conflicting_fields"
        )
    if choice.type == "required" and not tools:
        yield _problem("tool_choice.type", "a call is required, and the prompt has no tools", "missing_tools")


def _response_format(form: wire.ResponseFormat | None) -> Iterator[Problem]:
    if form is None:
        return
    if form.type == "json_schema" and form.schema is None:
        yield _problem("response_format.schema", "the type 'json_schema' needs a schema", "missing_field")
    if form.type != "json_schema" and form.schema is not None:
        message = f"only the type 'json_schema' has a schema; this is '{form.type}'"
        yield _problem("response_format.schema", message, "conflicting_fields")


def _variables_schema(schema: wire.JsonObject | None) -> Iterator[Problem]:
    if schema is None:
        return
    try:
        compile_object_schema(schema, field="variables_schema")
    except ValidationError as error:
        yield from error.validation_errors
