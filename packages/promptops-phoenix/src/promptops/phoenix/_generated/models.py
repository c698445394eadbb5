"""The models of Arize-Phoenix REST API, made by ``tox run -e openapi_codegen_for_phoenix``. Do not edit."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

from msgspec import UNSET, Struct, UnsetType

from promptops.models._unknown import Unknown

JsonObject: TypeAlias = dict[str, Any]

AnnotatorKindKnown: TypeAlias = Literal["LLM", "CODE", "HUMAN"]
"""The values of :data:`AnnotatorKind` known today."""

ChatCompletionRequestMessageRoleKnown: TypeAlias = Literal["system", "developer", "user", "assistant"]
"""The values of :data:`ChatCompletionRequestMessageRole` known today."""

CustomModelProviderSdkKnown: TypeAlias = Literal["openai", "azure_openai", "anthropic", "google_genai", "aws_bedrock"]
"""The values of :data:`CustomModelProviderSdk` known today."""

DisplayKnown: TypeAlias = Literal["summarized", "omitted"]
"""The values of :data:`Display` known today."""

ModelProviderKnown: TypeAlias = Literal[
    "OPENAI",
    "AZURE_OPENAI",
    "ANTHROPIC",
    "GOOGLE",
    "DEEPSEEK",
    "XAI",
    "OLLAMA",
    "AWS",
    "CEREBRAS",
    "FIREWORKS",
    "GROQ",
    "MOONSHOT",
    "MINIMAX",
    "PERPLEXITY",
    "TOGETHER",
    "ZAI",
    "META",
]
"""The values of :data:`ModelProvider` known today."""

OptimizationDirectionKnown: TypeAlias = Literal["MINIMIZE", "MAXIMIZE", "NONE"]
"""The values of :data:`OptimizationDirection` known today."""

OtlpDoubleValueKnown: TypeAlias = Literal["Infinity", "-Infinity", "NaN"]
"""The values of :data:`OtlpDoubleValue` known today."""

OtlpKindKnown: TypeAlias = Literal[
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
]
"""The values of :data:`OtlpKind` known today."""

PromptAnthropicOutputConfigEffortKnown: TypeAlias = Literal["low", "medium", "high", "xhigh", "max"]
"""The values of :data:`PromptAnthropicOutputConfigEffort` known today."""

PromptGoogleThinkingConfigThinkingLevelKnown: TypeAlias = Literal["minimal", "low", "medium", "high"]
"""The values of :data:`PromptGoogleThinkingConfigThinkingLevel` known today."""

PromptMessageRoleKnown: TypeAlias = Literal["user", "assistant", "model", "ai", "tool", "system", "developer"]
"""The values of :data:`PromptMessageRole` known today."""

PromptTemplateFormatKnown: TypeAlias = Literal["MUSTACHE", "F_STRING", "NONE"]
"""The values of :data:`PromptTemplateFormat` known today."""

PromptTemplateTypeKnown: TypeAlias = Literal["STR", "CHAT"]
"""The values of :data:`PromptTemplateType` known today."""

ReasoningEffortKnown: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh"]
"""The values of :data:`ReasoningEffort` known today."""

RoleKnown: TypeAlias = Literal["SYSTEM", "ADMIN", "MEMBER", "VIEWER"]
"""The values of :data:`Role` known today."""

SourceKnown: TypeAlias = Literal["API", "APP"]
"""The values of :data:`Source` known today."""

UploadDatasetRequestActionKnown: TypeAlias = Literal["create", "append", "update"]
"""The values of :data:`UploadDatasetRequestAction` known today."""


class UnknownAuthMethod(Unknown, frozen=True, tag_field="auth_method", tag="__unknown__"):
    """An object whose ``auth_method`` this version does not know; ``raw`` is all of it."""


class UnknownType(Unknown, frozen=True, tag_field="type", tag="__unknown__"):
    """An object whose ``type`` this version does not know; ``raw`` is all of it."""


class AddDatasetLabelToDatasetResponseBody(Struct, frozen=True, kw_only=True):
    """AddDatasetLabelToDatasetResponseBody."""

    data: DatasetLabel


class AnnotateSessionsRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """AnnotateSessionsRequestBody."""

    data: list[SessionAnnotationData]


class AnnotateSessionsResponseBody(Struct, frozen=True, kw_only=True):
    """AnnotateSessionsResponseBody."""

    data: list[InsertedSessionAnnotation]


class AnnotateSpanDocumentsRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """AnnotateSpanDocumentsRequestBody."""

    data: list[SpanDocumentAnnotationData]


class AnnotateSpanDocumentsResponseBody(Struct, frozen=True, kw_only=True):
    """AnnotateSpanDocumentsResponseBody."""

    data: list[InsertedSpanDocumentAnnotation]


class AnnotateSpansRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """AnnotateSpansRequestBody."""

    data: list[SpanAnnotationData]


class AnnotateSpansResponseBody(Struct, frozen=True, kw_only=True):
    """AnnotateSpansResponseBody."""

    data: list[InsertedSpanAnnotation]


class AnnotateTracesRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """AnnotateTracesRequestBody."""

    data: list[TraceAnnotationData]


class AnnotateTracesResponseBody(Struct, frozen=True, kw_only=True):
    """AnnotateTracesResponseBody."""

    data: list[InsertedTraceAnnotation]


class AnnotationResult(Struct, frozen=True, kw_only=True):
    """AnnotationResult."""

    explanation: str | None | UnsetType = UNSET
    label: str | None | UnsetType = UNSET
    score: float | None | UnsetType = UNSET


class AnonymousUser(Struct, frozen=True, kw_only=True, tag_field="auth_method", tag="ANONYMOUS"):
    """AnonymousUser."""

    @property
    def auth_method(self) -> Literal["ANONYMOUS"]:
        """What tells this apart in a union."""
        return "ANONYMOUS"


class ApiKey(Struct, frozen=True, kw_only=True):
    """ApiKey."""

    created_at: datetime
    description: str | None | UnsetType = UNSET
    expires_at: datetime | None | UnsetType = UNSET
    id: str
    name: str


class ApiKeyData(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """ApiKeyData."""

    description: str | None | UnsetType = UNSET
    expires_at: datetime | None | UnsetType = UNSET
    name: str


class ApiKeyUser(Struct, frozen=True, kw_only=True):
    """ApiKeyUser."""

    email: str | None = None
    id: str
    username: str


class AssignAnnotationConfigToProjectResponseBody(Struct, frozen=True, kw_only=True):
    """AssignAnnotationConfigToProjectResponseBody."""

    data: CategoricalAnnotationConfig | ContinuousAnnotationConfig | FreeformAnnotationConfig | UnknownType


class BuiltInModelProvider(Struct, frozen=True, kw_only=True):
    """BuiltInModelProvider."""

    name: str
    provider: ModelProvider


class CategoricalAnnotationConfig(Struct, frozen=True, kw_only=True, tag_field="type", tag="CATEGORICAL"):
    """CategoricalAnnotationConfig."""

    description: str | None | UnsetType = UNSET
    id: str
    name: str
    optimization_direction: OptimizationDirection
    values: list[CategoricalAnnotationValue]

    @property
    def type(self) -> Literal["CATEGORICAL"]:
        """What tells this apart in a union."""
        return "CATEGORICAL"


class CategoricalAnnotationConfigData(Struct, frozen=True, kw_only=True, tag_field="type", tag="CATEGORICAL"):
    """CategoricalAnnotationConfigData."""

    description: str | None | UnsetType = UNSET
    name: str
    optimization_direction: OptimizationDirection
    values: list[CategoricalAnnotationValue]

    @property
    def type(self) -> Literal["CATEGORICAL"]:
        """What tells this apart in a union."""
        return "CATEGORICAL"


class CategoricalAnnotationValue(Struct, frozen=True, kw_only=True):
    """CategoricalAnnotationValue."""

    label: str
    score: float | None | UnsetType = UNSET


class ChatCompletion(Struct, frozen=True, kw_only=True):
    """ChatCompletion."""

    choices: list[ChatCompletionChoice]
    created: int
    id: str
    model: str
    object: str = "chat.completion"
    usage: ChatCompletionUsage


class ChatCompletionChoice(Struct, frozen=True, kw_only=True):
    """ChatCompletionChoice."""

    finish_reason: str
    index: int = 0
    message: ChatCompletionMessage


class ChatCompletionErrorDetail(Struct, frozen=True, kw_only=True):
    """ChatCompletionErrorDetail."""

    code: str | None | UnsetType = UNSET
    message: str
    param: str | None | UnsetType = UNSET
    type: str


class ChatCompletionErrorResponse(Struct, frozen=True, kw_only=True):
    """ChatCompletionErrorResponse."""

    error: ChatCompletionErrorDetail


class ChatCompletionMessage(Struct, frozen=True, kw_only=True):
    """ChatCompletionMessage."""

    content: str
    role: str = "assistant"


class ChatCompletionRequestMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """ChatCompletionRequestMessage."""

    content: list[ChatCompletionTextPart] | str
    role: ChatCompletionRequestMessageRole


class ChatCompletionStreamOptions(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """ChatCompletionStreamOptions."""

    include_usage: bool = False


class ChatCompletionTextPart(Struct, frozen=True, kw_only=True):
    """ChatCompletionTextPart."""

    text: str
    type: str = "text"


class ChatCompletionUsage(Struct, frozen=True, kw_only=True):
    """ChatCompletionUsage."""

    completion_tokens: int
    prompt_tokens: int
    prompt_tokens_details: ChatCompletionUsagePromptTokensDetails | None | UnsetType = UNSET
    total_tokens: int


class ChatCompletionUsagePromptTokensDetails(Struct, frozen=True, kw_only=True):
    """ChatCompletionUsagePromptTokensDetails."""

    cached_tokens: int


class ContinuousAnnotationConfig(Struct, frozen=True, kw_only=True, tag_field="type", tag="CONTINUOUS"):
    """ContinuousAnnotationConfig."""

    description: str | None | UnsetType = UNSET
    id: str
    lower_bound: float | None | UnsetType = UNSET
    name: str
    optimization_direction: OptimizationDirection
    upper_bound: float | None | UnsetType = UNSET

    @property
    def type(self) -> Literal["CONTINUOUS"]:
        """What tells this apart in a union."""
        return "CONTINUOUS"


class ContinuousAnnotationConfigData(Struct, frozen=True, kw_only=True, tag_field="type", tag="CONTINUOUS"):
    """ContinuousAnnotationConfigData."""

    description: str | None | UnsetType = UNSET
    lower_bound: float | None | UnsetType = UNSET
    name: str
    optimization_direction: OptimizationDirection
    upper_bound: float | None | UnsetType = UNSET

    @property
    def type(self) -> Literal["CONTINUOUS"]:
        """What tells this apart in a union."""
        return "CONTINUOUS"


class CreateAnnotationConfigResponseBody(Struct, frozen=True, kw_only=True):
    """CreateAnnotationConfigResponseBody."""

    data: CategoricalAnnotationConfig | ContinuousAnnotationConfig | FreeformAnnotationConfig | UnknownType


class CreateApiKeyRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """CreateApiKeyRequestBody."""

    data: ApiKeyData


class CreateApiKeyResponseBody(Struct, frozen=True, kw_only=True):
    """CreateApiKeyResponseBody."""

    data: CreatedApiKey


class CreateChatCompletionRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """CreateChatCompletionRequestBody.

    Attributes:
        messages: At least 1 items.
    """

    frequency_penalty: float | None | UnsetType = UNSET
    max_completion_tokens: int | None | UnsetType = UNSET
    max_tokens: int | None | UnsetType = UNSET
    messages: list[ChatCompletionRequestMessage]
    model: str
    n: int | None | UnsetType = UNSET
    presence_penalty: float | None | UnsetType = UNSET
    response_format: JsonObject | None | UnsetType = UNSET
    seed: int | None | UnsetType = UNSET
    stop: list[str] | str | None | UnsetType = UNSET
    stream: bool = False
    stream_options: ChatCompletionStreamOptions | None | UnsetType = UNSET
    temperature: float | None | UnsetType = UNSET
    tool_choice: Any | UnsetType = UNSET
    tools: list[Any] | None | UnsetType = UNSET
    top_p: float | None | UnsetType = UNSET


class CreateDatasetLabelRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """CreateDatasetLabelRequestBody.

    Attributes:
        name: At least 1 characters.
    """

    color: str
    description: str | None | UnsetType = UNSET
    name: str


class CreateDatasetLabelResponseBody(Struct, frozen=True, kw_only=True):
    """CreateDatasetLabelResponseBody."""

    data: DatasetLabel


class CreateDatasetSplitRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """CreateDatasetSplitRequestBody."""

    color: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    example_ids: list[str] | UnsetType = UNSET
    metadata: JsonObject | UnsetType = UNSET
    name: str


class CreateDatasetSplitResponseBody(Struct, frozen=True, kw_only=True):
    """CreateDatasetSplitResponseBody."""

    data: DatasetSplit


class CreateExperimentRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """CreateExperimentRequestBody."""

    description: str | None | UnsetType = UNSET
    metadata: JsonObject | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    repetitions: int = 1
    splits: list[str] | None | UnsetType = UNSET
    version_id: str | None | UnsetType = UNSET


class CreateExperimentResponseBody(Struct, frozen=True, kw_only=True):
    """CreateExperimentResponseBody."""

    data: Experiment


class CreateExperimentRunRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """CreateExperimentRunRequestBody."""

    dataset_example_id: str
    end_time: datetime
    error: str | None | UnsetType = UNSET
    output: Any
    repetition_number: int
    start_time: datetime
    trace_id: str | None | UnsetType = UNSET


class CreateExperimentRunResponseBody(Struct, frozen=True, kw_only=True):
    """CreateExperimentRunResponseBody."""

    data: CreateExperimentRunResponseBodyData


class CreateExperimentRunResponseBodyData(Struct, frozen=True, kw_only=True):
    """CreateExperimentRunResponseBodyData."""

    id: str


class CreateProjectRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """CreateProjectRequestBody.

    Attributes:
        name: At least 1 characters.
    """

    description: str | None | UnsetType = UNSET
    name: str


class CreateProjectResponseBody(Struct, frozen=True, kw_only=True):
    """CreateProjectResponseBody."""

    data: Project


class CreatePromptRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """CreatePromptRequestBody."""

    prompt: PromptData
    version: PromptVersionData


class CreatePromptResponseBody(Struct, frozen=True, kw_only=True):
    """CreatePromptResponseBody."""

    data: PromptVersion


class CreatePromptVersionRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """CreatePromptVersionRequestBody."""

    tags: list[PromptVersionTagData] | None | UnsetType = UNSET
    version: PromptVersionData


class CreatePromptVersionResponseBody(Struct, frozen=True, kw_only=True):
    """CreatePromptVersionResponseBody."""

    data: PromptVersion


class CreateSessionNoteRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """CreateSessionNoteRequestBody."""

    data: SessionNoteData


class CreateSessionNoteResponseBody(Struct, frozen=True, kw_only=True):
    """CreateSessionNoteResponseBody."""

    data: InsertedSessionAnnotation


class CreateSpanNoteRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """CreateSpanNoteRequestBody."""

    data: SpanNoteData


class CreateSpanNoteResponseBody(Struct, frozen=True, kw_only=True):
    """CreateSpanNoteResponseBody."""

    data: InsertedSpanAnnotation


class CreateSpansRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """CreateSpansRequestBody."""

    data: list[Span]


class CreateSpansResponseBody(Struct, frozen=True, kw_only=True):
    """CreateSpansResponseBody."""

    total_queued: int
    total_received: int


class CreateTraceNoteRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """CreateTraceNoteRequestBody."""

    data: TraceNoteData


class CreateTraceNoteResponseBody(Struct, frozen=True, kw_only=True):
    """CreateTraceNoteResponseBody."""

    data: InsertedTraceAnnotation


class CreateUserRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """CreateUserRequestBody."""

    send_welcome_email: bool = True
    user: LocalUserData | OAuth2UserData | LDAPUserData | UnknownAuthMethod


class CreateUserResponseBody(Struct, frozen=True, kw_only=True):
    """CreateUserResponseBody."""

    data: LocalUser | OAuth2User | LDAPUser | UnknownAuthMethod


class CreatedApiKey(Struct, frozen=True, kw_only=True):
    """CreatedApiKey."""

    created_at: datetime
    description: str | None | UnsetType = UNSET
    expires_at: datetime | None | UnsetType = UNSET
    id: str
    key: str
    name: str


class CustomModelProvider(Struct, frozen=True, kw_only=True):
    """CustomModelProvider."""

    created_at: datetime
    description: str | None | UnsetType = UNSET
    id: str
    name: str
    provider: str
    sdk: CustomModelProviderSdk
    updated_at: datetime


class Dataset(Struct, frozen=True, kw_only=True):
    """Dataset."""

    created_at: datetime
    description: str | None = None
    example_count: int
    id: str
    metadata: JsonObject
    name: str
    updated_at: datetime


class DatasetExample(Struct, frozen=True, kw_only=True):
    """DatasetExample."""

    id: str
    input: JsonObject
    metadata: JsonObject
    node_id: str
    output: JsonObject
    source: DatasetExampleSource | None | UnsetType = UNSET
    updated_at: datetime


class DatasetExampleSource(Struct, frozen=True, kw_only=True):
    """DatasetExampleSource."""

    span_id: str
    span_node_id: str


class DatasetLabel(Struct, frozen=True, kw_only=True):
    """DatasetLabel."""

    color: str
    description: str | None = None
    id: str
    name: str


class DatasetSplit(Struct, frozen=True, kw_only=True):
    """DatasetSplit."""

    color: str
    created_at: datetime
    description: str | None = None
    example_count: int
    id: str
    metadata: JsonObject
    name: str
    updated_at: datetime


class DatasetVersion(Struct, frozen=True, kw_only=True):
    """DatasetVersion."""

    created_at: datetime
    description: str | None = None
    metadata: JsonObject
    version_id: str


class DatasetWithExampleCount(Struct, frozen=True, kw_only=True):
    """DatasetWithExampleCount."""

    created_at: datetime
    description: str | None = None
    example_count: int
    id: str
    metadata: JsonObject
    name: str
    updated_at: datetime


class DeleteAnnotationConfigResponseBody(Struct, frozen=True, kw_only=True):
    """DeleteAnnotationConfigResponseBody."""

    data: CategoricalAnnotationConfig | ContinuousAnnotationConfig | FreeformAnnotationConfig | UnknownType


class DeleteSessionsRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """DeleteSessionsRequestBody."""

    session_identifiers: list[str]


class Experiment(Struct, frozen=True, kw_only=True):
    """Experiment."""

    created_at: datetime
    dataset_id: str
    dataset_version_id: str
    description: str | None = None
    example_count: int
    failed_run_count: int
    id: str
    metadata: JsonObject
    missing_run_count: int
    name: str
    project_name: str | None = None
    repetitions: int
    successful_run_count: int
    updated_at: datetime


class ExperimentEvaluationResult(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """ExperimentEvaluationResult."""

    explanation: str | None | UnsetType = UNSET
    label: str | None | UnsetType = UNSET
    score: float | None | UnsetType = UNSET


class ExperimentRun(Struct, frozen=True, kw_only=True):
    """ExperimentRun."""

    dataset_example_id: str
    end_time: datetime
    error: str | None | UnsetType = UNSET
    experiment_id: str
    id: str
    output: Any
    repetition_number: int
    start_time: datetime
    trace_id: str | None | UnsetType = UNSET


class ExperimentTag(Struct, frozen=True, kw_only=True):
    """ExperimentTag."""

    description: str | None = None
    id: str
    name: str


class FreeformAnnotationConfig(Struct, frozen=True, kw_only=True, tag_field="type", tag="FREEFORM"):
    """FreeformAnnotationConfig."""

    description: str | None | UnsetType = UNSET
    id: str
    lower_bound: float | None | UnsetType = UNSET
    name: str
    optimization_direction: OptimizationDirection | None | UnsetType = UNSET
    threshold: float | None | UnsetType = UNSET
    upper_bound: float | None | UnsetType = UNSET

    @property
    def type(self) -> Literal["FREEFORM"]:
        """What tells this apart in a union."""
        return "FREEFORM"


class FreeformAnnotationConfigData(Struct, frozen=True, kw_only=True, tag_field="type", tag="FREEFORM"):
    """FreeformAnnotationConfigData."""

    description: str | None | UnsetType = UNSET
    lower_bound: float | None | UnsetType = UNSET
    name: str
    optimization_direction: OptimizationDirection | None | UnsetType = UNSET
    threshold: float | None | UnsetType = UNSET
    upper_bound: float | None | UnsetType = UNSET

    @property
    def type(self) -> Literal["FREEFORM"]:
        """What tells this apart in a union."""
        return "FREEFORM"


class GetAllUserApiKeysResponseBody(Struct, frozen=True, kw_only=True):
    """GetAllUserApiKeysResponseBody."""

    data: list[UserApiKey]
    next_cursor: str | None = None


class GetAnnotationConfigResponseBody(Struct, frozen=True, kw_only=True):
    """GetAnnotationConfigResponseBody."""

    data: CategoricalAnnotationConfig | ContinuousAnnotationConfig | FreeformAnnotationConfig | UnknownType


class GetAnnotationConfigsResponseBody(Struct, frozen=True, kw_only=True):
    """GetAnnotationConfigsResponseBody."""

    data: list[CategoricalAnnotationConfig | ContinuousAnnotationConfig | FreeformAnnotationConfig | UnknownType]
    next_cursor: str | None = None


class GetApiKeysResponseBody(Struct, frozen=True, kw_only=True):
    """GetApiKeysResponseBody."""

    data: list[ApiKey]


class GetCustomModelProvidersResponseBody(Struct, frozen=True, kw_only=True):
    """GetCustomModelProvidersResponseBody."""

    data: list[CustomModelProvider]
    next_cursor: str | None = None


class GetDatasetLabelResponseBody(Struct, frozen=True, kw_only=True):
    """GetDatasetLabelResponseBody."""

    data: DatasetLabel


class GetDatasetLabelsResponseBody(Struct, frozen=True, kw_only=True):
    """GetDatasetLabelsResponseBody."""

    data: list[DatasetLabel]
    next_cursor: str | None = None


class GetDatasetResponseBody(Struct, frozen=True, kw_only=True):
    """GetDatasetResponseBody."""

    data: DatasetWithExampleCount


class GetExperimentResponseBody(Struct, frozen=True, kw_only=True):
    """GetExperimentResponseBody."""

    data: Experiment


class GetIncompleteEvaluationsResponseBody(Struct, frozen=True, kw_only=True):
    """GetIncompleteEvaluationsResponseBody."""

    data: list[IncompleteExperimentEvaluation]
    next_cursor: str | None = None


class GetIncompleteExperimentRunsResponseBody(Struct, frozen=True, kw_only=True):
    """GetIncompleteExperimentRunsResponseBody."""

    data: list[IncompleteExperimentRun]
    next_cursor: str | None = None


class GetModelProvidersResponseBody(Struct, frozen=True, kw_only=True):
    """GetModelProvidersResponseBody."""

    data: list[BuiltInModelProvider]


class GetProjectAnnotationConfigsResponseBody(Struct, frozen=True, kw_only=True):
    """GetProjectAnnotationConfigsResponseBody."""

    data: list[CategoricalAnnotationConfig | ContinuousAnnotationConfig | FreeformAnnotationConfig | UnknownType]
    next_cursor: str | None = None


class GetProjectResponseBody(Struct, frozen=True, kw_only=True):
    """GetProjectResponseBody."""

    data: Project


class GetProjectsResponseBody(Struct, frozen=True, kw_only=True):
    """GetProjectsResponseBody."""

    data: list[Project]
    next_cursor: str | None = None


class GetPromptResponseBody(Struct, frozen=True, kw_only=True):
    """GetPromptResponseBody."""

    data: PromptVersion


class GetPromptVersionTagsResponseBody(Struct, frozen=True, kw_only=True):
    """GetPromptVersionTagsResponseBody."""

    data: list[PromptVersionTag]
    next_cursor: str | None = None


class GetPromptVersionsResponseBody(Struct, frozen=True, kw_only=True):
    """GetPromptVersionsResponseBody."""

    data: list[PromptVersion]
    next_cursor: str | None = None


class GetPromptsResponseBody(Struct, frozen=True, kw_only=True):
    """GetPromptsResponseBody."""

    data: list[Prompt]
    next_cursor: str | None = None


class GetSessionResponseBody(Struct, frozen=True, kw_only=True):
    """GetSessionResponseBody."""

    data: SessionData


class GetSessionsResponseBody(Struct, frozen=True, kw_only=True):
    """GetSessionsResponseBody."""

    data: list[SessionData]
    next_cursor: str | None = None


class GetTracesResponseBody(Struct, frozen=True, kw_only=True):
    """GetTracesResponseBody."""

    data: list[TraceData]
    next_cursor: str | None = None


class GetUsersResponseBody(Struct, frozen=True, kw_only=True):
    """GetUsersResponseBody."""

    data: list[LocalUser | OAuth2User | LDAPUser | UnknownAuthMethod]
    next_cursor: str | None = None


class GetViewerResponseBody(Struct, frozen=True, kw_only=True):
    """GetViewerResponseBody."""

    data: LocalUser | OAuth2User | LDAPUser | AnonymousUser | UnknownAuthMethod


class HTTPValidationError(Struct, frozen=True, kw_only=True):
    """HTTPValidationError."""

    detail: list[ValidationError] | UnsetType = UNSET


class IncompleteExperimentEvaluation(Struct, frozen=True, kw_only=True):
    """IncompleteExperimentEvaluation."""

    dataset_example: DatasetExample
    evaluation_names: list[str]
    experiment_run: ExperimentRun


class IncompleteExperimentRun(Struct, frozen=True, kw_only=True):
    """IncompleteExperimentRun."""

    dataset_example: DatasetExample
    repetition_numbers: list[int]


class InsertedSessionAnnotation(Struct, frozen=True, kw_only=True):
    """InsertedSessionAnnotation."""

    id: str


class InsertedSpanAnnotation(Struct, frozen=True, kw_only=True):
    """InsertedSpanAnnotation."""

    id: str


class InsertedSpanDocumentAnnotation(Struct, frozen=True, kw_only=True):
    """InsertedSpanDocumentAnnotation."""

    id: str


class InsertedTraceAnnotation(Struct, frozen=True, kw_only=True):
    """InsertedTraceAnnotation."""

    id: str


class LDAPUser(Struct, frozen=True, kw_only=True, tag_field="auth_method", tag="LDAP"):
    """LDAPUser."""

    created_at: datetime
    email: str
    id: str
    role: Role
    updated_at: datetime
    username: str

    @property
    def auth_method(self) -> Literal["LDAP"]:
        """What tells this apart in a union."""
        return "LDAP"


class LDAPUserData(Struct, frozen=True, kw_only=True, tag_field="auth_method", tag="LDAP"):
    """LDAPUserData."""

    email: str
    role: Role
    username: str

    @property
    def auth_method(self) -> Literal["LDAP"]:
        """What tells this apart in a union."""
        return "LDAP"


class ListDatasetExamplesData(Struct, frozen=True, kw_only=True):
    """ListDatasetExamplesData."""

    dataset_id: str
    examples: list[DatasetExample]
    filtered_splits: list[str] | UnsetType = UNSET
    version_id: str


class ListDatasetExamplesResponseBody(Struct, frozen=True, kw_only=True):
    """ListDatasetExamplesResponseBody."""

    data: ListDatasetExamplesData


class ListDatasetLabelsForDatasetResponseBody(Struct, frozen=True, kw_only=True):
    """ListDatasetLabelsForDatasetResponseBody."""

    data: list[DatasetLabel]


class ListDatasetSplitsResponseBody(Struct, frozen=True, kw_only=True):
    """ListDatasetSplitsResponseBody."""

    data: list[DatasetSplit]
    next_cursor: str | None = None


class ListDatasetVersionsResponseBody(Struct, frozen=True, kw_only=True):
    """ListDatasetVersionsResponseBody."""

    data: list[DatasetVersion]
    next_cursor: str | None = None


class ListDatasetsResponseBody(Struct, frozen=True, kw_only=True):
    """ListDatasetsResponseBody."""

    data: list[Dataset]
    next_cursor: str | None = None


class ListExperimentRunsResponseBody(Struct, frozen=True, kw_only=True):
    """ListExperimentRunsResponseBody."""

    data: list[ExperimentRun]
    next_cursor: str | None = None


class ListExperimentTagsResponseBody(Struct, frozen=True, kw_only=True):
    """ListExperimentTagsResponseBody."""

    data: list[ExperimentTag]


class ListExperimentsResponseBody(Struct, frozen=True, kw_only=True):
    """ListExperimentsResponseBody."""

    data: list[Experiment]
    next_cursor: str | None = None


class LocalUser(Struct, frozen=True, kw_only=True, tag_field="auth_method", tag="LOCAL"):
    """LocalUser."""

    created_at: datetime
    email: str
    id: str
    password: str | UnsetType = UNSET
    password_needs_reset: bool
    role: Role
    updated_at: datetime
    username: str

    @property
    def auth_method(self) -> Literal["LOCAL"]:
        """What tells this apart in a union."""
        return "LOCAL"


class LocalUserData(Struct, frozen=True, kw_only=True, tag_field="auth_method", tag="LOCAL"):
    """LocalUserData."""

    email: str
    password: str | UnsetType = UNSET
    role: Role
    username: str

    @property
    def auth_method(self) -> Literal["LOCAL"]:
        """What tells this apart in a union."""
        return "LOCAL"


class OAuth2User(Struct, frozen=True, kw_only=True, tag_field="auth_method", tag="OAUTH2"):
    """OAuth2User."""

    created_at: datetime
    email: str
    id: str
    oauth2_client_id: str | UnsetType = UNSET
    oauth2_user_id: str | UnsetType = UNSET
    profile_picture_url: str | UnsetType = UNSET
    role: Role
    updated_at: datetime
    username: str

    @property
    def auth_method(self) -> Literal["OAUTH2"]:
        """What tells this apart in a union."""
        return "OAUTH2"


class OAuth2UserData(Struct, frozen=True, kw_only=True, tag_field="auth_method", tag="OAUTH2"):
    """OAuth2UserData."""

    email: str
    oauth2_client_id: str | UnsetType = UNSET
    oauth2_user_id: str | UnsetType = UNSET
    role: Role
    username: str

    @property
    def auth_method(self) -> Literal["OAUTH2"]:
        """What tells this apart in a union."""
        return "OAUTH2"


class OtlpAnyValue(Struct, frozen=True, kw_only=True):
    """OtlpAnyValue."""

    array_value: OtlpArrayValue | None | UnsetType = UNSET
    bool_value: bool | None | UnsetType = UNSET
    bytes_value: str | None | UnsetType = UNSET
    double_value: str | float | None | UnsetType = UNSET
    int_value: str | int | None | UnsetType = UNSET
    kvlist_value: Any | UnsetType = UNSET
    string_value: str | None | UnsetType = UNSET


class OtlpArrayValue(Struct, frozen=True, kw_only=True):
    """OtlpArrayValue."""

    values: list[OtlpAnyValue] | None | UnsetType = UNSET


class OtlpEvent(Struct, frozen=True, kw_only=True):
    """OtlpEvent."""

    attributes: list[OtlpKeyValue] | None | UnsetType = UNSET
    dropped_attributes_count: int | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    time_unix_nano: str | int | None | UnsetType = UNSET


class OtlpKeyValue(Struct, frozen=True, kw_only=True):
    """OtlpKeyValue."""

    key: str | None | UnsetType = UNSET
    value: OtlpAnyValue | None | UnsetType = UNSET


class OtlpSpan(Struct, frozen=True, kw_only=True):
    """OtlpSpan."""

    attributes: list[OtlpKeyValue] | None | UnsetType = UNSET
    dropped_attributes_count: int | None | UnsetType = UNSET
    dropped_events_count: int | None | UnsetType = UNSET
    dropped_links_count: int | None | UnsetType = UNSET
    end_time_unix_nano: str | int | None | UnsetType = UNSET
    events: list[OtlpEvent] | None | UnsetType = UNSET
    flags: int | None | UnsetType = UNSET
    kind: str | int | None | UnsetType = UNSET
    links: Any | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    parent_span_id: str | None | UnsetType = UNSET
    span_id: str | None | UnsetType = UNSET
    start_time_unix_nano: str | int | None | UnsetType = UNSET
    status: OtlpStatus | None | UnsetType = UNSET
    trace_id: str | None | UnsetType = UNSET
    trace_state: str | None | UnsetType = UNSET


class OtlpSpansResponseBody(Struct, frozen=True, kw_only=True):
    """OtlpSpansResponseBody."""

    data: list[OtlpSpan]
    next_cursor: str | None = None


class OtlpStatus(Struct, frozen=True, kw_only=True):
    """OtlpStatus."""

    code: int | None | UnsetType = UNSET
    message: str | None | UnsetType = UNSET


class PatchPromptRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """PatchPromptRequestBody."""

    description: str | None | UnsetType = UNSET
    metadata: JsonObject | UnsetType = UNSET


class PatchPromptResponseBody(Struct, frozen=True, kw_only=True):
    """PatchPromptResponseBody."""

    data: Prompt


class Project(Struct, frozen=True, kw_only=True):
    """Project."""

    description: str | None | UnsetType = UNSET
    id: str
    name: str


class ProjectRetentionPolicyData(Struct, frozen=True, kw_only=True):
    """ProjectRetentionPolicyData."""

    policy_id: str | None = None
    project_id: str


class Prompt(Struct, frozen=True, kw_only=True):
    """Prompt."""

    description: str | None | UnsetType = UNSET
    id: str
    metadata: JsonObject | None | UnsetType = UNSET
    name: Identifier
    source_prompt_id: str | None | UnsetType = UNSET


class PromptAnthropicInvocationParameters(Struct, frozen=True, kw_only=True, tag_field="type", tag="anthropic"):
    """PromptAnthropicInvocationParameters."""

    anthropic: PromptAnthropicInvocationParametersContent

    @property
    def type(self) -> Literal["anthropic"]:
        """What tells this apart in a union."""
        return "anthropic"


class PromptAnthropicInvocationParametersContent(Struct, frozen=True, kw_only=True):
    """PromptAnthropicInvocationParametersContent."""

    extra_body: JsonObject | UnsetType = UNSET
    max_tokens: int
    output_config: PromptAnthropicOutputConfig | UnsetType = UNSET
    stop_sequences: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    thinking: (
        PromptAnthropicThinkingConfigDisabled
        | PromptAnthropicThinkingConfigEnabled
        | PromptAnthropicThinkingConfigAdaptive
        | UnknownType
        | UnsetType
    ) = UNSET
    top_p: float | UnsetType = UNSET


class PromptAnthropicOutputConfig(Struct, frozen=True, kw_only=True):
    """PromptAnthropicOutputConfig."""

    effort: PromptAnthropicOutputConfigEffort | UnsetType = UNSET


class PromptAnthropicThinkingConfigAdaptive(Struct, frozen=True, kw_only=True, tag_field="type", tag="adaptive"):
    """PromptAnthropicThinkingConfigAdaptive."""

    display: Display | UnsetType = UNSET

    @property
    def type(self) -> Literal["adaptive"]:
        """What tells this apart in a union."""
        return "adaptive"


class PromptAnthropicThinkingConfigDisabled(Struct, frozen=True, kw_only=True, tag_field="type", tag="disabled"):
    """PromptAnthropicThinkingConfigDisabled."""

    @property
    def type(self) -> Literal["disabled"]:
        """What tells this apart in a union."""
        return "disabled"


class PromptAnthropicThinkingConfigEnabled(Struct, frozen=True, kw_only=True, tag_field="type", tag="enabled"):
    """PromptAnthropicThinkingConfigEnabled."""

    budget_tokens: int
    display: Display | UnsetType = UNSET

    @property
    def type(self) -> Literal["enabled"]:
        """What tells this apart in a union."""
        return "enabled"


class PromptAwsInvocationParameters(Struct, frozen=True, kw_only=True, tag_field="type", tag="aws"):
    """PromptAwsInvocationParameters."""

    aws: PromptAwsInvocationParametersContent

    @property
    def type(self) -> Literal["aws"]:
        """What tells this apart in a union."""
        return "aws"


class PromptAwsInvocationParametersContent(Struct, frozen=True, kw_only=True):
    """PromptAwsInvocationParametersContent."""

    max_tokens: int | UnsetType = UNSET
    stop_sequences: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET


class PromptAzureOpenAIInvocationParameters(Struct, frozen=True, kw_only=True, tag_field="type", tag="azure_openai"):
    """PromptAzureOpenAIInvocationParameters."""

    azure_openai: PromptAzureOpenAIInvocationParametersContent

    @property
    def type(self) -> Literal["azure_openai"]:
        """What tells this apart in a union."""
        return "azure_openai"


class PromptAzureOpenAIInvocationParametersContent(Struct, frozen=True, kw_only=True):
    """PromptAzureOpenAIInvocationParametersContent."""

    extra_body: JsonObject | UnsetType = UNSET
    frequency_penalty: float | UnsetType = UNSET
    max_completion_tokens: int | UnsetType = UNSET
    max_tokens: int | UnsetType = UNSET
    presence_penalty: float | UnsetType = UNSET
    reasoning_effort: ReasoningEffort | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    stop: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET


class PromptCerebrasInvocationParameters(Struct, frozen=True, kw_only=True, tag_field="type", tag="cerebras"):
    """PromptCerebrasInvocationParameters."""

    cerebras: PromptCerebrasInvocationParametersContent

    @property
    def type(self) -> Literal["cerebras"]:
        """What tells this apart in a union."""
        return "cerebras"


class PromptCerebrasInvocationParametersContent(Struct, frozen=True, kw_only=True):
    """PromptCerebrasInvocationParametersContent."""

    extra_body: JsonObject | UnsetType = UNSET
    frequency_penalty: float | UnsetType = UNSET
    max_completion_tokens: int | UnsetType = UNSET
    max_tokens: int | UnsetType = UNSET
    presence_penalty: float | UnsetType = UNSET
    reasoning_effort: ReasoningEffort | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    stop: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET


class PromptChatTemplate(Struct, frozen=True, kw_only=True, tag_field="type", tag="chat"):
    """PromptChatTemplate."""

    messages: list[PromptMessage]

    @property
    def type(self) -> Literal["chat"]:
        """What tells this apart in a union."""
        return "chat"


class PromptData(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """PromptData."""

    description: str | None | UnsetType = UNSET
    metadata: JsonObject | None | UnsetType = UNSET
    name: Identifier
    source_prompt_id: str | None | UnsetType = UNSET


class PromptDeepSeekInvocationParameters(Struct, frozen=True, kw_only=True, tag_field="type", tag="deepseek"):
    """PromptDeepSeekInvocationParameters."""

    deepseek: PromptDeepSeekInvocationParametersContent

    @property
    def type(self) -> Literal["deepseek"]:
        """What tells this apart in a union."""
        return "deepseek"


class PromptDeepSeekInvocationParametersContent(Struct, frozen=True, kw_only=True):
    """PromptDeepSeekInvocationParametersContent."""

    extra_body: JsonObject | UnsetType = UNSET
    frequency_penalty: float | UnsetType = UNSET
    max_completion_tokens: int | UnsetType = UNSET
    max_tokens: int | UnsetType = UNSET
    presence_penalty: float | UnsetType = UNSET
    reasoning_effort: ReasoningEffort | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    stop: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET


class PromptFireworksInvocationParameters(Struct, frozen=True, kw_only=True, tag_field="type", tag="fireworks"):
    """PromptFireworksInvocationParameters."""

    fireworks: PromptFireworksInvocationParametersContent

    @property
    def type(self) -> Literal["fireworks"]:
        """What tells this apart in a union."""
        return "fireworks"


class PromptFireworksInvocationParametersContent(Struct, frozen=True, kw_only=True):
    """PromptFireworksInvocationParametersContent."""

    extra_body: JsonObject | UnsetType = UNSET
    frequency_penalty: float | UnsetType = UNSET
    max_completion_tokens: int | UnsetType = UNSET
    max_tokens: int | UnsetType = UNSET
    presence_penalty: float | UnsetType = UNSET
    reasoning_effort: ReasoningEffort | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    stop: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET


class PromptGoogleInvocationParameters(Struct, frozen=True, kw_only=True, tag_field="type", tag="google"):
    """PromptGoogleInvocationParameters."""

    google: PromptGoogleInvocationParametersContent

    @property
    def type(self) -> Literal["google"]:
        """What tells this apart in a union."""
        return "google"


class PromptGoogleInvocationParametersContent(Struct, frozen=True, kw_only=True):
    """PromptGoogleInvocationParametersContent."""

    frequency_penalty: float | UnsetType = UNSET
    max_output_tokens: int | UnsetType = UNSET
    presence_penalty: float | UnsetType = UNSET
    stop_sequences: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    thinking_config: PromptGoogleThinkingConfig | UnsetType = UNSET
    top_k: int | UnsetType = UNSET
    top_p: float | UnsetType = UNSET


class PromptGoogleThinkingConfig(Struct, frozen=True, kw_only=True):
    """PromptGoogleThinkingConfig."""

    include_thoughts: bool | UnsetType = UNSET
    thinking_budget: int | UnsetType = UNSET
    thinking_level: PromptGoogleThinkingConfigThinkingLevel | UnsetType = UNSET


class PromptGroqInvocationParameters(Struct, frozen=True, kw_only=True, tag_field="type", tag="groq"):
    """PromptGroqInvocationParameters."""

    groq: PromptGroqInvocationParametersContent

    @property
    def type(self) -> Literal["groq"]:
        """What tells this apart in a union."""
        return "groq"


class PromptGroqInvocationParametersContent(Struct, frozen=True, kw_only=True):
    """PromptGroqInvocationParametersContent."""

    extra_body: JsonObject | UnsetType = UNSET
    frequency_penalty: float | UnsetType = UNSET
    max_completion_tokens: int | UnsetType = UNSET
    max_tokens: int | UnsetType = UNSET
    presence_penalty: float | UnsetType = UNSET
    reasoning_effort: ReasoningEffort | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    stop: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET


class PromptMessage(Struct, frozen=True, kw_only=True):
    """PromptMessage."""

    content: list[TextContentPart | ToolCallContentPart | ToolResultContentPart | UnknownType] | str
    role: PromptMessageRole


class PromptMetaInvocationParameters(Struct, frozen=True, kw_only=True, tag_field="type", tag="meta"):
    """PromptMetaInvocationParameters."""

    meta: PromptMetaInvocationParametersContent

    @property
    def type(self) -> Literal["meta"]:
        """What tells this apart in a union."""
        return "meta"


class PromptMetaInvocationParametersContent(Struct, frozen=True, kw_only=True):
    """PromptMetaInvocationParametersContent."""

    extra_body: JsonObject | UnsetType = UNSET
    frequency_penalty: float | UnsetType = UNSET
    max_completion_tokens: int | UnsetType = UNSET
    max_tokens: int | UnsetType = UNSET
    presence_penalty: float | UnsetType = UNSET
    reasoning_effort: ReasoningEffort | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    stop: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET


class PromptMoonshotInvocationParameters(Struct, frozen=True, kw_only=True, tag_field="type", tag="moonshot"):
    """PromptMoonshotInvocationParameters."""

    moonshot: PromptMoonshotInvocationParametersContent

    @property
    def type(self) -> Literal["moonshot"]:
        """What tells this apart in a union."""
        return "moonshot"


class PromptMoonshotInvocationParametersContent(Struct, frozen=True, kw_only=True):
    """PromptMoonshotInvocationParametersContent."""

    extra_body: JsonObject | UnsetType = UNSET
    frequency_penalty: float | UnsetType = UNSET
    max_completion_tokens: int | UnsetType = UNSET
    max_tokens: int | UnsetType = UNSET
    presence_penalty: float | UnsetType = UNSET
    reasoning_effort: ReasoningEffort | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    stop: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET


class PromptOllamaInvocationParameters(Struct, frozen=True, kw_only=True, tag_field="type", tag="ollama"):
    """PromptOllamaInvocationParameters."""

    ollama: PromptOllamaInvocationParametersContent

    @property
    def type(self) -> Literal["ollama"]:
        """What tells this apart in a union."""
        return "ollama"


class PromptOllamaInvocationParametersContent(Struct, frozen=True, kw_only=True):
    """PromptOllamaInvocationParametersContent."""

    extra_body: JsonObject | UnsetType = UNSET
    frequency_penalty: float | UnsetType = UNSET
    max_completion_tokens: int | UnsetType = UNSET
    max_tokens: int | UnsetType = UNSET
    presence_penalty: float | UnsetType = UNSET
    reasoning_effort: ReasoningEffort | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    stop: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET


class PromptOpenAIInvocationParameters(Struct, frozen=True, kw_only=True, tag_field="type", tag="openai"):
    """PromptOpenAIInvocationParameters."""

    openai: PromptOpenAIInvocationParametersContent

    @property
    def type(self) -> Literal["openai"]:
        """What tells this apart in a union."""
        return "openai"


class PromptOpenAIInvocationParametersContent(Struct, frozen=True, kw_only=True):
    """PromptOpenAIInvocationParametersContent."""

    extra_body: JsonObject | UnsetType = UNSET
    frequency_penalty: float | UnsetType = UNSET
    max_completion_tokens: int | UnsetType = UNSET
    max_tokens: int | UnsetType = UNSET
    presence_penalty: float | UnsetType = UNSET
    reasoning_effort: ReasoningEffort | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    stop: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET


class PromptPerplexityInvocationParameters(Struct, frozen=True, kw_only=True, tag_field="type", tag="perplexity"):
    """PromptPerplexityInvocationParameters."""

    perplexity: PromptPerplexityInvocationParametersContent

    @property
    def type(self) -> Literal["perplexity"]:
        """What tells this apart in a union."""
        return "perplexity"


class PromptPerplexityInvocationParametersContent(Struct, frozen=True, kw_only=True):
    """PromptPerplexityInvocationParametersContent."""

    extra_body: JsonObject | UnsetType = UNSET
    frequency_penalty: float | UnsetType = UNSET
    max_completion_tokens: int | UnsetType = UNSET
    max_tokens: int | UnsetType = UNSET
    presence_penalty: float | UnsetType = UNSET
    reasoning_effort: ReasoningEffort | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    stop: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET


class PromptResponseFormatJSONSchema(Struct, frozen=True, kw_only=True):
    """PromptResponseFormatJSONSchema."""

    json_schema: PromptResponseFormatJSONSchemaDefinition
    type: str = "json_schema"


class PromptResponseFormatJSONSchemaDefinition(Struct, frozen=True, kw_only=True):
    """PromptResponseFormatJSONSchemaDefinition."""

    description: str | UnsetType = UNSET
    name: str
    schema: JsonObject | UnsetType = UNSET
    strict: bool | UnsetType = UNSET


class PromptStringTemplate(Struct, frozen=True, kw_only=True, tag_field="type", tag="string"):
    """PromptStringTemplate."""

    template: str

    @property
    def type(self) -> Literal["string"]:
        """What tells this apart in a union."""
        return "string"


class PromptTogetherInvocationParameters(Struct, frozen=True, kw_only=True, tag_field="type", tag="together"):
    """PromptTogetherInvocationParameters."""

    together: PromptTogetherInvocationParametersContent

    @property
    def type(self) -> Literal["together"]:
        """What tells this apart in a union."""
        return "together"


class PromptTogetherInvocationParametersContent(Struct, frozen=True, kw_only=True):
    """PromptTogetherInvocationParametersContent."""

    extra_body: JsonObject | UnsetType = UNSET
    frequency_penalty: float | UnsetType = UNSET
    max_completion_tokens: int | UnsetType = UNSET
    max_tokens: int | UnsetType = UNSET
    presence_penalty: float | UnsetType = UNSET
    reasoning_effort: ReasoningEffort | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    stop: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET


class PromptToolChoiceNone(Struct, frozen=True, kw_only=True, tag_field="type", tag="none"):
    """PromptToolChoiceNone."""

    @property
    def type(self) -> Literal["none"]:
        """What tells this apart in a union."""
        return "none"


class PromptToolChoiceOneOrMore(Struct, frozen=True, kw_only=True, tag_field="type", tag="one_or_more"):
    """PromptToolChoiceOneOrMore."""

    @property
    def type(self) -> Literal["one_or_more"]:
        """What tells this apart in a union."""
        return "one_or_more"


class PromptToolChoiceSpecificFunctionTool(
    Struct, frozen=True, kw_only=True, tag_field="type", tag="specific_function"
):
    """PromptToolChoiceSpecificFunctionTool."""

    function_name: str

    @property
    def type(self) -> Literal["specific_function"]:
        """What tells this apart in a union."""
        return "specific_function"


class PromptToolChoiceZeroOrMore(Struct, frozen=True, kw_only=True, tag_field="type", tag="zero_or_more"):
    """PromptToolChoiceZeroOrMore."""

    @property
    def type(self) -> Literal["zero_or_more"]:
        """What tells this apart in a union."""
        return "zero_or_more"


class PromptToolFunction(Struct, frozen=True, kw_only=True, tag_field="type", tag="function"):
    """PromptToolFunction."""

    function: PromptToolFunctionDefinition

    @property
    def type(self) -> Literal["function"]:
        """What tells this apart in a union."""
        return "function"


class PromptToolFunctionDefinition(Struct, frozen=True, kw_only=True):
    """PromptToolFunctionDefinition."""

    description: str | UnsetType = UNSET
    name: str
    parameters: JsonObject | UnsetType = UNSET
    strict: bool | UnsetType = UNSET


class PromptToolRaw(Struct, frozen=True, kw_only=True, tag_field="type", tag="raw"):
    """PromptToolRaw."""

    raw: JsonObject

    @property
    def type(self) -> Literal["raw"]:
        """What tells this apart in a union."""
        return "raw"


class PromptTools(Struct, frozen=True, kw_only=True):
    """PromptTools."""

    disable_parallel_tool_calls: bool | UnsetType = UNSET
    tool_choice: (
        PromptToolChoiceNone
        | PromptToolChoiceZeroOrMore
        | PromptToolChoiceOneOrMore
        | PromptToolChoiceSpecificFunctionTool
        | UnknownType
        | UnsetType
    ) = UNSET
    tools: list[PromptToolFunction | PromptToolRaw | UnknownType]
    type: str = "tools"


class PromptVersion(Struct, frozen=True, kw_only=True):
    """PromptVersion."""

    description: str | None | UnsetType = UNSET
    id: str
    invocation_parameters: (
        PromptOpenAIInvocationParameters
        | PromptAzureOpenAIInvocationParameters
        | PromptAnthropicInvocationParameters
        | PromptGoogleInvocationParameters
        | PromptDeepSeekInvocationParameters
        | PromptXAIInvocationParameters
        | PromptOllamaInvocationParameters
        | PromptAwsInvocationParameters
        | PromptCerebrasInvocationParameters
        | PromptFireworksInvocationParameters
        | PromptGroqInvocationParameters
        | PromptMoonshotInvocationParameters
        | PromptPerplexityInvocationParameters
        | PromptTogetherInvocationParameters
        | PromptZAIInvocationParameters
        | PromptMetaInvocationParameters
        | UnknownType
    )
    metadata: JsonObject | UnsetType = UNSET
    model_name: str
    model_provider: ModelProvider
    response_format: PromptVersionResponseFormat | None | UnsetType = UNSET
    template: PromptChatTemplate | PromptStringTemplate | UnknownType
    template_format: PromptTemplateFormat
    template_type: PromptTemplateType
    tools: PromptTools | None | UnsetType = UNSET


class PromptVersionData(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """PromptVersionData."""

    description: str | None | UnsetType = UNSET
    invocation_parameters: (
        PromptOpenAIInvocationParameters
        | PromptAzureOpenAIInvocationParameters
        | PromptAnthropicInvocationParameters
        | PromptGoogleInvocationParameters
        | PromptDeepSeekInvocationParameters
        | PromptXAIInvocationParameters
        | PromptOllamaInvocationParameters
        | PromptAwsInvocationParameters
        | PromptCerebrasInvocationParameters
        | PromptFireworksInvocationParameters
        | PromptGroqInvocationParameters
        | PromptMoonshotInvocationParameters
        | PromptPerplexityInvocationParameters
        | PromptTogetherInvocationParameters
        | PromptZAIInvocationParameters
        | PromptMetaInvocationParameters
        | UnknownType
    )
    metadata: JsonObject | UnsetType = UNSET
    model_name: str
    model_provider: ModelProvider
    response_format: PromptVersionDataResponseFormat | None | UnsetType = UNSET
    template: PromptChatTemplate | PromptStringTemplate | UnknownType
    template_format: PromptTemplateFormat
    template_type: PromptTemplateType
    tools: PromptTools | None | UnsetType = UNSET


class PromptVersionDataResponseFormat(Struct, frozen=True, kw_only=True):
    """PromptVersionDataResponseFormat."""

    json_schema: PromptResponseFormatJSONSchemaDefinition
    type: str = "json_schema"


class PromptVersionResponseFormat(Struct, frozen=True, kw_only=True):
    """PromptVersionResponseFormat."""

    json_schema: PromptResponseFormatJSONSchemaDefinition
    type: str = "json_schema"


class PromptVersionTag(Struct, frozen=True, kw_only=True):
    """PromptVersionTag."""

    description: str | None | UnsetType = UNSET
    id: str
    name: Identifier


class PromptVersionTagData(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """PromptVersionTagData."""

    description: str | None | UnsetType = UNSET
    name: Identifier


class PromptXAIInvocationParameters(Struct, frozen=True, kw_only=True, tag_field="type", tag="xai"):
    """PromptXAIInvocationParameters."""

    xai: PromptXAIInvocationParametersContent

    @property
    def type(self) -> Literal["xai"]:
        """What tells this apart in a union."""
        return "xai"


class PromptXAIInvocationParametersContent(Struct, frozen=True, kw_only=True):
    """PromptXAIInvocationParametersContent."""

    extra_body: JsonObject | UnsetType = UNSET
    frequency_penalty: float | UnsetType = UNSET
    max_completion_tokens: int | UnsetType = UNSET
    max_tokens: int | UnsetType = UNSET
    presence_penalty: float | UnsetType = UNSET
    reasoning_effort: ReasoningEffort | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    stop: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET


class PromptZAIInvocationParameters(Struct, frozen=True, kw_only=True, tag_field="type", tag="zai"):
    """PromptZAIInvocationParameters."""

    zai: PromptZAIInvocationParametersContent

    @property
    def type(self) -> Literal["zai"]:
        """What tells this apart in a union."""
        return "zai"


class PromptZAIInvocationParametersContent(Struct, frozen=True, kw_only=True):
    """PromptZAIInvocationParametersContent."""

    extra_body: JsonObject | UnsetType = UNSET
    frequency_penalty: float | UnsetType = UNSET
    max_completion_tokens: int | UnsetType = UNSET
    max_tokens: int | UnsetType = UNSET
    presence_penalty: float | UnsetType = UNSET
    reasoning_effort: ReasoningEffort | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    stop: list[str] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    top_p: float | UnsetType = UNSET


class ResponseBodyUpsertOrDeleteSecretsResult(Struct, frozen=True, kw_only=True):
    """ResponseBodyUpsertOrDeleteSecretsResult."""

    data: UpsertOrDeleteSecretsResult


class SecretKeyValue(Struct, frozen=True, kw_only=True):
    """SecretKeyValue."""

    key: str
    value: str | None = None


class SessionAnnotation(Struct, frozen=True, kw_only=True):
    """SessionAnnotation."""

    annotator_kind: AnnotatorKind
    created_at: datetime
    id: str
    identifier: str = ""
    metadata: JsonObject | None | UnsetType = UNSET
    name: str
    result: AnnotationResult | None | UnsetType = UNSET
    session_id: str
    source: Source
    updated_at: datetime
    user_id: str | None = None


class SessionAnnotationData(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """SessionAnnotationData."""

    annotator_kind: AnnotatorKind
    identifier: str = ""
    metadata: JsonObject | None | UnsetType = UNSET
    name: str
    result: AnnotationResult | None | UnsetType = UNSET
    session_id: str


class SessionAnnotationsResponseBody(Struct, frozen=True, kw_only=True):
    """SessionAnnotationsResponseBody."""

    data: list[SessionAnnotation]
    next_cursor: str | None = None


class SessionData(Struct, frozen=True, kw_only=True):
    """SessionData."""

    end_time: datetime
    id: str
    project_id: str
    session_id: str
    start_time: datetime
    token_count_completion: int = 0
    token_count_prompt: int = 0
    token_count_total: int = 0
    traces: list[SessionTraceData]


class SessionNoteData(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """SessionNoteData.

    Attributes:
        note: At least 1 characters.
        session_id: At least 1 characters.
    """

    identifier: str = ""
    note: str
    session_id: str


class SessionTraceData(Struct, frozen=True, kw_only=True):
    """SessionTraceData."""

    end_time: datetime
    id: str
    start_time: datetime
    trace_id: str


class SetDatasetLabelsForDatasetResponseBody(Struct, frozen=True, kw_only=True):
    """SetDatasetLabelsForDatasetResponseBody."""

    data: list[DatasetLabel]


class SetDatasetLabelsRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """SetDatasetLabelsRequestBody."""

    dataset_label_ids: list[str] | UnsetType = UNSET


class SetExperimentTagRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """SetExperimentTagRequestBody."""

    description: str | None | UnsetType = UNSET
    name: Identifier


class SetExperimentTagResponseBody(Struct, frozen=True, kw_only=True):
    """SetExperimentTagResponseBody."""

    data: ExperimentTag


class SetProjectAnnotationConfigsRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """SetProjectAnnotationConfigsRequestBody."""

    annotation_config_ids: list[str]


class SetProjectAnnotationConfigsResponseBody(Struct, frozen=True, kw_only=True):
    """SetProjectAnnotationConfigsResponseBody."""

    data: list[CategoricalAnnotationConfig | ContinuousAnnotationConfig | FreeformAnnotationConfig | UnknownType]
    next_cursor: str | None = None


class SetProjectRetentionPolicyRequestBody(Struct, frozen=True, kw_only=True):
    """SetProjectRetentionPolicyRequestBody."""

    policy_id: str | None = None


class SetProjectRetentionPolicyResponseBody(Struct, frozen=True, kw_only=True):
    """SetProjectRetentionPolicyResponseBody."""

    data: ProjectRetentionPolicyData


class Span(Struct, frozen=True, kw_only=True):
    """Span."""

    attributes: JsonObject | UnsetType = UNSET
    context: SpanContext
    end_time: datetime
    events: list[SpanEvent] | UnsetType = UNSET
    id: str = ""
    name: str
    parent_id: str | None | UnsetType = UNSET
    span_kind: str
    start_time: datetime
    status_code: str
    status_message: str = ""


class SpanAnnotation(Struct, frozen=True, kw_only=True):
    """SpanAnnotation."""

    annotator_kind: AnnotatorKind
    created_at: datetime
    id: str
    identifier: str = ""
    metadata: JsonObject | None | UnsetType = UNSET
    name: str
    result: AnnotationResult | None | UnsetType = UNSET
    source: Source
    span_id: str
    updated_at: datetime
    user_id: str | None = None


class SpanAnnotationData(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """SpanAnnotationData."""

    annotator_kind: AnnotatorKind
    identifier: str = ""
    metadata: JsonObject | None | UnsetType = UNSET
    name: str
    result: AnnotationResult | None | UnsetType = UNSET
    span_id: str


class SpanAnnotationsResponseBody(Struct, frozen=True, kw_only=True):
    """SpanAnnotationsResponseBody."""

    data: list[SpanAnnotation]
    next_cursor: str | None = None


class SpanContext(Struct, frozen=True, kw_only=True):
    """SpanContext."""

    span_id: str
    trace_id: str


class SpanDocumentAnnotationData(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """SpanDocumentAnnotationData."""

    annotator_kind: AnnotatorKind
    document_position: int
    identifier: str = ""
    metadata: JsonObject | None | UnsetType = UNSET
    name: str
    result: AnnotationResult | None | UnsetType = UNSET
    span_id: str


class SpanEvent(Struct, frozen=True, kw_only=True):
    """SpanEvent."""

    attributes: JsonObject | UnsetType = UNSET
    name: str
    timestamp: datetime


class SpanNoteData(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """SpanNoteData.

    Attributes:
        note: At least 1 characters.
        span_id: At least 1 characters.
    """

    identifier: str = ""
    note: str
    span_id: str


class SpansResponseBody(Struct, frozen=True, kw_only=True):
    """SpansResponseBody."""

    data: list[Span]
    next_cursor: str | None = None


class TextContentPart(Struct, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """TextContentPart."""

    text: str

    @property
    def type(self) -> Literal["text"]:
        """What tells this apart in a union."""
        return "text"


class ToolCallContentPart(Struct, frozen=True, kw_only=True, tag_field="type", tag="tool_call"):
    """ToolCallContentPart."""

    tool_call: ToolCallContentPartToolCall
    tool_call_id: str

    @property
    def type(self) -> Literal["tool_call"]:
        """What tells this apart in a union."""
        return "tool_call"


class ToolCallContentPartToolCall(Struct, frozen=True, kw_only=True):
    """ToolCallContentPartToolCall."""

    arguments: str
    name: str
    type: str = "function"


class ToolCallFunction(Struct, frozen=True, kw_only=True):
    """ToolCallFunction."""

    arguments: str
    name: str
    type: str = "function"


class ToolResultContentPart(Struct, frozen=True, kw_only=True, tag_field="type", tag="tool_result"):
    """ToolResultContentPart."""

    tool_call_id: str
    tool_result: JsonObject | list[Any] | str | bool | float | None = None

    @property
    def type(self) -> Literal["tool_result"]:
        """What tells this apart in a union."""
        return "tool_result"


class TraceAnnotation(Struct, frozen=True, kw_only=True):
    """TraceAnnotation."""

    annotator_kind: AnnotatorKind
    created_at: datetime
    id: str
    identifier: str = ""
    metadata: JsonObject | None | UnsetType = UNSET
    name: str
    result: AnnotationResult | None | UnsetType = UNSET
    source: Source
    trace_id: str
    updated_at: datetime
    user_id: str | None = None


class TraceAnnotationData(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """TraceAnnotationData."""

    annotator_kind: AnnotatorKind
    identifier: str = ""
    metadata: JsonObject | None | UnsetType = UNSET
    name: str
    result: AnnotationResult | None | UnsetType = UNSET
    trace_id: str


class TraceAnnotationsResponseBody(Struct, frozen=True, kw_only=True):
    """TraceAnnotationsResponseBody."""

    data: list[TraceAnnotation]
    next_cursor: str | None = None


class TraceData(Struct, frozen=True, kw_only=True):
    """TraceData."""

    end_time: datetime
    id: str
    project_id: str
    spans: list[TraceSpanData] | None | UnsetType = UNSET
    start_time: datetime
    token_count_completion: int = 0
    token_count_prompt: int = 0
    token_count_total: int = 0
    trace_id: str


class TraceNoteData(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """TraceNoteData.

    Attributes:
        note: At least 1 characters.
        trace_id: At least 1 characters.
    """

    identifier: str = ""
    note: str
    trace_id: str


class TraceSpanData(Struct, frozen=True, kw_only=True):
    """TraceSpanData."""

    end_time: datetime
    id: str
    name: str
    parent_id: str | None = None
    span_id: str
    span_kind: str
    start_time: datetime
    status_code: str


class TransferTracesData(Struct, frozen=True, kw_only=True):
    """TransferTracesData."""

    destination_project_id: str
    transferred_trace_count: int


class TransferTracesRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """TransferTracesRequestBody.

    Attributes:
        trace_identifiers: At least 1 items.
    """

    destination_project_identifier: str
    trace_identifiers: list[str]


class TransferTracesResponseBody(Struct, frozen=True, kw_only=True):
    """TransferTracesResponseBody."""

    data: TransferTracesData


class UpdateAnnotationConfigResponseBody(Struct, frozen=True, kw_only=True):
    """UpdateAnnotationConfigResponseBody."""

    data: CategoricalAnnotationConfig | ContinuousAnnotationConfig | FreeformAnnotationConfig | UnknownType


class UpdateDatasetLabelRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """UpdateDatasetLabelRequestBody.

    Attributes:
        name: At least 1 characters.
    """

    color: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET


class UpdateDatasetLabelResponseBody(Struct, frozen=True, kw_only=True):
    """UpdateDatasetLabelResponseBody."""

    data: DatasetLabel


class UpdateDatasetSplitRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """UpdateDatasetSplitRequestBody."""

    add_example_ids: list[str] | UnsetType = UNSET
    color: str | None | UnsetType = UNSET
    description: str | None | UnsetType = UNSET
    metadata: JsonObject | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET
    remove_example_ids: list[str] | UnsetType = UNSET


class UpdateDatasetSplitResponseBody(Struct, frozen=True, kw_only=True):
    """UpdateDatasetSplitResponseBody."""

    data: DatasetSplit


class UpdateExperimentRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """UpdateExperimentRequestBody."""

    description: str | None | UnsetType = UNSET
    metadata: JsonObject | None | UnsetType = UNSET
    name: str | None | UnsetType = UNSET


class UpdateExperimentResponseBody(Struct, frozen=True, kw_only=True):
    """UpdateExperimentResponseBody."""

    data: Experiment


class UpdateProjectRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """UpdateProjectRequestBody."""

    description: str | None | UnsetType = UNSET


class UpdateProjectResponseBody(Struct, frozen=True, kw_only=True):
    """UpdateProjectResponseBody."""

    data: Project


class UploadDatasetData(Struct, frozen=True, kw_only=True):
    """UploadDatasetData."""

    dataset_id: str
    num_created_examples: int
    num_deleted_examples: int
    num_updated_examples: int
    version_id: str


class UploadDatasetRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """UploadDatasetRequest."""

    action: UploadDatasetRequestAction | UnsetType = UNSET
    description: str | UnsetType = UNSET
    example_ids: list[str | None] | UnsetType = UNSET
    inputs: list[JsonObject]
    metadata: list[JsonObject] | UnsetType = UNSET
    name: str
    outputs: list[JsonObject] | UnsetType = UNSET
    span_ids: list[str | None] | UnsetType = UNSET
    splits: list[list[str] | str | None] | UnsetType = UNSET


class UploadDatasetResponseBody(Struct, frozen=True, kw_only=True):
    """UploadDatasetResponseBody."""

    data: UploadDatasetData


class UpsertExperimentEvaluationRequestBody(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """UpsertExperimentEvaluationRequestBody."""

    annotator_kind: AnnotatorKind
    end_time: datetime
    error: str | None | UnsetType = UNSET
    experiment_run_id: str
    metadata: JsonObject | None | UnsetType = UNSET
    name: str
    result: ExperimentEvaluationResult | None | UnsetType = UNSET
    start_time: datetime
    trace_id: str | None | UnsetType = UNSET


class UpsertExperimentEvaluationResponseBody(Struct, frozen=True, kw_only=True):
    """UpsertExperimentEvaluationResponseBody."""

    data: UpsertExperimentEvaluationResponseBodyData


class UpsertExperimentEvaluationResponseBodyData(Struct, frozen=True, kw_only=True):
    """UpsertExperimentEvaluationResponseBodyData."""

    id: str


class UpsertOrDeleteSecretsRequest(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """UpsertOrDeleteSecretsRequest."""

    secrets: list[SecretKeyValue]


class UpsertOrDeleteSecretsResult(Struct, frozen=True, kw_only=True):
    """UpsertOrDeleteSecretsResult."""

    deleted_keys: list[str]
    upserted_keys: list[str]


class UserApiKey(Struct, frozen=True, kw_only=True):
    """UserApiKey."""

    created_at: datetime
    description: str | None | UnsetType = UNSET
    expires_at: datetime | None | UnsetType = UNSET
    id: str
    name: str
    user: ApiKeyUser


class ValidationError(Struct, frozen=True, kw_only=True):
    """ValidationError."""

    ctx: JsonObject | UnsetType = UNSET
    input: Any | UnsetType = UNSET
    loc: list[str | int]
    msg: str
    type: str


AnnotatorKind: TypeAlias = str
"""Open: the values known today are in ``AnnotatorKindKnown``."""

ChatCompletionRequestMessageRole: TypeAlias = str
"""Open: the values known today are in ``ChatCompletionRequestMessageRoleKnown``."""

CreateAnnotationConfigData: TypeAlias = (
    CategoricalAnnotationConfigData | ContinuousAnnotationConfigData | FreeformAnnotationConfigData | UnknownType
)

CustomModelProviderSdk: TypeAlias = str
"""Open: the values known today are in ``CustomModelProviderSdkKnown``."""

Display: TypeAlias = str
"""Open: the values known today are in ``DisplayKnown``."""

Identifier: TypeAlias = str

ModelProvider: TypeAlias = str
"""Open: the values known today are in ``ModelProviderKnown``."""

OptimizationDirection: TypeAlias = str
"""Open: the values known today are in ``OptimizationDirectionKnown``."""

OtlpDoubleValue: TypeAlias = str
"""Open: the values known today are in ``OtlpDoubleValueKnown``."""

OtlpKind: TypeAlias = str
"""Open: the values known today are in ``OtlpKindKnown``."""

PromptAnthropicOutputConfigEffort: TypeAlias = str
"""Open: the values known today are in ``PromptAnthropicOutputConfigEffortKnown``."""

PromptGoogleThinkingConfigThinkingLevel: TypeAlias = str
"""Open: the values known today are in ``PromptGoogleThinkingConfigThinkingLevelKnown``."""

PromptMessageRole: TypeAlias = str
"""Open: the values known today are in ``PromptMessageRoleKnown``."""

PromptTemplateFormat: TypeAlias = str
"""Open: the values known today are in ``PromptTemplateFormatKnown``."""

PromptTemplateType: TypeAlias = str
"""Open: the values known today are in ``PromptTemplateTypeKnown``."""

ReasoningEffort: TypeAlias = str
"""Open: the values known today are in ``ReasoningEffortKnown``."""

Role: TypeAlias = str
"""Open: the values known today are in ``RoleKnown``."""

Source: TypeAlias = str
"""Open: the values known today are in ``SourceKnown``."""

UploadDatasetRequestAction: TypeAlias = str
"""Open: the values known today are in ``UploadDatasetRequestActionKnown``."""
