"""The arguments of ``anthropic.Anthropic().messages.create`` as a prompt."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

from promptops.models import (
    ChatMessage,
    FilePart,
    ImagePart,
    ResponseFormat,
    TextPart,
    ToolCallPart,
    ToolChoice,
    ToolDefinition,
    ToolResultPart,
)
from promptops.prompts._problems import problem, refusal
from promptops.prompts.formats._imported import Imported, Rest, listed, opened_fields, settings
from promptops.prompts.formats._report import Report

__all__ = ["from_anthropic"]

_NO_PARAMETERS: Final[dict[str, Any]] = {"type": "object", "properties": {}}
_CHOICES: Final = {"auto": "auto", "any": "required", "tool": "tool", "none": "none"}
# Older versions of the SDK had these, and top_k.
_SAMPLING: Final = ("temperature", "top_p")

Part = TextPart | ImagePart | FilePart | ToolCallPart | ToolResultPart


def from_anthropic(arguments: Mapping[str, Any]) -> Imported:
    """A prompt from the keyword arguments of ``messages.create``.

    Plain dicts and objects of the SDK are read alike. Each result of a tool becomes a message of its own. Arguments
    that a prompt does not know go to ``model_settings.extra`` when they are JSON; all else that has no place is in
    ``losses``.

    Raises:
        ValidationError: There are no messages.
    """
    report = Report("anthropic")
    top = Rest(arguments, "", report)
    messages = _system(top.left.pop("system", None), "system", report)
    for index, given in enumerate(listed(top.left.pop("messages", None))):
        messages += _message(given, f"messages[{index}]", report)
    if not messages:
        raise refusal(problem("messages", "expected a list with at least one message", "missing"))
    known: dict[str, Any] = {name: top.number(name) for name in _SAMPLING}
    known["top_k"] = top.take("top_k", int)
    known["model"] = top.take("model", str)
    known["provider"] = "anthropic" if known["model"] is not None else None
    known["max_tokens"] = top.take("max_tokens", int)
    known["stop"] = listed(top.left.pop("stop_sequences", None)) or None
    tools = _tools(listed(top.left.pop("tools", None)), report)
    choice = _choice(Rest(top.left.pop("tool_choice", None), "tool_choice", report))
    form = None
    output = Rest(top.left.pop("output_config", None), "output_config", report)
    known["reasoning_effort"] = output.take("effort", str)
    if opened_fields(output.left.get("format")).get("type") == "json_schema":
        given = Rest(output.left.pop("format"), "output_config.format", report)
        del given.left["type"]
        form = ResponseFormat(type="json_schema", schema=given.table("schema"))
        given.lose()
    if output.left:
        top.left["output_config"] = output.left
    return Imported(
        messages=messages,
        tools=tools,
        tool_choice=choice,
        response_format=form,
        model_settings=settings(known, top.left, report),
        losses=report.losses(),
    )


def _system(given: object, field: str, report: Report) -> list[ChatMessage]:
    """The messages of the system; each block of a list is one."""
    if isinstance(given, str):
        return [ChatMessage(role="system", content=given)] if given else []
    parts = _parts(given, field, report)
    return [ChatMessage(role="system", content=part.text) for part in parts if isinstance(part, TextPart)]


def _message(given: object, field: str, report: Report) -> list[ChatMessage]:
    rest = Rest(given, field, report)
    role = rest.take("role", str) or ""
    content = rest.left.pop("content", None)
    made: list[ChatMessage] = []
    if role == "system":
        made = _system(content, f"{field}.content", report)
    elif role in {"user", "assistant"} and isinstance(content, str):
        made = [ChatMessage(role=role, content=content)]
    elif role in {"user", "assistant"}:
        parts = _parts(content, f"{field}.content", report)
        made = [ChatMessage(role="tool", content=[part]) for part in parts if isinstance(part, ToolResultPart)]
        said = [part for part in parts if not isinstance(part, ToolResultPart)]
        made += [ChatMessage(role=role, content=list(said))] if said else []
    if not made:
        report.lose(field, "unknown", "nothing of the message has a place in a prompt")
    rest.lose()
    return made


def _parts(content: object, field: str, report: Report) -> list[Part]:
    parts: list[Part] = []
    for index, given in enumerate(listed(content)):
        rest = Rest(given, f"{field}[{index}]", report)
        part = _part(rest.take("type", str) or "", rest, report)
        if part is None:
            report.lose(rest.field, "unknown", "a prompt has no part of this type")
            continue
        parts.append(part)
        rest.lose()
    return parts


def _part(kind: str, rest: Rest, report: Report) -> Part | None:
    if kind == "text":
        return TextPart(text=rest.take("text", str) or "")
    if kind == "image":
        return _image(Rest(rest.left.pop("source", None), f"{rest.field}.source", report))
    if kind == "document":
        return _document(Rest(rest.left.pop("source", None), f"{rest.field}.source", report), rest.take("title", str))
    if kind == "tool_use":
        return ToolCallPart(
            id=rest.take("id", str) or "",
            name=rest.take("name", str) or "",
            arguments=rest.table("input"),
        )
    if kind == "tool_result":
        content = rest.left.pop("content", "")
        text = content if isinstance(content, str) else _joined(content, f"{rest.field}.content", report)
        return ToolResultPart(
            tool_call_id=rest.take("tool_use_id", str) or "",
            content=text,
            is_error=rest.take("is_error", bool) or False,
        )
    return None


def _joined(content: object, field: str, report: Report) -> str:
    parts = _parts(content, field, report)
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    if len(texts) < len(parts):
        report.lose(field, "unsupported", "the answer of a tool is a text in a prompt")
    if len(texts) > 1:
        report.lose(field, "changed", "its texts are joined by line ends")
    return "\n".join(texts)


def _image(source: Rest) -> ImagePart | None:
    kind = source.take("type", str)
    if kind == "url":
        return ImagePart(url=source.take("url", str))
    data = source.take("data", str)
    if kind == "base64" and data is not None:
        return ImagePart(data=data, media_type=source.take("media_type", str))
    return None


def _document(source: Rest, title: str | None) -> FilePart | None:
    kind = source.take("type", str)
    if kind == "url":
        return FilePart(url=source.take("url", str), filename=title)
    if kind == "file":
        return FilePart(file_id=source.take("file_id", str), filename=title)
    data = source.take("data", str)
    if kind == "base64" and data is not None:
        return FilePart(data=data, media_type=source.take("media_type", str), filename=title)
    if kind == "text" and data is not None:
        return FilePart(data=b64encode(data.encode()).decode(), media_type="text/plain", filename=title)
    return None


def _tools(given: list[Any], report: Report) -> list[ToolDefinition]:
    tools: list[ToolDefinition] = []
    for index, item in enumerate(given):
        rest = Rest(item, f"tools[{index}]", report)
        name = rest.take("name", str)
        if rest.take("type", str) not in {None, "custom"} or name is None:
            report.lose(rest.field, "unknown", "a prompt knows tools of the caller alone")
            continue
        schema = rest.table("input_schema")
        tools.append(
            ToolDefinition(
                name=name,
                description=rest.take("description", str),
                parameters={} if schema == _NO_PARAMETERS else schema,
                strict=rest.take("strict", bool),
            )
        )
        rest.lose()
    return tools


def _choice(rest: Rest) -> ToolChoice | None:
    kind = _CHOICES.get(rest.take("type", str) or "")
    serial = rest.take("disable_parallel_tool_use", bool)
    name = rest.take("name", str)
    rest.lose()
    if kind is None:
        return None
    return ToolChoice(type=kind, name=name, parallel=None if serial is None else not serial)
