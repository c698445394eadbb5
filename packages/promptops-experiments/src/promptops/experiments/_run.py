"""Prepares runs over the stores: everything is checked, read and planned before the first task."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec
from promptops.core.errors import ConflictError, ValidationError
from promptops.core.runtime import Runtime
from promptops.experiments import _kept
from promptops.experiments._found import check_repetitions, examples_of, find, find_named, journaled_in, travels
from promptops.experiments._left import Again, rescore_plan, resumed_plan
from promptops.experiments._opened import opened
from promptops.experiments._options import Request, Task, chosen
from promptops.experiments._plan import Plan, make_plan
from promptops.experiments._reconcile import Known, reconciled
from promptops.experiments._rows import check_experiment_name
from promptops.experiments._session import Kept, Session
from promptops.experiments._upload import Uploader
from promptops.experiments.journal import ExperimentRecord
from promptops.experiments.stores import Stores
from promptops.models.datasets import DatasetExample

__all__ = ["Task", "prepare_again", "prepare_rerun", "prepare_rescore", "prepare_run"]


Planned = Callable[[Kept, Plan], Plan]


class _Start(NamedTuple):
    """The beginning of a new experiment: its dataset, the version that is known to hold the examples, and the plan."""

    dataset_id: str
    version_id: str | None
    plan: Plan


async def prepare_run(runtime: Runtime, stores: Stores, dataset: str, request: Request) -> Session:
    """Find the dataset, refuse a taken name, read the examples, begin the journal.

    Raises:
        ConflictError: The dataset has an experiment of that name.
    """
    request = journaled_in(stores, request)
    start = await _planned(runtime, stores, dataset, request)
    if request.dry_run is not None:
        return Session(
            request.name,
            start.plan,
            dataset_id=start.dataset_id,
            kept=None,
            uploader=None,
            progress=request.progress,
        )

    def begun() -> Session:
        kept = _kept.begin(request, start.plan, start.dataset_id, dataset, stores)
        try:
            return _session(runtime, stores, request, kept, plan=start.plan, version_id=start.version_id)
        except BaseException:
            kept.close()
            raise

    return await opened(runtime.run_blocking, begun)


async def prepare_rerun(runtime: Runtime, stores: Stores, dataset: str, previous: str, request: Request) -> Session:
    """As :func:`prepare_run`; what has not changed since ``previous`` is taken over from the journal."""
    if request.dry_run is not None:
        raise ValidationError("dry_run belongs to run: a rerun takes over what is stored")
    request = journaled_in(stores, request)
    dataset_id, version_id, plan = await _planned(runtime, stores, dataset, request)

    def begun() -> Session:
        kept, rest = _kept.begin_from(request, plan, dataset_id, dataset, previous, stores)
        try:
            return _session(runtime, stores, request, kept, plan=rest, version_id=version_id)
        except BaseException:
            kept.close()
            raise

    return await opened(runtime.run_blocking, begun)


async def prepare_again(
    runtime: Runtime, stores: Stores, dataset: str | None, again: Again, request: Request, *, accept_changes: bool
) -> Session:
    """Hold an experiment again, and plan what it lacks; one that only the store has is taken into the journal first.

    Raises:
        NotFoundError: Neither the journal nor the store has such an experiment.
        ResumeRefused: Something changed.
    """

    def planned(kept: Kept, plan: Plan) -> Plan:
        return resumed_plan(plan, kept, again)

    return await _going_on(runtime, stores, dataset, request, lambda _: planned, accept_changes=accept_changes)


async def prepare_rescore(
    runtime: Runtime, stores: Stores, dataset: str | None, request: Request, *, force: bool
) -> Session:
    """Hold an experiment again as :func:`prepare_again` does, and plan the scores that it lacks."""
    names = [evaluator.name for evaluator in request.options.evaluators]

    def planning(examples: list[DatasetExample]) -> Planned:
        return lambda kept, plan: rescore_plan(plan, kept, examples, names, force=force)

    return await _going_on(runtime, stores, dataset, request, planning, accept_changes=None)


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


async def _planned(runtime: Runtime, stores: Stores, dataset: str, request: Request) -> _Start:
    check_experiment_name(request.name)
    if not isinstance(dataset, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers may be untyped
        kind = type(dataset).__name__  # type: ignore[unreachable]
        raise ValidationError(
            f"dataset must be the name or id of a stored dataset, not {kind}; store the examples with datasets.create, "
            "or run over them without a server with promptops.experiments.run"
        )
    found = await stores.datasets.get(dataset)
    if request.dry_run is None:
        taken = await find_named(stores, request.name, found.id)
        if taken is not None:
            raise ConflictError(
                f"dataset {dataset!r} already has an experiment named {request.name!r}; choose another name, delete "
                f"that one ({taken.id}), or go on with it by experiments.resume. No task was run",
                details={"experiment_id": taken.id},
            )
    # Where versions never change, examples and experiment are of the same one, whatever is appended meanwhile.
    fixed = stores.datasets.capabilities.can("snapshots") and found.versions
    version_id = found.versions[0].id if fixed else None
    wanted: list[DatasetExample] = []
    if isinstance(request.dry_run, str):
        # Some servers know the splits of examples that say nothing of them.
        read = stores.datasets.examples(found.id, version=version_id, split=request.dry_run)
        wanted = [example async for example in read]
    if not wanted:
        read = stores.datasets.examples(found.id, version=version_id)
        wanted = chosen([example async for example in read], request.dry_run)
    return _Start(found.id, version_id, await runtime.run_blocking(make_plan, request.options, wanted, dataset))


def _session(
    runtime: Runtime,
    stores: Stores,
    request: Request,
    kept: Kept,
    *,
    plan: Plan,
    known: Known | None = None,
    version_id: str | None = None,
) -> Session:
    record = kept.journaled.experiment
    uploader: Uploader | None = None
    if travels(stores, kept.journaled):
        uploader = Uploader(
            runtime,
            stores.experiments,
            kept.journaled,
            columns=request.options.columns,
            dataset_id=record.plan.dataset_id,
            version_id=version_id,
            experiment=None if known is None else known.experiment,
            on_store=None if known is None else known.rows,
            rescored={unit.key: unit.evaluators for unit in plan.units if unit.evaluators},
            lost=known is not None and known.lost,
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


async def _going_on(
    runtime: Runtime,
    stores: Stores,
    dataset: str | None,
    request: Request,
    planning: Callable[[list[DatasetExample]], Planned],
    *,
    accept_changes: bool | None,
) -> Session:
    """Hold an experiment again, compare journal and store, and plan the rest.

    Without ``accept_changes`` nothing is compared with what was run before.
    """
    request = journaled_in(stores, request)
    found = await find(runtime, stores, dataset, request)
    journal, own, record, stored = found
    kept: Kept | None = None
    try:
        request = as_before(request, record)
        check_repetitions(stores, stored, request.options.repetitions)
        examples = await examples_of(stores, found)
        plan = await runtime.run_blocking(make_plan, request.options, examples, record.plan.dataset_name)
        if accept_changes is None and stored is None and travels(stores, journal):
            await runtime.run_blocking(_kept.refuse_other_examples, record, journal, examples)
        compared = None if accept_changes is None else plan
        accepted = bool(accept_changes)
        kept = now = await opened(
            runtime.run_blocking,
            _kept.resume,
            request,
            record,
            journal,
            own,
            compared,
            accept_changes=accepted,
            origin=stores.origin,
        )
        known = None
        if stored is not None:
            known = await reconciled(runtime, stores.experiments, stored, kept, request.options)

        def begun() -> Session:
            return _session(runtime, stores, request, now, plan=planning(examples)(now, plan), known=known)

        return await runtime.run_blocking(begun)
    except BaseException:
        # Here and now: nothing can be awaited once this is cancelled.
        if kept is not None:
            kept.close()
        elif own:
            journal.close()
        raise
