"""The shapes on the wire: what routes take and give. The OpenAPI document is built from these.

``/v1/client`` answers in an envelope and ``/v2`` answers bare, as their contracts say. Request bodies are closed
(unknown fields are refused) except the items of datasets and experiment runs, which are open objects.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

JsonObject = dict[str, Any]
Timestamp = Annotated[datetime, Meta(tz=True)]
TemplateFormat = Literal["mustache", "f-string", "none"]

# --- prompts, /v1/client ---------------------------------------------------------------------------------------------


class ModelSpecificPrompt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The text of a prompt for one model, or for every model of a provider (empty name or ``*``)."""

    model_provider: Annotated[str, Meta(min_length=1, max_length=64)]
    model_name: Annotated[str, Meta(max_length=128)] = ""
    content: Annotated[str, Meta(max_length=262_144)]
    instructions: str | None = None
    expected_output_format: str | None = None


class ChatMessage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message of a chat prompt."""

    role: Annotated[str, Meta(min_length=1, max_length=32)]
    content: Annotated[str, Meta(max_length=262_144)]


class PromptResponse(Struct, frozen=True, kw_only=True):
    """One version of a prompt."""

    id: str
    slug: str
    project_id: str
    name: str
    description: str
    content: str
    messages: list[ChatMessage] | None
    template_format: TemplateFormat
    variables: list[str]
    target_models: list[str]
    model_specific_prompts: list[ModelSpecificPrompt]
    version: str
    status: str
    content_hash: str
    etag: str
    tags: list[str]
    metadata: JsonObject
    module_id: str | None
    created_by: str | None
    created_at: Timestamp
    updated_at: Timestamp


class PromptCreate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new prompt; ``name`` and one of ``content`` and ``messages`` are needed."""

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    content: Annotated[str, Meta(max_length=262_144)] | None = None
    messages: Annotated[list[ChatMessage], Meta(min_length=1, max_length=500)] | None = None
    id: Annotated[str, Meta(max_length=128)] | None = None
    slug: Annotated[str, Meta(max_length=128)] | None = None
    project_id: str | None = None
    description: Annotated[str, Meta(max_length=10_000)] = ""
    template_format: TemplateFormat = "mustache"
    variables: Annotated[list[str], Meta(max_length=500)] | None = None
    target_models: Annotated[list[str], Meta(max_length=100)] = []
    model_specific_prompts: Annotated[list[ModelSpecificPrompt], Meta(max_length=100)] = []
    version: str | None = None
    module_id: str | None = None
    tags: Annotated[list[str], Meta(max_length=100)] = []
    metadata: JsonObject = {}


class PromptUpdate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes to a prompt; what is absent stays as it is."""

    create_new_version: bool = True
    version: str | None = None
    bump: Literal["patch", "minor", "major"] = "patch"
    project_id: str | None = None
    name: Annotated[str, Meta(min_length=1, max_length=255)] | UnsetType = UNSET
    content: Annotated[str, Meta(max_length=262_144)] | UnsetType = UNSET
    messages: Annotated[list[ChatMessage], Meta(min_length=1, max_length=500)] | UnsetType | None = UNSET
    description: Annotated[str, Meta(max_length=10_000)] | UnsetType = UNSET
    template_format: TemplateFormat | UnsetType = UNSET
    variables: Annotated[list[str], Meta(max_length=500)] | UnsetType = UNSET
    target_models: Annotated[list[str], Meta(max_length=100)] | UnsetType = UNSET
    model_specific_prompts: Annotated[list[ModelSpecificPrompt], Meta(max_length=100)] | UnsetType = UNSET
    module_id: str | UnsetType | None = UNSET
    tags: Annotated[list[str], Meta(max_length=100)] | UnsetType = UNSET
    metadata: JsonObject | UnsetType = UNSET


class RenderRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Variables for one render; the version and the model are optional."""

    variables: JsonObject = {}
    version: str | None = None
    model_provider: str | None = None
    model_name: str | None = None
    project_id: str | None = None


class RenderResponse(Struct, frozen=True, kw_only=True):
    """A rendered prompt."""

    prompt_id: str
    version: str
    rendered_content: str
    messages: list[JsonObject]
    variables_used: list[str]
    processing_time_ms: float
    cache_hit: bool


class ResponseMetadata(Struct, frozen=True, kw_only=True):
    """Facts about one answer."""

    request_id: str
    timestamp: Timestamp


class PromptList(Struct, frozen=True, kw_only=True):
    """A page of prompts, the latest version of each."""

    prompts: list[PromptResponse]
    total: int
    limit: int
    offset: int
    has_more: bool


class PromptVersionList(Struct, frozen=True, kw_only=True):
    """A page of the versions of one prompt, highest first."""

    versions: list[PromptResponse]
    total: int
    limit: int
    offset: int
    has_more: bool


class PromptDeleted(Struct, frozen=True, kw_only=True):
    """What a delete removed."""

    deleted: bool
    versions: list[str]


class Health(Struct, frozen=True, kw_only=True):
    """Whether the server and what it stands on work."""

    status: str
    version: str
    timestamp: Timestamp
    dependencies: dict[str, JsonObject]


class PromptEnvelope(Struct, frozen=True, kw_only=True):
    """One prompt in the envelope of ``/v1/client``."""

    success: bool
    data: PromptResponse
    metadata: ResponseMetadata


class PromptListEnvelope(Struct, frozen=True, kw_only=True):
    """A page of prompts in the envelope of ``/v1/client``."""

    success: bool
    data: PromptList
    metadata: ResponseMetadata


class PromptVersionListEnvelope(Struct, frozen=True, kw_only=True):
    """A page of versions in the envelope of ``/v1/client``."""

    success: bool
    data: PromptVersionList
    metadata: ResponseMetadata


class PromptDeletedEnvelope(Struct, frozen=True, kw_only=True):
    """The result of a delete in the envelope of ``/v1/client``."""

    success: bool
    data: PromptDeleted
    metadata: ResponseMetadata


class RenderEnvelope(Struct, frozen=True, kw_only=True):
    """A rendered prompt in the envelope of ``/v1/client``."""

    success: bool
    data: RenderResponse
    metadata: ResponseMetadata


class HealthEnvelope(Struct, frozen=True, kw_only=True):
    """Health in the envelope of ``/v1/client``."""

    success: bool
    data: Health
    metadata: ResponseMetadata


class ErrorBody(Struct, frozen=True, kw_only=True):
    """An error of ``/v1/client``."""

    code: str
    message: str
    details: JsonObject = {}


class ErrorEnvelope(Struct, frozen=True, kw_only=True):
    """An error in the envelope of ``/v1/client``."""

    success: bool
    error: ErrorBody
    metadata: ResponseMetadata


# --- datasets and experiments, /v2 -----------------------------------------------------------------------------------


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
    """A dataset; ``versions`` (newest first) only where one dataset is asked for."""

    id: str
    name: str
    space_id: str
    created_at: Timestamp
    updated_at: Timestamp
    versions: list[DatasetVersion] | UnsetType = UNSET


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
