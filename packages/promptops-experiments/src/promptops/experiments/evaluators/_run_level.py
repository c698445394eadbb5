"""Runs the evaluators of a whole run, and reads what they return."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeGuard, cast

import msgspec
from promptops.experiments._calls import Interrupted, Outcome, described, settled
from promptops.experiments._json import NotStorable, json_text, shown
from promptops.experiments._result import ExperimentResult
from promptops.experiments._returned import as_evaluation
from promptops.experiments._run_evaluation import RunEvaluation
from promptops.experiments.evaluators._run_named import (
    Examples,
    NamedRunEvaluator,
    Rows,
    RunEvaluators,
    named_run_evaluators,
)
from promptops.models.experiments import Evaluation

__all__ = [
    "attach",
    "attach_async",
    "evaluate_rows",
    "evaluate_rows_async",
    "evaluate_run",
    "evaluate_run_async",
    "run_evaluations",
]


def evaluate_rows(
    evaluators: RunEvaluators, rows: Rows, *, examples: Examples | None = None
) -> dict[str, RunEvaluation]:
    """Run evaluators over all rows of an experiment, from blocking code; one that fails is an error under its name.

    Args:
        evaluators: One, several, or a mapping of names to run-level evaluators.
        rows: The rows.
        examples: The examples by id.

    Raises:
        ValidationError: One has no name, or two have the same, or a parameter cannot be filled; nothing was run.
    """
    return _judged(named_run_evaluators(evaluators), rows, examples or {})


async def evaluate_rows_async(
    evaluators: RunEvaluators, rows: Rows, *, examples: Examples | None = None
) -> dict[str, RunEvaluation]:
    """Do what :func:`evaluate_rows` does, in the running event loop; functions run in a worker thread."""
    return await _judged_async(named_run_evaluators(evaluators), rows, examples or {})


def run_evaluations(name: str, returned: object) -> dict[str, RunEvaluation]:
    """Return what run-level evaluator ``name`` returned; what makes no sense is an error that names both.

    Whatever an evaluator of one output may return is read in the same way; besides, a :class:`RunEvaluation`, and a
    list of them with different names, which are attached as ``NAME.THEIRS``.
    """
    try:
        if isinstance(returned, RunEvaluation):
            return {name: _checked(name, returned)}
        if _holds_run_evaluations(returned):
            return _several(name, returned)
        evaluation = as_evaluation(returned)
    except NotStorable as exc:
        return {name: RunEvaluation(name=name, error=f"run-level evaluator {name!r} {exc}")}
    if evaluation.parts:
        return {f"{name}.{part}": _of(f"{name}.{part}", further) for part, further in evaluation.parts.items()}
    return {name: _of(name, evaluation)}


def _holds_run_evaluations(returned: object) -> TypeGuard[list[object]]:
    given = cast("list[object]", returned) if isinstance(returned, list) else []
    return any(isinstance(item, RunEvaluation) for item in given)


def _several(name: str, returned: Sequence[object]) -> dict[str, RunEvaluation]:
    found: dict[str, RunEvaluation] = {}
    for item in returned:
        if not isinstance(item, RunEvaluation):
            raise NotStorable(f"returned a list with {shown(item)} among its run evaluations")
        full = f"{name}.{item.name}"
        if full in found:
            raise NotStorable(f"returned two run evaluations named {item.name!r}")
        found[full] = _checked(full, item)
    return found


def _checked(name: str, given: RunEvaluation) -> RunEvaluation:
    try:
        details = None if given.details is None else msgspec.json.decode(json_text(dict(given.details)))
    except (TypeError, ValueError, NotStorable) as exc:
        raise NotStorable(f"returned details that cannot be stored: {exc}") from None
    # A figure may be all details, such as a matrix.
    bare = details is not None and given.error is None and given.score is None and given.label is None
    whole = as_evaluation(
        Evaluation(
            score=0.0 if bare else given.score, label=given.label, explanation=given.explanation, error=given.error
        )
    )
    made = msgspec.structs.replace(_of(name, whole), details=details)
    return msgspec.structs.replace(made, score=None) if bare else made


def _of(name: str, evaluation: Evaluation) -> RunEvaluation:
    return RunEvaluation(
        name=name,
        score=evaluation.score,
        label=evaluation.label,
        explanation=evaluation.explanation,
        error=evaluation.error,
    )


def _failed(name: str, exc: BaseException) -> RunEvaluation:
    return RunEvaluation(name=name, error=f"run-level evaluator {name!r} failed: {described(exc)}")


def evaluate_run(result: ExperimentResult, evaluators: RunEvaluators) -> ExperimentResult:
    """Return the result with what run-level evaluators say about it, beside what was there; from blocking code.

    Raises:
        ValidationError: As for :func:`evaluate_rows`.
    """
    return attach(result, named_run_evaluators(evaluators))


async def evaluate_run_async(result: ExperimentResult, evaluators: RunEvaluators) -> ExperimentResult:
    """Do what :func:`evaluate_run` does, in the running event loop."""
    return await attach_async(result, named_run_evaluators(evaluators))


def attach(result: ExperimentResult, evaluators: Sequence[NamedRunEvaluator]) -> ExperimentResult:
    """Return the result with what these say about it; from blocking code."""
    return _with(result, _judged(evaluators, result.rows, result.examples)) if evaluators else result


async def attach_async(result: ExperimentResult, evaluators: Sequence[NamedRunEvaluator]) -> ExperimentResult:
    """Do what :func:`attach` does, in the running event loop."""
    return _with(result, await _judged_async(evaluators, result.rows, result.examples)) if evaluators else result


def _with(result: ExperimentResult, found: Mapping[str, RunEvaluation]) -> ExperimentResult:
    return msgspec.structs.replace(result, run_evaluations={**result.run_evaluations, **found})


def _judged(evaluators: Sequence[NamedRunEvaluator], rows: Rows, examples: Examples) -> dict[str, RunEvaluation]:
    found: dict[str, RunEvaluation] = {}
    for evaluator in evaluators:
        try:
            returned = evaluator.bound(rows, examples)()
            if hasattr(returned, "__await__"):
                returned = _on_portal(returned)
        except KeyboardInterrupt:
            raise
        except BaseException as exc:  # noqa: BLE001 - what a user's function raises belongs into its result
            found[evaluator.name] = _failed(evaluator.name, exc)
        else:
            found.update(run_evaluations(evaluator.name, returned))
    return found


async def _judged_async(
    evaluators: Sequence[NamedRunEvaluator], rows: Rows, examples: Examples
) -> dict[str, RunEvaluation]:
    import anyio.to_thread

    found: dict[str, RunEvaluation] = {}
    for evaluator in evaluators:
        # As a value: trio takes no coroutine from a thread, and asyncio takes a CancelledError for its own.
        outcome = await anyio.to_thread.run_sync(_boxed, evaluator.bound(rows, examples))
        if outcome.failure is None and hasattr(outcome.value, "__await__"):
            outcome = await _settled_apart(outcome.value)
        if isinstance(outcome.failure, Interrupted):
            raise KeyboardInterrupt from None
        if outcome.failure is not None:
            found[evaluator.name] = _failed(evaluator.name, outcome.failure)
        else:
            found.update(run_evaluations(evaluator.name, outcome.value))
    return found


async def _settled_apart(awaitable: Awaitable[Any]) -> Outcome:
    """Await in a task of its own: in that of the caller, its cancellation would be taken for one by the evaluator."""
    import anyio

    outcomes: list[Outcome] = []

    async def run() -> None:
        try:
            outcomes.append(await settled(awaitable))
        except Interrupted as exc:
            outcomes.append(Outcome(None, exc, 0.0))

    async with anyio.create_task_group() as group:
        group.start_soon(run)
    return outcomes[0]


def _on_portal(awaitable: Awaitable[Any]) -> Any:
    from promptops.core.portal import portal

    waiting = portal().start_task_soon(_awaited, awaitable)
    try:
        return waiting.result()
    except Interrupted:
        raise KeyboardInterrupt from None
    finally:
        waiting.cancel()  # what Ctrl-C leaves behind; otherwise it is done


def _boxed(call: Callable[[], Any]) -> Outcome:
    try:
        return Outcome(call(), None, 0.0)
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # noqa: BLE001 - what a user's function raises belongs into its result
        return Outcome(None, exc, 0.0)


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    # As an Interrupted, Ctrl-C leaves the portal's loop to everyone else.
    outcome = await settled(awaitable)
    failure = outcome.failure
    if failure is None:
        return outcome.value
    raise failure if isinstance(failure, Exception) else RuntimeError(described(failure)) from failure
