"""A chat as the arguments of ``google.genai.Client().models.generate_content``.

What decided the less obvious points:

- The system speaks in ``config.system_instruction``, before the conversation, and nowhere else.
- The service wants the results of all calls of a message in one content, so consecutive results of tools are joined.
- ``display_name`` of files is not sent: older versions of the SDK refuse it, and the service uses it for tools of its
  own alone.
- A level of thinking is for Gemini 3 and later.
"""

from __future__ import annotations

import re
from typing import Any, Final

from promptops.prompts.formats._google_parts import parts
from promptops.prompts.formats._parts import Turn, plain_json
from promptops.prompts.formats._reading import Chat, merged
from promptops.prompts.formats._report import Report

__all__ = ["arguments"]

_TOOL_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
_NO_LEVELS: Final = re.compile(r"(models/)?gemini-[12]\b.*")
_LEVELS: Final = ("minimal", "low", "medium", "high", "xhigh")
_MODES: Final = {"auto": "AUTO", "none": "NONE", "required": "ANY", "tool": "ANY"}
_MOST_STOPS: Final = 5
_SETTINGS: Final = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "max_tokens": "max_output_tokens",
    "seed": "seed",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
}


def arguments(chat: Chat, report: Report) -> dict[str, Any]:
    """The arguments; what is lost goes to the report. ``extra`` of the settings joins ``config``."""
    config: dict[str, Any] = {}
    contents = _contents(chat, config, report)
    for ours, theirs in _SETTINGS.items():
        if (value := chat.setting(ours)) is not None:
            config[theirs] = value
    if stops := chat.setting("stop"):
        config["stop_sequences"] = list(stops[:_MOST_STOPS])
        if len(stops) > _MOST_STOPS:
            report.unsupported(f"model_settings.stop[{_MOST_STOPS}:]", f"google takes {_MOST_STOPS} at most")
    _add_tools(config, chat, report)
    _add_format(config, chat, report)
    effort = chat.setting("reasoning_effort")
    if effort in _LEVELS and not _NO_LEVELS.fullmatch(chat.model):
        config["thinking_config"] = {"thinking_level": effort.upper()}
    elif effort is not None:
        reason = f"Gemini from version 3 on knows {', '.join(_LEVELS)}; earlier ones know a budget alone"
        report.unsupported("model_settings.reasoning_effort", reason)
    config = merged(config, chat.extra, report, reserved="model contents config")
    return {"model": chat.model, "contents": contents, **({"config": config} if config else {})}


def _contents(chat: Chat, config: dict[str, Any], report: Report) -> list[dict[str, Any]]:
    contents: list[dict[str, Any]] = []
    system: list[dict[str, Any]] = []
    plain = True
    answered = False
    last = chat.turns[-1]
    alone = all(turn.role in {"system", "developer"} for turn in chat.turns)
    for turn in chat.turns:
        if turn.name is not None:
            report.unsupported(f"{turn.field}.name")
        role = _role(turn, alone and turn is last, report)
        made = parts(turn, role, report)
        if not made:
            continue
        if role == "system":
            if contents:
                report.lose(turn.field, "moved", "the system says it before the conversation")
            plain = plain and turn.plain
            system += made
        elif turn.answers and answered:
            contents[-1]["parts"] += made
        else:
            contents.append({"role": role, "parts": made})
        answered = turn.only_answers
    if system:
        config["system_instruction"] = system[0]["text"] if plain and len(system) == 1 else {"parts": system}
    if not contents:
        report.check()
        report.refuse("messages", "nothing of the messages can be said to google", "missing")
    return contents


def _role(turn: Turn, must_be_user: bool, report: Report) -> str:
    if turn.role in {"system", "developer"} and must_be_user:
        reason = "google needs a message of the user; the last of the system is said as the user's"
        report.lose(f"{turn.field}.role", "changed", reason)
        return "user"
    if turn.role == "developer":
        report.lose(f"{turn.field}.role", "changed", "google knows no developer; the system says it")
    return {"developer": "system", "assistant": "model", "tool": "user"}.get(turn.role, turn.role)


def _add_tools(config: dict[str, Any], chat: Chat, report: Report) -> None:
    declared: list[dict[str, Any]] = []
    for index, tool in enumerate(chat.tools):
        if not _TOOL_NAME.fullmatch(tool.name):
            reason = "google takes 1 to 128 letters, digits and _.:- that begin with a letter or an underscore"
            report.refuse(f"tools[{index}].name", reason)
        if tool.strict:
            report.unsupported(f"tools[{index}].strict")
        declared.append(
            {
                "name": tool.name,
                **({"description": tool.description} if tool.description is not None else {}),
                **({"parameters_json_schema": plain_json(tool.parameters)} if tool.parameters else {}),
            }
        )
    if declared:
        config["tools"] = [{"function_declarations": declared}]
    if (choice := chat.tool_choice) is not None:
        calling: dict[str, Any] = {"mode": _MODES[choice.type]}
        if choice.type == "tool":
            calling["allowed_function_names"] = [choice.name]
        if choice.parallel is False:
            report.unsupported("tool_choice.parallel", "the model decides how many calls it makes at once")
        config["tool_config"] = {"function_calling_config": calling}


def _add_format(config: dict[str, Any], chat: Chat, report: Report) -> None:
    form = chat.response_format
    if form is None:
        return
    config["response_mime_type"] = "text/plain" if form.type == "text" else "application/json"
    if form.type == "json_schema":
        config["response_json_schema"] = plain_json(form.schema)
        for name in ("name", "description"):
            if getattr(form, name) is not None:
                report.unsupported(f"response_format.{name}")
        if form.strict is False:
            report.lose("response_format.strict", "changed", "google always keeps to the schema")
