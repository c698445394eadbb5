"""Usage, limits and telemetry, of ``/v1/client``."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from promptops.server.wire.common import Timestamp
from promptops.server.wire.prompts import ResponseMetadata

__all__ = [
    "AttributeText",
    "BatchId",
    "Count",
    "EventName",
    "Label",
    "Milliseconds",
    "ReportedUsage",
    "TelemetryBatch",
    "TelemetryEvent",
    "TelemetryReceipt",
    "TelemetryReceiptEnvelope",
    "Tokens",
    "UsageBucket",
    "UsageLimits",
    "UsageLimitsEnvelope",
    "UsageLogRequest",
    "UsageOperation",
    "UsageReceipt",
    "UsageReceiptEnvelope",
    "UsageRecord",
    "UsageStats",
    "UsageStatsEnvelope",
    "UsageWindow",
]

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
