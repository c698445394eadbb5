"""Compares what a journal and a store have of one experiment, before it goes on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from promptops.core.errors import ConflictError
from promptops.core.log import event
from promptops.core.runtime import Runtime
from promptops.experiments._imported import record_of
from promptops.experiments._plan import Options
from promptops.experiments._session import Kept
from promptops.experiments._stored_rows import StoredRow, changes_in_place, journaled_row, same_evaluation
from promptops.experiments._unit_rows import STARTED_AT
from promptops.experiments.journal import JournaledRun, UnitKey, UnitRecord
from promptops.experiments.journal._fingerprints import UNKNOWN
from promptops.experiments.stores import ExperimentStore, StoredExperiment
from promptops.models.experiments import ExperimentRun

__all__ = ["Known", "import_rows", "in_turns", "reconciled"]

_PART: Final = 200
_TURN: Final = 20

T = TypeVar("T")


class Known(NamedTuple):
    """What a store has of an experiment: its rows, the units that it lacks as they are now, and whether it lost some.

    Lost are rows that were acknowledged once: the experiment is another one of the same name.
    """

    experiment: StoredExperiment
    rows: Mapping[UnitKey, StoredRow]
    unsent: frozenset[UnitKey]
    lost: bool


async def reconciled(
    runtime: Runtime, store: ExperimentStore, experiment: StoredExperiment, kept: Kept, options: Options
) -> Known:
    """Return what the store has; rows that arrived without an acknowledgement are acknowledged now.

    Rows that the journal lacks, or knows as failed where the store has them successful, were brought by another
    machine: they are taken into the journal, so that nobody pays for them again, and an experiment that is stored anew
    keeps them.

    Raises:
        ConflictError: Rows have other outputs in a store where the experiment would be deleted to change them.
    """
    journaled = kept.journaled
    here, waiting = await runtime.run_blocking(_journaled, journaled)
    same = _same_columns if store.capabilities.can("columns") else _same_facts
    in_place = changes_in_place(store)
    names = [evaluator.name for evaluator in options.evaluators]
    rows: dict[UnitKey, StoredRow] = {}
    arrived: list[UnitRecord] = []
    others: dict[UnitKey, UnitRecord] = {}
    other: list[UnitKey] = []
    async for run in in_turns(runtime, store.runs(experiment.id)):
        if run.example_id is None:
            continue
        key = UnitKey(run.example_id, run.repetition)
        record = waiting.get(key)
        ours = None if record is None else journaled_row(record, options.columns)
        own = here.get(key)
        differs = own is not None and own.error is None and run.error is None and _output_of(own) != run.value
        if differs:
            other.append(key)
        stands = in_place and run.error is None and not differs and (own is None or own.error is None)
        rows[key] = StoredRow(stands=stands, evaluations=None if ours is None else run.evaluations)
        if record is not None and ours is not None and same(ours, run):
            arrived.append(record)
            del waiting[key]
        elif (state := journaled.state(key)) is None or (state == "failed" and run.error is None):
            others.setdefault(key, record_of(run, evaluators=names, fingerprint=UNKNOWN))
            rows[key] = StoredRow(stands=in_place and run.error is None)
            waiting.pop(key, None)
    if other and not in_place:
        raise ConflictError(
            f"experiment {experiment.name!r} ({experiment.id}) has other outputs than the journal in {len(other)} rows,"
            f" such as that of {other[0].example_id}, repetition {other[0].repetition}: another machine made it. Pass "
            "journal= another file to go on with what is stored, or delete the experiment to store what this journal "
            "has. No task was run",
            details={"experiment_id": experiment.id, "units": [list(key) for key in other]},
        )
    if arrived:
        await runtime.run_blocking(journaled.append_uploaded(arrived).wait)
    if others:
        await runtime.run_blocking(import_rows, journaled, list(others.values()))
        event("experiment_rows_taken_over", experiment=experiment.name, experiment_id=experiment.id, rows=len(others))
    lost = here.keys() - rows.keys() - waiting.keys()
    if lost:
        event("experiment_rows_lost", experiment=experiment.name, experiment_id=experiment.id, rows=len(lost))
    return Known(experiment, rows, frozenset(waiting.keys() | lost), bool(lost))


async def in_turns(runtime: Runtime, items: AsyncIterable[T]) -> AsyncGenerator[T, None]:
    """Yield items, and let others have the event loop after every few: those that came together come without a wait."""
    count = 0
    async for item in items:
        count += 1
        if count % _TURN == 0:
            await runtime.sleep(0)
        yield item


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


def _journaled(journaled: JournaledRun) -> tuple[dict[UnitKey, UnitRecord], dict[UnitKey, UnitRecord]]:
    """Return the units without their scores, and those that wait to be stored with them."""
    here = {record.key: record for record in journaled.units(scores=False)}
    return here, {record.key: record for record in journaled.not_uploaded()}


def _output_of(record: UnitRecord) -> Any:
    return msgspec.json.decode(record.output or "null")


def _same_output(ours: ExperimentRun, theirs: ExperimentRun) -> bool:
    return ours.error is None and theirs.error is None and bool(ours.value == theirs.value)


def _same_columns(ours: ExperimentRun, theirs: ExperimentRun) -> bool:
    wire = ours.to_wire()
    if STARTED_AT not in theirs.fields:
        wire.pop(STARTED_AT, None)  # rows were stored without it once
    return wire == theirs.to_wire()


def _same_facts(ours: ExperimentRun, theirs: ExperimentRun) -> bool:
    """Compare what every store gives back; further evaluations of the stored row are somebody else's."""
    if ours.error != theirs.error or (ours.error is None and not _same_output(ours, theirs)):
        return False
    said = theirs.evaluations
    return all(
        name in said and same_evaluation(evaluation, said[name]) for name, evaluation in ours.evaluations.items()
    )
