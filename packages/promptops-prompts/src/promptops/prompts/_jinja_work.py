"""What the operations of a jinja2 template share: they take plain values alone, and pay for what they do in advance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from jinja2 import Undefined, pass_context
from jinja2.runtime import Context
from promptops.prompts._nodes import MAX_DEPTH
from promptops.prompts._values import UnrenderableValue, Walk, type_of
from promptops.prompts._work import MAX_OUTPUT_BYTES, Work

__all__ = [
    "STEP",
    "TemplateFailure",
    "WorkContext",
    "is_number",
    "operation",
    "text",
    "weigh",
]

STEP: Final = 32
"""What every operation costs at least."""
_ELEMENT: Final = 16
_PLAIN: Final = frozenset({str, int, float, bool, type_of(None), list, tuple, dict})


class TemplateFailure(Exception):  # noqa: N818 - it describes what happened
    """The template asked for something that is not done.

    Attributes:
        reason: What, without any value.
        code: Stable identifier.
    """

    def __init__(self, reason: str, code: str = "invalid_value") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class WorkContext(Context):
    """The variables of one render, and what it may cost."""

    work: Work


def operation(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make ``function(work, value, ...)`` a filter.

    Its arguments are there, are plain values, and are paid for. That the context is passed also keeps the compiler
    from calling it for constants.
    """

    @pass_context
    def run(context: WorkContext, *args: Any, **keywords: Any) -> Any:
        work = context.work
        units = STEP
        for value in (*args, *keywords.values()):
            if isinstance(value, Undefined):
                str(value)  # raises the error that names it
            if type_of(value) not in _PLAIN:
                raise TemplateFailure("'loop' is no value; use 'loop.index' and the like")
            units += _size(value)
        work.spend(units)
        return function(work, *args, **keywords)

    return run


def weigh(work: Work, value: Any, depth: int = 0) -> int:
    """Pay for a walk through everything within a value, however often it is shared.

    Returns:
        How many values there are.
    """
    work.spend(_ELEMENT + _size(value))
    if type_of(value) not in {list, tuple, dict}:
        return 1
    if depth == 2 * MAX_DEPTH:
        raise TemplateFailure("a value is nested too deeply", "too_deep")
    inner = value.values() if type_of(value) is dict else value
    return 1 + sum(weigh(work, item, depth + 1) for item in inner)


def text(work: Work, value: Any) -> str:
    """The text of a value, as every template format writes it."""
    if isinstance(value, Undefined):
        return str(value)  # raises the error that names it
    work.spend(STEP)
    weigh(work, value)
    try:
        return Walk(MAX_OUTPUT_BYTES).text(value)
    except UnrenderableValue as error:
        raise TemplateFailure(error.reason, error.code) from error


def is_number(value: Any) -> bool:
    """Whether a value is a number; a boolean is one, as in Python."""
    return type_of(value) in {int, float, bool}


def _size(value: Any) -> int:
    if type_of(value) is str:
        return len(value) if value.isascii() else 4 * len(value)
    return _ELEMENT * len(value) if type_of(value) in {list, tuple, dict} else 0
