"""One upload: the dataset that it goes to, the request, and what it did."""

from __future__ import annotations

from datetime import datetime

import msgspec
from promptops.core.runtime import Runtime
from promptops.phoenix._generated import models as wire
from promptops.phoenix._http import UPLOAD, pairs, path, send

__all__ = ["Target", "Uploaded", "upload"]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset to upload to, as it was when it was looked up: the server wants its name, and answers with its id.

    Attributes:
        id: Its id. SQLite gives the id of the newest dataset again, once that is deleted.
        name: Its name.
        created_at: When it was made, or None for one that this call has made.
        example_count: How many examples it had.
    """

    id: str
    name: str
    created_at: datetime | None = None
    example_count: int = 0


class Uploaded(msgspec.Struct, frozen=True, kw_only=True):
    """What uploads did to a dataset.

    Attributes:
        dataset_id: The dataset.
        version_id: The version that the last of them answered with.
        created: Examples that they added.
        updated: Examples that they changed.
        deleted: Examples that they removed.
        total: Examples that the dataset has afterwards, where that was asked.
    """

    dataset_id: str
    version_id: str
    created: int = 0
    updated: int = 0
    deleted: int = 0
    total: int = 0

    @property
    def changed(self) -> bool:
        """Whether they did anything."""
        return bool(self.created or self.updated or self.deleted)

    def followed_by(self, other: Uploaded) -> Uploaded:
        """What both did, one after the other."""
        return Uploaded(
            dataset_id=self.dataset_id,
            version_id=other.version_id,
            created=self.created + other.created,
            updated=self.updated + other.updated,
            deleted=self.deleted + other.deleted,
        )


async def upload(runtime: Runtime, body: bytes, *, repeatable: bool) -> Uploaded:
    """Send one upload and wait until the server has stored it: without ``sync`` its errors would be lost."""
    where = path("datasets", "upload")
    answer = await send(
        runtime,
        "POST",
        where,
        body,
        wire.UploadDatasetResponseBody,
        query=pairs(sync=True),
        profile=UPLOAD,
        repeatable=repeatable,
    )
    done = answer.data
    return Uploaded(
        dataset_id=done.dataset_id,
        version_id=done.version_id,
        created=done.num_created_examples,
        updated=done.num_updated_examples,
        deleted=done.num_deleted_examples,
    )
