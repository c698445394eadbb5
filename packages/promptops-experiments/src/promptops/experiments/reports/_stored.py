"""Makes results of experiments that are stored: in a journal, or as rows that were fetched from a server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec
from promptops.core.bridge import drive
from promptops.core.errors import NotFoundError
from promptops.experiments._left import other_contents
from promptops.experiments._local_examples import local_examples
from promptops.experiments._plan import metadata_columns
from promptops.experiments._result import ExperimentResult, metrics_of
from promptops.experiments._unit_rows import row_of
from promptops.experiments.journal import ExperimentRecord, Journal
from promptops.models import Experiment
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = ["journaled_result", "stored_result"]

if TYPE_CHECKING:
    from promptops.experiments._local_store import LocalStore

T = TypeVar("T")

_LOCAL: Final = "local:"


def stored_result(
    experiment: Experiment, rows: Sequence[ExperimentRun], examples: Iterable[DatasetExample] = ()
) -> ExperimentResult:
    """Return stored rows as a result, for comparisons, gates and reports.

    Args:
        experiment: As it is stored.
        rows: Its runs.
        examples: Those of its dataset. Rows follow their order.
    """
    known = {example.id: example for example in examples}
    places = {ident: place for place, ident in enumerate(known)}
    ordered = sorted(rows, key=lambda row: (row.repetition, places.get(row.example_id or "", len(places))))
    # How long the run took is not stored; 0 stands for not known.
    return ExperimentResult(
        experiment=experiment, rows=ordered, metrics=metrics_of(ordered), duration_s=0.0, examples=known
    )


def journaled_result(
    experiment: str, *, journal: str | Path | Journal | None = None, dataset_id: str | None = None
) -> ExperimentResult:
    """Return an experiment of a journal as a result; no task is run.

    The examples are those of the local dataset, or of the file that the experiment was run over, if it is still there.

    Args:
        experiment: Its id or its name.
        journal: The file, or an open journal; where journals lie when absent.
        dataset_id: Where to look for the name.

    Raises:
        NotFoundError: The journal has no such experiment.
    """
    from promptops.experiments._local_store import CREATION_KEY, LocalStore

    with LocalStore(journal) as store:
        record = store.journal.get(experiment, dataset_id=dataset_id)
        metadata = {name: value for name, value in record.plan.metadata.items() if name != CREATION_KEY}
        columns = metadata_columns(metadata)
        units = list(store.journal.units(record.id))
        rows = [
            row_of(unit, {name: score.evaluation for name, score in unit.scores.items()}, columns) for unit in units
        ]
        result = stored_result(_experiment(record), rows, _examples(store, record))
        digests = store.journal.example_digests(record.id)
        digests.update(other_contents(digests, record.made_by, units, record.overrides))
        return msgspec.structs.replace(result, digests=digests)


def _examples(store: LocalStore, record: ExperimentRecord) -> Sequence[DatasetExample]:
    dataset_id = record.plan.dataset_id
    if dataset_id.startswith(_LOCAL):
        path = Path(dataset_id.removeprefix(_LOCAL))
        return local_examples(path) if path.is_file() else []
    try:
        return drive(_all(store.datasets.examples(dataset_id)))
    except NotFoundError:
        return []  # the dataset lives on a server


async def _all(items: AsyncIterator[T]) -> list[T]:
    return [item async for item in items]


def _experiment(record: ExperimentRecord) -> Experiment:
    created = datetime.fromtimestamp(record.created_at, UTC)
    return Experiment(
        id=record.id,
        name=record.plan.name,
        space_id="local",
        dataset_id=record.plan.dataset_id,
        created_at=created,
        updated_at=created,
    )
