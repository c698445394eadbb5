"""The arguments of ``google.genai.Client().models.generate_content`` as a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from promptops.models import ChatMessage, ResponseFormat, ToolChoice, ToolDefinition
from promptops.prompts._problems import problem, refusal
from promptops.prompts.formats._import_google_parts import Conversation, SnakeRest
from promptops.prompts.formats._imported import Imported, listed, settings
from promptops.prompts.formats._parts import is_array, is_object
from promptops.prompts.formats._report import Report

__all__ = ["from_google"]

_NUMBERS: Final = ("temperature", "top_p", "frequency_penalty", "presence_penalty")


def from_google(arguments: Mapping[str, Any]) -> Imported:
    """A prompt from the keyword arguments of ``generate_content``.

    Plain dicts (in either spelling that the SDK takes) and objects of the SDK are read alike. Each result of a
    function becomes a message of its own. Settings that a prompt does not know go to ``model_settings.extra`` when
    they are JSON; all else that has no place is in ``losses``.

    Raises:
        ValidationError: There are no contents.
    """
    report = Report("google")
    top = SnakeRest(arguments, "", report)
    config = SnakeRest(top.left.pop("config", None), "config", report)
    talk = Conversation(report)
    messages: list[ChatMessage] = talk.system(config.left.pop("system_instruction", None))
    messages += talk.contents(top.left.pop("contents", None))
    if not messages:
        raise refusal(problem("contents", "expected at least one content", "missing"))
    known: dict[str, Any] = {name: config.number(name) for name in _NUMBERS}
    known["max_tokens"] = config.take("max_output_tokens", int)
    known["seed"] = config.take("seed", int)
    known["model"] = top.take("model", str)
    known["provider"] = "google" if known["model"] is not None else None
    known["top_k"] = _whole(config)
    known["stop"] = listed(config.left.pop("stop_sequences", None)) or None
    known["reasoning_effort"] = _effort(config, report)
    tools = _tools(listed(config.left.pop("tools", None)), report)
    choice = _choice(config, report)
    form = _format(config)
    top.lose()
    return Imported(
        messages=messages,
        tools=tools,
        tool_choice=choice,
        response_format=form,
        model_settings=settings(known, config.left, report),
        losses=report.losses(),
    )


def _whole(config: SnakeRest) -> int | None:
    """``top_k``, which the SDK takes for a fraction."""
    value = config.left.get("top_k")
    if isinstance(value, int | float) and value == int(value):
        del config.left["top_k"]
        return int(value)
    return None


def _effort(config: SnakeRest, report: Report) -> str | None:
    rest = SnakeRest(config.left.pop("thinking_config", None), "config.thinking_config", report)
    level = rest.take("thinking_level", str)
    if rest.left:
        config.left["thinking_config"] = rest.left
    return level.lower() if level is not None else None


def _tools(given: list[Any], report: Report) -> list[ToolDefinition]:
    tools: list[ToolDefinition] = []
    for index, item in enumerate(given):
        rest = SnakeRest(item, f"config.tools[{index}]", report)
        declared = listed(rest.left.pop("function_declarations", None))
        if not rest.left and not declared:
            report.lose(rest.field, "unknown", "a prompt knows declared functions alone")
        for number, function in enumerate(declared):
            tools += _function(SnakeRest(function, f"{rest.field}.function_declarations[{number}]", report), report)
        rest.lose()
    return tools


def _function(rest: SnakeRest, report: Report) -> list[ToolDefinition]:
    name = rest.take("name", str)
    if name is None:
        report.lose(rest.field, "unknown", "a function needs a name")
        return []
    schema = rest.table("parameters_json_schema")
    if not schema and (schema := _lowered(rest.table("parameters"))):
        report.lose(f"{rest.field}.parameters", "changed", "its types are written as JSON schema writes them")
    tool = ToolDefinition(name=name, description=rest.take("description", str), parameters=schema)
    rest.lose()
    return [tool]


def _lowered(schema: object) -> Any:
    """A schema of OpenAPI with the types of JSON schema."""
    if is_array(schema):
        return [_lowered(item) for item in schema]
    if isinstance(schema, Enum):
        return schema.value
    if not is_object(schema):
        return schema
    lowered = {key: _lowered(value) for key, value in schema.items()}
    if isinstance(kind := lowered.get("type"), str):
        lowered["type"] = kind.lower()
    return lowered


def _choice(config: SnakeRest, report: Report) -> ToolChoice | None:
    rest = SnakeRest(config.left.pop("tool_config", None), "config.tool_config", report)
    calling = SnakeRest(rest.left.pop("function_calling_config", None), f"{rest.field}.function_calling_config", report)
    if rest.left:
        config.left["tool_config"] = rest.left
    mode = (calling.take("mode", str) or "").upper()
    names = listed(calling.left.pop("allowed_function_names", None))
    if mode == "ANY" and len(names) == 1:
        choice: ToolChoice | None = ToolChoice(type="tool", name=names[0])
    elif mode in {"AUTO", "NONE", "ANY"}:
        choice = ToolChoice(type={"AUTO": "auto", "NONE": "none", "ANY": "required"}[mode])
        if names:
            report.lose(f"{calling.field}.allowed_function_names", "unknown", "a prompt names one tool, or none")
    else:
        choice = None
        if mode:
            report.lose(f"{calling.field}.mode", "unknown", "a prompt knows no choice of this kind")
    calling.lose()
    return choice


def _format(config: SnakeRest) -> ResponseFormat | None:
    kind = config.left.get("response_mime_type")
    if kind == "text/plain":
        del config.left["response_mime_type"]
        return ResponseFormat(type="text")
    if kind != "application/json":
        return None
    del config.left["response_mime_type"]
    if "response_json_schema" in config.left:
        return ResponseFormat(type="json_schema", schema=config.table("response_json_schema"))
    return ResponseFormat(type="json_object")
