"""What the operators of jinja2 templates do: the rewritten template calls these, and nothing of Python's own."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

from jinja2 import Undefined, pass_context
from jinja2.runtime import LoopContext
from promptops.prompts._jinja_work import STEP, TemplateFailure, WorkContext, is_number, operation, text, weigh
from promptops.prompts._values import type_of
from promptops.prompts._work import Work

__all__ = ["LOOP_NAMES", "OPERATORS", "finalize"]

LOOP_NAMES: Final = frozenset({"first", "index", "index0", "last", "length", "revindex", "revindex0"})
_OPERATOR: Any = operator
_ARITHMETIC: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "add": _OPERATOR.add,
    "sub": _OPERATOR.sub,
    "mul": _OPERATOR.mul,
    "div": _OPERATOR.truediv,
    "floordiv": _OPERATOR.floordiv,
    "mod": _OPERATOR.mod,
}
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
}


@operation
def _binary(work: Work, left: Any, name: str, right: Any) -> Any:
    if is_number(left) and is_number(right):
        result = _ARITHMETIC[name](left, right)
        if type_of(result) is int and not -(2**63) <= result < 2**63:
            raise TemplateFailure("a whole number beyond 64 bits")
        return result
    if name == "add" and type_of(left) is type_of(right) and type_of(left) in {str, list, tuple}:
        return left + right
    if name == "mul" and type_of(left) in {str, list, tuple} and type_of(right) is int:
        times = max(right, 0)
        work.spend(times * (4 * len(left) if type_of(left) is str else 16 * len(left)))
        return left * times
    raise TemplateFailure(f"the operator {name!r} does not take these types")


@operation
def _compare(work: Work, left: Any, *rest: Any) -> bool:
    for name, right in zip(rest[::2], rest[1::2], strict=True):
        if not _holds(work, left, name, right):
            return False
        left = right
    return True


def _holds(work: Work, left: Any, name: str, right: Any) -> bool:
    if name in _ORDER:
        if (is_number(left) and is_number(right)) or (type_of(left) is str and type_of(right) is str):
            return _ORDER[name](left, right)
        raise TemplateFailure("only numbers, and only texts, have an order")
    weigh(work, left)
    weigh(work, right)
    if name in {"eq", "ne"}:
        return bool(left == right) is (name == "eq")
    if type_of(right) is str and type_of(left) is not str:
        raise TemplateFailure("only a text can be in a text")
    if type_of(right) is dict and type_of(left) is not str:
        raise TemplateFailure("only a text can be a key")
    if type_of(right) not in {str, list, tuple, dict}:
        raise TemplateFailure("'in' takes a text, a list or a dict")
    return (left in right) is (name == "in")


@operation
def _concat(work: Work, *values: Any) -> str:
    return "".join([text(work, value) for value in values])


@pass_context
def _get(context: WorkContext, value: Any, key: Any, name: str) -> Any:
    """A key of a dict, an element of a list, or one of the names of ``loop``; nothing is ever an attribute."""
    context.work.spend(STEP)
    for part in (value, key):
        if isinstance(part, Undefined):
            str(part)
    if type_of(value) is dict and type_of(key) is str:
        if key in value:
            return value[key]
    elif type_of(value) in {list, tuple, str} and type_of(key) is int:
        if -len(value) <= key < len(value):
            return value[key]
    elif type_of(value) is LoopContext and type_of(key) is str and key in LOOP_NAMES:
        return getattr(value, key)
    return context.environment.undefined(name=name)


@operation
def _slice(_: Work, value: Any, start: Any, stop: Any, step: Any) -> Any:
    if type_of(value) not in {str, list, tuple} or any(
        type_of(part) not in {int, type_of(None)} for part in (start, stop, step)
    ):
        raise TemplateFailure("a slice takes a text or a list, and whole numbers")
    return value[start:stop:step]


@operation
def _range(work: Work, *limits: Any) -> list[int]:
    if not 1 <= len(limits) <= 3 or any(type_of(limit) is not int for limit in limits):
        raise TemplateFailure("'range' takes one to three whole numbers")
    numbers = range(*limits)
    # A range longer than 64 bits has no len().
    work.spend(2 * STEP * max(0, (numbers.stop - numbers.start) // numbers.step))
    return list(numbers)


@operation
def _loop(work: Work, value: Any, nodes: int) -> Any:
    """What a loop runs over, paid for in advance: so many nodes, so many times."""
    if type_of(value) not in {list, tuple, dict}:
        raise TemplateFailure("a loop takes a list or a dict")
    work.spend(STEP * nodes * len(value))
    return list(value) if type_of(value) is dict else value


@pass_context
def finalize(context: WorkContext, value: Any) -> str:
    """The text of what is printed."""
    return text(context.work, value)


# No template can write these names, so what it writes cannot be one of them.
OPERATORS: Final[dict[str, Callable[..., Any]]] = {
    "#binary": _binary,
    "#compare": _compare,
    "#concat": _concat,
    "#get": _get,
    "#loop": _loop,
    "#range": _range,
    "#slice": _slice,
}
