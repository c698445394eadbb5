"""Prompts, of ``/v1/client``, and the envelope."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType
from promptops.server.wire.chat import ChatMessage, ModelSettings, ResponseFormat, ToolChoice, ToolDefinition
from promptops.server.wire.common import JsonObject, TemplateFormat, Timestamp

__all__ = [
    "Dependency",
    "ErrorBody",
    "ErrorEnvelope",
    "Health",
    "HealthEnvelope",
    "ModelSpecificPrompt",
    "PromptCreate",
    "PromptDeleted",
    "PromptDeletedEnvelope",
    "PromptEnvelope",
    "PromptInclude",
    "PromptList",
    "PromptListEnvelope",
    "PromptResponse",
    "PromptSource",
    "PromptUpdate",
    "PromptVersionList",
    "PromptVersionListEnvelope",
    "RenderEnvelope",
    "RenderRequest",
    "RenderResponse",
    "ResponseMetadata",
]


class ModelSpecificPrompt(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a prompt says to one model, or to every model of a provider (empty name or ``*``).

    ``messages`` and ``model_settings``, where given, replace the prompt's own; without ``messages``, ``content`` does.
    """

    model_provider: Annotated[str, Meta(min_length=1, max_length=64)]
    model_name: Annotated[str, Meta(max_length=128)] = ""
    content: Annotated[str, Meta(max_length=262_144)]
    messages: Annotated[list[ChatMessage], Meta(min_length=1, max_length=500)] | None = None
    model_settings: ModelSettings | None = None
    instructions: str | None = None
    expected_output_format: str | None = None


class PromptInclude(Struct, frozen=True, kw_only=True):
    """A version of another prompt that is part of this one; ``label`` is set when it was named by one."""

    name: str
    version: str
    label: str | None
    content_hash: str


class PromptSource(Struct, frozen=True, kw_only=True):
    """The text or the messages, and the model-specific prompts, as they were written, before others were included."""

    content: str
    messages: list[ChatMessage] | None
    model_specific_prompts: list[ModelSpecificPrompt]


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
    tools: list[ToolDefinition]
    tool_choice: ToolChoice | None
    response_format: ResponseFormat | None
    model_settings: ModelSettings | None
    variables_schema: JsonObject | None
    source: PromptSource | None
    includes: list[PromptInclude]
    labels: list[str]
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
    tools: Annotated[list[ToolDefinition], Meta(max_length=128)] = []
    tool_choice: ToolChoice | None = None
    response_format: ResponseFormat | None = None
    model_settings: ModelSettings | None = None
    variables_schema: JsonObject | None = None
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
    tools: Annotated[list[ToolDefinition], Meta(max_length=128)] | UnsetType = UNSET
    tool_choice: ToolChoice | UnsetType | None = UNSET
    response_format: ResponseFormat | UnsetType | None = UNSET
    model_settings: ModelSettings | UnsetType | None = UNSET
    variables_schema: JsonObject | UnsetType | None = UNSET
    module_id: str | UnsetType | None = UNSET
    tags: Annotated[list[str], Meta(max_length=100)] | UnsetType = UNSET
    metadata: JsonObject | UnsetType = UNSET


class RenderRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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
    tools: list[ToolDefinition]
    tool_choice: ToolChoice | None
    response_format: ResponseFormat | None
    model_settings: ModelSettings | None
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
