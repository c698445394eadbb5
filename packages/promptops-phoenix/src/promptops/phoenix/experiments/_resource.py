"""The experiments resource of a Phoenix server."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

from promptops.core.pagination import CursorPage
from promptops.experiments._chunks import MOST_ITEMS
from promptops.experiments._stored import experiment_of
from promptops.models import Experiment
from promptops.models.experiments import ExperimentRun
from promptops.phoenix import _generated as wire
from promptops.phoenix._checks import is_count, refused
from promptops.phoenix._http import delete, pairs, path
from promptops.phoenix._ids import number_of
from promptops.phoenix.datasets._wire import resolve_dataset
from promptops.phoenix.experiments._lookup import (
    experiment_record,
    experiments_of,
    experiments_page,
    no_project,
)
from promptops.phoenix.experiments._own import PhoenixOnlyExperiments
from promptops.phoenix.experiments._rows import checked_runs
from promptops.phoenix.experiments._store_create import STORE, stored_experiment

__all__ = ["AsyncPhoenixExperiments"]

_PAGE: Final = 100


class AsyncPhoenixExperiments(PhoenixOnlyExperiments):
    """Experiments: run, store, read, compare, tag, export and delete.

    An experiment is named by its id, or by its exact name; ``dataset`` (a name or an id) says which dataset to look in.
    Without it every dataset is asked. A Phoenix server has no projects of datasets, so ``project`` stays None.

    Args:
        runtime: Sends the requests.
        version: The version of the server, as far as it is known.
        base_url: Where the server is, for the addresses of its web pages; journals keep experiments of several servers
            apart by it.
    """

    async def create(
        self, name: str, *, dataset: str, runs: Iterable[Mapping[str, Any] | ExperimentRun], project: str | None = None
    ) -> Experiment:
        """Store an experiment whose runs exist already; it gets as many repetitions as they have.

        Args:
            name: Unique in the dataset.
            dataset: The dataset by name or id.
            runs: One or more objects with ``example_id`` and ``output``, and if they are known with ``error``,
                ``latency`` (milliseconds), ``promptops.repetition``, ``promptops.started_at`` and the columns of
                evaluations (``eval.NAME.score``). An output that is not a string is stored as the JSON that it is.
            project: None.

        Raises:
            ValidationError: There is no run, or one cannot be stored; nothing was sent.
            UnsupportedOperation: A run has columns that Phoenix does not keep; nothing was sent.
            ConflictError: The name is taken.
            PromptOpsError: Not all runs could be stored; ``details`` has the experiment's id.
        """
        no_project(project)
        rows = checked_runs(runs)
        dataset_id = await resolve_dataset(self._runtime, dataset)
        repetitions = max(row.repetition for row in rows)
        made = await self._store.create(name, dataset_id=dataset_id, runs=rows, repetitions=repetitions)
        return experiment_of(made, STORE)

    async def get(self, experiment: str, *, dataset: str | None = None, project: str | None = None) -> Experiment:
        """Return the experiment of that id or exact name, without its runs.

        Raises:
            NotFoundError: There is none; close names are suggested.
            ValidationError: Several have the name; the message lists their ids.
        """
        return _experiment(await experiment_record(self._runtime, await self._id(experiment, dataset, project)))

    async def list_page(
        self,
        *,
        dataset: str | None = None,
        name: str | None = None,
        project: str | None = None,
        limit: int = _PAGE,
        cursor: str | None = None,
    ) -> CursorPage[Experiment]:
        """Return one page of the experiments, newest first.

        Without a dataset, or with a name, all are read for each page: the server lists by dataset alone.

        Args:
            dataset: Only those of this dataset.
            name: Only those whose name contains this.
            project: None.
            limit: Experiments per page.
            cursor: ``next_cursor`` of the page before.
        """
        no_project(project)
        if not is_count(limit):
            raise refused("limit", f"must be a whole number of at least 1, not {limit!r:.40}", "out_of_range")
        dataset_id = None if dataset is None else await resolve_dataset(self._runtime, dataset)
        if dataset_id is not None and name is None:
            page = await experiments_page(self._runtime, cursor, dataset_id=dataset_id, limit=limit)
            items = [_experiment(record) for record in page.items]
            return CursorPage(items=items, has_more=page.has_more, next_cursor=page.next_cursor)
        start = None if cursor is None else number_of(cursor, "Experiment")
        found = [
            record
            async for record in self._matching(dataset_id, name)
            if start is None or number_of(record.id, "Experiment") <= start
        ]
        following = found[limit].id if len(found) > limit else None
        items = [_experiment(record) for record in found[:limit]]
        return CursorPage(items=items, has_more=following is not None, next_cursor=following)

    async def iterate(
        self, *, dataset: str | None = None, name: str | None = None, project: str | None = None
    ) -> AsyncIterator[Experiment]:
        """Yield the experiments, newest first; ``name`` keeps those whose name contains it."""
        no_project(project)
        dataset_id = None if dataset is None else await resolve_dataset(self._runtime, dataset)
        async for record in self._matching(dataset_id, name):
            yield _experiment(record)

    async def list(
        self, *, dataset: str | None = None, name: str | None = None, project: str | None = None
    ) -> builtins.list[Experiment]:
        """Return all experiments, newest first; ``name`` keeps those whose name contains it."""
        return [experiment async for experiment in self.iterate(dataset=dataset, name=name, project=project)]

    async def delete(
        self,
        experiment: str,
        *,
        dataset: str | None = None,
        project: str | None = None,
        delete_project: bool = False,
    ) -> None:
        """Delete the experiment of that id or exact name, with its runs.

        Args:
            experiment: Its id or exact name.
            dataset: Where to look for the name.
            project: None.
            delete_project: Delete the project with the traces of its runs, too.
        """
        experiment_id = await self._id(experiment, dataset, project)
        if not delete_project:
            await self._store.delete(experiment_id)
            return
        self._store.forget(experiment_id)
        await delete(self._runtime, path("experiments", experiment_id), query=pairs(delete_project=True))

    async def iterate_runs(
        self, experiment: str, *, dataset: str | None = None, project: str | None = None
    ) -> AsyncIterator[ExperimentRun]:
        """Yield the runs of an experiment with their evaluations, in the order in which they were stored."""
        async for run in self._store.runs(await self._id(experiment, dataset, project)):
            yield run

    async def runs(
        self, experiment: str, *, dataset: str | None = None, project: str | None = None
    ) -> builtins.list[ExperimentRun]:
        """Return all runs of an experiment with their evaluations, in the order in which they were stored."""
        return [run async for run in self.iterate_runs(experiment, dataset=dataset, project=project)]

    async def insert_runs(
        self,
        experiment: str,
        runs: Iterable[Mapping[str, Any] | ExperimentRun],
        *,
        dataset: str | None = None,
        project: str | None = None,
    ) -> builtins.list[str]:
        """Add runs to an experiment and return their ids, in the order given.

        A run that is stored already with the same output is fine; a failed one is replaced.

        Args:
            experiment: Its id or exact name.
            runs: As for :meth:`create`.
            dataset: Where to look for the name.
            project: None.

        Raises:
            ValidationError: A run cannot be stored, is of an example that the experiment does not have, or of a
                repetition beyond those it was made with.
            ConflictError: A successful run with another output stands in the place of one.
        """
        rows = checked_runs(runs)
        experiment_id = await self._id(experiment, dataset, project)
        ids: list[str] = []
        for start in range(0, len(rows), MOST_ITEMS):
            ids += await self._store.upload_runs(experiment_id, rows[start : start + MOST_ITEMS])
        return ids

    async def _matching(self, dataset_id: str | None, name: str | None) -> AsyncIterator[wire.Experiment]:
        async for record in experiments_of(self._runtime, dataset_id):
            if name is None or name in record.name:
                yield record


def _experiment(record: wire.Experiment) -> Experiment:
    return stored_experiment(record).original
