"""Plans what is left to do of an experiment: what its journal, or that of the one before, holds is not done again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec
from promptops.core.errors import ValidationError
from promptops.core.log import event
from promptops.experiments._evaluation import NamedEvaluator
from promptops.experiments._plan import Plan, Unit
from promptops.experiments._session import Kept
from promptops.experiments.journal import (
    Change,
    Fingerprint,
    ResumePlan,
    UnitKey,
    UnitRecord,
    plan_incremental,
    plan_rescore,
    plan_resume,
    plan_retry_failed,
)
from promptops.models.datasets import DatasetExample

__all__ = ["Again", "copy_unchanged", "other_contents", "rescore_plan", "resumed_plan"]

Again = Literal["resume", "retry_failed"]
_REUSED_FROM: Final = "promptops.reused_from"


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
    made_by = [*kept.journaled.experiment.made_by, kept.fingerprint]
    digests = other_contents(kept.fingerprint.examples, made_by, standing, changes)
    return msgspec.structs.replace(_standing(plan, todo, records), digests=digests)


def other_contents(
    contents: Mapping[str, str],
    made_by: Sequence[Fingerprint],
    records: Iterable[UnitRecord],
    changes: Iterable[Change],
) -> dict[str, str]:
    """Return digests for examples whose rows may have been made of another content than they have now.

    Rows say what they were made by as a whole, code and content in one. Where examples changed in between, and a row
    was made of the content of now by nothing that the experiment was run with, its example counts as another one,
    which no other experiment has.

    Args:
        contents: The digests of the examples by id, as they are now.
        made_by: What the experiment was run with: code, prompt, parameters.
        records: The rows.
        changes: What was accepted in between.
    """
    if all(change.kind != "examples" for change in changes):
        return {}
    return {
        record.example_id: record.fingerprint
        for record in records
        if record.fingerprint is not None and not _is_of(record, contents.get(record.example_id), made_by)
    }


def _is_of(record: UnitRecord, content: str | None, made_by: Sequence[Fingerprint]) -> bool:
    """Whether a row was made of an example with this content, by any of what it may be made by."""
    return content is not None and any(made.of_content(content) == record.fingerprint for made in reversed(made_by))


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
    fields = {**record.fields, _REUSED_FROM: record.fields.get(_REUSED_FROM, name)}
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


def _on_failed(evaluators: Iterable[NamedEvaluator]) -> list[str]:
    return [evaluator.name for evaluator in evaluators if evaluator.on_error]


def _order(examples: Sequence[DatasetExample]) -> Callable[[tuple[str, int]], tuple[int, int]]:
    places = {example.id: place for place, example in enumerate(examples)}
    return lambda key: (key[1], places.get(key[0], len(places)))
