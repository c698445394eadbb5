"""One page of each list of ``/v2``: spaces, datasets, examples, experiments, runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from promptops.core.pagination import CursorPage
from promptops.core.runtime import Runtime
from promptops.experiments._http import ITEMS_PER_PAGE, NAMED_PER_PAGE, fetch_page, path
from promptops.models import (
    Dataset,
    DatasetExampleList,
    DatasetList,
    Experiment,
    ExperimentList,
    ExperimentRunList,
    Space,
    SpaceList,
)
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun

__all__ = ["datasets_page", "examples_page", "experiments_page", "runs_page", "spaces_page"]

T = TypeVar("T")


async def spaces_page(
    runtime: Runtime, cursor: str | None, *, name: str | None = None, limit: int = NAMED_PER_PAGE
) -> CursorPage[Space]:
    """Return a page of the spaces whose name contains ``name``."""
    return await fetch_page(
        runtime,
        path("spaces"),
        (SpaceList, "spaces"),
        limit=limit,
        largest=NAMED_PER_PAGE,
        cursor=cursor,
        query={"name": name},
        convert=_as_it_is,
    )


async def datasets_page(
    runtime: Runtime,
    cursor: str | None,
    *,
    space_id: str | None,
    name: str | None = None,
    limit: int = NAMED_PER_PAGE,
) -> CursorPage[Dataset]:
    """Return a page of the datasets whose name contains ``name``, newest first."""
    return await fetch_page(
        runtime,
        path("datasets"),
        (DatasetList, "datasets"),
        limit=limit,
        largest=NAMED_PER_PAGE,
        cursor=cursor,
        query={"space_id": space_id, "name": name},
        convert=_as_it_is,
    )


async def examples_page(
    runtime: Runtime, cursor: str | None, *, dataset_id: str, version: str | None, split: str | None = None
) -> CursorPage[DatasetExample]:
    """Return a page of the examples of a dataset, or of one split of it, oldest first."""
    return await fetch_page(
        runtime,
        path("datasets", dataset_id, "examples"),
        (DatasetExampleList, "examples"),
        limit=ITEMS_PER_PAGE,
        largest=ITEMS_PER_PAGE,
        cursor=cursor,
        query={"dataset_version_id": version, "split": split},
        convert=DatasetExample.from_wire,
    )


async def experiments_page(
    runtime: Runtime,
    cursor: str | None,
    *,
    scope: Mapping[str, str | None],
    name: str | None = None,
    limit: int = NAMED_PER_PAGE,
) -> CursorPage[Experiment]:
    """Return a page of the experiments whose name contains ``name``, newest first; ``scope`` says of what."""
    return await fetch_page(
        runtime,
        path("experiments"),
        (ExperimentList, "experiments"),
        limit=limit,
        largest=NAMED_PER_PAGE,
        cursor=cursor,
        query={**scope, "name": name},
        convert=_as_it_is,
    )


async def runs_page(runtime: Runtime, cursor: str | None, *, experiment_id: str) -> CursorPage[ExperimentRun]:
    """Return a page of the runs of an experiment, in the order in which they were stored."""
    return await fetch_page(
        runtime,
        path("experiments", experiment_id, "runs"),
        (ExperimentRunList, "experiment_runs"),
        limit=ITEMS_PER_PAGE,
        largest=ITEMS_PER_PAGE,
        cursor=cursor,
        query={},
        convert=ExperimentRun.from_wire,
    )


def _as_it_is(item: T) -> T:
    return item
