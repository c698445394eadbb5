"""Whether the server works."""

from __future__ import annotations

from types import NoneType

from promptops.server.calls import Call, Reply
from promptops.server.operations import NoQuery, operation
from promptops.server.wire import HealthEnvelope

__all__ = ["HEALTH"]


@operation(
    "health_get",
    "GET",
    "/v1/client/health",
    tag="health",
    summary="Whether the server and its database work",
    scope=None,
    needs_key=False,
    query=NoQuery,
    body=NoneType,
    response=HealthEnvelope,
)
async def health_get(call: Call[NoQuery, None]) -> Reply:
    """Answer without a key too; the version is told only to callers who have one."""
    return call.reply(await call.services.health.check(with_version=call.visit.grant is not None))


HEALTH = (health_get,)
