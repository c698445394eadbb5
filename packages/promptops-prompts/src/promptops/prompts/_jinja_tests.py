"""The tests of jinja2 templates (``x is defined``): what a value is, never what it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from jinja2 import Undefined
from promptops.prompts._jinja_work import TemplateFailure, is_number
from promptops.prompts._values import type_of

__all__ = ["TESTS"]


def _is(*kinds: type[object]) -> Callable[[Any], bool]:
    return lambda value: type_of(value) in kinds


def _is_exactly(expected: bool | None) -> Callable[[Any], bool]:
    return lambda value: value is expected


def _remainder(expected: int) -> Callable[[Any], bool]:
    def test(value: Any) -> bool:
        if not is_number(value):
            raise TemplateFailure("the test takes a number")
        return bool(value % 2 == expected)

    return test


def _undefined(value: Any) -> bool:
    return isinstance(value, Undefined)


def _defined(value: Any) -> bool:
    return not isinstance(value, Undefined)


TESTS: Final[dict[str, Callable[[Any], bool]]] = {
    "boolean": _is(bool),
    "defined": _defined,
    "even": _remainder(0),
    "false": _is_exactly(False),
    "float": _is(float),
    "integer": _is(int),
    "mapping": _is(dict),
    "none": _is_exactly(None),
    "number": is_number,
    "odd": _remainder(1),
    "sequence": _is(str, list, tuple, dict),
    "string": _is(str),
    "true": _is_exactly(True),
    "undefined": _undefined,
}
