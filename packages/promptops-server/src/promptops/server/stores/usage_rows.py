"""What the store gives and takes of usage."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["HourlyCount", "OperationCount", "ReportedTotals", "UsageCell", "UsageCounts"]


class UsageCell(Struct, frozen=True, kw_only=True):
    """Requests of one key (empty without keys) to one operation in one project and hour (since 1970, UTC)."""

    project_id: str
    subject: str
    hour: int
    operation: str
    requests: int
    errors: int
    latency_us: int


class HourlyCount(Struct, frozen=True):
    """The requests of one hour."""

    hour: int
    requests: int
    errors: int
    latency_us: int


class OperationCount(Struct, frozen=True):
    """The requests of one operation."""

    operation: str
    requests: int
    errors: int
    latency_us: int


class UsageCounts(Struct, frozen=True, kw_only=True):
    """The same requests twice: by hour and by operation."""

    hours: list[HourlyCount]
    operations: list[OperationCount]


class ReportedTotals(Struct, frozen=True):
    """Sums over reported records; costs in whole dollars and in billionths, of those records that name one."""

    records: int
    failures: int
    input_tokens: int
    output_tokens: int
    with_cost: int
    cost_units: int
    cost_nanos: int
