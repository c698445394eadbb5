"""Splits of datasets. A split is known to the whole server; examples of any dataset can be in it."""

from __future__ import annotations

import builtins
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType
from promptops.core.errors import ConflictError, NotFoundError, ValidationError
from promptops.core.pagination import CursorPage, iterate_cursor
from promptops.experiments._resolve import not_found
from promptops.experiments.datasets._changes import DatasetChanges
from promptops.experiments.datasets._splits import Splitter
from promptops.models.datasets import DatasetExample
from promptops.phoenix._checks import check_finite, check_name, json_body
from promptops.phoenix._generated import models as wire
from promptops.phoenix._http import UPLOAD, delete, fetch_page, path, send
from promptops.phoenix._ids import is_global_id
from promptops.phoenix.datasets._examples import fields_of
from promptops.phoenix.datasets._models import DatasetSplit
from promptops.phoenix.datasets._reads import AsyncDatasetReads, refuse_project
from promptops.phoenix.datasets._rows import body_of
from promptops.phoenix.datasets._uploads import upload
from promptops.phoenix.datasets._wire import (
    ExportedExample,
    example_list,
    exported,
    find_dataset,
    latest_version,
    resolve_dataset,
)

__all__ = ["AsyncDatasetSplits"]

_KIND: Final = "DatasetSplit"
_EXAMPLE: Final = "DatasetExample"
_IDS_PER_REQUEST: Final = 2000
_INTO: Final = (
    "examples come into it by update_split (with its id when only other datasets have it; list_splits of one of them"
    " says the id), by assign_split, or by a field 'split' of an example that is uploaded"
)


class AsyncDatasetSplits(AsyncDatasetReads):
    """Splits: create, change, delete, and assign. A split is named by its id, or by its name in a dataset.

    Assigning examples to splits makes no version: an older version shows today's splits.
    """

    async def list_splits(self, *, dataset: str) -> builtins.list[DatasetSplit]:
        """Return the splits that examples of a dataset are in, with how many; a split without any is not listed."""
        return [split async for split in self._splits_of(await resolve_dataset(self._runtime, dataset))]

    async def create_split(
        self,
        *,
        dataset: str,
        name: str,
        example_ids: Iterable[str] = (),
        description: str | None = None,
        color: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> DatasetSplit:
        """Create a split, with examples of a dataset in it.

        Args:
            dataset: Its id or exact name.
            name: Unique on the server, over all datasets.
            example_ids: Examples by the callers' own ids or the server's.
            description: What the split is for.
            color: For the server's pages; the server gives one when absent.
            metadata: Any object.

        Raises:
            ConflictError: The name is taken, perhaps by a split of another dataset.
            NotFoundError: There is no such example in the dataset.
        """
        dataset_id = await resolve_dataset(self._runtime, dataset)
        ids = await self._node_ids(dataset_id, example_ids)
        try:
            return await self._create(dataset_id, name, ids, description=description, color=color, metadata=metadata)
        except ConflictError as exc:
            exc.message = f"there is a split {name!r} on this server already; {_INTO}"
            exc.args = (exc.message,)
            raise

    async def _create(
        self,
        dataset_id: str,
        name: str,
        ids: builtins.list[str],
        *,
        description: str | None = None,
        color: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> DatasetSplit:
        check_finite("metadata", metadata)
        facts: dict[str, Any] = {"description": description, "color": color, "metadata": metadata}
        body = {
            "name": _split_name(name),
            "example_ids": ids[:_IDS_PER_REQUEST],
            **{field: value for field, value in facts.items() if value is not None},
        }
        where = path("datasets", dataset_id, "splits")
        made = await send(
            self._runtime, "POST", where, json_body(body), wire.CreateDatasetSplitResponseBody, profile=UPLOAD
        )
        if len(ids) > _IDS_PER_REQUEST:
            return await self._assign(dataset_id, made.data.id, add=ids[_IDS_PER_REQUEST:])
        return made.data

    async def update_split(
        self,
        *,
        dataset: str,
        split: str,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        name: str | UnsetType = UNSET,
        description: str | UnsetType | None = UNSET,
        color: str | UnsetType = UNSET,
        metadata: Mapping[str, Any] | UnsetType = UNSET,
    ) -> DatasetSplit:
        """Put examples into a split, take others out of it, and change what is known of it.

        What is known of it (its name, for one) changes for every dataset.

        Args:
            dataset: Its id or exact name.
            split: Its id, or its name in this dataset.
            add: Examples by the callers' own ids or the server's.
            remove: Examples that leave the split; they stay in the dataset.
            name: A new name.
            description: A new description; None removes it.
            color: A new color.
            metadata: New metadata.

        Raises:
            NotFoundError: There is no such split or example.
            ConflictError: The new name is taken.
        """
        dataset_id = await resolve_dataset(self._runtime, dataset)
        split_id = await self._split_id(dataset_id, split)
        check_finite("metadata", None if metadata is UNSET else metadata)
        facts: dict[str, Any] = {
            "name": name if isinstance(name, UnsetType) else _split_name(name),
            "description": description,
            "color": color,
            "metadata": metadata,
        }
        known = {field: value for field, value in facts.items() if value is not UNSET}
        added, removed = await self._node_ids(dataset_id, add), await self._node_ids(dataset_id, remove)
        both = sorted(set(added) & set(removed))
        if both:
            raise ValidationError(f"examples are both added and removed: {', '.join(both[:10])}")
        return await self._assign(dataset_id, split_id, add=added, remove=removed, facts=known)

    async def delete_split(self, *, dataset: str, split: str) -> None:
        """Delete a split on the whole server; its examples stay, those of other datasets too, and are in it no more."""
        dataset_id = await resolve_dataset(self._runtime, dataset)
        split_id = await self._split_id(dataset_id, split)
        await delete(self._runtime, path("datasets", dataset_id, "splits", split_id))

    async def assign_split(
        self,
        dataset: str,
        shares: Mapping[str, float],
        *,
        seed: int = 0,
        by: str = "id",
        project: str | None = None,
    ) -> DatasetChanges:
        """Put every example of a dataset into one of these splits; its other splits stay, and there is no new version.

        Which split it is depends on nothing but the seed and the id (or the field ``by``): after an append, the same
        call assigns the new examples, and moves no other one.

        Args:
            dataset: Its id or exact name.
            shares: Splits and their shares of the whole, for example ``{"train": 0.8, "test": 0.2}``; what they leave
                of 1 is in none of them.
            seed: Another seed gives another assignment.
            by: A field: examples with the same value of it are in the same split. ``id`` is the caller's own id.
            project: As for :meth:`get`.

        Raises:
            ValidationError: The shares are no shares, or an example has not got the field ``by``.
        """
        refuse_project(project)
        splitter = Splitter(shares, seed=seed, by=by)
        for name in shares:
            _split_name(name)
        found = await find_dataset(self._runtime, dataset)
        rows = await exported(self._runtime, found.id)
        moves = await self._runtime.run_blocking(_moves_of, rows, splitter, builtins.list(shares))
        known = {split.name: split.id async for split in self._splits_of(found.id)}
        for name, (added, removed) in moves.items():
            rest = added
            if added and name not in known:
                known[name], rest = await self._first_in_split(found.id, found.name, name, added)
            if rest or removed:
                await self._assign(found.id, known[name], add=[row.node_id for row in rest], remove=removed)
        changed = {row.node_id for added, _ in moves.values() for row in added}
        changed |= {node_id for _, removed in moves.values() for node_id in removed}
        return DatasetChanges(
            dataset_id=found.id,
            version_id=await latest_version(self._runtime, found.id),
            updated=len(changed),
            unchanged=len(rows) - len(changed),
            total=len(rows),
        )

    async def _first_in_split(
        self, dataset_id: str, dataset: str, name: str, added: builtins.list[ExportedExample]
    ) -> tuple[str, builtins.list[ExportedExample]]:
        """Put examples into a split that none of the dataset is in; return its id, and those that are not in it yet."""
        ids = [row.node_id for row in added[:_IDS_PER_REQUEST]]
        try:
            made = await self._create(dataset_id, name, ids)
        except ConflictError:
            # Another dataset has the split, and the server lists only those that a dataset has. It puts an example
            # that is uploaded again, just as it is, into the splits that are named.
            first = added[0]
            line = (first.id, first.input, first.output, first.metadata, [*first.splits, name], None)
            await upload(self._runtime, body_of("append", dataset, [msgspec.json.encode(line)]), repeatable=True)
            return await self._split_id(dataset_id, name), added[1:]
        return made.id, added[_IDS_PER_REQUEST:]

    async def _assign(
        self,
        dataset_id: str,
        split_id: str,
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> DatasetSplit:
        where = path("datasets", dataset_id, "splits", split_id)
        body: dict[str, Any] = dict(facts or {})
        start = 0
        while True:
            end = start + _IDS_PER_REQUEST
            body |= {"add_example_ids": [*add[start:end]], "remove_example_ids": [*remove[start:end]]}
            done = await send(
                self._runtime,
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

    async def _node_ids(self, dataset_id: str, example_ids: Iterable[str]) -> builtins.list[str]:
        if isinstance(example_ids, str):
            raise ValidationError("examples are named by a list of ids, not by one text")
        wanted = builtins.list(dict.fromkeys(example_ids))
        if all(is_global_id(one, _EXAMPLE) for one in wanted):
            return wanted
        there = await example_list(self._runtime, dataset_id)
        known = {item.node_id: item.node_id for item in there} | {item.id: item.node_id for item in there}
        absent = [one for one in wanted if one not in known]
        if absent:
            raise not_found("example", absent[0], builtins.list(known), where=" in this dataset")
        return [known[one] for one in wanted]

    async def _split_id(self, dataset_id: str, split: str) -> str:
        if is_global_id(split, _KIND):
            return split
        names: builtins.list[str] = []
        async for found in self._splits_of(dataset_id):
            if found.name == split:
                return found.id
            names.append(found.name)
        raise _absent(split, names)

    def _splits_of(self, dataset_id: str) -> AsyncIterator[DatasetSplit]:
        async def page(cursor: str | None) -> CursorPage[DatasetSplit]:
            where = path("datasets", dataset_id, "splits")
            shape = wire.ListDatasetSplitsResponseBody
            return await fetch_page(self._runtime, where, shape, limit=None, cursor=cursor)

        return iterate_cursor(page)


def _moves_of(
    rows: Sequence[ExportedExample], splitter: Splitter, names: Sequence[str]
) -> dict[str, tuple[list[ExportedExample], list[str]]]:
    """For each split, the examples that come into it, and the ids of those that leave it."""
    moves: dict[str, tuple[list[ExportedExample], list[str]]] = {name: ([], []) for name in names}
    for row in rows:
        given, output, metadata = (msgspec.json.decode(part) for part in (row.input, row.output, row.metadata))
        chosen = splitter(DatasetExample(id=row.id, fields=fields_of(given, output, metadata)))
        for name in names:
            if name == chosen and name not in row.splits:
                moves[name][0].append(row)
            elif name != chosen and name in row.splits:
                moves[name][1].append(row.node_id)
    return moves


def _absent(split: str, others: Sequence[str]) -> NotFoundError:
    """The error of a split that the dataset does not have, though another one may."""
    error = not_found("split", split, others, where=" in this dataset")
    error.message = f"{error.message}. If no dataset has it, create_split makes it; else {_INTO}"
    error.args = (error.message,)
    return error


def _split_name(name: str) -> str:
    if check_name("split", name).strip() != name:
        raise ValidationError(f"the name of a split must not begin or end with a blank: {name[:100]!r}")
    return name
