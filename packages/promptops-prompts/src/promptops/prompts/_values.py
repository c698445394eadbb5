"""Values of variables: how they are found and what text they become."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any, Final

import msgspec
from promptops.prompts._problems import MISSING_VARIABLE

__all__ = ["MAX_DEPTH", "MISSING", "UnrenderableValue", "lookup", "plain", "text_of"]

MAX_DEPTH: Final = 16
MISSING: Final[Any] = object()

_encode = msgspec.json.Encoder().encode
# Methods of the base classes are called through these, so that nothing that a subclass overrides runs.
_DICT: Any = dict
_LIST: Any = list
_TUPLE: Any = tuple
_type_of: Callable[[object], type[object]] = type


class UnrenderableValue(Exception):  # noqa: N818 - it describes what happened
    """A variable is not there, or has no text.

    Attributes:
        reason: What is wrong and what to give instead.
        code: Stable identifier.
        where: The place within the value, for example ``[2].name``; empty for the value itself.
    """

    def __init__(self, reason: str, code: str = "invalid_value", where: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.where = where


def lookup(value: Any, rest: tuple[str, ...]) -> Any:
    """Follow the parts of a dotted path through dicts; ``MISSING`` where one is not there."""
    for part in rest:
        if not issubclass(_type_of(value), dict):
            return MISSING
        value = _DICT.get(value, part, MISSING)
        if value is MISSING:
            return MISSING
    return value


def text_of(value: Any, limit: int) -> str:
    """The text of a value that may be anything; ``limit`` is the longest that can be used, in bytes.

    Raises:
        UnrenderableValue: The value has no text.
    """
    if value is MISSING:
        raise UnrenderableValue("the prompt uses this variable and it was not given", MISSING_VARIABLE)
    value = plain(value, limit)
    if type(value) is str:
        return value
    try:
        return _encode(value).decode()
    except UnicodeEncodeError as error:
        raise UnrenderableValue("a text within the value holds half a surrogate pair") from error


def plain(value: Any, limit: int) -> Any:
    """A copy of a value made of plain dicts, lists, strings, numbers, booleans and None alone.

    Subclasses become their plain base, so that nothing of the caller's is called afterwards.

    Raises:
        UnrenderableValue: The value holds something else, is nested more than 16 deep or within itself, or would
            take more than ``limit`` bytes.
    """
    return _Walk(limit).copy(value, 1)


class _Walk:
    """One walk through a value, with what is left of its budget.

    The budget is a lower bound of the size as JSON. Without it a list that is shared ten times on each of ten levels
    would unfold into ten thousand million elements.
    """

    __slots__ = ("_left",)

    def __init__(self, limit: int) -> None:
        self._left = limit + 1  # the first value has no separator before it

    def copy(self, value: Any, depth: int) -> Any:
        kind = _type_of(value)
        self._left -= 2  # a separator and at least one character
        if kind is str:
            self._left -= len(value)
        elif issubclass(kind, str):
            value = str.__str__(value)
            self._left -= len(value)
        elif value is None or kind is bool:
            self._left -= 3
        elif issubclass(kind, int):
            value = int.__int__(value)
            if not -(2**63) <= value < 2**63:
                raise UnrenderableValue("a whole number beyond 64 bits; give it as text")
        elif issubclass(kind, float):
            value = float.__float__(value)
            if not isfinite(value):
                raise UnrenderableValue("NaN and infinity have no JSON form; give text instead")
        elif issubclass(kind, dict):
            value = self._dict(value, depth)
        elif issubclass(kind, (list, tuple)):
            value = self._list(value, depth)
        else:
            raise UnrenderableValue(
                f"a value of type {kind.__name__!r} cannot be rendered; give text (for example str(value)), a number, "
                "a boolean, None, a dict or a list"
            )
        if self._left < 0:
            raise UnrenderableValue("the value is too large to be rendered", "too_large")
        return value

    def _dict(self, value: Any, depth: int) -> dict[str, Any]:
        _check_depth(depth)
        result: dict[str, Any] = {}
        name = ""
        try:
            for key, item in _DICT.items(value):
                name = ""
                if not issubclass(_type_of(key), str):
                    raise UnrenderableValue(f"keys must be text, not {_type_of(key).__name__!r}")
                name = str.__str__(key)
                self._left -= len(name) + 3
                result[name] = self.copy(item, depth + 1)
        except UnrenderableValue as error:
            error.where = f".{name[:100]}{error.where}" if name else error.where
            raise
        self._left -= 0 if result else 1  # the other bracket; else the first item's separator stood for it
        return result

    def _list(self, value: Any, depth: int) -> list[Any]:
        _check_depth(depth)
        result: list[Any] = []
        try:
            for item in _LIST.__iter__(value) if issubclass(_type_of(value), list) else _TUPLE.__iter__(value):
                result.append(self.copy(item, depth + 1))  # noqa: PERF401 - its length is the place of an error
        except UnrenderableValue as error:
            error.where = f"[{len(result)}]{error.where}"
            raise
        self._left -= 0 if result else 1
        return result


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise UnrenderableValue(f"nested more than {MAX_DEPTH} deep, or within itself", "too_deep")
