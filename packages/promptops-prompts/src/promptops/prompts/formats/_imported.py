"""What was read from the arguments of an SDK, and the helpers that read them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final, TypeGuard, TypeVar

import msgspec
from promptops.models import ChatMessage, ModelSettings, ResponseFormat, ToolChoice, ToolDefinition
from promptops.prompts.formats._losses import Loss
from promptops.prompts.formats._parts import is_array, is_object, plain_json
from promptops.prompts.formats._report import Report

__all__ = ["Imported", "Rest", "is_json", "listed", "opened_fields", "settings"]

T = TypeVar("T")

_SECRETS: Final = re.compile(
    r"(?i)(api_?key|access_?key|secret|password|credential|authorization|headers|http_?options)$"
    r"|(ad|auth|authorization|session|access|refresh|bearer|api|id)_?token$"
)
_UNSET: Final = frozenset({"NotGiven", "Omit"})


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt read from the arguments of an SDK.

    Attributes:
        losses: What has no place in a prompt, and what had to be assumed.
    """

    messages: list[ChatMessage]
    tools: list[ToolDefinition] = []
    tool_choice: ToolChoice | None = None
    response_format: ResponseFormat | None = None
    model_settings: ModelSettings | None = None
    losses: tuple[Loss, ...] = ()

    def fields(self) -> dict[str, Any]:
        """What is set, by the names that ``prompts.create`` has for it.

        The texts become templates. Give ``template_format="none"`` beside them when they are meant as they are.
        """
        given: dict[str, Any] = {"messages": list(self.messages)}
        if self.tools:
            given["tools"] = list(self.tools)
        for name in ("tool_choice", "response_format", "model_settings"):
            if (value := getattr(self, name)) is not None:
                given[name] = value
        return given


class Rest:
    """A dict of an SDK that is read key by key; what nobody reads is a loss.

    Args:
        value: The dict, or an object of the SDK.
        field: Where it is.
        report: Where the losses go.
    """

    def __init__(self, value: object, field: str, report: Report) -> None:
        self.field = field
        self.left = opened_fields(value)
        self._report = report

    def take(self, key: str, kind: type[T]) -> T | None:
        """The value under a key, or None; a value of another kind stays where it is."""
        value = self.left.get(key)
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            del self.left[key]
            return value
        return None

    def number(self, key: str) -> float | None:
        """The number under a key, or None."""
        value = self.take(key, int)
        return float(value) if value is not None else self.take(key, float)

    def table(self, key: str) -> dict[str, Any]:
        """A copy of the JSON object under a key, or an empty one."""
        value = self.left.get(key)
        if hasattr(value, "model_dump"):
            value = opened_fields(value)
        if not is_object(value):
            return {}
        del self.left[key]
        made: dict[str, Any] = plain_json(value)
        return made

    def lose(self) -> None:
        """Report what nobody has read."""
        for key in self.left:
            self._report.lose(f"{self.field}.{key}" if self.field else key, "unknown", "a prompt has no place for it")


def opened_fields(value: object) -> dict[str, Any]:
    """The fields of a dict or of an object of an SDK, without those that are None or not given."""
    dump = getattr(value, "model_dump", None)
    given: object = dump(exclude_none=True) if callable(dump) else value
    if not is_object(given):
        return {}
    return {key: _plain(item) for key, item in given.items() if item is not None and type(item).__name__ not in _UNSET}


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def listed(value: object) -> list[Any]:
    """The items of a list or another iterable of an SDK; a text or a dict is none."""
    if isinstance(value, str | bytes) or is_object(value) or not _is_iterable(value):
        return []
    return list(value)


def _is_iterable(value: object) -> TypeGuard[Iterable[Any]]:
    return isinstance(value, Iterable)


def is_json(value: object) -> bool:
    """Whether a value is plain JSON."""
    if is_object(value):
        return all(type(key) is str for key in value) and all(map(is_json, value.values()))
    if is_array(value):
        return all(map(is_json, value))
    return value is None or isinstance(value, str | int | float)


def _may_be_secret(key: str, value: object) -> bool:
    """Whether something is named like a credential: prompts are stored and shared."""
    if _SECRETS.search(key):
        return True
    if is_object(value):
        return any(_may_be_secret(str(name), item) for name, item in value.items())
    return is_array(value) and any(_may_be_secret("", item) for item in value)


def settings(known: Mapping[str, Any], rest: Mapping[str, Any], report: Report) -> ModelSettings | None:
    """The settings; what is left of the arguments goes to ``extra`` when it is JSON.

    Raises:
        ValidationError: A setting has the wrong type.
    """
    extra: dict[str, Any] = {}
    for key, value in rest.items():
        if _may_be_secret(key, value):
            report.lose(key, "unknown", "it may hold a secret; give it to the SDK beside the prompt")
        elif is_json(value):
            extra[key] = plain_json(value)
        else:
            report.lose(key, "unknown", "a prompt has no place for it, and it is no JSON")
    given = {name: value for name, value in known.items() if value is not None}
    if not given and not extra:
        return None
    return ModelSettings(**given, extra=extra)
