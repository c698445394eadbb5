"""Datasets and experiments in one local file, the journal's; no server at all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from promptops.core.errors import ConflictError, NotFoundError, ValidationError
from promptops.experiments._blocking import RunBlocking, run_here
from promptops.experiments._imported import record_of
from promptops.experiments._incomplete import incomplete_evaluations, incomplete_runs
from promptops.experiments._local_datasets import LocalDatasetStore
from promptops.experiments._rows import check_experiment_name, encoded_runs
from promptops.experiments._unit_rows import row_of
from promptops.experiments.journal import (
    ExperimentRecord,
    Fingerprint,
    Journal,
    JournaledRun,
    RunPlan,
    ScoreRecord,
    UnitKey,
    UnitRecord,
)
from promptops.experiments.stores import Capabilities, RunEvaluation, StoredExperiment, Stores
from promptops.models.experiments import ExperimentRun

__all__ = ["CREATION_KEY", "LocalExperimentStore", "LocalStore"]

_CAPABILITIES: Final = Capabilities(
    store="local",
    features=frozenset(
        {
            "empty_experiments",
            "append_runs",
            "add_evaluations",
            "incomplete_runs",
            "incomplete_evaluations",
            "delete_experiment",
            "columns",
            "replace_failed_runs",
            "experiment_metadata",
        }
    ),
)
_UPLOADED: Final = Fingerprint(task="uploaded", task_name="uploaded runs")
CREATION_KEY: Final = "promptops.key"
"""Where the metadata of an experiment hold the key of the call that created it."""
_PAGE: Final = 200


class LocalStore:
    """Datasets and experiments in one file; a context manager.

    Experiments that were run with the same journal are here, too: the journal is the table of this store.

    Args:
        path: The file, or a journal that is open already (which is left open); where journals lie when absent.
        run_blocking: ``runtime.run_blocking`` of an event loop; without it, calls block.

    Attributes:
        datasets: The :class:`DatasetStore`.
        experiments: The :class:`ExperimentStore`.
    """

    def __init__(self, path: str | Path | Journal | None = None, *, run_blocking: RunBlocking = run_here) -> None:
        self._own = not isinstance(path, Journal)
        self.journal = path if isinstance(path, Journal) else Journal.open(path)
        self.datasets = LocalDatasetStore(self.journal, run_blocking)
        self.experiments = LocalExperimentStore(self.journal, run_blocking, self.datasets)

    @property
    def stores(self) -> Stores:
        """Both, for a runner; what it journals in this file is stored in it already."""
        return Stores(datasets=self.datasets, experiments=self.experiments, journal=self.journal)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._own:
            self.journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class LocalExperimentStore:
    """Experiments in the file of a journal; see :class:`ExperimentStore` for what each call does."""

    def __init__(self, journal: Journal, run_blocking: RunBlocking, datasets: LocalDatasetStore) -> None:
        self._journal = journal
        self._run = run_blocking
        self._datasets = datasets

    @property
    def capabilities(self) -> Capabilities:
        """What the store can do."""
        return _CAPABILITIES

    async def create(
        self,
        name: str,
        *,
        dataset_id: str,
        runs: Sequence[ExperimentRun] = (),
        key: str | None = None,
        repetitions: int = 1,
        metadata: Mapping[str, Any] | None = None,
        dataset_version_id: str | None = None,
    ) -> StoredExperiment:
        """See :class:`ExperimentStore`."""
        check_experiment_name(name)
        if repetitions < 1:
            raise ValidationError(f"repetitions must be a whole number of 1 or more, not {repetitions!r}")
        dataset = await self._datasets.get(dataset_id)
        version = dataset_version_id or dataset.versions[0].id
        await self._check_examples(dataset.id, runs, version)
        plan = RunPlan(
            name=name,
            dataset_id=dataset.id,
            dataset_name=dataset.name,
            fingerprint=msgspec.structs.replace(_UPLOADED, dataset_version=version),
            units=0,
            repetitions=repetitions,
            metadata={**(metadata or {}), **({} if key is None else {CREATION_KEY: key})},
        )
        return await self._run(self._create, plan, runs, key)

    async def upload_runs(
        self,
        experiment_id: str,
        runs: Sequence[ExperimentRun],
        *,
        key: str | None = None,  # noqa: ARG002 - other stores need it
    ) -> list[str]:
        """See :class:`ExperimentStore`; a row is told by its example and repetition, so the ``key`` is not needed."""
        record = await self._run(self._journal.get, experiment_id)
        await self._check_examples(record.plan.dataset_id, runs, None)
        return await self._run(self._upload, experiment_id, runs)

    async def upload_evaluations(self, experiment_id: str, evaluations: Sequence[RunEvaluation]) -> None:
        """See :class:`ExperimentStore`."""
        await self._run(self._evaluate, experiment_id, evaluations)

    async def get(self, experiment: str, *, dataset_id: str | None = None) -> StoredExperiment:
        """See :class:`ExperimentStore`."""
        return _experiment(await self._run(lambda: self._journal.get(experiment, dataset_id=dataset_id)))

    async def iterate(self, *, dataset_id: str | None = None) -> AsyncIterator[StoredExperiment]:
        """See :class:`ExperimentStore`."""
        for record in reversed(await self._run(lambda: list(self._journal.experiments()))):
            if dataset_id in {None, record.plan.dataset_id}:
                yield _experiment(record)

    async def runs(self, experiment_id: str) -> AsyncIterator[ExperimentRun]:
        """See :class:`ExperimentStore`."""
        async for unit in self._units(experiment_id):
            evaluations = {name: score.evaluation for name, score in unit.scores.items()}
            yield msgspec.structs.replace(row_of(unit, evaluations), id=_run_id(unit.key))

    def incomplete_runs(self, experiment_id: str, *, repetitions: int | None = None) -> AsyncIterator[UnitKey]:
        """See :class:`ExperimentStore`."""
        return incomplete_runs(self, self._datasets, experiment_id, repetitions=repetitions)

    def incomplete_evaluations(
        self, experiment_id: str, names: Sequence[str]
    ) -> AsyncIterator[tuple[UnitKey, tuple[str, ...]]]:
        """See :class:`ExperimentStore`."""
        return incomplete_evaluations(self, experiment_id, names)

    async def delete(self, experiment_id: str) -> None:
        """See :class:`ExperimentStore`."""
        await self._run(self._journal.delete, experiment_id)

    async def _units(self, experiment_id: str) -> AsyncIterator[UnitRecord]:
        units = await self._run(self._journal.units, experiment_id)
        while page := await self._run(_take, units):
            for unit in page:
                yield unit

    async def _check_examples(self, dataset_id: str, runs: Iterable[ExperimentRun], version: str | None) -> None:
        known = {example.id async for example in self._datasets.examples(dataset_id, version=version)}
        unknown = list(dict.fromkeys(str(run.example_id) for run in runs if run.example_id not in known))
        if unknown:
            named = ", ".join(unknown[:20])
            raise ValidationError(
                f"{len(unknown)} example ids are not in the dataset: {named}",
                validation_errors=[
                    {"field": "example_id", "message": f"{item} is not in the dataset", "code": "unknown"}
                    for item in unknown
                ],
            )

    def _create(self, plan: RunPlan, runs: Sequence[ExperimentRun], key: str | None) -> StoredExperiment:
        try:
            run = self._journal.begin(plan)
        except ConflictError:
            earlier = self._journal.get(plan.name, dataset_id=plan.dataset_id)
            if key is None or earlier.plan.metadata.get(CREATION_KEY) != key:
                raise
            run = self._journal.resume(earlier.id)
        with run:
            _append(run, runs)
            return _experiment(run.experiment)

    def _upload(self, experiment_id: str, runs: Sequence[ExperimentRun]) -> list[str]:
        with self._journal.resume(experiment_id) as run:
            return _append(run, runs)

    def _evaluate(self, experiment_id: str, evaluations: Sequence[RunEvaluation]) -> None:
        with self._journal.resume(experiment_id) as run:
            for item in evaluations:
                key = UnitKey(item.example_id, item.repetition)
                if run.state(key) is None:
                    raise NotFoundError(
                        f"experiment {run.experiment.plan.name!r} has no run of example {item.example_id}, repetition "
                        f"{item.repetition}; upload the run first. No evaluation was stored"
                    )
            for item in evaluations:
                score = ScoreRecord(evaluator=item.name, evaluation=item.evaluation)
                run.append_scores(UnitKey(item.example_id, item.repetition), [score])


def _append(run: JournaledRun, runs: Sequence[ExperimentRun]) -> list[str]:
    if not runs:
        return []
    encoded_runs(runs)  # refuses what no other store would take
    units = [record_of(row) for row in runs]
    # What was attempted before is among the columns of the row that replaces a failed one.
    new = [
        unit if run.state(unit.key) is None else msgspec.structs.replace(unit, attempts=0)
        for unit in units
        if run.state(unit.key) != "done"
    ]
    if len(new) < len(units):
        _refuse_others(run, units)
    if new:
        run.append_outputs(*new)
    for unit in units:
        if unit.scores:
            run.append_scores(unit.key, list(unit.scores.values()))
    run.flush()
    return [_run_id(unit.key) for unit in units]


def _refuse_others(run: JournaledRun, units: Sequence[UnitRecord]) -> None:
    """Take the same row a second time as what it is, and refuse another one in its place."""
    wanted = {unit.key: unit for unit in units}
    for stored in run.finished():
        unit = wanted.get(stored.key)
        if unit is not None and (unit.output, unit.error) != (stored.output, stored.error):
            raise ConflictError(
                f"example {unit.example_id}, repetition {unit.repetition}, has another output already; nothing was "
                "stored",
                details={"example_id": unit.example_id, "repetition": unit.repetition},
            )


def _experiment(record: ExperimentRecord) -> StoredExperiment:
    return StoredExperiment(
        id=record.id,
        name=record.plan.name,
        dataset_id=record.plan.dataset_id,
        dataset_version_id=record.plan.fingerprint.dataset_version,
        created_at=datetime.fromtimestamp(record.created_at, UTC),
        repetitions=record.plan.repetitions,
        metadata={name: value for name, value in record.plan.metadata.items() if name != CREATION_KEY},
    )


def _run_id(key: UnitKey) -> str:
    return f"{key.example_id}#{key.repetition}"


def _take(units: Iterator[UnitRecord]) -> list[UnitRecord]:
    return list(islice(units, _PAGE))
