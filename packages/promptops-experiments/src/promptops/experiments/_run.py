"""Prepares runs on a server: everything is checked, read and planned before the first task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from promptops.core.errors import ConflictError, NotFoundError, ValidationError
from promptops.core.pagination import iterate_cursor
from promptops.core.runtime import Runtime
from promptops.experiments import _kept
from promptops.experiments._datasets import AsyncDatasets
from promptops.experiments._http import fetch, path
from promptops.experiments._kept import Again
from promptops.experiments._lookup import dataset_id_of, experiment_named
from promptops.experiments._options import Request, Task, chosen
from promptops.experiments._pages import runs_page
from promptops.experiments._plan import Plan, make_plan
from promptops.experiments._rows import check_experiment_name
from promptops.experiments._session import Kept, Session
from promptops.experiments._upload import Uploader, journaled_row
from promptops.experiments.journal import ExperimentRecord, Journal, UnitKey, UnitRecord
from promptops.models import Experiment

__all__ = ["Task", "prepare_again", "prepare_rerun", "prepare_rescore", "prepare_run"]


class _Known(NamedTuple):
    """What a server has of an experiment: the units with a row, and those that it lacks as they are now."""

    experiment: Experiment
    keys: frozenset[UnitKey]
    unsent: frozenset[UnitKey]


async def prepare_run(runtime: Runtime, project: str | None, dataset: str, request: Request) -> Session:
    """Find the dataset, refuse a taken name, read the examples, begin the journal.

    Raises:
        ConflictError: The dataset has an experiment of that name.
    """
    dataset_id, plan = await _planned(runtime, project, dataset, request)
    if request.dry_run is not None:
        return Session(request.name, plan, dataset_id=dataset_id, kept=None, uploader=None, progress=request.progress)
    kept = await runtime.run_blocking(_kept.begin, request, plan, dataset_id, dataset)
    return _session(runtime, request, plan, kept)


async def prepare_rerun(
    runtime: Runtime, project: str | None, dataset: str, previous: str, request: Request
) -> Session:
    """As :func:`prepare_run`; what has not changed since ``previous`` is taken over from the journal."""
    if request.dry_run is not None:
        raise ValidationError("dry_run belongs to run: a rerun takes over what is stored")
    dataset_id, plan = await _planned(runtime, project, dataset, request)

    def begun() -> tuple[Kept, Plan]:
        journal, own = _kept.open_journal(request)
        try:
            record = journal.get(previous, dataset_id=dataset_id)
            records = list(journal.units(record.id))
        finally:
            if own:
                journal.close()
        kept = _kept.begin(request, plan, dataset_id, dataset)
        try:
            return kept, _kept.copy_unchanged(plan, kept, records, previous)
        except BaseException:
            kept.close()
            raise

    kept, rest = await runtime.run_blocking(begun)
    return _session(runtime, request, rest, kept)


async def prepare_again(
    runtime: Runtime, project: str | None, dataset: str | None, again: Again, request: Request, *, accept_changes: bool
) -> Session:
    """Hold an experiment of the journal again, and plan what it lacks.

    Raises:
        NotFoundError: The journal has no such experiment.
        ResumeRefused: Something changed.
    """
    dataset_id = None if dataset is None else await dataset_id_of(runtime, dataset, project)
    journal, own, record = await runtime.run_blocking(_found, request, dataset_id)
    try:
        request = as_before(request, record)
        examples = await AsyncDatasets(runtime).examples(record.plan.dataset_id)
        plan = make_plan(request.options, examples, record.plan.dataset_name)

        def held() -> tuple[Kept, Plan]:
            kept = _kept.resume(request, record, journal, own, plan, accept_changes=accept_changes)
            try:
                return kept, _kept.resumed_plan(plan, kept, again)
            except BaseException:
                kept.journaled.close()
                raise

        kept, rest = await runtime.run_blocking(held)
    except BaseException:
        if own:
            await runtime.run_blocking(journal.close)
        raise
    return await _resumed(runtime, request, rest, kept)


async def prepare_rescore(
    runtime: Runtime, project: str | None, dataset: str | None, request: Request, *, force: bool
) -> Session:
    """Hold an experiment of the journal again, and plan the scores that it lacks."""
    dataset_id = None if dataset is None else await dataset_id_of(runtime, dataset, project)
    journal, own, record = await runtime.run_blocking(_found, request, dataset_id)
    try:
        request = as_before(request, record)
        examples = await AsyncDatasets(runtime).examples(record.plan.dataset_id)
        plan = make_plan(request.options, examples, record.plan.dataset_name)
        names = [evaluator.name for evaluator in request.options.evaluators]

        def held() -> tuple[Kept, Plan]:
            kept = _kept.resume(request, record, journal, own, None, accept_changes=False)
            try:
                return kept, _kept.rescore_plan(plan, kept, examples, names, force=force)
            except BaseException:
                kept.journaled.close()
                raise

        kept, rest = await runtime.run_blocking(held)
    except BaseException:
        if own:
            await runtime.run_blocking(journal.close)
        raise
    return await _resumed(runtime, request, rest, kept)


def as_before(request: Request, record: ExperimentRecord) -> Request:
    """Return the request with what it leaves out as in the run before: repetitions, parameters, prompt, metadata."""
    before, given = record.plan, request.given
    options = request.options
    if "repetitions" not in given:
        options = msgspec.structs.replace(options, repetitions=before.repetitions)
    if "prompt" not in given and before.fingerprint.prompt is not None:
        taken = [options.task, *(evaluator.bound for evaluator in options.evaluators)]
        if not any(bound is not None and bound.takes("prompt") for bound in taken):
            options = msgspec.structs.replace(options, prompt=before.fingerprint.prompt)
    kept = {"parameters": given.get("parameters", before.parameters)}
    changed = msgspec.structs.replace(request, name=before.name, options=options, given={**given, **kept})
    return changed.columns(before.metadata) if "metadata" not in given else changed


async def _planned(runtime: Runtime, project: str | None, dataset: str, request: Request) -> tuple[str, Plan]:
    check_experiment_name(request.name)
    dataset_id = await dataset_id_of(runtime, dataset, project)
    if request.dry_run is None:
        taken = await experiment_named(runtime, request.name, {"dataset_id": dataset_id})
        if taken is not None:
            raise ConflictError(
                f"dataset {dataset!r} already has an experiment named {request.name!r}; choose another name, delete "
                f"that one ({taken.id}), or go on with it by experiments.resume. No task was run",
                details={"experiment_id": taken.id},
            )
    examples = chosen(await AsyncDatasets(runtime).examples(dataset_id), request.dry_run)
    return dataset_id, make_plan(request.options, examples, dataset)


def _found(request: Request, dataset_id: str | None) -> tuple[Journal, bool, ExperimentRecord]:
    journal, own = _kept.open_journal(request)
    try:
        return journal, own, journal.get(request.name, dataset_id=dataset_id)
    except BaseException:
        if own:
            journal.close()
        raise


def _session(
    runtime: Runtime,
    request: Request,
    plan: Plan,
    kept: Kept,
    known: _Known | None = None,
) -> Session:
    record = kept.journaled.experiment
    uploader = Uploader(
        runtime,
        kept.journaled,
        columns=request.options.columns,
        dataset_id=record.plan.dataset_id,
        experiment=None if known is None else known.experiment,
        on_server=() if known is None else known.keys,
    )
    standing = {unit.key for unit in plan.units if unit.is_done}
    return Session(
        record.plan.name,
        plan,
        dataset_id=record.plan.dataset_id,
        kept=kept,
        uploader=uploader,
        progress=request.progress,
        unsent=standing if known is None else standing & known.unsent,
    )


async def _resumed(runtime: Runtime, request: Request, plan: Plan, kept: Kept) -> Session:
    try:
        experiment = await _on_server(runtime, kept.journaled.experiment)
        known = None
        if experiment is not None:
            known = await _reconciled(runtime, experiment, kept, request.options.columns)
        return _session(runtime, request, plan, kept, known)
    except BaseException:
        await runtime.run_blocking(kept.close)
        raise


async def _on_server(runtime: Runtime, record: ExperimentRecord) -> Experiment | None:
    """Return the experiment as the server has it; one that was made just before a crash is found by its name."""
    if record.remote_id is not None:
        try:
            return await fetch(runtime, path("experiments", record.remote_id), Experiment)
        except NotFoundError:
            return None
    return await experiment_named(runtime, record.plan.name, {"dataset_id": record.plan.dataset_id})


async def _reconciled(runtime: Runtime, experiment: Experiment, kept: Kept, columns: Mapping[str, Any]) -> _Known:
    """Return what the server has; rows that arrived without an acknowledgement are acknowledged now."""
    waiting: dict[UnitKey, UnitRecord] = await runtime.run_blocking(
        lambda: {record.key: record for record in kept.journaled.not_uploaded()}
    )
    keys: set[UnitKey] = set()
    arrived: list[UnitRecord] = []
    pages = iterate_cursor(lambda cursor: runs_page(runtime, cursor, experiment_id=experiment.id))
    async for run in pages:
        if run.example_id is None:
            continue
        key = UnitKey(run.example_id, run.repetition)
        keys.add(key)
        record = waiting.get(key)
        if record is not None and journaled_row(record, columns).to_wire() == run.to_wire():
            arrived.append(record)
            del waiting[key]
    if arrived:
        await runtime.run_blocking(kept.journaled.append_uploaded(arrived).wait)
    return _Known(experiment, frozenset(keys), frozenset(waiting))
