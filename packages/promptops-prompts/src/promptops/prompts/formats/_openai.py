"""A chat as the arguments of ``openai.OpenAI().chat.completions.create``.

What decided the less obvious points:

- ``system`` stays ``system`` and ``developer`` stays ``developer``: the service reads each as the other where a model
  knows only one of them.
- ``max_completion_tokens`` for models of OpenAI, which deprecates ``max_tokens`` and refuses it for reasoning models;
  ``max_tokens`` when the settings name another provider, that is a server that speaks the language of OpenAI.
- The o-series and the first gpt-5 models refuse sampling parameters and stop texts; all other models get them.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from promptops.prompts.formats._media import data_url, opened
from promptops.prompts.formats._parts import Call, File, Image, Result, Text, Turn, plain_json
from promptops.prompts.formats._reading import Chat, merged
from promptops.prompts.formats._report import Report

__all__ = ["arguments", "messages", "shape"]

_TOOL_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SPEAKER: Final = re.compile(r"[^\s<|\\/>]{1,64}")
_FIXED_SAMPLING: Final = re.compile(r"o[134](-.*)?|gpt-5(-mini|-nano)?(-\d{4}-\d\d-\d\d)?")
_OWN: Final = frozenset({None, "openai", "azure", "azure_openai"})
_MOST_STOPS: Final = 4
_SAMPLING: Final = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_SCHEMA_NAME: Final = "response"


def arguments(chat: Chat, report: Report) -> dict[str, Any]:
    """The arguments; what is lost goes to the report."""
    made = shape(chat, report)
    for index, tool in enumerate(chat.tools):
        if not _TOOL_NAME.fullmatch(tool.name):
            reason = "openai takes 1 to 64 letters, digits, underscores and dashes"
            report.refuse(f"tools[{index}].name", reason)
    _add_sampling(made, chat, report)
    if (limit := chat.setting("max_tokens")) is not None:
        made["max_completion_tokens" if chat.provider in _OWN else "max_tokens"] = limit
    if chat.setting("top_k") is not None:
        report.unsupported("model_settings.top_k")
    return merged(made, chat.extra, report, reserved="model messages")


def shape(chat: Chat, report: Report) -> dict[str, Any]:
    """What OpenAI and LiteLLM have in common: messages, tools, the form of the answer, seed and effort."""
    made: dict[str, Any] = {"model": chat.model, "messages": messages(chat.turns, report)}
    if chat.tools:
        made["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    **({"description": tool.description} if tool.description is not None else {}),
                    **({"parameters": plain_json(tool.parameters)} if tool.parameters else {}),
                    **({"strict": tool.strict} if tool.strict is not None else {}),
                },
            }
            for tool in chat.tools
        ]
    if (choice := chat.tool_choice) is not None:
        named = {"type": "function", "function": {"name": choice.name}}
        made["tool_choice"] = named if choice.type == "tool" else choice.type
        if choice.parallel is not None:
            made["parallel_tool_calls"] = choice.parallel
    if (form := chat.response_format) is not None:
        made["response_format"] = answer = dict[str, Any](type=form.type)
        if form.type == "json_schema":
            if form.name is None:
                reason = f"openai needs a name for the schema; {_SCHEMA_NAME!r} is sent"
                report.lose("response_format.name", "assumed", reason)
            answer["json_schema"] = {
                "name": form.name if form.name is not None else _SCHEMA_NAME,
                **({"description": form.description} if form.description is not None else {}),
                "schema": plain_json(form.schema),
                **({"strict": form.strict} if form.strict is not None else {}),
            }
    for name in ("seed", "reasoning_effort"):
        if (value := chat.setting(name)) is not None:
            made[name] = value
    return made


def _add_sampling(made: dict[str, Any], chat: Chat, report: Report) -> None:
    fixed = chat.provider in _OWN and _FIXED_SAMPLING.fullmatch(chat.model) is not None
    for name in _SAMPLING:
        value = chat.setting(name)
        if value is not None and fixed:
            report.unsupported(f"model_settings.{name}", "this model takes the default alone")
        elif value is not None:
            made[name] = value
    stops = chat.setting("stop")
    if stops and fixed:
        report.unsupported("model_settings.stop", "this model takes none")
    elif stops:
        made["stop"] = list(stops[:_MOST_STOPS])
        if len(stops) > _MOST_STOPS:
            report.unsupported(f"model_settings.stop[{_MOST_STOPS}:]", f"openai takes {_MOST_STOPS} at most")


def messages(turns: list[Turn], report: Report) -> list[dict[str, Any]]:
    """The messages; a tool's results become one message each, in front of what else their message says."""
    made: list[dict[str, Any]] = []
    for turn in turns:
        said = [(index, part) for index, part in enumerate(turn.parts) if not isinstance(part, Result)]
        results = [(index, part) for index, part in enumerate(turn.parts) if isinstance(part, Result)]
        if results and said and said[0][0] < results[-1][0]:
            report.lose(f"{turn.field}.content", "moved", "results of tools come before what else the message says")
        for index, result in results:
            if result.is_error:
                report.unsupported(f"{turn.place(index)}.is_error")
            made.append({"role": "tool", "tool_call_id": result.tool_call_id, "content": result.content})
        if turn.name is not None and not said:
            report.unsupported(f"{turn.field}.name", "results of tools have no name of a speaker")
        if said:
            message = _assistant(turn, report) if turn.role == "assistant" else _spoken(turn, report)
            if message is not None:
                made.append(message)
                _add_name(message, turn, report)
    if not made:
        report.check()
        report.refuse("messages", f"nothing of the messages can be said to {report.provider}", "missing")
    return made


def _add_name(message: dict[str, Any], turn: Turn, report: Report) -> None:
    if turn.name is None:
        return
    if report.provider == "openai" and not _SPEAKER.fullmatch(turn.name):
        report.unsupported(f"{turn.field}.name", "openai takes up to 64 characters, without spaces and <|\\/>")
        return
    message["name"] = turn.name


def _spoken(turn: Turn, report: Report) -> dict[str, Any] | None:
    """A message of the system, the developer or the user; None when nothing of it can be said."""
    if turn.plain:
        return {"role": turn.role, "content": _texts(turn)[0]}
    parts: list[dict[str, Any]] = []
    for index, part in enumerate(turn.parts):
        place = turn.place(index)
        if isinstance(part, Text):
            parts.append({"type": "text", "text": part.text})
        elif isinstance(part, Image | File):
            if turn.role != "user":
                report.unsupported(place, f"a message of the role {turn.role} has texts alone")
                continue
            made = _image(part, place, report) if isinstance(part, Image) else _file(part, place, report)
            parts += [made] if made is not None else []
    return {"role": turn.role, "content": parts} if parts else None


def _assistant(turn: Turn, report: Report) -> dict[str, Any] | None:
    """A message of the assistant: its texts, and beside them its calls."""
    texts = _texts(turn)
    calls: list[dict[str, Any]] = []
    moved = False
    for index, part in enumerate(turn.parts):
        if isinstance(part, Call):
            text = msgspec.json.encode(part.arguments).decode()
            function = {"name": part.name, "arguments": text}
            calls.append({"id": part.id, "type": "function", "function": function})
        elif isinstance(part, Image | File):
            report.unsupported(turn.place(index), "a message of the role assistant has texts and calls alone")
        else:
            moved = moved or bool(calls)
    if moved:
        report.lose(f"{turn.field}.content", "moved", "calls of tools come after the texts of their message")
    if not texts and not calls:
        return None
    message: dict[str, Any] = {"role": "assistant"}
    if texts:
        alone = turn.plain or (len(texts) == 1 and calls)
        message["content"] = texts[0] if alone else [{"type": "text", "text": text} for text in texts]
    if calls:
        message["tool_calls"] = calls
    return message


def _texts(turn: Turn) -> list[str]:
    return [part.text for part in turn.parts if isinstance(part, Text)]


def _image(given: Image, place: str, report: Report) -> dict[str, Any]:
    part = opened(given, place, report)
    if part.data is not None:
        address = data_url(part.media_type or "", part.data)
    else:
        address = part.url or ""
        if part.media_type is not None:
            report.unsupported(f"{place}.media_type", "the server that has the image tells its type")
    return {
        "type": "image_url",
        "image_url": {"url": address, **({"detail": given.detail} if given.detail is not None else {})},
    }


def _file(given: File, place: str, report: Report) -> dict[str, Any] | None:
    part = opened(given, place, report)
    if part.url is not None:
        report.unsupported(place, f"{report.provider} takes files by their data or by their id, not by an address")
        return None
    if part.file_id is not None:
        for name in ("media_type", "filename"):
            if getattr(part, name) is not None:
                report.unsupported(f"{place}.{name}", "it is known of the file with this id")
        return {"type": "file", "file": {"file_id": part.file_id}}
    return {
        "type": "file",
        "file": {
            "file_data": data_url(part.media_type or "", part.data or ""),
            **({"filename": part.filename} if part.filename is not None else {}),
        },
    }
