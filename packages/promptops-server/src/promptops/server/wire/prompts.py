"""Prompts, of ``/v1/client``, and the envelope."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType
from promptops.server.wire.common import JsonObject, TemplateFormat, Timestamp

__all__ = [
    "ChatMessage",
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
    "PromptList",
    "PromptListEnvelope",
    "PromptResponse",
    "PromptUpdate",
    "PromptVersionList",
    "PromptVersionListEnvelope",
    "RenderEnvelope",
    "RenderRequest",
    "RenderResponse",
    "ResponseMetadata",
]


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
