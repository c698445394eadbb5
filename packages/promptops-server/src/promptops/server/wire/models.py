"""The model catalogue and compatibility, of ``/v1/client``."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from promptops.server.wire.prompts import ResponseMetadata

__all__ = [
    "CompatibilityEnvelope",
    "CompatibilityIssue",
    "CompatibilityReport",
    "CompatibilityRequest",
    "ModelCompatibility",
    "ModelCost",
    "ModelInfo",
    "ModelList",
    "ModelListEnvelope",
    "ModelReference",
]


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
