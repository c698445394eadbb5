"""Spaces, datasets and experiments, of ``/v2``, and its errors and pages."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from promptops.server.wire.common import JsonObject, Timestamp

__all__ = [
    "Dataset",
    "DatasetCreate",
    "DatasetExampleList",
    "DatasetExamplesInsert",
    "DatasetList",
    "DatasetVersion",
    "DatasetVersionWithExampleIds",
    "Experiment",
    "ExperimentCreate",
    "ExperimentList",
    "ExperimentRunList",
    "ExperimentRunsInsert",
    "ExperimentWithRunIds",
    "FieldProblem",
    "Pagination",
    "Problem",
    "Space",
    "SpaceList",
]


class FieldProblem(Struct, frozen=True, kw_only=True):
    """What is wrong with one field."""

    field: str
    message: str
    code: str = "invalid"


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error of ``/v2`` as ``application/problem+json`` (RFC 9457)."""

    title: str
    status: int
    type: str = "about:blank"
    detail: str | None = None
    instance: str | None = None
    code: str | None = None
    request_id: str | None = None
    retryable: bool | None = None
    errors: list[FieldProblem] | None = None


class Pagination(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether there is more, and the opaque cursor that leads there."""

    has_more: bool
    next_cursor: str | UnsetType = UNSET


class Space(Struct, frozen=True, kw_only=True):
    """A space, which is a project."""

    id: str
    name: str
    description: str
    created_at: Timestamp
    is_private: bool
    organization_id: str | None = None


class SpaceList(Struct, frozen=True, kw_only=True):
    """A page of spaces."""

    spaces: list[Space]
    pagination: Pagination


class DatasetVersion(Struct, frozen=True, kw_only=True):
    """A version of a dataset."""

    id: str
    name: str
    dataset_id: str
    created_at: Timestamp
    updated_at: Timestamp


class Dataset(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A dataset; ``versions`` (newest first) and its schema, if any, only where one dataset is asked for."""

    id: str
    name: str
    space_id: str
    created_at: Timestamp
    updated_at: Timestamp
    versions: list[DatasetVersion] | UnsetType = UNSET
    example_schema: JsonObject | UnsetType = UNSET


class DatasetList(Struct, frozen=True, kw_only=True):
    """A page of datasets, newest first."""

    datasets: list[Dataset]
    pagination: Pagination


class DatasetCreate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new dataset with its first examples; without ``space_id`` it belongs to the default project of the key."""

    name: str
    space_id: str | None = None
    examples: Annotated[list[JsonObject], Meta(min_length=1, max_length=1000)]


class DatasetExamplesInsert(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Examples to append to a version of a dataset."""

    examples: Annotated[list[JsonObject], Meta(min_length=1, max_length=1000)]


class DatasetExampleList(Struct, frozen=True, kw_only=True):
    """A page of examples: each has ``id``, ``created_at``, ``updated_at`` and the user's own fields beside them."""

    examples: list[JsonObject]
    pagination: Pagination


class DatasetVersionWithExampleIds(Struct, frozen=True, kw_only=True):
    """What an insert changed."""

    id: str
    name: str
    space_id: str
    created_at: Timestamp
    updated_at: Timestamp
    dataset_version_id: str
    example_ids: list[str]


class Experiment(Struct, frozen=True, kw_only=True):
    """An experiment, without its runs."""

    id: str
    name: str
    space_id: str
    dataset_id: str | None
    dataset_version_id: str | None
    created_at: Timestamp
    updated_at: Timestamp
    experiment_traces_project_id: str | None = None
    integration_id: str | None = None


class ExperimentList(Struct, frozen=True, kw_only=True):
    """A page of experiments."""

    experiments: list[Experiment]
    pagination: Pagination


class ExperimentCreate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new experiment with its first runs; each run has ``example_id``, ``output`` and any other fields."""

    name: Annotated[str, Meta(min_length=1, max_length=255, pattern=r'^[^"\\]*$')]
    dataset_id: str | None = None
    space_id: str | None = None
    experiment_runs: Annotated[list[JsonObject], Meta(min_length=1, max_length=1000)]


class ExperimentRunsInsert(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Runs to append to an experiment."""

    experiment_runs: Annotated[list[JsonObject], Meta(min_length=1, max_length=1000)]


class ExperimentRunList(Struct, frozen=True, kw_only=True):
    """A page of runs in insertion order: ``id``, ``example_id``, ``output``, ``error`` and any other fields."""

    experiment_runs: list[JsonObject]
    pagination: Pagination


class ExperimentWithRunIds(Struct, frozen=True, kw_only=True):
    """What an insert of runs added; ids in the order of the input."""

    id: str
    name: str
    space_id: str
    dataset_id: str | None
    dataset_version_id: str | None
    created_at: Timestamp
    updated_at: Timestamp
    run_ids: list[str]
    experiment_traces_project_id: str | None = None
    integration_id: str | None = None
