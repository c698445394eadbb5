"""Turns the names that callers use into ids: of projects, datasets and experiments."""

from __future__ import annotations

from collections.abc import Mapping

from promptops.core.pagination import iterate_cursor
from promptops.core.runtime import Runtime
from promptops.experiments._pages import datasets_page, experiments_page, spaces_page
from promptops.experiments._resolve import exactly_one, looks_like_id, not_found
from promptops.models import Experiment

__all__ = [
    "dataset_id_of",
    "experiment_id_of",
    "experiment_named",
    "experiment_scope",
    "space_id_of",
]


async def space_id_of(runtime: Runtime, project: str | None) -> str | None:
    """Return the id of the space that ``project`` names, by id or by exact name; None stays None."""
    if project is None or looks_like_id(project):
        return project
    pages = iterate_cursor(lambda cursor: spaces_page(runtime, cursor, name=project))
    found = exactly_one("project", project, [space async for space in pages], hint="pass the id of the one meant")
    if found is not None:
        return found.id
    others = await spaces_page(runtime, None)
    raise not_found("project", project, [space.name for space in others.items], more=others.has_more)


async def dataset_id_of(runtime: Runtime, dataset: str, project: str | None) -> str:
    """Return the id of the dataset of that id or exact name."""
    if looks_like_id(dataset):
        return dataset
    space_id = await space_id_of(runtime, project)
    pages = iterate_cursor(lambda cursor: datasets_page(runtime, cursor, space_id=space_id, name=dataset))
    found = exactly_one("dataset", dataset, [item async for item in pages], hint="pass project= or the id")
    if found is not None:
        return found.id
    others = await datasets_page(runtime, None, space_id=space_id)
    raise not_found("dataset", dataset, [item.name for item in others.items], more=others.has_more)


async def experiment_scope(runtime: Runtime, dataset: str | None, project: str | None) -> Mapping[str, str | None]:
    """Return where to list experiments: a dataset or a space, never both."""
    if dataset is not None:
        return {"dataset_id": await dataset_id_of(runtime, dataset, project)}
    return {"space_id": await space_id_of(runtime, project)}


async def experiment_named(runtime: Runtime, name: str, scope: Mapping[str, str | None]) -> Experiment | None:
    """Return the experiment of that exact name, or None."""
    pages = iterate_cursor(lambda cursor: experiments_page(runtime, cursor, scope=scope, name=name))
    return exactly_one("experiment", name, [item async for item in pages], hint="pass dataset= or the id")


async def experiment_id_of(runtime: Runtime, experiment: str, dataset: str | None, project: str | None) -> str:
    """Return the id of the experiment of that id or exact name."""
    if looks_like_id(experiment):
        return experiment
    scope = await experiment_scope(runtime, dataset, project)
    found = await experiment_named(runtime, experiment, scope)
    if found is not None:
        return found.id
    others = await experiments_page(runtime, None, scope=scope)
    raise not_found("experiment", experiment, [item.name for item in others.items], more=others.has_more)
