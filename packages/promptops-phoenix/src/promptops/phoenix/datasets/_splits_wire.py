"""The routes of splits, and the ids by which they know splits and examples."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Final

from promptops.core.errors import NotFoundError, ValidationError
from promptops.core.pagination import CursorPage, iterate_cursor
from promptops.core.runtime import Runtime
from promptops.experiments._resolve import not_found
from promptops.phoenix._checks import json_body
from promptops.phoenix._generated import models as wire
from promptops.phoenix._http import UPLOAD, delete, fetch_page, path, send
from promptops.phoenix._ids import is_global_id
from promptops.phoenix.datasets._models import DatasetSplit
from promptops.phoenix.datasets._wire import EXAMPLE, example_list

__all__ = [
    "IDS_PER_REQUEST",
    "INTO",
    "change_split",
    "make_split",
    "node_ids",
    "remove_split",
    "split_id_of",
    "splits_of",
]

IDS_PER_REQUEST: Final = 2000
INTO: Final = (
    "examples come into it by update_split (with its id when only other datasets have it; list_splits of one of them"
    " says the id), by assign_split, or by a field 'split' of an example that is uploaded"
)
"""What to do about a split that another dataset may have."""
_KIND: Final = "DatasetSplit"


def splits_of(runtime: Runtime, dataset_id: str) -> AsyncIterator[DatasetSplit]:
    """Yield the splits that examples of a dataset are in."""

    async def page(cursor: str | None) -> CursorPage[DatasetSplit]:
        where = path("datasets", dataset_id, "splits")
        return await fetch_page(runtime, where, wire.ListDatasetSplitsResponseBody, limit=None, cursor=cursor)

    return iterate_cursor(page)


async def split_id_of(runtime: Runtime, dataset_id: str, split: str) -> str:
    """Return the id of the split of that id, or of that name in the dataset.

    Raises:
        NotFoundError: The dataset has none of that name, though another one may.
    """
    if is_global_id(split, _KIND):
        return split
    names: list[str] = []
    async for found in splits_of(runtime, dataset_id):
        if found.name == split:
            return found.id
        names.append(found.name)
    raise _absent(split, names)


async def node_ids(runtime: Runtime, dataset_id: str, example_ids: Iterable[str]) -> list[str]:
    """Return the server's ids of examples that are named by these or by the callers' own, each once.

    Raises:
        NotFoundError: The dataset has no such example.
        ValidationError: One text was given instead of a list.
    """
    if isinstance(example_ids, str):
        raise ValidationError("examples are named by a list of ids, not by one text")
    wanted = list(dict.fromkeys(example_ids))
    if all(is_global_id(one, EXAMPLE) for one in wanted):
        return wanted
    there = await example_list(runtime, dataset_id)
    known = {item.node_id: item.node_id for item in there} | {item.id: item.node_id for item in there}
    absent = [one for one in wanted if one not in known]
    if absent:
        raise not_found("example", absent[0], list(known), where=" in this dataset")
    return [known[one] for one in wanted]


async def make_split(
    runtime: Runtime, dataset_id: str, name: str, ids: Sequence[str], facts: Mapping[str, Any] | None = None
) -> DatasetSplit:
    """Create a split with examples in it.

    Args:
        runtime: Sends the requests.
        dataset_id: Whose examples they are.
        name: The name of the split.
        ids: The server's ids of the examples, any number.
        facts: What else is known of the split.

    Raises:
        ConflictError: The name is taken.
    """
    body = {"name": name, "example_ids": [*ids[:IDS_PER_REQUEST]], **(facts or {})}
    where = path("datasets", dataset_id, "splits")
    shape = wire.CreateDatasetSplitResponseBody
    made = (await send(runtime, "POST", where, json_body(body), shape, profile=UPLOAD)).data
    rest = ids[IDS_PER_REQUEST:]
    return await change_split(runtime, dataset_id, made.id, add=rest) if rest else made


async def change_split(
    runtime: Runtime,
    dataset_id: str,
    split_id: str,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    facts: Mapping[str, Any] | None = None,
) -> DatasetSplit:
    """Put examples into a split and take others out of it, any number of them; arguments as for :func:`make_split`."""
    where = path("datasets", dataset_id, "splits", split_id)
    body: dict[str, Any] = dict(facts or {})
    start = 0
    while True:
        end = start + IDS_PER_REQUEST
        body |= {"add_example_ids": [*add[start:end]], "remove_example_ids": [*remove[start:end]]}
        done = await send(
            runtime,
            "PATCH",
            where,
            json_body(body),
            wire.UpdateDatasetSplitResponseBody,
            profile=UPLOAD,
            repeatable=True,
        )
        if end >= max(len(add), len(remove)):
            return done.data
        start, body = end, {}


async def remove_split(runtime: Runtime, dataset_id: str, split_id: str) -> None:
    """Delete a split."""
    await delete(runtime, path("datasets", dataset_id, "splits", split_id))


def _absent(split: str, others: Sequence[str]) -> NotFoundError:
    error = not_found("split", split, others, where=" in this dataset")
    error.message = f"{error.message}. If no dataset has it, create_split makes it; else {INTO}"
    error.args = (error.message,)
    return error
