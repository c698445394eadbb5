"""Finds an experiment that is to go on; one that only the store has is taken into the journal."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from promptops.core.errors import ConflictError, NotFoundError, PromptOpsError, UnsupportedOperation, ValidationError
from promptops.core.log import event
from promptops.core.runtime import Runtime
from promptops.experiments._imported import record_of
from promptops.experiments._options import Request
from promptops.experiments._reconcile import import_rows, in_turns
from promptops.experiments.journal import (
    ExperimentHeld,
    ExperimentRecord,
    Fingerprint,
    Journal,
    RunPlan,
    UnitKey,
    UnitRecord,
)
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
        ConflictError: It may be one of another address in the journal, which has rows that are stored nowhere else.
    """
    found = await runtime.run_blocking(_of_journal, journal, request.name, dataset_id, stores.origin)
    if isinstance(found, ExperimentRecord):
        return found
    others = await runtime.run_blocking(_of_others, journal, request.name, dataset_id, found)
    for other in others if stores.unique_ids else ():
        if dataset_id is not None or await _has_dataset(stores, other.plan.dataset_id):
            return other  # the server has moved
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
    known = await runtime.run_blocking(_of_journal, journal, stored.name, stored.dataset_id, stores.journal_origin)
    if isinstance(known, ExperimentRecord):
        return known  # it was named by the id that the store gave it
    await runtime.run_blocking(_refuse_moved, journal, stored, known)
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


def _of_journal(journal: Journal, name: str, dataset_id: str | None, origin: str) -> ExperimentRecord | NotFoundError:
    """Return what the journal has of that server, or the error that says that it has nothing."""
    try:
        record = journal.get(name, dataset_id=dataset_id, origin=origin)
    except NotFoundError as exc:
        return exc
    if _is_unfinished(record):
        journal.delete(record.id)
        return _of_journal(journal, name, dataset_id, origin)
    return record


def _is_unfinished(record: ExperimentRecord) -> bool:
    """Whether it was being taken over when that process ended."""
    return not record.plan.fingerprint.is_known and record.remote_id is None


def _of_others(journal: Journal, name: str, dataset_id: str | None, why: NotFoundError) -> list[ExperimentRecord]:
    """Return what the journal has of that name of other servers, newest first, if the error says that it has some."""
    if not why.details.get("origins"):
        return []
    return [
        record
        for record in reversed(list(journal.experiments()))
        if name in {record.plan.name, record.id}
        and dataset_id in {None, record.plan.dataset_id}
        and not _is_unfinished(record)
    ]


async def _has_dataset(stores: Stores, dataset_id: str) -> bool:
    try:
        return (await stores.datasets.get(dataset_id)).id == dataset_id
    except NotFoundError:
        return False


def _refuse_moved(journal: Journal, stored: StoredExperiment, why: NotFoundError) -> None:
    """Refuse to take over what may well be in the journal, of the same server at another address.

    Raises:
        ConflictError: Outputs that are stored nowhere else would be paid for again.
    """
    for record in _of_others(journal, stored.name, stored.dataset_id, why):
        if record.remote_id == stored.id and _has_unsent(journal, record):
            raise ConflictError(
                f"{why.message}. That one has the same id ({stored.id}), and rows that are stored nowhere else; if "
                "the two are not the same, pass journal= another file to go on with the one that this server has. No "
                "task was run",
                details={**why.details, "experiment_id": stored.id},
            )


def _has_unsent(journal: Journal, record: ExperimentRecord) -> bool:
    try:
        with journal.resume(record.id) as journaled:
            return next(iter(journaled.not_uploaded()), None) is not None
    except ExperimentHeld:
        return False  # it is being run where it is, so its server has not moved


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
        origin=stores.origin,
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
