"""Finds an experiment that is to go on; one that only the store has is taken into the journal."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from promptops.core.errors import NotFoundError, PromptOpsError, UnsupportedOperation, ValidationError
from promptops.core.log import event
from promptops.core.runtime import Runtime
from promptops.experiments._imported import record_of
from promptops.experiments._options import Request
from promptops.experiments._reconcile import import_rows, in_turns
from promptops.experiments.journal import ExperimentRecord, Fingerprint, Journal, RunPlan, UnitKey, UnitRecord
from promptops.experiments.journal._fingerprints import UNKNOWN
from promptops.experiments.stores import StoredExperiment, Stores
from promptops.models.experiments import ExperimentRun

__all__ = ["adopted"]


async def adopted(
    runtime: Runtime, stores: Stores, journal: Journal, request: Request, dataset_id: str | None
) -> ExperimentRecord:
    """Return the experiment that the request names.

    What was run elsewhere is taken over with its outputs, errors and scores. By what code it was made is not known, so
    nothing is compared with that.

    Raises:
        NotFoundError: Neither the journal nor the store has it.
    """
    found = await runtime.run_blocking(_of_journal, journal, request.name, dataset_id)
    if isinstance(found, ExperimentRecord):
        return found
    try:
        stored = await stores.experiments.get(request.name, dataset_id=dataset_id)
    except NotFoundError as exc:
        raise _nowhere(found, stores, exc) from exc
    except UnsupportedOperation as exc:
        raise found from exc
    except ValidationError as exc:
        if dataset_id is not None:
            raise
        raise _nowhere(found, stores, exc) from exc  # a name alone says too little
    if stored.dataset_id is None:
        raise found
    known = await runtime.run_blocking(_of_journal, journal, stored.name, stored.dataset_id)
    if isinstance(known, ExperimentRecord):
        return known  # it was named by the id that the store gave it
    names = [evaluator.name for evaluator in request.options.evaluators]
    runs = in_turns(runtime, stores.experiments.runs(stored.id))
    rows = [run async for run in runs if run.example_id is not None]
    plan = _plan(stored, rows, request, (await stores.datasets.get(stored.dataset_id)).name, stores)
    record = await runtime.run_blocking(_take_over, journal, plan, stored.id, rows, names)
    event(
        "experiment_adopted",
        experiment=stored.name,
        experiment_id=stored.id,
        store=stores.experiments.capabilities.store,
        rows=len(rows),
    )
    return record


def _nowhere(found: NotFoundError, stores: Stores, why: PromptOpsError) -> NotFoundError:
    """The error that says what both the journal and the store said."""
    suggestions = [*found.details.get("suggestions", ()), *why.details.get("suggestions", ())]
    end = "" if found.message.endswith("?") else "."
    return NotFoundError(
        f"{found.message}{end} The store ({stores.experiments.capabilities.store}) says: {why.message}",
        details={**found.details, "suggestions": list(dict.fromkeys(suggestions))},
        request_id=why.request_id,
    )


def _of_journal(journal: Journal, name: str, dataset_id: str | None) -> ExperimentRecord | NotFoundError:
    """Return what the journal has, or the error that says that it has nothing."""
    try:
        record = journal.get(name, dataset_id=dataset_id)
    except NotFoundError as exc:
        return exc
    if not record.plan.fingerprint.is_known and record.remote_id is None:
        # It was being taken over when that process ended.
        journal.delete(record.id)
        return _of_journal(journal, name, dataset_id)
    return record


def _plan(
    stored: StoredExperiment, rows: Sequence[ExperimentRun], request: Request, dataset_name: str, stores: Stores
) -> RunPlan:
    repetitions, metadata = stored.repetitions, stored.metadata
    if not stores.experiments.capabilities.can("experiment_metadata"):
        most = max((row.repetition for row in rows), default=1)
        repetitions = request.given.get("repetitions", most)
        metadata = rows[0].metadata if rows else {}
    return RunPlan(
        name=stored.name,
        dataset_id=stored.dataset_id or "",
        dataset_name=dataset_name,
        fingerprint=Fingerprint(task=UNKNOWN),
        units=len(rows),
        repetitions=repetitions,
        metadata=metadata,
    )


def _take_over(
    journal: Journal, plan: RunPlan, experiment_id: str, rows: Sequence[ExperimentRun], evaluators: Collection[str]
) -> ExperimentRecord:
    records: dict[UnitKey, UnitRecord] = {}
    for row in rows:
        record = record_of(row, evaluators=evaluators, fingerprint=UNKNOWN)
        records.setdefault(record.key, record)
    with journal.begin(plan) as journaled:
        if records:
            import_rows(journaled, list(records.values()))
        # At the end: an experiment without it is not taken over yet.
        journaled.set_remote_id(experiment_id)
        return journaled.experiment
