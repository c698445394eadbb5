"""Messages as the conversions read them: roles, and parts told apart by their type."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, TypeGuard

import msgspec
from promptops.models import prepared
from promptops.prompts.formats._report import Report

__all__ = [
    "Call",
    "File",
    "Image",
    "Part",
    "Result",
    "Text",
    "Turn",
    "is_array",
    "is_object",
    "plain_json",
    "read_turns",
]

_ROLES: Final = ("system", "developer", "user", "assistant", "tool")
_PATH: Final = re.compile(r" - at `\$\.?(?P<path>.*)`$")


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="text"):
    """Text."""

    text: str


class Image(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="image"):
    """An image, by its address or itself."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    detail: Literal["auto", "low", "high"] | None = None


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="file"):
    """A document, by its address, itself, or by the id that the provider gave it."""

    url: str | None = None
    data: str | None = None
    file_id: str | None = None
    media_type: str | None = None
    filename: str | None = None


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="tool_call"):
    """A call that the assistant made."""

    id: str
    name: str
    arguments: dict[str, Any] = {}


class Result(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="tool_result"):
    """What a tool answered."""

    tool_call_id: str
    content: str
    name: str | None = None
    is_error: bool = False


Part = Text | Image | File | Call | Result


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    role: str
    content: str | list[Part]
    name: str | None = None


class Turn(msgspec.Struct, frozen=True):
    """One message: its place, who speaks, and what.

    Attributes:
        plain: Whether the content was a text, which then is the only part.
        called: The names of all tools called so far, by the id of the call.
    """

    index: int
    role: str
    parts: list[Part]
    plain: bool
    name: str | None
    called: dict[str, str]

    @property
    def field(self) -> str:
        """Where the message is."""
        return f"messages[{self.index}]"

    @property
    def answers(self) -> bool:
        """Whether results of tools are in it."""
        return any(isinstance(part, Result) for part in self.parts)

    @property
    def only_answers(self) -> bool:
        """Whether it is results of tools and nothing else."""
        return all(isinstance(part, Result) for part in self.parts)

    def place(self, index: int) -> str:
        """Where a part of it is."""
        return f"{self.field}.content" if self.plain else f"{self.field}.content[{index}]"


def read_turns(messages: Sequence[Mapping[str, Any]], report: Report) -> list[Turn]:
    """The messages, checked for what is wrong whoever gets them; problems go to the report."""
    if not messages:
        report.refuse("messages", "there is no message; a chat needs one", "missing")
    turns: list[Turn] = []
    called: dict[str, str] = {}
    for index, given in enumerate(messages):
        try:
            message = msgspec.convert(given, prepared(_Message))
        except msgspec.ValidationError as error:
            _refuse_form(str(error), f"messages[{index}]", report)
            continue
        if message.role not in _ROLES:
            _refuse_role(message.role, f"messages[{index}].role", report)
            continue
        plain = isinstance(message.content, str)
        parts: list[Part] = [Text(message.content)] if isinstance(message.content, str) else message.content
        turn = Turn(index, message.role, parts, plain, message.name, called)
        _check(turn, report)
        turns.append(turn)
    return turns


def _refuse_form(reason: str, field: str, report: Report) -> None:
    if (found := _PATH.search(reason)) is not None:
        reason, path = reason[: found.start()], found["path"]
        field += f".{path}" if path and not path.startswith("[") else path
    report.refuse(field, reason[0].lower() + reason[1:])


def _refuse_role(role: str, field: str, report: Report) -> None:
    if role == "placeholder":
        report.refuse(field, "a placeholder was not filled; render the prompt with its variable", "invalid_role")
    else:
        report.refuse(field, f"no provider knows this role; use one of {', '.join(_ROLES)}", "invalid_role")


def _check(turn: Turn, report: Report) -> None:
    if not turn.parts:
        report.refuse(f"{turn.field}.content", "the message has no content", "missing")
    if turn.role == "tool" and turn.plain:
        report.refuse(f"{turn.field}.content", "a tool's message needs parts of the type tool_result", "invalid_part")
        return
    for index, part in enumerate(turn.parts):
        place = turn.place(index)
        if isinstance(part, Image | File):
            _check_source(part, place, report)
        if isinstance(part, Call):
            if turn.role != "assistant":
                report.refuse(place, "only an assistant calls tools", "invalid_part")
            turn.called[part.id] = part.name
        elif isinstance(part, Result):
            _check_result(part, turn, place, report)
        elif turn.role == "tool":
            report.refuse(place, "a tool's message has parts of the type tool_result alone", "invalid_part")


def _check_source(part: Image | File, place: str, report: Report) -> None:
    kind = "an image" if isinstance(part, Image) else "a file"
    sources = ("url", "data") if isinstance(part, Image) else ("url", "data", "file_id")
    given = [name for name in sources if getattr(part, name)]
    if not given:
        report.refuse(place, f"{kind} needs one of {', '.join(sources)}", "missing")
    elif len(given) > 1:
        report.refuse(place, f"{kind} has {' and '.join(given)}; give one", "conflict")


def _check_result(part: Result, turn: Turn, place: str, report: Report) -> None:
    if turn.role not in {"tool", "user"}:
        report.refuse(place, "only messages of the roles tool and user carry tool results", "invalid_part")
    called = turn.called.get(part.tool_call_id)
    if called is None:
        report.refuse(f"{place}.tool_call_id", "no earlier message calls a tool with this id", "unknown_call")
    elif part.name is not None and part.name != called:
        report.refuse(f"{place}.name", "the call with this id is one of another tool", "conflict")


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether it is a JSON object."""
    return isinstance(value, Mapping)


def is_array(value: object) -> TypeGuard[Sequence[Any]]:
    """Whether it is a JSON array."""
    return isinstance(value, list | tuple)


def plain_json(value: object) -> Any:
    """A copy that shares nothing: prompts are kept and shared, arguments belong to the caller."""
    if is_object(value):
        return {key: plain_json(item) for key, item in value.items()}
    if is_array(value):
        return [plain_json(item) for item in value]
    return value
