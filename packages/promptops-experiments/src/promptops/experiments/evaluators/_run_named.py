"""What an evaluator of a whole run is, and how such evaluators are named and checked."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast, runtime_checkable

import msgspec
from promptops.core.errors import ValidationError
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = ["Examples", "NamedRunEvaluator", "Rows", "RunEvaluator", "RunEvaluators", "named_run_evaluators"]

_NAMES = ("rows", "examples")

Rows = Sequence[ExperimentRun]
Examples = Mapping[str, DatasetExample]


@runtime_checkable
class RunEvaluator(Protocol):
    """A run-level evaluator as an object: a name, and a function of all rows."""

    @property
    def name(self) -> str:
        """Under which name its result is attached."""
        ...

    @property
    def evaluate_run(self) -> Callable[..., Any]:
        """Takes ``rows`` and ``examples`` (by id) by name, or the rows alone; sync or async."""
        ...


RunEvaluators = (
    Callable[..., Any]
    | RunEvaluator
    | Sequence[Callable[..., Any] | RunEvaluator]
    | Mapping[str, Callable[..., Any] | RunEvaluator]
)
"""One run-level evaluator, several, or a mapping of names to them."""


class NamedRunEvaluator(msgspec.Struct, frozen=True, kw_only=True):
    """A run-level evaluator that is ready to run.

    Attributes:
        name: Its name.
        call: What to call.
        takes: The names of its parameters; nothing when it takes the rows alone, by position.
    """

    name: str
    call: Callable[..., Any]
    takes: tuple[str, ...]

    def bound(self, rows: Rows, examples: Examples) -> Callable[[], Any]:
        """Return the call with its arguments."""
        values = {"rows": rows, "examples": examples}
        if not self.takes:
            return functools.partial(self.call, rows)
        return functools.partial(self.call, **{name: values[name] for name in self.takes})


def named_run_evaluators(evaluators: RunEvaluators) -> list[NamedRunEvaluator]:
    """Return the run-level evaluators with their names.

    Raises:
        ValidationError: One has no name, or two have the same, or a parameter cannot be filled.
    """
    given: Any = evaluators
    if isinstance(evaluators, Mapping):
        pairs = [(str(name), item) for name, item in given.items()]
    elif isinstance(evaluators, Sequence):
        pairs = [(_name(item), item) for item in given]
    else:
        pairs = [(_name(evaluators), evaluators)]
    ready: dict[str, NamedRunEvaluator] = {}
    for name, item in pairs:
        if name in ready:
            raise ValidationError(f"two run-level evaluators are named {name!r}; pass a mapping of different names")
        if isinstance(item, type):
            raise ValidationError(f"run-level evaluator {name!r} is a class; pass an object of it")
        call = cast("Callable[..., Any]", getattr(item, "evaluate_run", item))
        ready[name] = NamedRunEvaluator(name=name, call=call, takes=_takes(name, call))
    return list(ready.values())


def _name(evaluator: object) -> str:
    name = getattr(evaluator, "name", None) or getattr(evaluator, "__name__", None)
    if not isinstance(name, str) or name == "<lambda>":
        raise ValidationError("a run-level evaluator has no name; pass a mapping of names to evaluators")
    return name


def _takes(name: str, call: object) -> tuple[str, ...]:
    import inspect

    if not callable(call):
        raise ValidationError(f"run-level evaluator {name!r} must be a function, not {type(call).__name__}")
    try:
        parameters = list(inspect.signature(call).parameters.values())
    except (TypeError, ValueError):
        return ()
    named = [parameter for parameter in parameters if parameter.name in _NAMES]
    required = [
        parameter
        for parameter in parameters
        if parameter.default is parameter.empty
        and parameter.kind not in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
    ]
    if named and all(parameter in named for parameter in required):
        if any(parameter.kind is parameter.POSITIONAL_ONLY for parameter in named):
            raise ValidationError(f"run-level evaluator {name!r} must take {' and '.join(_NAMES)} by name")
        return tuple(parameter.name for parameter in named)
    if len(required) == 1 and not named and required[0].kind is not inspect.Parameter.KEYWORD_ONLY:
        return ()
    raise ValidationError(
        f"run-level evaluator {name!r} has parameters that cannot be filled; it takes {' and '.join(_NAMES)}, or one "
        "parameter of any name for the rows"
    )
