"""Opens the journal of a run: begins an experiment in it, holds one again, or copies from one what has not changed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec
from promptops.core.errors import ConflictError, ValidationError
from promptops.core.log import event
from promptops.experiments._evaluation import NamedEvaluator
from promptops.experiments._options import Request
from promptops.experiments._plan import Plan, Unit
from promptops.experiments._session import Kept
from promptops.experiments.journal import (
    Change,
    ExperimentRecord,
    Fingerprint,
    Journal,
    ResumePlan,
    RunPlan,
    UnitKey,
    UnitRecord,
    fingerprint_of,
    plan_incremental,
    plan_rescore,
    plan_resume,
    plan_retry_failed,
)
from promptops.models.datasets import DatasetExample

if TYPE_CHECKING:
    from promptops.experiments.stores import Stores

__all__ = [
    "Again",
    "begin",
    "begin_from",
    "copy_unchanged",
    "open_journal",
    "other_contents",
    "refuse_other_examples",
    "rescore_plan",
    "resume",
    "resumed_plan",
]

Again = Literal["resume", "retry_failed"]
REUSED_FROM = "promptops.reused_from"
T = TypeVar("T")


def open_journal(request: Request) -> tuple[Journal, bool]:
    """Return the journal of a run, and whether the run opened it."""
    given = request.given.get("journal")
    if isinstance(given, Journal):
        return given, False
    return Journal.open(None if given is None else str(given)), True


def begin(request: Request, plan: Plan, dataset_id: str, dataset_name: str, stores: Stores | None = None) -> Kept:
    """Begin an experiment in the journal of the run; of the server of the stores, if there are any.

    Raises:
        ConflictError: The journal has an experiment of that name with rows that are stored nowhere else.
        JournalError: The journal cannot be used.
    """
    journal, own = open_journal(request)
    try:
        wanted = _run_plan(request, plan, dataset_id, dataset_name, "" if stores is None else stores.origin)
        unique_ids = stores is not None and stores.unique_ids
        try:
            journaled = journal.begin(wanted, unique_ids=unique_ids)
        except ConflictError:
            _forget_stored(journal, request, dataset_id, "" if unique_ids else wanted.origin)
            journaled = journal.begin(wanted, unique_ids=unique_ids)
        return Kept(journaled=journaled, journal=journal if own else None, fingerprint=wanted.fingerprint)
    except BaseException:
        if own:
            journal.close()
        raise


def begin_from(  # noqa: PLR0917 - as begin, and the experiment before
    request: Request, plan: Plan, dataset_id: str, dataset_name: str, previous: str, stores: Stores | None = None
) -> tuple[Kept, Plan]:
    """Begin an experiment as :func:`begin` does, and take over what has not changed since the experiment before.

    Raises:
        NotFoundError: The journal has no experiment named ``previous`` of that dataset; nothing was begun.
    """
    journal, own = open_journal(request)
    try:
        origin = "" if stores is None else stores.journal_origin
        records = list(journal.units(journal.get(previous, dataset_id=dataset_id, origin=origin).id))
    finally:
        if own:
            journal.close()
    kept = begin(request, plan, dataset_id, dataset_name, stores)
    try:
        return kept, copy_unchanged(plan, kept, records, previous)
    except BaseException:
        kept.close()
        raise


def resume(
    request: Request,
    record: ExperimentRecord,
    journal: Journal,
    own: bool,
    plan: Plan | None,
    *,
    accept_changes: bool,
    origin: str = "",
) -> Kept:
    """Hold an experiment again; ``plan`` is compared with what was run before, None compares nothing.

    From now on it is one of the server at ``origin``, where that is known.

    Raises:
        ResumeRefused: Something changed.
        ExperimentHeld: Another process runs it.
    """
    before = record.plan
    if plan is None:
        journaled = journal.resume(record.id)
        prints = _evaluator_prints(request)
        fingerprint = msgspec.structs.replace(before.fingerprint, evaluators=prints)
    else:
        wanted = _run_plan(request, plan, before.dataset_id, before.dataset_name, before.origin)
        journaled = journal.resume(record.id, wanted, accept_changes=accept_changes)
        fingerprint = wanted.fingerprint
    if origin and before.origin != origin:
        try:
            journaled.set_origin(origin)
        except BaseException:
            journaled.close()
            raise
        if before.origin:
            event("experiment_moved", experiment=before.name, before=before.origin, origin=origin)
    return Kept(journaled=journaled, journal=journal if own else None, fingerprint=fingerprint)


def refuse_other_examples(record: ExperimentRecord, journal: Journal, examples: Sequence[DatasetExample]) -> None:
    """Refuse to store an experiment anew over examples that are not those that its outputs are of.

    Raises:
        ConflictError: Some changed since, or belong to another dataset that has the id now.
    """
    plan = record.plan
    scored = {unit.example_id for unit in journal.units(record.id)}
    now = fingerprint_of(_no_task, examples=[example for example in examples if example.id in scored]).examples
    changes = journal.changes(
        record.id,
        msgspec.structs.replace(plan, fingerprint=msgspec.structs.replace(plan.fingerprint, examples=now)),
    )
    if changes:
        raise ConflictError(
            f"experiment {plan.name!r} is not in the store any more, and would be stored anew over other examples than "
            f"its outputs are of: {'; '.join(change.message for change in changes)}. Nothing was scored",
            details={"dataset_id": plan.dataset_id},
        )


def resumed_plan(plan: Plan, kept: Kept, again: Again) -> Plan:
    """Return the plan in which what the journal holds stands."""
    records = {record.key: record for record in kept.journaled.units()}
    decide = plan_resume if again == "resume" else plan_retry_failed
    keys = [unit.key for unit in plan.units]
    todo = decide(keys, records.values(), kept.fingerprint.evaluators, on_failed=_on_failed(plan.options.evaluators))
    event("experiment_resumed", experiment=kept.journaled.experiment.plan.name, todo=todo.summary)
    changes = kept.journaled.changes
    if not todo.is_empty:
        kept.journaled.accept(tasks=bool(todo.to_run))
    standing = [records[key] for key in todo.taken_over]
    digests = other_contents(kept.fingerprint, standing, changes)
    return msgspec.structs.replace(_standing(plan, todo, records), digests=digests)


def other_contents(
    fingerprint: Fingerprint, records: Iterable[UnitRecord], changes: Iterable[Change]
) -> dict[str, str]:
    """Return digests for examples whose rows may have been made of another content than ``fingerprint`` has.

    Rows say what they were made by as a whole; where examples changed in between, and a row was made by something
    else, its example counts as another one, which no other experiment has.
    """
    if all(change.kind != "examples" for change in changes):
        return {}
    return {
        record.example_id: record.fingerprint
        for record in records
        if record.fingerprint is not None and record.fingerprint != fingerprint.of_unit(record.example_id)
    }


def rescore_plan(
    plan: Plan, kept: Kept, examples: Sequence[DatasetExample], evaluators: Sequence[str], *, force: bool
) -> Plan:
    """Return a plan that runs no task: every row stands, and what these evaluators have not scored is scored."""
    records = {record.key: record for record in kept.journaled.units()}
    if not records:
        raise ValidationError(f"experiment {kept.journaled.experiment.plan.name!r} has no row in the journal to score")
    known = {example.id: example for example in examples}
    prints = {name: kept.fingerprint.evaluators[name] for name in evaluators}
    todo = plan_rescore(records.values(), prints, on_failed=_on_failed(plan.options.evaluators), force=force)
    units = [
        Unit(
            position=position,
            example=known.get(key.example_id, DatasetExample(id=key.example_id, fields={})),
            repetition=key.repetition,
        )
        for position, key in enumerate(sorted(records, key=_order(examples)))
    ]
    gone = [key for key in todo.to_score if key.example_id not in known]
    if gone:
        raise ValidationError(
            f"{len(gone)} rows cannot be scored, because the dataset no longer has their examples, such as "
            f"{gone[0].example_id}"
        )
    return _standing(msgspec.structs.replace(plan, units=units), todo, records)


def copy_unchanged(plan: Plan, kept: Kept, previous: Iterable[UnitRecord], name: str) -> Plan:
    """Append what has not changed since the experiment ``name`` to the new one, and return what is left to do."""
    records = {record.key: record for record in previous}
    keys = [unit.key for unit in plan.units]
    prints = kept.fingerprint.evaluators
    todo = plan_incremental(
        keys, kept.fingerprint, records.values(), prints, on_failed=_on_failed(plan.options.evaluators)
    )
    event("experiment_rerun", experiment=kept.journaled.experiment.plan.name, previous=name, todo=todo.summary)
    copies: dict[UnitKey, UnitRecord] = {}
    for key in todo.taken_over:
        record = _copied(records[key], prints, todo.to_score.get(key, ()), name)
        copies[key] = record
        kept.journaled.append_outputs(record)
        if record.scores:
            kept.journaled.append_scores(key, list(record.scores.values()))
    kept.journaled.flush()
    return _standing(plan, todo, copies)


def _copied(record: UnitRecord, prints: Mapping[str, str], missing: Collection[str], name: str) -> UnitRecord:
    """Return a record as the new experiment has it: paid for elsewhere, and with the scores that still hold."""
    scores = {
        evaluator: msgspec.structs.replace(
            score, cost=None, evaluation=msgspec.structs.replace(score.evaluation, cost=None, usage=None)
        )
        for evaluator, score in record.scores.items()
        if evaluator in prints and evaluator not in missing
    }
    fields = {**record.fields, REUSED_FROM: record.fields.get(REUSED_FROM, name)}
    return msgspec.structs.replace(record, cost=None, usage=None, fields=fields, scores=scores, revision=0)


def _standing(plan: Plan, todo: ResumePlan, records: Mapping[UnitKey, UnitRecord]) -> Plan:
    stands = set(todo.taken_over)
    units = [
        msgspec.structs.replace(unit, prior=records[unit.key], evaluators=tuple(todo.to_score.get(unit.key, ())))
        if unit.key in stands
        else unit
        for unit in plan.units
    ]
    return msgspec.structs.replace(plan, units=units)


def _forget_stored(journal: Journal, request: Request, dataset_id: str, origin: str) -> None:
    """Delete an experiment of that name from the journal, if a server had all of it; that one was deleted there."""
    record = journal.get(request.name, dataset_id=dataset_id, origin=origin)
    with journal.resume(record.id) as journaled:
        stored = record.remote_id is not None and next(iter(journaled.not_uploaded()), None) is None
    if not stored:
        raise ConflictError(
            f"the journal {journal.path} has an experiment named {request.name!r} already, with rows that are stored "
            f"nowhere else; go on with it by experiments.resume({request.name!r}, ...), or choose another name. No "
            "task was run",
            details={"experiment_id": record.id},
        )
    journal.delete(record.id)


def _run_plan(request: Request, plan: Plan, dataset_id: str, dataset_name: str, origin: str) -> RunPlan:
    examples = {unit.example.id: unit.example for unit in plan.units}
    parameters = request.given.get("parameters") or {}
    return RunPlan(
        name=request.name,
        dataset_id=dataset_id,
        dataset_name=dataset_name,
        fingerprint=_fingerprint(request, list(examples.values()), parameters),
        units=len(plan.units),
        repetitions=request.options.repetitions,
        parameters=parameters,
        metadata=request.metadata,
        origin=origin,
    )


def _fingerprint(request: Request, examples: Sequence[DatasetExample], parameters: Mapping[str, object]) -> Fingerprint:
    version = request.given.get("task_version")
    prompt = request.options.prompt
    prompt = prompt if prompt is None or isinstance(prompt, str) or hasattr(prompt, "version") else repr(prompt)

    def made(version: str | None) -> Fingerprint:
        return fingerprint_of(
            request.task, examples=examples, version=version, prompt=prompt, parameters=dict(parameters)
        )

    fingerprint = _or_unreadable(made, version)
    return msgspec.structs.replace(fingerprint, evaluators=_evaluator_prints(request))


def _evaluator_prints(request: Request) -> dict[str, str]:
    versions = request.given.get("evaluator_versions") or {}
    prints: dict[str, str] = {}
    for evaluator in request.options.evaluators:
        name = evaluator.name

        def made(version: str | None, source: object = evaluator.source, name: str = name) -> str:
            given = {} if version is None else {name: version}
            found = fingerprint_of(_no_task, evaluators={name: source}, evaluator_versions=given)
            return found.evaluators[name]

        prints[name] = _or_unreadable(made, versions.get(name))
    return prints


def _no_task() -> None:
    """Stands for the task where only evaluators count."""


def _or_unreadable(made: Callable[[str | None], T], version: str | None) -> T:
    """Make a fingerprint; code that cannot be read never counts as unchanged."""
    try:
        return made(version)
    except (ValidationError, UnicodeEncodeError):
        if version is not None:
            raise
        return made(f"unreadable {uuid.uuid4()}")


def _on_failed(evaluators: Iterable[NamedEvaluator]) -> list[str]:
    return [evaluator.name for evaluator in evaluators if evaluator.on_error]


def _order(examples: Sequence[DatasetExample]) -> Callable[[tuple[str, int]], tuple[int, int]]:
    places = {example.id: place for place, example in enumerate(examples)}
    return lambda key: (key[1], places.get(key[0], len(places)))
