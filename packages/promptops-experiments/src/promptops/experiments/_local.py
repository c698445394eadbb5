"""Runs without a server: examples from memory or a file, results in the journal alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from os import PathLike
from typing import Any, Final, ParamSpec, Unpack

from promptops.core.errors import ValidationError
from promptops.experiments import _kept
from promptops.experiments._blocking import RunBlocking, run_here
from promptops.experiments._evaluation import Evaluators
from promptops.experiments._left import Again, rescore_plan, resumed_plan
from promptops.experiments._local_examples import LocalDataset, dataset_id_of, local_examples
from promptops.experiments._loop import run_in_thread
from promptops.experiments._opened import opened
from promptops.experiments._options import Request, RunOptions, Task, chosen, request_of
from promptops.experiments._plan import Plan, make_plan
from promptops.experiments._result import ExperimentResult
from promptops.experiments._rows import check_experiment_name
from promptops.experiments._run import as_before
from promptops.experiments._runner import run_blocking, run_in_loop
from promptops.experiments._session import Kept, Session
from promptops.models.datasets import DatasetExample

__all__ = [
    "LocalDataset",
    "arerun",
    "arescore",
    "aresume",
    "aretry_failed",
    "arun",
    "local_examples",
    "rerun",
    "rescore",
    "resume",
    "retry_failed",
    "run",
]

P = ParamSpec("P")


class _Runtime:
    """What a run needs of a runtime where there is no server."""

    def __init__(self, run_blocking: RunBlocking) -> None:
        self.run_blocking = run_blocking

    def deadline(self, seconds: float) -> AbstractContextManager[Any]:
        del seconds
        return nullcontext()


_IN_PLACE: Final = _Runtime(run_here)
_IN_THREADS: Final = _Runtime(run_in_thread)


def run(
    name: str, *, dataset: LocalDataset, task: Task, evaluators: Evaluators = (), **options: Unpack[RunOptions]
) -> ExperimentResult:
    """Run a task over examples and score each output, without a server; everything is kept in the journal.

    Tasks, evaluators and options are those of :meth:`AsyncExperiments.run`. Inside a running event loop this blocks
    the loop until the run has ended; await :func:`arun` there instead.

    Args:
        name: Unique among the runs over this dataset.
        dataset: Examples as objects with fields, or the path of a CSV, JSON Lines, JSON or Parquet file. A field (or
            column) ``id`` is the id of an example; without one, the id is made of the content. For more say in how a
            file is read, pass what :func:`read_examples` gives.
        task: What to run.
        evaluators: One, several, or a mapping of names to evaluators.
        options: See :class:`RunOptions`.

    Raises:
        ValidationError: Examples, options or parameters do not fit; nothing was run.
        ConflictError: The journal has a run of that name; nothing was run.
        JournalError: The journal cannot be used.
    """
    return run_blocking(_begun(request_of(name, task, evaluators, options), dataset), _IN_PLACE)


async def arun(
    name: str, *, dataset: LocalDataset, task: Task, evaluators: Evaluators = (), **options: Unpack[RunOptions]
) -> ExperimentResult:
    """:func:`run` for asynchronous code, on asyncio and trio."""
    return await _in_loop(_begun, request_of(name, task, evaluators, options), _whole(dataset))


def resume(
    name: str,
    *,
    dataset: LocalDataset,
    task: Task,
    evaluators: Evaluators = (),
    accept_changes: bool = False,
    **options: Unpack[RunOptions],
) -> ExperimentResult:
    """Go on with a run that ended early: what the journal holds is not run again.

    Raises:
        NotFoundError: The journal has no run of that name.
        ResumeRefused: Code, examples, prompt, parameters or evaluators changed, and ``accept_changes`` is not set.
    """
    request = request_of(name, task, evaluators, options)
    return run_blocking(_again("resume", dataset, request, accept_changes=accept_changes), _IN_PLACE)


async def aresume(
    name: str,
    *,
    dataset: LocalDataset,
    task: Task,
    evaluators: Evaluators = (),
    accept_changes: bool = False,
    **options: Unpack[RunOptions],
) -> ExperimentResult:
    """:func:`resume` for asynchronous code, on asyncio and trio."""
    request = request_of(name, task, evaluators, options)
    return await _in_loop(_again, "resume", _whole(dataset), request, accept_changes=accept_changes)


def retry_failed(
    name: str,
    *,
    dataset: LocalDataset,
    task: Task,
    evaluators: Evaluators = (),
    accept_changes: bool = False,
    **options: Unpack[RunOptions],
) -> ExperimentResult:
    """:func:`resume`, and run again what failed."""
    request = request_of(name, task, evaluators, options)
    return run_blocking(_again("retry_failed", dataset, request, accept_changes=accept_changes), _IN_PLACE)


async def aretry_failed(
    name: str,
    *,
    dataset: LocalDataset,
    task: Task,
    evaluators: Evaluators = (),
    accept_changes: bool = False,
    **options: Unpack[RunOptions],
) -> ExperimentResult:
    """:func:`retry_failed` for asynchronous code, on asyncio and trio."""
    request = request_of(name, task, evaluators, options)
    return await _in_loop(_again, "retry_failed", _whole(dataset), request, accept_changes=accept_changes)


def rescore(
    name: str, evaluators: Evaluators, *, dataset: LocalDataset, force: bool = False, **options: Unpack[RunOptions]
) -> ExperimentResult:
    """Score the outputs that the journal holds, without running a task: what lacks a score, or everything."""
    return run_blocking(_rescored(name, evaluators, dataset, options, force=force), _IN_PLACE)


async def arescore(
    name: str, evaluators: Evaluators, *, dataset: LocalDataset, force: bool = False, **options: Unpack[RunOptions]
) -> ExperimentResult:
    """:func:`rescore` for asynchronous code, on asyncio and trio."""
    return await _in_loop(_rescored, name, evaluators, _whole(dataset), options, force=force)


def rerun(
    previous: str,
    name: str,
    *,
    dataset: LocalDataset,
    task: Task,
    evaluators: Evaluators = (),
    **options: Unpack[RunOptions],
) -> ExperimentResult:
    """Run a new experiment, and take over from a previous one what has not changed since.

    An output is taken over when its example, the code of the task, the prompt and the parameters are the same; a
    score, when its evaluator is the same as well. Taken over rows say so in ``promptops.reused_from``.

    Args:
        previous: The name of the run to take from; of the same file, or of examples in memory as these.
        name: The name of the new one.
        dataset: As for :func:`run`; the file may have changed since.
        task: What to run.
        evaluators: One, several, or a mapping of names to evaluators.
        options: As for :func:`run`, without ``dry_run``.

    Raises:
        NotFoundError: The journal has no run named ``previous`` over that dataset; nothing was run.
        ConflictError: The journal has a run named ``name``; nothing was run.
    """
    return run_blocking(_rerun(previous, request_of(name, task, evaluators, options), dataset), _IN_PLACE)


async def arerun(
    previous: str,
    name: str,
    *,
    dataset: LocalDataset,
    task: Task,
    evaluators: Evaluators = (),
    **options: Unpack[RunOptions],
) -> ExperimentResult:
    """:func:`rerun` for asynchronous code, on asyncio and trio."""
    return await _in_loop(_rerun, previous, request_of(name, task, evaluators, options), _whole(dataset))


async def _in_loop(prepare: Callable[P, Session], /, *args: P.args, **kwargs: P.kwargs) -> ExperimentResult:
    """Prepare a run in a worker thread, and run it in this event loop."""
    return await run_in_loop(await opened(run_in_thread, prepare, *args, **kwargs), _IN_THREADS)


def _whole(dataset: LocalDataset) -> LocalDataset:
    """Return the examples as a list here and now: what yields them may belong to this thread."""
    return dataset if isinstance(dataset, str | PathLike) else list(dataset)


def _begun(request: Request, dataset: LocalDataset) -> Session:
    plan, dataset_id = _planned(request, dataset)
    kept = None if request.dry_run is not None else _kept.begin(request, plan, dataset_id, dataset_id)
    return Session(request.name, plan, dataset_id=dataset_id, kept=kept, uploader=None, progress=request.progress)


def _rerun(previous: str, request: Request, dataset: LocalDataset) -> Session:
    if request.dry_run is not None:
        raise ValidationError("dry_run belongs to run: a rerun takes over what is stored")
    plan, dataset_id = _planned(request, dataset)
    kept, rest = _kept.begin_from(request, plan, dataset_id, dataset_id, previous)
    return Session(request.name, rest, dataset_id=dataset_id, kept=kept, uploader=None, progress=request.progress)


def _planned(request: Request, dataset: LocalDataset) -> tuple[Plan, str]:
    check_experiment_name(request.name)
    dataset_id = dataset_id_of(dataset)
    return make_plan(request.options, chosen(local_examples(dataset), request.dry_run), dataset_id), dataset_id


def _rescored(name: str, evaluators: Evaluators, dataset: LocalDataset, options: RunOptions, *, force: bool) -> Session:
    request = request_of(name, None, evaluators, options, scores_only=True)
    examples = local_examples(dataset)
    names = [evaluator.name for evaluator in request.options.evaluators]

    def planned(kept: Kept, plan: Plan) -> Plan:
        return rescore_plan(plan, kept, examples, names, force=force)

    return _held(request, dataset, examples, planned, compare=False, accept_changes=False)


def _again(again: Again, dataset: LocalDataset, request: Request, *, accept_changes: bool) -> Session:
    def planned(kept: Kept, plan: Plan) -> Plan:
        return resumed_plan(plan, kept, again)

    examples = local_examples(dataset)
    return _held(request, dataset, examples, planned, compare=True, accept_changes=accept_changes)


def _held(
    request: Request,
    dataset: LocalDataset,
    examples: list[DatasetExample],
    planned: Callable[[Kept, Plan], Plan],
    *,
    compare: bool,
    accept_changes: bool,
) -> Session:
    journal, own = _kept.open_journal(request)
    kept: Kept | None = None
    try:
        record = journal.get(request.name, dataset_id=dataset_id_of(dataset))
        request = as_before(request, record)
        plan = make_plan(request.options, examples, record.plan.dataset_name)
        kept = _kept.resume(request, record, journal, own, plan if compare else None, accept_changes=accept_changes)
        rest = planned(kept, plan)
    except BaseException:
        if kept is not None:
            kept.journaled.close()
        if own:
            journal.close()
        raise
    return Session(
        record.plan.name, rest, dataset_id=record.plan.dataset_id, kept=kept, uploader=None, progress=request.progress
    )
