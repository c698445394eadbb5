"""A chat read for a provider: its messages, the model, and the checks that do not depend on whom it goes to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from promptops.prompts.formats._chat import ChatLike
from promptops.prompts.formats._parts import Turn, plain_json, read_turns
from promptops.prompts.formats._report import Report

if TYPE_CHECKING:
    from promptops.models.prompts import ModelSettingsLike, ResponseFormatLike, ToolChoiceLike, ToolLike

__all__ = ["Chat", "merged", "provider_name", "read_chat"]

_ALIASES: Final = {"claude": "anthropic", "gemini": "google"}
# A model of one of these is not served by the SDK of another; anyone else may speak the language of any of them.
_NATIVE: Final = ("openai", "anthropic", "google")


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """A chat that some provider can be given.

    Attributes:
        model: The model; the explicit one comes before that of the settings.
        provider: Who serves the model, when the settings say so of this call: not when they are for another SDK.
        explicit: Whether the caller named the model.
        extra: What the settings hand to the provider as it is.
        tool_choice: None unless there are tools to choose from.
    """

    turns: list[Turn]
    tools: Sequence[ToolLike]
    tool_choice: ToolChoiceLike | None
    response_format: ResponseFormatLike | None
    settings: ModelSettingsLike | None
    provider: str | None
    model: str
    explicit: bool
    extra: dict[str, Any]

    def setting(self, name: str) -> Any:
        """One of the settings, or None."""
        return None if self.settings is None else getattr(self.settings, name)


def read_chat(chat: ChatLike, report: Report, *, model: str | None) -> Chat:
    """The chat, with what is wrong about it in the report."""
    settings = chat.model_settings
    provider = provider_name(settings.provider if settings is not None else None)
    extra = _own_extra(settings, provider, report)
    turns = read_turns(chat.messages, report)
    names: set[str] = set()
    for index, tool in enumerate(chat.tools):
        if tool.name in names:
            report.refuse(f"tools[{index}].name", "another tool has the same name", "conflict")
        names.add(tool.name)
    if chat.response_format is not None:
        _check_format(chat.response_format, report)
    return Chat(
        turns=turns,
        tools=chat.tools,
        tool_choice=_checked_choice(chat.tool_choice, names, "tools" in extra, report),
        response_format=chat.response_format,
        settings=settings,
        provider=None if _is_foreign(provider, report) else provider,
        model=_chosen_model(model, settings, provider, report),
        explicit=model is not None,
        extra=extra,
    )


def _is_foreign(provider: str | None, report: Report) -> bool:
    """Whether the settings are for another provider, which the SDK cannot reach."""
    return report.provider != "litellm" and provider in _NATIVE and provider != report.provider


def _own_extra(settings: ModelSettingsLike | None, provider: str | None, report: Report) -> dict[str, Any]:
    """What the settings hand to their provider; another one would refuse the call for it."""
    extra: dict[str, Any] = plain_json(settings.extra) if settings is not None else {}
    if not _is_foreign(provider, report):
        return extra
    for key in extra:
        report.unsupported(f"model_settings.extra.{key}", f"it is for {provider}, which the settings name")
    return {}


def provider_name(name: str | None) -> str | None:
    """The provider's name as it is compared."""
    if name is None:
        return None
    lowered = name.strip().lower()
    return _ALIASES.get(lowered, lowered)


def _chosen_model(model: str | None, settings: ModelSettingsLike | None, provider: str | None, report: Report) -> str:
    if model is not None:
        if not model:
            report.refuse("model", "expected the name of a model, got an empty text")
        return model
    known = settings.model if settings is not None else None
    if not known:
        report.refuse("model_settings.model", "the prompt names no model; give model=", "missing")
        return ""
    if _is_foreign(provider, report):
        reason = f"this model is one of {provider}; give model= with one of {report.provider}"
        report.refuse("model_settings.model", reason, "other_provider")
    return known


def _checked_choice(
    choice: ToolChoiceLike | None, names: set[str], others: bool, report: Report
) -> ToolChoiceLike | None:
    if choice is None:
        return None
    if choice.type == "tool" and choice.name not in names and not (choice.name and others):
        report.refuse("tool_choice.name", "the prompt has no tool of this name", "unknown_tool")
    elif choice.type not in {"auto", "none", "required", "tool"}:
        report.refuse("tool_choice.type", "expected auto, none, required or tool")
    elif choice.type != "tool" and choice.name is not None:
        report.refuse("tool_choice.name", "a name goes with the type tool alone", "conflict")
    elif choice.type == "required" and not names and not others:
        report.refuse("tool_choice", "a tool must be called, and the prompt has none", "unknown_tool")
    if names or others:
        return choice
    if choice.type in {"auto", "none"}:
        report.unsupported("tool_choice", "the prompt has no tool to choose")
    return None


def _check_format(form: ResponseFormatLike, report: Report) -> None:
    if form.type not in {"text", "json_object", "json_schema"}:
        report.refuse("response_format.type", "expected text, json_object or json_schema")
    elif form.type == "json_schema" and form.schema is None:
        report.refuse("response_format.schema", "the type json_schema needs a schema", "missing")
    elif form.type != "json_schema":
        for name in ("name", "description", "schema", "strict"):
            if getattr(form, name) is not None:
                report.unsupported(f"response_format.{name}", "it goes with the type json_schema alone")


def merged(
    arguments: dict[str, Any], extra: Mapping[str, Any], report: Report, *, inside: str = "", reserved: str = ""
) -> dict[str, Any]:
    """The arguments with ``extra`` in them, last; what both set is refused by both names."""
    result = dict(arguments)
    for key, value in extra.items():
        path = f"{inside}{key}"
        mine = result.get(key)
        if isinstance(mine, dict) and isinstance(value, dict):
            nested = cast("dict[str, Any]", value)
            result[key] = merged(cast("dict[str, Any]", mine), nested, report, inside=f"{path}.")
        elif key in result or key in reserved.split():
            reason = f"it clashes with {path!r}, which the prompt sets in its own field"
            report.refuse(f"model_settings.extra.{path}", reason, "conflict")
        else:
            result[key] = value
    return result
