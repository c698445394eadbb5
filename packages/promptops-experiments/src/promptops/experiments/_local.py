"""Runs without a server: examples from memory or a file, results in the journal alone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from os import PathLike
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, Unpack, cast

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments import _kept
from promptops.experiments._evaluation import Evaluators
from promptops.experiments._json import NotStorable, json_text
from promptops.experiments._kept import Again
from promptops.experiments._options import Request, RunOptions, Task, chosen, request_of
from promptops.experiments._plan import Plan, make_plan
from promptops.experiments._result import ExperimentResult
from promptops.experiments._rows import check_experiment_name
from promptops.experiments._run import as_before
from promptops.experiments._runner import run_blocking, run_in_loop
from promptops.experiments._session import Kept, Session
from promptops.models.datasets import DatasetExample

__all__ = ["LocalDataset", "arun", "local_examples", "rescore", "resume", "retry_failed", "run"]

P = ParamSpec("P")
T = TypeVar("T")

LocalDataset = str | PathLike[str] | Iterable[Mapping[str, Any] | DatasetExample]
"""Examples as objects with fields, or the path of a JSON or JSON Lines file of such objects."""


class _InPlace:
    """Does blocking work where it is asked for."""

    async def run_blocking(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return function(*args, **kwargs)

    def deadline(self, seconds: float) -> AbstractContextManager[Any]:
        del seconds
        return nullcontext()


def run(
    name: str, *, dataset: LocalDataset, task: Task, evaluators: Evaluators = (), **options: Unpack[RunOptions]
) -> ExperimentResult:
    """Run a task over examples and score each output, without a server; everything is kept in the journal.

    Tasks, evaluators and options are those of :meth:`AsyncExperiments.run`. Inside a running event loop this blocks
    the loop until the run has ended; await :func:`arun` there instead.

    Args:
        name: Unique among the runs over this dataset.
        dataset: Examples as objects with fields, or the path of a JSON or JSON Lines file. A field ``id`` is the id of
            an example; without one, the id is made of the content.
        task: What to run.
        evaluators: One, several, or a mapping of names to evaluators.
        options: See :class:`RunOptions`.

    Raises:
        ValidationError: Examples, options or parameters do not fit; nothing was run.
        ConflictError: The journal has a run of that name; nothing was run.
        JournalError: The journal cannot be used.
    """
    return run_blocking(_begun(name, dataset, task, evaluators, options), _InPlace())


async def arun(
    name: str, *, dataset: LocalDataset, task: Task, evaluators: Evaluators = (), **options: Unpack[RunOptions]
) -> ExperimentResult:
    """:func:`run` for asynchronous code, on asyncio and trio."""
    return await run_in_loop(_begun(name, dataset, task, evaluators, options), _InPlace())


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
    return _again("resume", dataset, request_of(name, task, evaluators, options), accept_changes=accept_changes)


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
    return _again("retry_failed", dataset, request, accept_changes=accept_changes)


def rescore(
    name: str, evaluators: Evaluators, *, dataset: LocalDataset, force: bool = False, **options: Unpack[RunOptions]
) -> ExperimentResult:
    """Score the outputs that the journal holds, without running a task: what lacks a score, or everything."""
    request = request_of(name, None, evaluators, options, scores_only=True)
    examples = local_examples(dataset)
    names = [evaluator.name for evaluator in request.options.evaluators]

    def planned(kept: Kept, plan: Plan) -> Plan:
        return _kept.rescore_plan(plan, kept, examples, names, force=force)

    return _held(request, dataset, examples, planned, compare=False, accept_changes=False)


def _begun(name: str, dataset: LocalDataset, task: Task, evaluators: Evaluators, options: RunOptions) -> Session:
    check_experiment_name(name)
    request = request_of(name, task, evaluators, options)
    examples = chosen(local_examples(dataset), request.dry_run)
    dataset_id = _dataset_id(dataset)
    plan = make_plan(request.options, examples, dataset_id)
    kept = None if request.dry_run is not None else _kept.begin(request, plan, dataset_id, dataset_id)
    return Session(name, plan, dataset_id=dataset_id, kept=kept, uploader=None, progress=request.progress)


def _again(again: Again, dataset: LocalDataset, request: Request, *, accept_changes: bool) -> ExperimentResult:
    def planned(kept: Kept, plan: Plan) -> Plan:
        return _kept.resumed_plan(plan, kept, again)

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
) -> ExperimentResult:
    journal, own = _kept.open_journal(request)
    kept: Kept | None = None
    try:
        record = journal.get(request.name, dataset_id=_dataset_id(dataset))
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
    session = Session(
        record.plan.name, rest, dataset_id=record.plan.dataset_id, kept=kept, uploader=None, progress=request.progress
    )
    return run_blocking(session, _InPlace())


def local_examples(dataset: LocalDataset) -> list[DatasetExample]:
    """Return examples with an id each.

    Raises:
        ValidationError: The file cannot be read, or holds something else than objects.
    """
    items: Iterable[object] = _read(Path(dataset)) if isinstance(dataset, str | PathLike) else dataset
    found: list[DatasetExample] = []
    copies: dict[str, int] = {}
    for place, item in enumerate(items):
        if isinstance(item, DatasetExample):
            found.append(item)
            continue
        if not isinstance(item, Mapping):
            raise ValidationError(f"dataset[{place}] must be an object with fields, not {type(item).__name__}")
        fields = dict(cast("Mapping[str, Any]", item))
        ident = fields.pop("id", None)
        if ident is None:
            ident = _content_id(fields, place)
            copies[ident] = copies.get(ident, 0) + 1
            if copies[ident] > 1:
                ident = f"{ident}-{copies[ident]}"
        found.append(DatasetExample(id=str(ident), fields=fields))
    return found


def _content_id(fields: Mapping[str, Any], place: int) -> str:
    try:
        plain = msgspec.json.decode(json_text(fields))
    except NotStorable as exc:
        raise ValidationError(f"dataset[{place}] has no JSON form: {exc}") from None
    return hashlib.sha256(msgspec.json.encode(plain, order="deterministic")).hexdigest()[:32]


def _read(path: Path) -> Iterable[object]:
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise ValidationError(f"dataset {str(path)!r} cannot be read: {exc.strerror}") from exc
    try:
        if path.suffix == ".json":
            return cast("list[object]", msgspec.json.decode(data, type=list))
        return cast("list[object]", msgspec.json.Decoder().decode_lines(data))
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise ValidationError(f"dataset {str(path)!r} is not JSON or JSON Lines of objects: {exc}") from exc


def _dataset_id(dataset: LocalDataset) -> str:
    return f"local:{Path(dataset).resolve()}" if isinstance(dataset, str | PathLike) else "local"
