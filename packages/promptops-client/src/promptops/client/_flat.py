"""What surrounds every flat method: one telemetry event, and errors that speak of the arguments the caller wrote."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

from promptops.core.errors import PromptOpsError, ValidationError

if TYPE_CHECKING:
    from promptops.client._state import ClientState

__all__ = ["FlatCalls", "flat", "rename"]

P = ParamSpec("P")
T = TypeVar("T")
CallsT = TypeVar("CallsT", bound="FlatCalls")

_FIRST: Final = re.compile(r"^[A-Za-z_]+")
_ARGUMENTS: Final = {"name": "prompt_id", "names": "prompt_ids", "project": "project_id", "new_name": "name"}


class FlatCalls:
    """Base of the flat methods; they do nothing but call the resources of one client.

    Args:
        state: What the client owns.
    """

    def __init__(self, state: ClientState) -> None:
        self._state = state


def flat(
    event: str, **own: str
) -> Callable[
    [Callable[Concatenate[CallsT, P], Coroutine[Any, Any, T]]],
    Callable[Concatenate[CallsT, P], Coroutine[Any, Any, T]],
]:
    """Record ``event`` for each call, and name arguments in errors as the flat method does.

    Args:
        event: What happened, in the past tense.
        own: Names of the resource's arguments that are something else here than in most methods.
    """
    names = {**_ARGUMENTS, **own}

    def decorate(
        method: Callable[Concatenate[CallsT, P], Coroutine[Any, Any, T]],
    ) -> Callable[Concatenate[CallsT, P], Coroutine[Any, Any, T]]:
        @functools.wraps(method)
        async def call(self: CallsT, /, *args: P.args, **kwargs: P.kwargs) -> T:
            state = self._state  # pyright: ignore[reportPrivateUsage] - of our own base class
            started = perf_counter()
            try:
                result = await method(self, *args, **kwargs)
            except BaseException as error:
                _finished(state, event, started, error)
                if isinstance(error, ValidationError):
                    rename(error, names)
                raise
            _finished(state, event, started, result)
            return result

        return call

    return decorate


def _finished(state: ClientState, event: str, started: float, result: object) -> None:
    """Record how a call ended; ``result`` is what it returned or raised, of which names and counts alone are kept."""
    reports = state.reports
    if not reports.config.enabled:
        return
    facts: dict[str, object] = {}
    if isinstance(result, PromptOpsError):
        facts = {"error_code": result.error_code, "error": type(result).__name__, "retryable": result.retryable}
        reports.record(event, started, "error", **facts)
    elif isinstance(result, BaseException):
        reports.record(event, started, "cancelled" if type(result).__name__ == "CancelledError" else "error", **facts)
    else:
        for name in ("version", "cache_hit"):
            # A read says of its prompt where that came from.
            if (value := getattr(result, name, getattr(getattr(result, "prompt", None), name, None))) is not None:
                facts[name] = value
        if isinstance(result, list):
            facts["count"] = len(result)  # pyright: ignore[reportUnknownArgumentType] - of anything
        reports.record(event, started, "ok", **facts)


def rename(error: ValidationError, names: dict[str, str] = _ARGUMENTS) -> None:
    """Have an error of our own checks speak of the flat method's arguments; what a server said stays as it is."""
    if error.request_id is not None:
        return
    for problem in error.validation_errors:
        field = str(problem.get("field", ""))
        first = _FIRST.match(field)
        if first is not None and (other := names.get(first.group())) is not None and other != first.group():
            problem["field"] = other + field[first.end() :]
            error.message = error.message.replace(f"{field}: ", f"{problem['field']}: ", 1)
    error.args = (error.message,)
