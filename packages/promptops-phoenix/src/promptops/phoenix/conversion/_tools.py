"""Tools, the choice among them and the form of the answer, both ways."""

from __future__ import annotations

from typing import Final

from msgspec import UNSET, UnsetType
from promptops.models import ResponseFormat, ToolChoice, ToolDefinition
from promptops.phoenix._generated import (
    PromptResponseFormatJSONSchemaDefinition,
    PromptToolChoiceNone,
    PromptToolChoiceOneOrMore,
    PromptToolChoiceSpecificFunctionTool,
    PromptToolChoiceZeroOrMore,
    PromptToolFunction,
    PromptToolFunctionDefinition,
    PromptToolRaw,
    PromptTools,
    PromptVersionDataResponseFormat,
    PromptVersionResponseFormat,
    UnknownType,
)
from promptops.phoenix.conversion._report import Report

__all__ = ["format_from_phoenix", "format_to_phoenix", "tools_from_phoenix", "tools_to_phoenix"]

TheirChoice = (
    PromptToolChoiceNone
    | PromptToolChoiceZeroOrMore
    | PromptToolChoiceOneOrMore
    | PromptToolChoiceSpecificFunctionTool
    | UnknownType
)

_CHOICES: Final = {"none": "none", "zero_or_more": "auto", "one_or_more": "required"}
_JSON_SCHEMA: Final = "json_schema"
_SCHEMA_NAME: Final = "response"


def tools_from_phoenix(
    given: PromptTools | UnsetType | None, report: Report
) -> tuple[list[ToolDefinition], ToolChoice | None]:
    """The tools of a Phoenix version and the choice among them, as ours."""
    if given is None or isinstance(given, UnsetType):
        return [], None
    tools: list[ToolDefinition] = []
    for index, tool in enumerate(given.tools):
        field = f"tools.tools[{index}]"
        if isinstance(tool, PromptToolFunction):
            tools.append(_tool_from(tool.function, field, report))
        elif isinstance(tool, PromptToolRaw):
            report.lose(field, "unsupported", "a tool in the words of its provider; a prompt has functions alone")
        else:
            report.lose(field, "unknown", f"this version does not know tools of the type {tool.tag!r}")
    if not given.tools:
        report.lose("tools", "changed", "an empty list of tools is no list")
    choice = _choice_from(given, report)
    if choice is not None and not tools:
        report.lose("tools.tool_choice", "unsupported", "no tool is left to choose")
        choice = None
    return tools, choice


def tools_to_phoenix(tools: list[ToolDefinition], choice: ToolChoice | None, report: Report) -> PromptTools | UnsetType:
    """Our tools and the choice among them, as those of a Phoenix version."""
    if not tools:
        if choice is not None:
            report.lose("tool_choice", "unsupported", "Phoenix has a choice beside tools alone")
        return UNSET
    parallel = None if choice is None else choice.parallel
    return PromptTools(
        tools=[_tool_to(tool) for tool in tools],
        tool_choice=UNSET if choice is None else _choice_to(choice, report),
        disable_parallel_tool_calls=UNSET if parallel is None else not parallel,
    )


def format_from_phoenix(
    given: PromptVersionResponseFormat | PromptVersionDataResponseFormat | UnsetType | None, report: Report
) -> ResponseFormat | None:
    """The form of the answer that a Phoenix version asks for, as ours."""
    if given is None or isinstance(given, UnsetType):
        return None
    if given.type != _JSON_SCHEMA:
        report.lose("response_format", "unknown", f"this version does not know the type {given.type!r}")
        return None
    schema = given.json_schema
    return ResponseFormat(
        type=_JSON_SCHEMA,
        name=schema.name,
        description=None if schema.description is UNSET else schema.description,
        schema=None if schema.schema is UNSET else schema.schema,
        strict=None if schema.strict is UNSET else schema.strict,
    )


def format_to_phoenix(form: ResponseFormat | None, report: Report) -> PromptVersionDataResponseFormat | UnsetType:
    """The form of the answer that our prompt asks for, as that of a Phoenix version."""
    if form is None:
        return UNSET
    if form.type != _JSON_SCHEMA:
        report.lose("response_format", "unsupported", f"Phoenix has no answers of the form {form.type!r}")
        return UNSET
    if form.name is None:
        reason = f"Phoenix demands a name for the schema; {_SCHEMA_NAME!r} is sent"
        report.lose("response_format.name", "assumed", reason)
    return PromptVersionDataResponseFormat(
        json_schema=PromptResponseFormatJSONSchemaDefinition(
            name=_SCHEMA_NAME if form.name is None else form.name,
            description=UNSET if form.description is None else form.description,
            schema=UNSET if form.schema is None else form.schema,
            strict=UNSET if form.strict is None else form.strict,
        )
    )


def _tool_from(given: PromptToolFunctionDefinition, field: str, report: Report) -> ToolDefinition:
    parameters = {} if isinstance(given.parameters, UnsetType) else given.parameters
    if given.parameters is not UNSET and not parameters:
        report.lose(f"{field}.function.parameters", "changed", "an empty schema is no schema")
    return ToolDefinition(
        name=given.name,
        description=None if given.description is UNSET else given.description,
        parameters=parameters,
        strict=None if given.strict is UNSET else given.strict,
    )


def _tool_to(tool: ToolDefinition) -> PromptToolFunction:
    return PromptToolFunction(
        function=PromptToolFunctionDefinition(
            name=tool.name,
            description=UNSET if tool.description is None else tool.description,
            parameters=tool.parameters or UNSET,
            strict=UNSET if tool.strict is None else tool.strict,
        )
    )


def _choice_from(given: PromptTools, report: Report) -> ToolChoice | None:
    disabled = given.disable_parallel_tool_calls
    parallel = None if isinstance(disabled, UnsetType) else not disabled
    choice = given.tool_choice
    if isinstance(choice, PromptToolChoiceSpecificFunctionTool):
        return ToolChoice(type="tool", name=choice.function_name, parallel=parallel)
    if isinstance(choice, UnknownType):
        report.lose("tools.tool_choice", "unknown", f"this version does not know choices of the type {choice.tag!r}")
    elif not isinstance(choice, UnsetType):
        return ToolChoice(type=_CHOICES[choice.type], parallel=parallel)
    if parallel is None:
        return None
    reason = "with us it goes with a choice; 'auto' is what providers take without one"
    report.lose("tools.disable_parallel_tool_calls", "assumed", reason)
    return ToolChoice(type="auto", parallel=parallel)


def _choice_to(choice: ToolChoice, report: Report) -> TheirChoice | UnsetType:
    if choice.type == "tool" and choice.name is not None:
        return PromptToolChoiceSpecificFunctionTool(function_name=choice.name)
    if choice.type == "tool":
        report.refuse("tool_choice.name", "the type tool needs the name of one", "missing")
    elif choice.name is not None:
        report.lose("tool_choice.name", "unsupported", "a name goes with the type tool alone")
    if choice.type == "auto":
        return PromptToolChoiceZeroOrMore()
    if choice.type == "required":
        return PromptToolChoiceOneOrMore()
    if choice.type not in {"none", "tool"}:
        report.refuse("tool_choice.type", "expected auto, none, required or tool")
    return PromptToolChoiceNone()
