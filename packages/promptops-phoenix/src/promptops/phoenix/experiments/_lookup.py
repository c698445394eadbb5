"""Finds datasets, experiments and runs on a Phoenix server, by id or by exact name, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

from promptops.core.errors import ServerError, UnsupportedOperation
from promptops.core.pagination import CursorPage, iterate_cursor
from promptops.core.runtime import Runtime
from promptops.experiments._resolve import exactly_one, not_found
from promptops.phoenix import _generated as wire
from promptops.phoenix._checks import check_name
from promptops.phoenix._http import fetch, fetch_page, pairs, path
from promptops.phoenix._ids import check_id, is_global_id, number_of
from promptops.phoenix.datasets._wire import datasets_page, resolve_dataset, wire_dataset

__all__ = [
    "RUNS_PER_PAGE",
    "experiment_id_of",
    "experiment_named",
    "experiment_record",
    "experiments_of",
    "experiments_page",
    "incomplete_page",
    "no_project",
    "runs_of",
    "runs_page",
    "unscored_page",
]

RUNS_PER_PAGE: Final = 500
_AT_ONCE: Final = 8


def no_project(project: str | None) -> None:
    """Refuse a project: the argument is there so that code can move between servers.

    Raises:
        UnsupportedOperation: One was given.
    """
    if project is not None:
        raise UnsupportedOperation(
            "a Phoenix server keeps its datasets and experiments in no project; leave project= out",
            details={"store": "phoenix", "feature": "projects"},
        )


async def experiment_record(runtime: Runtime, experiment_id: str) -> wire.Experiment:
    """Return the record of an experiment, with how many of its runs are done."""
    where = path("experiments", check_id("experiment", experiment_id, "Experiment"))
    return (await fetch(runtime, where, wire.GetExperimentResponseBody)).data


async def experiments_page(
    runtime: Runtime, cursor: str | None, *, dataset_id: str, limit: int | None = None
) -> CursorPage[wire.Experiment]:
    """Return a page of the experiments of a dataset, newest first; of a dataset that is not there, an empty one."""
    where = path("datasets", dataset_id, "experiments")
    shape = wire.ListExperimentsResponseBody
    return await fetch_page(runtime, where, shape, limit=limit, cursor=cursor)


async def experiments_of(runtime: Runtime, dataset_id: str | None) -> AsyncIterator[wire.Experiment]:
    """Yield the experiments of a dataset, or of all, newest first.

    The server lists them by dataset alone, so for all of them every dataset is asked before the first is yielded.

    Raises:
        NotFoundError: There is no such dataset.
    """
    if dataset_id is not None:
        any_found = False
        async for found in iterate_cursor(lambda cursor: experiments_page(runtime, cursor, dataset_id=dataset_id)):
            any_found = True
            yield found
        if not any_found:
            await wire_dataset(runtime, dataset_id)  # the list of a dataset that is not there is empty, too
        return
    datasets = [dataset async for dataset in iterate_cursor(lambda cursor: datasets_page(runtime, cursor))]

    async def listed(each: wire.Dataset) -> list[wire.Experiment]:
        pages = iterate_cursor(lambda cursor: experiments_page(runtime, cursor, dataset_id=each.id))
        try:
            return [item async for item in pages]
        except ServerError as exc:  # one that the server cannot read spoils the list of its dataset for good
            exc.add_note(f"while listing the experiments of dataset {each.name!r} ({each.id}); name the dataset meant")
            raise

    lists = await runtime.gather(*[lambda each=each: listed(each) for each in datasets], limit=_AT_ONCE)
    everything = [item for items in lists for item in items]
    for item in sorted(everything, key=lambda item: number_of(item.id, "Experiment"), reverse=True):
        yield item


async def experiment_named(runtime: Runtime, name: str, dataset_id: str) -> wire.Experiment | None:
    """Return the experiment of that exact name, or None.

    Raises:
        ValidationError: Several have it: names are not unique on a Phoenix server.
    """
    pages = iterate_cursor(lambda cursor: experiments_page(runtime, cursor, dataset_id=dataset_id))
    return exactly_one("experiment", name, [item async for item in pages], hint="pass the id of the one meant")


async def experiment_id_of(runtime: Runtime, experiment: str, dataset: str | None) -> str:
    """Return the id of the experiment of that id or exact name.

    Raises:
        NotFoundError: There is none; close names are suggested.
    """
    if is_global_id(experiment, "Experiment"):
        return experiment
    check_name("experiment", experiment)
    dataset_id = None if dataset is None else await resolve_dataset(runtime, dataset)
    found = [item async for item in experiments_of(runtime, dataset_id)]
    match = exactly_one("experiment", experiment, found, hint="pass the id of the one meant")
    if match is not None:
        return match.id
    raise not_found("experiment", experiment, [item.name for item in found])


async def runs_page(
    runtime: Runtime, cursor: str | None, *, experiment_id: str, limit: int = RUNS_PER_PAGE
) -> CursorPage[wire.ExperimentRun]:
    """Return a page of the runs of an experiment, newest first."""
    where = path("experiments", check_id("experiment", experiment_id, "Experiment"), "runs")
    shape = wire.ListExperimentRunsResponseBody
    return await fetch_page(runtime, where, shape, limit=limit, cursor=cursor)


async def incomplete_page(
    runtime: Runtime, cursor: str | None, *, experiment_id: str
) -> CursorPage[wire.IncompleteExperimentRun]:
    """Return a page of the examples with missing or failed runs, oldest first."""
    where = path("experiments", check_id("experiment", experiment_id, "Experiment"), "incomplete-runs")
    shape = wire.GetIncompleteExperimentRunsResponseBody
    return await fetch_page(runtime, where, shape, limit=RUNS_PER_PAGE, cursor=cursor)


async def unscored_page(
    runtime: Runtime, cursor: str | None, *, experiment_id: str, names: Sequence[str]
) -> CursorPage[wire.IncompleteExperimentEvaluation]:
    """Return a page of the successful runs that lack one of the named evaluations, oldest first."""
    where = path("experiments", check_id("experiment", experiment_id, "Experiment"), "incomplete-evaluations")
    shape = wire.GetIncompleteEvaluationsResponseBody
    query = pairs(evaluation_name=names)
    return await fetch_page(runtime, where, shape, query=query, limit=RUNS_PER_PAGE, cursor=cursor)


async def runs_of(runtime: Runtime, experiment_id: str) -> list[wire.ExperimentRun]:
    """Return the runs of an experiment in the order in which they were stored."""
    pages = iterate_cursor(lambda cursor: runs_page(runtime, cursor, experiment_id=experiment_id))
    return [run async for run in pages][::-1]
