"""A chat as the arguments of ``anthropic.Anthropic().messages.create``.

What decided the less obvious points:

- The API version of 2026-10-21, which the SDK sends, refuses ``temperature``, ``top_p`` and ``top_k`` even at their
  defaults, and the SDK has no such arguments: they are lost. ``extra`` can carry them to an older SDK.
- Models from Claude Opus 4.8 on (but Sonnet 5) take messages of the system inside the conversation, behind the user
  and before the assistant or at the end. In any other place, and for any other model, they join ``system``.
- Consecutive messages of a role are joined by the service. Results of tools are joined here, since all results of a
  message's calls belong into the next message.
- ``max_tokens`` is demanded; 4096 is what every model allows.
"""

from __future__ import annotations

import re
from typing import Any, Final

from promptops.prompts.formats._anthropic_parts import blocks
from promptops.prompts.formats._parts import Turn, plain_json
from promptops.prompts.formats._reading import Chat, merged
from promptops.prompts.formats._report import Report

__all__ = ["DEFAULT_MAX_TOKENS", "arguments"]

DEFAULT_MAX_TOKENS: Final = 4096
_TOOL_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SYSTEM_INSIDE: Final = re.compile(
    r"claude-(opus-4-([89]|\d\d)|(?!sonnet-5$|sonnet-5-\d{8}$)[a-z]+-([5-9]|\d\d))(-.*)?"
)
_NO_PARAMETERS: Final[dict[str, Any]] = {"type": "object", "properties": {}}
_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
_NO_SETTING: Final = ("temperature", "top_p", "top_k", "seed", "frequency_penalty", "presence_penalty")


def arguments(chat: Chat, report: Report) -> dict[str, Any]:
    """The arguments; what is lost goes to the report."""
    made: dict[str, Any] = {"model": chat.model}
    limit = chat.setting("max_tokens")
    if limit is not None or "max_tokens" not in chat.extra:
        made["max_tokens"] = DEFAULT_MAX_TOKENS if limit is None else limit
    if limit is None and "max_tokens" not in chat.extra:
        reason = f"anthropic demands a limit; {DEFAULT_MAX_TOKENS} tokens are sent"
        report.lose("model_settings.max_tokens", "assumed", reason)
    system, messages = _conversation(chat, report)
    made["messages"] = messages
    if system:
        made["system"] = system
    _add_tools(made, chat, report)
    _add_output(made, chat, report)
    for name in _NO_SETTING:
        if chat.setting(name) is not None:
            report.unsupported(f"model_settings.{name}")
    if stops := chat.setting("stop"):
        usable = [stop for stop in stops if stop.strip()]
        for index, stop in enumerate(stops):
            if not stop.strip():
                report.unsupported(f"model_settings.stop[{index}]", "anthropic takes no stop text of blanks alone")
        made |= {"stop_sequences": usable} if usable else {}
    return merged(made, chat.extra, report, reserved="model messages")


def _conversation(chat: Chat, report: Report) -> tuple[str | list[dict[str, Any]], list[dict[str, Any]]]:
    """The system prompt and the messages."""
    system: list[dict[str, Any]] = []
    plain = True
    messages: list[dict[str, Any]] = []
    inside = chat.provider in {None, "anthropic"} and _SYSTEM_INSIDE.fullmatch(chat.model) is not None
    said = _said(chat.turns, report)
    for index, (turn, role, made) in enumerate(said):
        following = said[index + 1][1] if index + 1 < len(said) else "assistant"
        if role == "system" and messages and inside and messages[-1]["role"] == "user" and following == "assistant":
            messages.append({"role": "system", "content": _shortest(turn, made)})
        elif role == "system":
            if messages:
                report.lose(turn.field, "moved", "the system says it before the conversation")
            plain = plain and turn.plain
            system += made
        elif index and turn.answers and said[index - 1][0].only_answers:
            messages[-1]["content"] += made
        else:
            messages.append({"role": role, "content": _shortest(turn, made)})
    if not messages:
        report.check()
        report.refuse("messages", "nothing of the messages can be said to anthropic", "missing")
    elif messages[0]["role"] != "user":
        report.refuse("messages", "anthropic needs a message of the user before any of the assistant", "invalid_role")
    return (system[0]["text"] if plain and len(system) == 1 else system), messages


def _said(turns: list[Turn], report: Report) -> list[tuple[Turn, str, list[dict[str, Any]]]]:
    """Each message of which something can be said, who says it to the service, and its blocks.

    When only the system speaks, its last message becomes the user's: the service needs one.
    """
    roles = {"developer": "system", "tool": "user"}
    alone = all(roles.get(turn.role, turn.role) == "system" for turn in turns)
    said: list[tuple[Turn, str, list[dict[str, Any]]]] = []
    for turn in turns:
        role = roles.get(turn.role, turn.role)
        if turn.name is not None:
            report.unsupported(f"{turn.field}.name")
        if alone and turn is turns[-1]:
            role = "user"
            reason = "anthropic needs a message of the user; the last of the system is said as the user's"
            report.lose(f"{turn.field}.role", "changed", reason)
        elif turn.role == "developer":
            report.lose(f"{turn.field}.role", "changed", "anthropic knows no developer; the system says it")
        if made := blocks(turn, role, report):
            said.append((turn, role, made))
    return said


def _shortest(turn: Turn, made: list[dict[str, Any]]) -> Any:
    return made[0]["text"] if turn.plain else made


def _add_tools(made: dict[str, Any], chat: Chat, report: Report) -> None:
    tools: list[dict[str, Any]] = []
    if chat.tools:
        made["tools"] = tools
    for index, tool in enumerate(chat.tools):
        place = f"tools[{index}]"
        if not _TOOL_NAME.fullmatch(tool.name):
            report.refuse(f"{place}.name", "anthropic takes 1 to 128 letters, digits, underscores and dashes")
        schema: dict[str, Any] = plain_json(tool.parameters or _NO_PARAMETERS)
        if schema.setdefault("type", "object") != "object":
            report.refuse(f"{place}.parameters.type", "the arguments of a tool are an object")
        tools.append(
            {
                "name": tool.name,
                **({"description": tool.description} if tool.description is not None else {}),
                "input_schema": schema,
                **({"strict": tool.strict} if tool.strict is not None else {}),
            }
        )
    if (choice := chat.tool_choice) is not None:
        chosen: dict[str, Any] = {"type": "any" if choice.type == "required" else choice.type}
        if choice.type == "tool":
            chosen["name"] = choice.name
        if choice.parallel is not None and choice.type != "none":
            chosen["disable_parallel_tool_use"] = not choice.parallel
        elif choice.parallel is not None:
            report.unsupported("tool_choice.parallel", "no tool is called")
        made["tool_choice"] = chosen


def _add_output(made: dict[str, Any], chat: Chat, report: Report) -> None:
    config: dict[str, Any] = {}
    form = chat.response_format
    if form is not None and form.type == "json_schema":
        config["format"] = {"type": "json_schema", "schema": plain_json(form.schema)}
        for name in ("name", "description"):
            if getattr(form, name) is not None:
                report.unsupported(f"response_format.{name}")
        if form.strict is False:
            report.lose("response_format.strict", "changed", "anthropic always keeps to the schema")
    elif form is not None and form.type == "json_object":
        report.unsupported("response_format", "anthropic takes a JSON schema, or nothing")
    effort = chat.setting("reasoning_effort")
    if effort in _EFFORTS:
        config["effort"] = effort
    elif effort is not None:
        report.unsupported("model_settings.reasoning_effort", f"anthropic knows {', '.join(_EFFORTS)}")
    if config:
        made["output_config"] = config
