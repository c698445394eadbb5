"""Finds what a run is about: an experiment in the journal and in the store, and the examples that it is of."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from promptops.core.errors import NotFoundError, ValidationError
from promptops.core.runtime import Runtime
from promptops.experiments import _kept
from promptops.experiments._adopt import adopted
from promptops.experiments._opened import opened
from promptops.experiments._options import Request
from promptops.experiments.journal import ExperimentRecord, Journal, JournaledRun
from promptops.experiments.stores import StoredExperiment, Stores
from promptops.models.datasets import DatasetExample

__all__ = ["Found", "check_repetitions", "examples_of", "find", "find_named", "journaled_in", "travels"]


class Found(NamedTuple):
    """An experiment of the journal, with the journal, whether the run opened that, and what the store knows of it."""

    journal: Journal
    own: bool
    record: ExperimentRecord
    stored: StoredExperiment | None


async def find(runtime: Runtime, stores: Stores, dataset: str | None, request: Request) -> Found:
    """Return the experiment that a run goes on with.

    Raises:
        NotFoundError: Neither the journal nor the store has it.
    """
    dataset_id = None if dataset is None else (await stores.datasets.get(dataset)).id
    given = _kept.given_journal(request)
    own = given is None
    journal = await opened(runtime.run_blocking, _kept.own_journal, request) if given is None else given
    try:
        record = await adopted(runtime, stores, journal, request, dataset_id)
        stored = await _find_stored(stores, record) if travels(stores, journal) else None
    except BaseException:
        # Here and now: nothing can be awaited once this is cancelled.
        if own:
            journal.close()
        raise
    return Found(journal, own, record, stored)


async def examples_of(stores: Stores, found: Found) -> list[DatasetExample]:
    """Return the examples of the version that the experiment is of, where that stays as it was; else of the latest.

    Where the store made the experiment of a part of them, only those are returned.
    """
    stored, version = found.stored, None
    if stored is not None and stores.datasets.capabilities.can("snapshots"):
        version = stored.dataset_version_id
    dataset_id = found.record.plan.dataset_id
    examples = [example async for example in stores.datasets.examples(dataset_id, version=version)]
    if stored is None or stored.example_count is None or stored.example_count >= len(examples):
        return examples
    # Which part it is, nothing says: what lacks a run is listed, and so are the runs.
    part = {run.example_id async for run in stores.experiments.runs(stored.id)}
    part |= {key.example_id async for key in stores.experiments.incomplete_runs(stored.id)}
    return [example for example in examples if example.id in part]


def check_repetitions(stores: Stores, stored: StoredExperiment | None, repetitions: int) -> None:
    """Refuse more repetitions than the store would take of the experiment, before they are paid for.

    Raises:
        ValidationError: There are more.
    """
    if stored is None or not stores.experiments.capabilities.can("experiment_metadata"):
        return
    if repetitions > stored.repetitions:
        raise ValidationError(
            f"experiment {stored.name!r} ({stored.id}) was made with repetitions={stored.repetitions}, so the "
            f"{stores.experiments.capabilities.store} store takes no more of them, and not {repetitions}; run an "
            "experiment of another name. No task was run",
            validation_errors=[{"field": "repetitions", "message": "are too many", "code": "out_of_range"}],
        )


def journaled_in(stores: Stores, request: Request) -> Request:
    """Return the request with the journal that the experiments live in, unless it names another one."""
    if stores.journal is None or request.given.get("journal") is not None:
        return request
    return msgspec.structs.replace(request, given={**request.given, "journal": stores.journal})


def travels(stores: Stores, journal: Journal | JournaledRun) -> bool:
    """Whether rows of this journal have to travel to the store, because they do not live in it."""
    return stores.journal is None or stores.journal.path != journal.path


async def _find_stored(stores: Stores, record: ExperimentRecord) -> StoredExperiment | None:
    """Return the experiment as the store has it.

    One that was made just before a crash, or anew by another machine, is found by its name.
    """
    if record.remote_id is not None:
        try:
            found = await stores.experiments.get(record.remote_id)
        except NotFoundError:
            found = None
        # Some servers give the id of an experiment that was deleted to the next one, which is somebody else's.
        if found is not None and (found.name, found.dataset_id) == (record.plan.name, record.plan.dataset_id):
            return found
    return await find_named(stores, record.plan.name, record.plan.dataset_id)


async def find_named(stores: Stores, name: str, dataset_id: str) -> StoredExperiment | None:
    """Return the experiment of that exact name, or None."""
    try:
        found = await stores.experiments.get(name, dataset_id=dataset_id)
    except NotFoundError:
        return None
    return found if found.name == name else None  # a name may look like the id of another one
