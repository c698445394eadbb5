"""The stores of our own server: the resources behind the ports."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Final

from promptops.core.pagination import iterate_cursor
from promptops.core.runtime import Runtime
from promptops.experiments._chunks import body_with
from promptops.experiments._datasets import AsyncDatasets
from promptops.experiments._http import EXPERIMENT_RESULTS, delete, fetch, path, post
from promptops.experiments._incomplete import incomplete_evaluations, incomplete_runs
from promptops.experiments._lookup import dataset_id_of, experiment_id_of
from promptops.experiments._pages import experiments_page, runs_page
from promptops.experiments._rows import check_experiment_name, encoded_runs
from promptops.experiments._stored import ServerExperiment
from promptops.experiments.journal import UnitKey
from promptops.experiments.stores import Capabilities, RunEvaluation, StoredDataset, StoredExperiment, StoredVersion
from promptops.models import Dataset, Experiment, ExperimentWithRunIds
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = ["NativeDatasetStore", "NativeExperimentStore"]

_DATASETS: Final = Capabilities(store="native", features=frozenset({"append_examples", "delete_dataset", "versions"}))
_EXPERIMENTS: Final = Capabilities(
    store="native",
    features=frozenset({"append_runs", "incomplete_runs", "incomplete_evaluations", "delete_experiment", "columns"}),
)


class NativeDatasetStore:
    """Datasets on our server.

    Args:
        runtime: Sends the requests.
        project: Where to look and to create; the default of the key when absent.
    """

    def __init__(self, runtime: Runtime, *, project: str | None = None) -> None:
        self._datasets = AsyncDatasets(runtime, project=project)

    @property
    def capabilities(self) -> Capabilities:
        """What the server can do."""
        return _DATASETS

    async def create(self, name: str, examples: Iterable[Mapping[str, Any] | DatasetExample]) -> StoredDataset:
        """See :class:`DatasetStore`."""
        return _dataset(await self._datasets.create(name, examples))

    async def append(self, dataset: str, examples: Iterable[Mapping[str, Any] | DatasetExample]) -> list[str]:
        """See :class:`DatasetStore`."""
        return await self._datasets.insert(dataset, examples)

    async def get(self, dataset: str) -> StoredDataset:
        """See :class:`DatasetStore`."""
        return _dataset(await self._datasets.get(dataset))

    async def iterate(self) -> AsyncIterator[StoredDataset]:
        """See :class:`DatasetStore`."""
        async for dataset in self._datasets.iterate():
            yield _dataset(dataset)

    async def examples(
        self, dataset: str, *, version: str | None = None, split: str | None = None
    ) -> AsyncIterator[DatasetExample]:
        """See :class:`DatasetStore`."""
        async for example in self._datasets.iterate_examples(dataset, version=version, split=split):
            yield example

    async def delete(self, dataset: str) -> None:
        """See :class:`DatasetStore`."""
        await self._datasets.delete(dataset)


class NativeExperimentStore:
    """Experiments on our server.

    Args:
        runtime: Sends the requests.
        project: Where to look for names; everything that the key grants when absent.
    """

    def __init__(self, runtime: Runtime, *, project: str | None = None) -> None:
        self._runtime = runtime
        self._project = project

    @property
    def capabilities(self) -> Capabilities:
        """What the server can do."""
        return _EXPERIMENTS

    async def create(
        self,
        name: str,
        *,
        dataset_id: str,
        runs: Sequence[ExperimentRun] = (),
        key: str | None = None,
        repetitions: int = 1,  # noqa: ARG002 - the port has it
        metadata: Mapping[str, Any] | None = None,  # noqa: ARG002 - the port has it
        dataset_version_id: str | None = None,  # noqa: ARG002 - the port has it
    ) -> StoredExperiment:
        """See :class:`ExperimentStore`; the server ties an experiment to the latest version of its dataset."""
        check_experiment_name(name)
        if not runs:
            self.capabilities.require("empty_experiments", "create it with its first runs")
        experiment = await post(
            self._runtime,
            path("experiments"),
            body_with("experiment_runs", encoded_runs(runs), {"name": name, "dataset_id": dataset_id}),
            Experiment,
            profile=EXPERIMENT_RESULTS,
            idempotency_key=key or str(uuid.uuid4()),
        )
        return _experiment(experiment)

    async def upload_runs(
        self, experiment_id: str, runs: Sequence[ExperimentRun], *, key: str | None = None
    ) -> list[str]:
        """See :class:`ExperimentStore`."""
        answer = await post(
            self._runtime,
            path("experiments", experiment_id, "runs"),
            body_with("experiment_runs", encoded_runs(runs)),
            ExperimentWithRunIds,
            profile=EXPERIMENT_RESULTS,
            idempotency_key=key or str(uuid.uuid4()),
        )
        return answer.run_ids

    async def upload_evaluations(
        self,
        experiment_id: str,  # noqa: ARG002 - the port has it
        evaluations: Sequence[RunEvaluation],  # noqa: ARG002 - the port has it
    ) -> None:
        """The server keeps runs as they came; see :class:`ExperimentStore`."""
        self.capabilities.require("add_evaluations", "score before the runs are uploaded, or use a new experiment")

    async def get(self, experiment: str, *, dataset_id: str | None = None) -> StoredExperiment:
        """See :class:`ExperimentStore`."""
        found = await experiment_id_of(self._runtime, experiment, dataset_id, self._project)
        return _experiment(await fetch(self._runtime, path("experiments", found), Experiment))

    async def iterate(self, *, dataset_id: str | None = None) -> AsyncIterator[StoredExperiment]:
        """See :class:`ExperimentStore`."""
        wanted = None if dataset_id is None else await dataset_id_of(self._runtime, dataset_id, self._project)
        scope = {"dataset_id": wanted}
        async for found in iterate_cursor(lambda cursor: experiments_page(self._runtime, cursor, scope=scope)):
            yield _experiment(found)

    async def runs(self, experiment_id: str) -> AsyncIterator[ExperimentRun]:
        """See :class:`ExperimentStore`."""
        async for run in iterate_cursor(lambda cursor: runs_page(self._runtime, cursor, experiment_id=experiment_id)):
            yield run

    def incomplete_runs(self, experiment_id: str, *, repetitions: int | None = None) -> AsyncIterator[UnitKey]:
        """See :class:`ExperimentStore`; without ``repetitions``, as many as any run has."""
        datasets = NativeDatasetStore(self._runtime, project=self._project)
        return incomplete_runs(self, datasets, experiment_id, repetitions=repetitions)

    def incomplete_evaluations(
        self, experiment_id: str, names: Sequence[str]
    ) -> AsyncIterator[tuple[UnitKey, tuple[str, ...]]]:
        """See :class:`ExperimentStore`."""
        return incomplete_evaluations(self, experiment_id, names)

    async def delete(self, experiment_id: str) -> None:
        """See :class:`ExperimentStore`."""
        await delete(self._runtime, path("experiments", experiment_id))


def _dataset(found: Dataset) -> StoredDataset:
    versions = found.versions if isinstance(found.versions, list) else []
    return StoredDataset(
        id=found.id,
        name=found.name,
        created_at=found.created_at,
        versions=tuple(StoredVersion(id=item.id, name=item.name, created_at=item.created_at) for item in versions),
    )


def _experiment(found: Experiment) -> StoredExperiment:
    return ServerExperiment(
        id=found.id,
        name=found.name,
        dataset_id=found.dataset_id,
        dataset_version_id=found.dataset_version_id,
        created_at=found.created_at,
        original=found,
    )
