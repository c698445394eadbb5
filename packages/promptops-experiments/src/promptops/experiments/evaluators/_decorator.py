"""The decorator that gives a function of the user a name and options as an evaluator."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar, overload

from promptops.core.errors import ValidationError

__all__ = ["FunctionEvaluator", "evaluator"]

P = ParamSpec("P")
R = TypeVar("R")


class FunctionEvaluator(Generic[P, R]):
    """A function as an evaluator; called, it is still the function.

    Attributes:
        name: The name of its columns.
        evaluate: The function.
        on_error: Whether it runs where the task failed, too.
    """

    def __init__(self, function: Callable[P, R], *, name: str, on_error: bool = False) -> None:
        functools.update_wrapper(self, function)
        self.name = name
        self.evaluate = function
        self.on_error = on_error

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.evaluate(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<evaluator {self.name}>"


@overload
def evaluator(function: Callable[P, R], /) -> FunctionEvaluator[P, R]: ...
@overload
def evaluator(
    *, name: str | None = None, on_error: bool = False
) -> Callable[[Callable[P, R]], FunctionEvaluator[P, R]]: ...
def evaluator(
    function: Callable[P, R] | None = None, /, *, name: str | None = None, on_error: bool = False
) -> FunctionEvaluator[P, R] | Callable[[Callable[P, R]], FunctionEvaluator[P, R]]:
    """Make an evaluator of a function or a coroutine function.

    ``@evaluator`` alone takes the function's own name::

        @evaluator(name="polite", on_error=True)
        def politeness(output: str | None, error: str | None) -> float: ...

    Args:
        function: The function; given by the plain form of the decorator.
        name: The name of the columns; the function's own when absent.
        on_error: Run where the task failed, too: ``output`` is None there, and a parameter ``error`` holds the text.

    Raises:
        ValidationError: There is no name.
    """

    def made(given: Callable[P, R]) -> FunctionEvaluator[P, R]:
        own: object = name if name is not None else getattr(given, "__name__", None)
        if not isinstance(own, str) or not own or own == "<lambda>":
            raise ValidationError("this function has no name of its own; give one: evaluator(name='its name')")
        return FunctionEvaluator(given, name=own, on_error=on_error)

    return made if function is None else made(function)
