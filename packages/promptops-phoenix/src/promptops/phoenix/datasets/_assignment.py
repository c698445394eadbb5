"""Assigns every example of a dataset to one of several splits: what has to move, and how it gets there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from promptops.core.errors import ConflictError
from promptops.core.runtime import Runtime
from promptops.experiments.datasets._splits import Splitter
from promptops.models.datasets import DatasetExample
from promptops.phoenix._generated import models as wire
from promptops.phoenix.datasets._examples import fields_of
from promptops.phoenix.datasets._rows import body_of
from promptops.phoenix.datasets._splits_wire import IDS_PER_REQUEST, change_split, make_split, split_id_of, splits_of
from promptops.phoenix.datasets._upload import upload
from promptops.phoenix.datasets._wire import ExportedExample

__all__ = ["Move", "carry_out_moves", "moves_of"]


class Move(NamedTuple):
    """What happens to one split.

    Attributes:
        added: The examples that come into it.
        removed: The server's ids of those that leave it.
    """

    added: list[ExportedExample]
    removed: list[str]


def moves_of(rows: Sequence[ExportedExample], splitter: Splitter, names: Sequence[str]) -> dict[str, Move]:
    """Return for each split what has to happen, so that every example is in the one that is chosen for it.

    Raises:
        ValidationError: An example lacks what the choice depends on.
    """
    moves = {name: Move([], []) for name in names}
    for row in rows:
        given, output, metadata = (msgspec.json.decode(part) for part in (row.input, row.output, row.metadata))
        chosen = splitter(DatasetExample(id=row.id, fields=fields_of(given, output, metadata)))
        for name in names:
            if name == chosen and name not in row.splits:
                moves[name].added.append(row)
            elif name != chosen and name in row.splits:
                moves[name].removed.append(row.node_id)
    return moves


async def carry_out_moves(
    runtime: Runtime, dataset: wire.Dataset | wire.DatasetWithExampleCount, moves: dict[str, Move]
) -> None:
    """Move the examples; splits that are not there are made."""
    known = {split.name: split.id async for split in splits_of(runtime, dataset.id)}
    for name, (added, removed) in moves.items():
        rest = added
        if added and name not in known:
            known[name], rest = await _first_in_split(runtime, dataset.id, dataset.name, name, added)
        if rest or removed:
            ids = [row.node_id for row in rest]
            await change_split(runtime, dataset.id, known[name], add=ids, remove=removed)


async def _first_in_split(
    runtime: Runtime, dataset_id: str, dataset: str, name: str, added: list[ExportedExample]
) -> tuple[str, list[ExportedExample]]:
    """Put examples into a split that none of the dataset is in; return its id, and those that are not in it yet."""
    ids = [row.node_id for row in added[:IDS_PER_REQUEST]]
    try:
        made = await make_split(runtime, dataset_id, name, ids)
    except ConflictError:
        # Another dataset has the split, and the server lists only those that a dataset has. It puts an example
        # that is uploaded again, just as it is, into the splits that are named.
        first = added[0]
        line = (first.id, first.input, first.output, first.metadata, [*first.splits, name], None)
        await upload(runtime, body_of("append", dataset, [msgspec.json.encode(line)]), repeatable=True)
        return await split_id_of(runtime, dataset_id, name), added[1:]
    return made.id, added[IDS_PER_REQUEST:]
