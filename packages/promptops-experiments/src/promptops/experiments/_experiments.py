"""The experiments resource."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

from promptops.core.bridge import bridge, bridge_iter
from promptops.core.errors import PromptOpsError
from promptops.core.pagination import CursorPage, iterate_cursor
from promptops.core.runtime import Runtime
from promptops.experiments._chunks import body_with, chunked
from promptops.experiments._http import EXPERIMENT_RESULTS, NAMED_PER_PAGE, delete, fetch, path, post
from promptops.experiments._lookup import dataset_id_of, experiment_id_of, experiment_scope
from promptops.experiments._native_stores import NativeDatasetStore, NativeExperimentStore
from promptops.experiments._pages import experiments_page, runs_page
from promptops.experiments._rows import check_experiment_name, encoded_runs
from promptops.experiments._runs import AsyncRuns, SyncRuns
from promptops.experiments.journal._origin import origin_of
from promptops.experiments.stores import Stores
from promptops.models import Experiment, ExperimentWithRunIds
from promptops.models.experiments import ExperimentRun

__all__ = ["AsyncExperiments", "SyncExperiments"]


class AsyncExperiments(AsyncRuns):
    """Experiments: run, store, read, compare and delete.

    An experiment is named by its id, or by its exact name; ``dataset`` (a name or an id) says which dataset to look in.

    Args:
        runtime: Sends the requests.
        project: The project of every call that names none.
        base_url: Where the server is, or a function that returns it; journals keep experiments of several servers
            apart by it.
    """

    def __init__(
        self, runtime: Runtime, *, project: str | None = None, base_url: str | Callable[[], str] | None = None
    ) -> None:
        super().__init__(runtime, project=project)
        self._base_url = base_url

    def _stores(self) -> Stores:
        return self._native(self._project)

    def _stores_in(self, project: str) -> Stores:
        return self._native(project)

    def _native(self, project: str | None) -> Stores:
        base_url = self._base_url() if callable(self._base_url) else self._base_url
        return Stores(
            datasets=NativeDatasetStore(self._runtime, project=project),
            experiments=NativeExperimentStore(self._runtime, project=project),
            origin=origin_of(base_url),
            unique_ids=True,
        )

    async def create(
        self, name: str, *, dataset: str, runs: Iterable[Mapping[str, Any] | ExperimentRun], project: str | None = None
    ) -> Experiment:
        """Store an experiment whose runs exist already.

        The first 1,000 go with the create, the others follow in calls of at most 1,000.

        Args:
            name: Unique in the dataset, 1 to 255 characters without double quotes and backslashes.
            dataset: The dataset by name or id.
            runs: One or more objects with ``example_id``, ``output`` and any other fields. An output that is not a
                string is stored as JSON text, and typed in ``promptops.output``.
            project: Where to look for the dataset's name.

        Raises:
            ValidationError: There is no run, or one cannot be stored; nothing was sent.
            ConflictError: The name is taken.
            PromptOpsError: A later part failed; ``details`` says how many runs are ``stored``, and the experiment's id.
        """
        check_experiment_name(name)
        parts = chunked(encoded_runs(runs))
        dataset_id = await dataset_id_of(self._runtime, dataset, project or self._project)
        first = next(parts)
        experiment = await post(
            self._runtime,
            path("experiments"),
            body_with("experiment_runs", first, {"name": name, "dataset_id": dataset_id}),
            Experiment,
            profile=EXPERIMENT_RESULTS,
        )
        await self._insert_parts(experiment.id, parts, stored=len(first))
        return experiment

    async def get(self, experiment: str, *, dataset: str | None = None, project: str | None = None) -> Experiment:
        """Return the experiment of that id or exact name, without its runs.

        Raises:
            NotFoundError: There is none; close names are suggested.
        """
        where = path("experiments", await self._id(experiment, dataset, project))
        return await fetch(self._runtime, where, Experiment)

    async def list_page(
        self,
        *,
        dataset: str | None = None,
        name: str | None = None,
        project: str | None = None,
        limit: int = NAMED_PER_PAGE,
        cursor: str | None = None,
    ) -> CursorPage[Experiment]:
        """Return one page of the experiments, newest first.

        Args:
            dataset: Only those of this dataset.
            name: Only those whose name contains this.
            project: Only those of this project.
            limit: Experiments per page, 1 to 100.
            cursor: ``next_cursor`` of the page before.
        """
        scope = await self._scope(dataset, project)
        return await experiments_page(self._runtime, cursor, scope=scope, name=name, limit=limit)

    async def iterate(
        self, *, dataset: str | None = None, name: str | None = None, project: str | None = None
    ) -> AsyncIterator[Experiment]:
        """Yield the experiments, newest first, page by page; ``name`` keeps those whose name contains it."""
        scope = await self._scope(dataset, project)
        pages = iterate_cursor(lambda cursor: experiments_page(self._runtime, cursor, scope=scope, name=name))
        async for experiment in pages:
            yield experiment

    async def list(
        self, *, dataset: str | None = None, name: str | None = None, project: str | None = None
    ) -> builtins.list[Experiment]:
        """Return all experiments, newest first; ``name`` keeps those whose name contains it."""
        return [experiment async for experiment in self.iterate(dataset=dataset, name=name, project=project)]

    async def delete(self, experiment: str, *, dataset: str | None = None, project: str | None = None) -> None:
        """Delete the experiment of that id or exact name, with its runs."""
        where = path("experiments", await self._id(experiment, dataset, project))
        await delete(self._runtime, where)

    async def iterate_runs(
        self, experiment: str, *, dataset: str | None = None, project: str | None = None
    ) -> AsyncIterator[ExperimentRun]:
        """Yield the runs of an experiment in the order in which they were stored, in pages of 500."""
        experiment_id = await self._id(experiment, dataset, project)
        pages = iterate_cursor(lambda cursor: runs_page(self._runtime, cursor, experiment_id=experiment_id))
        async for run in pages:
            yield run

    async def runs(
        self, experiment: str, *, dataset: str | None = None, project: str | None = None
    ) -> builtins.list[ExperimentRun]:
        """Return all runs of an experiment in the order in which they were stored."""
        return [run async for run in self.iterate_runs(experiment, dataset=dataset, project=project)]

    async def insert_runs(
        self,
        experiment: str,
        runs: Iterable[Mapping[str, Any] | ExperimentRun],
        *,
        dataset: str | None = None,
        project: str | None = None,
    ) -> builtins.list[str]:
        """Append runs to an experiment and return their ids, in the order given.

        Args:
            experiment: Its id or exact name.
            runs: As for :meth:`create`.
            dataset: Where to look for the name.
            project: Where to look for the name.

        Raises:
            PromptOpsError: A part failed; ``details`` says how many runs are ``stored``.
        """
        parts = chunked(encoded_runs(runs))
        experiment_id = await self._id(experiment, dataset, project)
        return await self._insert_parts(experiment_id, parts, stored=0)

    async def _insert_parts(
        self, experiment_id: str, parts: Iterable[builtins.list[bytes]], *, stored: int
    ) -> builtins.list[str]:
        ids: list[str] = []
        where = path("experiments", experiment_id, "runs")
        for part in parts:
            body = body_with("experiment_runs", part)
            try:
                answer = await post(self._runtime, where, body, ExperimentWithRunIds, profile=EXPERIMENT_RESULTS)
            except PromptOpsError as exc:
                exc.details.update(experiment_id=experiment_id, stored=stored)
                if stored:
                    exc.add_note(f"the first {stored} runs are stored in experiment {experiment_id}")
                raise
            ids += answer.run_ids
            stored += len(part)
        return ids

    async def _id(self, experiment: str, dataset: str | None, project: str | None) -> str:
        return await experiment_id_of(self._runtime, experiment, dataset, project or self._project)

    async def _scope(self, dataset: str | None, project: str | None) -> Mapping[str, str | None]:
        return await experiment_scope(self._runtime, dataset, project or self._project)


class SyncExperiments(SyncRuns[AsyncExperiments]):
    """Blocking view of :class:`AsyncExperiments`."""

    create = bridge(AsyncExperiments.create)
    get = bridge(AsyncExperiments.get)
    list_page = bridge(AsyncExperiments.list_page)
    iterate = bridge_iter(AsyncExperiments.iterate)
    list = bridge(AsyncExperiments.list)
    delete = bridge(AsyncExperiments.delete)
    iterate_runs = bridge_iter(AsyncExperiments.iterate_runs)
    runs = bridge(AsyncExperiments.runs)
    insert_runs = bridge(AsyncExperiments.insert_runs)
