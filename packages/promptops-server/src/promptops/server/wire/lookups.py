"""Batches of prompts, and the text of a prompt for one model, of ``/v1/client``."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from promptops.server.wire.chat import ChatMessage, ModelSettings, ResponseFormat, ToolChoice, ToolDefinition
from promptops.server.wire.common import TemplateFormat
from promptops.server.wire.prompts import PromptResponse, ResponseMetadata

__all__ = [
    "PromptBatch",
    "PromptBatchEnvelope",
    "PromptBatchError",
    "PromptBatchRequest",
    "PromptForModel",
    "PromptForModelEnvelope",
]


class PromptBatchRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Prompts to get at once, by id or slug.

    ``versions`` and ``labels`` say which version is meant of some of them, ``version`` or ``label`` (not both) of the
    others; without any it is the latest.
    """

    prompt_ids: Annotated[list[Annotated[str, Meta(min_length=1, max_length=255)]], Meta(min_length=1, max_length=100)]
    version: str | None = None
    versions: Annotated[dict[str, str], Meta(max_length=100)] = {}
    label: str | None = None
    labels: Annotated[dict[str, str], Meta(max_length=100)] = {}
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
    tools: list[ToolDefinition]
    tool_choice: ToolChoice | None
    response_format: ResponseFormat | None
    model_settings: ModelSettings | None
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
