"""The messages of a chat, both ways; what no side knows of the other is left out and told."""

from __future__ import annotations

import json
from typing import Any, Final, TypeAlias, TypeGuard, get_args

from promptops.models import ChatMessage, TextPart, ToolCallPart, ToolResultPart, Unknown
from promptops.phoenix._generated import (
    PromptMessage,
    PromptMessageRoleKnown,
    TextContentPart,
    ToolCallContentPart,
    ToolCallContentPartToolCall,
    ToolResultContentPart,
)
from promptops.phoenix.conversion._report import Report
from promptops.phoenix.conversion._texts import Visit

__all__ = ["messages_from_phoenix", "messages_to_phoenix"]

TheirPart: TypeAlias = TextContentPart | ToolCallContentPart | ToolResultContentPart
OurPart: TypeAlias = TextPart | ToolCallPart | ToolResultPart

_ROLES: Final = frozenset(get_args(PromptMessageRoleKnown))
_ASSISTANTS: Final = frozenset({"model", "ai"})
_EMPTY: Final = "nothing of the message is left"


def messages_from_phoenix(messages: list[PromptMessage], visit: Visit, report: Report) -> list[ChatMessage]:
    """The messages of a Phoenix version as ours."""
    made: list[ChatMessage] = []
    for index, message in enumerate(messages):
        field = f"template.messages[{index}]"
        role = _role(message.role, field, report)
        if isinstance(message.content, str):
            made.append(ChatMessage(role=role, content=visit(message.content, f"{field}.content", False)))
            continue
        parts: list[OurPart] = []
        for number, part in enumerate(message.content):
            place = f"{field}.content[{number}]"
            if isinstance(part, Unknown):
                report.lose(place, "unknown", f"this version does not know parts of the type {part.tag!r}")
            else:
                parts.append(_part_from(part, place, visit, report))
        if parts:
            made.append(ChatMessage(role=role, content=list(parts)))
        else:
            report.lose(field, "unsupported", _EMPTY)
    return made


def messages_to_phoenix(messages: list[ChatMessage], visit: Visit, report: Report) -> list[PromptMessage]:
    """Our messages as those of a Phoenix version."""
    made: list[PromptMessage] = []
    for index, message in enumerate(messages):
        field = f"messages[{index}]"
        if message.role not in _ROLES:
            kind = "lists of messages" if message.role == "placeholder" else f"messages of the role {message.role!r}"
            report.lose(field, "unsupported", f"Phoenix has no place for {kind}")
            continue
        role = _role(message.role, field, report)
        if message.name is not None:
            report.lose(f"{field}.name", "unsupported", "Phoenix has no names of speakers")
        if isinstance(message.content, str):
            made.append(PromptMessage(role=role, content=visit(message.content, f"{field}.content", False)))
            continue
        parts: list[TheirPart] = []
        for number, part in enumerate(message.content):
            place = f"{field}.content[{number}]"
            if isinstance(part, TextPart | ToolCallPart | ToolResultPart):
                parts.append(_part_to(part, place, visit, report))
            else:
                kind = str(part.tag) if isinstance(part, Unknown) else part.type
                report.lose(place, "unsupported", f"Phoenix has no parts of the type {kind!r}")
        if parts:
            made.append(PromptMessage(role=role, content=list(parts)))
        else:
            report.lose(field, "unsupported", _EMPTY)
    return made


def _role(role: str, field: str, report: Report) -> str:
    if role not in _ASSISTANTS:
        return role
    report.lose(f"{field}.role", "changed", f"the assistant says it; {role!r} is another word for it")
    return "assistant"


def _part_from(part: TheirPart, place: str, visit: Visit, report: Report) -> OurPart:
    if isinstance(part, TextContentPart):
        return TextPart(text=visit(part.text, f"{place}.text", False))
    if isinstance(part, ToolCallContentPart):
        call = part.tool_call
        where = f"{place}.tool_call"
        if call.type != "function":
            report.lose(f"{where}.type", "unknown", "this version knows calls of functions alone")
        arguments = _arguments(call.arguments, f"{where}.arguments", report)
        filled = _visited(arguments, f"{where}.arguments", visit)
        return ToolCallPart(id=part.tool_call_id, name=call.name, arguments=filled)
    content = _result(part.tool_result, f"{place}.tool_result", report)
    return ToolResultPart(tool_call_id=part.tool_call_id, content=visit(content, f"{place}.tool_result", True))


def _part_to(part: OurPart, place: str, visit: Visit, report: Report) -> TheirPart:
    if isinstance(part, TextPart):
        return TextContentPart(text=visit(part.text, f"{place}.text", False))
    if isinstance(part, ToolCallPart):
        arguments = json.dumps(_visited(part.arguments, f"{place}.arguments", visit))
        call = ToolCallContentPartToolCall(name=part.name, arguments=arguments)
        return ToolCallContentPart(tool_call_id=part.id, tool_call=call)
    if part.name is not None:
        report.lose(f"{place}.name", "unsupported", "on Phoenix the id of the call alone says whose result it is")
    if part.is_error:
        report.lose(f"{place}.is_error", "unsupported", "results on Phoenix do not say whether they are errors")
    return ToolResultContentPart(
        tool_call_id=part.tool_call_id, tool_result=visit(part.content, f"{place}.content", True)
    )


def _arguments(text: str, field: str, report: Report) -> dict[str, Any]:
    try:
        value: object = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        value = None
    if not _is_object(value):
        report.lose(field, "unsupported", "they are no JSON object")
        return {}
    if json.dumps(value) != text:
        report.lose(field, "changed", "their JSON is written anew, with other blanks or another order of its keys")
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _result(value: Any, field: str, report: Report) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        report.lose(field, "changed", "no result is an empty text")
        return ""
    report.lose(field, "changed", "what is no text is the text of its JSON")
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)


def _visited(value: Any, field: str, visit: Visit) -> Any:
    """A copy in which every text, at any depth, is what the visitor made of it."""
    if isinstance(value, str):
        return visit(value, field, True)
    if _is_object(value):
        return {key: _visited(item, f"{field}.{key}", visit) for key, item in value.items()}
    if _is_list(value):
        return [_visited(item, f"{field}[{index}]", visit) for index, item in enumerate(value)]
    return value


def _is_object(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)
