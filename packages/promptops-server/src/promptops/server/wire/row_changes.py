"""Searches of examples and runs, and changes of examples in place, of ``/v2``."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from promptops.server.wire.common import JsonObject

__all__ = [
    "DatasetExamplesDelete",
    "DatasetExamplesDeleted",
    "DatasetExamplesSearch",
    "DatasetExamplesUpdate",
    "DatasetUpdate",
    "ExperimentRunsSearch",
]

_Limit = Annotated[int, Meta(ge=1, le=500)]
_Cursor = Annotated[str, Meta(max_length=2048)]


class DatasetUpdate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another name for a dataset."""

    name: str


class DatasetExamplesSearch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which examples of a version (the latest when none is named), oldest first; all of them without a filter."""

    filter: str | None = None
    limit: _Limit | None = None
    cursor: _Cursor | None = None
    dataset_version_id: str | None = None


class DatasetExamplesUpdate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What changes of examples: each has its ``id``, and the fields to add or replace.

    They change in place, or in a new version of the name ``new_version``, which leaves the old one as it is.
    """

    examples: Annotated[list[JsonObject], Meta(min_length=1, max_length=1000)]
    new_version: Annotated[str, Meta(max_length=1000)] | None = None


class DatasetExamplesDelete(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The examples to remove from a version, in place."""

    dataset_version_id: str
    example_ids: Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(min_length=1, max_length=1000)]


class DatasetExamplesDeleted(Struct, frozen=True, kw_only=True):
    """Which examples were removed, and which ids the version did not have; both in the order of the request."""

    completed: bool
    deleted_example_ids: list[str]
    not_deleted_example_ids: list[str]


class ExperimentRunsSearch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which runs of an experiment, by id; all of them without a filter."""

    filter: str | None = None
    limit: _Limit | None = None
    cursor: _Cursor | None = None
