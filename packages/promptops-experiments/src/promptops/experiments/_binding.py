"""Binds the parameters of tasks and evaluators by name, once, before anything runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from promptops.core.errors import ValidationError
from promptops.models.datasets import DatasetExample

if TYPE_CHECKING:
    import inspect

__all__ = ["Bound", "MissingField", "Values", "bind_evaluator", "bind_task", "check_fields"]

_FROM_FIELDS: Final = ("input", "expected")
_TASK_NAMES: Final = ("example", "input", "expected", "metadata", "prompt", "trace_id", "repetition")
_EVALUATOR_NAMES: Final = ("output", *_TASK_NAMES, "error")


class MissingField(Exception):  # noqa: N818 - it describes the example
    """A parameter takes its value from a field that the example does not have."""


class Values(msgspec.Struct, frozen=True):
    """What there is to fill parameters with, besides the fields of the example.

    Attributes:
        example: The example.
        output: The output of the task; None for the task itself.
        prompt: The prompt of the run.
        trace_id: 32 hexadecimal digits, different for each attempt of a task; an evaluator gets that of the output.
        error: Why the task failed; for evaluators that run all the same.
        repetition: Which repetition of the example this is, from 1.
    """

    example: DatasetExample
    output: Any = None
    prompt: Any = None
    trace_id: str | None = None
    error: str | None = None
    repetition: int = 1


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """A callable together with where each of its parameters comes from.

    Attributes:
        call: What to call.
        positional: Names of the values that are passed by position.
        keywords: Names of the values that are passed by name.
        is_async: Whether it is a coroutine function.
        fields: Fields that an example must have.
    """

    call: Callable[..., Any]
    positional: tuple[str, ...]
    keywords: tuple[str, ...]
    is_async: bool
    fields: tuple[str, ...] = ()

    def takes(self, name: str) -> bool:
        """Whether a parameter is filled with this."""
        return name in self.positional or name in self.keywords

    def arguments(self, values: Values) -> tuple[list[Any], dict[str, Any]]:
        """Return the positional and the named arguments for one call.

        Raises:
            MissingField: The example lacks a field that a parameter takes.
        """
        return (
            [_value(name, values) for name in self.positional],
            {name: _value(name, values) for name in self.keywords},
        )


def bind_task(task: Callable[..., Any] | None) -> Bound:
    """Bind a task: one parameter of any name gets the example, others are filled by name."""
    return _bind(task, "the task", _TASK_NAMES, lone="example", fields=())


def bind_evaluator(name: str, evaluator: Callable[..., Any], fields: Iterable[str] = ()) -> Bound:
    """Bind an evaluator: one parameter of any other name gets the output, others are filled by name."""
    return _bind(evaluator, f"evaluator {name!r}", _EVALUATOR_NAMES, lone="output", fields=tuple(fields))


def check_fields(who: str, bound: Bound, examples: Iterable[DatasetExample], prompt: object) -> None:
    """Refuse a callable that takes a prompt when there is none, or a field which no example has.

    A field that only some examples lack fails those rows.
    """
    if prompt is None and bound.takes("prompt"):
        raise ValidationError(f"{who} takes 'prompt', but none was given; pass prompt= to the run")
    missing = set(bound.fields)
    known: set[str] = set()
    for example in examples:
        missing -= example.fields.keys()
        if not missing:
            return
        known.update(example.fields)
    if missing:
        raise ValidationError(
            f"{who} takes {', '.join(repr(name) for name in sorted(missing))}, but no example has such a field; the "
            f"fields are: {', '.join(sorted(known))}. Take `example` instead and read the field from it"
        )


def _bind(
    call: Callable[..., Any] | None, who: str, names: tuple[str, ...], *, lone: str, fields: tuple[str, ...]
) -> Bound:
    import inspect

    if not callable(call):
        raise ValidationError(f"{who} must be a function, not {type(call).__name__}")
    try:
        parameters = list(inspect.signature(call).parameters.values())
    except (TypeError, ValueError):
        # Some builtins have no signature; they take one value.
        return Bound(call=call, positional=(lone,), keywords=(), is_async=False, fields=fields)
    positional: list[str] = []
    keywords: list[str] = []
    required = [parameter for parameter in parameters if _is_required(parameter)]
    for parameter in parameters:
        kind = parameter.kind
        if kind is parameter.VAR_KEYWORD:
            keywords += [name for name in ("example", "metadata", "output") if name in names and name not in keywords]
        elif kind is parameter.VAR_POSITIONAL:
            continue
        elif parameter.name in names:
            if kind is parameter.POSITIONAL_ONLY:
                positional.append(parameter.name)
            else:
                keywords.append(parameter.name)
        elif _is_required(parameter) and len(required) == 1 and kind is not parameter.KEYWORD_ONLY:
            positional.append(lone)
        elif _is_required(parameter):
            raise ValidationError(
                f"{who} has a parameter {parameter.name!r} that cannot be filled; the names are {', '.join(names)}, "
                f"and a single parameter of any name gets the {lone}"
            )
    if not positional and not keywords:
        if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
            positional.append(lone)
        else:
            raise ValidationError(f"{who} takes no parameter; it needs one for the {lone}")
    own = tuple(name for name in (*positional, *keywords) if name in _FROM_FIELDS)
    return Bound(
        call=call,
        positional=tuple(positional),
        keywords=tuple(dict.fromkeys(keywords)),
        is_async=_is_async(call),
        fields=(*fields, *own),
    )


def _is_required(parameter: inspect.Parameter) -> bool:
    variable = parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
    return parameter.default is parameter.empty and not variable


def _is_async(call: Callable[..., Any]) -> bool:
    import inspect

    while isinstance(call, functools.partial):
        call = call.func
    return inspect.iscoroutinefunction(call) or inspect.iscoroutinefunction(getattr(call, "__call__", None))  # noqa: B004


def _value(name: str, values: Values) -> object:
    example = values.example
    if name == "example":
        return example
    if name == "output":
        return cast("object", values.output)
    if name == "prompt":
        return cast("object", values.prompt)
    if name == "trace_id":
        return values.trace_id
    if name == "error":
        return values.error
    if name == "repetition":
        return values.repetition
    if name == "metadata":
        metadata = example.get("metadata")
        return cast("object", metadata) if isinstance(metadata, Mapping) else {}
    if name not in example.fields:
        raise MissingField(f"example {example.id} has no field {name!r}")
    return cast("object", example.fields[name])
