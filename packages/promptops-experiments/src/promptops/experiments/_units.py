"""Runs the units of a plan in an anyio task group: tasks, then the evaluators of each output."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from promptops.experiments._binding import Bound
from promptops.experiments._chunks import LARGEST_ITEM
from promptops.experiments._evaluation import NamedEvaluator, as_evaluation
from promptops.experiments._json import NotStorable, json_text, shown, storable_text
from promptops.experiments._plan import Finished, Options, Plan, Unit
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import (
    LATENCY,
    REPETITION,
    TYPED_OUTPUT,
    Evaluation,
    ExperimentRun,
    evaluation_columns,
)

if TYPE_CHECKING:
    import anyio

__all__ = ["Interrupted", "is_interrupt", "run_units"]

_LONGEST_ERROR: Final = 10_000


class Interrupted(Exception):  # noqa: N818 - it says what happened
    """Ctrl-C within a task or an evaluator; as a KeyboardInterrupt it would end the event loop before its tasks."""


def is_interrupt(exc: BaseException) -> bool:
    """Whether an error, or one of those that it groups, is an interrupt."""
    if isinstance(exc, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", exc)
        return any(is_interrupt(part) for part in group.exceptions)
    return isinstance(exc, Interrupted)


class _Outcome(msgspec.Struct, frozen=True):
    value: Any
    error: str | None
    seconds: float


async def run_units(plan: Plan, emit: Callable[[Finished], None]) -> None:
    """Run every unit, at most ``concurrency`` at once, and emit each on the loop's thread as soon as it is done.

    A task or an evaluator that fails becomes a row that says so; nothing of one unit reaches another. Only an
    interrupt ends the run, as an :class:`Interrupted` in a group.
    """
    import anyio
    import anyio.lowlevel

    limiter = anyio.CapacityLimiter(plan.options.concurrency)
    waiting = iter(plan.units)

    async def worker() -> None:
        for unit in waiting:
            emit(await _finish(plan.options, unit, limiter))
            await anyio.lowlevel.checkpoint()

    async with anyio.create_task_group() as group:
        for _ in range(min(plan.options.concurrency, len(plan.units))):
            group.start_soon(worker)


async def _finish(options: Options, unit: Unit, limiter: anyio.CapacityLimiter) -> Finished:
    outcome = await _call(options.task, unit.example, None, limiter, options.task_timeout)
    fields: dict[str, Any] = {REPETITION: unit.repetition, LATENCY: round(outcome.seconds * 1000, 3)}
    output, error = "", outcome.error
    if error is None:
        try:
            output, typed = _stored(outcome.value)
        except NotStorable as exc:
            error = f"the task returned a value that cannot be stored: {exc}; it was {shown(outcome.value)}"
        else:
            if typed:
                fields[TYPED_OUTPUT] = output
            value = msgspec.json.decode(output) if typed else output
            for name, evaluation in (await _evaluate(options.evaluators, unit.example, value, limiter)).items():
                fields.update(evaluation_columns(name, evaluation))
    fields.update(options.columns)
    run = ExperimentRun(example_id=unit.example.id, output=output, error=error, fields=fields)
    encoded = msgspec.json.encode(run.to_wire())
    if len(encoded) > LARGEST_ITEM:
        size = f"{len(encoded) / 2**20:.0f} MiB, more than the {LARGEST_ITEM // 2**20} MiB that fit into one row"
        error = f"the task returned a value that cannot be stored: it takes {size}; it was {shown(outcome.value)}"
        kept = {name: fields[name] for name in (REPETITION, LATENCY)} | dict(options.columns)
        run = ExperimentRun(example_id=unit.example.id, output="", error=error, fields=kept)
        encoded = msgspec.json.encode(run.to_wire())
    return Finished(position=unit.position, run=run, encoded=encoded)


def _stored(value: object) -> tuple[str, bool]:
    if isinstance(value, str):
        return storable_text(str.__str__(value)), False
    return json_text(value), True


async def _evaluate(
    evaluators: Sequence[NamedEvaluator], example: DatasetExample, output: object, limiter: anyio.CapacityLimiter
) -> dict[str, Evaluation]:
    found: dict[str, Evaluation] = {}
    for evaluator in evaluators:
        if evaluator.inline:
            outcome = _call_here(evaluator.bound, example, output)
        else:
            outcome = await _call(evaluator.bound, example, output, limiter, None)
        found[evaluator.name] = _judgement(evaluator.name, outcome)
    return found


def _judgement(name: str, outcome: _Outcome) -> Evaluation:
    if outcome.error is not None:
        return Evaluation(error=f"evaluator {name!r} failed: {outcome.error}")
    try:
        return as_evaluation(outcome.value)
    except NotStorable as exc:
        return Evaluation(error=f"evaluator {name!r} {exc}")


async def _call(
    bound: Bound, example: DatasetExample, output: object, limiter: anyio.CapacityLimiter, timeout: float | None
) -> _Outcome:
    from inspect import isawaitable

    import anyio
    import anyio.to_thread

    started = perf_counter()
    with anyio.move_on_after(math.inf if timeout is None else timeout):
        if bound.is_async:
            return await _call_on_loop(bound, example, output)
        # What a thread cannot stop goes on in the background; its slot and its row do not wait for it.
        outcome = await anyio.to_thread.run_sync(
            _call_here, bound, example, output, limiter=limiter, abandon_on_cancel=True
        )
        if outcome.error is None and isawaitable(outcome.value):
            rest = await _settle(outcome.value)
            return _Outcome(rest.value, rest.error, outcome.seconds + rest.seconds)
        return outcome
    return _Outcome(None, f"timed out after {timeout:g} s", perf_counter() - started)


def _call_here(bound: Bound, example: DatasetExample, output: object) -> _Outcome:
    started = perf_counter()
    try:
        positional, keywords = bound.arguments(example, output)
        value = bound.call(*positional, **keywords)
    except KeyboardInterrupt:
        raise Interrupted from None
    except BaseException as exc:  # noqa: BLE001 - whatever a user's function raises belongs into its row
        return _Outcome(None, described(exc), perf_counter() - started)
    return _Outcome(value, None, perf_counter() - started)


async def _call_on_loop(bound: Bound, example: DatasetExample, output: object) -> _Outcome:
    started = perf_counter()
    made = _call_here(bound, example, output)
    if made.error is not None:
        return made
    rest = await _settle(made.value)
    return _Outcome(rest.value, rest.error, perf_counter() - started)


async def _settle(awaitable: Any) -> _Outcome:
    import anyio

    started = perf_counter()
    try:
        value: object = await awaitable
    except anyio.get_cancelled_exc_class() as exc:
        if _run_is_cancelled(exc):
            raise
        return _Outcome(None, described(exc), perf_counter() - started)
    except KeyboardInterrupt:
        raise Interrupted from None
    except GeneratorExit:
        raise
    except BaseException as exc:  # noqa: BLE001 - whatever a user's function raises belongs into its row
        return _Outcome(None, described(exc), perf_counter() - started)
    return _Outcome(value, None, perf_counter() - started)


def _run_is_cancelled(exc: BaseException) -> bool:
    """Whether the run is being cancelled, rather than something that the user's function waited for."""
    import asyncio

    import anyio

    if not isinstance(exc, asyncio.CancelledError) or anyio.current_effective_deadline() == -math.inf:
        return True
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def described(exc: BaseException) -> str:
    """Return type and message of an exception as text that can be stored."""
    try:
        message = str(exc)
    except Exception as broken:  # noqa: BLE001 - a foreign __str__ may raise anything
        message = f"(its message could not be read: {type(broken).__name__})"
    text = f"{type(exc).__name__}: {message}" if message else type(exc).__name__
    text = text.encode(errors="backslashreplace").decode()
    return text if len(text) <= _LONGEST_ERROR else text[: _LONGEST_ERROR - 1] + "…"
