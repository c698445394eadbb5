"""The arguments of ``openai.OpenAI().chat.completions.create``, or of ``litellm.completion``, as a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
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
from promptops.prompts.formats._media import guessed, split_data_url, told
from promptops.prompts.formats._report import Report

__all__ = ["from_openai"]

_ROLES: Final = ("system", "developer", "user", "assistant")
_NUMBERS: Final = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_SAME: Final = (
    "openai",
    "anthropic",
    "azure",
    "bedrock",
    "cohere",
    "deepseek",
    "fireworks_ai",
    "groq",
    "huggingface",
    "mistral",
    "ollama",
    "openrouter",
    "perplexity",
    "together_ai",
    "xai",
)
# The prefixes of LiteLLM that are no name of an organisation, and what we call these providers.
_PREFIXES: Final = {
    "gemini": "google",
    "vertex_ai": "vertex",
    **dict.fromkeys(_SAME, ""),
}


def from_openai(arguments: Mapping[str, Any]) -> Imported:
    """A prompt from the keyword arguments of ``chat.completions.create`` or of ``litellm.completion``.

    Plain dicts and objects of the SDK are read alike. Arguments that a prompt does not know go to
    ``model_settings.extra`` when they are JSON; all else that has no place is in ``losses``. A model with a prefix of
    LiteLLM (``gemini/...``) tells its provider.

    Raises:
        ValidationError: There are no messages.
    """
    report = Report("openai")
    top = Rest(arguments, "", report)
    messages: list[ChatMessage] = []
    for index, given in enumerate(listed(top.left.pop("messages", None))):
        message = _message(given, f"messages[{index}]", report)
        messages += [message] if message is not None else []
    if not messages:
        raise refusal(problem("messages", "expected a list with at least one message", "missing"))
    known: dict[str, Any] = {name: top.number(name) for name in _NUMBERS}
    known |= {name: top.take(name, int) for name in ("top_k", "seed")}
    known["reasoning_effort"] = top.take("reasoning_effort", str)
    known["provider"], known["model"] = _provider(top.take("model", str))
    known["max_tokens"] = top.take("max_completion_tokens", int)
    if known["max_tokens"] is None:
        known["max_tokens"] = top.take("max_tokens", int)
    stop = top.left.pop("stop", None)
    known["stop"] = [stop] if isinstance(stop, str) else listed(stop) or None
    tools = _tools(listed(top.left.pop("tools", None)), report)
    choice = _choice(top, report)
    form = _format(top, report)
    return Imported(
        messages=messages,
        tools=tools,
        tool_choice=choice,
        response_format=form,
        model_settings=settings(known, top.left, report),
        losses=report.losses(),
    )


def _provider(model: str | None) -> tuple[str | None, str | None]:
    if model is None:
        return None, None
    prefix, slash, name = model.partition("/")
    if not slash:
        return "openai", model
    return (_PREFIXES[prefix] or prefix, name) if prefix in _PREFIXES else (None, model)


def _message(given: object, field: str, report: Report) -> ChatMessage | None:
    rest = Rest(given, field, report)
    role = rest.take("role", str)
    content = rest.left.pop("content", None)
    made: ChatMessage | None = None
    if role == "tool":
        call = rest.take("tool_call_id", str) or ""
        text = content if isinstance(content, str) else _joined(content, f"{field}.content", report)
        made = ChatMessage(role="tool", content=[ToolResultPart(tool_call_id=call, content=text)])
    elif role in _ROLES:
        calls = [
            _call(call, f"{field}.tool_calls[{index}]", report)
            for index, call in enumerate(listed(rest.left.pop("tool_calls", None)))
        ]
        name = rest.take("name", str)
        known = [call for call in calls if call is not None]
        if isinstance(content, str) and not known:
            made = ChatMessage(role=role, content=content, name=name)
        else:
            spoken = [TextPart(text=content)] if isinstance(content, str) else _parts(content, field, report)
            parts = [*spoken, *known]
            made = ChatMessage(role=role, content=list(parts), name=name) if parts else None
    if made is None:
        report.lose(field, "unknown", "nothing of the message has a place in a prompt")
    rest.lose()
    return made


def _parts(content: object, field: str, report: Report) -> list[TextPart | ImagePart | FilePart]:
    parts: list[TextPart | ImagePart | FilePart] = []
    for index, given in enumerate(listed(content)):
        rest = Rest(given, f"{field}.content[{index}]", report)
        kind = rest.take("type", str)
        text = rest.take("text", str)
        if kind == "text" and text is not None:
            parts.append(TextPart(text=text))
        elif kind == "image_url" and (image := opened_fields(rest.left.pop("image_url", None))):
            parts.append(_image(Rest(image, f"{rest.field}.image_url", report)))
        elif kind == "file" and (file := opened_fields(rest.left.pop("file", None))):
            parts.append(_file(Rest(file, f"{rest.field}.file", report)))
        else:
            report.lose(rest.field, "unknown", "a prompt has no part of this type")
            continue
        rest.lose()
    return parts


def _image(rest: Rest) -> ImagePart:
    url = rest.take("url", str) or ""
    detail = rest.take("detail", str) if rest.left.get("detail") in {"auto", "low", "high"} else None
    rest.lose()
    if (found := split_data_url(url)) is not None:
        return ImagePart(media_type=found[0], data=found[1], detail=detail)
    return ImagePart(url=url, detail=detail)


def _file(rest: Rest) -> FilePart:
    data = rest.take("file_data", str)
    filename = rest.take("filename", str)
    file_id = rest.take("file_id", str)
    rest.lose()
    if data is None:
        return FilePart(file_id=file_id, filename=filename)
    kind, text = split_data_url(data) or (told(data) or guessed(filename), data)
    return FilePart(media_type=kind, data=text, filename=filename)


def _call(given: object, field: str, report: Report) -> ToolCallPart | None:
    rest = Rest(given, field, report)
    function = Rest(rest.left.pop("function", None), f"{field}.function", report)
    name = function.take("name", str)
    if rest.take("type", str) not in {"function", None} or name is None:
        report.lose(field, "unknown", "a prompt knows calls of functions alone")
        return None
    text = function.take("arguments", str) or "{}"
    try:
        arguments = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        report.lose(f"{field}.function.arguments", "unsupported", "they are no JSON object")
        arguments = {}
    call = ToolCallPart(id=rest.take("id", str) or "", name=name, arguments=arguments)
    function.lose()
    rest.lose()
    return call


def _joined(content: object, field: str, report: Report) -> str:
    """The texts of a tool's answer as one text."""
    texts = [
        part.text for part in _parts(content, field.removesuffix(".content"), report) if isinstance(part, TextPart)
    ]
    if len(texts) > 1:
        report.lose(field, "changed", "its texts are joined by line ends")
    return "\n".join(texts)


def _tools(given: list[Any], report: Report) -> list[ToolDefinition]:
    tools: list[ToolDefinition] = []
    for index, item in enumerate(given):
        rest = Rest(item, f"tools[{index}]", report)
        function = Rest(rest.left.pop("function", None), f"{rest.field}.function", report)
        name = function.take("name", str)
        if rest.take("type", str) != "function" or name is None:
            report.lose(rest.field, "unknown", "a prompt knows functions alone")
            continue
        tools.append(
            ToolDefinition(
                name=name,
                description=function.take("description", str),
                parameters=function.table("parameters"),
                strict=function.take("strict", bool),
            )
        )
        function.lose()
        rest.lose()
    return tools


def _choice(top: Rest, report: Report) -> ToolChoice | None:
    parallel = top.take("parallel_tool_calls", bool)
    given = top.left.pop("tool_choice", None)
    if given in ("auto", "none", "required"):
        return ToolChoice(type=given, parallel=parallel)
    fields = opened_fields(given)
    name = opened_fields(fields.get("function")).get("name")
    if fields.get("type") == "function" and isinstance(name, str):
        return ToolChoice(type="tool", name=name, parallel=parallel)
    if given is not None:
        report.lose("tool_choice", "unknown", "a prompt knows no choice of this type")
    return ToolChoice(type="auto", parallel=parallel) if parallel is not None else None


def _format(top: Rest, report: Report) -> ResponseFormat | None:
    given = top.left.pop("response_format", None)
    fields = opened_fields(given)
    kind = fields.get("type")
    if kind in ("text", "json_object"):
        return ResponseFormat(type=kind)
    if kind == "json_schema":
        rest = Rest(fields.get("json_schema"), "response_format.json_schema", report)
        form = ResponseFormat(
            type="json_schema",
            name=rest.take("name", str),
            description=rest.take("description", str),
            schema=rest.table("schema"),
            strict=rest.take("strict", bool),
        )
        rest.lose()
        return form
    if given is not None:
        report.lose("response_format", "unknown", "a prompt knows no form of this type")
    return None
