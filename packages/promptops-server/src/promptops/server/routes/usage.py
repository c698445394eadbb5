"""Usage and telemetry: ``/v1/client/usage`` and ``/v1/client/telemetry``."""

from __future__ import annotations

from types import NoneType

from promptops.server import wire
from promptops.server.calls import Call, Reply
from promptops.server.grants import Scope
from promptops.server.operations import NoQuery, operation
from promptops.server.queries import ProjectQuery, UsageStatsQuery

__all__ = ["USAGE"]


@operation(
    "usage_log",
    "POST",
    "/v1/client/usage/log",
    tag="usage",
    summary="Report usage that the server did not see itself, once for each batch id",
    scope=Scope.TELEMETRY,
    query=ProjectQuery,
    body=wire.UsageLogRequest,
    response=wire.UsageReceiptEnvelope,
    errors=(404, 422),
)
async def usage_log(call: Call[ProjectQuery, wire.UsageLogRequest]) -> Reply:
    """Store reported usage."""
    return call.reply(
        await call.services.usage.log(call.grant, call.body, project=call.query.project_id, now=call.visit.timestamp)
    )


@operation(
    "usage_stats",
    "GET",
    "/v1/client/usage/stats",
    tag="usage",
    summary="The requests of the key, counted by the server, and the usage it reported",
    scope=Scope.PROMPTS_READ,
    query=UsageStatsQuery,
    body=NoneType,
    response=wire.UsageStatsEnvelope,
    errors=(404, 422),
)
async def usage_stats(call: Call[UsageStatsQuery, None]) -> Reply:
    """Count."""
    return call.reply(await call.services.usage.stats(call.grant, call.query, now=call.visit.timestamp))


@operation(
    "usage_limits",
    "GET",
    "/v1/client/usage/limits",
    tag="usage",
    summary="The quotas of the key and what is left of them",
    scope=Scope.PROMPTS_READ,
    query=NoQuery,
    body=NoneType,
    response=wire.UsageLimitsEnvelope,
)
async def usage_limits(call: Call[NoQuery, None]) -> Reply:
    """Tell the limits."""
    return call.reply(call.services.usage.limits(call.grant))


@operation(
    "telemetry_ingest",
    "POST",
    "/v1/client/telemetry",
    tag="telemetry",
    summary="Store the events of a client, once for each batch id",
    scope=Scope.TELEMETRY,
    query=NoQuery,
    body=wire.TelemetryBatch,
    response=wire.TelemetryReceiptEnvelope,
    errors=(422,),
)
async def telemetry_ingest(call: Call[NoQuery, wire.TelemetryBatch]) -> Reply:
    """Store events."""
    return call.reply(await call.services.telemetry.ingest(call.grant, call.body, now=call.visit.timestamp))


USAGE = (usage_log, usage_stats, usage_limits, telemetry_ingest)
