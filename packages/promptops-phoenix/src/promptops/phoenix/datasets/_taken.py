"""Ids that new examples must not have: what the server has under such an id, it would change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from promptops.core.errors import ConflictError, ValidationError
from promptops.core.runtime import Runtime
from promptops.phoenix._ids import is_global_id
from promptops.phoenix.datasets._upload import Target, Uploaded
from promptops.phoenix.datasets._wire import EXAMPLE, example_list

__all__ = ["refuse_ids_of_the_server", "refuse_overwritten", "refuse_taken"]

_MOST_SHOWN: Final = 10


async def refuse_taken(runtime: Runtime, target: Target, named: set[str]) -> None:
    """Refuse ids that examples of the dataset have.

    Raises:
        ValidationError: Some have one; they are named.
    """
    if not named:
        return
    there = await example_list(runtime, target.id)
    taken = sorted(named & ({item.id for item in there} | {item.node_id for item in there}))
    if taken:
        raise ValidationError(
            f"{len(taken)} ids are taken in dataset {target.name!r} ({_shown(taken)}); upsert() changes examples that "
            "are there. Nothing was changed",
            details={"taken": taken[:100]},
        )
    refuse_ids_of_the_server(named)


def refuse_ids_of_the_server(named: set[str]) -> None:
    """Refuse ids of the server's own form: it knows them as those of examples that are there, and of no others.

    Raises:
        ValidationError: There are such; they are named.
    """
    given = sorted(own for own in named if is_global_id(own, EXAMPLE))
    if given:
        raise ValidationError(
            f"{len(given)} ids are those that the server gave to examples of another dataset ({_shown(given)}), and it "
            "takes them for no new ones: hand over the examples of examples(), or export them with id_column=None. "
            "Nothing was changed",
            details={"ids": given[:100]},
        )


def refuse_overwritten(target: Target, done: Uploaded | None) -> None:
    """Say that examples were changed whose ids nobody had when the call began.

    Raises:
        ConflictError: Somebody else added them meanwhile.
    """
    if done is not None and done.updated:
        raise ConflictError(
            f"somebody else added examples with the same ids to dataset {target.name!r} at the same time: what was "
            f"sent took the place of {done.updated} of theirs, which older versions still have",
            details={"dataset_id": target.id, "version_id": done.version_id, "updated": done.updated},
        )


def _shown(ids: Sequence[str]) -> str:
    return ", ".join(ids[:_MOST_SHOWN]) + ("" if len(ids) <= _MOST_SHOWN else " and more")
