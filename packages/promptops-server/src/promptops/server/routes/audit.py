"""The record of writes: ``/v1/client/audit``."""

from __future__ import annotations

from types import NoneType

from promptops.server import wire
from promptops.server.calls import Call, Reply
from promptops.server.grants import Scope
from promptops.server.operations import operation
from promptops.server.queries import AuditQuery

__all__ = ["AUDIT"]


@operation(
    "audit_list",
    "GET",
    "/v1/client/audit",
    tag="audit",
    summary="List writes, newest first: who did what to which thing, when",
    scope=Scope.ADMIN,
    query=AuditQuery,
    body=NoneType,
    response=wire.AuditListEnvelope,
    errors=(404, 422),
)
async def audit_list(call: Call[AuditQuery, None]) -> Reply:
    """List writes."""
    return call.reply(await call.services.audit.list(call.grant, call.query))


AUDIT = (audit_list,)
