"""Calls what users wrote: on the loop or in a thread, with a limit of time, and with whatever it raises as a value."""

from __future__ import annotations

import math
from time import perf_counter
from typing import Any, Final, cast

import msgspec
from promptops.experiments._binding import Bound, Values
from promptops.experiments._cost import CURRENT, Ledger, Usage
from promptops.experiments._threads import Threads

__all__ = ["Calls", "Interrupted", "Outcome", "described", "is_interrupt", "settled"]

_LONGEST_ERROR: Final = 10_000
_MOST_PARTS: Final = 5
_TURNS: Final = 3


class Interrupted(Exception):  # noqa: N818 - it says what happened
    """Ctrl-C within a task or an evaluator; as a KeyboardInterrupt it would end the event loop before its tasks."""


def is_interrupt(exc: BaseException) -> bool:
    """Whether an error, or one of those that it groups, is an interrupt."""
    if isinstance(exc, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", exc)
        return any(is_interrupt(part) for part in group.exceptions)
    return isinstance(exc, Interrupted | KeyboardInterrupt)


class Outcome(msgspec.Struct, frozen=True):
    """What one call brought.

    Attributes:
        value: What it returned.
        failure: What it raised, or None.
        seconds: How long it took by itself.
        usage: What it reported to have used, or None.
    """

    value: Any
    failure: BaseException | None
    seconds: float
    usage: Usage | None = None


class Calls:
    """Makes calls from one event loop; functions run in the threads, coroutine functions on the loop."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads

    async def call(self, bound: Bound, values: Values, timeout: float | None, *, inline: bool = False) -> Outcome:
        """Make one call.

        Args:
            bound: What to call.
            values: What to call it with.
            timeout: Seconds. A coroutine is cancelled then; the thread of a function goes on, unheeded.
            inline: Whether a function is quick enough for the loop itself.
        """
        ledger = Ledger()
        token = CURRENT.set(ledger)
        try:
            if timeout is None:
                outcome = await self._call(bound, values, inline=inline)
            else:
                outcome = await self._within(timeout, bound, values, inline=inline)
        finally:
            CURRENT.reset(token)
        if isinstance(outcome.failure, Interrupted):
            raise outcome.failure
        usage = ledger.total
        return outcome if usage is None else msgspec.structs.replace(outcome, usage=usage)

    async def _within(self, timeout: float, bound: Bound, values: Values, *, inline: bool) -> Outcome:
        import anyio

        started = perf_counter()
        with anyio.move_on_after(timeout):
            return await self._call(bound, values, inline=inline)
        left = self._threads.abandoned
        behind = f"; {left} calls that timed out still run in their threads" if left > 1 and not bound.is_async else ""
        failure = TimeoutError(f"timed out after {timeout:g} s{behind}")
        return Outcome(None, failure, perf_counter() - started)

    async def _call(self, bound: Bound, values: Values, *, inline: bool) -> Outcome:
        started = perf_counter()
        if bound.is_async or inline:
            made = _call_here(bound, values)
        else:
            made = cast("Outcome", await self._threads.run(lambda: _call_here(bound, values)))
            started = perf_counter() - made.seconds
        if made.failure is not None or not hasattr(made.value, "__await__"):
            return made
        rest = await settled(made.value)
        return Outcome(rest.value, rest.failure, perf_counter() - started)


def _call_here(bound: Bound, values: Values) -> Outcome:
    started = perf_counter()
    try:
        positional, keywords = bound.arguments(values)
        value = bound.call(*positional, **keywords)
    except BaseException as exc:  # noqa: BLE001 - whatever a user's function raises belongs into its row
        return Outcome(None, Interrupted() if is_interrupt(exc) else exc, perf_counter() - started)
    return Outcome(value, None, perf_counter() - started)


async def settled(awaitable: Any) -> Outcome:
    """Await what a user's function returned, and return what came of it, whatever it raised.

    Raises:
        Interrupted: Ctrl-C came within it.
    """
    started = perf_counter()
    try:
        value: object = await _through(awaitable)
    except GeneratorExit as exc:
        # Thrown in here, it ends this coroutine; the user's own comes from further in.
        if exc.__traceback__ is None or exc.__traceback__.tb_next is None:
            raise
        return Outcome(None, exc, perf_counter() - started)
    except BaseException as exc:
        if is_interrupt(exc):
            raise Interrupted from None
        if await _run_is_cancelled(exc):
            raise
        return Outcome(None, exc, perf_counter() - started)
    return Outcome(value, None, perf_counter() - started)


async def _through(awaitable: Any) -> object:
    """Await something in a frame of its own, which every exception of the user's then has come through."""
    return await awaitable


async def _run_is_cancelled(exc: BaseException) -> bool:
    """Whether the run is being cancelled, rather than something that the user's function waited for."""
    import asyncio

    import anyio
    from anyio.lowlevel import checkpoint

    if isinstance(exc, BaseExceptionGroup):  # as the nurseries of trio raise it
        parts, _ = cast("BaseExceptionGroup[BaseException]", exc).split(anyio.get_cancelled_exc_class())
        return parts is not None and anyio.current_effective_deadline() == -math.inf
    if not isinstance(exc, anyio.get_cancelled_exc_class()):
        return False
    if not isinstance(exc, asyncio.CancelledError) or anyio.current_effective_deadline() == -math.inf:
        return True
    task = asyncio.current_task()
    if task is None:
        return True
    if not task.cancelling():
        return False
    # The user's function cancelled the task that it runs in, or somebody cancels every task of the loop; then the
    # group of the run hears of it, too, and this wait ends by that.
    while task.cancelling():
        task.uncancel()
    for _ in range(_TURNS):
        await checkpoint()
    return False


def described(exc: BaseException) -> str:
    """Return type and message of an exception as text that can be stored."""
    if type(exc) is TimeoutError and str(exc).startswith("timed out after "):
        return str(exc)
    try:
        message = str(exc)
    except BaseException as broken:  # noqa: BLE001 - a foreign __str__ may raise anything
        message = f"(its message could not be read: {type(broken).__name__})"
    text = f"{type(exc).__name__}: {message}" if message else type(exc).__name__
    if isinstance(exc, BaseExceptionGroup):
        parts = cast("BaseExceptionGroup[BaseException]", exc).exceptions
        more = "; …" if len(parts) > _MOST_PARTS else ""
        text = f"{text}: {'; '.join(described(part) for part in parts[:_MOST_PARTS])}{more}"
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= _LONGEST_ERROR else text[: _LONGEST_ERROR - 1] + "…"
