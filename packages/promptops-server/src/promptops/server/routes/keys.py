"""API keys: ``/v1/client/auth``."""

from __future__ import annotations

from types import NoneType

from msgspec import structs
from promptops.core.errors import ConflictError
from promptops.server import wire
from promptops.server.calls import Call, Reply
from promptops.server.errors import error_reply
from promptops.server.grants import Scope
from promptops.server.idempotency import Once
from promptops.server.operations import IDEMPOTENCY_KEY, NoQuery, operation
from promptops.server.queries import ApiKeyListQuery

__all__ = ["KEYS"]


@operation(
    "api_keys_create",
    "POST",
    "/v1/client/auth/api-keys",
    tag="auth",
    summary="Create a key that grants no more than the caller's; its secrets are shown this once",
    scope=Scope.ADMIN,
    query=NoQuery,
    body=wire.ApiKeyCreate,
    response=wire.ApiKeyCreatedEnvelope,
    status=201,
    errors=(404, 409, 422),
    headers=(IDEMPOTENCY_KEY,),
)
async def api_keys_create(call: Call[NoQuery, wire.ApiKeyCreate]) -> Reply:
    """Create a key."""
    return call.reply(await call.services.keys.create(call.grant, call.body, once=_once_without_secrets(call)))


@operation(
    "api_keys_list",
    "GET",
    "/v1/client/auth/api-keys",
    tag="auth",
    summary="List the keys whose projects the caller holds all of, newest first and without secrets",
    scope=Scope.ADMIN,
    query=ApiKeyListQuery,
    body=NoneType,
    response=wire.ApiKeyListEnvelope,
    errors=(404, 422),
)
async def api_keys_list(call: Call[ApiKeyListQuery, None]) -> Reply:
    """List keys."""
    return call.reply(await call.services.keys.list(call.grant, call.query))


@operation(
    "api_keys_revoke",
    "DELETE",
    "/v1/client/auth/api-keys/{key_id:str}",
    tag="auth",
    summary="Make a key useless, at once and for good",
    scope=Scope.ADMIN,
    query=NoQuery,
    body=NoneType,
    response=wire.ApiKeyRevokedEnvelope,
    errors=(404, 422),
    headers=(IDEMPOTENCY_KEY,),
)
async def api_keys_revoke(call: Call[NoQuery, None]) -> Reply:
    """Revoke a key by its public id."""
    return call.reply(await call.services.keys.revoke(call.grant, call.path["key_id"], once=call.once))


@operation(
    "auth_validate",
    "POST",
    "/v1/client/auth/validate",
    tag="auth",
    summary="What the presented key is good for; a key that is not valid gets 401",
    scope=None,
    query=NoQuery,
    body=NoneType,
    response=wire.ApiKeyValidityEnvelope,
)
async def auth_validate(call: Call[NoQuery, None]) -> Reply:
    """Tell what the key of this request grants."""
    return call.reply(await call.services.keys.validity(call.grant))


def _once_without_secrets(call: Call[NoQuery, wire.ApiKeyCreate]) -> Once | None:
    """A repetition cannot get the first answer: its secrets are stored nowhere."""
    once = call.once
    if once is None:
        return None

    def encode(created: wire.ApiKey) -> bytes:
        told = ConflictError(
            f"Key '{created.id}' was made with this Idempotency-Key and its secrets were told then; if that answer was"
            " lost, revoke it and make another with a new Idempotency-Key."
        )
        return error_reply(told, call.visit).body

    return structs.replace(once, status=409, encode=encode)


KEYS = (api_keys_create, api_keys_list, api_keys_revoke, auth_validate)
