"""Prove that a blocking resource offers exactly what its asynchronous twin offers."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

__all__ = ["assert_parity"]


def assert_parity(asynchronous: type[Any], blocking: type[Any], *, only_async: Iterable[str] = ()) -> None:
    """Compare every public method and property: name, parameters, docstring, and that the twin does block.

    Args:
        asynchronous: The class with the coroutines.
        blocking: Its blocking view.
        only_async: Names that have no twin on purpose.

    Raises:
        AssertionError: They differ; the message lists every difference.
    """
    skipped = set(only_async)
    ours, theirs = _public(asynchronous), _public(blocking)
    problems = [f"{blocking.__name__} lacks {name}" for name in ours if name not in theirs and name not in skipped]
    problems += [f"{blocking.__name__}.{name} has no twin" for name in theirs if name not in ours]
    for name in ours.keys() & theirs.keys():
        problems += [f"{blocking.__name__}.{name}: {problem}" for problem in _differences(ours[name], theirs[name])]
    assert not problems, "\n".join(sorted(problems))


def _public(kind: type[Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in inspect.getmembers_static(kind)
        if not name.startswith("_") and (inspect.isroutine(value) or isinstance(value, property))
    }


def _differences(one: Any, other: Any) -> Iterable[str]:
    if inspect.getdoc(one) != inspect.getdoc(other):
        yield "another docstring"
    if not inspect.getdoc(one):
        yield "no docstring"
    if isinstance(one, property) or isinstance(other, property):
        if isinstance(one, property) is not isinstance(other, property):
            yield "a property on one side only"
        return
    if _parameters(one) != _parameters(other):
        yield f"another signature: {_parameters(other)} instead of {_parameters(one)}"
    if inspect.iscoroutinefunction(other) or inspect.isasyncgenfunction(other):
        yield "still asynchronous"


def _parameters(function: Any) -> str:
    signature = inspect.signature(function)
    return str(signature.replace(return_annotation=inspect.Signature.empty))
