"""What the way of rows to a store is decided by: what the store can change, what it has, and what is new of a row."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec
from promptops.experiments._unit_rows import row_of
from promptops.experiments.journal import UnitKey, UnitRecord
from promptops.experiments.stores import ExperimentStore, RunEvaluation
from promptops.models.experiments import METADATA_PREFIX, Evaluation, ExperimentRun

__all__ = ["StoredRow", "changes_in_place", "journaled_row", "metadata_of", "new_evaluations", "same_evaluation"]


class StoredRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row that the store has.

    Attributes:
        stands: Whether its output is that of the journal, so that only evaluations can be new.
        evaluations: What the store has of its evaluations, where they are compared; None elsewhere.
    """

    stands: bool
    evaluations: Mapping[str, Evaluation] | None = None


def changes_in_place(store: ExperimentStore) -> bool:
    """Whether rows that a store has can change without the experiment being made anew."""
    return {"replace_failed_runs", "add_evaluations"} <= store.capabilities.features


def journaled_row(record: UnitRecord, columns: Mapping[str, Any]) -> ExperimentRun:
    """Return the row of a unit with the scores that the journal has."""
    return row_of(record, {name: score.evaluation for name, score in record.scores.items()}, columns)


def same_evaluation(one: Evaluation, other: Evaluation) -> bool:
    """Whether two evaluations say the same; how long they took does not count."""
    return msgspec.structs.replace(one, duration_ms=None) == msgspec.structs.replace(other, duration_ms=None)


def new_evaluations(
    key: UnitKey, row: ExperimentRun, stored: StoredRow, rescored: Collection[str]
) -> Iterator[RunEvaluation]:
    """Yield the evaluations of a row that the store does not have as they are.

    Where they are not compared, these are those of the evaluators that ran again.
    """
    for name, evaluation in row.evaluations.items():
        if stored.evaluations is None:
            new = any(name == evaluator or name.startswith(f"{evaluator}.") for evaluator in rescored)
        else:
            new = name not in stored.evaluations or not same_evaluation(stored.evaluations[name], evaluation)
        if new:
            yield RunEvaluation(example_id=key.example_id, repetition=key.repetition, name=name, evaluation=evaluation)


def metadata_of(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata that the columns of a run carry, as JSON values."""
    start = len(METADATA_PREFIX)
    return {name[start:]: value for name, value in columns.items() if name.startswith(METADATA_PREFIX)}
