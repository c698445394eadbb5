"""What is asked of a Phoenix server about datasets: one, all, their versions, their examples."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec
from promptops.core.errors import InvalidResponseError
from promptops.core.pagination import CursorPage, iterate_cursor
from promptops.core.runtime import Runtime
from promptops.experiments._resolve import not_found
from promptops.models import prepared
from promptops.phoenix._checks import check_name
from promptops.phoenix._generated import models as wire
from promptops.phoenix._http import EXPORT, Query, fetch, fetch_page, fetch_text, pairs, path
from promptops.phoenix._ids import check_id, is_global_id
from promptops.phoenix.datasets._models import PhoenixDatasetVersion, version_of

__all__ = [
    "DATASET",
    "EXAMPLE",
    "VERSION",
    "ExportedExample",
    "dataset_named",
    "datasets_page",
    "example_list",
    "exported",
    "find_dataset",
    "iterate_versions",
    "latest_version",
    "resolve_dataset",
    "versions_page",
    "wire_dataset",
]

DATASET: Final = "Dataset"
EXAMPLE: Final = "DatasetExample"
VERSION: Final = "DatasetVersion"
_VERSIONS_PER_PAGE: Final = 1000


class ExportedExample(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the JSONL export, which alone says the splits of an example."""

    id: str
    node_id: str
    input: msgspec.Raw
    output: msgspec.Raw
    metadata: msgspec.Raw
    splits: list[str]


_EXPORTED: Final = msgspec.json.Decoder(prepared(ExportedExample))


async def datasets_page(
    runtime: Runtime, cursor: str | None, *, name: str | None = None, limit: int = 100
) -> CursorPage[wire.Dataset]:
    """Return a page of the datasets, newest first; of those with exactly that name when one is given."""
    return await fetch_page(
        runtime,
        path("datasets"),
        wire.ListDatasetsResponseBody,
        query=pairs(name=name),
        limit=limit,
        cursor=cursor,
    )


async def dataset_named(runtime: Runtime, name: str) -> wire.Dataset | None:
    """Return the dataset of that exact name, or None."""
    page = await datasets_page(runtime, None, name=name, limit=2)
    return next((item for item in page.items if item.name == name), None)


async def wire_dataset(runtime: Runtime, dataset_id: str) -> wire.DatasetWithExampleCount:
    """Return the dataset of that id."""
    return (await fetch(runtime, path("datasets", dataset_id), wire.GetDatasetResponseBody)).data


async def find_dataset(runtime: Runtime, dataset: str) -> wire.Dataset | wire.DatasetWithExampleCount:
    """Return the dataset of that id or exact name.

    Raises:
        NotFoundError: There is none; close names are suggested.
    """
    if is_global_id(dataset, DATASET):
        return await wire_dataset(runtime, dataset)
    found = await dataset_named(runtime, check_name("dataset", dataset))
    if found is None:
        others = await datasets_page(runtime, None)
        raise not_found("dataset", dataset, [item.name for item in others.items], more=others.has_more)
    return found


async def resolve_dataset(runtime: Runtime, dataset: str) -> str:
    """Return the id of the dataset of that id or exact name; of an id, without asking."""
    return dataset if is_global_id(dataset, DATASET) else (await find_dataset(runtime, dataset)).id


async def versions_page(
    runtime: Runtime, cursor: str | None, *, dataset_id: str, limit: int = _VERSIONS_PER_PAGE
) -> CursorPage[PhoenixDatasetVersion]:
    """Return a page of the versions of a dataset, newest first."""
    return await fetch_page(
        runtime,
        path("datasets", dataset_id, "versions"),
        wire.ListDatasetVersionsResponseBody,
        limit=limit,
        cursor=cursor,
        convert=version_of,
    )


def iterate_versions(runtime: Runtime, dataset_id: str) -> AsyncIterator[PhoenixDatasetVersion]:
    """Yield the versions of a dataset, newest first."""
    return iterate_cursor(lambda cursor: versions_page(runtime, cursor, dataset_id=dataset_id))


async def latest_version(runtime: Runtime, dataset_id: str) -> str:
    """Return the id of the latest version."""
    page = await versions_page(runtime, None, dataset_id=dataset_id, limit=1)
    if not page.items:
        raise InvalidResponseError(f"the server knows no version of dataset {dataset_id}; it may have been deleted")
    return page.items[0].id


async def example_list(
    runtime: Runtime, dataset_id: str, *, version: str | None = None, split: str | Sequence[str] | None = None
) -> list[wire.DatasetExample]:
    """Return all examples, oldest first; the server has no pages of them."""
    return (await example_data(runtime, dataset_id, version=version, split=split)).examples


async def example_data(
    runtime: Runtime, dataset_id: str, *, version: str | None = None, split: str | Sequence[str] | None = None
) -> wire.ListDatasetExamplesData:
    """Return all examples, oldest first, with the version that they are of."""
    query = (*_of_version(version), *pairs(split=split))
    where = path("datasets", dataset_id, "examples")
    return (await fetch(runtime, where, wire.ListDatasetExamplesResponseBody, query=query, profile=EXPORT)).data


async def exported(runtime: Runtime, dataset_id: str, *, version: str | None = None) -> list[ExportedExample]:
    """Return all examples with their splits, oldest first.

    Raises:
        InvalidResponseError: A line does not have the expected form.
    """
    where = path("datasets", dataset_id, "jsonl")
    text = await fetch_text(runtime, where, media="text/plain", query=_of_version(version))
    try:
        return await runtime.run_blocking(_exported_of, text)
    except (msgspec.DecodeError, UnicodeError) as exc:
        raise InvalidResponseError(f"the JSONL export of dataset {dataset_id} cannot be read: {exc}") from exc


def _exported_of(text: str) -> list[ExportedExample]:
    return [_EXPORTED.decode(line) for line in text.encode().split(b"\n") if line]


def _of_version(version: str | None) -> Query:
    return pairs(version_id=None if version is None else check_id("version", version, VERSION))
