"""The query parameters of the operations, and what they may be."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

__all__ = [
    "ApiKeyListQuery",
    "AuditQuery",
    "CursorQuery",
    "DatasetListQuery",
    "ExampleListQuery",
    "ExamplesInsertQuery",
    "ExperimentListQuery",
    "ModelListQuery",
    "ProjectQuery",
    "PromptDeleteQuery",
    "PromptHistoryQuery",
    "PromptListQuery",
    "PromptQuery",
    "SpaceListQuery",
    "UsageStatsQuery",
    "VersionListQuery",
]

Text = Annotated[str, Meta(max_length=255)]
Offset = Annotated[int, Meta(ge=0, le=9_007_199_254_740_991)]
V1Limit = Annotated[int, Meta(ge=1, le=1000)]
V2Limit = Annotated[int, Meta(ge=1, le=100)]
RowLimit = Annotated[int, Meta(ge=1, le=500)]
Cursor = Annotated[str, Meta(max_length=2048)]


class ProjectQuery(Struct, frozen=True, kw_only=True):
    """Which project is meant, by id or by name."""

    project_id: Text | None = None


class PromptQuery(Struct, frozen=True, kw_only=True):
    """One prompt: the latest version, the one that is named, or the one that a label points to."""

    version: Text | None = None
    label: Text | None = None
    project_id: Text | None = None


class PromptDeleteQuery(Struct, frozen=True, kw_only=True):
    """A version, or the whole prompt; ``force`` also when labels point there, which go with it."""

    version: Text | None = None
    force: bool = False
    project_id: Text | None = None


class PromptHistoryQuery(Struct, frozen=True, kw_only=True):
    """A page of what happened, newest first: to one label, or up to a moment (inclusive)."""

    label: Text | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None
    limit: V1Limit = 50
    offset: Offset | None = None
    skip: Offset | None = None
    project_id: Text | None = None


class VersionListQuery(Struct, frozen=True, kw_only=True):
    """A page of versions, highest first; ``skip`` is another name of ``offset``."""

    limit: V1Limit = 50
    offset: Offset | None = None
    skip: Offset | None = None
    project_id: Text | None = None


class PromptListQuery(Struct, frozen=True, kw_only=True):
    """Which prompts, in which order; ``skip`` is another name of ``offset``, ``tags`` are separated by commas."""

    module_id: Text | None = None
    query: Text | None = None
    tags: Annotated[str, Meta(max_length=2000)] | None = None
    project_id: Text | None = None
    sort_by: Literal["created_at", "updated_at", "name", "version"] = "created_at"
    sort_order: Literal["asc", "desc"] = "desc"
    limit: V1Limit = 50
    offset: Offset | None = None
    skip: Offset | None = None


class ModelListQuery(Struct, frozen=True, kw_only=True):
    """Models of a provider, with a capability."""

    provider: Text | None = None
    capability: Text | None = None


class UsageStatsQuery(Struct, frozen=True, kw_only=True, rename={"from_": "from"}):
    """Usage from one moment (inclusive) to another (exclusive); the last 24 hours (7 days by day) when not given."""

    from_: Annotated[datetime, Meta(tz=True)] | None = None
    to: Annotated[datetime, Meta(tz=True)] | None = None
    granularity: Literal["hour", "day"] = "hour"
    project_id: Text | None = None


class SpaceListQuery(Struct, frozen=True, kw_only=True):
    """Spaces by part of their name, upper and lower case alike."""

    org_id: Text | None = None
    name: Text | None = None
    limit: V2Limit = 50
    cursor: Cursor | None = None


class DatasetListQuery(Struct, frozen=True, kw_only=True):
    """Datasets by space and by part of their name, upper and lower case alike."""

    space_id: Text | None = None
    space_name: Text | None = None
    name: Text | None = None
    limit: V2Limit = 50
    cursor: Cursor | None = None


class ExampleListQuery(Struct, frozen=True, kw_only=True):
    """The examples of a version, the latest when none is named; all of them, or those of one split."""

    dataset_version_id: Text | None = None
    split: Text | None = None
    limit: RowLimit = 50
    cursor: Cursor | None = None


class ExamplesInsertQuery(Struct, frozen=True, kw_only=True):
    """The version to append to; the latest when none is named."""

    dataset_version_id: Text | None = None


class ExperimentListQuery(Struct, frozen=True, kw_only=True):
    """Experiments of a dataset or of a space (not both), by part of their name."""

    dataset_id: Text | None = None
    space_id: Text | None = None
    name: Text | None = None
    limit: V2Limit = 50
    cursor: Cursor | None = None


class CursorQuery(Struct, frozen=True, kw_only=True):
    """A page of runs."""

    limit: RowLimit = 50
    cursor: Cursor | None = None


class ApiKeyListQuery(Struct, frozen=True, kw_only=True):
    """A page of keys, newest first; ``skip`` is another name of ``offset``."""

    limit: V1Limit = 50
    offset: Offset | None = None
    skip: Offset | None = None
    project_id: Text | None = None


class AuditQuery(Struct, frozen=True, kw_only=True):
    """Which writes: of one kind of thing, to one thing, in one project."""

    kind: Text | None = None
    object_id: Text | None = None
    project_id: Text | None = None
    limit: V1Limit = 50
    cursor: Cursor | None = None
