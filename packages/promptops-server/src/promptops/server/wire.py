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


class Dependency(Struct, frozen=True, kw_only=True):
    """Whether one thing that the server stands on works, and how long it took to tell."""

    status: Literal["healthy", "degraded", "unhealthy"]
    latency_ms: float | None
    detail: str


class Health(Struct, frozen=True, kw_only=True):
    """Whether the server and what it stands on work."""

    status: str
    version: str
    timestamp: Timestamp
    dependencies: dict[str, Dependency]


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


# --- batches and texts for one model, /v1/client ---------------------------------------------------------------------


class PromptBatchRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prompts to get at once, by id or slug; ``versions`` names one for some of them, ``version`` for the others."""

    prompt_ids: Annotated[list[Annotated[str, Meta(min_length=1, max_length=255)]], Meta(min_length=1, max_length=100)]
    version: str | None = None
    versions: Annotated[dict[str, str], Meta(max_length=100)] = {}
    include_metadata: bool = True
    project_id: str | None = None


class PromptBatchError(Struct, frozen=True, kw_only=True):
    """Why one prompt of a batch is not in the answer."""

    prompt_id: str
    code: str
    message: str


class PromptBatch(Struct, frozen=True, kw_only=True):
    """The prompts of a batch by the id they were asked for with; ``metadata`` is empty when it was not wanted."""

    prompts: dict[str, PromptResponse]
    errors: list[PromptBatchError]


class PromptBatchEnvelope(Struct, frozen=True, kw_only=True):
    """A batch of prompts in the envelope of ``/v1/client``."""

    success: bool
    data: PromptBatch
    metadata: ResponseMetadata


class PromptForModel(Struct, frozen=True, kw_only=True):
    """The text of a prompt that applies to one model.

    ``is_model_specific`` is false where the prompt's own text applies; ``matched_model`` is the name in the entry that
    was chosen (empty or ``*`` for every model of the provider), null without one.
    """

    prompt_id: str
    slug: str
    version: str
    model_provider: str
    model_name: str
    is_model_specific: bool
    matched_model: str | None
    content: str
    messages: list[ChatMessage] | None
    instructions: str | None
    expected_output_format: str | None
    template_format: TemplateFormat
    variables: list[str]
    content_hash: str
    etag: str


class PromptForModelEnvelope(Struct, frozen=True, kw_only=True):
    """The text for one model in the envelope of ``/v1/client``."""

    success: bool
    data: PromptForModel
    metadata: ResponseMetadata


# --- models and compatibility, /v1/client ----------------------------------------------------------------------------


class ModelCost(Struct, frozen=True, kw_only=True):
    """The price of 1,000 tokens in US dollars."""

    input: Annotated[float, Meta(ge=0)]
    output: Annotated[float, Meta(ge=0)]


class ModelInfo(Struct, frozen=True, kw_only=True):
    """One model of the catalogue; null is unknown. ``max_tokens`` is another name of ``context_window``."""

    provider: str
    name: str
    display_name: str
    description: str
    capabilities: list[str]
    max_tokens: int | None
    context_window: int | None
    max_output_tokens: int | None
    supports_streaming: bool | None
    supports_json: bool | None
    cost_per_1k_tokens: ModelCost | None
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


class ModelReference(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model by provider and name."""

    model_provider: Annotated[str, Meta(min_length=1, max_length=64)]
    model_name: Annotated[str, Meta(min_length=1, max_length=128)]


class CompatibilityRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which prompt for which models: one (``model_provider`` and ``model_name``) or several (``models``).

    The needs are those of the prompt's metadata unless they are given here: ``output_tokens`` (reserved for the
    answer), ``requires_json``, ``requires_streaming``.
    """

    prompt_id: Annotated[str, Meta(min_length=1, max_length=255)]
    version: str | None = None
    model_provider: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    model_name: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    models: Annotated[list[ModelReference], Meta(min_length=1, max_length=100)] | None = None
    output_tokens: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    requires_json: bool | None = None
    requires_streaming: bool | None = None
    project_id: str | None = None


class CompatibilityIssue(Struct, frozen=True, kw_only=True):
    """One thing that speaks against a model (error, warning) or is worth knowing (info)."""

    code: str
    severity: Literal["error", "warning", "info"]
    message: str
    field: str


class ModelCompatibility(Struct, frozen=True, kw_only=True):
    """Whether a prompt suits a model: compatible when no issue is an error.

    ``score`` is 1.0 less 0.2 for each warning, at least 0.2; with an error it is 0.0. ``estimated_tokens`` counts the
    text without the values of its variables.
    """

    model_provider: str
    model_name: str
    compatible: bool
    score: float
    issues: list[CompatibilityIssue]
    recommendations: list[str]
    estimated_tokens: int
    reserved_output_tokens: int
    context_window: int | None


class CompatibilityReport(Struct, frozen=True, kw_only=True):
    """One result for each model, in the order asked."""

    prompt_id: str
    slug: str
    version: str
    results: list[ModelCompatibility]


class CompatibilityEnvelope(Struct, frozen=True, kw_only=True):
    """A compatibility report in the envelope of ``/v1/client``."""

    success: bool
    data: CompatibilityReport
    metadata: ResponseMetadata


# --- usage and telemetry, /v1/client ---------------------------------------------------------------------------------

BatchId = Annotated[str, Meta(min_length=8, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]
EventName = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_.:/-]+$")]
Label = Annotated[str, Meta(max_length=255)]
Count = Annotated[int, Meta(ge=0, le=1_000_000_000_000)]
Tokens = Annotated[int, Meta(ge=0, le=1_000_000_000)]
AttributeText = Annotated[str, Meta(max_length=1024)]
Milliseconds = Annotated[float, Meta(ge=0, le=86_400_000)]


class UsageRecord(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One call as the client reports it; ``cost`` is in US dollars as a decimal text, absent when unknown."""

    timestamp: Timestamp
    operation: EventName
    prompt_id: Label | None = None
    version: Label | None = None
    model_provider: Label | None = None
    model_name: Label | None = None
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    latency_ms: Milliseconds | None = None
    success: bool = True
    cost: Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$")] | None = None


class UsageLogRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Reported usage; a batch that was stored before is not stored again."""

    batch_id: BatchId
    records: Annotated[list[UsageRecord], Meta(min_length=1, max_length=500)]
    project_id: str | None = None


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


class UsageBucket(Struct, frozen=True, kw_only=True):
    """The requests of one hour or day (UTC)."""

    start: Timestamp
    requests: int
    errors: int
    average_latency_ms: float


class UsageOperation(Struct, frozen=True, kw_only=True):
    """The requests of one operation."""

    operation: str
    requests: int
    errors: int
    average_latency_ms: float


class ReportedUsage(Struct, frozen=True, kw_only=True):
    """What clients reported; ``cost`` (US dollars, decimal text) is null unless every record named one."""

    records: int
    failures: int
    input_tokens: int
    output_tokens: int
    cost: str | None
    known_cost: str | None
    records_without_cost: int


class UsageStats(Struct, frozen=True, kw_only=True):
    """Usage from ``start`` (inclusive) to ``end`` (exclusive): counted by the server, and reported by clients.

    ``requests_by_hour`` counts requests by the start of their hour, whatever the granularity of ``buckets``.
    ``total_cost`` is that of ``reported``.
    """

    start: Timestamp
    end: Timestamp
    granularity: Literal["hour", "day"]
    total_requests: int
    successful_requests: int
    failed_requests: int
    average_latency_ms: float | None
    total_cost: str | None
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

    limit: int | None
    remaining: int | None
    reset_at: Timestamp | None


class UsageLimits(Struct, frozen=True, kw_only=True):
    """The quotas of the key, by window: ``minute``, ``hour``, ``day``."""

    limited: bool
    windows: dict[str, UsageWindow]


class UsageLimitsEnvelope(Struct, frozen=True, kw_only=True):
    """Quotas in the envelope of ``/v1/client``."""

    success: bool
    data: UsageLimits
    metadata: ResponseMetadata


class TelemetryEvent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that happened in a client; attributes are plain values, and never texts of prompts or variables."""

    name: EventName
    timestamp: Timestamp
    duration_ms: Milliseconds | None = None
    outcome: Annotated[str, Meta(max_length=64)] | None = None
    attributes: Annotated[
        dict[Annotated[str, Meta(min_length=1, max_length=128)], AttributeText | int | float | bool],
        Meta(max_length=64),
    ] = {}


class TelemetryBatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Events of one client; ``dropped`` is how many it lost since its last batch."""

    batch_id: BatchId
    events: Annotated[list[TelemetryEvent], Meta(min_length=1, max_length=512)]
    dropped: Count = 0
    sample_rate: Annotated[float, Meta(ge=0, le=1)] | None = None
    client: Label | None = None


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


# --- keys and audit, /v1/client --------------------------------------------------------------------------------------

KeyScope = Literal["prompts:read", "prompts:write", "prompts:label", "experiments", "telemetry", "admin"]
LimitCount = Annotated[int, Meta(ge=1, le=1_000_000_000)]


class KeyLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a key may send, where it differs from the defaults of the server.

    ``per_minute``, ``per_hour`` and ``per_day`` are quotas; ``rate`` is requests a second of each kind (reads, writes,
    telemetry), with bursts of twice that.
    """

    per_minute: LimitCount | None = None
    per_hour: LimitCount | None = None
    per_day: LimitCount | None = None
    rate: LimitCount | None = None


class ApiKeyCreate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new key; it grants no more than the key that makes it.

    ``projects`` are ids or names, the first is the default; without them it is the caller's default project. ``scopes``
    are ``prompts:read`` and ``telemetry`` unless they are given. Without ``expires_at`` the key lives as long as the
    caller's; without ``require_signature`` it is as the caller's.
    """

    name: Annotated[str, Meta(min_length=1, max_length=255)]
    projects: Annotated[list[Annotated[str, Meta(max_length=255)]], Meta(min_length=1, max_length=100)] | None = None
    scopes: Annotated[list[KeyScope], Meta(min_length=1, max_length=6)] | None = None
    expires_at: Timestamp | None = None
    require_signature: bool | None = None
    limits: KeyLimits = KeyLimits()


class KeyProject(Struct, frozen=True, kw_only=True):
    """A project that a key grants."""

    id: str
    name: str


class ApiKey(Struct, frozen=True, kw_only=True):
    """What may be known of a key: everything but its secrets. ``id`` is the public id."""

    id: str
    name: str
    projects: list[KeyProject]
    default_project: str
    scopes: list[str]
    require_signature: bool
    limits: KeyLimits
    created_at: Timestamp
    expires_at: Timestamp | None
    revoked_at: Timestamp | None


class ApiKeyCreated(Struct, frozen=True, kw_only=True):
    """A key at the only moment when its secrets are told: ``api_key`` to send, ``secret_key`` to sign with."""

    key: ApiKey
    api_key: str
    secret_key: str


class ApiKeyList(Struct, frozen=True, kw_only=True):
    """A page of keys, newest first."""

    keys: list[ApiKey]
    total: int
    limit: int
    offset: int
    has_more: bool


class ApiKeyRevoked(Struct, frozen=True, kw_only=True):
    """The key that is useless from now on; ``revoked_at`` is when it became so."""

    id: str
    revoked: bool
    revoked_at: Timestamp


class ApiKeyValidity(Struct, frozen=True, kw_only=True):
    """What the presented key is good for; ``key_id`` is null on a server without keys."""

    valid: bool
    key_id: str | None
    name: str | None
    projects: list[KeyProject]
    default_project: str
    scopes: list[str]
    require_signature: bool
    expires_at: Timestamp | None


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One write: who (the public id of the key; null for the command line or a server without keys), what, when."""

    seq: int
    at: Timestamp
    key_id: str | None
    action: str
    kind: str
    object_id: str
    version: str | None
    project_id: str
    request_id: str | None


class AuditList(Struct, frozen=True, kw_only=True):
    """A page of writes, newest first."""

    entries: list[AuditEntry]
    pagination: Pagination


class ApiKeyCreatedEnvelope(Struct, frozen=True, kw_only=True):
    """A new key in the envelope of ``/v1/client``."""

    success: bool
    data: ApiKeyCreated
    metadata: ResponseMetadata


class ApiKeyListEnvelope(Struct, frozen=True, kw_only=True):
    """A page of keys in the envelope of ``/v1/client``."""

    success: bool
    data: ApiKeyList
    metadata: ResponseMetadata


class ApiKeyRevokedEnvelope(Struct, frozen=True, kw_only=True):
    """A revoked key in the envelope of ``/v1/client``."""

    success: bool
    data: ApiKeyRevoked
    metadata: ResponseMetadata


class ApiKeyValidityEnvelope(Struct, frozen=True, kw_only=True):
    """The validity of a key in the envelope of ``/v1/client``."""

    success: bool
    data: ApiKeyValidity
    metadata: ResponseMetadata


class AuditListEnvelope(Struct, frozen=True, kw_only=True):
    """A page of writes in the envelope of ``/v1/client``."""

    success: bool
    data: AuditList
    metadata: ResponseMetadata
