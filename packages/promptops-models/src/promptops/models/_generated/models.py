"""The models of PromptOps, made by ``tox run -e openapi_codegen_for_python_client``. Do not edit."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from promptops.models._unknown import Unknown

JsonObject: TypeAlias = dict[str, Any]

ApiKeyCreateScopesItemKnown: TypeAlias = Literal[
    "admin", "experiments", "prompts:label", "prompts:read", "prompts:write", "telemetry"
]
"""The values of :data:`ApiKeyCreateScopesItem` known today."""

CompatibilityIssueSeverityKnown: TypeAlias = Literal["error", "info", "warning"]
"""The values of :data:`CompatibilityIssueSeverity` known today."""

DatasetDraftCreateModeKnown: TypeAlias = Literal["append", "replace", "update", "upsert"]
"""The values of :data:`DatasetDraftCreateMode` known today."""

DependencyStatusKnown: TypeAlias = Literal["degraded", "healthy", "unhealthy"]
"""The values of :data:`DependencyStatus` known today."""

ImagePartDetailKnown: TypeAlias = Literal["auto", "high", "low"]
"""The values of :data:`ImagePartDetail` known today."""

PromptUpdateBumpKnown: TypeAlias = Literal["major", "minor", "patch"]
"""The values of :data:`PromptUpdateBump` known today."""

ResponseFormatTypeKnown: TypeAlias = Literal["json_object", "json_schema", "text"]
"""The values of :data:`ResponseFormatType` known today."""

TemplateFormatKnown: TypeAlias = Literal["f-string", "jinja2", "mustache", "none"]
"""The values of :data:`TemplateFormat` known today."""

ToolChoiceTypeKnown: TypeAlias = Literal["auto", "none", "required", "tool"]
"""The values of :data:`ToolChoiceType` known today."""

UsageStatsGranularityKnown: TypeAlias = Literal["day", "hour"]
"""The values of :data:`UsageStatsGranularity` known today."""


class UnknownType(Unknown, frozen=True, tag_field="type", tag="__unknown__"):
    """An object whose ``type`` this version does not know; ``raw`` is all of it."""


class ApiKey(Struct, frozen=True, kw_only=True):
    """What may be known of a key: everything but its secrets. ``id`` is the public id."""

    id: str
    name: str
    projects: list[KeyProject]
    default_project: str
    scopes: list[str]
    require_signature: bool
    limits: KeyLimits
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class ApiKeyCreate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new key; it grants no more than the key that makes it. ``projects`` are ids or names, the first is the
    default; without them it is the caller's default project. ``scopes`` are ``prompts:read`` and ``telemetry``
    unless they are given. Without ``expires_at`` the key lives as long as the caller's; without
    ``require_signature`` it is as the caller's.

    Attributes:
        name: 1 to 255 characters.
        projects: 1 to 100 items.
        scopes: 1 to 6 items.
    """

    name: str
    projects: list[str] | None = None
    scopes: list[ApiKeyCreateScopesItem] | None = None
    expires_at: datetime | None = None
    require_signature: bool | None = None
    limits: KeyLimits | UnsetType = UNSET


class ApiKeyCreated(Struct, frozen=True, kw_only=True):
    """A key at the only moment when its secrets are told: ``api_key`` to send, ``secret_key`` to sign with."""

    key: ApiKey
    api_key: str
    secret_key: str


class ApiKeyCreatedEnvelope(Struct, frozen=True, kw_only=True):
    """A new key in the envelope of ``/v1/client``."""

    success: bool
    data: ApiKeyCreated
    metadata: ResponseMetadata


class ApiKeyList(Struct, frozen=True, kw_only=True):
    """A page of keys, newest first."""

    keys: list[ApiKey]
    total: int
    limit: int
    offset: int
    has_more: bool


class ApiKeyListEnvelope(Struct, frozen=True, kw_only=True):
    """A page of keys in the envelope of ``/v1/client``."""

    success: bool
    data: ApiKeyList
    metadata: ResponseMetadata


class ApiKeyRevoked(Struct, frozen=True, kw_only=True):
    """The key that is useless from now on; ``revoked_at`` is when it became so."""

    id: str
    revoked: bool
    revoked_at: datetime


class ApiKeyRevokedEnvelope(Struct, frozen=True, kw_only=True):
    """A revoked key in the envelope of ``/v1/client``."""

    success: bool
    data: ApiKeyRevoked
    metadata: ResponseMetadata


class ApiKeyValidity(Struct, frozen=True, kw_only=True):
    """What the presented key is good for; ``key_id`` is null on a server without keys."""

    valid: bool
    key_id: str | None = None
    name: str | None = None
    projects: list[KeyProject]
    default_project: str
    scopes: list[str]
    require_signature: bool
    expires_at: datetime | None = None


class ApiKeyValidityEnvelope(Struct, frozen=True, kw_only=True):
    """The validity of a key in the envelope of ``/v1/client``."""

    success: bool
    data: ApiKeyValidity
    metadata: ResponseMetadata


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One write: who (the public id of the key; null for the command line or a server without keys), what, when."""

    seq: int
    at: datetime
    key_id: str | None = None
    action: str
    kind: str
    object_id: str
    version: str | None = None
    from_version: str | None = None
    label: str | None = None
    project_id: str
    request_id: str | None = None


class AuditList(Struct, frozen=True, kw_only=True):
    """A page of writes, newest first."""

    entries: list[AuditEntry]
    pagination: Pagination


class AuditListEnvelope(Struct, frozen=True, kw_only=True):
    """A page of writes in the envelope of ``/v1/client``."""

    success: bool
    data: AuditList
    metadata: ResponseMetadata


class ChatMessage(Struct, frozen=True, kw_only=True):
    """One message of a chat prompt: a text, or parts. With the role ``placeholder`` it stands for a list of messages,
    the variable ``name``, and its content is empty.
    """

    role: str
    content: list[TextPart | ImagePart | FilePart | ToolCallPart | ToolResultPart | UnknownType] | str
    name: str | None = None


class CompatibilityEnvelope(Struct, frozen=True, kw_only=True):
    """A compatibility report in the envelope of ``/v1/client``."""

    success: bool
    data: CompatibilityReport
    metadata: ResponseMetadata


class CompatibilityIssue(Struct, frozen=True, kw_only=True):
    """One thing that speaks against a model (error, warning) or is worth knowing (info)."""

    code: str
    severity: CompatibilityIssueSeverity
    message: str
    field: str


class CompatibilityReport(Struct, frozen=True, kw_only=True):
    """One result for each model, in the order asked."""

    prompt_id: str
    slug: str
    version: str
    results: list[ModelCompatibility]


class CompatibilityRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which prompt for which models: one (``model_provider`` and ``model_name``) or several (``models``). The needs
    are those of the prompt's metadata unless they are given here: ``output_tokens`` (reserved for the answer),
    ``requires_json``, ``requires_streaming``.

    Attributes:
        prompt_id: 1 to 255 characters.
        model_provider: 1 to 64 characters.
        model_name: 1 to 128 characters.
        models: 1 to 100 items.
        output_tokens: 0 to 10,000,000.
    """

    prompt_id: str
    version: str | None = None
    model_provider: str | None = None
    model_name: str | None = None
    models: list[ModelReference] | None = None
    output_tokens: int | None = None
    requires_json: bool | None = None
    requires_streaming: bool | None = None
    project_id: str | None = None


class Dataset(Struct, frozen=True, kw_only=True):
    """A dataset; ``versions`` (newest first) and its schema, if any, only where one dataset is asked for."""

    id: str
    name: str
    space_id: str
    created_at: datetime
    updated_at: datetime
    versions: list[DatasetVersion] | UnsetType = UNSET
    example_schema: JsonObject | UnsetType = UNSET


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


class DatasetCreate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new dataset with its first examples; without ``space_id`` it belongs to the default project of the key.

    Attributes:
        examples: 1 to 1,000 items.
    """

    name: str
    space_id: str | None = None
    examples: list[JsonObject]


class DatasetDraft(Struct, frozen=True, kw_only=True):
    """A version that nobody sees before it is published. ``change`` says what publishing would do, or what it did; it
    is null while examples arrive. Published, ``dataset_version_id`` is the version that is the latest then; it is
    null before.
    """

    id: str
    dataset_id: str
    name: str
    space_id: str
    mode: str
    created_at: datetime
    base_version_id: str | None = None
    dataset_version_id: str | None = None
    change: DatasetChange | None = None


class DatasetDraftCreate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A new draft: of a new dataset (``name``), or of the next version of one (``dataset_id`` and ``mode``). Each
    example may have an ``id``; without one it gets an id that is made of its content. With ``publish`` the whole
    change is one step.

    Attributes:
        version_name: 1 to 255 characters.
        examples: At most 1,000 items.
    """

    name: str | None = None
    space_id: str | None = None
    example_schema: JsonObject | None = None
    dataset_id: str | None = None
    mode: DatasetDraftCreateMode | None = None
    version_name: str | None = None
    examples: list[JsonObject] = []
    publish: bool = False


class DatasetDraftExamples(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """More examples for a draft.

    Attributes:
        examples: 1 to 1,000 items.
    """

    examples: list[JsonObject]


class DatasetExampleList(Struct, frozen=True, kw_only=True):
    """A page of examples: each has ``id``, ``created_at``, ``updated_at`` and the user's own fields beside them."""

    examples: list[JsonObject]
    pagination: Pagination


class DatasetExamplesDelete(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The examples to remove from a version, in place.

    Attributes:
        example_ids: 1 to 1,000 items.
    """

    dataset_version_id: str
    example_ids: list[str]


class DatasetExamplesDeleted(Struct, frozen=True, kw_only=True):
    """Which examples were removed, and which ids the version did not have; both in the order of the request."""

    completed: bool
    deleted_example_ids: list[str]
    not_deleted_example_ids: list[str]


class DatasetExamplesInsert(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Examples to append to a version of a dataset.

    Attributes:
        examples: 1 to 1,000 items.
    """

    examples: list[JsonObject]


class DatasetExamplesSearch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which examples of a version (the latest when none is named), oldest first; all of them without a filter.

    Attributes:
        limit: 1 to 500.
        cursor: At most 2,048 characters.
    """

    filter: str | None = None
    limit: int | None = None
    cursor: str | None = None
    dataset_version_id: str | None = None


class DatasetExamplesUpdate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What changes of examples: each has its ``id``, and the fields to add or replace. They change in place, or in a
    new version of the name ``new_version``, which leaves the old one as it is.

    Attributes:
        examples: 1 to 1,000 items.
        new_version: At most 1,000 characters.
    """

    examples: list[JsonObject]
    new_version: str | None = None


class DatasetList(Struct, frozen=True, kw_only=True):
    """A page of datasets, newest first."""

    datasets: list[Dataset]
    pagination: Pagination


class DatasetSchema(Struct, frozen=True, kw_only=True):
    """The JSON schema that every new example of a dataset must meet; null for none."""

    example_schema: JsonObject | None = None


class DatasetUpdate(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Another name for a dataset."""

    name: str


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


class Dependency(Struct, frozen=True, kw_only=True):
    """Whether one thing that the server stands on works, and how long it took to tell."""

    status: DependencyStatus
    latency_ms: float | None = None
    detail: str


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


class ExperimentRunsSearch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which runs of an experiment, by id; all of them without a filter.

    Attributes:
        limit: 1 to 500.
        cursor: At most 2,048 characters.
    """

    filter: str | None = None
    limit: int | None = None
    cursor: str | None = None


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


class FilePart(Struct, frozen=True, kw_only=True, tag_field="type", tag="file"):
    """A document: its address, its Base64 content with its ``media_type``, or the id that the provider gave it."""

    url: str | None = None
    data: str | None = None
    file_id: str | None = None
    media_type: str | None = None
    filename: str | None = None

    @property
    def type(self) -> Literal["file"]:
        """What tells this apart in a union."""
        return "file"


class Health(Struct, frozen=True, kw_only=True):
    """Whether the server and what it stands on work."""

    status: str
    version: str
    timestamp: datetime
    dependencies: dict[str, Dependency]


class HealthEnvelope(Struct, frozen=True, kw_only=True):
    """Health in the envelope of ``/v1/client``."""

    success: bool
    data: Health
    metadata: ResponseMetadata


class ImagePart(Struct, frozen=True, kw_only=True, tag_field="type", tag="image"):
    """An image: its address (``url``, a template), or the image itself (``data``, Base64, with its ``media_type``)."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    detail: ImagePartDetail | None = None

    @property
    def type(self) -> Literal["image"]:
        """What tells this apart in a union."""
        return "image"


class KeyLimits(Struct, frozen=True, kw_only=True):
    """What a key may send, where it differs from the defaults of the server. ``per_minute``, ``per_hour`` and
    ``per_day`` are quotas; ``rate`` is requests a second of each kind (reads, writes, telemetry), with bursts of
    twice that.
    """

    per_minute: int | None = None
    per_hour: int | None = None
    per_day: int | None = None
    rate: int | None = None


class KeyProject(Struct, frozen=True, kw_only=True):
    """A project that a key grants."""

    id: str
    name: str


class ModelCompatibility(Struct, frozen=True, kw_only=True):
    """Whether a prompt suits a model: compatible when no issue is an error. ``score`` is 1.0 less 0.2 for each
    warning, at least 0.2; with an error it is 0.0. ``estimated_tokens`` counts the text without the values of its
    variables.
    """

    model_provider: str
    model_name: str
    compatible: bool
    score: float
    issues: list[CompatibilityIssue]
    recommendations: list[str]
    estimated_tokens: int
    reserved_output_tokens: int
    context_window: int | None = None


class ModelCost(Struct, frozen=True, kw_only=True):
    """The price of 1,000 tokens in US dollars."""

    input: float
    output: float


class ModelInfo(Struct, frozen=True, kw_only=True):
    """One model of the catalogue; null is unknown. ``max_tokens`` is another name of ``context_window``."""

    provider: str
    name: str
    display_name: str
    description: str
    capabilities: list[str]
    max_tokens: int | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    supports_streaming: bool | None = None
    supports_json: bool | None = None
    cost_per_1k_tokens: ModelCost | None = None
    deprecated: bool
    as_of: str
    source: str


class ModelList(Struct, frozen=True, kw_only=True):
    """The models that match, by provider and name."""

    models: list[ModelInfo]
    total: int


class ModelListEnvelope(Struct, frozen=True, kw_only=True):
    """Models in the envelope of ``/v1/client``."""

    success: bool
    data: ModelList
    metadata: ResponseMetadata


class ModelReference(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model by provider and name.

    Attributes:
        model_provider: 1 to 64 characters.
        model_name: 1 to 128 characters.
    """

    model_provider: str
    model_name: str


class ModelSettings(Struct, frozen=True, kw_only=True):
    """For which model, and how it answers; ``extra`` is handed to the provider as it is."""

    provider: str | None = None
    model: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    stop: list[str] | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    extra: JsonObject = {}


class ModelSpecificPrompt(Struct, frozen=True, kw_only=True):
    """What a prompt says to one model, or to every model of a provider (empty name or ``*``). ``messages`` and
    ``model_settings``, where given, replace the prompt's own; without ``messages``, ``content`` does.
    """

    model_provider: str
    model_name: str = ""
    content: str
    messages: list[ChatMessage] | None = None
    model_settings: ModelSettings | None = None
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


class PromptBatch(Struct, frozen=True, kw_only=True):
    """The prompts of a batch by the id they were asked for with; ``metadata`` is empty when it was not wanted."""

    prompts: dict[str, PromptResponse]
    errors: list[PromptBatchError]


class PromptBatchEnvelope(Struct, frozen=True, kw_only=True):
    """A batch of prompts in the envelope of ``/v1/client``."""

    success: bool
    data: PromptBatch
    metadata: ResponseMetadata


class PromptBatchError(Struct, frozen=True, kw_only=True):
    """Why one prompt of a batch is not in the answer."""

    prompt_id: str
    code: str
    message: str


class PromptBatchRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Prompts to get at once, by id or slug. ``versions`` and ``labels`` say which version is meant of some of them,
    ``version`` or ``label`` (not both) of the others; without any it is the latest.

    Attributes:
        prompt_ids: 1 to 100 items.
    """

    prompt_ids: list[str]
    version: str | None = None
    versions: dict[str, str] = {}
    label: str | None = None
    labels: dict[str, str] = {}
    include_metadata: bool = True
    project_id: str | None = None


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
        tools: At most 128 items.
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
    tools: list[ToolDefinition] = []
    tool_choice: ToolChoice | None = None
    response_format: ResponseFormat | None = None
    model_settings: ModelSettings | None = None
    variables_schema: JsonObject | None = None
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


class PromptEvent(Struct, frozen=True, kw_only=True):
    """Something that happened to a prompt. ``action`` is ``created``, ``versioned``, ``edited``, ``label_moved``,
    ``label_removed`` or ``deleted``. ``version`` is the version that it happened to: made, edited, deleted (null:
    the whole prompt), or the one that the label points to from then on (null: the label is gone). ``from_version``
    is where the label pointed before, or for a new version the one that it was made from. ``by`` is the public id
    of the key, null on a server without keys.
    """

    at: datetime
    action: str
    version: str | None = None
    from_version: str | None = None
    label: str | None = None
    content_hash: str | None = None
    by: str | None = None
    request_id: str | None = None


class PromptForModel(Struct, frozen=True, kw_only=True):
    """The text of a prompt that applies to one model. ``is_model_specific`` is false where the prompt's own text
    applies; ``matched_model`` is the name in the entry that was chosen (empty or ``*`` for every model of the
    provider), null without one.
    """

    prompt_id: str
    slug: str
    version: str
    model_provider: str
    model_name: str
    is_model_specific: bool
    matched_model: str | None = None
    content: str
    messages: list[ChatMessage] | None = None
    tools: list[ToolDefinition] = []
    tool_choice: ToolChoice | None = None
    response_format: ResponseFormat | None = None
    model_settings: ModelSettings | None = None
    instructions: str | None = None
    expected_output_format: str | None = None
    template_format: TemplateFormat
    variables: list[str]
    content_hash: str
    etag: str


class PromptForModelEnvelope(Struct, frozen=True, kw_only=True):
    """The text for one model in the envelope of ``/v1/client``."""

    success: bool
    data: PromptForModel
    metadata: ResponseMetadata


class PromptHistory(Struct, frozen=True, kw_only=True):
    """A page of what happened to a prompt, newest first."""

    events: list[PromptEvent]
    total: int
    limit: int
    offset: int
    has_more: bool


class PromptHistoryEnvelope(Struct, frozen=True, kw_only=True):
    """The history of a prompt in the envelope of ``/v1/client``."""

    success: bool
    data: PromptHistory
    metadata: ResponseMetadata


class PromptInclude(Struct, frozen=True, kw_only=True):
    """A version of another prompt that is part of this one; ``label`` is set when it was named by one."""

    name: str
    version: str
    label: str | None = None
    content_hash: str


class PromptLabel(Struct, frozen=True, kw_only=True):
    """A label and the version that it points to; moving a protected one needs the scope ``prompts:label``."""

    label: str
    version: str
    protected: bool
    updated_at: datetime
    updated_by: str | None = None


class PromptLabelEnvelope(Struct, frozen=True, kw_only=True):
    """A label in the envelope of ``/v1/client``."""

    success: bool
    data: PromptLabel
    metadata: ResponseMetadata


class PromptLabelList(Struct, frozen=True, kw_only=True):
    """The labels of a prompt, by name."""

    labels: list[PromptLabel]


class PromptLabelListEnvelope(Struct, frozen=True, kw_only=True):
    """The labels of a prompt in the envelope of ``/v1/client``."""

    success: bool
    data: PromptLabelList
    metadata: ResponseMetadata


class PromptLabelMove(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a label shall point; with ``expected_version`` only if it points there now (null: nowhere)."""

    version: str
    expected_version: str | None | UnsetType = UNSET
    project_id: str | None = None


class PromptLabelRemoved(Struct, frozen=True, kw_only=True):
    """A label that is gone, and the version that it pointed to."""

    removed: bool
    label: str
    version: str


class PromptLabelRemovedEnvelope(Struct, frozen=True, kw_only=True):
    """A removed label in the envelope of ``/v1/client``."""

    success: bool
    data: PromptLabelRemoved
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
    tools: list[ToolDefinition] = []
    tool_choice: ToolChoice | None = None
    response_format: ResponseFormat | None = None
    model_settings: ModelSettings | None = None
    variables_schema: JsonObject | None = None
    source: PromptSource | None = None
    includes: list[PromptInclude] = []
    labels: list[str] = []
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


class PromptSource(Struct, frozen=True, kw_only=True):
    """The text or the messages, and the model-specific prompts, as they were written, before others were included."""

    content: str
    messages: list[ChatMessage] | None = None
    model_specific_prompts: list[ModelSpecificPrompt] = []


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
        tools: At most 128 items.
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
    tools: list[ToolDefinition] | UnsetType = UNSET
    tool_choice: ToolChoice | None | UnsetType = UNSET
    response_format: ResponseFormat | None | UnsetType = UNSET
    model_settings: ModelSettings | None | UnsetType = UNSET
    variables_schema: JsonObject | None | UnsetType = UNSET
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
    label: str | None = None
    model_provider: str | None = None
    model_name: str | None = None
    project_id: str | None = None


class RenderResponse(Struct, frozen=True, kw_only=True):
    """A rendered prompt."""

    prompt_id: str
    version: str
    rendered_content: str
    messages: list[JsonObject]
    tools: list[ToolDefinition] = []
    tool_choice: ToolChoice | None = None
    response_format: ResponseFormat | None = None
    model_settings: ModelSettings | None = None
    variables_used: list[str]
    processing_time_ms: float
    cache_hit: bool


class ReportedUsage(Struct, frozen=True, kw_only=True):
    """What clients reported; ``cost`` (US dollars, decimal text) is null unless every record named one."""

    records: int
    failures: int
    input_tokens: int
    output_tokens: int
    cost: str | None = None
    known_cost: str | None = None
    records_without_cost: int


class ResponseFormat(Struct, frozen=True, kw_only=True):
    """The form of the answer; ``json_schema`` needs ``schema``."""

    type: ResponseFormatType
    name: str | None = None
    description: str | None = None
    schema: JsonObject | None = None
    strict: bool | None = None


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


class TelemetryBatch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Events of one client; ``dropped`` is how many it lost since its last batch.

    Attributes:
        batch_id: 8 to 128 characters.
        events: 1 to 512 items.
        dropped: 0 to 1,000,000,000,000.
        sample_rate: 0 to 1.
        client: At most 255 characters.
    """

    batch_id: str
    events: list[TelemetryEvent]
    dropped: int = 0
    sample_rate: float | None = None
    client: str | None = None


class TelemetryEvent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened in a client; attributes are plain values, and never texts of prompts or variables.

    Attributes:
        name: 1 to 128 characters.
        duration_ms: 0 to 86,400,000.
        outcome: At most 64 characters.
    """

    name: str
    timestamp: datetime
    duration_ms: float | None = None
    outcome: str | None = None
    attributes: dict[str, str | float | bool] = {}


class TelemetryReceipt(Struct, frozen=True, kw_only=True):
    """What became of the events of a batch: stored, stored before, or too old to keep."""

    batch_id: str
    accepted: int
    duplicates: int
    dropped: int


class TelemetryReceiptEnvelope(Struct, frozen=True, kw_only=True):
    """A telemetry receipt in the envelope of ``/v1/client``."""

    success: bool
    data: TelemetryReceipt
    metadata: ResponseMetadata


class TextPart(Struct, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """Text; a template."""

    text: str

    @property
    def type(self) -> Literal["text"]:
        """What tells this apart in a union."""
        return "text"


class ToolCallPart(Struct, frozen=True, kw_only=True, tag_field="type", tag="tool_call"):
    """A call that the assistant made; the texts in ``arguments`` are templates."""

    id: str
    name: str
    arguments: JsonObject = {}

    @property
    def type(self) -> Literal["tool_call"]:
        """What tells this apart in a union."""
        return "tool_call"


class ToolChoice(Struct, frozen=True, kw_only=True):
    """Whether the model must call a tool: ``tool`` means the one that ``name`` names."""

    type: ToolChoiceType
    name: str | None = None
    parallel: bool | None = None


class ToolDefinition(Struct, frozen=True, kw_only=True):
    """A tool that the model may call; ``parameters`` is a JSON schema."""

    name: str
    description: str | None = None
    parameters: JsonObject = {}
    strict: bool | None = None


class ToolResultPart(Struct, frozen=True, kw_only=True, tag_field="type", tag="tool_result"):
    """What a tool answered to the call with the id ``tool_call_id``; ``content`` is a template."""

    tool_call_id: str
    content: str
    name: str | None = None
    is_error: bool = False

    @property
    def type(self) -> Literal["tool_result"]:
        """What tells this apart in a union."""
        return "tool_result"


class UsageBucket(Struct, frozen=True, kw_only=True):
    """The requests of one hour or day (UTC)."""

    start: datetime
    requests: int
    errors: int
    average_latency_ms: float


class UsageLimits(Struct, frozen=True, kw_only=True):
    """The quotas of the key, by window: ``minute``, ``hour``, ``day``."""

    limited: bool
    windows: dict[str, UsageWindow]


class UsageLimitsEnvelope(Struct, frozen=True, kw_only=True):
    """Quotas in the envelope of ``/v1/client``."""

    success: bool
    data: UsageLimits
    metadata: ResponseMetadata


class UsageLogRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Reported usage; a batch that was stored before is not stored again.

    Attributes:
        batch_id: 8 to 128 characters.
        records: 1 to 500 items.
    """

    batch_id: str
    records: list[UsageRecord]
    project_id: str | None = None


class UsageOperation(Struct, frozen=True, kw_only=True):
    """The requests of one operation."""

    operation: str
    requests: int
    errors: int
    average_latency_ms: float


class UsageReceipt(Struct, frozen=True, kw_only=True):
    """What became of a batch of reported usage; ``duplicates`` are records of a batch that was stored before."""

    batch_id: str
    accepted: int
    duplicates: int


class UsageReceiptEnvelope(Struct, frozen=True, kw_only=True):
    """A usage receipt in the envelope of ``/v1/client``."""

    success: bool
    data: UsageReceipt
    metadata: ResponseMetadata


class UsageRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call as the client reports it; ``cost`` is in US dollars as a decimal text, absent when unknown.

    Attributes:
        operation: 1 to 128 characters.
        prompt_id: At most 255 characters.
        version: At most 255 characters.
        model_provider: At most 255 characters.
        model_name: At most 255 characters.
        input_tokens: 0 to 1,000,000,000.
        output_tokens: 0 to 1,000,000,000.
        latency_ms: 0 to 86,400,000.
    """

    timestamp: datetime
    operation: str
    prompt_id: str | None = None
    version: str | None = None
    model_provider: str | None = None
    model_name: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: float | None = None
    success: bool = True
    cost: str | None = None


class UsageStats(Struct, frozen=True, kw_only=True):
    """Usage from ``start`` (inclusive) to ``end`` (exclusive): counted by the server, and reported by clients.
    ``requests_by_hour`` counts requests by the start of their hour, whatever the granularity of ``buckets``.
    ``total_cost`` is that of ``reported``.
    """

    start: datetime
    end: datetime
    granularity: UsageStatsGranularity
    total_requests: int
    successful_requests: int
    failed_requests: int
    average_latency_ms: float | None = None
    total_cost: str | None = None
    requests_by_hour: dict[str, int]
    operations: list[UsageOperation]
    buckets: list[UsageBucket]
    reported: ReportedUsage


class UsageStatsEnvelope(Struct, frozen=True, kw_only=True):
    """Usage in the envelope of ``/v1/client``."""

    success: bool
    data: UsageStats
    metadata: ResponseMetadata


class UsageWindow(Struct, frozen=True, kw_only=True):
    """One window of a quota; null where there is no limit."""

    limit: int | None = None
    remaining: int | None = None
    reset_at: datetime | None = None


ApiKeyCreateScopesItem: TypeAlias = str
"""Open: the values known today are in ``ApiKeyCreateScopesItemKnown``."""

CompatibilityIssueSeverity: TypeAlias = str
"""Open: the values known today are in ``CompatibilityIssueSeverityKnown``."""

DatasetDraftCreateMode: TypeAlias = str
"""Open: the values known today are in ``DatasetDraftCreateModeKnown``."""

DependencyStatus: TypeAlias = str
"""Open: the values known today are in ``DependencyStatusKnown``."""

ImagePartDetail: TypeAlias = str
"""Open: the values known today are in ``ImagePartDetailKnown``."""

PromptUpdateBump: TypeAlias = str
"""Open: the values known today are in ``PromptUpdateBumpKnown``."""

ResponseFormatType: TypeAlias = str
"""Open: the values known today are in ``ResponseFormatTypeKnown``."""

TemplateFormat: TypeAlias = str
"""Open: the values known today are in ``TemplateFormatKnown``."""

ToolChoiceType: TypeAlias = str
"""Open: the values known today are in ``ToolChoiceTypeKnown``."""

UsageStatsGranularity: TypeAlias = str
"""Open: the values known today are in ``UsageStatsGranularityKnown``."""
