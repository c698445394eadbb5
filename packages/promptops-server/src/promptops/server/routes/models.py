"""The model catalogue, and which prompts suit which models: ``/v1/client/models``."""

from __future__ import annotations

from types import NoneType
from typing import Final

from promptops.server import wire
from promptops.server.calls import Call, Reply
from promptops.server.grants import Scope
from promptops.server.operations import operation
from promptops.server.queries import ModelListQuery, ProjectQuery

__all__ = ["MODELS"]

_IF_NONE_MATCH: Final = ("If-None-Match", "Answer 304 when the list still has this ETag.")


@operation(
    "models_list",
    "GET",
    "/v1/client/models",
    tag="models",
    summary="List the models of the catalogue, by provider and name",
    scope=Scope.PROMPTS_READ,
    query=ModelListQuery,
    body=NoneType,
    response=wire.ModelListEnvelope,
    errors=(422,),
    headers=(_IF_NONE_MATCH,),
)
async def models_list(call: Call[ModelListQuery, None]) -> Reply:
    """List models."""
    found, tag = call.services.models.list(call.query)
    return call.conditional(found, tag)


@operation(
    "models_compatibility",
    "POST",
    "/v1/client/models/compatibility",
    tag="models",
    summary="Whether a prompt suits one or several models, and what speaks against it",
    scope=Scope.PROMPTS_READ,
    query=ProjectQuery,
    body=wire.CompatibilityRequest,
    response=wire.CompatibilityEnvelope,
    errors=(404, 422),
)
async def models_compatibility(call: Call[ProjectQuery, wire.CompatibilityRequest]) -> Reply:
    """Analyse without calling any model."""
    return call.reply(await call.services.models.compatibility(call.grant, call.body, project=call.query.project_id))


MODELS = (models_list, models_compatibility)
