"""Compares what a journal and a store have of one experiment, before it goes on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from promptops.core.log import event
from promptops.core.runtime import Runtime
from promptops.experiments._imported import record_of
from promptops.experiments._plan import Options
from promptops.experiments._session import Kept
from promptops.experiments._stored_rows import StoredRow, changes_in_place, journaled_row, same_evaluation
from promptops.experiments.journal import JournaledRun, UnitKey, UnitRecord
from promptops.experiments.journal._fingerprints import UNKNOWN
from promptops.experiments.stores import ExperimentStore, StoredExperiment
from promptops.models.experiments import ExperimentRun

__all__ = ["Known", "import_rows", "reconciled"]

_PART: Final = 200


class Known(NamedTuple):
    """What a store has of an experiment: its rows, and the units that it lacks as they are now."""

    experiment: StoredExperiment
    rows: Mapping[UnitKey, StoredRow]
    unsent: frozenset[UnitKey]


async def reconciled(
    runtime: Runtime, store: ExperimentStore, experiment: StoredExperiment, kept: Kept, options: Options
) -> Known:
    """Return what the store has; rows that arrived without an acknowledgement are acknowledged now.

    Where rows that stand cannot be replaced, because they change in place, successful ones that the journal lacks were
    brought by another machine: they are taken into the journal, so that nobody pays for them again.
    """
    journaled = kept.journaled
    waiting: dict[UnitKey, UnitRecord] = await runtime.run_blocking(
        lambda: {record.key: record for record in journaled.not_uploaded()}
    )
    same = _same_columns if store.capabilities.can("columns") else _same_facts
    in_place = changes_in_place(store)
    names = [evaluator.name for evaluator in options.evaluators]
    rows: dict[UnitKey, StoredRow] = {}
    arrived: list[UnitRecord] = []
    others: list[UnitRecord] = []
    async for run in store.runs(experiment.id):
        if run.example_id is None:
            continue
        key = UnitKey(run.example_id, run.repetition)
        record = waiting.get(key)
        ours = None if record is None else journaled_row(record, options.columns)
        stands = in_place and run.error is None and (ours is None or _same_output(ours, run))
        rows[key] = StoredRow(stands=stands, evaluations=None if ours is None else run.evaluations)
        if record is not None and ours is not None and same(ours, run):
            arrived.append(record)
            del waiting[key]
        elif in_place and run.error is None and journaled.state(key) != "done":
            others.append(record_of(run, evaluators=names, fingerprint=UNKNOWN))
            rows[key] = StoredRow(stands=True)
            waiting.pop(key, None)
    if arrived:
        await runtime.run_blocking(journaled.append_uploaded(arrived).wait)
    if others:
        await runtime.run_blocking(import_rows, journaled, others)
        event("experiment_rows_taken_over", experiment=experiment.name, experiment_id=experiment.id, rows=len(others))
    return Known(experiment, rows, frozenset(waiting))


def import_rows(journaled: JournaledRun, records: Sequence[UnitRecord]) -> None:
    """Append rows that a store has, with their scores, as acknowledged ones."""
    # What was attempted before is among the columns of a row that replaces a failed one.
    journaled.append_outputs(
        *(
            record if journaled.state(record.key) is None else msgspec.structs.replace(record, attempts=0)
            for record in records
        )
    )
    for record in records:
        if record.scores:
            journaled.append_scores(record.key, list(record.scores.values()))
    journaled.flush()
    for start in range(0, len(records), _PART):
        keys = [record.key for record in records[start : start + _PART]]
        journaled.append_uploaded(journaled.units(scores=True, keys=keys))
    journaled.flush()


def _same_output(ours: ExperimentRun, theirs: ExperimentRun) -> bool:
    return ours.error is None and theirs.error is None and bool(ours.value == theirs.value)


def _same_columns(ours: ExperimentRun, theirs: ExperimentRun) -> bool:
    return ours.to_wire() == theirs.to_wire()


def _same_facts(ours: ExperimentRun, theirs: ExperimentRun) -> bool:
    """Compare what every store gives back; further evaluations of the stored row are somebody else's."""
    if ours.error != theirs.error or (ours.error is None and not _same_output(ours, theirs)):
        return False
    said = theirs.evaluations
    return all(
        name in said and same_evaluation(evaluation, said[name]) for name, evaluation in ours.evaluations.items()
    )
