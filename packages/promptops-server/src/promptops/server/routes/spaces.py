"""Spaces, which are projects: ``/v2/spaces``."""

from __future__ import annotations

from types import NoneType

from promptops.server import wire
from promptops.server.calls import Call, Reply
from promptops.server.grants import Scope
from promptops.server.operations import NoQuery, operation
from promptops.server.queries import SpaceListQuery

__all__ = ["SPACES"]


@operation(
    "spaces_list",
    "GET",
    "/v2/spaces",
    tag="spaces",
    summary="List the spaces of the key",
    scope=Scope.EXPERIMENTS,
    query=SpaceListQuery,
    body=NoneType,
    response=wire.SpaceList,
    errors=(400, 404),
)
async def spaces_list(call: Call[SpaceListQuery, None]) -> Reply:
    """List spaces."""
    return call.reply(await call.services.spaces.list(call.grant, call.query))


@operation(
    "spaces_get",
    "GET",
    "/v2/spaces/{space_id:str}",
    tag="spaces",
    summary="Get a space",
    scope=Scope.EXPERIMENTS,
    query=NoQuery,
    body=NoneType,
    response=wire.Space,
    errors=(400, 404),
)
async def spaces_get(call: Call[NoQuery, None]) -> Reply:
    """Get a space by id or name."""
    return call.reply(await call.services.spaces.get(call.grant, call.path["space_id"]))


SPACES = (spaces_list, spaces_get)
