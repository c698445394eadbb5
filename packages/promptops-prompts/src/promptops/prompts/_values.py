"""Values of variables: how they are found and what text they become."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from typing import Any, Final

import msgspec
from promptops.prompts._nodes import MAX_DEPTH
from promptops.prompts._problems import MISSING_VARIABLE

__all__ = [
    "MISSING",
    "UnrenderableValue",
    "Walk",
    "elements",
    "is_dict",
    "items_of",
    "lookup",
    "plain",
    "type_name",
    "type_of",
]

MISSING: Final[Any] = object()

_SCALAR: Final = 64
_SMALL: Final = 2**31
_WORDS: Final = {True: "true", False: "false", None: "null"}
_encode = msgspec.json.Encoder().encode
# Methods of the base classes are called through these, so that nothing that a subclass overrides runs.
_DICT: Any = dict
_LIST: Any = list
_TUPLE: Any = tuple
type_of: Callable[[object], type[object]] = type
"""The class of a value, which is all that is asked of one before it is known to be data."""
_name_of: Callable[[type[object]], str] = vars(type)["__name__"].__get__


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
        if not issubclass(type_of(value), dict):
            return MISSING
        value = _DICT.get(value, part, MISSING)
        if value is MISSING:
            return MISSING
    return value


def type_name(value: Any) -> str:
    """What the class of a value is called."""
    return _name_of(type_of(value))


def elements(value: Any) -> Iterator[Any]:
    """What is in a list or tuple, whatever a subclass says."""
    iterator: Iterator[Any] = (_LIST if issubclass(type_of(value), list) else _TUPLE).__iter__(value)
    return iterator


def is_dict(value: Any) -> bool:
    """Whether a value has keys."""
    return issubclass(type_of(value), dict)


def items_of(value: Any) -> tuple[int, Iterable[Any]]:
    """The items of a section: those of a list, or the value itself; none of what is empty, zero, false or None.

    Returns:
        How many there are, and the items.

    Raises:
        UnrenderableValue: The value is none that a template can hold.
    """
    kind = type_of(value)
    if issubclass(kind, list):
        return _LIST.__len__(value), _LIST.__iter__(value)
    if issubclass(kind, tuple):
        return _TUPLE.__len__(value), _TUPLE.__iter__(value)
    if issubclass(kind, dict):
        there = _DICT.__len__(value) > 0
    elif issubclass(kind, str):
        there = str.__len__(value) > 0
    else:
        there = bool(plain(value, _SCALAR))
    return (1, (value,)) if there else (0, ())


def plain(value: Any, limit: int) -> Any:
    """A copy of a value made of plain dicts, lists, strings, numbers, booleans and None alone.

    Subclasses become their plain base, so that nothing of the caller's is called afterwards.

    Raises:
        UnrenderableValue: The value holds something else, is nested more than 16 deep or within itself, or would
            take more than ``limit`` bytes.
    """
    return Walk(limit).copy(value)


class Walk:
    """Walks through values, with one budget for all of them.

    The budget is a lower bound of their size as JSON. Without it a list that is shared ten times on each of ten levels
    would unfold into ten thousand million elements.
    """

    __slots__ = ("_left",)

    def __init__(self, limit: int) -> None:
        self._left = limit

    def text(self, value: Any) -> str:
        """The text of a value that may be anything.

        Raises:
            UnrenderableValue: The value has no text, or with those before it it takes more than the limit.
        """
        kind = type_of(value)
        if kind is int and -(2**63) <= value < 2**63:
            return str(value)
        if kind is bool or value is None:
            return _WORDS[value]
        if value is MISSING:
            raise UnrenderableValue("the prompt uses this variable and it was not given", MISSING_VARIABLE)
        if self._left < 0:
            raise UnrenderableValue("was not looked at: the values before it are too large together", "too_large")
        value = self.copy(value)
        if type(value) is str:
            return value
        try:
            return _encode(value).decode()
        except UnicodeEncodeError as error:
            raise UnrenderableValue("a text within the value holds half a surrogate pair") from error

    def copy(self, value: Any) -> Any:
        """The value made of plain types; see :func:`plain`."""
        self._left += 1  # the first value has no separator before it
        if issubclass(type_of(value), str):
            self._left += 1  # a text as a whole may be empty, where one within a value has quotes
        return self._copy(value, 1)

    def _copy(self, value: Any, depth: int) -> Any:
        kind = type_of(value)
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
                f"a value of type {type_name(value)!r} cannot be rendered; give text (for example str(value)), a "
                "number, a boolean, None, a dict or a list"
            )
        if self._left < 0:
            raise _too_large()
        return value

    def _dict(self, value: Any, depth: int) -> dict[str, Any]:
        _check_depth(depth)
        result: dict[str, Any] = {}
        name = ""
        try:
            for key, item in _DICT.items(value):
                name = ""
                if not issubclass(type_of(key), str):
                    raise UnrenderableValue(f"keys must be text, not {type_name(key)!r}")
                name = str.__str__(key)
                self._left -= len(name) + 3
                result[name] = self._copy(item, depth + 1)
        except UnrenderableValue as error:
            error.where = f".{name[:100]}{error.where}" if name else error.where
            raise
        self._left -= 0 if result else 1  # the other bracket; else the first item's separator stood for it
        return result

    def _list(self, value: Any, depth: int) -> list[Any]:
        _check_depth(depth)
        result: list[Any] = []
        try:
            for item in elements(value):
                kind = type_of(item)
                # Most items are texts or small numbers; they are not worth a call each.
                if kind is str:
                    self._left -= len(item) + 2
                elif kind is int and -_SMALL < item < _SMALL:
                    self._left -= 2
                else:
                    result.append(self._copy(item, depth + 1))
                    continue
                if self._left < 0:
                    raise _too_large()
                result.append(item)
        except UnrenderableValue as error:
            error.where = f"[{len(result)}]{error.where}"
            raise
        self._left -= 0 if result else 1
        return result


def _too_large() -> UnrenderableValue:
    return UnrenderableValue("the value is too large to be rendered", "too_large")


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise UnrenderableValue(f"nested more than {MAX_DEPTH} deep, or within itself", "too_deep")
