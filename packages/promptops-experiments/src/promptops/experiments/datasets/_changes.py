"""What a change of a dataset did, and what a replacement would do."""

from __future__ import annotations

import msgspec

__all__ = ["DatasetChanges", "ReplacePlan"]


class DatasetChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What a change did.

    Attributes:
        dataset_id: The dataset.
        version_id: The latest version after it: a new one, or the one that was there when nothing changed.
        inserted: Examples that are new.
        updated: Examples that are different now.
        unchanged: Examples that were handed over and are there as they were.
        deleted: Examples that the version before had and this one has not.
        total: Examples of the version.
    """

    dataset_id: str
    version_id: str
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    total: int = 0

    @property
    def changed(self) -> bool:
        """Whether there is a new version."""
        return bool(self.inserted or self.updated or self.deleted)

    def __str__(self) -> str:
        return f"{_counts(self)}; {self.total} examples"


class ReplacePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a replacement would do. The examples are on the server already, where nobody sees them.

    Attributes:
        token: Confirms it: ``replace(dataset, confirm=plan.token)``. It is good for a day, and as long as nobody else
            changes the dataset.
        dataset_id: The dataset.
        deleted_ids: The examples that would go, the oldest 100 of them.
    """

    token: str
    dataset_id: str
    inserted: int
    updated: int
    unchanged: int
    deleted: int
    total: int
    deleted_ids: tuple[str, ...] = ()

    def __str__(self) -> str:
        named = ", ".join(self.deleted_ids[:10])
        more = f" and {self.deleted - 10} more" if self.deleted > 10 else ""
        gone = f"; deletes {named}{more}" if named else ""
        return f"would give {self.total} examples: {_counts(self)}{gone}"


def _counts(of: DatasetChanges | ReplacePlan) -> str:
    return f"{of.inserted} inserted, {of.updated} updated, {of.unchanged} unchanged, {of.deleted} deleted"
