"""The rules of usage: what was counted, what was reported, what is left of the quotas."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from promptops.core.errors import ValidationError
from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.limit_reader import LimitReader
from promptops.server.meter import UsageMeter
from promptops.server.queries import UsageStatsQuery
from promptops.server.refusals import QueryError
from promptops.server.services.projects import Projects
from promptops.server.stores.protocol import UsageStore
from promptops.server.stores.usage_rows import HourlyCount, ReportedTotals, UsageCounts
from promptops.server.times import HOUR, hour_text, microseconds, moment_of_hour

__all__ = ["UsageService"]

_DEFAULT_HOURS: Final = {"hour": 24, "day": 7 * 24}
_MOST_HOURS: Final = {"hour": 31 * 24, "day": 366 * 24}
_YEARS: Final = range(1970, 3000)
_AHEAD: Final = timedelta(days=1)


class UsageService:
    """What a key used; each method takes the grant first."""

    def __init__(self, store: UsageStore, projects: Projects, meter: UsageMeter, limits: LimitReader) -> None:
        self._store = store
        self._projects = projects
        self._meter = meter
        self._limits = limits

    async def log(
        self, grant: Grant, body: wire.UsageLogRequest, *, project: str | None, now: datetime
    ) -> wire.UsageReceipt:
        """Store reported records as they are, once for each batch id.

        Raises:
            ValidationError: A record is dated before 1970 or more than a day ahead; all such records are named.
        """
        _check_times(body.records, now)
        grant = await self._projects.within(grant, project, body.project_id)
        stored = await self._store.insert_usage_records(grant, body.batch_id, body.records)
        count = len(body.records)
        return wire.UsageReceipt(
            batch_id=body.batch_id, accepted=count if stored else 0, duplicates=0 if stored else count
        )

    async def stats(self, grant: Grant, query: UsageStatsQuery, *, now: datetime) -> wire.UsageStats:
        """Usage of the key in the selected project, or in all of its projects.

        Raises:
            QueryError: The time range is empty, too long, or nowhere near the present.
        """
        start, end = _range(query, now)
        grant = await self._projects.within(grant, query.project_id)
        await self._meter.flush()
        counts = await self._store.usage_counts(grant, start=start, end=end)
        reported = _reported(await self._store.reported_usage(grant, start=start, end=end))
        return _stats(counts, reported, start, end, query)

    def limits(self, grant: Grant) -> wire.UsageLimits:
        """The quotas of the key, as the limiter has them."""
        windows = dict(self._limits.windows(grant))
        for name in ("minute", "hour", "day"):
            windows.setdefault(name, wire.UsageWindow(limit=None, remaining=None, reset_at=None))
        limited = any(window.limit is not None for window in windows.values())
        return wire.UsageLimits(limited=limited, windows=windows)


def _check_times(records: list[wire.UsageRecord], now: datetime) -> None:
    problems: list[dict[str, Any]] = [
        {
            "field": f"records[{index}].timestamp",
            "message": "must be between 1970 and one day from now",
            "code": "out_of_range",
        }
        for index, record in enumerate(records)
        if record.timestamp.year not in _YEARS or record.timestamp > now + _AHEAD or microseconds(record.timestamp) < 0
    ]
    if problems:
        raise ValidationError(f"{problems[0]['field']}: {problems[0]['message']}", validation_errors=problems[:20])


def _range(query: UsageStatsQuery, now: datetime) -> tuple[int, int]:
    """Hours since 1970, start inclusive and end exclusive, widened to whole hours or days."""
    step = 24 if query.granularity == "day" else 1
    for field, value in (("from", query.from_), ("to", query.to)):
        if value is not None and value.year not in _YEARS:
            raise _refused(field, "must be a year from 1970 to 2999")
    unit = HOUR * step
    end = (microseconds(now) // unit + 1) * step if query.to is None else -(-microseconds(query.to) // unit) * step
    default = end - _DEFAULT_HOURS[query.granularity]
    start = default if query.from_ is None else microseconds(query.from_) // unit * step
    if start >= end:
        raise _refused("from", "must be before 'to'")
    if end - start > _MOST_HOURS[query.granularity]:
        days = _MOST_HOURS[query.granularity] // 24
        raise _refused("from", f"the range may be at most {days} days with granularity={query.granularity}")
    return start, end


def _refused(field: str, message: str) -> QueryError:
    return QueryError(
        f"{field}: {message}", validation_errors=[{"field": field, "message": message, "code": "out_of_range"}]
    )


def _stats(
    counts: UsageCounts, reported: wire.ReportedUsage, start: int, end: int, query: UsageStatsQuery
) -> wire.UsageStats:
    step = 24 if query.granularity == "day" else 1
    requests = sum(count.requests for count in counts.hours)
    errors = sum(count.errors for count in counts.hours)
    latency = sum(count.latency_us for count in counts.hours)
    return wire.UsageStats(
        start=moment_of_hour(start),
        end=moment_of_hour(end),
        granularity=query.granularity,
        total_requests=requests,
        successful_requests=requests - errors,
        failed_requests=errors,
        average_latency_ms=_average(latency, requests) if requests else None,
        total_cost=reported.cost,
        requests_by_hour={hour_text(count.hour): count.requests for count in counts.hours},
        operations=[
            wire.UsageOperation(
                operation=count.operation,
                requests=count.requests,
                errors=count.errors,
                average_latency_ms=_average(count.latency_us, count.requests),
            )
            for count in counts.operations
        ],
        buckets=[_bucket(first, found) for first, found in _grouped(counts.hours, step).items()],
        reported=reported,
    )


def _grouped(hours: list[HourlyCount], step: int) -> dict[int, list[HourlyCount]]:
    groups: dict[int, list[HourlyCount]] = {}
    for count in hours:
        groups.setdefault(count.hour // step * step, []).append(count)
    return groups


def _bucket(first: int, found: list[HourlyCount]) -> wire.UsageBucket:
    requests = sum(count.requests for count in found)
    return wire.UsageBucket(
        start=moment_of_hour(first),
        requests=requests,
        errors=sum(count.errors for count in found),
        average_latency_ms=_average(sum(count.latency_us for count in found), requests),
    )


def _reported(totals: ReportedTotals) -> wire.ReportedUsage:
    whole, nanos = divmod(totals.cost_units * 1_000_000_000 + totals.cost_nanos, 1_000_000_000)
    known = f"{whole}.{nanos:09d}".rstrip("0").rstrip(".") if totals.with_cost else None
    complete = totals.records > 0 and totals.with_cost == totals.records
    return wire.ReportedUsage(
        records=totals.records,
        failures=totals.failures,
        input_tokens=totals.input_tokens,
        output_tokens=totals.output_tokens,
        cost=known if complete else None,
        known_cost=known,
        records_without_cost=totals.records - totals.with_cost,
    )


def _average(latency_us: int, requests: int) -> float:
    return round(latency_us / requests / 1000, 3) if requests else 0.0
