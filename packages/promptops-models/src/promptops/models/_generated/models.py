"""The models of PromptOps, made by ``tox run -e openapi_codegen_for_python_client``. Do not edit."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType

JsonObject: TypeAlias = dict[str, Any]

PromptUpdateBumpKnown: TypeAlias = Literal["major", "minor", "patch"]
"""The values of :data:`PromptUpdateBump` known today."""

TemplateFormatKnown: TypeAlias = Literal["f-string", "mustache", "none"]
"""The values of :data:`TemplateFormat` known today."""


class ChatMessage(Struct, frozen=True, kw_only=True):
    """One message of a chat prompt."""

    role: str
    content: str


class Dataset(Struct, frozen=True, kw_only=True):
    """A dataset; ``versions`` (newest first) only where one dataset is asked for."""

    id: str
    name: str
    space_id: str
    created_at: datetime
    updated_at: datetime
    versions: list[DatasetVersion] | UnsetType = UNSET


class DatasetCreate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new dataset with its first examples; without ``space_id`` it belongs to the default project of the key.

    Attributes:
        examples: 1 to 1,000 items.
    """

    name: str
    space_id: str | None = None
    examples: list[JsonObject]


class DatasetExampleList(Struct, frozen=True, kw_only=True):
    """A page of examples: each has ``id``, ``created_at``, ``updated_at`` and the user's own fields beside them."""

    examples: list[JsonObject]
    pagination: Pagination


class DatasetExamplesInsert(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Examples to append to a version of a dataset.

    Attributes:
        examples: 1 to 1,000 items.
    """

    examples: list[JsonObject]


class DatasetList(Struct, frozen=True, kw_only=True):
    """A page of datasets, newest first."""

    datasets: list[Dataset]
    pagination: Pagination


class DatasetVersion(Struct, frozen=True, kw_only=True):
    """A version of a dataset."""

    id: str
    name: str
    dataset_id: str
    created_at: datetime
    updated_at: datetime


class DatasetVersionWithExampleIds(Struct, frozen=True, kw_only=True):
    """What an insert changed."""

    id: str
    name: str
    space_id: str
    created_at: datetime
    updated_at: datetime
    dataset_version_id: str
    example_ids: list[str]


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


class Experiment(Struct, frozen=True, kw_only=True):
    """An experiment, without its runs."""

    id: str
    name: str
    space_id: str
    dataset_id: str | None = None
    dataset_version_id: str | None = None
    created_at: datetime
    updated_at: datetime
    experiment_traces_project_id: str | None = None
    integration_id: str | None = None


class ExperimentCreate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new experiment with its first runs; each run has ``example_id``, ``output`` and any other fields.

    Attributes:
        name: 1 to 255 characters.
        experiment_runs: 1 to 1,000 items.
    """

    name: str
    dataset_id: str | None = None
    space_id: str | None = None
    experiment_runs: list[JsonObject]


class ExperimentList(Struct, frozen=True, kw_only=True):
    """A page of experiments."""

    experiments: list[Experiment]
    pagination: Pagination


class ExperimentRunList(Struct, frozen=True, kw_only=True):
    """A page of runs in insertion order: ``id``, ``example_id``, ``output``, ``error`` and any other fields."""

    experiment_runs: list[JsonObject]
    pagination: Pagination


class ExperimentRunsInsert(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Runs to append to an experiment.

    Attributes:
        experiment_runs: 1 to 1,000 items.
    """

    experiment_runs: list[JsonObject]


class ExperimentWithRunIds(Struct, frozen=True, kw_only=True):
    """What an insert of runs added; ids in the order of the input."""

    id: str
    name: str
    space_id: str
    dataset_id: str | None = None
    dataset_version_id: str | None = None
    created_at: datetime
    updated_at: datetime
    run_ids: list[str]
    experiment_traces_project_id: str | None = None
    integration_id: str | None = None


class FieldProblem(Struct, frozen=True, kw_only=True):
    """What is wrong with one field."""

    field: str
    message: str
    code: str = "invalid"


class Health(Struct, frozen=True, kw_only=True):
    """Whether the server and what it stands on work."""

    status: str
    version: str
    timestamp: datetime
    dependencies: dict[str, JsonObject]


class HealthEnvelope(Struct, frozen=True, kw_only=True):
    """Health in the envelope of ``/v1/client``."""

    success: bool
    data: Health
    metadata: ResponseMetadata


class ModelSpecificPrompt(Struct, frozen=True, kw_only=True):
    """The text of a prompt for one model, or for every model of a provider (empty name or ``*``)."""

    model_provider: str
    model_name: str = ""
    content: str
    instructions: str | None = None
    expected_output_format: str | None = None


class Pagination(Struct, frozen=True, kw_only=True):
    """Whether there is more, and the opaque cursor that leads there."""

    has_more: bool
    next_cursor: str | UnsetType = UNSET


class Problem(Struct, frozen=True, kw_only=True):
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


class PromptCreate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new prompt; ``name`` and one of ``content`` and ``messages`` are needed.

    Attributes:
        name: 1 to 255 characters.
        content: At most 262,144 characters.
        messages: 1 to 500 items.
        id: At most 128 characters.
        slug: At most 128 characters.
        description: At most 10,000 characters.
        variables: At most 500 items.
        target_models: At most 100 items.
        model_specific_prompts: At most 100 items.
        tags: At most 100 items.
    """

    name: str
    content: str | None = None
    messages: list[ChatMessage] | None = None
    id: str | None = None
    slug: str | None = None
    project_id: str | None = None
    description: str = ""
    template_format: TemplateFormat = "mustache"
    variables: list[str] | None = None
    target_models: list[str] = []
    model_specific_prompts: list[ModelSpecificPrompt] = []
    version: str | None = None
    module_id: str | None = None
    tags: list[str] = []
    metadata: JsonObject = {}


class PromptDeleted(Struct, frozen=True, kw_only=True):
    """What a delete removed."""

    deleted: bool
    versions: list[str]


class PromptDeletedEnvelope(Struct, frozen=True, kw_only=True):
    """The result of a delete in the envelope of ``/v1/client``."""

    success: bool
    data: PromptDeleted
    metadata: ResponseMetadata


class PromptEnvelope(Struct, frozen=True, kw_only=True):
    """One prompt in the envelope of ``/v1/client``."""

    success: bool
    data: PromptResponse
    metadata: ResponseMetadata


class PromptList(Struct, frozen=True, kw_only=True):
    """A page of prompts, the latest version of each."""

    prompts: list[PromptResponse]
    total: int
    limit: int
    offset: int
    has_more: bool


class PromptListEnvelope(Struct, frozen=True, kw_only=True):
    """A page of prompts in the envelope of ``/v1/client``."""

    success: bool
    data: PromptList
    metadata: ResponseMetadata


class PromptResponse(Struct, frozen=True, kw_only=True):
    """One version of a prompt."""

    id: str
    slug: str = ""
    project_id: str = ""
    name: str
    description: str = ""
    content: str
    messages: list[ChatMessage] | None = None
    template_format: TemplateFormat = "mustache"
    variables: list[str] = []
    target_models: list[str] = []
    model_specific_prompts: list[ModelSpecificPrompt] = []
    version: str
    status: str = ""
    content_hash: str = ""
    etag: str = ""
    tags: list[str] = []
    metadata: JsonObject = {}
    module_id: str | None = None
    created_by: str | None = None
    created_at: datetime
    updated_at: datetime


class PromptUpdate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Changes to a prompt; what is absent stays as it is.

    Attributes:
        name: 1 to 255 characters.
        content: At most 262,144 characters.
        messages: 1 to 500 items.
        description: At most 10,000 characters.
        variables: At most 500 items.
        target_models: At most 100 items.
        model_specific_prompts: At most 100 items.
        tags: At most 100 items.
    """

    create_new_version: bool = True
    version: str | None = None
    bump: PromptUpdateBump = "patch"
    project_id: str | None = None
    name: str | UnsetType = UNSET
    content: str | UnsetType = UNSET
    messages: list[ChatMessage] | None | UnsetType = UNSET
    description: str | UnsetType = UNSET
    template_format: TemplateFormat | UnsetType = UNSET
    variables: list[str] | UnsetType = UNSET
    target_models: list[str] | UnsetType = UNSET
    model_specific_prompts: list[ModelSpecificPrompt] | UnsetType = UNSET
    module_id: str | None | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    metadata: JsonObject | UnsetType = UNSET


class PromptVersionList(Struct, frozen=True, kw_only=True):
    """A page of the versions of one prompt, highest first."""

    versions: list[PromptResponse]
    total: int
    limit: int
    offset: int
    has_more: bool


class PromptVersionListEnvelope(Struct, frozen=True, kw_only=True):
    """A page of versions in the envelope of ``/v1/client``."""

    success: bool
    data: PromptVersionList
    metadata: ResponseMetadata


class RenderEnvelope(Struct, frozen=True, kw_only=True):
    """A rendered prompt in the envelope of ``/v1/client``."""

    success: bool
    data: RenderResponse
    metadata: ResponseMetadata


class RenderRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
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
    timestamp: datetime


class Space(Struct, frozen=True, kw_only=True):
    """A space, which is a project."""

    id: str
    name: str
    description: str
    created_at: datetime
    is_private: bool
    organization_id: str | None = None


class SpaceList(Struct, frozen=True, kw_only=True):
    """A page of spaces."""

    spaces: list[Space]
    pagination: Pagination


PromptUpdateBump: TypeAlias = str
"""Open: the values known today are in ``PromptUpdateBumpKnown``."""

TemplateFormat: TypeAlias = str
"""Open: the values known today are in ``TemplateFormatKnown``."""
