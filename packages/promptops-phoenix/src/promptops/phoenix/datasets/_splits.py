"""Splits of datasets. A split is known to the whole server; examples of any dataset can be in it."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import UNSET, UnsetType
from promptops.core.errors import ConflictError, ValidationError
from promptops.experiments.datasets._changes import DatasetChanges
from promptops.experiments.datasets._splits import Splitter
from promptops.phoenix._checks import check_name, check_storable
from promptops.phoenix.datasets._assignment import carry_out_moves, moves_of
from promptops.phoenix.datasets._models import DatasetSplit
from promptops.phoenix.datasets._reads import AsyncDatasetReads, refuse_project
from promptops.phoenix.datasets._splits_wire import (
    INTO,
    change_split,
    make_split,
    node_ids,
    remove_split,
    split_id_of,
    splits_of,
)
from promptops.phoenix.datasets._wire import exported, find_dataset, latest_version, resolve_dataset

__all__ = ["AsyncDatasetSplits"]


class AsyncDatasetSplits(AsyncDatasetReads):
    """Splits: create, change, delete, and assign. A split is named by its id, or by its name in a dataset.

    Assigning examples to splits makes no version: an older version shows today's splits.
    """

    async def list_splits(self, *, dataset: str) -> builtins.list[DatasetSplit]:
        """Return the splits that examples of a dataset are in, with how many; a split without any is not listed."""
        return [split async for split in splits_of(self._runtime, await resolve_dataset(self._runtime, dataset))]

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
        ids = await node_ids(self._runtime, dataset_id, example_ids)
        check_storable("metadata", metadata)
        facts: dict[str, Any] = {"description": description, "color": color, "metadata": metadata}
        known = {field: value for field, value in facts.items() if value is not None}
        try:
            return await make_split(self._runtime, dataset_id, _split_name(name), ids, known)
        except ConflictError as exc:
            exc.message = f"there is a split {name!r} on this server already; {INTO}"
            exc.args = (exc.message,)
            raise

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
        split_id = await split_id_of(self._runtime, dataset_id, split)
        check_storable("metadata", None if metadata is UNSET else metadata)
        facts: dict[str, Any] = {
            "name": name if isinstance(name, UnsetType) else _split_name(name),
            "description": description,
            "color": color,
            "metadata": metadata,
        }
        known = {field: value for field, value in facts.items() if value is not UNSET}
        added = await node_ids(self._runtime, dataset_id, add)
        removed = await node_ids(self._runtime, dataset_id, remove)
        both = sorted(set(added) & set(removed))
        if both:
            raise ValidationError(f"examples are both added and removed: {', '.join(both[:10])}")
        return await change_split(self._runtime, dataset_id, split_id, add=added, remove=removed, facts=known)

    async def delete_split(self, *, dataset: str, split: str) -> None:
        """Delete a split on the whole server; its examples stay, those of other datasets too, and are in it no more."""
        dataset_id = await resolve_dataset(self._runtime, dataset)
        await remove_split(self._runtime, dataset_id, await split_id_of(self._runtime, dataset_id, split))

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
        moves = await self._runtime.run_blocking(moves_of, rows, splitter, builtins.list(shares))
        await carry_out_moves(self._runtime, found, moves)
        changed = {row.node_id for move in moves.values() for row in move.added}
        changed |= {node_id for move in moves.values() for node_id in move.removed}
        return DatasetChanges(
            dataset_id=found.id,
            version_id=await latest_version(self._runtime, found.id),
            updated=len(changed),
            unchanged=len(rows) - len(changed),
            total=len(rows),
        )


def _split_name(name: str) -> str:
    if check_name("split", name).strip() != name:
        raise ValidationError(f"the name of a split must not begin or end with a blank: {name[:100]!r}")
    return name
