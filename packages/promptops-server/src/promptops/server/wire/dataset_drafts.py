"""Drafts of dataset versions and the schema of examples: what ``/v2`` has beyond its contract."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from promptops.server.wire.common import JsonObject, Timestamp

__all__ = [
    "DatasetChange",
    "DatasetDraft",
    "DatasetDraftCreate",
    "DatasetDraftExamples",
    "DatasetSchema",
    "DraftMode",
]

DraftMode = Literal["append", "upsert", "update", "replace"]
"""What publishing makes of the examples of a draft and those of the latest version.

- ``append``: the draft's are added; an id that is taken is refused.
- ``upsert``: an example with an id replaces the one of that id; one without is left out when its content is there.
- ``update``: each names an id and the fields that change; the other fields stay.
- ``replace``: the draft's are all there is.
"""

_Examples = Annotated[list[JsonObject], Meta(max_length=1000)]


class DatasetDraftCreate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new draft: of a new dataset (``name``), or of the next version of one (``dataset_id`` and ``mode``).

    Each example may have an ``id``; without one it gets an id that is made of its content. With ``publish`` the whole
    change is one step.
    """

    name: str | None = None
    space_id: str | None = None
    example_schema: JsonObject | None = None
    dataset_id: str | None = None
    mode: DraftMode | None = None
    version_name: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    examples: _Examples = []
    publish: bool = False


class DatasetDraftExamples(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """More examples for a draft."""

    examples: Annotated[list[JsonObject], Meta(min_length=1, max_length=1000)]


class DatasetChange(Struct, frozen=True, kw_only=True):
    """What a draft changes of the version before it; all zero when nothing, and then there is no new version.

    ``unchanged`` counts those examples of the draft that were there already. ``deleted_ids`` names at most 100.
    """

    inserted: int
    updated: int
    unchanged: int
    deleted: int
    total: int
    deleted_ids: list[str]


class DatasetDraft(Struct, frozen=True, kw_only=True):
    """A version that nobody sees before it is published.

    ``change`` says what publishing would do, or what it did; it is null while examples arrive. Published,
    ``dataset_version_id`` is the version that is the latest then; it is null before.
    """

    id: str
    dataset_id: str
    name: str
    space_id: str
    mode: str
    created_at: Timestamp
    base_version_id: str | None
    dataset_version_id: str | None = None
    change: DatasetChange | None = None


class DatasetSchema(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The JSON schema that every new example of a dataset must meet; null for none."""

    example_schema: JsonObject | None
